#include "event/split_lines.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "event/text.h"

struct span mail_raw(const struct mail *m, size_t i)
{
    const struct line *l = &m->line[i];
    return span_trim((struct span){ m->low.data + l->at, l->len });
}

struct span mail_low(const struct mail *m, size_t i)
{
    const struct line *l = &m->line[i];
    return span_trim((struct span){ m->low.data + l->at + l->prefix, l->len - l->prefix });
}

bool line_is(const struct mail *m, size_t i, unsigned facts)
{
    return i < m->count && (m->line[i].facts & facts) != 0;
}

size_t mail_next(const struct mail *m, size_t i)
{
    for (size_t n = 0; i < m->count && n <= BLANKS_MAX; n++, i++)
        if (!line_is(m, i, LINE_BLANK))
            return i;
    return m->count;
}

bool mail_quotes_at(const struct mail *m, size_t i)
{
    i = mail_next(m, i);
    if (i >= m->count)
        return false;
    const struct line *l = &m->line[i];
    return l->level > 0 || (l->facts & (LINE_NAMED | LINE_OURS)) != 0 || l->zone == ZONE_QUOTED ||
           l->zone == ZONE_MAYBE || l->zone == ZONE_INDENT;
}

/* ---- reading ---- */

/* ">>> have a look <<<" is no quotation. */
static bool is_enclosed(struct span s)
{
    return span_begins(span_trim(s), ">>") && span_ends(span_trim(s), "<<");
}

static uint8_t quote_prefix(struct span s, uint8_t *level)
{
    size_t prefix = 0;
    if (is_enclosed(s))
        return 0;
    for (size_t at = 0; at < s.len && at < UINT8_MAX; at++) {
        if (s.s[at] == '>') {
            *level = (uint8_t)(*level + 1);
            prefix = at + 1;
        } else if (s.s[at] != ' ') {
            break;
        }
    }
    return (uint8_t)prefix;
}

static bool is_rule(struct span s)
{
    size_t marks = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (!strchr("-_=*~#+ ", s.s[i]))
            return span_is(s, "\xE1\x90\xA7"); /* U+1427, which one tracker leaves */
        marks += s.s[i] != ' ';
    }
    return marks >= 2;
}

static bool has_hint(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.s[i] == '@' || digit_at(s, i) > 0)
            return true;
    return false;
}

#define END_WINDOW 60

/* Attributions end in a colon, an address, or a verb: cheap to see. */
static bool may_end(const struct mail *m, struct span s)
{
    if (s.len == 0)
        return false;
    if (strchr(":>)-*_]", s.s[s.len - 1]))
        return true;
    const struct span tail = span_from(s, s.len > END_WINDOW ? s.len - END_WINDOW : 0);
    size_t at = 0;
    size_t len = 0;
    return phrase_find(&m->ix->verbs, tail, 0, &at, &len) != NULL ||
           memmem(tail.s, tail.len, "gmt", 3) != NULL;
}

/* "subject :", "*from:* ", in front; the number of its entry + 1. */
static uint16_t label_of(const struct mail *m, struct span s)
{
    while (s.len > 0 && strchr("*_ |", s.s[0]))
        s = span_from(s, 1);
    size_t len = 0;
    const struct phrase *p = phrase_at(&m->ix->labels, s, &len);
    if (!p)
        return 0;
    for (; len < s.len && strchr("*_ ", s.s[len]); len++)
        ;
    if (len >= s.len || s.s[len] != ':')
        return 0;
    return (uint16_t)(p - split_labels.list + 1);
}

static void look_at(struct mail *m, struct line *l)
{
    const struct span whole = { m->low.data + l->at, l->len };
    l->prefix = quote_prefix(whole, &l->level);
    const struct span s = span_trim(span_from(whole, l->prefix));
    unsigned facts = 0;
    if (s.len == 0)
        facts |= LINE_BLANK;
    if (is_rule(s))
        facts |= LINE_RULE;
    if (has_hint(s))
        facts |= LINE_HINT;
    if (may_end(m, s))
        facts |= LINE_MAY_END;
    l->facts = (uint16_t)(l->facts | facts);
    l->label = label_of(m, s);
}

static struct line *mail_add(struct mail *m)
{
    if (m->count == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 64;
        m->line = xreallocarray(m->line, m->cap, sizeof(*m->line));
    }
    m->line[m->count] = (struct line){ .at = 0 };
    return &m->line[m->count++];
}

#define NAMED_GAP 40 /* lines between two quoted as "Ada> " */

/* "Ada> ", "| ": bytes of the mark, 0 when there is none. */
static size_t name_mark(struct span s)
{
    if (s.len > 0 && s.s[0] == '|')
        return s.len == 1 || (s.s[1] == ' ' && s.s[s.len - 1] != '|') ? 1 : 0;
    size_t n = 0;
    while (n < s.len && n <= 12 &&
           ((s.s[n] >= 'a' && s.s[n] <= 'z') || (unsigned char)s.s[n] >= 0x80))
        n++;
    if (n == 0 || n > 12 || n >= s.len || s.s[n] != '>')
        return 0;
    return n + 1 == s.len || s.s[n + 1] == ' ' ? n + 1 : 0;
}

static bool same_span(struct span a, struct span b)
{
    return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

/* The next line not marked yet that begins with the same mark, within NAMED_GAP lines;
 * count when there is none. */
static size_t next_named(const struct mail *m, size_t i, struct span mark)
{
    for (size_t k = i + 1; k < m->count && k <= i + NAMED_GAP; k++) {
        const struct span s = mail_raw(m, k);
        if (same_span((struct span){ s.s, name_mark(s) }, mark))
            return k;
    }
    return m->count;
}

/* Does the line say "Ada wrote:"? A table, whose lines begin with | too, may have a
 * heading with a colon: there the verb must be seen. */
static bool announces_quote(const struct mail *m, size_t i, bool table)
{
    size_t at = 0;
    size_t len = 0;
    const struct span s = mail_raw(m, i);
    return span_ends(s, ":") && (!table || phrase_find(&m->ix->verbs, s, 0, &at, &len));
}

/* "HB> " below "Ada wrote:", and again further down: answers stand between. */
static void mark_answered(struct mail *m, size_t i, struct span mark)
{
    size_t above = i;
    while (above > 0 && line_is(m, above - 1, LINE_BLANK))
        above--;
    if (above == 0 || !announces_quote(m, above - 1, mark.s[0] == '|'))
        return;
    for (size_t k = next_named(m, i, mark); k < m->count; k = next_named(m, k, mark)) {
        m->line[i].facts |= LINE_NAMED;
        m->line[k].facts |= LINE_NAMED;
    }
}

/* One such line may be a prompt or a table; two with the same mark are a quotation, when
 * they are neighbours or an attribution stands above. */
static void find_named(struct mail *m)
{
    struct span before = { "", 0 };
    for (size_t i = 0; i < m->count; i++) {
        const struct span s = mail_raw(m, i);
        const struct span mark = { s.s, name_mark(s) };
        if (mark.len > 0 && same_span(mark, before)) {
            m->line[i].facts |= LINE_NAMED;
            m->line[i - 1].facts |= LINE_NAMED;
        } else if (mark.len > 0 && !line_is(m, i, LINE_NAMED)) {
            mark_answered(m, i, mark);
        }
        before = mark;
    }
}

/* "'''" or "''' sql": three backticks, as folding leaves them. */
static bool is_fence(const struct mail *m, size_t i)
{
    const struct span s = mail_low(m, i);
    return m->line[i].level == 0 && m->line[i].zone == ZONE_OWN && span_begins(s, "'''") &&
           !memchr(s.s + 3, '\'', s.len - 3);
}

/* Quote marks and dashes in code are code. */
static void find_code(struct mail *m)
{
    size_t open = SIZE_MAX;
    for (size_t i = 0; i < m->count; i++) {
        if (!is_fence(m, i))
            continue;
        if (open == SIZE_MAX) {
            open = i;
            continue;
        }
        for (size_t k = open; k <= i; k++) {
            struct line *l = &m->line[k];
            l->facts |= LINE_CODE;
            l->level = l->prefix = 0;
        }
        open = SIZE_MAX;
    }
}

#define RULE_INSIDE 4 /* bytes, with blanks, of a rule inside a line */

/* Where the rule begins that stands right before byte from of s; from when none does. */
static size_t rule_before(struct span s, size_t from)
{
    size_t at = from;
    while (at > 0 && strchr("-_=*~ ", s.s[at - 1]))
        at--;
    return from - at > RULE_INSIDE ? at : from;
}

static void add_piece(struct mail *m, const struct line *whole, size_t from, size_t to,
                      unsigned facts)
{
    if (to <= from)
        return;
    struct line *piece = mail_add(m);
    *piece = *whole;
    piece->at = whole->at + (uint32_t)from;
    piece->len = (uint32_t)(to - from);
    piece->facts = (uint16_t)(facts | (from > 0 ? LINE_PIECE : 0));
    look_at(m, piece);
}

/* Adds one line as up to four: what is before a mark inside it, a rule, the mark, the
 * rest.
 * Text that lost its line breaks on the way must not hide where the original begins. */
static void add_pieces(struct mail *m, struct line l)
{
    struct line *first = mail_add(m);
    *first = l;
    look_at(m, first);
    if (first->level > 0)
        return;
    const size_t i = m->count - 1;
    size_t from = l.len;
    size_t to = l.len;
    const bool mark = mark_inside(m, i, &from, &to);
    size_t flat = 0;
    if (m->flat && flat_original_inside(m, i, mark ? from : l.len, &flat)) {
        m->count--;
        add_piece(m, &l, 0, flat, 0);
        add_piece(m, &l, flat, l.len, LINE_FLAT);
    } else if (mark) {
        const size_t rule = rule_before((struct span){ m->low.data + l.at, l.len }, from);
        m->count--;
        add_piece(m, &l, 0, rule, 0);
        add_piece(m, &l, rule, from, 0);
        add_piece(m, &l, from, to, 0);
        add_piece(m, &l, to, l.len, 0);
    }
}

#define FLAT_BYTES 100

static bool is_flat(const char *text, size_t len)
{
    size_t breaks = 0;
    for (const char *at = text; breaks < 2 && (at = memchr(at, '\n', len - (size_t)(at - text)));
         at++)
        breaks++;
    return len >= FLAT_BYTES && breaks < 2;
}

void mail_read(struct mail *m, const char *text, size_t len, const struct zone *zones,
               size_t nzones)
{
    *m = (struct mail){ .text = text, .ix = split_index(), .flat = is_flat(text, len) };
    text_lower(&m->low, text, len);
    buf_reserve(&m->low, 0);
    size_t zone = 0;
    size_t blanks = 0;
    uint32_t number = 1;
    for (size_t at = 0; at < len; number++) {
        const char *end = memchr(text + at, '\n', len - at);
        const size_t n = end ? (size_t)(end - (text + at)) : len - at;
        while (zone < nzones && zones[zone].at <= at)
            zone++;
        blanks = n == 0 ? blanks + 1 : 0;
        const enum zone_kind kind = zone > 0 ? zones[zone - 1].kind : ZONE_OWN;
        if (blanks <= BLANKS_MAX)
            add_pieces(m, (struct line){ .at = (uint32_t)at,
                                         .len = (uint32_t)n,
                                         .number = number,
                                         .zone = (uint8_t)kind });
        at += n + 1;
    }
    find_named(m);
    find_code(m);
}

void mail_done(struct mail *m)
{
    buf_free(&m->low);
    free(m->line);
}
