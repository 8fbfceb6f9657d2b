/* cmd_queue.c - automark queue: asks the running daemon, or opens the store itself. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/reach.h"
#include "serve/queue_api.h"

static const char usage[] =
    "usage: automark queue list    [FILTER...] [--limit N] [--after ID]\n"
    "       automark queue show    ID\n"
    "       automark queue retry   ID|FILTER... [--apply]    failed jobs, once more\n"
    "       automark queue cancel  ID|FILTER... [--apply]    pending and parked jobs\n"
    "       automark queue release ID|FILTER... [--apply]    parked jobs, to be sent\n"
    "       automark queue stats\n"
    "\n"
    "  --workspace W  --rule R  --conversation C  --kind read|unread\n"
    "  --state pending|sending|done|failed|cancelled|parked     which jobs\n"
    "  --apply              change them; without it only says how many would be changed\n"
    "  --because TEXT       written into the jobs that are changed\n"
    "  --format text|json   how to print (default: text)\n"
    "  --store URL, --config FILE, --socket PATH     where the queue is (default: as serve)\n"
    "\n"
    "Asks the daemon through its socket while one runs; opens the store itself when not.\n";

struct options {
    struct queue_request request;
    struct whereabouts_options where;
    char *values[8]; /* as given, for the daemon */
    bool json;
};

/* The parameters that go to the daemon unchanged, and their options. */
static const char *const params[] = { "workspace", "rule",  "conversation", "kind",
                                      "state",     "limit", "after",        "because" };

enum { OPT_PARAM = 256, OPT_APPLY = 300, OPT_FORMAT, OPT_STORE, OPT_CONFIG, OPT_SOCKET, OPT_HELP };

static const struct option longs[] = {
    { "workspace", required_argument, NULL, OPT_PARAM },
    { "rule", required_argument, NULL, OPT_PARAM + 1 },
    { "conversation", required_argument, NULL, OPT_PARAM + 2 },
    { "kind", required_argument, NULL, OPT_PARAM + 3 },
    { "state", required_argument, NULL, OPT_PARAM + 4 },
    { "limit", required_argument, NULL, OPT_PARAM + 5 },
    { "after", required_argument, NULL, OPT_PARAM + 6 },
    { "because", required_argument, NULL, OPT_PARAM + 7 },
    { "apply", no_argument, NULL, OPT_APPLY },
    { "format", required_argument, NULL, OPT_FORMAT },
    { "store", required_argument, NULL, OPT_STORE },
    { "config", required_argument, NULL, OPT_CONFIG },
    { "socket", required_argument, NULL, OPT_SOCKET },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

/* ---- options --------------------------------------------------------------------------- */

static int take_option(struct options *o, int c, struct error *err)
{
    if (c >= OPT_PARAM && c < OPT_PARAM + (int)ARRAY_LEN(params)) {
        o->values[c - OPT_PARAM] = optarg;
        return queue_param(&o->request, params[c - OPT_PARAM], optarg, err);
    }
    if (c == OPT_APPLY)
        o->request.apply = true;
    else if (c == OPT_STORE)
        o->where.store = optarg;
    else if (c == OPT_CONFIG)
        o->where.config = optarg;
    else if (c == OPT_SOCKET)
        o->where.socket = optarg;
    else if (c == OPT_FORMAT && strcmp(optarg, "json") == 0)
        o->json = true;
    else if (c == OPT_FORMAT && strcmp(optarg, "text") != 0)
        return error_set(err, ERR_INPUT, "--format is '%s': text or json would be right", optarg);
    return 0;
}

static bool names_jobs(const struct options *o)
{
    const struct job_filter *f = &o->request.filter;
    return f->id || f->workspace || f->rule || f->conversation || f->state >= 0 || f->kind >= 0;
}

/* The operation and, perhaps, an id: what is left after the options. */
static int take_words(struct options *o, int argc, char **argv)
{
    struct error err = ERROR_INIT;
    if (optind >= argc)
        return cli_usage(usage, "queue: which of list, show, retry, cancel, release, stats?");
    o->request.op = queue_op_by_name(argv[optind]);
    if (o->request.op == QUEUE_OP_COUNT)
        return cli_usage(usage, "queue: there is no '%s'", argv[optind]);
    if (argc - optind > 2)
        return cli_usage(usage, "queue: one id at a time, '%s' is too much", argv[optind + 2]);
    if (argc - optind == 2 && queue_param(&o->request, "id", argv[optind + 1], &err) < 0)
        return cli_usage(usage, "queue: %s", err.msg);
    if (o->request.op == QUEUE_SHOW && !o->request.filter.id)
        return cli_usage(usage, "queue show: which id?");
    const bool change = o->request.op == QUEUE_RETRY || o->request.op == QUEUE_CANCEL ||
                        o->request.op == QUEUE_RELEASE;
    if (change && !names_jobs(o))
        return cli_usage(usage, "queue %s: which jobs? an id, or a filter",
                         queue_op_name(o->request.op));
    return EXIT_FINE;
}

/* ---- asking ------------------------------------------------------------------------------ */

struct question {
    const struct options *o;
    struct json_object *answer;
};

static enum admin_reach ask_daemon(void *ctx, const char *socket, struct error *err)
{
    struct question *q = ctx;
    const struct options *o = q->o;
    struct admin_param list[ARRAY_LEN(params) + 3] = { 0 };
    size_t n = 0;
    char id[24], path[64];
    for (size_t i = 0; i < ARRAY_LEN(params); i++)
        list[n++] = (struct admin_param){ params[i], o->values[i] };
    snprintf(id, sizeof(id), "%lld", (long long)o->request.filter.id);
    if (o->request.filter.id)
        list[n++] = (struct admin_param){ "id", id };
    if (o->request.apply)
        list[n++] = (struct admin_param){ "apply", "true" };
    const bool change = o->request.op == QUEUE_RETRY || o->request.op == QUEUE_CANCEL ||
                        o->request.op == QUEUE_RELEASE;
    snprintf(path, sizeof(path), "/api/queue/%s", queue_op_name(o->request.op));
    return admin_ask(socket, change ? "POST" : "GET", path, list, &q->answer, err);
}

static int ask_store(void *ctx, struct store *st, struct error *err)
{
    struct question *q = ctx;
    q->answer = queue_run(st, &q->o->request, err);
    return q->answer ? 0 : -1;
}

static struct json_object *ask(const struct options *o, struct error *err)
{
    static const struct reach_ways ways = { ask_daemon, ask_store };
    scoped(whereabouts_done) struct whereabouts where = { .store = NULL };
    struct question q = { .o = o };
    if (whereabouts_find(&o->where, &where, err) < 0 || reach(&where, &ways, &q, err) < 0)
        return NULL;
    return q.answer;
}

/* ---- printing ------------------------------------------------------------------------------ */

static const char *text_of(const struct json_object *o, const char *key)
{
    const char *s = json_str(json_get(o, key), NULL);
    return s ? s : "-";
}

static int64_t number_of(const struct json_object *o, const char *key)
{
    int64_t n = 0;
    json_int(json_get(o, key), &n);
    return n;
}

static void print_jobs(const struct json_object *jobs)
{
    const size_t n = json_count(jobs);
    if (n)
        printf("%-8s %-6s %-9s %-12s %-26s %-20s %s\n", "ID", "KIND", "STATE", "WORKSPACE",
               "CONVERSATION", "RULE", "NOTE");
    for (size_t i = 0; i < n; i++) {
        const struct json_object *j = json_item(jobs, i);
        printf("%-8lld %-6s %-9s %-12s %-26s %-20s %s\n", (long long)number_of(j, "id"),
               text_of(j, "kind"), text_of(j, "state"), text_of(j, "workspace"),
               text_of(j, "conversation"), text_of(j, "rule"), text_of(j, "note"));
    }
    printf("%zu job%s\n", n, n == 1 ? "" : "s");
}

static bool print_pair(void *ctx, const char *key, struct json_object *value)
{
    (void)ctx;
    const char *s = json_str(value, NULL);
    int64_t n = 0;
    if (s)
        printf("%-14s %s\n", key, s);
    else if (json_int(value, &n))
        printf("%-14s %lld\n", key, (long long)n);
    return true;
}

static bool print_kind(void *ctx, const char *key, struct json_object *states)
{
    if (json_kind(states) != JSON_OBJECT)
        return print_pair(ctx, key, states);
    printf("%s\n", key);
    json_each(states, print_pair, NULL);
    return true;
}

static void print_change(const struct options *o, const struct json_object *answer)
{
    const long long count = (long long)number_of(answer, "count");
    const long long kept = (long long)number_of(answer, "kept");
    printf("%lld job%s %s\n", count, count == 1 ? "" : "s",
           o->request.apply ? "changed" : "would be changed; --apply does it");
    if (kept)
        printf("%lld cancelled instead: their conversations hold a reply that was kept\n", kept);
}

static void print_answer(const struct options *o, const struct json_object *answer)
{
    if (o->json)
        cli_print_json(answer);
    else if (o->request.op == QUEUE_LIST)
        print_jobs(json_get(answer, "jobs"));
    else if (o->request.op == QUEUE_SHOW)
        json_each(json_get(answer, "job"), print_pair, NULL);
    else if (o->request.op == QUEUE_STATS)
        json_each(answer, print_kind, NULL);
    else
        print_change(o, answer);
}

int cmd_queue(int argc, char **argv)
{
    struct options o = { .request = QUEUE_REQUEST_INIT };
    struct error err = ERROR_INIT;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == OPT_HELP || c == 'h')
            return cli_help(usage);
        if (c == '?' || c == ':')
            return cli_bad_option(usage, argv);
        if (take_option(&o, c, &err) < 0)
            return cli_usage(usage, "queue: %s", err.msg);
    }
    const int words = take_words(&o, argc, argv);
    if (words != EXIT_FINE)
        return words;
    scoped(json_freep) struct json_object *answer = ask(&o, &err);
    if (!answer)
        return cli_trouble(&err), err.kind == ERR_INPUT ? EXIT_MISTAKES : EXIT_TROUBLE;
    print_answer(&o, answer);
    return EXIT_FINE;
}
