/* test - runs the tests that stand beside the rules, and those of test files. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/rule_sets.h"
#include "cli/test_report.h"
#include "rules/test_run.h"

static const char usage[] =
    "usage: automark test [--filter TEXT] [--format text|tap|junit|json] [--coverage]\n"
    "                     [--min-coverage N] [--config FILE] [--rules PATH]... [PATH...]\n"
    "\n"
    "Runs every rule's own tests, and those of *.test.yaml files, against all rules of the\n"
    "given files and folders together. A failure says what happened instead.\n"
    "\n"
    "  --filter TEXT    only tests of rules (or in files) whose name holds TEXT\n"
    "  --format FORMAT  text (default), tap, junit or json\n"
    "  --coverage       also name the rules, conditions and alternatives that no test exercises\n"
    "  --min-coverage N fail when less than N percent of them are exercised\n"
    "  --rules PATH     the same as PATH\n"
    "  --config FILE    the rules of that configuration's workspaces, with their overrides\n"
    "                   (without PATH: AUTOMARK_CONFIG, AUTOMARK_RULES)\n"
    "  --workspace NAME of these only the rules of one (default: all)\n"
    "\n"
    "exit status: 0 all pass, 1 a test failed, a rule has a mistake or coverage is too low,\n"
    "2 wrong use, 3 a path cannot be read\n";

struct options {
    const char **paths;
    struct rule_sets_wish wish;
    const char *filter;
    enum test_format format;
    bool coverage;
    unsigned min_coverage; /* percent */
};

/* One set of rules with its tests; results point into it. */
struct suite {
    const char *workspace;
    struct ruleset *rs;
    struct rules_tests files;
    int64_t now_ms;
};

struct run {
    const struct options *opt;
    struct suite *suites;
    size_t nsuites;
    struct match_scratch *scratch;
    struct test_results results;
    struct coverage *coverage; /* NULL unless asked for */
};

/* ---- running ---------------------------------------------------------------------- */

static bool wanted(const struct run *run, const struct rule *own, const struct rule_test *t)
{
    const char *filter = run->opt->filter;
    if (own && own->state == RULE_OFF)
        return false;
    return !filter || (own && strstr(own->name, filter)) || strstr(t->place.file, filter) ||
           (t->other && strstr(t->other, filter));
}

/* Matched words may go over line ends; a failure is one line. */
static char *one_line(char *s)
{
    for (char *p = s; *p; p++)
        if (*p == '\n')
            *p = ' ';
    return s;
}

static void note_failure(struct test_result *r, const struct verdict *v)
{
    struct buf words = BUF_INIT;
    rule_test_expected(&words, r->own, r->test);
    r->expected = buf_take(&words);
    rule_test_got(&words, v);
    r->got = one_line(buf_take(&words));
}

static void run_one(struct run *run, const struct suite *s, const struct rule *beside,
                    const struct rule_test *t)
{
    struct verdict v;
    const struct rule *own = rule_test_owner(s->rs, beside, t);
    struct test_results *all = &run->results;
    if (!wanted(run, own, t))
        return;
    struct test_result r = { .workspace = s->workspace, .own = own, .test = t };
    r.passed = rule_test_run(s->rs, run->scratch, own, t, s->now_ms, &v);
    if (!r.passed) {
        note_failure(&r, &v);
        all->failed++;
    }
    if (run->coverage)
        coverage_add(run->coverage, own, t, s->now_ms, r.passed);
    if ((all->count & (all->count + 1)) == 0) /* doubles */
        all->list = xreallocarray(all->list, (all->count + 1) * 2, sizeof(*all->list));
    all->list[all->count++] = r;
}

static void run_rules(struct run *run, const struct suite *s, const struct rule *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < list[i].ntests; k++)
            run_one(run, s, &list[i], &list[i].tests[k]);
}

static void run_suite(struct run *run, const struct suite *s)
{
    run_rules(run, s, s->rs->guards, s->rs->nguards);
    run_rules(run, s, s->rs->rules, s->rs->nrules);
    for (size_t i = 0; i < s->files.ntests; i++)
        run_one(run, s, NULL, &s->files.tests[i]);
}

static void run_done(struct run *run)
{
    for (size_t i = 0; i < run->results.count; i++) {
        free(run->results.list[i].expected);
        free(run->results.list[i].got);
    }
    free(run->results.list);
    coverage_free(run->coverage);
    match_scratch_free(run->scratch);
    for (size_t i = 0; i < run->nsuites; i++) {
        rules_tests_done(&run->suites[i].files);
        ruleset_unref(run->suites[i].rs);
    }
    free(run->suites);
}

/* ---- loading ------------------------------------------------------------------------ */

static void load_suites(struct run *run, const struct rule_sets *sets, struct diags *d)
{
    run->suites = xcalloc(sets->count + 1, sizeof(*run->suites));
    for (size_t i = 0; i < sets->count; i++) {
        struct suite *s = &run->suites[run->nsuites++];
        s->workspace = sets->list[i].workspace;
        s->now_ms = sets->list[i].src.now_ms;
        s->rs = rules_load(&sets->list[i].src, false, d);
        if (s->rs)
            (void)rules_tests_load(&sets->list[i].src, s->rs, &s->files, d);
    }
}

static int run_and_print(struct run *run)
{
    const struct options *o = run->opt;
    scoped(coverage_report_done) struct coverage_report report = { .gaps = NULL };
    const int64_t began = clock_mono_ms();
    if (o->coverage)
        run->coverage = coverage_new(run->suites[0].rs, run->scratch);
    for (size_t i = 0; i < run->nsuites; i++)
        run_suite(run, &run->suites[i]);
    if (run->coverage) {
        coverage_finish(run->coverage, &report);
        run->results.coverage = &report;
    }
    run->results.took_ms = clock_mono_ms() - began;
    test_report(o->format, &run->results);
    const bool bad = run->results.failed > 0 || test_coverage_too_low(&run->results);
    run->results.coverage = NULL;
    return bad ? EXIT_MISTAKES : EXIT_FINE;
}

static int test_sets(const struct options *o)
{
    struct error err = ERROR_INIT;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(rule_sets_done) struct rule_sets sets = { .list = NULL };
    scoped(run_done) struct run run = {
        .opt = o,
        .scratch = match_scratch_new(),
        .results = { .filter = o->filter, .min_coverage = o->min_coverage },
    };
    if (rule_sets_find(&o->wish, &sets, &d, &err) == -2)
        return cli_trouble(&err);
    if (o->coverage && sets.count > 1)
        return cli_usage(usage, "--coverage looks at one set of rules: name it by --workspace");
    load_suites(&run, &sets, &d);
    if (d.errors > 0) {
        diags_unique(&d);
        diags_print(&d, stderr);
        return EXIT_MISTAKES;
    }
    return run_and_print(&run);
}

/* ---- options -------------------------------------------------------------------------- */

static bool read_percent(const char *word, unsigned *out)
{
    char *end = NULL;
    const unsigned long n = strtoul(word, &end, 10);
    *out = (unsigned)n;
    return *word >= '0' && *word <= '9' && *end == '\0' && n <= 100;
}

/* -1 when fine, else the exit code. */
static int take_option(int opt, char **argv, struct options *o)
{
    switch (opt) {
    case 'r':
        o->paths[o->wish.npaths++] = optarg;
        return -1;
    case 'F':
        o->filter = optarg;
        return -1;
    case 'c':
        o->coverage = true;
        return -1;
    case 'C':
        o->wish.config = optarg;
        return -1;
    case 'w':
        o->wish.workspace = optarg;
        return -1;
    case 'm':
        o->coverage = true;
        if (read_percent(optarg, &o->min_coverage))
            return -1;
        return cli_usage(usage, "--min-coverage takes 0 to 100, not '%s'", optarg);
    case 'f':
        if (test_format_read(optarg, &o->format))
            return -1;
        return cli_usage(usage, "--format is '%s': text, tap, junit or json would be right",
                         optarg);
    case 'h':
        return cli_help(usage);
    default:
        return cli_bad_option(usage, argv);
    }
}

static const struct option long_options[] = {
    { "rules", required_argument, NULL, 'r' },
    { "filter", required_argument, NULL, 'F' },
    { "format", required_argument, NULL, 'f' },
    { "coverage", no_argument, NULL, 'c' },
    { "min-coverage", required_argument, NULL, 'm' },
    { "config", required_argument, NULL, 'C' },
    { "workspace", required_argument, NULL, 'w' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static int read_options(int argc, char **argv, struct options *o)
{
    opterr = 0;
    optind = 1;
    for (int opt; (opt = getopt_long(argc, argv, ":h", long_options, NULL)) != -1;) {
        const int early = take_option(opt, argv, o);
        if (early >= 0)
            return early;
    }
    for (int i = optind; i < argc; i++)
        o->paths[o->wish.npaths++] = argv[i];
    o->wish.paths = o->paths;
    if (o->wish.npaths > 0 && o->wish.config)
        return cli_usage(usage, "either paths or --config, not both");
    if (!rule_sets_wanted(&o->wish))
        return cli_usage(usage, "which rule files or folders?");
    return -1;
}

int cmd_test(int argc, char **argv)
{
    struct options o = { .paths = xcalloc((size_t)argc + 1, sizeof(*o.paths)) };
    const int early = read_options(argc, argv, &o);
    const int code = early >= 0 ? early : test_sets(&o);
    free(o.paths);
    return code;
}
