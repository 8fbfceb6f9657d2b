/* "On Monday, Ada wrote:" in all its shapes: start word, date, name, address and verb
 * in any order, wrapped over a few lines, or without a verb at all. */
#include <string.h>

#include "base/cleanup.h"
#include "event/split_lines.h"

#define WINDOW_LINES 4   /* an attribution takes at most so many */
#define WINDOW_BYTES 900 /* and bytes; programs put whole URLs in */
#define NAME_WORDS 8     /* in a name, at most */
#define DATED_WORDS 12   /* in a name and a date */
#define NAME_BYTES 160   /* between a verb and the colon, at most */
#define LOOK_BACK 260    /* how far before its verb an inline attribution may begin */

/* ---- evidence ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits at s, at most max; 0 when more follow. */
static size_t digits_at(struct span s, size_t at, size_t max)
{
    size_t n = 0;
    while (at + n < s.len && is_digit(s.s[at + n]))
        n++;
    return n <= max ? n : 0;
}

static bool is_address_at(struct span s, size_t at)
{
    return at > 0 && at + 1 < s.len && is_word_byte(s.s[at - 1]) && is_word_byte(s.s[at + 1]);
}

/* 10:30, 10.30, 10h30, 10時, 오전 9:00, 下午8:45; not 2.5. */
static bool is_time_at(struct span s, size_t at)
{
    const size_t h = digits_at(s, at, 2);
    if (h == 0 || at + h + 1 >= s.len)
        return false;
    const char sep = s.s[at + h];
    return (sep == ':' || sep == 'h' || sep == '.') && digits_at(s, at + h + 1, 2) == 2;
}

static bool is_year_at(struct span s, size_t at)
{
    return digits_at(s, at, 4) == 4 &&
           (span_begins(span_from(s, at), "19") || span_begins(span_from(s, at), "20"));
}

/* 5/10, 5-10-, 5.10., 5年. */
static bool is_date_at(struct span s, size_t at)
{
    const size_t n = digits_at(s, at, 4);
    if (n == 0)
        return false;
    const struct span rest = span_from(s, at + n);
    if (span_begins(rest, "年") || span_begins(rest, "月") || span_begins(rest, "년") ||
        span_begins(rest, "월"))
        return true;
    return rest.len > 1 && strchr("/-.", rest.s[0]) && is_digit(rest.s[1]) && n <= 2;
}

static const struct phrase *date_word_at(struct span s, const struct split_index *ix)
{
    return phrase_stem_at(&ix->dates, s);
}

/* Digits of other scripts: a run of four is a year, a colon or slash behind a run makes
 * a time or date. The place behind the run. */
static size_t read_other_digits(struct span s, size_t at, struct evidence *e)
{
    size_t n = 0;
    for (size_t bytes = digit_at(s, at); bytes > 0; bytes = digit_at(s, at), n++)
        at += bytes;
    const bool more = digit_at(s, at + 1) > 0;
    e->year = e->year || n == 4;
    e->time = e->time || (more && s.s[at] == ':');
    e->date = e->date || (more && (s.s[at] == '/' || s.s[at] == '.'));
    return at;
}

struct evidence evidence_in(struct span s, const struct split_index *ix)
{
    struct evidence e = { .address = false };
    bool number = false;
    bool word = false;
    for (size_t i = 0; i < s.len; i++) {
        if (digit_at(s, i) > 1) {
            number = true;
            i = read_other_digits(s, i, &e) - 1;
            continue;
        }
        e.address = e.address || (s.s[i] == '@' && is_address_at(s, i));
        if (i > 0 && is_word_byte(s.s[i - 1]) && is_digit(s.s[i - 1]) == is_digit(s.s[i]) &&
            (unsigned char)s.s[i - 1] < 0x80)
            continue;
        if (is_digit(s.s[i])) {
            number = true;
            e.time = e.time || is_time_at(s, i);
            e.year = e.year || is_year_at(s, i);
            e.date = e.date || is_date_at(s, i);
        } else if (!word && is_word_byte(s.s[i])) {
            word = date_word_at(span_from(s, i), ix) != NULL;
        }
    }
    e.date = e.date || (number && word);
    return e;
}

/* ---- the shape of a candidate ---- */

static size_t word_end(struct span s, size_t at)
{
    while (at < s.len && s.s[at] != ' ')
        at++;
    return at;
}

static size_t count_words(struct span s)
{
    size_t n = 0;
    for (size_t at = 0; at < s.len; n++) {
        at = word_end(s, at);
        while (at < s.len && s.s[at] == ' ')
            at++;
    }
    return n;
}

/* Begins with a date: at most four words, weekday, month or "the", then a digit. */
static bool begins_with_date(struct span s, const struct split_index *ix)
{
    for (int i = 0; i < 5 && s.len > 0; i++) {
        while (s.len > 0 && strchr("(,. \"", s.s[0]))
            s = span_from(s, 1);
        size_t n = 0;
        if (digit_at(s, 0) > 0)
            return true;
        const struct phrase *word = date_word_at(s, ix);
        if (!word && !phrase_at(&ix->fillers, s, &n))
            return false;
        n = word ? strlen(word->text) : n;
        s = span_trim(span_from(s, word_end(s, n)));
    }
    return false;
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

/* A full stop between words, as in prose: "works for me. bob". Not "sept. 2016". */
static bool has_sentence_break(struct span s, const struct split_index *ix)
{
    size_t word = 0;
    for (size_t i = 0; i + 2 < s.len; i++) {
        if (s.s[i] == '?' && s.s[i + 1] == ' ')
            return true;
        if (s.s[i] == '!' && s.s[i + 1] == ' ')
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

enum form { NAMED, DATED, OPENED };

struct candidate {
    const struct split_index *ix;
    struct span s; /* without dashes, emphasis and colon at its ends */
    bool colon;
    bool dashes; /* three and more stood in front */
    bool quotes; /* a quotation follows */
    enum form form;
    struct evidence has;
    const struct phrase *verb; /* the last one; NULL is none */
    struct span before, after; /* of the verb */
};

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

static struct candidate candidate_of(struct span s, bool quotes, const struct split_index *ix)
{
    struct candidate c = { .ix = ix, .quotes = quotes, .dashes = span_begins(span_trim(s), "---") };
    c.s = strip_ends(s, &c.colon);
    size_t len = 0;
    const struct phrase *start = phrase_at(&ix->starts, c.s, &len);
    if (start && begins_with_date(span_trim(span_from(c.s, len)), ix))
        c.form = OPENED;
    else if (begins_with_date(c.s, ix))
        c.form = DATED;
    c.has = evidence_in(c.s, ix);
    find_verb(&c);
    c.colon = c.colon || (c.verb && c.after.len == 0 && span_ends(span_trim(s), "---"));
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

static bool is_prose(const struct candidate *c)
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
    if (!fits_behind_verb(c) || is_prose(c))
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
    if (is_date_and_name(c))
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

static bool is_attribution(const struct candidate *c)
{
    if (c->s.len < 4 || (has_sentence_break(c->s, c->ix) && !is_complete(c)))
        return false;
    if (c->verb && (c->colon || c->after.len == 0 || c->after.s[0] == '(') && is_with_verb(c))
        return true;
    return is_without_verb(c);
}

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
            if (is_attribution(&now) && (!found || now.colon)) {
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

/* Bytes of what may stand in a date at the start of s: a number, a month, "the". */
static size_t date_piece(struct span s, const struct split_index *ix)
{
    size_t n = 0;
    if (digit_at(s, 0) > 0)
        return word_end(s, 0);
    const struct phrase *word = date_word_at(s, ix);
    if (word)
        return word_end(s, strlen(word->text));
    if (phrase_at(&ix->starts, s, &n) || phrase_at(&ix->fillers, s, &n))
        return n;
    return 0;
}

#define DATE_BYTES 60
#define SHORT_WORD 5 /* bytes, with its full stop */

static size_t short_word(struct span s)
{
    const char *stop = memchr(s.s, '.', s.len < SHORT_WORD ? s.len : SHORT_WORD);
    return stop ? (size_t)(stop - s.s) : 0;
}

/* Is line i the beginning of a date and no more: "On Tue, 4 March"? */
static bool is_date_begun(const struct mail *m, size_t i)
{
    struct span s = mail_low(m, i);
    if (s.len > DATE_BYTES)
        return false;
    bool number = false;
    while (s.len > 0) {
        number = number || digit_at(s, 0) > 0;
        size_t n = strchr("-*_(,. ", s.s[0]) ? 1 : date_piece(s, m->ix);
        if (n == 0 && number) /* "г." */
            n = short_word(s);
        if (n == 0)
            return false;
        s = span_from(s, n);
    }
    return true;
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
           c.before.len > 0 && count_words(c.s) <= WEAK_WORDS && !is_prose(&c) &&
           !has_sentence_break(c.s, m->ix);
}

/* ---- inside a line ---- */

static bool is_behind_sentence(const char *s, size_t at)
{
    if (at > 0 && s[at - 1] != ' ')
        return false;
    while (at > 0 && s[at - 1] == ' ')
        at--;
    return at == 0 || strchr(".!?:>)-]", s[at - 1]) != NULL;
}

/* Cheap: may an attribution begin at byte at, inside a line? A word must be a capital
 * there, where the script has any. */
static bool may_begin(const struct mail *m, const struct line *l, size_t at)
{
    const char *s = m->text + l->at;
    const struct span low = { m->low.data + l->at + at, l->len - at };
    if (at > 0 && is_word_byte(s[at - 1]))
        return false;
    size_t len = 0;
    if (at > 0 && !is_digit(s[at]) && (unsigned char)s[at] < 0x80 && s[at] == low.s[0])
        return false;
    if (phrase_at(&m->ix->starts, low, &len) &&
        begins_with_date(span_trim(span_from(low, len)), m->ix))
        return true;
    return begins_with_date(low, m->ix);
}

/* 4.3.25, 2025-03-04 */
static bool has_full_date(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        size_t at = i;
        int parts = 0;
        while (parts < 3 && digits_at(s, at, 4) > 0) {
            at += digits_at(s, at, 4);
            parts++;
            if (parts < 3 && at < s.len && strchr("./-", s.s[at]))
                at++;
            else
                break;
        }
        if (parts == 3)
            return true;
    }
    return false;
}

/* Only full forms count here; behind is true at the start of a sentence. */
static bool is_inline(const struct mail *m, struct span piece, bool behind)
{
    const struct candidate c = candidate_of(piece, false, m->ix);
    const struct evidence *e = &c.has;
    const bool dated = e->date || e->year;
    if (!c.colon || !is_attribution(&c))
        return false;
    if (c.form == NAMED)
        return c.verb && c.verb->tag == VERB_STRONG && e->address && (dated || behind);
    if (e->address)
        return e->time || e->year;
    return c.verb && c.verb->tag == VERB_STRONG && c.after.len <= NAME_BYTES / 4 && e->time &&
           (e->year || has_full_date(c.s));
}

/* All of the line, whatever its form. */
static bool is_whole(const struct mail *m, size_t i)
{
    const struct span line = { m->low.data + m->line[i].at, m->line[i].len };
    const struct candidate c = candidate_of(line, mail_quotes_at(m, i + 1), m->ix);
    return c.colon && is_attribution(&c);
}

/* What may be the verb of an attribution inside a line, or the end of its address. */
struct anchor {
    size_t at, end; /* end is behind the colon of the attribution */
    bool verb;
};

static size_t word_before(struct span s, size_t at)
{
    while (at > 0 && s.s[at - 1] == ' ')
        at--;
    while (at > 0 && s.s[at - 1] != ' ')
        at--;
    return at;
}

/* "tir.", "wt.," in front of the date. */
static size_t with_weekday(const struct mail *m, struct span s, size_t at, size_t low)
{
    for (int n = 0; n < 2 && at > low; n++) {
        const size_t word = word_before(s, at);
        if (word < low || is_digit(s.s[word]) || !date_word_at(span_from(s, word), m->ix))
            break;
        at = word;
    }
    return at;
}

/* Where the name begins that belongs to the last <address> of the piece, or the verb in
 * front of it; to when there is none. */
static size_t name_begin(struct span s, const struct anchor *a, size_t low)
{
    size_t at = a->end;
    while (at > low && s.s[at - 1] != '@')
        at--;
    while (at > low && s.s[at - 1] != '<' && s.s[at - 1] != '(')
        at--;
    if (at == low)
        return a->end;
    for (int n = 0; n < 2; n++) {
        const size_t word = word_before(s, at - (n == 0));
        if (word < low || word == at || (word > 0 && strchr(".!?:>", s.s[word - 1])))
            break;
        at = word;
    }
    return a->verb && a->at < at ? a->at : at;
}

/* "Ada <ada@host>," in front of the date. */
static size_t with_name(struct span s, size_t at, size_t low)
{
    size_t end = at;
    while (end > low && strchr(", ", s.s[end - 1]))
        end--;
    if (end == low || s.s[end - 1] != '>')
        return at;
    const struct anchor a = { .at = end, .end = end };
    const size_t name = name_begin(s, &a, low);
    return name < end ? name : at;
}

#define ADDRESS_BYTES 80
#define INLINE_TRIES 12 /* places where an attribution may begin, before an anchor */

/* Where the attribution begins that has the anchor; a->end when there is none. */
static size_t inline_begin(const struct mail *m, size_t i, size_t low, const struct anchor *a)
{
    const struct line *l = &m->line[i];
    const struct span s = { m->low.data + l->at, l->len };
    const struct span head = { s.s, a->end };
    const char *text = m->text + l->at;
    size_t best = a->end;
    int tries = INLINE_TRIES;
    if (low == 0 && a->end <= WINDOW_BYTES &&
        ((a->end == l->len && is_whole(m, i)) || (may_begin(m, l, 0) && is_inline(m, head, true))))
        return 0;
    for (size_t at = a->at; at-- > low && tries > 0;) {
        if (!may_begin(m, l, at))
            continue;
        tries--;
        if (is_inline(m, (struct span){ s.s + at, a->end - at }, is_behind_sentence(text, at)))
            best = at;
    }
    if (best < a->end)
        return with_weekday(m, s, with_name(s, best, low), low);
    const size_t name = name_begin(s, a, low);
    return name < a->end && is_inline(m, (struct span){ s.s + name, a->end - name },
                                      is_behind_sentence(text, name))
               ? name
               : a->end;
}

/* The end of an attribution whose verb ends at byte at: behind the colon that follows,
 * at once or behind a name or a date; 0 when there is none. */
static size_t inline_end(struct span s, size_t at)
{
    if (span_begins(span_trim(span_from(s, at)), "---")) {
        while (at < s.len && strchr("- ", s.s[at]))
            at++;
        return at;
    }
    if (at + 1 < s.len && s.s[at] == ':' && s.s[at + 1] != '/' && digit_at(s, at + 1) == 0)
        return at + 1; /* "wrote:Hello" */
    int open = 0;
    for (size_t k = at; k < s.len && k < at + NAME_BYTES; k++) {
        if (strchr("?!", s.s[k]))
            return 0;
        open += (s.s[k] == '(') - (s.s[k] == ')');
        if (s.s[k] == ':' && open <= 0 && (k + 1 == s.len || strchr(" *_", s.s[k + 1])))
            return k + 1;
    }
    return 0;
}

/* "<ada@host>:" or "ada@host:" whose address ends at byte at; the place behind the colon,
 * 0 when there is none. */
static size_t address_colon(struct span s, size_t at)
{
    if (!strchr(">)", s.s[at])) {
        const size_t low = at > ADDRESS_BYTES ? at - ADDRESS_BYTES : 0;
        if (at + 1 >= s.len || s.s[at + 1] != ':' || (at + 2 < s.len && s.s[at + 2] != ' '))
            return 0;
        for (size_t k = at; k > low && s.s[k] != ' '; k--)
            if (s.s[k] == '@')
                return at + 2;
        return 0;
    }
    const size_t colon = at + 1 + (at + 1 < s.len && s.s[at + 1] == ' ');
    const bool ends = colon < s.len && s.s[colon] == ':';
    return ends && (colon + 1 == s.len || s.s[colon + 1] == ' ') ? colon + 1 : 0;
}

/* A search for anchors: at is where it goes on, verb_at the next verb at or behind it. */
struct anchors {
    struct span s;
    size_t verb_at, verb_len;
    size_t at;
};

/* The next verb that a colon follows, or address with one. */
static bool next_anchor(const struct mail *m, struct anchors *as, struct anchor *a)
{
    for (; as->at < as->s.len; as->at++) {
        if (as->verb_at < as->at &&
            !phrase_find(&m->ix->verbs, as->s, as->at, &as->verb_at, &as->verb_len))
            as->verb_at = as->s.len;
        const bool verb = as->at == as->verb_at;
        const size_t end =
            verb ? inline_end(as->s, as->at + as->verb_len) : address_colon(as->s, as->at);
        if (end == 0)
            continue;
        *a = (struct anchor){ as->at, end, verb };
        as->at += verb ? as->verb_len : 1;
        return true;
    }
    return false;
}

/* What is left of a line that is all emphasis around a mark belongs to it. */
static void take_emphasis(struct span s, size_t *from, size_t *to)
{
    size_t before = *from;
    while (before > 0 && strchr("*_-:> ", s.s[before - 1]))
        before--;
    size_t behind = *to;
    while (behind < s.len && strchr("*_- ", s.s[behind]))
        behind++;
    *from = before == 0 ? 0 : *from;
    *to = behind == s.len ? s.len : *to;
}

/* "... thanks! On Mon, 5 May 2025 at 10:30 Ada <ada@host> wrote: Hello": the text lost
 * its line breaks. */
bool attribution_inside(const struct mail *m, size_t i, size_t *from, size_t *to)
{
    const struct line *l = &m->line[i];
    struct anchors as = { .s = { m->low.data + l->at, l->len } };
    struct anchor a;
    size_t low = 0; /* no attribution reaches across the anchor of another */
    as.verb_at =
        phrase_find(&m->ix->verbs, as.s, 0, &as.verb_at, &as.verb_len) ? as.verb_at : as.s.len;
    while (as.s.len > 30 && next_anchor(m, &as, &a)) {
        *to = a.end;
        *from = inline_begin(m, i, a.at > low + LOOK_BACK ? a.at - LOOK_BACK : low, &a);
        if (*from < *to) {
            take_emphasis(as.s, from, to);
            return *from > 0 || *to < as.s.len;
        }
        low = a.verb ? as.at : low;
    }
    return false;
}
