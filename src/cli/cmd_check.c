/* check - mistakes in rule files, found like a compiler finds them. */
#include <getopt.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "cli/cli.h"
#include "cli/rule_sets.h"
#include "rules/rules_lint.h"
#include "rules/rules_load.h"

static const char usage[] =
    "usage: automark check [--strict] [--format text|json] [--config FILE] [PATH...]\n"
    "\n"
    "Reads rule files, and all rule files of a folder, and says what is wrong with them:\n"
    "errors, which keep rules from being loaded, and warnings. Nothing is sent anywhere.\n"
    "\n"
    "  --config FILE    that configuration, and the rules of all its workspaces, with their\n"
    "                   overrides (without PATH: AUTOMARK_CONFIG, AUTOMARK_RULES)\n"
    "  --workspace NAME of these only the rules of one\n"
    "  --strict         warnings count as errors\n"
    "  --format FORMAT  text (default), or json: a list of everything found\n"
    "\n"
    "exit status: 0 fine, 1 mistakes were found, 2 wrong use, 3 a path cannot be read\n";

struct check {
    bool strict;
    bool json;
    struct rule_sets_wish wish;
};

/* What was read, for the last line. */
struct tally {
    size_t guards, rules, tests;
};

/* A single file may well lack what stands in another. */
static bool is_whole(const struct rule_set *set)
{
    struct stat st;
    for (size_t i = 0; i < set->src.npaths; i++)
        if (stat(set->src.paths[i], &st) == 0 && S_ISDIR(st.st_mode))
            return true;
    return set->workspace != NULL;
}

static void count_set(const struct ruleset *rs, struct tally *t)
{
    t->guards += rs->nguards;
    t->rules += rs->nrules;
    for (size_t i = 0; i < rs->nguards; i++)
        t->tests += rs->guards[i].ntests;
    for (size_t i = 0; i < rs->nrules; i++)
        t->tests += rs->rules[i].ntests;
}

static void check_set(const struct rule_set *set, struct tally *t, struct diags *d)
{
    bool fine = false;
    struct rules_source src = set->src;
    src.prefilter = false; /* no event is looked at */
    scoped(ruleset_unrefp) struct ruleset *rs = rules_load_partly(&src, &fine, d);
    count_set(rs, t);
    rules_lint(rs, fine && is_whole(set), d);
    scoped(rules_tests_done) struct rules_tests tests = { .tests = NULL };
    if (rules_tests_load(&set->src, fine ? rs : NULL, &tests, d) == 0)
        t->tests += tests.ntests;
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
        { "strict", no_argument, NULL, 's' },       { "format", required_argument, NULL, 'f' },
        { "config", required_argument, NULL, 'c' }, { "workspace", required_argument, NULL, 'w' },
        { "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    const char *format = NULL;
    opterr = 0;
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, ":h", options, NULL)) != -1;) {
        if (o == 'h')
            return cli_help(usage);
        if (o == 's')
            c->strict = true;
        else if (o == 'f')
            format = optarg;
        else if (o == 'c')
            c->wish.config = optarg;
        else if (o == 'w')
            c->wish.workspace = optarg;
        else
            return cli_bad_option(usage, argv);
    }
    if (!cli_json_wanted(format, &c->json))
        return EXIT_USAGE;
    c->wish.paths = (const char *const *)(argv + optind);
    c->wish.npaths = (size_t)(argc - optind);
    if (!rule_sets_wanted(&c->wish))
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
    struct tally tally = { .rules = 0 };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(rule_sets_done) struct rule_sets sets = { .list = NULL };
    if (rule_sets_find(&c.wish, &sets, &d, &err) == -2)
        return cli_trouble(&err);
    for (size_t i = 0; i < sets.count; i++)
        check_set(&sets.list[i], &tally, &d);
    diags_unique(&d);
    if (c.json)
        cli_print_diags_json(&d);
    else
        print_result(&d, &tally);
    return d.errors > 0 || (c.strict && d.warnings > 0) ? EXIT_MISTAKES : EXIT_FINE;
}
