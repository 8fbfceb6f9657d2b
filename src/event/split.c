#include "event/split.h"

#include <string.h>

#include "base/buf.h"
#include "event/split_priv.h"

void split_cut(struct splitter *sp, enum cut_what what, const char *mark, size_t line)
{
    struct reply_text *out = sp->out;
    if (out->ncuts < TEXT_MAX_CUTS)
        out->cuts[out->ncuts++] =
            (struct cut){ .what = what, .mark = mark, .line = sp->mail.line[line].number };
}

void split_class(struct splitter *sp, size_t from, size_t to, enum line_class class)
{
    for (size_t i = from; i < to && i < sp->mail.count; i++)
        sp->mail.line[i].class = (uint8_t) class;
}

static size_t own_from(struct splitter *sp, size_t i)
{
    struct line *l = &sp->mail.line[i];
    if (line_is(&sp->mail, i, LINE_BLANK)) {
        l->class = sp->signature ? LINE_SIGNATURE : LINE_OWN;
    } else if (is_stray_small_print(sp, i)) {
        l->class = LINE_QUOTED;
        split_cut(sp, CUT_QUOTED, "small print", i);
    } else if (!signature_at(sp, i)) {
        l->class = sp->signature ? LINE_SIGNATURE : LINE_OWN;
        sp->own_words = sp->own_words || (!sp->signature && !line_is(&sp->mail, i, LINE_RULE));
    }
    return i + 1;
}

static size_t step(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    const struct line *l = &m->line[i];
    if (l->zone == ZONE_REST && !sp->rest && !sp->answers) {
        take_rule_above(sp, i);
        split_cut(sp, CUT_QUOTED, zone_mark(sp, i), i);
        rest_from(sp, i);
    }
    if (sp->answers && phrase_inside(&m->ix->footers, mail_low(m, i))) {
        split_cut(sp, CUT_QUOTED, "small print", i);
        sp->rest = true;
    }
    if (sp->rest) {
        split_class(sp, i, m->count, LINE_QUOTED);
        return m->count;
    }
    const size_t arrow = arrow_attribution(m, i);
    if (arrow > i)
        return quote_from(sp, i, arrow, "attribution (GroupWise)", true);
    if (is_quote_line(m, i) && !is_marked_answer(sp, i))
        return block_from(sp, i);
    if (l->zone == ZONE_SIGNATURE)
        return zone_signature_from(sp, i);
    if (in_blockquote(m, i))
        return blockquote_from(sp, i);
    const size_t end = line_is(m, i, LINE_BLANK) ? i : original_at(sp, i);
    return end > i ? end : own_from(sp, i);
}

/* A first line that begins with > is the lead's own when nothing else is marked so and
 * the text goes on right below. */
static bool first_line_is_own(const struct mail *m)
{
    const size_t first = mail_next(m, 0);
    if (first >= m->count || m->line[first].level != 1 ||
        phrase_inside(&m->ix->footers, mail_low(m, first)))
        return false;
    for (size_t i = first + 1; i < m->count; i++)
        if (is_quote_line(m, i) || m->line[i].zone != ZONE_OWN)
            return false;
    return first + 1 < m->count && !line_is(m, first + 1, LINE_BLANK);
}

/* Rules at the end of the lead's words are ornaments. */
static void drop_last_rules(struct mail *m)
{
    size_t end = 0;
    for (size_t i = 0; i < m->count; i++)
        if (m->line[i].class == LINE_OWN && !line_is(m, i, LINE_BLANK | LINE_RULE))
            end = i + 1;
    for (size_t i = end; end > 0 && i < m->count; i++)
        if (m->line[i].class == LINE_OWN && line_is(m, i, LINE_RULE))
            m->line[i].class = LINE_SIGNATURE;
}

static void classify(struct splitter *sp)
{
    struct mail *m = &sp->mail;
    for (size_t i = 0; i < m->count; i++) {
        if (m->line[i].zone == ZONE_MAYBE)
            sp->maybe = i + 1;
        if (m->line[i].zone == ZONE_QUOTED || m->line[i].zone == ZONE_REST)
            sp->proven = i + 1;
    }
    if (first_line_is_own(m)) {
        struct line *l = &m->line[mail_next(m, 0)];
        l->level = 0;
        l->prefix = 0;
    }
    for (size_t i = 0; i < m->count;)
        i = step(sp, i);
    drop_last_rules(m);
}

/* ---- the fields ---- */

struct field {
    struct buf *out;
    bool *cut;
    size_t max;
    size_t breaks; /* line ends that are due before the next line */
    size_t last;   /* number of the last line given to it */
    bool full;
};

static void field_add(struct field *f, struct span s, size_t i)
{
    s = span_trim(s);
    if (f->full)
        return;
    if (i != f->last + 1 && f->breaks > 1)
        f->breaks = 1; /* what stood between went elsewhere */
    f->last = i;
    if (s.len == 0) {
        f->breaks += f->out->len > 0;
        return;
    }
    for (; f->breaks > 0 && f->out->len > 0; f->breaks--)
        buf_putc(f->out, '\n');
    buf_append(f->out, s.s, s.len);
    f->breaks = 1;
    if (f->out->len > f->max) {
        *f->cut = f->full = true;
        text_cut(f->out, f->max);
    }
}

static void write_fields(struct splitter *sp)
{
    struct reply_text *out = sp->out;
    struct field fields[] = {
        [LINE_OWN] = { .out = &out->reply, .cut = &out->reply_cut, .max = TEXT_MAX_SHORT },
        [LINE_QUOTED] = { .out = &out->quoted, .cut = &out->quoted_cut, .max = TEXT_MAX_LONG },
        [LINE_SIGNATURE] = { .out = &out->signature,
                             .cut = &out->signature_cut,
                             .max = TEXT_MAX_SHORT },
    };
    const struct mail *m = &sp->mail;
    for (size_t i = 0; i < m->count; i++) {
        const struct line *l = &m->line[i];
        field_add(&fields[l->class], (struct span){ m->text + l->at, l->len }, i);
    }
}

void split(struct reply_text *out, const char *text, size_t len, const struct zone *zones,
           size_t nzones, const char *own_text)
{
    struct splitter sp = { .out = out, .zones = zones, .nzones = nzones, .footer = SIZE_MAX };
    mail_read(&sp.mail, text, len, zones, nzones);
    if (own_text)
        mail_find_ours(&sp.mail, own_text);
    classify(&sp);
    write_fields(&sp);
    mail_done(&sp.mail);
}
