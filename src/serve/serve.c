#include "serve/serve.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "config.h"
#include "serve/admin.h"
#include "serve/intake.h"
#include "serve/listener.h"
#include "serve/live_rules.h"
#include "serve/sender.h"
#include "store/store.h"

#define TICK_MS 500           /* between two looks at the rules' files and the store's health */
#define ANSWER_WAIT_MS 5000   /* for requests in flight when stopping */
#define UNREAD_LATE_MS 600000 /* a late unread job is said after this */

struct parts {
    struct config *cfg;
    struct store *store;
    struct live_rules *rules;
    struct sender *sender;
    struct intake *intake;
    struct listener *listener;
    struct admin *admin;
    int signals;
};

/* ---- what /readyz says ------------------------------------------------------------------ */

static void warn_store(const struct store_stats *s, struct json_object *warnings)
{
    if (s->words[0])
        json_push_str(warnings, s->words);
    if (s->late_unread_ms < UNREAD_LATE_MS)
        return;
    scoped(freep) char *words =
        xasprintf("a kept reply is not unread again at SendKit since %lld minutes",
                  (long long)(s->late_unread_ms / 60000));
    json_push_str(warnings, words);
}

static void warn_lane(const struct sender_health *h, struct json_object *warnings)
{
    if (h->mode == SENDER_RUNNING)
        return;
    scoped(freep) char *words =
        xasprintf("workspace %s: sending is %s%s%s%s", h->workspace, sender_mode_name(h->mode),
                  h->words[0] ? " (" : "", h->words, h->words[0] ? ")" : "");
    json_push_str(warnings, words);
}

static void warn_sender(const struct parts *p, struct json_object *warnings)
{
    const size_t max = p->cfg->nworkspaces;
    struct sender_health *list = xcalloc(max, sizeof(*list));
    const size_t n = sender_state(p->sender, list, max);
    for (size_t i = 0; i < n && i < max; i++)
        warn_lane(&list[i], warnings);
    free(list);
}

static void put_numbers(struct json_object *o, const struct store_stats *s,
                        const struct intake_stats *in)
{
    struct json_object *n = json_new_object();
    json_put_int(n, "events", (int64_t)s->events);
    json_put_int(n, "duplicates", (int64_t)s->duplicates);
    json_put_int(n, "queued", (int64_t)s->queued);
    json_put_int(n, "parked", (int64_t)s->parked);
    json_put_int(n, "kept", (int64_t)s->kept);
    json_put_int(n, "shadow", (int64_t)s->shadow);
    json_put_int(n, "ignored", (int64_t)in->ignored);
    json_put_int(n, "unauthorized", (int64_t)in->unauthorized);
    json_put_int(n, "malformed", (int64_t)in->malformed);
    json_put_int(n, "refused", (int64_t)in->refused);
    json_put_int(n, "limited", (int64_t)in->limited);
    json_put_int(n, "not_recorded", (int64_t)(s->not_recorded + in->not_recorded));
    json_put(o, "since_start", n);
}

/* 503 only when events cannot be stored: anything else would unroute the listener and
 * lose events for a trouble that the queue outlives. */
static bool ready(void *ctx, struct json_object *o)
{
    struct parts *p = ctx;
    struct store_stats s;
    struct intake_stats in;
    store_stats(p->store, &s);
    intake_stats(p->intake, &in);
    const bool can_store = !s.broken && !s.disk_low;
    json_put_str(o, "status", can_store ? "ready" : "not ready");
    struct json_object *warnings = json_new_array();
    json_put(o, "warnings", warnings);
    warn_store(&s, warnings);
    live_rules_warn(p->rules, warnings);
    warn_sender(p, warnings);
    put_numbers(o, &s, &in);
    return can_store;
}

/* ---- coming up ----------------------------------------------------------------------------- */

/* Keys and secrets stay out of core dumps and of other processes' reach; a closed pipe
 * or a file size limit is an error to handle, not an end. */
static void harden(void)
{
    const struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    umask(0077);
}

/* Blocked before the first thread starts, so that every thread inherits it. */
static int take_signals(struct error *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    const int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return fd >= 0 ? fd : error_sys(err, errno, "listening for signals");
}

static int open_store(struct parts *p, struct error *err)
{
    const struct store_config sc = {
        .url = p->cfg->store,
        .retention_ms = p->cfg->retention_ms,
        .ballast_bytes = -1,
    };
    p->store = store_open(&sc, err);
    if (!p->store)
        err->kind = ERR_FATAL; /* no mistake in a rule, whatever it is */
    return p->store ? 0 : -1;
}

/* The keys as they are now, for a start or a reload; released by the caller. */
struct lanes {
    struct sender_lane *list;
    struct workspace_secrets **secrets;
    size_t count;
};

static void lanes_init(struct lanes *l, const struct config *cfg)
{
    l->list = xcalloc(cfg->nworkspaces, sizeof(*l->list));
    l->secrets = xcalloc(cfg->nworkspaces, sizeof(*l->secrets));
    for (l->count = 0; l->count < cfg->nworkspaces; l->count++) {
        const struct workspace_config *w = &cfg->workspaces[l->count];
        struct workspace_secrets *s = workspace_secrets(w);
        l->secrets[l->count] = s;
        l->list[l->count] = (struct sender_lane){
            .workspace = w->name,
            .api_url = w->api_url,
            .key = s->api_key,
            .workspace_id = w->workspace_id,
            .batch = w->send.batch,
            .max_in_flight = (unsigned)w->send.max_in_flight,
            .give_up_ms = w->send.give_up_ms,
            .settle_ms = w->settle_ms,
            .paused = w->mode != MODE_LIVE,
        };
    }
}

static void lanes_done(struct lanes *l)
{
    for (size_t i = 0; i < l->count; i++)
        workspace_secrets_unref(l->secrets[i]);
    free(l->secrets);
    free(l->list);
}

static int start_sender(struct parts *p, struct error *err)
{
    scoped(lanes_done) struct lanes l = { .list = NULL };
    lanes_init(&l, p->cfg);
    const struct sender_config sc = { .lanes = l.list, .count = l.count };
    p->sender = sender_new(&sc, p->store, err);
    return p->sender ? 0 : -1;
}

static int start_listener(struct parts *p, struct error *err)
{
    p->intake = intake_new(p->cfg, p->rules, p->store);
    const struct listener_handler h = intake_handler(p->intake);
    const struct listener_config lc = { .address = p->cfg->listen, .max_body = p->cfg->max_body };
    p->listener = listener_new(&lc, &h, err);
    return p->listener ? 0 : -1;
}

static struct json_object *rules_of(void *ctx, const char *workspace, struct error *err)
{
    const struct parts *p = ctx;
    return live_rules_json(p->rules, workspace, err);
}

static int start_admin(struct parts *p, struct error *err)
{
    const struct config_admin *a = &p->cfg->admin;
    const struct admin_config ac = {
        .socket = a->socket,
        .group = a->group,
        .listen = a->listen,
        .token = a->token,
        .open = (const char *const *)a->open,
        .nopen = a->nopen,
    };
    const struct admin_handler h = {
        .ctx = p, .store = p->store, .ready = ready, .rules = rules_of
    };
    p->admin = admin_new(&ac, &h, err);
    return p->admin ? 0 : -1;
}

static void say_start(const struct parts *p)
{
    for (size_t i = 0; i < p->cfg->nnotices; i++)
        log_info(p->cfg->notices[i]);
    for (size_t i = 0; i < p->cfg->nworkspaces; i++) {
        const struct workspace_config *w = &p->cfg->workspaces[i];
        scoped(freep) char *hook = xasprintf("/hooks/%s", w->name);
        log_info("workspace", LOG_STR("workspace", w->name), LOG_STR("hook", hook),
                 LOG_STR("mode", workspace_mode_name(w->mode)), LOG_STR("api", w->api_url),
                 LOG_STR("key", workspace_api_key_source(w)),
                 LOG_STR("signature", w->verify->none ? "none" : w->verify->preset));
    }
    log_info("listening", LOG_STR("address", listener_address(p->listener)),
             LOG_STR("store", p->cfg->store), LOG_STR("admin", p->cfg->admin.socket),
             LOG_STR("admin_tcp", admin_address(p->admin)), LOG_STR("version", AUTOMARK_VERSION));
}

static int come_up(struct parts *p, struct error *err)
{
    if (open_store(p, err) < 0)
        return -1;
    p->rules = live_rules_new(p->cfg, p->store, err);
    if (!p->rules || start_sender(p, err) < 0 || start_listener(p, err) < 0 ||
        start_admin(p, err) < 0)
        return -1;
    say_start(p);
    return 0;
}

/* The sender finishes its call in flight before the store closes; see listener_free. */
static void go_down(struct parts *p)
{
    admin_free(p->admin);
    listener_free(p->listener, ANSWER_WAIT_MS);
    intake_free(p->intake);
    sender_free(p->sender);
    live_rules_free(p->rules);
    store_close(p->store);
    closep(&p->signals);
}

/* ---- running -------------------------------------------------------------------------------- */

static void reload_secrets(struct parts *p)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    struct secrets_report report = { 0 };
    if (config_reload_secrets(p->cfg, &report, &d) < 0) {
        diags_print(&d, stderr);
        log_error("secrets not reloaded: the old ones stay",
                  LOG_STR("mistake", d.count ? d.list[0].msg : NULL));
        return;
    }
    log_info("secrets read again", LOG_INT("files", report.read),
             LOG_INT("changed", report.changed), LOG_INT("need_restart", report.fixed));
    scoped(lanes_done) struct lanes l = { .list = NULL };
    lanes_init(&l, p->cfg);
    struct error err = ERROR_INIT;
    if (sender_reload(p->sender, l.list, l.count, &err) < 0)
        log_error("keys not taken over: the old ones stay", LOG_STR("error", err.msg));
}

/* False when it is time to stop. */
static bool on_signal(struct parts *p)
{
    struct signalfd_siginfo info;
    while (read(p->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        if (info.ssi_signo != SIGHUP) {
            log_info("stopping", LOG_STR("signal", info.ssi_signo == SIGTERM ? "TERM" : "INT"));
            return false;
        }
        log_info("reloading", LOG_STR("signal", "HUP"));
        reload_secrets(p);
        live_rules_reload(p->rules);
    }
    return true;
}

static int run(struct parts *p, struct error *err)
{
    for (;;) {
        struct pollfd fd = { .fd = p->signals, .events = POLLIN };
        if (poll(&fd, 1, TICK_MS) > 0 && !on_signal(p))
            return 0;
        if (p->cfg->watch && live_rules_changed(p->rules))
            live_rules_reload(p->rules);
        struct store_stats s;
        store_stats(p->store, &s);
        if (s.broken)
            return error_set(err, ERR_FATAL, "the store is broken: %s", s.words);
    }
}

int serve_run(struct config *cfg, struct error *err)
{
    struct parts p = { .cfg = cfg, .signals = -1 };
    harden();
    p.signals = take_signals(err);
    int rc = p.signals >= 0 && come_up(&p, err) == 0 ? 0 : -1;
    if (rc == 0)
        rc = run(&p, err);
    go_down(&p);
    if (rc == 0)
        log_info("stopped");
    return rc;
}
