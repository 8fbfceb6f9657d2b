#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "rules/imply.h"
#include "rules/pattern.h"
#include "rules/rules_lint.h"
#include "rules_wants.h"

#define DATA TEST_DATA "/rules/"

static void lint(const char *path, struct diags *d)
{
    int64_t at = 0;
    assert_true(clock_parse("2026-08-01", &at));
    const struct rules_source src = { .paths = &path, .npaths = 1, .now_ms = at };
    scoped(ruleset_unrefp) struct ruleset *rs = rules_load(&src, false, d);
    if (!rs) {
        diags_print(d, stderr);
        fail_msg("%s does not load", path);
    }
    rules_lint(rs, true, d);
}

static void test_warnings(void **state)
{
    (void)state;
    const char *const files[] = { "lint/patterns.yaml", "lint/never.yaml", "lint/careful.yaml" };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        scoped(freep) char *path = xasprintf(DATA "%s", files[i]);
        scoped(diags_done) struct diags d = DIAGS_INIT;
        lint(path, &d);
        check_wants(path, &d);
    }
}

/* ---- what follows from what ------------------------------------------------------------ */

static const struct {
    const char *a, *b; /* two `when`, in flow style */
    bool implies;
} rows[] = {
    { "{subject: x}", "{subject: x}", true },
    { "{subject: x}", "{subject: y}", false },
    { "{subject: x}", "{reply: x}", false },
    { "{subject: x, reply: y}", "{subject: x}", true },
    { "{subject: x}", "{subject: x, reply: y}", false },
    { "{subject: x}", "[{subject: x}, {reply: y}]", true },
    { "[{subject: x}, {reply: y}]", "{subject: x}", false },
    { "[{subject: x}, {reply: y}]", "[{reply: y}, {subject: [x, z]}]", true },
    { "{subject: 'out of office'}", "{subject: office}", true },
    { "{subject: 'out of office'}", "{subject: 'of.ice'}", true },
    { "{subject: 'out of office'}", "{subject: 'of(f)?ice$'}", false },
    { "{subject: 'automatic reply from'}", "{subject: 'auto(matic)? (reply|response)'}", true },
    { "{subject: 'out of'}", "{subject: 'out.of'}", false }, /* the blank may be a line break */
    { "{subject: 'Away'}", "{subject: '(?-i)Away'}", false },
    { "{subject: 'Away'}", "{subject: '\\p{Lu}way'}", false },
    { "{subject: 'aab'}", "{subject: 'a++b'}", false },
    { "{tag: {is: interested}}", "{tag: '^interest'}", true },
    { "{tag: {is: interested}}", "{tag: '^(not-)?int$'}", false },
    { "{tag: {is: interested}}", "{tag: {whole: 'interest(ed)?'}}", true },
    { "{subject: 'x+'}", "{subject: {present: true}}", true },
    { "{subject: 'x*'}", "{subject: {present: true}}", false },
    { "{subject: office}", "{subject: 'out of office'}", false },
    { "{subject: Office}", "{subject: oFFice}", true },
    { "{subject: {whole: x}}", "{subject: x}", true },
    { "{subject: x}", "{subject: {whole: x}}", false },
    { "{tag: {is: a}}", "{tag: {is: [A, b]}}", true },
    { "{tag: {is: [a, b]}}", "{tag: {is: a}}", false },
    { "{tag: {is: a}}", "{tag: {present: true}}", true },
    { "{tag: {present: false}}", "{tag: {present: true}}", false },
    { "{reply: {max_chars: 10}}", "{reply: {max_chars: 20}}", true },
    { "{reply: {max_chars: 20}}", "{reply: {max_chars: 10}}", false },
    { "{not: {subject: [x, y]}}", "{not: {subject: x}}", true },
    { "{not: {subject: x}}", "{not: {subject: [x, y]}}", false },
    { "{auto_reply: true}", "{auto_reply: false}", false },
    { "{/a: x}", "{/a: x}", true },
    { "{/a: x}", "{/b: x}", false },
};

static void test_implies(void **state)
{
    (void)state;
    struct match_scratch *scratch = match_scratch_new();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(freep) char *text =
            xasprintf("rules: [{name: a, when: %s}, {name: b, when: %s}]", rows[i].a, rows[i].b);
        const struct rule_file file = { .path = "t.yaml", .bytes = text, .len = strlen(text) };
        const struct rules_source src = { .now_ms = 0 };
        scoped(diags_done) struct diags d = DIAGS_INIT;
        scoped(ruleset_unrefp) struct ruleset *rs = rules_load_files(&file, 1, &src, &d);
        if (!rs)
            fail_msg("%s: %s", text, d.list[0].msg);
        if (cond_implies(scratch, &rs->rules[0].when, &rs->rules[1].when) != rows[i].implies)
            fail_msg("%s -> %s", rows[i].a, rows[i].b);
    }
    match_scratch_free(scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_implies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
