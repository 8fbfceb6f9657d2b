/* "From: ... Sent: ... To: ... Subject: ...": the header block that Outlook and others
 * put above the original, in any order and language; and dashed markers. */
#include <string.h>

#include "event/split_lines.h"
#include "event/text.h"

#define BLOCK_LINES 24  /* a block is not looked for beyond so many */
#define WRAPPED_MAX 3   /* lines in a row that continue a value */
#define INLINE_SPAN 700 /* bytes that a block in one line may take */

/* What a block has shown so far, by language. */
struct block {
    uint8_t roles[LANGS_MAX]; /* bits: 1 << enum role */
    bool address, date;
    bool stamped; /* the label of the date has day and time behind it */
    bool prose;   /* a value ends as a sentence does */
};

static unsigned count_roles(uint8_t roles)
{
    unsigned n = 0;
    for (unsigned r = ROLE_FROM; r <= ROLE_SUBJECT; r++)
        n += ((unsigned)roles >> r) & 1u;
    return n;
}

/* A label of several languages counts for each of them. */
static void block_add_label(struct block *b, const struct phrase *label,
                            const struct split_index *ix)
{
    for (uint16_t i = ix->labels.head[(unsigned char)label->text[0]]; i != 0;
         i = ix->labels.next[i - 1]) {
        const struct phrase *p = &ix->labels.table->list[i - 1];
        const unsigned lang = ix->labels.lang[i - 1];
        if (lang < LANGS_MAX && strcmp(p->text, label->text) == 0)
            b->roles[lang] = (uint8_t)(b->roles[lang] | 1u << p->tag);
    }
}

static bool is_block(uint8_t roles, const struct block *b)
{
    const bool from = (roles >> ROLE_FROM) & 1u;
    const bool sent = (roles >> ROLE_SENT) & 1u;
    const bool subject = (roles >> ROLE_SUBJECT) & 1u;
    if (count_roles(roles) >= 3)
        return (subject && ((from && !b->prose) || b->date)) || b->address ||
               (from && sent && b->stamped);
    if (count_roles(roles) != 2 || !from)
        return false;
    return sent ? b->address || b->stamped : subject && b->address && b->date;
}

static const char *block_name(const struct block *b)
{
    size_t best = LANGS_MAX;
    for (size_t i = 0; i < split_langs_count; i++)
        if (is_block(b->roles[i], b) &&
            (best == LANGS_MAX || count_roles(b->roles[i]) > count_roles(b->roles[best])))
            best = i;
    return best < LANGS_MAX ? split_langs[best].headers : NULL;
}

static const struct phrase *label_at(const struct mail *m, size_t i, uint8_t level)
{
    const uint16_t n = m->line[i].label;
    return n > 0 && m->line[i].level == level ? &split_labels.list[n - 1] : NULL;
}

#define LONE_BYTES 120

/* "From: Ada Lovelace <ada@host>" and no other label. */
static bool is_lone_from(const struct mail *m, size_t i)
{
    const struct span s = mail_low(m, i);
    const char *angle = memchr(s.s, '<', s.len);
    const char *bracket = memmem(s.s, s.len, "[mailto:", 8);
    return s.len <= LONE_BYTES && ((angle && span_ends(s, ">")) || (bracket && span_ends(s, "]")));
}

/* "From: next week on, we test." A subject may be a question. */
static bool is_prose_value(struct span s, int role)
{
    if (s.len > 1 && s.s[s.len - 1] == '.')
        return memchr(s.s, ' ', s.len) != NULL && !span_ends(s, "..");
    return role != ROLE_SUBJECT && s.len > 1 && strchr("!?", s.s[s.len - 1]) != NULL;
}

static const char *find_inline(const struct mail *m, size_t i, size_t *from);

const char *headers_at(const struct mail *m, size_t i, size_t *end)
{
    static const struct block empty;
    struct block b = empty;
    unsigned wrapped = 0;
    unsigned senders = 0;
    const uint8_t level = m->line[i].level;
    const struct phrase *first = label_at(m, i, level);
    if (!first || first->tag == ROLE_OTHER)
        return NULL;
    size_t last = i;
    for (size_t k = i; k < m->count && k < i + BLOCK_LINES && wrapped <= WRAPPED_MAX; k++) {
        const struct phrase *label = label_at(m, k, level);
        if (k > i && line_is(m, k, LINE_BLANK) && line_is(m, k - 1, LINE_BLANK))
            continue; /* some blank lines are as good as one */
        if (label && label->tag == ROLE_FROM && senders++ > 0)
            break; /* another block */
        if (k > i && !label && !line_is(m, k, LINE_BLANK) && line_is(m, k - 1, LINE_BLANK))
            break; /* no value goes on below a blank line */
        wrapped = label ? 0 : wrapped + 1;
        if (label) {
            last = k;
            block_add_label(&b, label, m->ix);
        }
        b.prose = b.prose || (label && is_prose_value(mail_low(m, k), label->tag));
        if (label || wrapped == 1) {
            const struct evidence e = evidence_in(mail_low(m, k), m->ix);
            b.address = b.address || e.address;
            b.date = b.date || e.time || e.year;
            b.stamped = b.stamped || (label && label->tag == ROLE_SENT && e.time && e.year);
        }
    }
    *end = last + 1;
    const char *name = block_name(&b);
    size_t at = 0;
    if (!name && (name = find_inline(m, i, &at)) && at > 0)
        name = NULL;
    if (!name && first->tag == ROLE_FROM && is_lone_from(m, i)) {
        *end = i + 1;
        name = split_langs[m->ix->labels.lang[first - split_labels.list]].headers;
    }
    return name;
}

/* ---- a block in one line ---- */

#define LABEL_HITS 6
#define LAST_VALUE 200 /* bytes of the last value that are looked at */

/* The last labels seen in a line, and where evidence was last seen in it. */
struct labels_seen {
    struct {
        size_t at;
        const struct phrase *label;
    } hit[LABEL_HITS];
    size_t n;                                     /* hits so far */
    size_t first;                                 /* of those that still count */
    size_t looked, address_at, date_at, stamp_at; /* bytes + 1; 0 is never */
};

/* The longest label that ends right before the colon at colon, behind a blank. */
static const struct phrase *label_before(const struct mail *m, struct span s, size_t colon,
                                         size_t *at)
{
    size_t end = colon;
    while (end > 0 && (s.s[end - 1] == ' ' || s.s[end - 1] == '*'))
        end--;
    const struct phrase *best = NULL;
    for (size_t b = end, n = 0; b-- > 0 && n < 40; n++) {
        size_t len = 0;
        if (b > 0 && is_word_byte(s.s[b - 1]))
            continue;
        const struct phrase *p = phrase_at(&m->ix->labels, span_from(s, b), &len);
        if (p && b + len == end && p->tag != ROLE_OTHER) {
            best = p;
            *at = b;
        }
    }
    return best;
}

static void note_evidence(struct labels_seen *seen, struct span s, size_t to,
                          const struct split_index *ix)
{
    const struct span piece = { s.s + seen->looked, to - seen->looked };
    const struct evidence e = evidence_in(piece, ix);
    if (e.address)
        seen->address_at = seen->looked + 1;
    if (e.time || e.year)
        seen->date_at = seen->looked + 1;
    if (e.time && e.year)
        seen->stamp_at = seen->looked + 1;
    seen->looked = to;
}

/* The name of the block that the labels seen from number from on make, or NULL. Two
 * labels are enough where they begin the line. */
static const char *make_block(const struct mail *m, const struct labels_seen *seen, size_t from)
{
    static const struct block empty;
    struct block b = empty;
    const size_t at = seen->hit[from % LABEL_HITS].at;
    b.address = seen->address_at > at;
    b.date = seen->date_at > at;
    b.stamped = seen->stamp_at > at;
    const bool sure = seen->n - from >= 3 || (b.address && (b.stamped || (at == 0 && b.date)));
    if (!sure || (!b.address && !b.date))
        return NULL;
    for (size_t i = from; i < seen->n; i++)
        block_add_label(&b, seen->hit[i % LABEL_HITS].label, m->ix);
    return block_name(&b);
}

static const char *try_blocks(const struct mail *m, const struct labels_seen *seen, size_t *at)
{
    for (size_t f = seen->first; f + 2 <= seen->n; f++) {
        const char *name = make_block(m, seen, f);
        *at = seen->hit[f % LABEL_HITS].at;
        if (name)
            return name;
    }
    return NULL;
}

/* A block in one line, which begins at byte *from of it. */
static const char *find_inline(const struct mail *m, size_t i, size_t *from)
{
    const struct line *l = &m->line[i];
    const struct span s = { m->low.data + l->at, l->len };
    struct labels_seen seen = { .n = 0 };
    const char *name = NULL;
    for (const char *c = s.s; !name && (c = memchr(c, ':', s.len - (size_t)(c - s.s))); c++) {
        size_t at = 0;
        const struct phrase *label = label_before(m, s, (size_t)(c - s.s), &at);
        if (!label)
            continue;
        note_evidence(&seen, s, at > seen.looked ? at : seen.looked, m->ix);
        seen.hit[seen.n % LABEL_HITS].at = at;
        seen.hit[seen.n++ % LABEL_HITS].label = label;
        while (seen.n - seen.first > LABEL_HITS ||
               at - seen.hit[seen.first % LABEL_HITS].at > INLINE_SPAN)
            seen.first++;
        name = try_blocks(m, &seen, from);
    }
    if (name || seen.n < 2)
        return name;
    const size_t room = seen.looked + LAST_VALUE;
    note_evidence(&seen, s, s.len < room ? s.len : room, m->ix);
    return try_blocks(m, &seen, from);
}

bool headers_inside(const struct mail *m, size_t i, size_t *from, size_t *to)
{
    *to = m->line[i].len;
    return find_inline(m, i, from) != NULL;
}

/* ---- dashed markers ---- */

#define MARKER_BYTES 120 /* in a line that asks to reply above it */
#define SIGNED_BYTES 160 /* behind a marker that names its writer */

static size_t dashes_at(struct span s, size_t at)
{
    size_t n = 0;
    while (at + n < s.len && strchr("-_=*~", s.s[at + n]))
        n++;
    return n;
}

#define STAMP_BYTES 40 /* of "---02/18/2011 04:20:14 pm---" between the dashes */
#define STAMP_NAME 60  /* bytes in front of it */

/* Lotus Notes: "---02/18/2011 04:20:14 PM---" at s; bytes of it, or 0. */
static size_t stamp_at(const struct mail *m, struct span s)
{
    const size_t before = dashes_at(s, 0);
    const size_t room = s.len < before + STAMP_BYTES ? s.len : before + STAMP_BYTES;
    if (before < 2 || digit_at(s, before) == 0)
        return 0;
    const char *end = memmem(s.s + before, room - before, "---", 3);
    if (!end)
        return 0;
    const struct span inside = { s.s + before, (size_t)(end - s.s) - before };
    const struct evidence e = evidence_in(inside, m->ix);
    const size_t at = before + inside.len;
    return e.time && (e.date || e.year) ? at + dashes_at(s, at) : 0;
}

/* "Ada Lovelace ---02/18/2011 04:20:14 PM---Dear Bob, ..." */
static bool is_stamped_line(const struct mail *m, struct span s)
{
    const char *dashes = memmem(s.s, s.len < STAMP_NAME ? s.len : STAMP_NAME, "---", 3);
    return dashes && stamp_at(m, span_from(s, (size_t)(dashes - s.s))) > 0;
}

/* "from Ada <ada@host> at 5/5/25 10:30", with no dashes behind. */
static bool is_signed(const struct mail *m, struct span rest)
{
    const struct evidence e = evidence_in(rest, m->ix);
    return rest.len <= SIGNED_BYTES && e.address && (e.date || e.time || e.year);
}

/* At s: dashes, a phrase, dashes. The entry, or NULL; *end is what is behind it. */
static const struct phrase *dashed_at(const struct mail *m, struct span s, size_t *end)
{
    size_t at = dashes_at(s, 0);
    const size_t before = at;
    while (at < s.len && (s.s[at] == ' ' || s.s[at] == '*'))
        at++;
    size_t len = 0;
    const struct phrase *p = phrase_at(&m->ix->markers, span_from(s, at), &len);
    if (!p || before < 2)
        return NULL;
    at += len;
    if (is_signed(m, span_from(s, at))) {
        *end = s.len;
        return p;
    }
    /* "forwarded by Ada Lovelace/London on 05.10.2016 -----" */
    const size_t room = at + ((p->tag & MARKER_FORWARD) ? 100 : 8);
    while (at < s.len && at < room && dashes_at(s, at) < 2)
        at++;
    *end = at + dashes_at(s, at);
    return dashes_at(s, at) >= 2 || at >= s.len ? p : NULL;
}

/* Two words and more are a marker also alone in a line: "Original message:". */
static bool is_phrase_of_words(const struct phrase *p)
{
    return (p->tag & (MARKER_QUOTE | MARKER_FORWARD)) != 0 && strchr(p->text, ' ') != NULL;
}

static bool is_bare_marker(const struct mail *m, struct span s, const struct phrase **found)
{
    while (s.len > 0 && strchr("*_- ", s.s[0]))
        s = span_from(s, 1);
    while (s.len > 0 && strchr("*_:- ", s.s[s.len - 1]))
        s.len--;
    for (uint16_t i = s.len ? m->ix->markers.head[(unsigned char)s.s[0]] : 0; i != 0;
         i = m->ix->markers.next[i - 1]) {
        const struct phrase *p = &split_markers.list[i - 1];
        if (((p->tag & MARKER_BARE) || is_phrase_of_words(p)) && span_is(s, p->text)) {
            *found = p;
            return true;
        }
    }
    return false;
}

/* "##- Please type your reply above this line -##". */
static bool is_line_above(const struct mail *m, struct span s, const struct phrase **found)
{
    size_t len = 0;
    const bool framed = s.len > 2 && strchr("-_=*~#", s.s[0]) && strchr("-_=*~#", s.s[1]);
    const int tags = framed ? MARKER_INSIDE | MARKER_FRAMED : MARKER_INSIDE;
    for (size_t at = 0; s.len <= MARKER_BYTES && at < s.len; at++) {
        const struct phrase *p = phrase_at(&m->ix->markers, span_from(s, at), &len);
        if (p && (p->tag & tags)) {
            *found = p;
            return true;
        }
    }
    return false;
}

const char *marker_at(const struct mail *m, size_t i, bool *forward)
{
    const struct span s = mail_low(m, i);
    size_t end = 0;
    const struct phrase *p = dashed_at(m, s, &end);
    if (!p && is_stamped_line(m, s)) {
        *forward = false;
        return "attribution (Lotus Notes)";
    }
    if (!p && !is_bare_marker(m, s, &p) && !is_line_above(m, s, &p))
        return NULL;
    const struct lang *lang = lang_by_code(p->lang);
    *forward = (p->tag & MARKER_FORWARD) != 0;
    return !lang ? "marker" : *forward ? lang->forward : lang->marker;
}

/* "##- Please type your reply above this line -##" at s; bytes of it, or 0. */
static size_t framed_at(const struct mail *m, struct span s)
{
    static const char *const ends[] = { "-##", "--", "==" };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        const size_t room = s.len < MARKER_BYTES ? s.len : MARKER_BYTES;
        const char *end = room > 4 ? memmem(s.s + 4, room - 4, ends[i], strlen(ends[i])) : NULL;
        const size_t len = end ? (size_t)(end - s.s) + strlen(ends[i]) : 0;
        const struct phrase *found = NULL;
        if (len > 0 && is_line_above(m, (struct span){ s.s, len }, &found))
            return len + dashes_at(s, len);
    }
    return 0;
}

/* The name in front of a stamp at byte at: all of a short line, else two words. */
static size_t stamp_name(struct span s, size_t at)
{
    if (at <= STAMP_NAME)
        return 0;
    for (int words = 0; at > 0 && words < 2; words++) {
        while (at > 0 && s.s[at - 1] == ' ')
            at--;
        while (at > 0 && s.s[at - 1] != ' ')
            at--;
    }
    return at;
}

bool marker_inside(const struct mail *m, size_t i, size_t *from, size_t *to)
{
    const struct line *l = &m->line[i];
    const struct span s = { m->low.data + l->at, l->len };
    for (size_t at = 0; at < s.len;) {
        const size_t n = dashes_at(s, at);
        const bool frame = n >= 2 || (s.len - at > 3 && span_begins(span_from(s, at), "##-"));
        size_t end = frame ? framed_at(m, span_from(s, at)) : 0;
        if (end > 0 && at + end <= s.len) {
            *from = at;
            *to = at + end;
            return at > 0 || *to < s.len;
        }
        if (n >= 3 && dashed_at(m, span_from(s, at), &end) && at + end <= s.len) {
            *from = at;
            *to = at + end;
            return at > 0 || *to < s.len;
        }
        if (n >= 3 && (end = stamp_at(m, span_from(s, at))) > 0) {
            *from = stamp_name(s, at);
            *to = at + end;
            return *from > 0 || *to < s.len;
        }
        at += n ? n : 1;
    }
    return false;
}

bool mark_inside(const struct mail *m, size_t i, size_t *from, size_t *to)
{
    bool (*const inside[])(const struct mail *, size_t, size_t *, size_t *) = {
        attribution_inside,
        headers_inside,
        marker_inside,
    };
    bool found = false;
    for (size_t k = 0; k < sizeof(inside) / sizeof(inside[0]); k++) {
        size_t f = 0;
        size_t t = 0;
        if (inside[k](m, i, &f, &t) && (!found || f < *from)) {
            *from = f;
            *to = t;
            found = true;
        }
    }
    return found;
}
