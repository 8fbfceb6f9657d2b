/* cmd_events.c - automark events: the fields of recent events, as the daemon recorded them. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/events_bring.h"
#include "cli/recorded.h"
#include "serve/events_api.h"

static const char usage[] =
    "usage: automark events export [--workspace W] [--conversation C] [--after ID]\n"
    "       automark events import [--keep TIME] [FILE|-]\n"
    "\n"
    "export prints recorded events, oldest first, one line of JSON each: what rules saw of a\n"
    "reply, and what was decided then. They hold what people wrote: treat the output as their\n"
    "mail. How long events are kept is the configuration's `capture`.\n"
    "import adds such lines to the record here, so that diff, explain and learn work on another\n"
    "machine. Nothing is decided by it and nothing is marked. Every line is checked before the\n"
    "first is added; events that are there already are not added twice.\n"
    "\n"
    "  --workspace W, --conversation C     which events (default: all)\n"
    "  --after ID                          only those with a greater id\n"
    "  --keep TIME    how long imported events stay, from now on (default: 14d)\n"
    "  --store URL, --config FILE, --socket PATH     where they are (default: as serve)\n"
    "\n"
    "Asks the daemon through its socket while one runs; opens the store itself when not.\n"
    "exit status: 0 done, 1 import: a line is no recorded event, and nothing was added,\n"
    "2 wrong use, 3 trouble\n";

enum { OPT_WORKSPACE = 256, OPT_CONVERSATION, OPT_AFTER, OPT_KEEP, OPT_STORE };
enum { OPT_CONFIG = OPT_STORE + 1, OPT_SOCKET, OPT_HELP };

static const struct option longs[] = {
    { "workspace", required_argument, NULL, OPT_WORKSPACE },
    { "conversation", required_argument, NULL, OPT_CONVERSATION },
    { "after", required_argument, NULL, OPT_AFTER },
    { "keep", required_argument, NULL, OPT_KEEP },
    { "store", required_argument, NULL, OPT_STORE },
    { "config", required_argument, NULL, OPT_CONFIG },
    { "socket", required_argument, NULL, OPT_SOCKET },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

struct options {
    struct event_filter filter;
    struct whereabouts_options where;
    const char *keep;
};

static int take_option(struct options *o, int c, struct error *err)
{
    if (c == OPT_WORKSPACE)
        return events_param(&o->filter, "workspace", optarg, err);
    if (c == OPT_CONVERSATION)
        return events_param(&o->filter, "conversation", optarg, err);
    if (c == OPT_AFTER)
        return events_param(&o->filter, "after", optarg, err);
    if (c == OPT_KEEP) {
        int64_t ms = 0;
        o->keep = optarg;
        return import_keep(optarg, &ms, err);
    }
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

static int import(struct options *o, const char *file)
{
    struct error err = ERROR_INIT;
    struct events_imported done = { 0 };
    scoped(whereabouts_done) struct whereabouts where = { .store = NULL };
    if (whereabouts_find(&o->where, &where, &err) < 0)
        return cli_trouble(&err);
    const int rc = events_bring(&where, file, o->keep, &done, &err);
    if (rc < 0)
        cli_trouble(&err);
    else
        printf("%zu events imported, %zu were there already\n", done.added, done.known);
    if (rc < 0 && done.added + done.known)
        fprintf(stderr,
                "automark: %zu events before that were imported; the same import once more adds "
                "the rest, and none twice\n",
                done.added);
    if (done.dropped)
        fprintf(stderr, "automark: warning: %zu older events were dropped to make room\n",
                done.dropped);
    return rc == 0 ? EXIT_FINE : err.kind == ERR_INPUT ? EXIT_MISTAKES : EXIT_TROUBLE;
}

static int run(struct options *o, int argc, char **argv)
{
    const char *what = optind < argc ? argv[optind] : "";
    const bool in = strcmp(what, "import") == 0;
    if (!in && strcmp(what, "export") != 0)
        return cli_usage(usage, "events: what? 'export' prints them, 'import' adds them");
    if (argc - optind > (in ? 2 : 1))
        return cli_usage(usage, "events: '%s' is too much", argv[optind + (in ? 2 : 1)]);
    if (in && (o->filter.workspace || o->filter.conversation || o->filter.after_id))
        return cli_usage(usage, "events import: all events are imported, filters are for export");
    if (!in && o->keep)
        return cli_usage(usage, "events export: --keep is for import");
    return in ? import(o, argc - optind > 1 ? argv[optind + 1] : "-") : export(o);
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
    return run(&o, argc, argv);
}
