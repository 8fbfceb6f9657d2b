/* "On Monday, Ada wrote:" in all its shapes: start word, date, name, address and verb in
 * any order, or without a verb at all. */
#include <string.h>

#include "event/split_candidate.h"

#define NAME_WORDS 8   /* in a name, at most */
#define DATED_WORDS 12 /* in a name and a date */
#define BRACKETED_WORDS 8

/* ---- the shape of a candidate ---- */

size_t count_words(struct span s)
{
    size_t n = 0;
    for (size_t at = 0; at < s.len; n++) {
        at = word_end(s, at);
        while (at < s.len && s.s[at] == ' ')
            at++;
    }
    return n;
}

/* Is the word from word to stop, with the full stop behind it, part of a date or an
 * address? "sept. 2016", "3:35 nachm. schrieb". */
static bool is_abbreviation(struct span s, size_t word, size_t stop, const struct split_index *ix)
{
    const struct span last = { s.s + word, stop - word };
    size_t len = 0;
    return memchr(last.s, '@', last.len) || date_word_at(last, ix) || is_digit(s.s[stop + 2]) ||
           is_digit(last.s[0]) || (word >= 2 && is_digit(s.s[word - 2])) ||
           phrase_at(&ix->verbs, span_from(s, stop + 2), &len);
}

bool has_sentence_break(struct span s, const struct split_index *ix)
{
    size_t word = 0;
    for (size_t i = 0; i + 2 < s.len; i++) {
        if (s.s[i] == '?' && s.s[i + 1] == ' ')
            return true;
        if (s.s[i] == '!' && s.s[i + 1] == ' ')
            return true;
        if (span_begins(span_from(s, i), "。"))
            return true;
        if (s.s[i] == ' ')
            word = i + 1;
        if (s.s[i] != '.' || s.s[i + 1] != ' ' || i - word < 4 || !is_word_byte(s.s[i + 2]))
            continue;
        if (!is_abbreviation(s, word, i, ix))
            return true;
    }
    return false;
}

static void find_verb(struct candidate *c)
{
    size_t at = 0;
    size_t len = 0;
    for (size_t from = 0;;) {
        const struct phrase *p = phrase_find(&c->ix->verbs, c->s, from, &at, &len);
        if (!p)
            return;
        if (!c->verb || p->tag == VERB_STRONG || c->verb->tag == VERB_WEAK) {
            c->verb = p;
            c->before = span_trim((struct span){ c->s.s, at });
            c->after = span_trim(span_from(c->s, at + len));
        }
        from = at + len;
    }
}

static struct span strip_ends(struct span s, bool *colon)
{
    s = span_trim(s);
    while (s.len > 0 && strchr("-*_>| ", s.s[0]))
        s = span_from(s, 1);
    while (s.len > 0 && strchr("-*_ ", s.s[s.len - 1]))
        s.len--;
    while (s.len > 0 && (s.s[s.len - 1] == ':' || s.s[s.len - 1] == ' ')) {
        *colon = *colon || s.s[s.len - 1] == ':';
        s.len--;
    }
    while (s.len > 0 && strchr("*_ ", s.s[s.len - 1]))
        s.len--;
    return s;
}

struct candidate candidate_of(struct span s, bool quotes, const struct split_index *ix)
{
    s = span_trim(s);
    struct candidate c = { .ix = ix, .quotes = quotes, .dashes = span_begins(s, "---") };
    c.bracketed = span_begins(s, "[") && span_ends(s, "]");
    c.s = strip_ends(s, &c.colon);
    size_t len = 0;
    const struct phrase *start = phrase_at(&ix->starts, c.s, &len);
    if (start && begins_with_date(span_trim(span_from(c.s, len)), ix))
        c.form = OPENED;
    else if (begins_with_date(c.s, ix))
        c.form = DATED;
    c.has = evidence_in(c.s, ix);
    find_verb(&c);
    c.colon = c.colon || (c.verb && c.after.len == 0 && span_ends(s, "---"));
    return c;
}

/* ---- judging ---- */

/* A name, perhaps with an address: what stands where the writer is named. */
static bool is_name(struct span s)
{
    size_t words = 0;
    bool angle = false;
    for (size_t at = 0; at < s.len;) {
        const size_t end = word_end(s, at);
        angle = angle || s.s[at] == '<' || s.s[at] == '(' || s.s[at] == '[';
        words += !angle && !memchr(s.s + at, '@', end - at);
        at = end;
        while (at < s.len && s.s[at] == ' ')
            at++;
    }
    return words <= NAME_WORDS;
}

bool candidate_is_prose(const struct candidate *c)
{
    size_t at = 0;
    size_t len = 0;
    if (!c->quotes && phrase_at(&c->ix->pronouns, c->s, &len))
        return true;
    return !c->has.address && !c->quotes &&
           phrase_find(&c->ix->pronouns, c->s, 0, &at, &len) != NULL;
}

/* Behind the verb: nothing, a name, "on" and a date, or a date in parentheses. */
static bool fits_behind_verb(const struct candidate *c)
{
    if (c->after.len == 0 || span_is(c->after, "/la") || c->after.s[0] == '(')
        return true;
    if (!c->colon)
        return false;
    if (c->has.time && c->has.date && c->has.year && count_words(c->after) <= DATED_WORDS)
        return true;
    if (c->form != NAMED || (c->before.len == 0 && c->has.address && c->verb->tag == VERB_STRONG))
        return is_name(c->after);
    size_t len = 0;
    const struct phrase *start = phrase_at(&c->ix->starts, c->after, &len);
    return begins_with_date(start ? span_trim(span_from(c->after, len)) : c->after, c->ix) ||
           (c->has.date && is_name(c->after));
}

static bool is_with_verb(const struct candidate *c)
{
    const struct evidence *e = &c->has;
    if (!fits_behind_verb(c) || candidate_is_prose(c))
        return false;
    if (c->verb->tag == VERB_WEAK && !e->address && !(e->time && c->quotes))
        return false;
    if (c->form != NAMED)
        return e->address || e->time || e->year || (e->date && c->quotes);
    if (e->address)
        return c->before.len == 0 || is_name(c->before);
    if (e->time && e->date)
        return is_name(c->before);
    return (c->quotes || c->dashes) && c->colon && c->before.len > 0 &&
           count_words(c->s) <= NAME_WORDS;
}

/* "05.05.2025, 10:30, Ada Lovelace:" with nothing else to prove it. */
static bool is_date_and_name(const struct candidate *c)
{
    const char *comma = memrchr(c->s.s, ',', c->s.len);
    if (!c->colon || c->form != DATED || !c->has.time || !c->has.year || !comma)
        return false;
    const struct span name = span_trim(span_from(c->s, (size_t)(comma + 1 - c->s.s)));
    for (size_t i = 0; i < name.len; i++)
        if (digit_at(name, i) > 0)
            return false;
    return name.len > 0 && count_words(name) <= 4;
}

/* "2013/7/20 Ada <ada@host>", "26.06.2014, 14:41, Ada <ada@host>:",
 * "2016-03-03 17:21 GMT+01:00 Ada". */
static bool is_without_verb(const struct candidate *c)
{
    const struct evidence *e = &c->has;
    const bool dated = e->date || e->year;
    if (is_date_and_name(c) ||
        (c->bracketed && c->quotes && dated && count_words(c->s) <= BRACKETED_WORDS))
        return true;
    if (c->form == NAMED)
        return c->colon && e->address && dated && count_words(c->s) <= 20 &&
               (c->quotes || (e->time && memchr(c->s.s, '<', c->s.len)));
    if (c->colon && e->address && dated)
        return c->form == DATED || e->time || c->quotes;
    if (c->colon && c->quotes && e->time && dated)
        return true;
    if (c->form != DATED)
        return false;
    if (e->address && e->year && strchr(">)]", c->s.s[c->s.len - 1]))
        return count_words(c->s) <= 12;
    return e->time && e->year && count_words(c->s) <= 9 && memmem(c->s.s, c->s.len, " gmt", 4);
}

/* "On Mon, 5 May 2025 at 10:30 life is short. by Ada <ada@host> wrote:". */
static bool is_complete(const struct candidate *c)
{
    return c->form == OPENED && c->colon && c->verb && c->after.len == 0 && c->has.address &&
           c->has.time && c->has.year;
}

/* "2025-05-06 09:14:23] ERROR ... wrote:" is cut out of a line of a log. */
static bool is_cut_bracket(struct span s)
{
    const char *closed = memchr(s.s, ']', s.len);
    return closed && !memchr(s.s, '[', (size_t)(closed - s.s));
}

bool candidate_fits(const struct candidate *c)
{
    if (c->s.len < 4 || is_cut_bracket(c->s) ||
        (has_sentence_break(c->s, c->ix) && !is_complete(c)))
        return false;
    if (c->verb && (c->colon || c->after.len == 0 || c->after.s[0] == '(') && is_with_verb(c))
        return true;
    return is_without_verb(c);
}
