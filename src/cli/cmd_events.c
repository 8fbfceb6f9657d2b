/* cmd_events.c - automark events: the fields of recent events, as the daemon recorded them. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/admin_client.h"
#include "cli/cli.h"
#include "cli/whereabouts.h"
#include "serve/events_api.h"

static const char usage[] =
    "usage: automark events export [--workspace W] [--conversation C] [--after ID]\n"
    "\n"
    "Prints recorded events, oldest first, one line of JSON each: what rules saw of a reply,\n"
    "and what was decided then. They hold what people wrote: treat the output as their mail.\n"
    "How long events are kept is the configuration's `capture`.\n"
    "\n"
    "  --workspace W, --conversation C     which events (default: all)\n"
    "  --after ID                          only those with a greater id\n"
    "  --store URL, --config FILE, --socket PATH     where they are (default: as serve)\n"
    "\n"
    "Asks the daemon through its socket while one runs; opens the store itself when not.\n"
    "exit status: 0 done, 2 wrong use, 3 trouble\n";

#define PAGE "1000"
/* The tool only looks: forgetting what is old is left to the daemon. */
#define RETENTION_FOREVER_MS (INT64_C(3650) * 86400 * 1000)

enum { OPT_WORKSPACE = 256, OPT_CONVERSATION, OPT_AFTER, OPT_STORE };
enum { OPT_CONFIG = OPT_STORE + 1, OPT_SOCKET, OPT_HELP };

static const struct option longs[] = {
    { "workspace", required_argument, NULL, OPT_WORKSPACE },
    { "conversation", required_argument, NULL, OPT_CONVERSATION },
    { "after", required_argument, NULL, OPT_AFTER },
    { "store", required_argument, NULL, OPT_STORE },
    { "config", required_argument, NULL, OPT_CONFIG },
    { "socket", required_argument, NULL, OPT_SOCKET },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

struct options {
    struct event_filter filter;
    struct whereabouts_options where;
};

static int take_option(struct options *o, int c, struct error *err)
{
    if (c == OPT_WORKSPACE)
        return events_param(&o->filter, "workspace", optarg, err);
    if (c == OPT_CONVERSATION)
        return events_param(&o->filter, "conversation", optarg, err);
    if (c == OPT_AFTER)
        return events_param(&o->filter, "after", optarg, err);
    if (c == OPT_STORE)
        o->where.store = optarg;
    else if (c == OPT_CONFIG)
        o->where.config = optarg;
    else
        o->where.socket = optarg;
    return 0;
}

/* The id that the next page comes after: that of the last line. */
static int64_t last_id(const struct buf *page)
{
    static const char start[] = "{\"id\":";
    const char *from = page->data, *end = page->data + page->len - 1; /* the line break */
    const char *before = end > from ? memrchr(from, '\n', (size_t)(end - from)) : NULL;
    const char *line = before ? before + 1 : from;
    return strncmp(line, start, strlen(start)) == 0 ? strtoll(line + strlen(start), NULL, 10) : 0;
}

/* Prints a page; false when it was the last one. */
static bool print_page(struct options *o, const struct buf *page)
{
    if (!page->len)
        return false;
    const int64_t id = last_id(page);
    const bool more = id > o->filter.after_id;
    o->filter.after_id = id;
    return fwrite(page->data, 1, page->len, stdout) == page->len && more;
}

static enum admin_reach ask_daemon(struct options *o, const char *socket, struct error *err)
{
    enum admin_reach reach;
    bool more = true;
    do {
        scoped(buf_free) struct buf page = BUF_INIT;
        char after[24];
        snprintf(after, sizeof(after), "%lld", (long long)o->filter.after_id);
        const struct admin_param params[] = { { "workspace", o->filter.workspace },
                                              { "conversation", o->filter.conversation },
                                              { "after", after },
                                              { "limit", PAGE },
                                              { NULL, NULL } };
        reach = admin_ask_text(socket, "GET", "/api/events", params, &page, err);
        more = reach == ADMIN_ANSWERED && print_page(o, &page);
    } while (more);
    return reach;
}

static int ask_store(struct options *o, const char *url, struct error *err)
{
    const struct store_config cfg = {
        .url = url, .must_exist = true, .retention_ms = RETENTION_FOREVER_MS, .ballast_bytes = -1
    };
    struct store *st = store_open(&cfg, err);
    bool more = st;
    int rc = st ? 0 : -1;
    while (more) {
        scoped(buf_free) struct buf page = BUF_INIT;
        rc = events_page(st, &o->filter, &page, err);
        more = rc == 0 && print_page(o, &page);
    }
    store_close(st);
    return rc;
}

static int export(struct options *o)
{
    struct error err = ERROR_INIT;
    scoped(whereabouts_done) struct whereabouts where = { .store = NULL };
    if (whereabouts_find(&o->where, &where, &err) < 0)
        return cli_trouble(&err);
    const enum admin_reach reach = ask_daemon(o, where.socket, &err);
    if (reach == ADMIN_FAILED || (reach == ADMIN_NOT_THERE && ask_store(o, where.store, &err) < 0))
        return cli_trouble(&err);
    return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_FINE : EXIT_TROUBLE;
}

int cmd_events(int argc, char **argv)
{
    struct options o = { .filter = { .after_id = 0 } };
    struct error err = ERROR_INIT;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        if (c == OPT_HELP || c == 'h')
            return cli_help(usage);
        if (c == '?' || c == ':')
            return cli_bad_option(usage, argv);
        if (take_option(&o, c, &err) < 0)
            return cli_usage(usage, "events: %s", err.msg);
    }
    if (optind >= argc || strcmp(argv[optind], "export") != 0)
        return cli_usage(usage, "events: what? 'export' prints them");
    if (argc - optind > 1)
        return cli_usage(usage, "events: '%s' is too much", argv[optind + 1]);
    return export(&o);
}
