/* Attributions inside a line that holds more: the text lost its line breaks. */
#include <string.h>

#include "event/split_candidate.h"

#define LOOK_BACK 260 /* how far before its verb an attribution may begin */

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

#define BARE_WORDS 7 /* of a date, a name and an address alone */

/* Only full forms count here; behind is true at the start of a sentence. */
static bool is_inline(const struct mail *m, struct span piece, bool behind)
{
    const struct candidate c = candidate_of(piece, false, m->ix);
    const struct evidence *e = &c.has;
    const bool dated = e->date || e->year;
    if (!c.colon || !candidate_fits(&c))
        return false;
    if (m->flat && c.verb && c.verb->tag == VERB_STRONG && (e->address || (e->time && dated)))
        return true;
    if (c.form == NAMED && c.dashes && span_ends(span_trim(piece), "---"))
        return c.verb && c.before.len > 0 && count_words(c.s) <= BARE_WORDS;
    if (c.form == NAMED)
        return c.verb && c.verb->tag == VERB_STRONG && e->address && (dated || behind);
    if (e->address && !c.verb) /* and not "back on Monday 5 May 2025, write to <ada@host>:" */
        return e->time && dated && (behind || m->flat || count_words(c.s) <= BARE_WORDS);
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
    return c.colon && candidate_fits(&c);
}

/* "On 5 May 2025", not "5 May 2025". */
static bool is_opened(const struct mail *m, struct span piece)
{
    size_t len = 0;
    return phrase_at(&m->ix->starts, piece, &len) != NULL;
}

/* "by mail." and not "sept." or "5." */
static bool is_long_last_word(struct span s)
{
    size_t letters = 0;
    while (letters + 1 < s.len && is_word_byte(s.s[s.len - 2 - letters]))
        letters++;
    return span_ends(s, ".") && letters > 4 && !is_digit(s.s[s.len - 2]);
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

/* "tir.", "wt.," in front of the date; not "Marge" in front of "on". */
static size_t with_weekday(const struct mail *m, struct span s, size_t at, size_t low)
{
    for (int n = 0; n < 2 && at > low && !is_opened(m, span_from(s, at)); n++) {
        const size_t word = word_before(s, at);
        if (word < low || is_digit(s.s[word]) || !date_word_at(span_from(s, word), m->ix) ||
            is_long_last_word(span_trim((struct span){ s.s + word, at - word })))
            break;
        at = word;
    }
    return at;
}

/* A sentence, a name or an address ends where s does. */
static bool stops_before(struct span s)
{
    return s.len > 0 && (strchr(".!?:>", s.s[s.len - 1]) || span_ends(s, "。"));
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
    if (at == low && !a->verb)
        return a->end;
    if (at == low)
        at = a->at; /* no address: the name stands before the verb */
    for (int n = 0; n < 2 && at > low; n++) {
        const size_t word = word_before(s, at - (n == 0));
        if (word < low || word == at)
            break;
        at = word;
        if (stops_before(span_trim((struct span){ s.s, at })))
            break;
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

/* "---- Ada": the dashes in front of the name. */
static size_t with_dashes(struct span s, size_t at, size_t low)
{
    size_t dashes = at;
    while (dashes > low && strchr("- ", s.s[dashes - 1]))
        dashes--;
    while (dashes < at && s.s[dashes] == ' ')
        dashes++;
    return span_begins(span_from(s, dashes), "---") ? dashes : at;
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
        /* "After 3. On 5 May 2025 ...": once a start word was found, only dates precede it */
        const struct span before = span_trim((struct span){ s.s + at, best - at });
        if (best < a->end && is_opened(m, span_from(s, best)) && !is_opened(m, before) &&
            (!is_only_date(before, m->ix) || is_long_last_word(before)))
            continue;
        if (is_inline(m, (struct span){ s.s + at, a->end - at }, is_behind_sentence(text, at)))
            best = at;
    }
    if (best < a->end)
        return with_weekday(m, s, with_name(s, best, low), low);
    const size_t name = with_dashes(s, name_begin(s, a, low), low);
    return name < a->end && is_inline(m, (struct span){ s.s + name, a->end - name },
                                      is_behind_sentence(text, name))
               ? name
               : a->end;
}

/* Behind the last quote mark, " > ", before byte at. */
static size_t behind_mark(struct span s, size_t at, size_t low)
{
    while (at > low + 3 && memcmp(s.s + at - 3, " > ", 3) != 0)
        at--;
    return at > low + 3 ? at : low;
}

/* "... the driver wrote: "I wait"": somebody is cited, without an address. */
static bool is_citation(const struct mail *m, struct span s, size_t from, size_t to)
{
    const struct span rest = span_trim(span_from(s, to));
    return (span_begins(rest, "\"") || span_begins(rest, "'")) &&
           !evidence_in((struct span){ s.s + from, to - from }, m->ix).address;
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
        *from = inline_begin(
            m, i, behind_mark(as.s, a.at, a.at > low + LOOK_BACK ? a.at - LOOK_BACK : low), &a);
        if (*from < *to && !is_citation(m, as.s, *from, *to) &&
            !memmem(as.s.s + *from, *to - *from, " > ", 3)) {
            take_emphasis(as.s, from, to);
            return *from > 0 || *to < as.s.len;
        }
        low = a.verb ? as.at : low;
    }
    return false;
}
