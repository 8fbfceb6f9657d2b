#include "event/split.h"

#include <string.h>

#include "base/buf.h"
#include "event/split_lines.h"
#include "event/text.h"

#define RULE_SIGNATURE 10    /* underscores that part a signature from a quotation above */
#define RULE_SIGNATURE_MAX 6 /* lines of it */

struct splitter {
    struct mail mail;
    struct reply_text *out;
    const struct zone *zones;
    size_t nzones;
    bool rest;      /* all that follows is the original */
    bool answers;   /* the original has begun, with the lead's answers in it */
    bool signature; /* all that follows up to the next mark is the signature */
    bool own_words; /* some were seen */
    size_t block;   /* the line behind the last quotation; 0 is none yet */
    size_t footer;  /* the last line with small print, + 1; SIZE_MAX is not looked for yet */
    size_t maybe;   /* the last line in a ZONE_MAYBE, + 1 */
    size_t proven;  /* the last line that HTML says is the original, + 1 */
};

static void add_cut(struct splitter *sp, enum cut_what what, const char *mark, size_t line)
{
    struct reply_text *out = sp->out;
    if (out->ncuts < TEXT_MAX_CUTS)
        out->cuts[out->ncuts++] =
            (struct cut){ .what = what, .mark = mark, .line = sp->mail.line[line].number };
}

static void set_class(struct splitter *sp, size_t from, size_t to, enum line_class class)
{
    for (size_t i = from; i < to && i < sp->mail.count; i++)
        sp->mail.line[i].class = (uint8_t) class;
}

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
static void take_rule_above(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    const size_t top = labels_above(m, banner_above(m, i));
    set_class(sp, top, i, LINE_QUOTED);
    i = top;
    size_t k = i;
    while (k > 0 && line_is(m, k - 1, LINE_BLANK))
        k--;
    if (k > 0 && m->line[k - 1].class == LINE_OWN &&
        (line_is(m, k - 1, LINE_RULE) || is_like_marker(m, k - 1)))
        set_class(sp, k - 1, i, LINE_QUOTED);
}

/* ---- unclear parts ---- */

static bool is_quote_line(const struct mail *m, size_t i)
{
    return i < m->count && (m->line[i].level > 0 || m->line[i].zone == ZONE_QUOTED ||
                            line_is(m, i, LINE_NAMED | LINE_OURS));
}

/* Does anything from line i on look like the small print below our own mail? Looked
 * for once, from the end. */
static bool footer_behind(struct splitter *sp, size_t i)
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
static bool is_top_of_own_words(struct splitter *sp, size_t end)
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
static void rest_from(struct splitter *sp, size_t i)
{
    const bool first = sp->out->ncuts <= 1 && !sp->answers;
    sp->answers = first && announces_answers(sp, i);
    sp->rest = !sp->answers;
}

/* ">> They did." */
static bool is_marked_answer(const struct splitter *sp, size_t i)
{
    return sp->answers && sp->mail.line[i].level > 0 && sp->mail.line[i].zone == ZONE_OWN;
}

/* ---- marks ---- */

/* Attribution above a quotation that is marked line by line: only that is the original,
 * what follows it may be an answer. Else all that follows is. */
static size_t quote_from(struct splitter *sp, size_t i, size_t end, const char *name,
                         bool may_answer)
{
    struct mail *m = &sp->mail;
    take_rule_above(sp, i);
    set_class(sp, i, end, LINE_QUOTED);
    add_cut(sp, CUT_QUOTED, name, i);
    sp->signature = false;
    const size_t next = mail_next(m, end);
    if (may_answer && next < m->count && mail_quotes_at(m, end))
        m->line[next].facts |= LINE_ATTRIBUTED;
    else if (!is_top_of_own_words(sp, end))
        rest_from(sp, end);
    return end;
}

static size_t marker_from(struct splitter *sp, size_t i, const char *name, bool forward)
{
    take_rule_above(sp, i);
    set_class(sp, i, i + 1, LINE_QUOTED);
    add_cut(sp, forward ? CUT_FORWARD : CUT_QUOTED, name, i);
    sp->signature = false;
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

/* The next mark of the original from line i on, before line stop; stop when there is none. */
static size_t next_mark(const struct mail *m, size_t i, size_t stop)
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
static size_t original_at(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    size_t end = i;
    bool forward = false;
    const char *name = marker_at(m, i, &forward);
    if (name)
        return marker_from(sp, i, name, forward);
    if ((name = headers_at(m, i, &end)) && !is_joke(m, i, end))
        return quote_from(sp, i, end, name, false);
    if ((name = attribution_at(m, i, &end)) || (name = wrapped_mark(sp, i, &end)))
        return quote_from(sp, i, end, name, true);
    if (may_be_attribution(m, i) && footer_behind(sp, i + 1) && line_is(m, i + 1, LINE_BLANK) &&
        next_mark(m, i + 1, sp->footer) == sp->footer)
        return quote_from(sp, i, i + 1, "attribution above small print", true);
    return i;
}

/* ---- signatures ---- */

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

static bool signature_at(struct splitter *sp, size_t i)
{
    const char *name = device_line(sp, i);
    if (name) {
        add_cut(sp, CUT_SIGNATURE, name, i);
        set_class(sp, i, i + 1, LINE_SIGNATURE);
        return true;
    }
    if (!sp->signature && !line_is(&sp->mail, i, LINE_CODE) &&
        (is_signature_dash(&sp->mail, i) || is_signature_rule(sp, i))) {
        add_cut(sp, CUT_SIGNATURE, "signature dash", i);
        sp->signature = true;
    }
    return false;
}

/* ---- quotations marked line by line ---- */

static const char *zone_mark(const struct splitter *sp, size_t i)
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

static bool in_blockquote(const struct mail *m, size_t i)
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

static size_t blockquote_from(struct splitter *sp, size_t i)
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
        add_cut(sp, CUT_QUOTED, zone_mark(sp, i), i);
    set_class(sp, i, end, LINE_QUOTED);
    sp->block = end;
    sp->signature = false;
    return end;
}

/* GroupWise: ">>> Ada Lovelace <ada@host> 5/5/2025 10:30 AM >>>", perhaps wrapped, then
 * the original without marks. The line behind it; i when there is none. */
static size_t arrow_attribution(const struct mail *m, size_t i)
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
static size_t block_from(struct splitter *sp, size_t i)
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
        add_cut(sp, CUT_QUOTED,
                m->line[i].zone == ZONE_QUOTED ? zone_mark(sp, i)
                : line_is(m, i, LINE_OURS)     ? "our own text"
                                               : "quote marks",
                i);
    set_class(sp, i, end, LINE_QUOTED);
    sp->rest = rest_behind(sp, i, end);
    sp->block = end;
    sp->signature = false;
    return end;
}

/* ---- below and between quotations ---- */

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
static bool is_stray_small_print(const struct splitter *sp, size_t i)
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

static size_t own_from(struct splitter *sp, size_t i)
{
    struct line *l = &sp->mail.line[i];
    if (line_is(&sp->mail, i, LINE_BLANK)) {
        l->class = sp->signature ? LINE_SIGNATURE : LINE_OWN;
    } else if (is_stray_small_print(sp, i)) {
        l->class = LINE_QUOTED;
        add_cut(sp, CUT_QUOTED, "small print", i);
    } else if (!signature_at(sp, i)) {
        l->class = sp->signature ? LINE_SIGNATURE : LINE_OWN;
        sp->own_words = sp->own_words || (!sp->signature && !line_is(&sp->mail, i, LINE_RULE));
    }
    return i + 1;
}

static size_t zone_signature_from(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    add_cut(sp, CUT_SIGNATURE, zone_mark(sp, i), i);
    for (; i < m->count && m->line[i].zone == ZONE_SIGNATURE; i++)
        sp->mail.line[i].class = LINE_SIGNATURE;
    return i;
}

static size_t step(struct splitter *sp, size_t i)
{
    const struct mail *m = &sp->mail;
    const struct line *l = &m->line[i];
    if (l->zone == ZONE_REST && !sp->rest && !sp->answers) {
        take_rule_above(sp, i);
        add_cut(sp, CUT_QUOTED, zone_mark(sp, i), i);
        rest_from(sp, i);
    }
    if (sp->answers && phrase_inside(&m->ix->footers, mail_low(m, i))) {
        add_cut(sp, CUT_QUOTED, "small print", i);
        sp->rest = true;
    }
    if (sp->rest) {
        set_class(sp, i, m->count, LINE_QUOTED);
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
