/* cmd_events.c - automark events: the fields of recent events, as the daemon recorded them. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/recorded.h"
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

static bool print_page(void *ctx, const struct buf *page)
{
    (void)ctx;
    return fwrite(page->data, 1, page->len, stdout) == page->len;
}

static int export(struct options *o)
{
    struct error err = ERROR_INIT;
    scoped(whereabouts_done) struct whereabouts where = { .store = NULL };
    if (whereabouts_find(&o->where, &where, &err) < 0 ||
        recorded_pages(&where, &o->filter, print_page, NULL, &err) < 0)
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
