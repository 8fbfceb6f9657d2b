#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "rules/branches.h"
#include "rules/coverage.h"
#include "rules/rules_load.h"

/* Each branch as "its text -> the pattern that is left", one a line. */
static const struct {
    const char *source, *want;
} rows[] = {
    { "plain", "" },
    { "a|b", "a -> a\nb -> b\n" },
    { "x(a|bc)y", "a -> x(a)y\nbc -> x(bc)y\n" },
    { "(a)(?:b)(?<n>c)", "" },
    { "(?:a|b)(?<n>c|d)", "a -> (?:a)(?<n>c|d)\nb -> (?:b)(?<n>c|d)\n"
                          "c -> (?:a|b)(?<n>c)\nd -> (?:a|b)(?<n>d)\n" },
    { "(a(b|c)|d)", "a(b|c) -> (a(b|c))\nb -> (a(b))\nc -> (a(c))\nd -> (d)\n" },
    { "me( now|)", " now -> me( now)\n" },
    { "[|(]a", "" },
    { "[]|]a|b", "[]|]a -> []|]a\nb -> b\n" },
    { "[[:alpha:]|]x", "" },
    { "\\|a\\(", "" },
    { "\\Qa|b\\E|c", "\\Qa|b\\E -> \\Qa|b\\E\nc -> c\n" },
    { "(?!a|b)c", "" },
    { "(?!a(b|c))d", "" },
    { "(?i)a|b", "(?i)a -> (?i)a\nb -> b\n" },
    { "(?i:a|b)", "a -> (?i:a)\nb -> (?i:b)\n" },
    { "(?&day|x)|(?#no|no)b", "(?&day|x) -> (?&day|x)\n(?#no|no)b -> (?#no|no)b\n" },
    { "(?x) a | b", "" },
    { "(?(1)a|b)", "" },
    { "a|(", "" },
    { "a|b)", "" },
    { "a|[", "a -> a\n[ -> [\n" },
    { "a|\\", "a -> a\n\\ -> \\\n" },
};

static void test_branches(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(buf_free) struct buf got = BUF_INIT;
        scoped(branches_done) struct branches b = { .list = NULL };
        branches_find(&b, rows[i].source);
        for (size_t k = 0; k < b.count; k++)
            buf_printf(&got, "%.*s -> %s\n", (int)(b.list[k].end - b.list[k].start),
                       rows[i].source + b.list[k].start, b.list[k].only);
        if (strcmp(buf_str(&got), rows[i].want) != 0)
            fail_msg("%s:\n%s", rows[i].source, buf_str(&got));
    }
}

static const char *const gaps[] = {
    "5:39 alternative 'town' of away",
    "5:44 alternative 'country' of away",
    "5:62 alternative 'on holiday' of away",
    "6:39 alternative 'returning' of away",
    "7:24 alternative 'interested' of away",
    "9:19 condition 'domain' of away",
    "14:11 rule 'untested'",
    "15:20 condition 'reply' of untested",
    "15:34 condition 'reply' of untested",
    "15:42 alternative 'ok' of untested",
    "15:45 alternative 'k' of untested",
    "19:18 alternative 'three' of folded",
};

static void check_report(const struct coverage_report *r)
{
    for (size_t i = 0; i < r->ngaps && i < ARRAY_LEN(gaps); i++) {
        scoped(buf_free) struct buf got = BUF_INIT;
        buf_printf(&got, "%u:%u %s", r->gaps[i].place.line, r->gaps[i].place.col, r->gaps[i].what);
        assert_string_equal(buf_str(&got), gaps[i]);
    }
    assert_int_equal(r->ngaps, ARRAY_LEN(gaps));
    assert_int_equal(r->percent, 50);
}

static void test_report(void **state)
{
    (void)state;
    const char *path = TEST_DATA "/rules/tests/coverage.yaml";
    const struct rules_source src = { .paths = &path, .npaths = 1 };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = rules_load(&src, false, &d);
    assert_non_null(rs);
    struct match_scratch *scratch = match_scratch_new();
    struct coverage *c = coverage_new(rs, scratch);
    for (size_t i = 0; i < rs->nrules; i++)
        for (size_t k = 0; k < rs->rules[i].ntests; k++)
            coverage_add(c, &rs->rules[i], &rs->rules[i].tests[k], 0, true);
    scoped(coverage_report_done) struct coverage_report report = { .gaps = NULL };
    coverage_finish(c, &report);
    coverage_free(c);
    match_scratch_free(scratch);
    check_report(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
