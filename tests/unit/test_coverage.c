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
#include "rules/pattern.h"
#include "rules/rules_load.h"

/* Marked, a mark being #; and each written branch as "its text, the text around it". */
static const struct {
    const char *source, *marked, *branches;
} rows[] = {
    { "plain", "plain", "" },
    { "a|b", "a#|b#", "a,- b,-" },
    { "x(a|bc)y", "x(a#|bc#)y", "a,- bc,-" },
    { "(a)(?:b)(?<n>c)", "(a)(?:b)(?<n>c)", "" },
    { "(?:a|b)(?<n>c|d)", "(?:a#|b#)(?<n>c#|d#)", "a,- b,- c,- d,-" },
    { "(a(b|c)|d)", "(a(b#|c#)#|d#)", "b,a(b|c) c,a(b|c) a(b|c),- d,-" },
    { "me( now|)", "me( now#|#)", " now,- ,-" },
    { "[|(]a", "[|(]a", "" },
    { "[]|]a|b", "[]|]a#|b#", "[]|]a,- b,-" },
    { "[[:alpha:]|]x", "[[:alpha:]|]x", "" },
    { "\\|a\\(", "\\|a\\(", "" },
    { "\\Qa|b\\E|c", "\\Qa|b\\E#|c#", "\\Qa|b\\E,- c,-" },
    { "(?!a|b)c", "(?!a|b)c", "" },
    { "(?!a(b|c))d", "(?!a(b|c))d", "" },
    { "(?i)a|b", "(?i)a#|b#", "(?i)a,- b,-" },
    { "(?i:a|b)", "(?i:a#|b#)", "a,- b,-" },
    { "(?&day|x)|(?#no|no)b", "(?&day|x)#|(?#no|no)b#", "(?&day|x),- (?#no|no)b,-" },
    { "(?x) a | b", "(?x) a | b", "" },
    { "(?(1)a|b)", "(?(1)a|b)", "" },
    { "a|(", "a|(", "" },
    { "a|b)", "a|b)", "" },
    { "a|[", "a#|[#", "a,- [,-" },
    { "a|\\", "a#|\\#", "a,- \\,-" },
    /* what may be left out is an alternative to leaving it out */
    { "(?:a|b)?x", "(?:(?:a#|b#)#|#)x", "a,(?:a|b)? b,(?:a|b)?" },
    { "(a|b)*x", "(?:(a#|b#)+#|#)x", "a,(a|b)* b,(a|b)*" },
    { "(a|b){0,3}?", "(?:(a#|b#){1,3}?#|#)", "a,(a|b){0,3}? b,(a|b){0,3}?" },
    { "(a|b)?+c", "(?>(a#|b#)#|#)c", "a,(a|b)?+ b,(a|b)?+" },
    { "(a|b)??", "(?:(a#|b#)#|#)", "a,(a|b)?? b,(a|b)??" },
    { "(?:x(?:a|b))?|c", "(?:(?:x(?:a#|b#))#|#)#|c#",
      "a,(?:x(?:a|b))? b,(?:x(?:a|b))? (?:x(?:a|b))?,- c,-" },
    { "(?:a)?(b|c)+(d|e){2}", "(?:a)?(b#|c#)+(d#|e#){2}", "b,- c,- d,- e,-" },
};

static void put_text(struct buf *out, const char *source, const struct branches *b, size_t i)
{
    if (i == BRANCH_NONE)
        buf_putc(out, '-');
    else
        buf_append(out, source + b->list[i].start, b->list[i].end - b->list[i].start);
}

static void put_branches(struct buf *out, const char *source, const struct branches *b)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->list[i].kind != BRANCH_WRITTEN)
            continue;
        if (out->len > 0)
            buf_putc(out, ' ');
        put_text(out, source, b, i);
        buf_putc(out, ',');
        put_text(out, source, b, b->list[i].inside);
    }
}

static void put_marked(struct buf *out, const char *source, const struct branches *b)
{
    scoped(buf_free) struct buf marked = BUF_INIT;
    branches_mark(&marked, source, b);
    const char *at = buf_str(&marked);
    for (const char *mark; (mark = strstr(at, PATTERN_MARK)); at = mark + strlen(PATTERN_MARK)) {
        buf_append(out, at, (size_t)(mark - at));
        buf_putc(out, '#');
    }
    buf_puts(out, at);
}

static void test_branches(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(buf_free) struct buf marked = BUF_INIT;
        scoped(buf_free) struct buf found = BUF_INIT;
        scoped(branches_done) struct branches b = { .list = NULL };
        branches_find(&b, rows[i].source);
        put_marked(&marked, rows[i].source, &b);
        put_branches(&found, rows[i].source, &b);
        if (strcmp(buf_str(&marked), rows[i].marked) != 0 ||
            strcmp(buf_str(&found), rows[i].branches) != 0)
            fail_msg("%s: %s: %s", rows[i].source, buf_str(&marked), buf_str(&found));
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
    "23:35 alternative ' now' of optional",
    "23:50 alternative 'ring' of optional",
    "31:44 alternative ' now' of repeated",
    "1:59 alternative 'said' of group speaker",
    "1:65 alternative '\\bwe' of group speaker",
};

static void check_report(const struct coverage_report *r)
{
    for (size_t i = 0; i < r->ngaps && i < ARRAY_LEN(gaps); i++) {
        scoped(buf_free) struct buf got = BUF_INIT;
        buf_printf(&got, "%u:%u %s", r->gaps[i].place.line, r->gaps[i].place.col, r->gaps[i].what);
        assert_string_equal(buf_str(&got), gaps[i]);
    }
    assert_int_equal(r->ngaps, ARRAY_LEN(gaps));
    assert_int_equal(r->percent, 63);
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
