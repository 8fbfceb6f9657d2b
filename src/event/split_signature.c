/* Signatures, device lines, and small print outside of quotations. */
#include <string.h>

#include "event/split_priv.h"

#define RULE_SIGNATURE 10    /* underscores that part a signature from a quotation above */
#define RULE_SIGNATURE_MAX 6 /* lines of it */

static size_t lines_left(const struct mail *m, size_t i)
{
    size_t n = 0;
    for (; i < m->count && n <= RULE_SIGNATURE_MAX; i++)
        n += !line_is(m, i, LINE_BLANK);
    return n;
}

static bool is_signature_dash(const struct mail *m, size_t i)
{
    return span_is(mail_low(m, i), "--");
}

/* The footer of a mailing list, from line i to the end. */
static bool is_list_footer(const struct mail *m, size_t i)
{
    for (; i < m->count; i++)
        if (phrase_inside(&m->ix->footers, mail_low(m, i)))
            return true;
    return false;
}

/* A rule of underscores and a few lines at the end, below a quotation or with the words
 * of a mailing list in them. */
static bool is_signature_rule(const struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    const struct span s = mail_low(m, i);
    for (size_t k = 0; k < s.len; k++)
        if (s.s[k] != '_')
            return false;
    if (s.len < RULE_SIGNATURE || lines_left(m, i + 1) > RULE_SIGNATURE_MAX)
        return false;
    return (sp->block > 0 && mail_next(m, sp->block) == i) || is_list_footer(m, i + 1);
}

/* Device lines stand alone or among their like, with no words of the lead's right
 * behind them. */
static const char *device_line(const struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    const char *name = device_at(m, i);
    if (!name)
        return NULL;
    if (i + 1 >= m->count || line_is(m, i + 1, LINE_BLANK | LINE_RULE) || device_at(m, i + 1))
        return name;
    size_t end = 0;
    bool forward = false;
    return mail_quotes_at(m, i + 1) || m->line[i + 1].zone != ZONE_OWN ||
                   marker_at(m, i + 1, &forward) || headers_at(m, i + 1, &end) ||
                   attribution_at(m, i + 1, &end)
               ? name
               : NULL;
}

bool signature_at(struct splitter *sp, size_t i)
{
    const char *name = device_line(sp, i);
    if (name) {
        split_cut(sp, CUT_SIGNATURE, name, i);
        split_class(sp, i, i + 1, LINE_SIGNATURE);
        return true;
    }
    if (!sp->signature && !line_is(&sp->mail, i, LINE_CODE) &&
        (is_signature_dash(&sp->mail, i) || is_signature_rule(sp, i))) {
        split_cut(sp, CUT_SIGNATURE, "signature dash", i);
        sp->signature = true;
    }
    return false;
}

size_t zone_signature_from(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    split_cut(sp, CUT_SIGNATURE, zone_mark(sp, i), i);
    for (; i < m->count && m->line[i].zone == ZONE_SIGNATURE; i++)
        sp->mail.line[i].class = LINE_SIGNATURE;
    return i;
}

/* ---- small print ---- */

/* Below a blank line, or below small print. */
static bool is_paragraph_start(const struct mail *m, size_t i)
{
    return i == 0 || line_is(m, i - 1, LINE_BLANK | LINE_RULE) ||
           m->line[i - 1].class == LINE_QUOTED;
}

/* A phrase of the small print stands in s, and where it must begin a sentence, it does. */
static bool has_small_print(const struct mail *m, struct span s)
{
    size_t len = 0;
    for (size_t at = 0; at < s.len; at++) {
        if (at > 0 && is_word_byte(s.s[at - 1]))
            continue;
        const struct phrase *p = phrase_at(&m->ix->small_print, span_from(s, at), &len);
        const bool begins =
            at == 0 || (at >= 2 && s.s[at - 1] == ' ' && !is_word_byte(s.s[at - 2]));
        if (p && (p->tag != PRINT_SENTENCE || begins))
            return true;
    }
    return false;
}

/* "(https://host.example/x) >" */
static bool is_only_link(struct span s)
{
    while (s.len > 0 && strchr("(<[", s.s[0]))
        s = span_from(s, 1);
    const char *blank = memchr(s.s, ' ', s.len);
    return span_begins(s, "http") && (!blank || span_is(span_from(s, (size_t)(blank - s.s)), " >"));
}

/* Small print that is not the lead's. A line between two quoted ones, with no blank
 * line around, is either an answer or the end of a quoted line that some program
 * wrapped: any hint decides. Below a quotation, only words that no lead writes count;
 * below the lead's words, where perhaps a mark was not known, the same with an opt-out. */
bool is_stray_small_print(const struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    const struct span s = mail_low(m, i);
    if (sp->block > 0 && i == sp->block && is_quote_line(m, i + 1))
        return phrase_inside(&m->ix->footers, s) || is_only_link(s);
    if (sp->block == 0 &&
        (!sp->own_words || !is_paragraph_start(m, i) || !phrase_inside(&m->ix->footers, s)))
        return false;
    return has_small_print(m, s);
}
