/* literals.h - which literals a text must hold, or else a pattern cannot match it. Pure.
 *
 * Literals are UTF-8 of representatives (text_case_set()), line breaks being blanks, and
 * are looked for in a text written likewise. What is needed may be less than what the
 * pattern asks for, never more: whatever is not understood needs nothing. */
#ifndef AUTOMARK_RULES_LITERALS_H
#define AUTOMARK_RULES_LITERALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;

#define LITERAL_BYTES_MAX 12
#define LITERALS_MAX 512 /* of one choice; a choice of more needs nothing */

struct literal {
    const char *bytes;
    size_t len;
    bool word_before, word_after; /* begins, ends at the edge of a word */
};

enum need_kind {
    NEED_ONE_OF, /* one of the literals */
    NEED_ALL,    /* what each of the parts needs */
    NEED_ANY,    /* what one of the parts needs */
};

struct need {
    enum need_kind kind;
    const struct literal *literals; /* sorted by literal_compare() */
    size_t nliterals;
    const struct need **parts;
    size_t nparts;
};

/* What the pattern needs, given as PCRE2 compiles it; NULL: nothing. Lives in a. */
const struct need *literals_needed(struct arena *a, const char *source, size_t len);

/* By bytes, then by edges. */
int literal_compare(const struct literal *a, const struct literal *b);

/* Appends s as literals are written. False (and something appended) when it is not well
 * formed. */
bool literals_write(struct buf *out, const char *s, size_t len);

/* The literal, found in a text written by literals_write() and ending at end, is where its
 * edges can be. */
bool literal_stands(const struct literal *l, const char *text, size_t len, size_t end);

/* "(out of | away) & office", for tests and for people. */
void need_describe(struct buf *out, const struct need *n);

#endif
