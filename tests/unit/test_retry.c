#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/retry.h"
#include "base/cleanup.h"

#define NOW INT64_C(784111777000) /* Sun, 06 Nov 1994 08:49:37 GMT */

static const struct {
    const char *value;
    int64_t want; /* -1: not understood */
} afters[] = {
    { "2", 2000 },
    { "0", 1000 },
    { "3600", 3600000 },
    { "3601", 3600000 },
    { "1000000000000000000", 3600000 },
    { "99999999999999999999999999999999", 3600000 },
    { "-5", -1 },
    { "", -1 },
    { "soon", -1 },
    { "5 apples", -1 },
    { "1.5", -1 },
    { "Sun, 06 Nov 1994 08:49:47 GMT", 10000 },
    { "Sunday, 06-Nov-94 08:49:47 GMT", 10000 },
    { "Sun Nov  6 08:49:47 1994", 10000 },
    { "Sun, 06 Nov 1994 08:49:07 GMT", 1000 },
    { "Sun, 06 Nov 2094 08:49:07 GMT", 3600000 },
    { "Sun, 06 Xxx 1994 08:49:07 GMT", -1 },
    { "Sun, 06 Nov 1994 08:49:07 GMT and more", -1 },
};

static void test_retry_after(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(afters); i++) {
        int64_t got = -1;
        if (!retry_after_parse(afters[i].value, NOW, &got) && got != -1)
            fail_msg("'%s': refused, yet written", afters[i].value);
        if (got != afters[i].want)
            fail_msg("'%s': got %lld, want %lld", afters[i].value, (long long)got,
                     (long long)afters[i].want);
    }
}

static void test_retry_delay(void **state)
{
    (void)state;
    static const int64_t ceilings[] = { 1000,  2000,   4000,   8000,   16000, 32000,
                                        64000, 128000, 256000, 300000, 300000 };
    uint64_t seed = 7;
    for (unsigned i = 0; i < ARRAY_LEN(ceilings); i++) {
        assert_int_equal(retry_ceiling_ms(i + 1), ceilings[i]);
        int64_t low = INT64_MAX, high = 0;
        for (int n = 0; n < 400; n++) {
            const int64_t d = retry_delay_ms(i + 1, &seed);
            low = d < low ? d : low;
            high = d > high ? d : high;
        }
        assert_true(low >= 100 && low < ceilings[i] / 4);
        assert_true(high <= ceilings[i] && high > ceilings[i] * 3 / 4);
    }
    assert_int_equal(retry_ceiling_ms(4000000000U), 300000);
}

static void test_retry_spent(void **state)
{
    (void)state;
    assert_int_equal(retry_spent_ms(0), 0);
    assert_int_equal(retry_spent_ms(1), 500);
    assert_int_equal(retry_spent_ms(3), 3500);
    assert_int_equal(retry_spent_ms(9), 255500);
    assert_int_equal(retry_spent_ms(11), 255500 + 2 * 150000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_retry_delay),
        cmocka_unit_test(test_retry_spent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
