/* gates.h - which rules need not be asked about an event, since its prefilter already says that
 * they do not hold. Pure but for the scratch.
 *
 * A rule's `when` as far as fields and the prefilter answer it: what they do not answer is
 * taken to hold. So a closed gate means that the answer is no, with nothing undecided; it
 * spares a set of many rules the walk through the conditions of each. */
#ifndef AUTOMARK_RULES_GATES_H
#define AUTOMARK_RULES_GATES_H

#include <stdbool.h>

struct arena;
struct cond;
struct event;
struct gates;
struct prefilter_scratch;
struct rule;
struct ruleset;

/* For a complete rule set; lives in a. */
struct gates *gates_new(struct arena *a, const struct ruleset *rs);

/* r is of the rule set rs. s is begun for the event and for rs. Open when rs has no gates. */
bool gate_open(const struct ruleset *rs, const struct rule *r, struct prefilter_scratch *s,
               const struct event *ev);
/* The same for the nearest miss: closed when no condition that is telling holds. */
bool gate_near_open(const struct ruleset *rs, const struct rule *r, struct prefilter_scratch *s,
                    const struct event *ev);

/* The condition says something about this reply: most of the other kinds hold for any. */
bool cond_telling(const struct cond *c);

#endif
