/* test_report.h - prints the results of `automark test`. Only cli/ writes to stdout. */
#ifndef AUTOMARK_CLI_TEST_REPORT_H
#define AUTOMARK_CLI_TEST_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/coverage.h"

enum test_format { TEST_TEXT, TEST_TAP, TEST_JUNIT, TEST_JSON };
/* false when there is no such format. */
bool test_format_read(const char *word, enum test_format *out);

struct test_result {
    const char *workspace;  /* NULL: of paths */
    const struct rule *own; /* NULL: of a test file */
    const struct rule_test *test;
    bool passed;
    char *expected, *got; /* words, when it failed */
};

struct test_results {
    struct test_result *list;
    size_t count, failed;
    int64_t took_ms;
    const char *filter;                     /* NULL: all tests */
    const struct coverage_report *coverage; /* NULL: not asked for */
    unsigned min_coverage;                  /* percent */
};

bool test_coverage_too_low(const struct test_results *t);
void test_report(enum test_format format, const struct test_results *t);

#endif
