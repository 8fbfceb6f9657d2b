#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "rules/rules_load.h"
#include "rules/test_run.h"
#include "rules_wants.h"

#define DATA TEST_DATA "/rules/tests/"

static struct match_scratch *scratch;

static int begin(void **state)
{
    (void)state;
    scratch = match_scratch_new();
    return 0;
}

static int end(void **state)
{
    (void)state;
    match_scratch_free(scratch);
    return 0;
}

static int64_t now_ms(void)
{
    int64_t at = 0;
    assert_true(clock_parse("2026-08-01", &at));
    return at;
}

static struct ruleset *load(const char *path, struct diags *d)
{
    const struct rules_source src = { .paths = &path, .npaths = 1, .now_ms = now_ms() };
    struct ruleset *rs = rules_load(&src, false, d);
    if (!rs) {
        diags_print(d, stderr);
        fail_msg("%s does not load", path);
    }
    return rs;
}

/* The words of a failure; NULL when the test passed. The caller frees. */
static char *failure(const struct ruleset *rs, const struct rule *own, const struct rule_test *t)
{
    struct verdict v;
    struct buf out = BUF_INIT;
    if (rule_test_run(rs, scratch, own, t, now_ms(), &v))
        return NULL;
    buf_puts(&out, "expected ");
    rule_test_expected(&out, own, t);
    buf_puts(&out, "; got ");
    rule_test_got(&out, &v);
    return buf_take(&out);
}

typedef void check_fn(const struct ruleset *rs, const struct rule *r, size_t test);

static size_t each_test(const struct ruleset *rs, check_fn *check)
{
    size_t count = 0;
    for (size_t i = 0; i < rs->nguards + rs->nrules; i++) {
        const struct rule *r = i < rs->nguards ? &rs->guards[i] : &rs->rules[i - rs->nguards];
        for (size_t k = 0; k < r->ntests; k++, count++)
            check(rs, r, k);
    }
    return count;
}

static void must_pass(const struct ruleset *rs, const struct rule *r, size_t test)
{
    scoped(freep) char *words = failure(rs, r, &r->tests[test]);
    if (words)
        fail_msg("line %u: %s", r->tests[test].place.line, words);
}

static void must_fail(const struct ruleset *rs, const struct rule *r, size_t test)
{
    scoped(freep) char *words = failure(rs, r, &r->tests[test]);
    if (!words || !strstr(words, r->labels[test].value))
        fail_msg("line %u: %s", r->tests[test].place.line, words ? words : "passed");
}

static void test_pass(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = load(DATA "pass.yaml", &d);
    assert_int_equal(each_test(rs, must_pass), 21);
}

static void test_fail(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = load(DATA "fail.yaml", &d);
    assert_int_equal(each_test(rs, must_fail), 10);
}

static void test_files(void **state)
{
    (void)state;
    const char *paths[] = { DATA "pass.yaml", DATA "extra.test.yaml" };
    const struct rules_source src = { .paths = paths, .npaths = 2, .now_ms = now_ms() };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = rules_load(&src, false, &d);
    assert_non_null(rs);
    scoped(rules_tests_done) struct rules_tests tests = { .tests = NULL };
    assert_int_equal(rules_tests_load(&src, rs, &tests, &d), 0);
    assert_int_equal(tests.ntests, 7);
    for (size_t i = 0; i < tests.ntests; i++) {
        scoped(freep) char *words =
            failure(rs, rule_test_owner(rs, NULL, &tests.tests[i]), &tests.tests[i]);
        if (words)
            fail_msg("test %zu: %s", i, words);
    }
}

static void test_bad_files(void **state)
{
    (void)state;
    const char *const bad[] = { TEST_DATA "/rules/badtests/expects.test.yaml",
                                TEST_DATA "/rules/badtests/shape.test.yaml" };
    scoped(diags_done) struct diags none = DIAGS_INIT;
    scoped(ruleset_unrefp) struct ruleset *rs = load(DATA "pass.yaml", &none);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        const struct rules_source src = { .paths = &bad[i], .npaths = 1 };
        scoped(diags_done) struct diags d = DIAGS_INIT;
        struct rules_tests tests;
        assert_int_equal(rules_tests_load(&src, rs, &tests, &d), -1);
        check_wants(bad[i], &d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pass),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_bad_files),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
