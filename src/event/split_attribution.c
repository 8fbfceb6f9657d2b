/* Attributions, wrapped over a few lines. */
#include <string.h>

#include "event/split_candidate.h"

#define WINDOW_LINES 4 /* an attribution takes at most so many */

static const char *name_of(const struct candidate *c)
{
    const struct lang *lang = c->verb ? lang_by_code(c->verb->lang) : NULL;
    return lang ? lang->attribution : "attribution";
}

/* ---- windows ---- */

struct window {
    char s[WINDOW_BYTES];
    size_t len;
    int angles;    /* open ones */
    uint8_t level; /* of quote marks, at its first line */
};

static bool window_add(struct window *w, struct span s)
{
    if (w->len + s.len + 1 > sizeof(w->s))
        return false;
    if (w->len > 0 && s.len > 0)
        w->s[w->len++] = ' ';
    memcpy(w->s + w->len, s.s, s.len);
    w->len += s.len;
    for (size_t i = 0; i < s.len; i++)
        w->angles += (s.s[i] == '<') - (s.s[i] == '>');
    return true;
}

/* May line k continue an attribution that began before it? */
static bool continues(const struct mail *m, const struct window *w, size_t k)
{
    const struct line *l = &m->line[k];
    if (l->facts & LINE_PIECE)
        return false;
    if (l->level > 0)
        return w->angles > 0 /* the > of an address that stands alone */ || l->level == w->level;
    return (l->facts & LINE_RULE) == 0;
}

/* One blank line may be inside, where a program puts <address> on lines of its own. */
static size_t next_in_window(const struct mail *m, size_t k)
{
    if (k + 1 < m->count && line_is(m, k, LINE_BLANK) && m->line[k].level == 0 &&
        span_begins(mail_raw(m, k + 1), "<"))
        return k + 1;
    return k;
}

/* *c points into *w, which holds the joined lines. One that ends in a colon a line or
 * two later is better than one without. */
static bool try_from(const struct mail *m, size_t i, size_t last, struct window *w,
                     struct candidate *c, size_t *end)
{
    bool hint = false;
    bool found = false;
    w->len = 0;
    w->angles = 0;
    w->level = m->line[i].level;
    for (size_t k = i, n = 0; k < m->count && k <= last && n < WINDOW_LINES; n++) {
        const bool same = w->level > 0 && m->line[k].level == w->level;
        const struct span s = n == 0 || same ? mail_low(m, k) : mail_raw(m, k);
        if (line_is(m, k, LINE_BLANK) && m->line[k].level == w->level)
            break;
        if ((n > 0 && !continues(m, w, k)) || !window_add(w, s))
            break;
        hint = hint || line_is(m, k, LINE_HINT) || span_begins(s, "---");
        const bool quotes = mail_quotes_at(m, k + 1);
        if (line_is(m, k, LINE_MAY_END) && (hint || quotes)) {
            const struct candidate now = candidate_of((struct span){ w->s, w->len }, quotes, m->ix);
            if (candidate_fits(&now) && (!found || now.colon)) {
                *c = now;
                *end = k + 1;
                found = true;
            }
            if (found && now.colon)
                break;
        }
        k = next_in_window(m, k + 1);
    }
    return found;
}

#define OWN_LINE 40 /* bytes: programs wrap longer lines only */

/* Are the lines from i to j short ones that tell nothing of an attribution, as the name
 * under the lead's words is? */
static bool are_own_lines(const struct mail *m, size_t i, size_t j)
{
    size_t at = 0;
    size_t len = 0;
    for (; i < j; i++) {
        const struct span s = mail_low(m, i);
        if (s.len >= OWN_LINE || line_is(m, i, LINE_HINT) ||
            phrase_find(&m->ix->verbs, s, 0, &at, &len))
            return false;
    }
    return true;
}

/* Does the later of two candidates that end in the same line begin more like one? */
static bool is_better_start(const struct candidate *later, const struct candidate *c)
{
    if (later->form == OPENED)
        return true;
    if (c->verb && !later->verb)
        return false;
    if (later->form == DATED)
        return c->form == NAMED || (c->form == DATED && later->has.time && later->has.address);
    return c->form == NAMED && later->verb && later->before.len > 0 && later->before.s[0] != '<';
}

#define DATE_BYTES 60

/* Is line i the beginning of a date and no more: "On Tue, 4 March"? */
static bool is_date_begun(const struct mail *m, size_t i)
{
    const struct span s = mail_low(m, i);
    return s.len <= DATE_BYTES && is_only_date(s, m->ix);
}

/* Does s begin with a date, perhaps behind its start word? */
static bool begins_dated(struct span s, const struct split_index *ix)
{
    size_t len = 0;
    const struct phrase *start = phrase_at(&ix->starts, s, &len);
    return begins_with_date(start ? span_trim(span_from(s, len)) : s, ix);
}

/* Does what stands above line j end in the middle of an attribution? */
static bool is_cut_open(const struct mail *m, size_t j, const struct candidate *later)
{
    const struct span above = mail_low(m, j - 1);
    const struct evidence has = evidence_in(above, m->ix);
    size_t at = 0;
    size_t len = 0;
    if (above.len == 0 || strchr("<([", above.s[above.len - 1]))
        return true;
    if (later->verb && later->before.len == 0)
        return later->after.len == 0 || begins_dated(later->after, m->ix);
    if (!later->verb && phrase_find(&m->ix->verbs, above, 0, &at, &len))
        return true;
    return is_date_begun(m, j - 1) || (has.address && !later->has.address);
}

/* Prose above an attribution must not be swallowed. */
static bool begins_later(const struct mail *m, size_t i, size_t end, const struct candidate *c)
{
    for (size_t j = i + 1; j < end; j++) {
        struct window w;
        struct candidate later;
        size_t later_end = 0;
        if (m->line[j].level == m->line[i].level &&
            try_from(m, j, end - 1, &w, &later, &later_end) && later_end == end &&
            !is_cut_open(m, j, &later) &&
            (is_better_start(&later, c) ||
             (c->form == NAMED && !strchr("<(\"", later.s.s[0]) && are_own_lines(m, i, j))))
            return true;
    }
    return false;
}

const char *attribution_at(const struct mail *m, size_t i, size_t *end)
{
    struct window w;
    struct candidate c;
    if (line_is(m, i, LINE_BLANK | LINE_RULE))
        return NULL;
    if (!try_from(m, i, m->count - 1, &w, &c, end) || begins_later(m, i, *end, &c))
        return NULL;
    return name_of(&c);
}

#define WEAK_WORDS 7

bool may_be_attribution(const struct mail *m, size_t i)
{
    if (line_is(m, i, LINE_BLANK | LINE_RULE) || !line_is(m, i, LINE_MAY_END))
        return false;
    const struct candidate c = candidate_of(mail_low(m, i), false, m->ix);
    return c.colon && c.verb && c.verb->tag == VERB_STRONG && c.after.len == 0 &&
           c.before.len > 0 && count_words(c.s) <= WEAK_WORDS && !candidate_is_prose(&c) &&
           !has_sentence_break(c.s, m->ix);
}
