/* imply.h - what follows from a condition without trying any reply. Pure.
 *
 * Sound and far from complete: true is proven, false means "not seen". Built for
 * warnings about rules that can never decide anything. */
#ifndef AUTOMARK_RULES_IMPLY_H
#define AUTOMARK_RULES_IMPLY_H

#include <stdbool.h>

#include "rules/rule.h"

/* Whenever a holds, b holds. */
bool cond_implies(const struct cond *a, const struct cond *b);
/* The same question, asked in the same words. */
bool cond_equal(const struct cond *a, const struct cond *b);
/* Two members of an `all` (at any depth) that cannot hold together; false when none is
 * seen. *one and *other say which. */
bool cond_contradicts(const struct cond *c, const struct cond **one, const struct cond **other);
/* True when a pattern is nothing but letters, digits and blanks: it matches itself. */
bool pattern_is_plain(const char *source);

#endif
