#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "rules/cheaper.h"
#include "rules/pattern.h"

static const struct {
    const char *source, *want; /* NULL: nothing to gain, or not understood */
    bool whole;
} rows[] = {
    { "(a+)+", "a+", false },
    { "(?:a+)*", "a*", false },
    { "(a*)+", "a*", false },
    { "(a*)*b", "a*b", false },
    { "(a+)?", NULL, false },
    { "(a|a)*", "a*", false },
    { "(a|b|a)c", "(a|b)c", false },
    { "(a|b)*", "[ab]*", false },
    { "(\\w|-)+", NULL, false }, /* a - means something in a class */
    { "(\\w|\\.)+", "[\\w\\.]+", false },
    { "(a|[bc])+", "[abc]+", false },
    { "(a|[^b])+", NULL, false },
    { "(a|\\b)+", NULL, false },
    { "(.|\\n)*x", "[\\s\\S]*x", false },
    { "(\\S|\\n)*x", "[\\S\\n]*x", false },
    { "(\\w+\\s?)*$", "(\\w\\s?)*$", false },
    { "(\\w+\\s)*$", NULL, false },
    { "((a+)+)+", "a+", false },
    { "(a*b?)+c", "[ab]*c", false },
    { "a.*.*b", "a.*b", false },
    { "a\\s+\\s+b", "a\\s{2,}b", false },
    { "a+a", NULL, false },
    { "a.*\\w+b", "a.*\\wb", false },
    { "a.*\\s+b", NULL, false }, /* \s takes a line break, . does not */
    { ".*a", "a", false },
    { ".*a", NULL, true },
    { "^.*a.*$", "a", false },
    { "^.*a.*$", NULL, true },
    { "^a.*", "^a", false },
    { ".*a|.*b", "a|b", false },
    { ".*", NULL, false },
    { "(a+)+\\1", NULL, false },
    { "(?>a+)+", NULL, false },
    { "(a++)+", NULL, false },
    { "(?i)(a+)+", NULL, false },
    { "(?x) (a+ )+", NULL, false },
    { "\\Q(a+)+\\E", NULL, false },
    { "(?&x)(a+)+", "(?&x)a+", false },
    { "[)(+]+(a+)+", "[)(+]+a+", false },
    { "(a{2,3})+", NULL, false },
    { "a{0}b", "b", false },
    { "(\xC3\xA4|\xC3\xB6)+", "[\xC3\xA4\xC3\xB6]+", false },
};

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(buf_free) struct buf got = BUF_INIT;
        const bool changed = pattern_cheaper(rows[i].source, rows[i].whole, &got);
        if (changed != (rows[i].want != NULL) ||
            (changed && strcmp(buf_str(&got), rows[i].want) != 0))
            fail_msg("%s: got %s", rows[i].source, changed ? buf_str(&got) : "nothing");
    }
}

/* ---- whatever it makes, it finds the same ------------------------------------------------ */

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void random_pattern(struct buf *out, uint32_t *seed, unsigned depth)
{
    static const char *const leaves[] = { "a",   "b",   ".", "\\w", " ",   "[ab]", "\\n",
                                          "\\s", "\\S", "^", "$",   "\\b", "c",    "[^a]" };
    static const char *const quantifiers[] = { "", "", "", "*", "+", "?", "*?", "{2,}", "{1,2}" };
    const unsigned items = 1 + next_random(seed) % 3;
    for (unsigned i = 0; i < items; i++) {
        if (depth > 0 && next_random(seed) % 3 == 0) {
            buf_puts(out, next_random(seed) % 2 ? "(" : "(?:");
            random_pattern(out, seed, depth - 1);
            buf_putc(out, ')');
        } else {
            buf_puts(out, leaves[next_random(seed) % ARRAY_LEN(leaves)]);
        }
        buf_puts(out, quantifiers[next_random(seed) % ARRAY_LEN(quantifiers)]);
    }
    if (depth > 0 && next_random(seed) % 3 == 0) {
        buf_putc(out, '|');
        random_pattern(out, seed, depth - 1);
    }
}

static void finds_the_same(const char *source, const char *cheaper, bool whole, uint32_t *seed)
{
    size_t at = 0;
    struct error err = ERROR_INIT;
    struct pattern *one = pattern_compile(source, strlen(source), whole, NULL, &at, &err);
    struct pattern *other = pattern_compile(cheaper, strlen(cheaper), whole, NULL, &at, &err);
    struct match_scratch *s = match_scratch_new();
    if (one && !other)
        fail_msg("%s became %s: %s", source, cheaper, err.msg);
    for (unsigned i = 0; one && i < 40; i++) {
        char text[12];
        const size_t len = next_random(seed) % sizeof(text);
        for (size_t k = 0; k < len; k++)
            text[k] = "aabc \n"[next_random(seed) % 6];
        const enum answer a = pattern_match(one, s, text, len, NULL);
        const enum answer b = pattern_match(other, s, text, len, NULL);
        if (a != b && a != ANSWER_UNDECIDED)
            fail_msg("%s became %s, which differs on '%.*s'%s", source, cheaper, (int)len, text,
                     whole ? " (whole)" : "");
    }
    match_scratch_free(s);
    pattern_free(one);
    pattern_free(other);
}

static void test_random_patterns(void **state)
{
    (void)state;
    uint32_t seed = (uint32_t)time(NULL);
    size_t changed = 0;
    print_message("seed %u\n", seed);
    for (unsigned i = 0; i < 20000; i++) {
        scoped(buf_free) struct buf source = BUF_INIT;
        scoped(buf_free) struct buf cheaper = BUF_INIT;
        const bool whole = i % 4 == 0;
        random_pattern(&source, &seed, 3);
        if (!pattern_cheaper(buf_str(&source), whole, &cheaper))
            continue;
        finds_the_same(buf_str(&source), buf_str(&cheaper), whole, &seed);
        changed++;
    }
    assert_true(changed > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_random_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
