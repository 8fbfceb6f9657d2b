/* automark-sandbox - a SendKit of our own, on loopback, for tests and for trying out.
 *
 *     automark-sandbox [--listen 127.0.0.1:PORT] [--key KEY] [--secret SECRET]
 *                      [--port-file FILE] [--seconds N] [--with-parent]
 *
 * /v1/... behaves like SendKit's API (api.c); /_sandbox/... is the control interface
 * (control.c). Bodies and answers are JSON objects; all members are optional unless
 * said otherwise.
 *
 *   POST /_sandbox/conversations  {id, workspace, email, firstName, lastName, companyName,
 *                                  campaign:{_id,name}, tags, aiTag, count: N}
 *                                  or {conversations:[...]} -> {conversations:[{id,leadId,email}]}
 *   POST /_sandbox/reply          a lead replies: {conversation (needed), event | events[],
 *                                  subject, text, html, isAutoReply, aiTag, messageId, receivedAt,
 *                                  shape, sign: sendkit|webhook|both|none, times: N,
 *                                  deliver: false (thread only), wait: false}
 *                                  or {replies:[...], wait} -> {replies:[facts], deliveries:[
 *                                  {webhook,event,status,answer,attempts,delivered,ms}]}
 *   POST /_sandbox/deliver        {facts | payload | body (to the letter), event(s), shape, sign,
 *                                  times, workspace, wait}: a webhook without a reply
 *   POST /_sandbox/sent           we write to the lead: {conversation, subject, body}
 *   POST /_sandbox/webhooks       as POST /v1/webhooks, with --secret when none is given
 *   POST /_sandbox/trouble        {method, path (PREFIX* too), whenId, skip: N, times: N (0: for
 *                                  ever), latencyMs (before it is applied), lateMs (after),
 *                                  status, message, headers:{}, body, contentType,
 *                                  reply: malformed|huge|html|success-false|empty|no-modified|
 *                                  truncated, hugeBytes, drop: before|after, apply: bool}
 *                                  or {trouble:[...]}. The first entry that fits is used; entries
 *                                  with latency alone add up. GET lists, DELETE clears.
 *   POST /_sandbox/keys           {key, workspace, revoke: true}
 *   POST /_sandbox/settings       {rateLimit:{limit,windowMs,enforce,style: ietf|x|both},
 *                                  signature: sendkit|webhook|both|none, retryDelayMs,
 *                                  emptyPages: true}
 *   POST /_sandbox/reset          as freshly started
 *   GET  /_sandbox/calls?after=N&path=P    every API call: {n, at, method, path, query, headers,
 *                                  body, status (0: dropped), applied, ms}
 *   GET  /_sandbox/deliveries?after=N      every attempt: {n, at, webhook, url, event, attempt,
 *                                  status, ms, answer, payload}
 *   GET  /_sandbox/counters       calls by route, maxInFlight, deliveries, unread conversations
 *   GET  /_sandbox/state          {ID: {isRead, unreadCount, replies, aiTag, tags, dnc,
 *                                  namedInMarkRead, timesRead, timesUnread, workspace, email}}
 *   GET  /_sandbox/shapes         names of the payload shapes (payload.c)
 */
#include <curl/curl.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "access.h"
#include "api.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "calls.h"
#include "control.h"
#include "deliver.h"
#include "hooks.h"
#include "http.h"
#include "inbox.h"
#include "sandbox.h"
#include "timers.h"
#include "trouble.h"

static const char usage[] =
    "usage: automark-sandbox [--listen 127.0.0.1:PORT] [--key KEY] [--secret SECRET]\n"
    "                        [--port-file FILE] [--seconds N] [--with-parent]\n";

struct options {
    const char *listen, *key, *secret, *port_file;
    long seconds;
    bool with_parent;
};

/* ---- from the HTTP server to the two interfaces ------------------------------------------ */

struct api_state {
    struct fate fate;
    bool ended;
};

static bool is_control(const struct request *r)
{
    return strncmp(r->path, "/_sandbox/", 10) == 0;
}

static int64_t on_arrived(void *ctx, struct request *r)
{
    struct sandbox *sb = ctx;
    if (is_control(r))
        return 0;
    struct api_state *state = xcalloc(1, sizeof(*state));
    r->app = state;
    calls_begin(sb->calls, r);
    trouble_choose(sb->trouble, r, &state->fate);
    return state->fate.latency_ms;
}

static void on_handle(void *ctx, struct request *r)
{
    struct sandbox *sb = ctx;
    if (is_control(r)) {
        control_handle(sb, r);
        return;
    }
    const struct api_state *state = r->app;
    if (state->fate.apply)
        api_handle(sb, r);
    else
        access_count_call(sb->access, r);
    if (!r->suspended)
        fate_apply(&state->fate, r);
}

void api_finished(struct sandbox *sb, struct request *r)
{
    (void)sb;
    const struct api_state *state = r->app;
    fate_apply(&state->fate, r);
    http_resume(r);
}

static void end_call(struct sandbox *sb, struct request *r, unsigned status)
{
    struct api_state *state = r->app;
    if (!state || state->ended)
        return;
    state->ended = true;
    calls_end(sb->calls, r, status, state->fate.apply);
}

static void on_answered(void *ctx, struct request *r)
{
    end_call(ctx, r, r->resp.drop ? 0 : r->resp.status);
}

static void on_done(void *ctx, struct request *r)
{
    struct api_state *state = r->app;
    end_call(ctx, r, 0); /* the client went away while it waited */
    if (state)
        fate_done(&state->fate);
    free(state);
}

/* ---- start ------------------------------------------------------------------------------------
 */

static bool read_options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = { { "listen", required_argument, NULL, 'l' },
                                           { "key", required_argument, NULL, 'k' },
                                           { "secret", required_argument, NULL, 's' },
                                           { "port-file", required_argument, NULL, 'p' },
                                           { "seconds", required_argument, NULL, 't' },
                                           { "with-parent", no_argument, NULL, 'w' },
                                           { NULL, 0, NULL, 0 } };
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 'l':
            o->listen = optarg;
            break;
        case 'k':
            o->key = optarg;
            break;
        case 's':
            o->secret = optarg;
            break;
        case 'p':
            o->port_file = optarg;
            break;
        case 't':
            o->seconds = strtol(optarg, NULL, 10);
            break;
        case 'w':
            o->with_parent = true;
            break;
        default:
            return false;
        }
    }
    return optind == argc && strncmp(o->key, "sk_", 3) == 0;
}

/* Written under another name first: whoever sees the file sees all of it. */
static void write_port_file(const char *path, unsigned port)
{
    scoped(freep) char *part = xasprintf("%s.part", path);
    FILE *f = fopen(part, "we");
    if (f) {
        fprintf(f, "%u\n", port);
        fclose(f);
    }
    if (!f || rename(part, path) != 0)
        fprintf(stderr, "automark-sandbox: cannot write %s: %m\n", path);
}

/* Until SIGTERM or SIGINT, or the seconds are over (0: no end). */
static void wait_for_end(const sigset_t *signals, long seconds)
{
    const struct timespec limit = { .tv_sec = seconds };
    if (seconds > 0)
        sigtimedwait(signals, NULL, &limit);
    else
        sigwaitinfo(signals, NULL);
}

static void sandbox_init(struct sandbox *sb, const struct options *o)
{
    sb->timers = timers_new();
    sb->inbox = inbox_new();
    sb->hooks = hooks_new();
    sb->deliver = deliver_new(sb->timers);
    sb->trouble = trouble_new();
    sb->calls = calls_new();
    sb->access = access_new(o->key);
    sb->secret = o->secret;
    sb->signature = SIGN_SENDKIT;
}

int main(int argc, char **argv)
{
    struct options o = { .listen = "127.0.0.1:0",
                         .key = "sk_sandbox",
                         .secret = "sandbox-webhook-secret-of-32-bytes" };
    if (!read_options(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (o.with_parent)
        prctl(PR_SET_PDEATHSIG, SIGTERM);
    curl_global_init(CURL_GLOBAL_DEFAULT);

    static struct sandbox sb;
    sandbox_init(&sb, &o);
    const struct http_app app = { .ctx = &sb,
                                  .arrived = on_arrived,
                                  .handle = on_handle,
                                  .answered = on_answered,
                                  .done = on_done };
    const struct http_server *server = http_start(o.listen, &app, sb.timers);
    if (!server)
        return 3;
    if (o.port_file)
        write_port_file(o.port_file, http_port(server));
    printf("automark-sandbox listens on http://127.0.0.1:%u\n", http_port(server));
    fflush(stdout);
    wait_for_end(&signals, o.seconds);
    _exit(0); /* all there is lives in memory; threads need no goodbye */
}
