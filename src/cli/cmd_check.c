/* check - mistakes in rule files, found like a compiler finds them. */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "cli/cli.h"
#include "rules/rules_lint.h"
#include "rules/rules_load.h"

static const char usage[] =
    "usage: automark check [--strict] [--format text|json] PATH...\n"
    "\n"
    "Reads rule files, and all rule files of a folder, and says what is wrong with them:\n"
    "errors, which keep rules from being loaded, and warnings. Nothing is sent anywhere.\n"
    "\n"
    "  --strict         warnings count as errors\n"
    "  --format FORMAT  text (default), or json: a list of everything found\n"
    "\n"
    "exit status: 0 fine, 1 mistakes were found, 2 wrong use, 3 a path cannot be read\n";

struct check {
    bool strict;
    bool json;
    const char *const *paths;
    size_t npaths;
};

/* What was read, for the last line. */
struct tally {
    size_t guards, rules, tests, files;
};

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A path that is not there is no mistake in a rule. */
static int paths_exist(const struct check *c, struct error *err)
{
    struct stat st;
    for (size_t i = 0; i < c->npaths; i++)
        if (stat(c->paths[i], &st) < 0)
            return error_sys(err, errno, "'%s' cannot be read", c->paths[i]);
    return 0;
}

static void count_set(const struct ruleset *rs, struct tally *t)
{
    t->guards += rs->nguards;
    t->rules += rs->nrules;
    t->files += rs->nfiles;
    for (size_t i = 0; i < rs->nguards; i++)
        t->tests += rs->guards[i].ntests;
    for (size_t i = 0; i < rs->nrules; i++)
        t->tests += rs->rules[i].ntests;
}

static void check_set(const struct rules_source *src, bool whole, struct tally *t, struct diags *d)
{
    scoped(ruleset_unrefp) struct ruleset *rs = rules_load(src, true, d);
    if (!rs)
        return;
    count_set(rs, t);
    rules_lint(rs, whole, d);
    scoped(rules_tests_done) struct rules_tests tests = { .tests = NULL };
    if (rules_tests_load(src, rs, &tests, d) == 0)
        t->tests += tests.ntests;
}

static void check_paths(const struct check *c, struct tally *t, struct diags *d)
{
    const struct rules_source src = { .paths = c->paths,
                                      .npaths = c->npaths,
                                      .now_ms = clock_wall_ms() };
    bool whole = false;
    for (size_t i = 0; i < c->npaths; i++)
        whole = whole || is_folder(c->paths[i]);
    check_set(&src, whole, t, d);
}

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static void print_result(const struct diags *d, const struct tally *t)
{
    diags_print(d, stderr);
    if (d->errors + d->warnings > 0)
        printf("%zu error%s, %zu warning%s\n", d->errors, plural(d->errors), d->warnings,
               plural(d->warnings));
    else
        printf("%zu guard%s, %zu rule%s, %zu test%s: no mistakes\n", t->guards, plural(t->guards),
               t->rules, plural(t->rules), t->tests, plural(t->tests));
}

static int read_options(int argc, char **argv, struct check *c)
{
    static const struct option options[] = {
        { "strict", no_argument, NULL, 's' },
        { "format", required_argument, NULL, 'f' },
        { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    const char *format = NULL;
    opterr = 0;
    for (int o; (o = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (o == 'h')
            return cli_help(usage);
        if (o == 's')
            c->strict = true;
        else if (o == 'f')
            format = optarg;
        else
            return cli_bad_option(usage, argv);
    }
    if (!cli_json_wanted(format, &c->json))
        return EXIT_USAGE;
    c->paths = (const char *const *)(argv + optind);
    c->npaths = (size_t)(argc - optind);
    if (c->npaths == 0)
        return cli_usage(usage, "which rule files or folders?");
    return -1;
}

int cmd_check(int argc, char **argv)
{
    struct check c = { .strict = false };
    const int early = read_options(argc, argv, &c);
    if (early >= 0)
        return early;
    struct error err = ERROR_INIT;
    if (paths_exist(&c, &err) < 0)
        return cli_trouble(&err);

    struct tally tally = { .files = 0 };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    check_paths(&c, &tally, &d);
    diags_unique(&d);
    if (c.json)
        cli_print_diags_json(&d);
    else
        print_result(&d, &tally);
    return d.errors > 0 || (c.strict && d.warnings > 0) ? EXIT_MISTAKES : EXIT_FINE;
}
