/* split_candidate.h - a piece of text that may be an attribution, and what speaks for it:
 * the common ground of split_attribution.c and split_inline.c. Pure; not for others. */
#ifndef AUTOMARK_EVENT_SPLIT_CANDIDATE_H
#define AUTOMARK_EVENT_SPLIT_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include "event/split_lines.h"

#define WINDOW_BYTES 900 /* an attribution takes at most so many; programs put URLs in */
#define NAME_BYTES 160   /* between a verb and the colon, at most */

/* ---- dates ---- */

bool is_digit(char c);
/* Digits at s[at], at most max; 0 when more follow. */
size_t digits_at(struct span s, size_t at, size_t max);
/* A month or weekday that s begins with, or NULL. */
const struct phrase *date_word_at(struct span s, const struct split_index *ix);
/* Begins with a date: at most four words, weekday, month or "the", then a digit. */
bool begins_with_date(struct span s, const struct split_index *ix);
/* Nothing but what dates are made of, perhaps only the beginning of one: "On Tue, 4". */
bool is_only_date(struct span s, const struct split_index *ix);
/* Holds day, month and year in digits: 4.3.25, 2025-03-04. */
bool has_full_date(struct span s);

/* ---- words ---- */

/* The blank behind the word at s[at], or the end. */
size_t word_end(struct span s, size_t at);
size_t count_words(struct span s);
/* A full stop between words, as in prose: "works for me. bob". Not "sept. 2016". */
bool has_sentence_break(struct span s, const struct split_index *ix);

/* ---- candidates ---- */

enum form { NAMED, DATED, OPENED };

struct candidate {
    const struct split_index *ix;
    struct span s; /* without dashes, emphasis and colon at its ends */
    bool colon;
    bool dashes;    /* three and more stood in front */
    bool bracketed; /* "[Ada Lovelace, 2025-05-05]" */
    bool quotes;    /* a quotation follows */
    enum form form;
    struct evidence has;
    const struct phrase *verb; /* the last one; NULL is none */
    struct span before, after; /* of the verb */
};

/* Points into s, which is lower case; quotes: a quotation follows. */
struct candidate candidate_of(struct span s, bool quotes, const struct split_index *ix);
/* Is it an attribution? */
bool candidate_fits(const struct candidate *c);
/* "i wrote": a sentence of the lead's. */
bool candidate_is_prose(const struct candidate *c);

#endif
