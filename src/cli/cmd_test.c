/* test - runs the tests that stand beside the rules, and those of test files. */
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
#include "base/json.h"
#include "cli/cli.h"
#include "rules/coverage.h"
#include "rules/rules_load.h"
#include "rules/test_run.h"

static const char usage[] =
    "usage: automark test [--filter TEXT] [--format text|tap|junit|json] [--rules PATH]... "
    "PATH...\n"
    "\n"
    "Runs every rule's own tests, and those of *.test.yaml files, against all rules of the\n"
    "given files and folders together. A failure says what happened instead.\n"
    "\n"
    "  --filter TEXT    only tests of rules (or in files) whose name holds TEXT\n"
    "  --format FORMAT  text (default), tap, junit or json\n"
    "  --coverage       also name the rules, conditions and alternatives that no test exercises\n"
    "  --min-coverage N fail when less than N percent of them are exercised\n"
    "  --rules PATH     the same as PATH\n"
    "\n"
    "exit status: 0 all pass, 1 a test failed, a rule has a mistake or coverage is too low,\n"
    "2 wrong use, 3 a path cannot be read\n";

enum format { FORMAT_TEXT, FORMAT_TAP, FORMAT_JUNIT, FORMAT_JSON };

struct options {
    const char **paths;
    size_t npaths;
    const char *filter;
    enum format format;
    bool coverage;
    unsigned min_coverage; /* percent */
};

struct result {
    const struct rule *own; /* NULL: of a test file */
    const struct rule_test *test;
    bool passed;
    char *expected, *got; /* words, when it failed */
};

struct run {
    const struct options *opt;
    const struct ruleset *rs;
    struct match_scratch *scratch;
    int64_t now_ms;
    struct result *results;
    size_t count, failed;
    int64_t took_ms;
    struct coverage *coverage; /* NULL unless asked for */
    struct coverage_report report;
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

static void run_one(struct run *run, const struct rule *own, const struct rule_test *t)
{
    struct verdict v;
    if (!wanted(run, own, t))
        return;
    struct result r = { .own = own, .test = t };
    r.passed = rule_test_run(run->rs, run->scratch, own, t, run->now_ms, &v);
    if (!r.passed) {
        struct buf words = BUF_INIT;
        rule_test_expected(&words, own, t);
        r.expected = buf_take(&words);
        rule_test_got(&words, &v);
        r.got = one_line(buf_take(&words));
        run->failed++;
    }
    if (run->coverage)
        coverage_add(run->coverage, own, t, run->now_ms, r.passed);
    if ((run->count & (run->count + 1)) == 0) /* doubles */
        run->results = xreallocarray(run->results, (run->count + 1) * 2, sizeof(*run->results));
    run->results[run->count++] = r;
}

static void run_rules(struct run *run, const struct rule *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < list[i].ntests; k++)
            run_one(run, &list[i], &list[i].tests[k]);
}

static void run_all(struct run *run, const struct rules_tests *files)
{
    const int64_t began = clock_mono_ms();
    run_rules(run, run->rs->guards, run->rs->nguards);
    run_rules(run, run->rs->rules, run->rs->nrules);
    for (size_t i = 0; i < files->ntests; i++)
        run_one(run, NULL, &files->tests[i]);
    run->took_ms = clock_mono_ms() - began;
    if (run->coverage)
        coverage_finish(run->coverage, &run->report);
}

static void run_done(struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        free(run->results[i].expected);
        free(run->results[i].got);
    }
    free(run->results);
    coverage_report_done(&run->report);
    coverage_free(run->coverage);
    match_scratch_free(run->scratch);
}

/* ---- printing ----------------------------------------------------------------------- */

static const char *title(const struct result *r)
{
    if (r->own)
        return r->own->name;
    return r->test->other ? r->test->other : "no-match";
}

static bool coverage_too_low(const struct run *run)
{
    return run->coverage && run->report.percent < run->opt->min_coverage;
}

static void print_coverage(const struct run *run, const char *mark)
{
    static const char *const kinds[] = { "rules", "conditions", "alternatives" };
    const struct coverage_report *r = &run->report;
    if (!run->coverage)
        return;
    for (size_t i = 0; i < r->ngaps; i++)
        printf("%s%s:%u:%u: untested: %s\n", mark, r->gaps[i].place.file, r->gaps[i].place.line,
               r->gaps[i].place.col, r->gaps[i].what);
    printf("%scoverage %u %%:", mark, r->percent);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        printf("%s %zu of %zu %s", i > 0 ? "," : "", r->of[i].covered, r->of[i].total, kinds[i]);
    putchar('\n');
    if (coverage_too_low(run))
        printf("%scoverage is below --min-coverage %u\n", mark, run->opt->min_coverage);
}

static void print_text(const struct run *run)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct result *r = &run->results[i];
        if (!r->passed)
            printf("%s:%u:%u: failed: %s: expected %s; got %s\n", r->test->place.file,
                   r->test->place.line, r->test->place.col, title(r), r->expected, r->got);
    }
    if (run->count == 0)
        printf("no tests%s%s\n", run->opt->filter ? " that fit --filter " : "",
               run->opt->filter ? run->opt->filter : "");
    else if (run->failed > 0)
        printf("%zu of %zu tests failed\n", run->failed, run->count);
    else
        printf("%zu test%s passed (%lld ms)\n", run->count, run->count == 1 ? "" : "s",
               (long long)run->took_ms);
    print_coverage(run, "");
}

static void print_tap(const struct run *run)
{
    printf("TAP version 13\n1..%zu\n", run->count);
    for (size_t i = 0; i < run->count; i++) {
        const struct result *r = &run->results[i];
        printf("%sok %zu - %s %s:%u:%u\n", r->passed ? "" : "not ", i + 1, title(r),
               r->test->place.file, r->test->place.line, r->test->place.col);
        if (!r->passed)
            printf("# expected %s\n# got %s\n", r->expected, r->got);
    }
    print_coverage(run, "# ");
}

/* XML 1.0, attribute values; control characters are not allowed even as references. */
static void put_xml(const char *s)
{
    for (; *s; s++) {
        if (*s == '&')
            fputs("&amp;", stdout);
        else if (*s == '<')
            fputs("&lt;", stdout);
        else if (*s == '"')
            fputs("&quot;", stdout);
        else if ((unsigned char)*s < 0x20)
            fputs(*s == '\n' || *s == '\t' ? " " : "?", stdout);
        else
            putchar(*s);
    }
}

static void print_junit_case(const struct result *r)
{
    fputs("  <testcase classname=\"", stdout);
    put_xml(title(r));
    fputs("\" name=\"", stdout);
    put_xml(r->test->place.file);
    printf(":%u:%u\"", r->test->place.line, r->test->place.col);
    if (r->passed) {
        puts("/>");
        return;
    }
    fputs("><failure message=\"expected ", stdout);
    put_xml(r->expected);
    fputs("; got ", stdout);
    put_xml(r->got);
    puts("\"/></testcase>");
}

static void print_junit(const struct run *run)
{
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<testsuite name=\"automark\" tests=\"%zu\" failures=\"%zu\" errors=\"0\">\n",
           run->count, run->failed);
    for (size_t i = 0; i < run->count; i++)
        print_junit_case(&run->results[i]);
    puts("</testsuite>");
}

static struct json_object *result_json(const struct result *r)
{
    struct json_object *o = json_new_object();
    json_put_str(o, "rule", title(r));
    json_put_str(o, "file", r->test->place.file);
    json_put_int(o, "line", r->test->place.line);
    json_put_int(o, "column", r->test->place.col);
    json_put_bool(o, "passed", r->passed);
    if (!r->passed) {
        json_put_str(o, "expected", r->expected);
        json_put_str(o, "got", r->got);
    }
    return o;
}

static struct json_object *coverage_json(const struct coverage_report *r)
{
    static const char *const kinds[] = { "rules", "conditions", "alternatives" };
    struct json_object *o = json_new_object();
    struct json_object *gaps = json_new_array();
    json_put_int(o, "percent", r->percent);
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct json_object *k = json_new_object();
        json_put_int(k, "covered", (int64_t)r->of[i].covered);
        json_put_int(k, "total", (int64_t)r->of[i].total);
        json_put(o, kinds[i], k);
    }
    for (size_t i = 0; i < r->ngaps; i++) {
        struct json_object *g = json_new_object();
        json_put_str(g, "rule", r->gaps[i].rule->name);
        json_put_str(g, "file", r->gaps[i].place.file);
        json_put_int(g, "line", r->gaps[i].place.line);
        json_put_int(g, "column", r->gaps[i].place.col);
        json_put_str(g, "untested", r->gaps[i].what);
        json_push(gaps, g);
    }
    json_put(o, "untested", gaps);
    return o;
}

static void print_json(const struct run *run)
{
    scoped(json_freep) struct json_object *o = json_new_object();
    struct json_object *list = json_new_array();
    json_put_int(o, "tests", (int64_t)run->count);
    json_put_int(o, "failed", (int64_t)run->failed);
    json_put_str(o, "version", run->rs->version);
    for (size_t i = 0; i < run->count; i++)
        json_push(list, result_json(&run->results[i]));
    json_put(o, "results", list);
    if (run->coverage)
        json_put(o, "coverage", coverage_json(&run->report));
    cli_print_json(o);
}

static void print(const struct run *run)
{
    static void (*const printers[])(const struct run *) = { print_text, print_tap, print_junit,
                                                            print_json };
    printers[run->opt->format](run);
}

/* ---- options -------------------------------------------------------------------------- */

static bool read_format(const char *word, enum format *out)
{
    static const char *const names[] = { "text", "tap", "junit", "json" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i], word) == 0) {
            *out = (enum format)i;
            return true;
        }
    }
    return false;
}

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
        o->paths[o->npaths++] = optarg;
        return -1;
    case 'F':
        o->filter = optarg;
        return -1;
    case 'c':
        o->coverage = true;
        return -1;
    case 'm':
        o->coverage = true;
        return read_percent(optarg, &o->min_coverage)
                   ? -1
                   : cli_usage(usage, "--min-coverage takes 0 to 100, not '%s'", optarg);
    case 'f':
        return read_format(optarg, &o->format)
                   ? -1
                   : cli_usage(usage, "--format is '%s': text, tap, junit or json would be right",
                               optarg);
    default:
        return cli_bad_option(usage, argv);
    }
}

static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option options[] = {
        { "rules", required_argument, NULL, 'r' },
        { "filter", required_argument, NULL, 'F' },
        { "format", required_argument, NULL, 'f' },
        { "coverage", no_argument, NULL, 'c' },
        { "min-coverage", required_argument, NULL, 'm' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    opterr = 0;
    optind = 1;
    o->paths = xcalloc((size_t)argc + 1, sizeof(*o->paths));
    for (int opt; (opt = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (opt == 'h')
            return cli_help(usage);
        const int bad = take_option(opt, argv, o);
        if (bad >= 0)
            return bad;
    }
    for (int i = optind; i < argc; i++)
        o->paths[o->npaths++] = argv[i];
    if (o->npaths == 0)
        return cli_usage(usage, "which rule files or folders?");
    return -1;
}

static int test_paths(const struct options *o)
{
    struct stat st;
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < o->npaths; i++) {
        if (stat(o->paths[i], &st) == 0)
            continue;
        error_sys(&err, errno, "'%s' cannot be read", o->paths[i]);
        return cli_trouble(&err);
    }
    const struct rules_source src = { .paths = o->paths,
                                      .npaths = o->npaths,
                                      .now_ms = clock_wall_ms() };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = rules_load(&src, false, &d);
    scoped(rules_tests_done) struct rules_tests files = { .tests = NULL };
    if (!rs || rules_tests_load(&src, rs, &files, &d) < 0) {
        diags_unique(&d);
        diags_print(&d, stderr);
        return EXIT_MISTAKES;
    }
    scoped(run_done) struct run run = {
        .opt = o, .rs = rs, .scratch = match_scratch_new(), .now_ms = src.now_ms
    };
    run.coverage = o->coverage ? coverage_new(rs, run.scratch) : NULL;
    run_all(&run, &files);
    print(&run);
    return run.failed > 0 || coverage_too_low(&run) ? EXIT_MISTAKES : EXIT_FINE;
}

int cmd_test(int argc, char **argv)
{
    struct options o = { .npaths = 0 };
    const int early = read_options(argc, argv, &o);
    const int code = early >= 0 ? early : test_paths(&o);
    free(o.paths);
    return code;
}
