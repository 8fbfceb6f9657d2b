/* text_case_set() against the PCRE2 that is installed: every pair of characters that it
 * takes for the same when case does not matter has one representative. Pairs are found
 * by halving: the class of one half of a range is searched for in the other half. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/text.h"

#define ALL 0x110000u
#define LEAF 64u

static size_t pairs, wrong;

static bool is_surrogate(uint32_t cp)
{
    return cp >= 0xD800 && cp <= 0xDFFF;
}

static void put_range(struct buf *out, uint32_t from, uint32_t to)
{
    for (uint32_t cp = from; cp < to && cp < ALL; cp++)
        if (!is_surrogate(cp))
            utf8_encode(out, cp);
}

static pcre2_code *compiled(const char *source)
{
    int code = 0;
    size_t at = 0;
    pcre2_code *c =
        pcre2_compile((PCRE2_SPTR)source, PCRE2_ZERO_TERMINATED,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_CASELESS | PCRE2_DOTALL, &code, &at, NULL);
    assert_non_null(c);
    (void)pcre2_jit_compile(c, PCRE2_JIT_COMPLETE);
    return c;
}

static void same(uint32_t a, uint32_t b)
{
    pairs++;
    if (text_case_set(a) == text_case_set(b))
        return;
    printf("U+%04X and U+%04X are one letter for PCRE2, but U+%04X and U+%04X here\n", a, b,
           text_case_set(a), text_case_set(b));
    wrong++;
}

/* Each character of the text that is the same as an earlier one, by \1. */
static void compare_each(pcre2_match_data *m, uint32_t from)
{
    static pcre2_code *twice;
    if (!twice)
        twice = compiled("(.)(?=.*?(\\1))");
    scoped(buf_free) struct buf text = BUF_INIT;
    put_range(&text, from, from + LEAF);
    size_t at = 0;
    while (pcre2_match(twice, (PCRE2_SPTR)buf_str(&text), text.len, at, 0, m, NULL) > 0) {
        const PCRE2_SIZE *o = pcre2_get_ovector_pointer(m);
        uint32_t a = 0;
        uint32_t b = 0;
        utf8_decode(text.data + o[2], text.len - o[2], &a);
        utf8_decode(text.data + o[4], text.len - o[4], &b);
        same(a, b);
        at = o[1];
    }
}

/* The other cases of the characters of the class that are in the text: one of each. */
static void compare_halves(pcre2_match_data *m, uint32_t from, uint32_t middle, uint32_t to)
{
    char source[64];
    const uint32_t last = is_surrogate(middle - 1) ? 0xD7FF : middle - 1;
    (void)snprintf(source, sizeof(source), "[\\x{%x}-\\x{%x}]", is_surrogate(from) ? 0xE000 : from,
                   last);
    pcre2_code *half = compiled(source);
    scoped(buf_free) struct buf text = BUF_INIT;
    put_range(&text, middle, to);
    size_t at = 0;
    while (pcre2_match(half, (PCRE2_SPTR)buf_str(&text), text.len, at, 0, m, NULL) > 0) {
        const PCRE2_SIZE *o = pcre2_get_ovector_pointer(m);
        uint32_t b = 0;
        char one[16];
        utf8_decode(text.data + o[0], text.len - o[0], &b);
        at = o[1];
        (void)snprintf(one, sizeof(one), "\\x{%x}", b);
        pcre2_code *c = compiled(one);
        scoped(buf_free) struct buf others = BUF_INIT;
        put_range(&others, from, middle);
        size_t i = 0;
        bool any = false;
        while (pcre2_match(c, (PCRE2_SPTR)buf_str(&others), others.len, i, 0, m, NULL) > 0) {
            uint32_t a = 0;
            o = pcre2_get_ovector_pointer(m);
            utf8_decode(others.data + o[0], others.len - o[0], &a);
            i = o[1];
            same(a, b);
            any = true;
        }
        assert_true(any);
        pcre2_code_free(c);
    }
    pcre2_code_free(half);
}

static void compare(pcre2_match_data *m, uint32_t from, uint32_t to)
{
    if (from >= ALL || (from >= 0xD800 && to <= 0xE000))
        return;
    if (to - from <= LEAF) {
        compare_each(m, from);
        return;
    }
    const uint32_t middle = from + (to - from) / 2;
    if (middle < ALL)
        compare_halves(m, from, middle, to);
    compare(m, from, middle);
    compare(m, middle, to);
}

static void test_all_that_pcre2_takes_for_the_same(void **state)
{
    (void)state;
    pcre2_match_data *m = pcre2_match_data_create(8, NULL);
    compare(m, 0, 1u << 21);
    printf("%zu pairs\n", pairs);
    assert_int_equal(wrong, 0);
    assert_in_range(pairs, 1300, 5000);
    pcre2_match_data_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_that_pcre2_takes_for_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
