/* literals.h: which literals a pattern needs. Each row is a pattern and, in the notation of
 * need_describe(), what it needs: (a|b) one of them, a & b both, <a> at the edges of words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "rules/literals.h"
#include "rules/pattern.h"

static const char definitions[] = "(?<day>mon|tues)(?<loop>ab(?&loop)?cd)(?<both>(?&day)day)";

static const struct {
    const char *pattern, *needs;
} rows[] = {
    /* text */
    { "Out of Office", "out of offic" },
    { "stra\u00DFe \u1E9E", "stra\u00DFe \u00DF" },
    { "\u212Aey \u017Fet", "key set" },
    { "away\\nuntil", "away until" },
    { "a\\.b\\-c", "a.b-c" },
    { "\\Qa.b?\\E", "a.b?" },
    { "\\x41\\x{42}c", "abc" },
    { "\\x{130}stanbul", "istanbul" },
    { "a{b}", "a{b}" },

    /* alternatives, repetition */
    { "away|out of", "(away|out of)" },
    { "(?:away|out) now", "(away now|out now)" },
    { "colou?r", "(color|colour)" },
    { "ab(?:cd)*ef", "(ab & ef)" },
    { "ab(?:cd)+ef", "(ab & cd & ef)" },
    { "(?:ab){2}", "abab" },
    { "(?:ab){0}cd", "cd" },
    { "ab{2,3}", "nothing" },
    { "(?:ab){2,3}", "ab" },
    { "away|.*", "nothing" },
    { "away|", "nothing" },
    { "away|now\\d+then|(?:here|there)", "((now & then)|(away|here|there))" },
    { "office|out of office hours", "(office|out of offic)" },
    { "aw|away|awayness", "aw" },

    /* classes */
    { "gr[ae]y", "(gray|grey)" },
    { "w[a-c]x", "(wax|wbx|wcx)" },
    { "ab[^c]de", "(ab & de)" },
    { "ab\\dcd", "(ab & cd)" },
    { "ab[\\d_]cd", "(ab & cd)" },
    { "ab[[:alpha:]]cd", "(ab & cd)" },
    { "ab[a-z]cd", "(ab & cd)" },
    { "a[]b]c", "(a]c|abc)" },
    { "a[b-]c", "(a-c|abc)" },
    { "ab.cd", "(ab & cd)" },

    /* edges of words, and what has no text */
    { "\\bno\\b", "<no>" },
    { "\\bi\\b", "<i>" },
    { "\\bi", "nothing" },
    { "\\b(?:no|not)\\b", "(<no>|<not>)" },
    { "\\b-no-\\b", "-no-" },
    { "no\\b more", "no more" },
    { "^away$", "away" },
    { "\\Aaway\\z", "away" },
    { "(?=now)away(?!ness)", "away" },
    { "(?<=be)fore(?<!after)", "fore" },
    { "a\\Kway", "away" },

    /* groups and settings */
    { "(?i)aw(?-i)AY", "away" },
    { "(?-i:AWAY)", "away" },
    { "(?>aw)(ay)(?<n>now)", "awaynow" },
    { "(?|aw|ab)ay", "(abay|away)" },
    { "(aw)ay\\1 now", "(away &  now)" },
    { "aw(?1)?ay(?R)?()", "(aw & ay)" },
    { "(?&day) or", "(mon or|tues or)" },
    { "(?P>both)", "(monday|tuesday)" },
    { "(?&loop)x", "(ab & cd)" },

    /* not understood, or too common */
    { "a", "nothing" },
    { "  ", "nothing" },
    { "\u8981", "\u8981" },
    { "(?x)away", "nothing" },
    { "away(*ACCEPT)now", "nothing" },
    { "(a)?(?(1)way|by)", "nothing" },
    { "aw(?#note)ay", "nothing" },
    { "aw\\E+ay", "nothing" },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(arena_freep) struct arena *a = arena_new();
        scoped(buf_free) struct buf source = BUF_INIT;
        scoped(buf_free) struct buf got = BUF_INIT;
        struct error err = ERROR_INIT;
        size_t at = 0;
        struct pattern *p = pattern_compile(rows[i].pattern, strlen(rows[i].pattern), false,
                                            definitions, &at, &err);
        if (!p)
            fail_msg("/%s/: %s", rows[i].pattern, err.msg);
        pattern_free(p);
        pattern_source_joined(&source, rows[i].pattern, definitions);
        need_describe(&got, literals_needed(a, buf_str(&source), source.len));
        if (strcmp(buf_str(&got), rows[i].needs) != 0)
            fail_msg("/%s/: got %s, want %s", rows[i].pattern, buf_str(&got), rows[i].needs);
    }
}

/* A pattern that multiplies stays bounded: this would be 10^40 texts. */
static void test_bounded(void **state)
{
    (void)state;
    scoped(arena_freep) struct arena *a = arena_new();
    scoped(buf_free) struct buf source = BUF_INIT;
    scoped(buf_free) struct buf got = BUF_INIT;
    for (int i = 0; i < 40; i++)
        buf_puts(&source, "(?:ab|cd|ef|gh|ij|kl|mn|op|qr|st)");
    need_describe(&got, literals_needed(a, buf_str(&source), source.len));
    assert_true(got.len > 40 && got.len < 4000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
