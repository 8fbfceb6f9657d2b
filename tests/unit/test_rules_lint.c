#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

/* Calls fn for each rule file of a folder of the data; how many there were. */
static size_t each_file(const char *folder, void (*fn)(const char *path))
{
    scoped(freep) char *at = xasprintf(DATA "%s", folder);
    DIR *dir = opendir(at);
    size_t files = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        scoped(freep) char *path = xasprintf("%s/%s", at, e->d_name);
        if (e->d_name[0] == '.' || !strstr(e->d_name, ".yaml"))
            continue;
        fn(path);
        files++;
    }
    closedir(dir);
    return files;
}

static void warned_as_wanted(const char *path)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    lint(path, &d);
    check_wants(path, &d);
}

static void test_warnings(void **state)
{
    (void)state;
    assert_true(each_file("lint", warned_as_wanted) >= 7);
}

static void nothing_said(const char *path)
{
    scoped(diags_done) struct diags d = DIAGS_INIT;
    lint(path, &d);
    if (d.count == 0)
        return;
    diags_print(&d, stderr);
    fail_msg("%s: a false alarm", path);
}

static void test_no_false_alarms(void **state)
{
    (void)state;
    assert_true(each_file("quiet", nothing_said) >= 30);
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

/* A rule on `plain` implies one on `pattern`: then whatever holds the first holds the second. */
static bool said_to_imply(const char *plain, const char *pattern, struct match_scratch *scratch,
                          const struct pattern **second, struct ruleset **set)
{
    scoped(freep) char *text =
        xasprintf("rules: [{name: a, when: {subject: '%s'}}, {name: b, when: "
                  "{subject: '%s'}}]",
                  plain, pattern);
    const struct rule_file file = { .path = "t.yaml", .bytes = text, .len = strlen(text) };
    const struct rules_source src = { .now_ms = 0 };
    scoped(diags_done) struct diags d = DIAGS_INIT;
    *set = rules_load_files(&file, 1, &src, &d);
    if (!*set)
        return false;
    *second = (*set)->rules[1].when.alternatives[0].pattern;
    return cond_implies(scratch, &(*set)->rules[0].when, &(*set)->rules[1].when);
}

static unsigned pick(unsigned *seed, unsigned count)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % count;
}

static void test_what_is_implied_is_found(void **state)
{
    static const char *const pieces[] = { "a",   "b",  ".",    "\\w",   " ",       "[ab]",
                                          "\\s", "a+", "b*",   "(a|b)", "(?:ab)?", "a?",
                                          "\\b", "$",  "[^b]", ".*",    "A" };
    (void)state;
    struct match_scratch *scratch = match_scratch_new();
    unsigned seed = (unsigned)time(NULL);
    unsigned implied = 0;
    print_message("seed %u\n", seed);
    for (unsigned i = 0; i < 3000; i++) {
        char plain[8] = "";
        char pattern[64] = "";
        const struct pattern *second = NULL;
        struct ruleset *set = NULL;
        for (unsigned k = 0, n = 1 + pick(&seed, 5); k < n; k++)
            strncat(plain, &"aabB "[pick(&seed, 5)], 1);
        for (unsigned k = 0, n = 1 + pick(&seed, 4); k < n; k++)
            strncat(pattern, pieces[pick(&seed, ARRAY_LEN(pieces))],
                    sizeof(pattern) - strlen(pattern) - 1);
        if (said_to_imply(plain, pattern, scratch, &second, &set)) {
            implied++;
            for (unsigned way = 0; way < 16; way++) {
                char text[32];
                snprintf(text, sizeof(text), "%.*s%s%.*s", (int)pick(&seed, 4), "b\nx", plain,
                         (int)pick(&seed, 4), "xa\n");
                for (char *p = text; *p; p++)
                    *p = *p == ' ' && pick(&seed, 2) ? '\n' : *p;
                if (pattern_match(second, scratch, text, strlen(text), NULL) != ANSWER_YES)
                    fail_msg("'%s' implies '%s', but not in '%s'", plain, pattern, text);
            }
        }
        ruleset_unref(set);
    }
    match_scratch_free(scratch);
    assert_true(implied > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_no_false_alarms),
        cmocka_unit_test(test_implies),
        cmocka_unit_test(test_what_is_implied_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
