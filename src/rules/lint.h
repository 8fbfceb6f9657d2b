/* lint.h - what the files behind rules_lint() share. Private to them. */
#ifndef AUTOMARK_RULES_LINT_PRIV_H
#define AUTOMARK_RULES_LINT_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "rules/rule.h"

struct diags;
struct match_scratch;

struct lint {
    const struct ruleset *rs;
    struct diags *diags;
    struct match_scratch *scratch;
    int64_t trials_until_ms;     /* thread CPU time after which no hostile texts are tried */
    size_t untried;              /* patterns to which that happened */
    const struct pattern **fine; /* those that stood the trials; rules share patterns */
    size_t nfine, fine_cap;
};

void lint_warn(const struct lint *l, const struct place *place, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/* All patterns and texts of one condition on a field. */
void lint_leaf(struct lint *l, const struct cond *c);
bool lint_found(const struct lint *l, const struct alternative *a, const char *text);
/* Found in some reply that asks for nothing. */
bool lint_finds_ordinary(const struct lint *l, const struct alternative *a);
int64_t lint_cpu_ms(void);

#endif
