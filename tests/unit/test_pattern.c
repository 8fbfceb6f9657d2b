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
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "rules/pattern.h"
#include "rules/pattern_source.h"

static void patternp(struct pattern **p)
{
    pattern_free(*p);
}

static void scratchp(struct match_scratch **s)
{
    match_scratch_free(*s);
}

static struct pattern *must_compile(const char *source, bool whole, const char *definitions)
{
    struct error err = ERROR_INIT;
    size_t at = 0;
    struct pattern *p = pattern_compile(source, strlen(source), whole, definitions, &at, &err);
    if (!p)
        fail_msg("'%s' does not compile: %s at %zu", source, err.msg, at);
    return p;
}

#define WEEKDAYS "(?<weekday>(mon)|tues|wednes)(?<day>(?&weekday)day)(?<gap>of the)"

static const struct {
    const char *name, *pattern, *subject;
    const char *found; /* the words, or NULL: no */
    bool whole;
} matches[] = {
    { "case is ignored", "automatic REPLY", "Automatic Reply: hi", "Automatic Reply", false },
    { "case beyond ASCII", "ÄRGER", "viel ärger", "ärger", false },
    { "(?-i) turns it off", "(?-i)Reply", "reply", NULL, false },
    { "^ at each line", "^away", "I am\naway", "away", false },
    { "$ at each line", "am$", "I am\naway", "am", false },
    { "unanchored", "out", "I am out", "out", false },
    { "\\w beyond ASCII", "^\\w+$", "größe", "größe", false },
    { "a dot is a character", "^.$", "€", "€", false },
    { "a dot ends at the line", "a.b", "a\nb", NULL, false },
    { "a blank is a line break too", "out of office", "out\nof\noffice", "out\nof\noffice", false },
    { "a quantifier applies to it", "a {2}b", "a \nb", "a \nb", false },
    { "also an optional one", "a ?b", "ab", "ab", false },
    { "also + and a group", "(a +)+b", "a \na b", "a \na b", false },
    { "not in a class", "a[ ]b", "a\nb", NULL, false },
    { "not in a class behind a ]", "a[] ]b", "a\nb", NULL, false },
    { "not in a class behind ^]", "a[^] ]b", "a\nb", "a\nb", false },
    { "not in a class behind a name", "a[[:digit:] ]b", "a\nb", NULL, false },
    { "but behind the class", "[[:alpha:]] b", "a\nb", "a\nb", false },
    { "but behind a class with [", "[[] b", "[\nb", "[\nb", false },
    { "not between \\Q and \\E", "\\Qa b\\E c", "a\nb c", NULL, false },
    { "but behind \\E", "\\Qa b\\E c", "a b\nc", "a b\nc", false },
    { "not an escaped one", "a\\ b", "a\nb", NULL, false },
    { "an escaped backslash before it", "a\\\\ b", "a\\\nb", "a\\\nb", false },
    { "ignored under (?x)", "(?x) a b # c (", "ab", "ab", false },
    { "ignored under (?xi)", "(?xi) a b", "ab", "ab", false },
    { "(?x: ends with its group", "(?x: a ) b", "a\nb", "a\nb", false },
    { "(?x) ends with the group around it", "(?:(?x) a ) b", "a\nb", "a\nb", false },
    { "(?x) holds for the next alternative", "(?:(?x) a | b )c", "bc", "bc", false },
    { "(?-x) ends it", "(?x) a (?-x) b", "a\nb", "a\nb", false },
    { "(?^) ends it", "(?x) a (?^) b", "a\nb", "a\nb", false },
    { "no syntax in a comment", "a(?#x [ b \\Q)b c", "ab\nc", "ab\nc", false },
    { "blanks of a property's name", "\\p{Script = Greek} b", "α\nb", "α\nb", false },
    { "lookbehind across a line", "(?<=a )b", "a\nb", "b", false },
    { "typographic quotes are folded", "don’t", "don't", "don't", false },
    { "backticks too", "don`t [`] \\Q`\\E \\`", "don't ' ' '", "don't ' ' '", false },
    { "a block scalar's last line break goes", "a b\n", "a b", "a b", false },
    { "also in a whole", "a b\n\n", "a b", "a b", true },
    { "also behind a comment", "(?x) a # (\n", "a", "a", false },
    { "one inside stays", "a\nb\n", "a\nb", "a\nb", false },
    { "an escaped one stays", "a\\\n", "a\nb", "a\n", false },
    { "dashes are folded", "a–b", "a-b", "a-b", false },
    { "no-break space is a blank", "a\u00A0b", "a\nb", "a\nb", false },
    { "accents are composed", "cafe\u0301", "café", "café", false },
    { "\\G is the beginning", "\\Gb", "ab", NULL, false },
    { "whole: yes", "a|ab", "ab", "ab", true },
    { "whole: all of it", "a|b", "ab", NULL, true },
    { "whole: not one line of it", "a", "a\nb", NULL, true },
    { "whole: group numbers stay", "(a)\\1", "aa", "aa", true },
    { "whole: of nothing", "a?", "", "", true },
    { "\\K moves the start", "a\\Kb", "ab", "b", false },
    { "a definition is found", "\\b(?&day)", "on MONDAY", "MONDAY", false },
    { "an alternative before it", "x|(?&day)", "tuesday", "tuesday", false },
    { "group numbers stay", "(x)(?&weekday)\\1", "xmonx", "xmonx", false },
    { "relative numbers too", "(x)\\g{-1}(?&weekday)", "xxmon", "xxmon", false },
    { "a definition has its own options", "(?-i)A(?&day)", "AMonday", "AMonday", false },
    { "(?x) does not reach it", "(?x)A (?&gap)", "Aof\nthe", "Aof\nthe", false },
    { "(?x) with a last comment", "(?x)A (?&gap) # that", "Aof the", "Aof the", false },
    { "an open \\Q", "(?&day) \\Qa b", "monday a b", "monday a b", false },
    { "whole with a definition", "(?&day)", "monday", "monday", true },
    { "whole with a definition: all", "(?&day)", "mondays", NULL, true },
    { "a definition's blank", "(?&gap)", "of\nthe", "of\nthe", false },
    { "an author's own group", "(?<x>a b)(?&x)", "a ba\nb", "a ba\nb", false },
    { "{,} and such are text", "a{,}{x}", "a{,}{x}", "a{,}{x}", false },
    { "empty subject", "a", "", NULL, false },
    { "empty match at the end", "$", "", "", false },
    { "(*SKIP)(*FAIL) is left in", "no thanks(*SKIP)(*FAIL)|thanks", "no thanks, thanks", "thanks",
      false },
};

static void check_match(struct match_scratch *s, size_t i)
{
    const size_t len = strlen(matches[i].subject);
    scoped(patternp) struct pattern *p =
        must_compile(matches[i].pattern, matches[i].whole, WEEKDAYS);
    struct match_span span = { 0, 0 };
    const enum answer a = pattern_match(p, s, matches[i].subject, len, &span);
    if (a != (matches[i].found ? ANSWER_YES : ANSWER_NO))
        fail_msg("%s: answer %d", matches[i].name, (int)a);
    if (a != ANSWER_YES)
        return;
    scoped(freep) char *words = xmemdup0(matches[i].subject + span.start, span.end - span.start);
    if (strcmp(words, matches[i].found) != 0)
        fail_msg("%s: found '%s'", matches[i].name, words);
}

static void test_matches(void **state)
{
    (void)state;
    scoped(scratchp) struct match_scratch *jit = match_scratch_new();
    scoped(scratchp) struct match_scratch *slow = match_scratch_new();
    match_scratch_interpret(slow);
    for (size_t i = 0; i < ARRAY_LEN(matches); i++) {
        check_match(jit, i);
        check_match(slow, i);
    }
}

static const struct {
    const char *pattern;
    size_t at;
    const char *says;
} mistakes[] = {
    { "*a", 0, "quantifier" },
    { "ab**c", 3, "quantifier" },
    { "a b c **", 7, "quantifier" },
    { "“a” ’b **", 14, "quantifier" },
    { "cafe\u0301 **", 8, "quantifier" },
    { "[a–b] **", 9, "quantifier" },
    { "a(b|(c)", 1, "missing closing parenthesis" },
    { "a b(c", 3, "missing closing parenthesis" },
    { "a b)c", 3, "unmatched closing parenthesis" },
    { "a b[c", 3, "missing terminating ]" },
    { "a b[c (d", 3, "missing terminating ]" },
    { "a (?#b", 2, "comment" },
    { "a[z-a]", 4, "range out of order" },
    { "a {3,2}", 2, "numbers out of order" },
    { "a b\\", 3, "\\ at end" },
    { "a b\\y", 3, "unrecognized character follows" },
    { "a \\p{Foo}", 2, "unknown property" },
    { "(?<x>a)(?<x>b)", 10, "same name" },
    { "a (?&nobody)b", 5, "non-existent" },
    { "a (?=b\\K)", 6, "\\K" },
    { "a\\C", 1, "\\C" },
    { "a b(?C1)c", 3, "callouts" },
    { "a b(?C'x')c", 3, "callouts" },
    { "(*UTF)a", 0, "settings" },
    { "(*NO_JIT)a", 0, "settings" },
    { "(*LIMIT_MATCH=9)a", 0, "settings" },
    { "a(?[b])", 1, "not allowed" },
    { "a b{,3}", 3, "{0,n}" },
    { "a b(?<weekday>c)", 6, "is that of a definition" },
    { "a b(?P<day>c)", 7, "is that of a definition" },
    { "(?J)(?<day>c)", 7, "is that of a definition" },
    { "(?&day) (b", 8, "missing closing parenthesis" },
    { "(?&day) [b", 8, "missing terminating ]" },
    { "(?&day) b)", 9, "unmatched closing parenthesis" },
    { "((((((((((((((((((((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))"
      "))))))))))))))))))))",
      51, "too deeply nested" },
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(mistakes); i++) {
        const char *source = mistakes[i].pattern;
        struct error err = ERROR_INIT;
        size_t at = 0;
        if (pattern_compile(source, strlen(source), i % 2 == 1, WEEKDAYS, &at, &err))
            fail_msg("'%s' compiles", source);
        if (!strstr(err.msg, mistakes[i].says))
            fail_msg("'%s': message is '%s'", source, err.msg);
        if (at != mistakes[i].at)
            fail_msg("'%s': at %zu, not %zu", source, at, mistakes[i].at);
    }
}

static void test_too_long(void **state)
{
    (void)state;
    scoped(freep) char *source = xcalloc(PATTERN_BYTES_MAX + 2, 1);
    memset(source, 'a', PATTERN_BYTES_MAX + 1);
    struct error err = ERROR_INIT;
    size_t at = 0;
    assert_null(pattern_compile(source, PATTERN_BYTES_MAX + 1, false, NULL, &at, &err));
    assert_non_null(strstr(err.msg, "longer"));
    for (size_t i = 0; i < PATTERN_BYTES_MAX; i++)
        source[i] = i % 5 ? 'a' : ' ';
    scoped(patternp) struct pattern *p =
        pattern_compile(source, PATTERN_BYTES_MAX, false, NULL, &at, &err);
    if (!p)
        fail_msg("%s", err.msg);
}

static void test_mistake_in_definitions(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    size_t at = 9;
    assert_null(pattern_compile("(?&a)", 5, false, "(?<a>b**)", &at, &err));
    assert_int_equal(at, 0);
    assert_non_null(strstr(err.msg, "in the definitions"));
}

static const struct {
    const char *pattern;
    const char *missing;
    size_t at;
} groups[] = {
    { "a (?&weekday) b", NULL, 0 },
    { "a (?&weekdays) b", "weekdays", 5 },
    { "“(?P>nobody)", "nobody", 7 },
    { "a\\g<nobody>", "nobody", 4 },
    { "a\\g'nobody'", "nobody", 4 },
    { "(a)\\g<1>(?1)\\g{1}", NULL, 0 },
    { "(?<own>a)(?&own)(?'it'b)\\g<it>", NULL, 0 },
    { "[(?&nobody)]", NULL, 0 },
    { "\\Q(?&nobody)\\E", NULL, 0 },
    { "(?<=a)(?<!b)", NULL, 0 },
};

static void test_missing_group(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        char name[64] = "";
        size_t at = 0;
        const char *source = groups[i].pattern;
        const bool is = pattern_missing_group(source, strlen(source), WEEKDAYS, name, &at);
        if (is != (groups[i].missing != NULL))
            fail_msg("'%s': %s", source, is ? name : "nothing");
        if (is && (strcmp(name, groups[i].missing) != 0 || at != groups[i].at))
            fail_msg("'%s': '%s' at %zu", source, name, at);
    }
}

static void test_matches_empty(void **state)
{
    (void)state;
    static const struct {
        const char *pattern;
        bool empty;
    } rows[] = { { "a*", true },       { "", true },     { "^", true },   { "$", true },
                 { "x?|y", true },     { "\\b", false }, { "^$", false }, { "a", false },
                 { "(?=.)", false },   { ".", false },   { ".*", true },  { "(a|)", true },
                 { "\\s*(ok)?", true } };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(patternp) struct pattern *p = must_compile(rows[i].pattern, false, NULL);
        if (pattern_matches_empty(p) != rows[i].empty)
            fail_msg("'%s': not %d", rows[i].pattern, rows[i].empty);
    }
}

/* ---- limits ---- */

static int64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#ifdef AUTOMARK_SANITIZED
#define SLOWER 5
#else
#define SLOWER 1
#endif

static const struct {
    const char *pattern;
    char letter;
    size_t len;
    int64_t budget_ms;
} hostile[] = {
    { "^(a+)+$", 'a', 60000, 20 },
    { "^(a+)+$", 'a', 60000, 0 },
    { "(a+)+$", 'a', 60000, 20 },
    { "(a|a)*$", 'a', 60000, 20 },
    { "(?s)a.*[yz]", 'a', 65536, 20 },
    { "x{1,300}x{1,290}[yz]", 'x', 16384, 20 },
    { "x{1,300}x{1,290}[yz]", 'x', 65536, 20 },
    { "x{1,90}x{1,90}[yz]", 'x', 65536, 20 },
    { "(x{1,30}){1,30}[yz]", 'x', 65536, 20 },
    { "(?:x|w)+[yz]", 'x', 65536, 20 },
    { "x{1,300}x{1,290}[yz](*SKIP)(*FAIL)|q", 'x', 65536, 20 },
    { "((((x*)*)*)*)*y", 'x', 65536, 20 },
};

/* The text ends in '!', so that no shortcut at the end decides. */
static void check_hostile(size_t i, bool interpret)
{
    scoped(patternp) struct pattern *p = must_compile(hostile[i].pattern, false, NULL);
    scoped(scratchp) struct match_scratch *s = match_scratch_new();
    if (interpret)
        match_scratch_interpret(s);
    scoped(freep) char *text = xcalloc(hostile[i].len + 2, 1);
    memset(text, hostile[i].letter, hostile[i].len);
    memcpy(text + hostile[i].len - 2, "zy", 2); /* else a required letter is missed at once */
    memcpy(text + hostile[i].len / 2, "!", 1);
    const int64_t began = cpu_ms();
    match_budget_start(s, hostile[i].budget_ms);
    const enum answer a = pattern_match(p, s, text, hostile[i].len, NULL);
    const int64_t took = cpu_ms() - began;
    if (getenv("SHOW"))
        print_message("%-40s %zu %s: %d %s %d ms\n", hostile[i].pattern, hostile[i].len,
                      interpret ? "interpreted" : "jit", (int)a, pattern_limit(s), (int)took);
    /* A bound against hanging, not a measurement: those are in tests/bench. */
    if (took > 5000 * SLOWER)
        fail_msg("%s took %d ms", hostile[i].pattern, (int)took);
    if ((a == ANSWER_UNDECIDED) != (pattern_limit(s)[0] != '\0'))
        fail_msg("%s: answer %d, limit '%s'", hostile[i].pattern, (int)a, pattern_limit(s));
}

static void test_hostile(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        check_hostile(i, false);
        check_hostile(i, true);
    }
}

static void test_undecided(void **state)
{
    (void)state;
    scoped(patternp) struct pattern *p = must_compile("^(a+)+$", false, NULL);
    scoped(scratchp) struct match_scratch *s = match_scratch_new();
    scoped(freep) char *text = xcalloc(60001, 1);
    memset(text, 'a', 59999);
    text[59999] = '!';
    assert_int_equal(pattern_match(p, s, text, 60000, NULL), ANSWER_UNDECIDED);
    assert_string_equal(pattern_limit(s), "match limit");
    match_scratch_interpret(s);
    assert_int_equal(pattern_match(p, s, text, 60000, NULL), ANSWER_UNDECIDED);
    assert_true(pattern_limit(s)[0] != '\0');
}

static void test_budget(void **state)
{
    (void)state;
    scoped(patternp) struct pattern *p = must_compile("x{1,300}x{1,290}[yz]", false, NULL);
    scoped(patternp) struct pattern *easy = must_compile("x", false, NULL);
    scoped(scratchp) struct match_scratch *s = match_scratch_new();
    match_scratch_interpret(s);
    scoped(freep) char *text = xcalloc(65537, 1);
    for (size_t i = 0; i < 65536; i++)
        text[i] = i % 90 == 0 ? '!' : 'x';
    memcpy(text + 65534, "!z", 2);
    match_budget_start(s, 5);
    assert_int_equal(pattern_match(p, s, text, 65536, NULL), ANSWER_UNDECIDED);
    assert_string_equal(pattern_limit(s), "CPU budget");
    assert_int_equal(pattern_match(easy, s, "x", 1, NULL), ANSWER_UNDECIDED); /* it is spent */
    match_budget_start(s, 5);
    assert_int_equal(pattern_match(easy, s, "x", 1, NULL), ANSWER_YES);
    assert_string_equal(pattern_limit(s), "");
}

/* ---- slices change no answer ---- */

static size_t put_random(struct buf *b, unsigned *seed, size_t pieces)
{
    static const char *const parts[] = { "a", "b", " ", "\n", "ä", "€", "𝄞", "ab", "x", "-", "A" };
    for (size_t i = 0; i < pieces; i++)
        buf_puts(b, parts[(unsigned)rand_r(seed) % ARRAY_LEN(parts)]);
    return b->len;
}

/* The same in one go: a pattern that steers its search is not cut into slices. */
static enum answer unsliced(const char *source, struct match_scratch *s, const struct buf *text,
                            struct match_span *span)
{
    scoped(buf_free) struct buf one = BUF_INIT;
    buf_printf(&one, "(?:%s)|(?!)(*COMMIT)", source);
    scoped(patternp) struct pattern *p = must_compile(buf_str(&one), false, NULL);
    return pattern_match(p, s, text->data, text->len, span);
}

static void test_slices(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "(?<=x\n)b€",  "\\bxA\\b",          "^-€$",      "\\Axb",    "€\\Kab 𝄞", "(?<=^-)ä\\n",
        "x{3}",        "(?m)a-$",           "(?<!.)€€€", "A-x|x-A",  "\\z",      "^$",
        "(\\w)\\1\\1", "[^\\x00-\\x7f]{4}", "xaxaxa",    "(?s)ä.€.ä"
    };
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    scoped(scratchp) struct match_scratch *s = match_scratch_new();
    size_t found = 0;
    for (size_t round = 0; round < 40; round++) {
        scoped(buf_free) struct buf text = BUF_INIT;
        put_random(&text, &seed, 200 + round * 20);
        for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
            scoped(patternp) struct pattern *p = must_compile(sources[i], false, NULL);
            struct match_span got = { 0, 0 };
            struct match_span want = { 0, 0 };
            const enum answer a = pattern_match(p, s, text.data, text.len, &got);
            const enum answer b = unsliced(sources[i], s, &text, &want);
            if (a != b || got.start != want.start || got.end != want.end)
                fail_msg("'%s': %d %zu-%zu, unsliced %d %zu-%zu", sources[i], (int)a, got.start,
                         got.end, (int)b, want.start, want.end);
            found += a == ANSWER_YES;
        }
    }
    assert_true(found > 50);
}

static void test_jit(void **state)
{
    (void)state;
    scoped(patternp) struct pattern *p = must_compile("a (?&day)", false, WEEKDAYS);
#if defined(__x86_64__) || defined(__aarch64__)
    assert_true(pattern_has_jit(p));
#endif
}

/* Any bytes: no crash, and the place lies in the source. */
static void test_random_sources(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "(", ")",  "[", "]", "\\", "Q", "\\E",     "\\Q", "(?",   "<",   ">",         "a", " ",
        "#", "x)", ":", "^", "-",  "P", "'",       "&",   "(*",   "{",   "}",         "2", ",",
        "*", "+",  "?", "|", "’",  "–", "e\u0301", "\n",  "(?x)", "(?#", "[:alpha:]", "€", "g<"
    };
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    for (size_t round = 0; round < 20000; round++) {
        scoped(buf_free) struct buf b = BUF_INIT;
        for (size_t i = 0; i < 1 + round % 14; i++)
            buf_puts(&b, parts[(unsigned)rand_r(&seed) % ARRAY_LEN(parts)]);
        struct error err = ERROR_INIT;
        size_t at = 0;
        scoped(patternp) struct pattern *p =
            pattern_compile(buf_str(&b), b.len, false, round % 2 ? WEEKDAYS : NULL, &at, &err);
        if (!p && (at > b.len || !err.msg[0] || ((unsigned char)buf_str(&b)[at] & 0xC0) == 0x80))
            fail_msg("'%s': '%s' at %zu", buf_str(&b), err.msg, at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches),       cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_too_long),      cmocka_unit_test(test_mistake_in_definitions),
        cmocka_unit_test(test_missing_group), cmocka_unit_test(test_matches_empty),
        cmocka_unit_test(test_undecided),     cmocka_unit_test(test_budget),
        cmocka_unit_test(test_hostile),       cmocka_unit_test(test_slices),
        cmocka_unit_test(test_jit),           cmocka_unit_test(test_random_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
