/* cheaper.h - the same pattern in a form that backtracks less. Pure.
 *
 * Every step keeps what is found where: (a+)+ is a+, (a|a)* is a*, .*.* is .*, and in an
 * unanchored search .* in front or behind says nothing. What is not understood fully
 * (back references, conditions, (?x), verbs) is left alone. Whether the result is fast is
 * for the caller to try. */
#ifndef AUTOMARK_RULES_CHEAPER_H
#define AUTOMARK_RULES_CHEAPER_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the cheaper form to out; false (nothing appended) when there is none. whole: it
 * must match the entire field, so that its ends count. */
bool pattern_cheaper(const char *source, bool whole, struct buf *out);

#endif
