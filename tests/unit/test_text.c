#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/text.h"

static const struct {
    const char *name, *in, *want;
} folds[] = {
    { "plain ASCII stays", "Hello, world! 100% <a@b>", "Hello, world! 100% <a@b>" },
    { "single quotes", "‘a’ ‚b‛ ´c` ′d′", "'a' 'b' 'c' 'd'" },
    { "double quotes", "“a” „b‟ «c» ″d″ 〝e〞", "\"a\" \"b\" \"c\" \"d\" \"e\"" },
    { "fullwidth quotes", "＂a＇", "\"a'" },
    { "dashes", "a‐b‑c‒d–e—f―g−h－i", "a-b-c-d-e-f-g-h-i" },
    { "spaces", "a\u00A0b\u2009c\u3000d\u202Fe", "a b c d e" },
    { "runs of blanks", "a  \t \u00A0 b", "a b" },
    { "blanks at a line's end", "a \t\nb\u00A0\n", "a\nb\n" },
    { "a leading blank is kept as one", "\t\ta", " a" },
    { "blanks only", " \t ", "" },
    { "line ends", "a\r\nb\rc\nd\u2028e\u2029f\xC2\x85g", "a\nb\nc\nd\ne\nf\ng" },
    { "CR CR LF", "a\r\r\nb", "a\n\nb" },
    { "zero-width", "un\u200Bsub\u200Cscr\u200Dibe\u2060\uFEFF", "unsubscribe" },
    { "soft hyphen", "un\u00ADsubscribe", "unsubscribe" },
    { "direction marks", "\u202Eabc\u202C\u2066d\u2069\u200E", "abcd" },
    { "variation selector", "ok \u2764\uFE0F", "ok \u2764" },
    { "controls",
      "a\x01\x1B\x7F"
      "b",
      "ab" },
    { "decomposed accents", "e\u0301a\u0308 n\u0303", "éä ñ" },
    { "marks in the wrong order", "a\u0302\u0323", "ậ" },
    { "accent behind an invisible", "e\u200B\u0301", "é" },
    { "fullwidth", "ＵＮＳＵＢ：１２", "UNSUB:12" },
    { "ligature and superscript", "ﬁn x²", "fin x2" },
    { "halfwidth katakana", "ﾊﾞｽ", "バス" },
    { "Hangul in jamo", "\u1112\u1161\u11AB", "한" },
    { "mislabelled Windows-1252",
      "don\xC2\x92t \xC2\x93"
      "a\xC2\x94 \xC2\x96",
      "don't \"a\" -" },
    { "ellipsis", "wait…", "wait..." },
    { "broken UTF-8", "a\xFF\xC3(b", "a\uFFFD\uFFFD(b" },
    { "Cyrillic and Greek stay", "Привет, Ωμέγα", "Привет, Ωμέγα" },
};

static void test_fold(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(folds); i++) {
        scoped(buf_free) struct buf got = BUF_INIT;
        text_fold(&got, folds[i].in, strlen(folds[i].in));
        if (strcmp(buf_str(&got), folds[i].want) != 0)
            fail_msg("%s: got '%s', want '%s'", folds[i].name, buf_str(&got), folds[i].want);
    }
}

static void test_fold_nul(void **state)
{
    (void)state;
    scoped(buf_free) struct buf got = BUF_INIT;
    text_fold(&got, "a\0b", 3);
    assert_string_equal(buf_str(&got), "ab");
}

static void fold_again(const char *what, uint32_t cp, const struct buf *in)
{
    scoped(buf_free) struct buf once = BUF_INIT;
    scoped(buf_free) struct buf twice = BUF_INIT;
    text_fold(&once, buf_str(in), in->len);
    text_fold(&twice, buf_str(&once), once.len);
    if (once.len != twice.len || strcmp(buf_str(&once), buf_str(&twice)) != 0)
        fail_msg("%s U+%04X: '%s' became '%s'", what, (unsigned)cp, buf_str(&once),
                 buf_str(&twice));
}

static void test_fold_is_idempotent(void **state)
{
    (void)state;
    for (uint32_t cp = 1; cp <= 0x10FFFF; cp++) {
        if (cp >= 0xD800 && cp <= 0xDFFF)
            continue;
        scoped(buf_free) struct buf in = BUF_INIT;
        buf_puts(&in, "e");
        utf8_encode(&in, cp);
        utf8_encode(&in, 0x301);
        utf8_encode(&in, cp);
        fold_again("around", cp, &in);
    }
}

static void test_fold_random(void **state)
{
    (void)state;
    static const uint32_t pool[] = {
        'a',    ' ',    '\n',   '\r',   0x301,  0x323,  0x344,  0xF73,  0xB4,  0x60, 0x200B, 0x1100,
        0x1161, 0x11A8, 0xFF9E, 0x3164, 0x30CF, 0xFDFA, 0x2019, 0x1E9B, 0x338, '<',  0x2033, 0x1F82
    };
    uint32_t seed = (uint32_t)(uintptr_t)&state ^ 0x9E3779B9u;
    print_message("seed %u\n", seed);
    for (int round = 0; round < 2000; round++) {
        scoped(buf_free) struct buf in = BUF_INIT;
        for (int i = 0; i < 60; i++) {
            seed = seed * 1664525u + 1013904223u;
            utf8_encode(&in, pool[(seed >> 16) % ARRAY_LEN(pool)]);
        }
        fold_again("random", (uint32_t)round, &in);
    }
}

/* Ordering marks is quadratic in the length of a run; the run is bounded. */
static void test_fold_many_marks(void **state)
{
    (void)state;
    scoped(buf_free) struct buf in = BUF_INIT;
    for (int i = 0; i < 200000; i++)
        buf_puts(&in, i % 2 ? "\u0323" : "\u0302");
    scoped(buf_free) struct buf got = BUF_INIT;
    text_fold(&got, in.data, in.len);
    assert_in_range(got.len, 1, 100);
}

static const struct {
    const char *name, *in, *want;
} patterns[] = {
    { "ASCII stays", "^a`b\t\\x{2019}(?i)[a-z]+?$ #", "^a`b\t\\x{2019}(?i)[a-z]+?$ #" },
    { "quotes", "don’t “x” «y»", "don't \"x\" \"y\"" },
    { "dash and blank", "out–of\u00A0office", "out-of office" },
    { "a dash in a class is no range", "[a–z]", "[a\\-z]" },
    { "a dash in a class after ]", "[]–]–", "[]\\-]-" },
    { "an escaped dash in a class", "[a\\–z]", "[a\\-z]" },
    { "a dash between \\Q and \\E", "\\Q[–\\E[–]", "\\Q[-\\E[\\-]" },
    { "accents are composed", "re\u0301ponse[u\u0308]", "réponse[ü]" },
    { "two accents, wrong order", "a\u0302\u0323", "ậ" },
    { "an escape keeps its letter", "\\w\u0301", "\\w\u0301" },
    { "an operator keeps its sign", "<\u0338", "<\u0338" },
    { "fullwidth letters", "ＳＴＯＰ", "STOP" },
    { "no escape appears", "\\Ｗ(?Ｐ\\pＬ", "\\Ｗ(?Ｐ\\pＬ" },
    { "no quantifier appears", "a｛２｝（＊", "a｛２｝（＊" },
    { "invisibles stay", "[\u200B\u00AD]", "[\u200B\u00AD]" },
    { "line separators stay", "\u2028", "\u2028" },
    { "Hangul", "\u1112\u1161\u11AB", "한" },
    { "Cyrillic", "и\u0306 отписаться", "й отписаться" },
};

static void test_fold_pattern(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(patterns); i++) {
        scoped(buf_free) struct buf got = BUF_INIT;
        text_fold_pattern(&got, patterns[i].in, strlen(patterns[i].in));
        if (strcmp(buf_str(&got), patterns[i].want) != 0)
            fail_msg("%s: got '%s', want '%s'", patterns[i].name, buf_str(&got), patterns[i].want);
    }
}

static void test_fold_pattern_keeps_ascii(void **state)
{
    (void)state;
    char all[127];
    for (int i = 1; i < 128; i++)
        all[i - 1] = (char)i;
    scoped(buf_free) struct buf got = BUF_INIT;
    text_fold_pattern(&got, all, sizeof(all));
    assert_int_equal(got.len, sizeof(all));
    assert_memory_equal(got.data, all, sizeof(all));
}

static void test_can_contain(void **state)
{
    (void)state;
    static const uint32_t yes[] = { 'a', ' ', '\n', '\'', 0xE9, 0x431, 0x4E2D, 0x1F600, 0xFFFD };
    static const uint32_t no[] = {
        '\t',   '\r',   '`',    0xA0,   0xAD,   0xB2,   0xB4,     0x2013,
        0x2019, 0x200B, 0xFB01, 0xFF21, 0xD800, 0xFE0F, 0x110000, 0x344
    };
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        if (!text_can_contain(yes[i]))
            fail_msg("U+%04X can occur", (unsigned)yes[i]);
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (text_can_contain(no[i]))
            fail_msg("U+%04X cannot occur", (unsigned)no[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold),
        cmocka_unit_test(test_fold_nul),
        cmocka_unit_test(test_fold_is_idempotent),
        cmocka_unit_test(test_fold_random),
        cmocka_unit_test(test_fold_many_marks),
        cmocka_unit_test(test_fold_pattern),
        cmocka_unit_test(test_fold_pattern_keeps_ascii),
        cmocka_unit_test(test_can_contain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
