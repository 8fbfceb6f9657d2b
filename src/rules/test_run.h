/* test_run.h - runs one test of a rule against the whole set. Pure but for the scratch. */
#ifndef AUTOMARK_RULES_TEST_RUN_H
#define AUTOMARK_RULES_TEST_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "rules/match.h"

struct buf;

/* The event that a test describes: fields not given are absent. The caller frees it. */
struct event *rule_test_event(const struct rule_test *t);

/* The rule to which a test belongs, which may be NULL in test files; beside is the rule
 * beside which it stands, or NULL. */
const struct rule *rule_test_owner(const struct ruleset *rs, const struct rule *beside,
                                   const struct rule_test *t);

/* The rule that a test is about: the one it expects, else own (may be NULL). */
const struct rule *rule_test_subject(const struct ruleset *rs, const struct rule *own,
                                     const struct rule_test *t);

/* own is the rule to which the test belongs, or NULL. now_ms counts where the
 * test says none. True when it passes. *v is what happened; it borrows from rs. */
bool rule_test_run(const struct ruleset *rs, struct match_scratch *scratch, const struct rule *own,
                   const struct rule_test *t, int64_t now_ms, struct verdict *v);

/* "rule out-of-office", "no match", "kept by buying-signal", "a look". */
void rule_test_expected(struct buf *out, const struct rule *own, const struct rule_test *t);
/* What happened instead, in a sentence. */
void rule_test_got(struct buf *out, const struct verdict *v);

#endif
