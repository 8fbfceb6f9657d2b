/* Header blocks that are told by their layout: of a language that the tables do not know,
 * or with each label in a line of its own. */
#include <string.h>

#include "event/split_lines.h"
#include "event/text.h"

#define LABEL_BYTES 48  /* "Изпратено на", with its colon */
#define LABEL_WORDS 4   /* in it */
#define BLOCK_LINES 16  /* of a block, with the blank ones */
#define BLOCK_LABELS 3  /* as many make a block */
#define HEAD_BYTES 160  /* of a line with the writer or the day */
#define HEAD_LINES 8    /* down to the first label, with the blank ones */
#define VALUE_BYTES 400 /* of a line with a value */

/* ---- labels of any language ---- */

/* "Изпратено на: 02.10.2025 09:15": few words without digits, a colon, a value. */
static bool is_labelled(struct span s)
{
    const char *colon = memchr(s.s, ':', s.len < LABEL_BYTES ? s.len : LABEL_BYTES);
    if (!colon || colon == s.s)
        return false;
    size_t words = 1;
    for (const char *p = s.s; p < colon; p++) {
        if (strchr("0123456789/@<>()\"", *p))
            return false;
        words += *p == ' ' && p + 1 < colon;
    }
    const char *next = colon + 1;
    return words <= LABEL_WORDS && (next == s.s + s.len || *next == ' ' || *next == '*');
}

/* "-------- Оригинално писмо --------" */
static bool is_words_in_dashes(struct span s)
{
    return s.len <= HEAD_BYTES && span_begins(s, "---") && span_ends(s, "---") &&
           strspn(s.s, "- ") < s.len;
}

const char *foreign_block_at(const struct mail *m, size_t i, size_t *end)
{
    const uint8_t level = m->line[i].level;
    unsigned labels = 0;
    bool address = false;
    bool stamp = false;
    if (!is_words_in_dashes(mail_low(m, i)))
        return NULL;
    for (size_t k = i + 1; k < m->count && k < i + BLOCK_LINES; k++) {
        const struct span s = mail_low(m, k);
        if (line_is(m, k, LINE_BLANK))
            continue;
        if (m->line[k].level != level || s.len > VALUE_BYTES || !is_labelled(s))
            break;
        const struct evidence e = evidence_in(s, m->ix);
        address = address || e.address;
        stamp = stamp || (e.time && (e.date || e.year));
        labels++;
        *end = k + 1;
    }
    return labels >= BLOCK_LABELS && address && stamp ? "headers below a dashed line" : NULL;
}

/* ---- Lotus Notes ---- */

/* "To", "Kopie", "Subject" alone in its line, or with a colon and the value behind it. */
static bool is_label_of(const struct mail *m, size_t i, int role)
{
    const struct span s = mail_low(m, i);
    if (m->line[i].label > 0 && split_labels.list[m->line[i].label - 1].tag == role)
        return true;
    for (uint16_t n = s.len ? m->ix->labels.head[(unsigned char)s.s[0]] : 0; n != 0;
         n = m->ix->labels.next[n - 1])
        if (split_labels.list[n - 1].tag == role && span_is(s, split_labels.list[n - 1].text))
            return true;
    return false;
}

/* The line from i on, before line stop, with this label; stop when there is none. */
static size_t find_label(const struct mail *m, size_t i, size_t stop, int role)
{
    for (; i < stop && i < m->count; i++) {
        if (is_label_of(m, i, role))
            return i;
        if (m->line[i].len > VALUE_BYTES || m->line[i].level > 0)
            break;
    }
    return stop;
}

/* The writer, day and time of day, and below it
 *     To
 *     <bob@host>
 *     cc
 *
 *     Subject
 *     Offer
 */
const char *notes_table_at(const struct mail *m, size_t i, size_t *end)
{
    if (i + 1 >= m->count || m->line[i].len > HEAD_BYTES || m->line[i + 1].len > VALUE_BYTES)
        return NULL;
    struct evidence head = evidence_in(mail_low(m, i), m->ix);
    if (!head.address && !head.time) /* "Ada Lovelace/London", and the day below */
        head = evidence_in(mail_low(m, i + 1), m->ix);
    if (!head.address && !(head.time && (head.date || head.year)))
        return NULL;
    const size_t to = find_label(m, i + 1, i + HEAD_LINES, ROLE_TO);
    if (to == i + HEAD_LINES)
        return NULL;
    bool stamp = false;
    for (size_t k = i; k < to; k++) {
        const struct evidence e = evidence_in(mail_low(m, k), m->ix);
        if (m->line[k].label > 0)
            return NULL; /* headers of another form */
        stamp = stamp || (e.time && (e.date || e.year));
    }
    const size_t subject = find_label(m, to + 1, to + BLOCK_LINES, ROLE_SUBJECT);
    if (!stamp || subject == to + BLOCK_LINES)
        return NULL;
    const bool below = m->line[subject].label == 0 && subject + 1 < m->count &&
                       !line_is(m, subject + 1, LINE_BLANK);
    *end = below ? subject + 2 : subject + 1;
    return "headers (Lotus Notes)";
}
