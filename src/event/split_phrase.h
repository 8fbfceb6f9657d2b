/* split_phrase.h - finding the phrases of split_marks.h in folded, lower-case text.
 * Pure; the tables are indexed once, by first byte. */
#ifndef AUTOMARK_EVENT_SPLIT_PHRASE_H
#define AUTOMARK_EVENT_SPLIT_PHRASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/split_marks.h"

#define PHRASES_MAX 900

struct phrase_index {
    const struct phrases *table;
    uint16_t head[256]; /* entry number + 1; 0 is none */
    uint16_t next[PHRASES_MAX];
    uint8_t lang[PHRASES_MAX]; /* number in split_langs; LANGS_MAX is none */
};

struct split_index {
    struct phrase_index starts, verbs, fillers, dates, labels, markers, device_links, gadgets,
        excuses, footers, small_print, pronouns, answers, greetings, banners;
};

/* Built by the first call, never changed or freed; thread-safe. */
const struct split_index *split_index(void);

/* A piece of text. */
struct span {
    const char *s;
    size_t len;
};

struct span span_from(struct span s, size_t at);
struct span span_trim(struct span s);
bool span_is(struct span s, const char *text);
bool span_begins(struct span s, const char *text);
bool span_ends(struct span s, const char *text);

/* A letter, a digit, or any byte of a character beyond ASCII. */
bool is_word_byte(char c);
/* Bytes of the decimal digit at s[at]: ASCII, Arabic, Persian, Devanagari or Bengali; 0
 * when there is none. */
size_t digit_at(struct span s, size_t at);

/* The longest phrase that s begins with and that ends where a word does. NULL when
 * there is none. *len receives its length. */
const struct phrase *phrase_at(const struct phrase_index *ix, struct span s, size_t *len);
/* The first phrase in s at or behind from that stands as words of its own. */
const struct phrase *phrase_find(const struct phrase_index *ix, struct span s, size_t from,
                                 size_t *at, size_t *len);
/* A phrase that s begins with; one with the tag WORD_STEM may go on as a longer word. */
const struct phrase *phrase_stem_at(const struct phrase_index *ix, struct span s);
/* True when s begins with one of the texts, also in the middle of a word. */
bool phrase_inside_at(const struct phrase_index *ix, struct span s);
/* True when one of the texts occurs anywhere, also inside words. */
bool phrase_inside(const struct phrase_index *ix, struct span s);

/* The entry of split_langs for a code, or NULL. */
const struct lang *lang_by_code(const char *code);
/* Its number, for bit sets; LANGS_MAX when there is none. */
unsigned lang_number(const char *code);

#endif
