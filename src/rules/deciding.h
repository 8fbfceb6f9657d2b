/* deciding.h - which alternatives of a pattern, and of the groups it uses, decide an answer.
 *
 * For coverage. An alternative decides when a condition answers otherwise with it as the
 * only one of those beside it than with none of them, or with all of them than with all
 * others: its match was needed, or what it forbids was there. One that stands inside of
 * another is asked about with only that one in place. The pattern is compiled once, with a
 * mark at the end of each alternative (branches.h); to switch one off is to turn the match
 * back at its mark.
 *
 * Of a text with several phrases it may find the first only: one inside a lookahead is not
 * looked for again once the lookahead holds. Not thread-safe. */
#ifndef AUTOMARK_RULES_DECIDING_H
#define AUTOMARK_RULES_DECIDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/rule.h"

struct deciding;
struct match_scratch;

struct way {
    const struct definition *group; /* NULL: of the pattern itself */
    size_t start, end;              /* bytes of its source; an empty one is never asked about */
    size_t unit;                    /* the caller's, 0 at first */
};

/* a is a pattern, which must outlive it. NULL when it is too large with its marks for PCRE2
 * (64 KiB compiled): then its alternatives cannot be told apart. */
struct deciding *deciding_new(const struct alternative *a, bool whole);
void deciding_free(struct deciding *d);
struct way *deciding_ways(struct deciding *d, size_t *count);

struct deciding_question {
    const struct cond *leaf; /* asked with the pattern as its only alternative */
    const struct event *ev;
    struct match_scratch *scratch;
    int64_t now_ms;
    bool (*wanted)(void *ctx, const struct way *w); /* others are not tried */
    void (*decides)(void *ctx, const struct way *w);
    void *ctx;
};
void deciding_ask(struct deciding *d, const struct deciding_question *q);

#endif
