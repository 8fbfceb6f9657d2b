/* pattern_mistake.h - where a mistake that PCRE2 names is for its author, and what to write
 * instead. Pure. Not for others than pattern.c. */
#ifndef AUTOMARK_RULES_PATTERN_MISTAKE_H
#define AUTOMARK_RULES_PATTERN_MISTAKE_H

#include "rules/pattern_source.h"

/* The byte of src->folded to look at, when PCRE2 stopped at byte at of it. */
size_t pattern_blamed(const struct pattern_source *src, int code, size_t at);
/* What to write instead, where PCRE2's words leave that open; else NULL. Static. */
const char *pattern_advice(int code);

#endif
