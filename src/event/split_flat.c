/* A mail that lost all its line breaks, and no mark in it is known: where may the
 * original begin? */
#include <string.h>

#include "event/split_lines.h"

#define NEAR_BYTES 140 /* between two signs of a mark */
#define BACK_BYTES 60  /* before the first of them, where its sentence may begin */

/* What may be part of a mark. An address with another, a day with a time, or two arrows
 * close together are taken for one; a verb and a time are not: people tell stories. */
enum sign { SIGN_ADDRESS, SIGN_TIME, SIGN_YEAR, SIGN_VERB, SIGN_ARROW, SIGN_COUNT };

struct signs {
    size_t at[SIGN_COUNT]; /* where each was seen last, + 1; 0 is never */
    size_t arrow;          /* the arrow before the last, + 1 */
};

/* The end of the last small print in s; 0 when there is none. */
static size_t small_print_end(const struct mail *m, struct span s)
{
    for (size_t at = s.len; at > 0; at--)
        if (phrase_inside_at(&m->ix->footers, span_from(s, at - 1)))
            return at;
    return 0;
}

static void note(struct signs *signs, enum sign sign, size_t at)
{
    if (sign == SIGN_ARROW)
        signs->arrow = signs->at[sign];
    signs->at[sign] = at + 1;
}

/* The word from at to end. */
static void look_at_word(const struct mail *m, struct span s, size_t at, size_t end,
                         struct signs *signs)
{
    const struct span word = { s.s + at, end - at };
    const struct evidence e = evidence_in(word, m->ix);
    size_t len = 0;
    if (e.address)
        note(signs, SIGN_ADDRESS, at);
    if (e.time)
        note(signs, SIGN_TIME, at);
    if (e.year)
        note(signs, SIGN_YEAR, at);
    const struct phrase *verb = phrase_at(&m->ix->verbs, span_from(s, at), &len);
    if (verb && verb->tag == VERB_STRONG)
        note(signs, SIGN_VERB, at);
    if (span_is(word, ">") || span_is(word, "|") || span_begins(word, ">>>"))
        note(signs, SIGN_ARROW, at);
}

static bool is_near(size_t seen, size_t at)
{
    return seen > 0 && at <= seen + NEAR_BYTES;
}

/* The first of the signs that are near byte at when they make a mark; SIZE_MAX else. */
static size_t first_near(const struct signs *signs, size_t at)
{
    const bool address = is_near(signs->at[SIGN_ADDRESS], at);
    const bool time = is_near(signs->at[SIGN_TIME], at);
    const bool year = is_near(signs->at[SIGN_YEAR], at);
    const bool verb = is_near(signs->at[SIGN_VERB], at);
    const bool arrows = is_near(signs->arrow, at);
    if (!arrows && !(address && (time || year || verb)) && !(time && year))
        return SIZE_MAX;
    size_t first = arrows ? signs->arrow - 1 : at;
    for (int i = 0; i < SIGN_COUNT; i++)
        if (is_near(signs->at[i], at) && signs->at[i] - 1 < first)
            first = signs->at[i] - 1;
    return first;
}

/* The start of the sentence that holds byte at, if it is near. */
static size_t sentence_begin(struct span s, size_t at)
{
    const size_t low = at > BACK_BYTES ? at - BACK_BYTES : 0;
    for (size_t k = at; k > low + 1; k--)
        if (s.s[k - 1] == ' ' && strchr(".!?>", s.s[k - 2]))
            return k;
    return at;
}

bool flat_original_inside(const struct mail *m, size_t i, size_t stop, size_t *from)
{
    const struct line *l = &m->line[i];
    const struct span s = { m->low.data + l->at, stop };
    struct signs signs = { .arrow = 0 };
    const size_t print = small_print_end(m, s);
    for (size_t at = 0; at < print;) {
        size_t end = at;
        while (end < print && s.s[end] != ' ')
            end++;
        look_at_word(m, s, at, end, &signs);
        const size_t first = first_near(&signs, at);
        if (first != SIZE_MAX) {
            *from = sentence_begin(s, first);
            return true;
        }
        at = end + 1;
    }
    return false;
}
