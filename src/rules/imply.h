/* imply.h - what follows from a condition without trying any reply. Pure.
 *
 * Sound and far from complete: true is proven, false means "not seen". Built for
 * warnings about rules that can never decide anything. With a scratch (else NULL) patterns
 * are tried on literals, which proves more. */
#ifndef AUTOMARK_RULES_IMPLY_H
#define AUTOMARK_RULES_IMPLY_H

#include <stdbool.h>

#include "rules/rule.h"

struct match_scratch;

/* Whenever a holds, b holds. */
bool cond_implies(struct match_scratch *s, const struct cond *a, const struct cond *b);
/* The same question, whatever the order and the words. */
bool cond_same(struct match_scratch *s, const struct cond *a, const struct cond *b);
/* The same question, asked in the same words. */
bool cond_equal(const struct cond *a, const struct cond *b);
/* Two members of an `all` (at any depth) that cannot hold together; false when none is
 * seen. *one and *other say which. */
bool cond_contradicts(struct match_scratch *s, const struct cond *c, const struct cond **one,
                      const struct cond **other);
/* True when a pattern is nothing but letters, digits and blanks: it matches itself. */
bool pattern_is_plain(const char *source);

#endif
