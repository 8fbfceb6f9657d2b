/* rules_lint.h - what is allowed and yet probably not meant: warnings for `check`.
 *
 * Takes a set, also one with mistakes (rules_load_partly()): then rules that have some are
 * looked at by themselves only. Tries patterns, so it costs some milliseconds a
 * rule; not for the daemon. */
#ifndef AUTOMARK_RULES_LINT_H
#define AUTOMARK_RULES_LINT_H

#include <stdbool.h>

#include "rules/rule.h"

struct diags;

/* whole_set: rs is all that a workspace has, so what it lacks is missing. */
void rules_lint(const struct ruleset *rs, bool whole_set, struct diags *d);

#endif
