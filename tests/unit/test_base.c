#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/utf8.h"

static const struct {
    const char *text;
    bool ok;
    int64_t ms;
} durations[] = {
    { "0", true, 0 },
    { "500ms", true, 500 },
    { "5m", true, 300000 },
    { "7d", true, INT64_C(604800000) },
    { "3650d", true, INT64_C(3650) * 86400000 },
    { "3651d", false, 0 },
    { "99999999999999999999s", false, 0 },
    { "5", false, 0 },
    { "m", false, 0 },
    { "5 m", false, 0 },
    { "-5m", false, 0 },
    { "", false, 0 },
};

static void test_duration(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(durations); i++) {
        int64_t ms = -1;
        if (duration_parse(durations[i].text, &ms) != durations[i].ok)
            fail_msg("'%s'", durations[i].text);
        if (durations[i].ok)
            assert_int_equal(ms, durations[i].ms);
    }
}

static const struct {
    const char *text;
    bool ok;
    const char *back;
} times[] = {
    { "2026-08-01T12:00:00Z", true, "2026-08-01T12:00:00.000Z" },
    { "2026-08-01T12:00:00.250+02:00", true, "2026-08-01T10:00:00.250Z" },
    { "2026-08-01", true, "2026-08-01T00:00:00.000Z" },
    { "1969-12-31T23:59:59.500Z", true, "1969-12-31T23:59:59.500Z" },
    { "2024-02-29", true, "2024-02-29T00:00:00.000Z" },
    { "2026-02-29", false, "" },
    { "2026-13-01", false, "" },
    { "2026-08-01T12:00:00", false, "" },
    { "2026-08-01x", false, "" },
    { "yesterday", false, "" },
};

static void test_clock_parse(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(times); i++) {
        int64_t at = 0;
        char back[CLOCK_TEXT];
        if (clock_parse(times[i].text, &at) != times[i].ok)
            fail_msg("'%s'", times[i].text);
        if (!times[i].ok)
            continue;
        clock_format(at, back);
        assert_string_equal(back, times[i].back);
    }
}

static const struct {
    const char *bytes;
    size_t len;
    bool ok;
} sequences[] = {
    { "plain", 5, true },
    { "\xC3\xA4", 2, true },
    { "\xF4\x8F\xBF\xBF", 4, true },
    { "\xC0\x80", 2, false },         /* overlong NUL */
    { "\xE0\x80\x80", 3, false },     /* overlong */
    { "\xED\xA0\x80", 3, false },     /* surrogate */
    { "\xF4\x90\x80\x80", 4, false }, /* above U+10FFFF */
    { "\xE2\x82", 2, false },         /* cut short */
    { "a\x80", 2, false },
};

static void test_utf8(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sequences); i++)
        if (utf8_valid(sequences[i].bytes, sequences[i].len, NULL) != sequences[i].ok)
            fail_msg("row %zu", i);
    scoped(buf_free) struct buf b = BUF_INIT;
    utf8_repair(&b, "a\xC0\x80z", 4);
    assert_string_equal(buf_str(&b), "a\xEF\xBF\xBD\xEF\xBF\xBDz");
    assert_int_equal(utf8_cut("a\xC3\xA4", 3, 2), 1);
    buf_truncate(&b, 0);
    utf8_encode(&b, 0x20AC);
    assert_string_equal(buf_str(&b), "\xE2\x82\xAC");
}

static void test_diags_in_order(void **state)
{
    (void)state;
    scoped(diags_done) struct diags d = DIAGS_INIT;
    diags_add(&d, DIAG_ERROR, "b.yaml", 1, 1, NULL, "third");
    diags_add(&d, DIAG_ERROR, "a.yaml", 9, 2, "\tx\xC3\xA4y", "second");
    diags_add(&d, DIAG_WARNING, "a.yaml", 2, 5, NULL, "first");
    diags_sort(&d);
    scoped(freep) char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    diags_print(&d, f);
    fclose(f);
    assert_string_equal(text, "a.yaml:2:5: warning: first\n"
                              "a.yaml:9:2: error: second\n"
                              "    \tx\xC3\xA4y\n"
                              "    \t^\n"
                              "b.yaml:1:1: error: third\n");
    assert_int_equal(d.errors, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_duration),
        cmocka_unit_test(test_clock_parse),
        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_diags_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
