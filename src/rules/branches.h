/* branches.h - the alternatives inside a pattern: out of (office|town|the country). Pure.
 *
 * For coverage, which switches them off one by one: branches_mark() puts at each one's end
 * the mark that pattern_compile_marked() understands. What may be left out, (now|today)?,
 * is an alternation too: of taking it and of leaving it out; it is written as one there.
 * Alternatives inside of what must not follow, (?!a|b), are no ways to match and are left
 * alone. A source with more than this file understands (free spacing, conditions, verbs)
 * has no branches. */
#ifndef AUTOMARK_RULES_BRANCHES_H
#define AUTOMARK_RULES_BRANCHES_H

#include <stdbool.h>
#include <stddef.h>

#define BRANCHES_MAX 4096 /* of one source: no fewer than a pattern has bytes */
#define BRANCH_NONE ((size_t)-1)

struct buf;

enum branch_kind {
    BRANCH_WRITTEN, /* one of two or more that stand side by side; may be empty: me( now|) */
    BRANCH_TAKEN,   /* a group that may be left out, and has written ones in it */
    BRANCH_LEFT_OUT,
};

struct branch {
    enum branch_kind kind;
    size_t start, end;  /* bytes of the source */
    size_t alternation; /* the same number for all that stand side by side */
    size_t inside;      /* the branch in which these stand, or BRANCH_NONE */
    size_t quantifier;  /* BRANCH_TAKEN: where it begins; it ends with the branch */
};

struct branches {
    struct branch *list; /* by their ends: inner ones before those around them */
    size_t count;
    bool forbids; /* a group of `define` is named in what must not follow, or may be */
    bool strange; /* it was not understood */
};

void branches_find(struct branches *b, const char *source);
void branches_done(struct branches *b);
/* Appends source, each branch's end marked. */
void branches_mark(struct buf *out, const char *source, const struct branches *b);

#endif
