/* cmd_diff.c - automark diff: which recorded replies would change their verdict. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/diff.h"
#include "cli/progress.h"
#include "cli/recorded.h"
#include "cli/rule_side.h"

static const char usage[] =
    "usage: automark diff OLD NEW [--events FILE] [--max-new-marks N] [--no-text]\n"
    "                     [--format text|json|markdown] [OPTION...]\n"
    "\n"
    "Says which replies would change their verdict if the rules OLD became the rules NEW:\n"
    "newly marked, no longer marked, and otherwise decided, by rule. Nothing is sent.\n"
    "\n"
    "  OLD, NEW             a file or folder; REV:PATH, the same in a git revision;\n"
    "                       `running`, what the daemon runs; `configured`, what the\n"
    "                       configuration's folders hold now\n"
    "  --events FILE        replies, as `automark events export` prints them; -: standard\n"
    "                       input; default: those that the daemon recorded\n"
    "  --max-new-marks N    more newly marked replies than that are too many (exit status 1)\n"
    "  --no-text            no words of replies in the output\n"
    "  --format FORMAT      text (default), json or markdown (for pull requests)\n"
    "  --workspace W        whose live rules, overrides and replies (default: the only one)\n"
    "  --config FILE        that workspace's overrides hold for both sides\n"
    "  --store URL, --socket PATH     where daemon and record are (default: as serve)\n"
    "\n"
    "exit status: 0 within the limit, 1 beyond it or mistakes in rules, 2 wrong use, 3 trouble\n";

enum { OPT_EVENTS = 256, OPT_MAX, OPT_NO_TEXT, OPT_FORMAT, OPT_WORKSPACE, OPT_CONFIG, OPT_STORE };
enum { OPT_SOCKET = OPT_STORE + 1, OPT_HELP };

static const struct option longs[] = {
    { "events", required_argument, NULL, OPT_EVENTS },
    { "max-new-marks", required_argument, NULL, OPT_MAX },
    { "no-text", no_argument, NULL, OPT_NO_TEXT },
    { "format", required_argument, NULL, OPT_FORMAT },
    { "workspace", required_argument, NULL, OPT_WORKSPACE },
    { "config", required_argument, NULL, OPT_CONFIG },
    { "store", required_argument, NULL, OPT_STORE },
    { "socket", required_argument, NULL, OPT_SOCKET },
    { "help", no_argument, NULL, OPT_HELP },
    { NULL, 0, NULL, 0 },
};

struct options {
    const char *old, *new, *events;
    long long max_new; /* -1: no limit */
    bool no_text;
    enum diff_format format;
    struct rule_sides sides;
};

/* ---- the replies ------------------------------------------------------------------------- */

static int read_file(struct diff *d, FILE *from, struct error *err)
{
    struct stat st = { .st_size = 0 };
    struct progress p;
    char *line = NULL;
    size_t room = 0;
    uint64_t done = 0;
    int rc = 0;
    const bool sized = fstat(fileno(from), &st) == 0 && S_ISREG(st.st_mode);
    progress_start(&p, "replies", sized ? (uint64_t)st.st_size : 0);
    for (ssize_t len; rc == 0 && (len = getline(&line, &room, from)) > 0;) {
        rc = diff_add(d, line, (size_t)len, err);
        done += (uint64_t)len;
        progress_show(&p, done, diff_count(d));
    }
    if (rc == 0)
        rc = diff_flush(d, err);
    progress_end(&p);
    free(line);
    return rc == 0 && ferror(from) ? error_sys(err, errno, "reading the events") : rc;
}

struct page_reader {
    struct diff *d;
    struct progress progress;
    struct error *err;
    int rc;
};

static bool read_page(void *ctx, const struct buf *page)
{
    struct page_reader *r = ctx;
    for (size_t at = 0; at < page->len && r->rc == 0;) {
        const char *end = memchr(page->data + at, '\n', page->len - at);
        const size_t len = end ? (size_t)(end - page->data) - at : page->len - at;
        r->rc = diff_add(r->d, page->data + at, len, r->err);
        at += len + 1;
    }
    progress_show(&r->progress, 0, diff_count(r->d));
    return r->rc == 0;
}

static int read_recorded(struct diff *d, const struct options *o, struct error *err)
{
    scoped(whereabouts_done) struct whereabouts where = { .store = NULL };
    if (whereabouts_find(&o->sides.where, &where, err) < 0)
        return -1;
    struct event_filter filter = { .workspace = o->sides.workspace };
    struct page_reader r = { .d = d, .err = err };
    progress_start(&r.progress, "replies", 0);
    int rc = recorded_pages(&where, &filter, read_page, &r, err);
    if (rc < 0)
        error_prefix(err, "recorded replies (others: --events FILE): ");
    rc = rc == 0 && r.rc == 0 ? diff_flush(d, err) : -1;
    progress_end(&r.progress);
    return rc;
}

static int read_replies(struct diff *d, const struct options *o, struct error *err)
{
    if (!o->events)
        return read_recorded(d, o, err);
    if (strcmp(o->events, "-") == 0)
        return read_file(d, stdin, err);
    FILE *from = fopen(o->events, "re");
    if (!from)
        return error_sys(err, errno, "opening %s", o->events);
    const int rc = read_file(d, from, err);
    fclose(from);
    return rc;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int compare(const struct options *o, const struct ruleset *old, const struct ruleset *new)
{
    struct error err = ERROR_INIT;
    struct diff *d = diff_new(old, new, !o->no_text, rule_sides_equal(old, new), o->sides.now_ms);
    if (read_replies(d, o, &err) < 0) {
        diff_free(d);
        return cli_trouble(&err);
    }
    const struct diff_result *r = diff_result(d);
    diff_print(r, o->format, o->max_new);
    const bool beyond = o->max_new >= 0 && r->counts[DIFF_NEWLY] > (size_t)o->max_new;
    diff_free(d);
    if (fflush(stdout) != 0)
        return EXIT_TROUBLE;
    return beyond ? EXIT_MISTAKES : EXIT_FINE;
}

/* NULL when it does not load; *code says what that means. */
static struct ruleset *load(struct options *o, const char *side, int *code)
{
    struct error err = ERROR_INIT;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    struct ruleset *rs = rule_side_load(&o->sides, side, &d, &err);
    if (rs)
        return rs;
    diags_sort(&d);
    diags_print(&d, stderr);
    *code = EXIT_MISTAKES;
    if (err.kind != ERR_NONE)
        *code = cli_trouble(&err);
    return NULL;
}

/* What runs is read first: its overrides hold for the other side too. */
static int run(struct options *o)
{
    int code = EXIT_FINE;
    const bool new_first = strncmp(o->new, "running", 7) == 0;
    scoped(ruleset_unrefp) struct ruleset *first = load(o, new_first ? o->new : o->old, &code);
    if (!first)
        return code;
    scoped(ruleset_unrefp) struct ruleset *second = load(o, new_first ? o->old : o->new, &code);
    if (!second)
        return code;
    return new_first ? compare(o, second, first) : compare(o, first, second);
}

/* ---- options ----------------------------------------------------------------------------------
 */

static int take_format(struct options *o, const char *name)
{
    static const char *const names[] = { "text", "json", "markdown" };
    for (int i = 0; i < 3; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        o->format = (enum diff_format)i;
        return -1;
    }
    return cli_usage(usage, "--format is '%s': text, json or markdown would be right", name);
}

static int take_limit(struct options *o, const char *text)
{
    char *end = NULL;
    errno = 0;
    o->max_new = strtoll(text, &end, 10);
    if (end == text || *end || errno || o->max_new < 0)
        return cli_usage(usage, "diff: --max-new-marks is '%s': a number would be right", text);
    return -1;
}

/* -1: fine; else the exit code. */
static int take_option(struct options *o, int c, char **argv)
{
    switch (c) {
    case OPT_HELP:
    case 'h':
        return cli_help(usage);
    case OPT_FORMAT:
        return take_format(o, optarg);
    case OPT_MAX:
        return take_limit(o, optarg);
    case OPT_EVENTS:
        o->events = optarg;
        return -1;
    case OPT_NO_TEXT:
        o->no_text = true;
        return -1;
    case OPT_WORKSPACE:
        o->sides.workspace = optarg;
        return -1;
    case OPT_CONFIG:
        o->sides.where.config = optarg;
        o->sides.configured = true;
        return -1;
    case OPT_STORE:
        o->sides.where.store = optarg;
        return -1;
    case OPT_SOCKET:
        o->sides.where.socket = optarg;
        return -1;
    default:
        return cli_bad_option(usage, argv);
    }
}

int cmd_diff(int argc, char **argv)
{
    struct options o = { .max_new = -1 };
    o.sides.now_ms = clock_wall_ms();
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
        const int done = take_option(&o, c, argv);
        if (done >= 0)
            return done;
    }
    if (argc - optind != 2)
        return cli_usage(usage, "diff: two sets of rules are compared, OLD and NEW");
    o.old = argv[optind];
    o.new = argv[optind + 1];
    const int code = run(&o);
    rule_sides_done(&o.sides);
    return code;
}
