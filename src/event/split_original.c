/* Where the original begins: attributions, header blocks, markers, and what is unclear. */
#include "event/split_priv.h"

/* "---- words ----", or a phrase of the markers without dashes. */
static bool is_like_marker(const struct mail *m, size_t i)
{
    const struct span s = mail_low(m, i);
    size_t len = 0;
    if (s.len >= 6 && span_begins(s, "--") && span_ends(s, "--"))
        return true;
    return phrase_at(&m->ix->markers, s, &len) && len == s.len;
}

#define BANNER_LINES 4

/* So does "[EXTERNAL]", which a gateway put there. */
static size_t banner_above(const struct mail *m, size_t i)
{
    size_t top = i;
    for (size_t k = i; k-- > 0 && i - k <= BANNER_LINES;) {
        if (line_is(m, k, LINE_BLANK) || m->line[k].class != LINE_OWN)
            break;
        if (phrase_inside(&m->ix->banners, mail_low(m, k)))
            top = k;
    }
    return top;
}

/* "To: Bob", "Subject: Hello" between a rule and an attribution, as some programs write. */
static size_t labels_above(const struct mail *m, size_t i)
{
    size_t top = i;
    while (top > 0 && m->line[top - 1].label > 0 && m->line[top - 1].class == LINE_OWN)
        top--;
    return top > 0 && line_is(m, top - 1, LINE_RULE) ? top : i;
}

/* A rule right above a mark belongs to the mark. */
void take_rule_above(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    const size_t top = labels_above(m, banner_above(m, i));
    split_class(sp, top, i, LINE_QUOTED);
    i = top;
    size_t k = i;
    while (k > 0 && line_is(m, k - 1, LINE_BLANK))
        k--;
    if (k > 0 && m->line[k - 1].class == LINE_OWN &&
        (line_is(m, k - 1, LINE_RULE) || is_like_marker(m, k - 1)))
        split_class(sp, k - 1, i, LINE_QUOTED);
}

/* ---- unclear parts ---- */

/* Does anything from line i on look like the small print below our own mail? Looked
 * for once, from the end. */
bool footer_behind(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    if (sp->footer == SIZE_MAX) {
        size_t k = m->count;
        while (k > 0 && !phrase_inside(&m->ix->footers, mail_low(m, k - 1)))
            k--;
        sp->footer = k;
    }
    return i < sp->footer;
}

/* A mark with nothing before it, and nothing quoted behind it: what follows may be all
 * that the lead wrote (a body with its own headers on top, a program that answers in
 * this form). With small print in it, it is ours. */
bool is_top_of_own_words(struct splitter *sp, size_t end)
{
    const struct mail *m = &sp->mail;
    if (sp->own_words || sp->block > 0 || sp->out->ncuts > 1 || footer_behind(sp, end))
        return false;
    for (size_t i = 0; i < m->count; i++)
        if (m->line[i].facts & LINE_OURS)
            return false;
    const size_t next = mail_next(m, end);
    return next < m->count && m->line[next].zone == ZONE_OWN;
}

/* Between an attribution at the very top and the quotation, some write their answer: text
 * without small print, and below it nothing but a quotation, which has some. */
static bool answers_above_quote(const struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    bool small_print = false;
    if (sp->own_words || sp->block > 0 || sp->out->ncuts > 1)
        return false;
    while (i < m->count && m->line[i].level == 0) {
        if (m->line[i].zone != ZONE_OWN || phrase_inside(&m->ix->footers, mail_low(m, i)))
            return false;
        i++;
    }
    for (; i < m->count; i++) {
        if (m->line[i].level == 0 && !line_is(m, i, LINE_BLANK))
            return false;
        small_print = small_print || phrase_inside(&m->ix->footers, mail_low(m, i));
    }
    return small_print;
}

#define ANSWER_LINES 60 /* in which the lead may announce answers */

/* "My answers are in red below." */
static bool announces_answers(const struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    for (size_t k = 0; k < i && k < ANSWER_LINES; k++)
        if (m->line[k].class == LINE_OWN && phrase_inside(&m->ix->answers, mail_low(m, k)))
            return true;
    return false;
}

/* All from line i on is the original. Where the lead announced answers in it, which
 * nothing marks, it stays in the reply up to the next mark, or the first small print. */
void rest_from(struct splitter *sp, size_t i)
{
    const bool first = sp->out->ncuts <= 1 && !sp->answers;
    sp->answers = first && announces_answers(sp, i);
    sp->rest = !sp->answers;
}

/* ">> They did." */
bool is_marked_answer(const struct splitter *sp, size_t i)
{
    return sp->answers && sp->mail.line[i].level > 0 && sp->mail.line[i].zone == ZONE_OWN;
}

/* ---- marks ---- */

/* Attribution above a quotation that is marked line by line: only that is the original,
 * what follows it may be an answer. Else all that follows is. */
size_t quote_from(struct splitter *sp, size_t i, size_t end, const char *name, bool may_answer)
{
    struct mail *m = &sp->mail;
    take_rule_above(sp, i);
    split_class(sp, i, end, LINE_QUOTED);
    split_cut(sp, CUT_QUOTED, name, i);
    sp->signature = false;
    const size_t next = mail_next(m, end);
    if (may_answer && next < m->count && mail_quotes_at(m, end))
        m->line[next].facts |= LINE_ATTRIBUTED;
    else if (!is_top_of_own_words(sp, end) && !(may_answer && answers_above_quote(sp, end)))
        rest_from(sp, end);
    return end;
}

static size_t marker_from(struct splitter *sp, size_t i, const char *name, bool forward)
{
    take_rule_above(sp, i);
    split_class(sp, i, i + 1, LINE_QUOTED);
    split_cut(sp, forward ? CUT_FORWARD : CUT_QUOTED, name, i);
    sp->signature = false;
    if (forward) /* nobody answers in it */
        sp->rest = true;
    else
        rest_from(sp, i);
    return i + 1;
}

/* "> On Mon, 5 May 2025 at 10:30 Ada" and below it, wrapped without a mark, "wrote:". */
static const char *wrapped_mark(const struct splitter *sp, size_t i, size_t *end)
{
    const struct mail *m = &sp->mail;
    if (i == 0 || i != sp->block || m->line[i - 1].level == 0)
        return NULL;
    const char *name = attribution_at(m, i - 1, end);
    return name && *end > i ? name : NULL;
}

#define WEAK_SPAN 200 /* lines behind a weak mark that are searched for a better one */

size_t next_mark(const struct mail *m, size_t i, size_t stop)
{
    size_t end = 0;
    bool forward = false;
    const size_t near = stop < i + WEAK_SPAN ? stop : i + WEAK_SPAN;
    for (; i < near; i++)
        if (is_quote_line(m, i) || m->line[i].zone != ZONE_OWN || marker_at(m, i, &forward) ||
            headers_at(m, i, &end) || attribution_at(m, i, &end))
            return i;
    return stop;
}

/* "From: us To: you Subject: the offer?" may be a joke: without an address, a time or a
 * year in it, and with words and then a better mark below, no small print before that. */
static bool is_joke(const struct mail *m, size_t i, size_t end)
{
    for (; i < end; i++) {
        const struct evidence e = evidence_in(mail_low(m, i), m->ix);
        if (e.address || e.time || e.year)
            return false;
    }
    const size_t mark = next_mark(m, end, m->count);
    if (mark == m->count || mark == mail_next(m, end))
        return false;
    for (; i < mark; i++)
        if (phrase_inside(&m->ix->footers, mail_low(m, i)))
            return false;
    return true;
}

/* A mark of the original at line i: the line behind it; i when there is none. */
size_t original_at(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    size_t end = i;
    bool forward = false;
    const char *name = line_is(m, i, LINE_FLAT) ? "small print in text without line breaks"
                                                : marker_at(m, i, &forward);
    if (name)
        return marker_from(sp, i, name, forward);
    if ((name = headers_at(m, i, &end)) && !is_joke(m, i, end))
        return quote_from(sp, i, end, name, false);
    if ((name = notes_table_at(m, i, &end)) || (name = foreign_block_at(m, i, &end)))
        return quote_from(sp, i, end, name, false);
    if ((name = attribution_at(m, i, &end)) || (name = wrapped_mark(sp, i, &end)))
        return quote_from(sp, i, end, name, true);
    if (may_be_attribution(m, i) && footer_behind(sp, i + 1) && line_is(m, i + 1, LINE_BLANK) &&
        next_mark(m, i + 1, sp->footer) == sp->footer)
        return quote_from(sp, i, i + 1, "attribution above small print", true);
    if (greets_again(sp, i))
        return quote_from(sp, i, i + 1, "greeting above small print", false);
    return i;
}
