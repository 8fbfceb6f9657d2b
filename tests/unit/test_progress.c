#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "cli/progress.h"

static const struct {
    uint64_t total, done;
    size_t count;
    int64_t elapsed_ms;
    const char *want;
} rows[] = {
    { 0, 0, 0, 0, "0 replies, 0 a second" },
    { 0, 0, 1500, 500, "1500 replies, 3000 a second" },
    { 100, 0, 0, 0, "[..............................]   0 %  0 replies, 0 a second" },
    { 100, 50, 7, 1000, "[###############...............]  50 %  7 replies, 7 a second" },
    { 100, 100, 9, 1000, "[##############################] 100 %  9 replies, 9 a second" },
    { 100, 250, 9, 1000, "[##############################] 100 %  9 replies, 9 a second" },
    { UINT64_C(1) << 40, UINT64_C(1) << 39, 1, 1,
      "[###############...............]  50 %  1 replies, 1000 a second" },
};

static void test_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char line[160];
        const struct progress p = { .unit = "replies", .total = rows[i].total };
        progress_line(line, sizeof(line), &p, rows[i].done, rows[i].count, rows[i].elapsed_ms);
        assert_string_equal(line, rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_line) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
