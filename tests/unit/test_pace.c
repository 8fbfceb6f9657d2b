#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "api/pace.h"
#include "base/cleanup.h"

#define NOW INT64_C(784111777000)

static const struct {
    const char *name, *value;
    int64_t limit, remaining, reset_ms;
} hints[] = {
    { "RateLimit-Remaining", "7", -1, 7, -1 },
    { "ratelimit-reset", "9", -1, -1, 9000 },
    { "RateLimit-Limit", "100, 100;w=60", 100, -1, -1 },
    { "X-RateLimit-Remaining", " 0", -1, 0, -1 },
    { "X-RateLimit-Reset", "1.5", -1, -1, 1500 },
    { "X-RateLimit-Reset", "784111780", -1, -1, 3600000 }, /* too early for an epoch: seconds */
    { "X-RateLimit-Reset", "-3", -1, -1, -1 },
    { "X-RateLimit-Reset", "999999999999999999999999", -1, -1, 3600000 },
    { "RateLimit", "limit=10, remaining=4, reset=9", -1, 4, 9000 },
    { "RateLimit", "\"burst\";r=4;t=9, \"day\";r=900;t=80", -1, 4, 9000 },
    { "RateLimit", "\"day\";r=900;t=80, \"burst\";r=4;t=9", -1, 4, 9000 },
    { "RateLimit-Policy", "\"burst\";q=100;w=60", -1, -1, -1 },
    { "Remaining", "3", -1, -1, -1 },
    { "RateLimit-Remaining", "none", -1, -1, -1 },
};

static void test_pace_hints(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hints); i++) {
        struct pace_hints h = PACE_HINTS_INIT;
        pace_hint(&h, hints[i].name, hints[i].value, NOW);
        if (h.limit != hints[i].limit || h.remaining != hints[i].remaining ||
            h.reset_ms != hints[i].reset_ms)
            fail_msg("%s: %s gave %lld %lld %lld", hints[i].name, hints[i].value,
                     (long long)h.limit, (long long)h.remaining, (long long)h.reset_ms);
    }
    struct pace_hints h = PACE_HINTS_INIT;
    pace_hint(&h, "X-RateLimit-Reset", "1800000003", INT64_C(1800000000000));
    assert_int_equal(h.reset_ms, 3000);
    pace_hint(&h, "X-RateLimit-Reset", "1800000004500", INT64_C(1800000000000));
    assert_int_equal(h.reset_ms, 4500);
    pace_hint(&h, "X-RateLimit-Reset", "1800000000", INT64_C(1800000009000));
    assert_int_equal(h.reset_ms, 0);
}

static void test_pace_in_flight(void **state)
{
    (void)state;
    uint64_t seed = 1;
    const struct pace_hints none = PACE_HINTS_INIT;
    struct pace p;
    pace_init(&p, 0);
    assert_int_equal(pace_ready_mono_ms(&p, 50), 50);
    pace_sent(&p);
    assert_true(pace_ready_mono_ms(&p, 50) == INT64_MAX);
    pace_answered(&p, &none, false, -1, 60, &seed);
    assert_int_equal(pace_ready_mono_ms(&p, 60), 60);
}

static void test_pace_before_it_bites(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct pace p;
    pace_init(&p, 3);
    pace_sent(&p);
    struct pace_hints h = { .limit = 10, .remaining = 2, .reset_ms = 5000 };
    pace_answered(&p, &h, false, -1, 1000, &seed);
    assert_int_equal(pace_ready_mono_ms(&p, 1000), 1000);
    pace_sent(&p);
    pace_sent(&p); /* both that were left */
    assert_int_equal(pace_ready_mono_ms(&p, 1001), 6000);
    h.remaining = 1; /* the answer to the first knows nothing of the second */
    pace_answered(&p, &h, false, -1, 2000, &seed);
    assert_int_equal(pace_ready_mono_ms(&p, 2000), 7000);
    assert_int_equal(pace_ready_mono_ms(&p, 7000), 7000);
    h = (struct pace_hints){ .limit = -1, .remaining = 0, .reset_ms = -1 };
    pace_answered(&p, &h, false, -1, 8000, &seed);
    assert_int_equal(pace_ready_mono_ms(&p, 8000), 9000);
}

static void test_pace_limited(void **state)
{
    (void)state;
    uint64_t seed = 1;
    const struct pace_hints none = PACE_HINTS_INIT;
    struct pace p;
    pace_init(&p, 1);
    pace_sent(&p);
    pace_answered(&p, &none, true, 10000, 1000, &seed);
    int64_t at = pace_ready_mono_ms(&p, 1000);
    assert_true(at >= 11000 && at <= 11500);
    for (int i = 0; i < 20; i++) { /* unsaid: ever longer, never for ever */
        pace_sent(&p);
        pace_answered(&p, &none, true, -1, at, &seed);
        const int64_t next = pace_ready_mono_ms(&p, at);
        assert_true(next >= at + 1000 && next <= at + 302000);
        at = next;
    }
    assert_int_equal(p.strikes, 21);
    pace_sent(&p);
    pace_answered(&p, &none, false, -1, at, &seed);
    assert_int_equal(p.strikes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace_hints),
        cmocka_unit_test(test_pace_in_flight),
        cmocka_unit_test(test_pace_before_it_bites),
        cmocka_unit_test(test_pace_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
