/* Quotations marked line by line, or by HTML. */
#include <string.h>

#include "event/split_priv.h"

bool is_quote_line(const struct mail *m, size_t i)
{
    return i < m->count && (m->line[i].level > 0 || m->line[i].zone == ZONE_QUOTED ||
                            line_is(m, i, LINE_NAMED | LINE_OURS));
}

const char *zone_mark(const struct splitter *sp, size_t i)
{
    size_t lo = 0;
    size_t hi = sp->nzones;
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        if (sp->zones[mid].at <= sp->mail.line[i].at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && sp->zones[lo - 1].mark ? sp->zones[lo - 1].mark : "HTML";
}

bool in_blockquote(const struct mail *m, size_t i)
{
    return i < m->count && (m->line[i].zone == ZONE_MAYBE || m->line[i].zone == ZONE_INDENT);
}

/* A blockquote is the original below an attribution, when it holds small print or an
 * attribution, or when it is the last one, and the lead does not go on below it before
 * what surely is the original. */
static bool blockquote_is_original(const struct splitter *sp, size_t i, size_t end)
{
    const struct mail *m = &sp->mail;
    size_t mark_end = 0;
    bool forward = false;
    if (line_is(m, i, LINE_ATTRIBUTED))
        return true;
    for (size_t k = i; k < end; k++)
        if (line_is(m, k, LINE_OURS) || phrase_inside(&m->ix->footers, mail_low(m, k)) ||
            attribution_at(m, k, &mark_end) || headers_at(m, k, &mark_end) ||
            marker_at(m, k, &forward))
            return true;
    if (m->line[i].zone != ZONE_MAYBE || end < sp->maybe)
        return false;
    const size_t next = mail_next(m, end);
    return sp->proven <= end || next >= m->count || m->line[next].zone != ZONE_OWN;
}

size_t blockquote_from(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    size_t end = i;
    while (in_blockquote(m, end))
        end++;
    const bool attributed = line_is(m, i, LINE_ATTRIBUTED);
    if (!blockquote_is_original(sp, i, end)) {
        sp->own_words = true;
        return end;
    }
    if (!attributed)
        split_cut(sp, CUT_QUOTED, zone_mark(sp, i), i);
    split_class(sp, i, end, LINE_QUOTED);
    sp->block = end;
    sp->signature = false;
    return end;
}

/* GroupWise: ">>> Ada Lovelace <ada@host> 5/5/2025 10:30 AM >>>", perhaps wrapped, then
 * the original without marks. The line behind it; i when there is none. */
size_t arrow_attribution(const struct mail *m, size_t i)
{
    if (m->line[i].level < 3 || !span_begins(mail_raw(m, i), ">>>"))
        return i;
    struct evidence e = evidence_in(mail_raw(m, i), m->ix);
    size_t end = i + 1;
    if (!span_ends(mail_raw(m, i), ">>>") && end < m->count && m->line[end].level == 0)
        end++;
    const struct span last = mail_raw(m, end - 1);
    if (end > i + 1) {
        const struct evidence more = evidence_in(last, m->ix);
        e = (struct evidence){ e.address || more.address, e.time || more.time, e.year || more.year,
                               e.date || more.date };
    }
    const bool closed = span_ends(last, ">>>") && (end > i + 1 || last.len > 6);
    return closed && (e.time || e.address) && (e.date || e.year) ? end : i;
}

#define TAIL_LINES 16 /* of a mark at the end of a quotation */

/* The first line of the mark that the quotation from i to end ends with: "> On ... wrote:"
 * and nothing quoted below; end when there is none. */
static size_t mark_at_tail(const struct mail *m, size_t i, size_t end)
{
    size_t last = 0;
    bool forward = false;
    if (marker_at(m, end - 1, &forward))
        return end - 1;
    const size_t low = end - i > TAIL_LINES ? end - TAIL_LINES : i;
    for (size_t k = low; k < end; k++)
        if ((m->line[k].label > 0 && headers_at(m, k, &last) && last == end) ||
            (foreign_block_at(m, k, &last) && last == end) ||
            (end - k <= 4 && attribution_at(m, k, &last) && last == end))
            return k;
    return end;
}

/* Some programs mark only "> On ... wrote:", and what follows is the original. Where more
 * is quoted above such a line, an answer may follow. */
static bool rest_behind(struct splitter *sp, size_t i, size_t end)
{
    const struct mail *m = &sp->mail;
    const size_t behind = end;
    while (end > i && line_is(m, end - 1, LINE_BLANK))
        end--;
    i = mail_next(m, i);
    if (i >= end || m->line[i].zone != ZONE_OWN || line_is(m, i, LINE_OURS))
        return false;
    const size_t mark = mark_at_tail(m, i, end);
    if (mark > i + 1) /* "> Message du ..." may stand above */
        return mark < end && footer_behind(sp, behind);
    return mark < end && !is_top_of_own_words(sp, behind);
}

/* The lines of one quotation, with the blank ones inside. */
size_t block_from(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    size_t end = i;
    for (size_t k = i; k < m->count; k++) {
        if (k > i && arrow_attribution(m, k) > k)
            break;
        if (is_quote_line(m, k))
            end = k + 1;
        else if (!line_is(m, k, LINE_BLANK) || m->line[k].zone != ZONE_OWN)
            break;
    }
    if (!line_is(m, i, LINE_ATTRIBUTED))
        split_cut(sp, CUT_QUOTED,
                  m->line[i].zone == ZONE_QUOTED ? zone_mark(sp, i)
                  : line_is(m, i, LINE_OURS)     ? "our own text"
                                                 : "quote marks",
                  i);
    split_class(sp, i, end, LINE_QUOTED);
    sp->rest = rest_behind(sp, i, end);
    sp->block = end;
    sp->signature = false;
    return end;
}
