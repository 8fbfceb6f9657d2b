/* explain_text.c - an explanation for people. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "cli/explain.h"

#define VALUE_BYTES 100 /* of a field's value, in the list of fields */
#define AROUND_BYTES 40 /* of the text before and after the matched words */
#define WORDS_BYTES 120 /* of the matched words */
#define FEW 8           /* conditions of a rule that said no, all of which are shown */

struct printer {
    const struct explained *of;
    const struct explain_style *style;
    bool left_out; /* conditions of rules that said no */
};

/* ---- text on a terminal ------------------------------------------------------------------ */

enum paint { PLAIN, GOOD, DOUBT, FAINT, WORDS };

static const char *paint(const struct printer *p, enum paint which)
{
    static const char *const codes[] = { "\033[0m", "\033[32m", "\033[33m", "\033[2m",
                                         "\033[1;4m" };
    return p->style->colour ? codes[which] : "";
}

/* Line breaks become blanks, control characters question marks: nobody outside may
 * steer the terminal. */
static void put_line(struct buf *out, const char *s, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t cp = 0;
        const size_t n = utf8_decode(s + at, len - at, &cp);
        if (n == 0 || (cp < 0x20 && cp != '\n') || (cp >= 0x7F && cp < 0xA0))
            buf_putc(out, '?');
        else if (cp == '\n')
            buf_putc(out, ' ');
        else
            buf_append(out, s + at, n);
        at += n ? n : 1;
    }
}

static void print_line(const struct printer *p, const char *s, size_t len)
{
    scoped(buf_free) struct buf b = BUF_INIT;
    put_line(&b, s, len);
    fputs(buf_str(&b), p->style->to);
}

static bool is_wide(uint32_t cp)
{
    static const struct {
        uint32_t from, to;
    } wide[] = {
        { 0x1100, 0x115F }, { 0x2E80, 0xA4CF }, { 0xAC00, 0xD7A3 },   { 0xF900, 0xFAFF },
        { 0xFE30, 0xFE6F }, { 0xFF00, 0xFF60 }, { 0x1F300, 0x1FAFF }, { 0x20000, 0x3FFFD }
    };
    for (size_t i = 0; i < ARRAY_LEN(wide); i++)
        if (cp >= wide[i].from && cp <= wide[i].to)
            return true;
    return false;
}

/* Columns that the text takes, near enough. */
static size_t columns(const struct buf *b)
{
    size_t n = 0;
    for (size_t at = 0; at < b->len;) {
        uint32_t cp = 0;
        const size_t k = utf8_decode(b->data + at, b->len - at, &cp);
        at += k ? k : 1;
        n += is_wide(cp) ? 2 : 1;
    }
    return n;
}

static void print_times(const struct printer *p, char c, size_t n)
{
    for (; n > 0; n--)
        fputc(c, p->style->to);
}

static void print_indent(const struct printer *p, unsigned depth)
{
    print_times(p, ' ', 2 + 4 * (size_t)depth);
}

/* ---- words in their context ---------------------------------------------------------------- */

/* A window on a text: what is before the words, the words, and what is behind. */
struct context {
    struct buf before, words, after;
};

static void context_done(struct context *c)
{
    buf_free(&c->before);
    buf_free(&c->words);
    buf_free(&c->after);
}

/* So far before the words, at the start of a word where there is one. */
static size_t window_start(const struct field_text *t, size_t words)
{
    if (words <= AROUND_BYTES)
        return 0;
    size_t from = words - AROUND_BYTES;
    const char *blank = memchr(t->data + from, ' ', words - from);
    if (blank && blank + 1 < t->data + words)
        return (size_t)(blank + 1 - t->data);
    while (from < words && ((unsigned char)t->data[from] & 0xC0) == 0x80)
        from++;
    return from;
}

static void read_context(struct context *c, const struct field_text *t, struct match_span span)
{
    const size_t from = window_start(t, span.start);
    if (from > 0)
        buf_puts(&c->before, "...");
    put_line(&c->before, t->data + from, span.start - from);

    const size_t words = span.end - span.start;
    const size_t shown = utf8_cut(t->data + span.start, words, WORDS_BYTES);
    put_line(&c->words, t->data + span.start, shown);
    if (shown < words)
        buf_puts(&c->words, "...");

    const size_t rest = t->len - span.end;
    const size_t after = utf8_cut(t->data + span.end, rest, AROUND_BYTES);
    put_line(&c->after, t->data + span.end, after);
    if (after < rest)
        buf_puts(&c->after, "...");
}

static void print_context(const struct printer *p, unsigned depth, const struct field_text *t,
                          struct match_span span)
{
    scoped(context_done) struct context c = { .words = BUF_INIT };
    read_context(&c, t, span);
    print_indent(p, depth);
    fprintf(p->style->to, "%s%s%s%s%s\n", buf_str(&c.before), paint(p, WORDS), buf_str(&c.words),
            paint(p, PLAIN), buf_str(&c.after));
    if (p->style->colour)
        return;
    print_indent(p, depth);
    print_times(p, ' ', columns(&c.before));
    print_times(p, '^', c.words.len > 0 ? columns(&c.words) : 1);
    fputc('\n', p->style->to);
}

/* ---- the parts ----------------------------------------------------------------------------- */

static void print_nearest(const struct printer *p, const struct near_miss *near)
{
    const struct place *at = near->missing    ? &near->missing->place
                             : near->excepted ? &near->excepted->place
                                              : &near->rule->place;
    fprintf(p->style->to, "  nearest at %s:%u:%u\n", at->file, at->line, at->col);
}

static void print_verdict(const struct printer *p)
{
    scoped(buf_free) struct buf words = BUF_INIT;
    const struct verdict *v = &p->of->verdict;
    verdict_describe(&words, v);
    print_line(p, buf_str(&words), words.len);
    fputc('\n', p->style->to);
    if (v->rule)
        fprintf(p->style->to, "  at %s:%u:%u\n", v->rule->place.file, v->rule->place.line,
                v->rule->place.col);
    if (v->kind != VERDICT_NONE && v->shadow)
        fprintf(p->style->to, "  rule %s, in shadow, would have marked it (%s:%u)\n",
                v->shadow->name, v->shadow->place.file, v->shadow->place.line);
    if (v->limited && v->limited != v->rule && v->kind != VERDICT_NONE)
        fprintf(p->style->to, "  rule %s could not tell (%s)\n", v->limited->name, v->limit);
    if (v->near.rule)
        print_nearest(p, &v->near);
    if (v->hangs_on_unknown)
        fputs("  hangs on a field that is unknown: a look at the conversation would decide\n",
              p->style->to);
}

static void print_field(const struct printer *p, enum field f)
{
    const struct field_value *v = &p->of->ev->field[f];
    if (v->presence == UNKNOWN)
        fprintf(p->style->to, "  %-12s %s(unknown)%s\n", field_name(f), paint(p, DOUBT),
                paint(p, PLAIN));
    for (size_t i = 0; v->presence == PRESENT && i < v->count; i++) {
        const struct field_text *t = &v->items[i];
        if (t->len == 0)
            continue;
        const size_t shown = utf8_cut(t->data, t->len, VALUE_BYTES);
        fprintf(p->style->to, "  %-12s ", field_name(f));
        print_line(p, t->data, shown);
        fprintf(p->style->to, "%s%s\n", shown < t->len ? "..." : "", v->cut ? " (cut)" : "");
    }
}

static void print_fields(const struct printer *p)
{
    fputs("\nfields\n", p->style->to);
    for (enum field f = 0; f < FIELD_COUNT; f++)
        if (f != FIELD_TEXT || p->of->ev->field[FIELD_REPLY].presence != PRESENT)
            print_field(p, f);
}

static void print_cuts(const struct printer *p)
{
    const struct reply_text *t = &p->of->ev->text;
    if (t->ncuts == 0)
        return;
    fputs("\ncut off from the reply\n", p->style->to);
    for (size_t i = 0; i < t->ncuts; i++)
        fprintf(p->style->to, "  from line %u: %s, by %s\n", t->cuts[i].line,
                cut_what_name(t->cuts[i].what), t->cuts[i].mark);
}

static const char *answer_word(enum answer a)
{
    return a == ANSWER_YES ? "yes" : a == ANSWER_NO ? "no" : "?";
}

static void print_answer(const struct printer *p, enum answer a)
{
    static const enum paint paints[] = { FAINT, GOOD, DOUBT };
    fprintf(p->style->to, "%s%-3s%s ", paint(p, paints[a]), answer_word(a), paint(p, PLAIN));
}

static void print_why(const struct printer *p, const struct explain_step *s)
{
    if (s->why[0])
        fprintf(p->style->to, " (%s)", s->why);
}

static void print_rule(const struct printer *p, const struct explain_step *s)
{
    const struct rule *r = s->step.rule;
    print_indent(p, 0);
    print_answer(p, s->step.answer);
    fprintf(p->style->to, "%s  %s%s:%u%s", r->name, paint(p, FAINT), r->place.file, r->place.line,
            paint(p, PLAIN));
    if (r->state == RULE_SHADOW)
        fputs("  shadow", p->style->to);
    if (!r->guard && r->then == THEN_KEEP)
        fputs("  then: keep", p->style->to);
    print_why(p, s);
    fputc('\n', p->style->to);
}

/* The values of the condition's field; *own is released by the caller. */
static const struct field_value *values_of(const struct printer *p, const struct cond *c,
                                           struct field_value *own)
{
    if (c->field.field != FIELD_POINTER)
        return &p->of->ev->field[c->field.field];
    event_pointer(p->of->ev, c->field.pointer, own);
    return own;
}

static void print_leaf(const struct printer *p, const struct explain_step *s, unsigned depth)
{
    const struct match_reason *r = &s->step.reason;
    const struct cond *c = s->step.cond;
    scoped(field_value_done) struct field_value own = { .presence = ABSENT };
    const struct field_value *v = values_of(p, c, &own);
    const bool found = r->cond && r->alternative;
    if (!found && v->presence == ABSENT && c->test != TEST_PRESENT)
        fprintf(p->style->to, " (%s is absent)", c->field.name);
    if (found && c->nalternatives > 1)
        fprintf(p->style->to, "; found by '%s' in line %u", r->alternative->source,
                r->alternative->place.line);
    fputc('\n', p->style->to);
    if (found && r->item < v->count)
        print_context(p, depth + 1, &v->items[r->item], r->span);
}

/* A rule's `when` is a map most of the time: its keys stand below the rule at once. */
static bool plain_when(const struct explain_step *s)
{
    return s->step.rule->when.kind == COND_ALL && !s->step.exception;
}

static void print_exception(const struct printer *p, const struct exception *e)
{
    fputs("except", p->style->to);
    if (e->because)
        fprintf(p->style->to, " (%s)", e->because);
}

static void print_asked(const struct printer *p, const struct explain_step *s)
{
    const struct cond *c = s->step.cond;
    const bool exception = s->step.exception && s->step.depth == 1;
    scoped(buf_free) struct buf words = BUF_INIT;
    if (exception)
        print_exception(p, s->step.exception);
    if (exception && c->kind == COND_ALL)
        return; /* a map, whose keys follow */
    if (exception)
        buf_puts(&words, ": ");
    cond_describe(&words, c);
    print_line(p, buf_str(&words), words.len);
}

static unsigned shown_depth(const struct explain_step *s)
{
    return s->step.depth - plain_when(s);
}

static void print_condition(const struct printer *p, const struct explain_step *s)
{
    if (plain_when(s) && s->step.depth == 1)
        return;
    const unsigned depth = shown_depth(s);
    print_indent(p, depth);
    print_answer(p, s->step.answer);
    print_asked(p, s);
    print_why(p, s);
    if (s->step.cond->kind == COND_FIELD)
        print_leaf(p, s, depth);
    else
        fputc('\n', p->style->to);
}

/* Of a large rule that plainly said no, the first level tells why; the nearest rule, and
 * those that did not say no, are worth reading to the end. */
static bool told_in_full(const struct printer *p, size_t at)
{
    const struct explained *x = p->of;
    const struct explain_step *s = &x->steps[at];
    size_t conditions = 0;
    for (size_t i = at + 1; i < x->nsteps && x->steps[i].step.cond; i++)
        conditions++;
    return p->style->all || conditions <= FEW || s->step.answer != ANSWER_NO ||
           s->step.rule == x->verdict.near.rule;
}

/* What a rule's `when` said: where it said no, exceptions do not matter. */
static bool when_says_no(const struct explain_step *s)
{
    return s->step.cond == &s->step.rule->when && s->step.answer == ANSWER_NO;
}

/* One rule with its conditions; returns the step behind it. */
static size_t print_whole_rule(struct printer *p, size_t at)
{
    const struct explained *x = p->of;
    const bool full = told_in_full(p, at);
    bool said_no = false;
    print_rule(p, &x->steps[at]);
    for (at++; at < x->nsteps && x->steps[at].step.cond; at++) {
        const struct explain_step *s = &x->steps[at];
        said_no = said_no || when_says_no(s);
        if (said_no && s->step.exception)
            continue;
        if (full || shown_depth(s) <= 1)
            print_condition(p, s);
        else
            p->left_out = true;
    }
    return at;
}

static void print_steps(struct printer *p, bool guards)
{
    const struct explained *x = p->of;
    size_t hidden = 0;
    fprintf(p->style->to, "\n%s\n", guards ? "guards" : "rules");
    for (size_t i = 0; i < x->nsteps;) {
        const struct explain_step *s = &x->steps[i];
        const bool shown = s->step.rule->guard == guards && (s->reached || p->style->all);
        hidden += s->step.rule->guard == guards && !shown && !s->step.cond;
        i = shown ? print_whole_rule(p, i) : i + 1;
    }
    if (hidden > 0)
        fprintf(p->style->to, "  (%zu more not looked at: it was decided; --all shows them)\n",
                hidden);
}

void explain_print(const struct explained *of, const struct explain_style *style)
{
    struct printer x = { .of = of, .style = style };
    print_verdict(&x);
    print_fields(&x);
    print_cuts(&x);
    if (of->rules->nguards > 0)
        print_steps(&x, true);
    if (of->rules->nrules > 0)
        print_steps(&x, false);
    if (x.left_out)
        fputs("\nOf large rules that said no, what is inside their groups is left out; --all shows "
              "it.\n",
              style->to);
}
