#include "rules/eval.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/text.h"
#include "rules/prefilter.h"

/* ---- sets of answers ---- */

enum answer answer_of(unsigned set)
{
    return set == CAN_NO ? ANSWER_NO : set == CAN_YES ? ANSWER_YES : ANSWER_UNDECIDED;
}

static unsigned set_of(enum answer a)
{
    return a == ANSWER_NO ? CAN_NO : a == ANSWER_YES ? CAN_YES : CAN_NOT_TELL;
}

unsigned answers_not(unsigned a)
{
    return (a & CAN_NOT_TELL) | (a & CAN_NO ? CAN_YES : 0u) | (a & CAN_YES ? CAN_NO : 0u);
}

unsigned answers_and(unsigned a, unsigned b)
{
    const unsigned no = (a | b) & CAN_NO;
    const unsigned yes = a & b & CAN_YES;
    /* one could not tell, and the other does not say no */
    const bool not_tell =
        ((a & CAN_NOT_TELL) && (b & ~(unsigned)CAN_NO)) || ((b & CAN_NOT_TELL) && (a & CAN_YES));
    return no | yes | (not_tell ? CAN_NOT_TELL : 0u);
}

unsigned answers_or(unsigned a, unsigned b)
{
    return answers_not(answers_and(answers_not(a), answers_not(b)));
}

/* ---- why not ---- */

void eval_next(struct eval *e)
{
    e->why[0] = '\0';
    e->hit = false;
    e->doubtful = false;
}

static void note_why(struct eval *e, const char *why)
{
    if (!e->why[0])
        (void)snprintf(e->why, sizeof(e->why), "%s", why);
}

/* A limit or a cut comes before an unknown field: no look can help. */
static void note_doubt(struct eval *e, const char *why)
{
    if (!e->doubtful)
        e->why[0] = '\0';
    e->doubtful = true;
    note_why(e, why);
}

static void note_limit(struct eval *e)
{
    const char *limit = pattern_limit(e->scratch);
    note_doubt(e, limit);
    if (!e->spent)
        e->hit = true;
    if (strcmp(limit, "CPU budget") == 0)
        e->spent = true;
}

/* ---- one field ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\n';
}

/* The part of a text between blanks and line breaks at its ends. */
static struct match_span trimmed(const char *s, size_t len)
{
    struct match_span t = { .start = 0, .end = len };
    while (t.end > 0 && is_blank(s[t.end - 1]))
        t.end--;
    while (t.start < t.end && is_blank(s[t.start]))
        t.start++;
    return t;
}

void literal_fold(struct buf *out, const char *s, size_t len)
{
    scoped(buf_free) struct buf folded = BUF_INIT;
    text_fold_case(&folded, s, len);
    const struct match_span t = trimmed(buf_str(&folded), folded.len);
    for (size_t i = t.start; i < t.end; i++) {
        if (!is_blank(folded.data[i]))
            buf_putc(out, folded.data[i]);
        else if (!is_blank(folded.data[i - 1])) /* never the first: those are trimmed */
            buf_putc(out, ' ');
    }
}

/* What a leaf found, while its values and alternatives are gone through. */
struct finding {
    const struct alternative *alternative;
    struct match_span span;
};

static enum answer run_pattern(struct eval *e, const struct alternative *a,
                               const struct field_text *text, struct match_span within,
                               struct match_span *span)
{
    struct match_span found = { .start = 0 };
    const enum answer answer = pattern_match(a->pattern, e->scratch, text->data + within.start,
                                             within.end - within.start, &found);
    if (answer == ANSWER_UNDECIDED)
        note_limit(e);
    *span = (struct match_span){ found.start + within.start, found.end + within.start };
    return answer;
}

/* A value by JSON pointer is made anew each time, and of lists only the first value counts. */
static bool has_slot(const struct cond *c, size_t item)
{
    return c->field.field != FIELD_POINTER && item == 0;
}

static struct eval_memo *memo_of(struct eval *e, const struct pattern *p, enum field field)
{
    const uintptr_t key = ((uintptr_t)p >> 5) ^ ((uintptr_t)p >> 12) ^ ((uintptr_t)field * 7);
    return &e->memo[key % EVAL_SLOTS];
}

static enum answer find_pattern(struct eval *e, const struct cond *c, size_t item,
                                const struct alternative *a, const struct field_text *text,
                                struct match_span within, struct match_span *span)
{
    if (!has_slot(c, item))
        return run_pattern(e, a, text, within, span);
    struct eval_memo *memo = memo_of(e, a->pattern, c->field.field);
    if (memo->pattern != a->pattern || memo->field != c->field.field) {
        const enum answer answer = run_pattern(e, a, text, within, span);
        if (answer == ANSWER_UNDECIDED)
            return answer;
        *memo = (struct eval_memo){ a->pattern, c->field.field, answer, *span };
    }
    *span = memo->span;
    return memo->answer;
}

static_assert(FIELD_COUNT <= PREFILTER_SLOTS, "a slot for the first value of each field");

static bool may_match(const struct eval *e, const struct cond *c, size_t item,
                      const struct field_text *text, const struct alternative *a)
{
    if (!e->prefilter || !has_slot(c, item))
        return true;
    return prefilter_may_match(e->prefilter, (size_t)c->field.field, text, a->number);
}

static unsigned any_pattern(struct eval *e, const struct cond *c, size_t item,
                            const struct field_text *text, struct finding *f)
{
    struct match_span within = { .start = 0, .end = text->len };
    if (c->test == TEST_WHOLE)
        within = trimmed(text->data, text->len);
    unsigned any = CAN_NO;
    for (size_t i = 0; i < c->nalternatives && any != CAN_YES; i++) {
        const struct alternative *a = &c->alternatives[i];
        if (!may_match(e, c, item, text, a))
            continue; /* the answer is no */
        f->alternative = a;
        any = answers_or(any, set_of(find_pattern(e, c, item, a, text, within, &f->span)));
    }
    return any;
}

static unsigned any_literal(const struct cond *c, const struct field_text *text, struct finding *f)
{
    scoped(buf_free) struct buf folded = BUF_INIT;
    literal_fold(&folded, text->data, text->len);
    for (size_t i = 0; i < c->nalternatives; i++) {
        const struct alternative *a = &c->alternatives[i];
        if (a->literal_len != folded.len || memcmp(a->literal, buf_str(&folded), folded.len) != 0)
            continue;
        *f = (struct finding){ .alternative = a, .span = trimmed(text->data, text->len) };
        return CAN_YES;
    }
    return CAN_NO;
}

static unsigned short_enough(const struct cond *c, const struct field_text *text)
{
    const struct match_span t = trimmed(text->data, text->len);
    const size_t chars = utf8_count(text->data + t.start, t.end - t.start);
    return (int64_t)chars <= c->number ? CAN_YES : CAN_NO;
}

static unsigned flag_is(const struct cond *c, const struct field_text *text)
{
    const bool set = text->len == 4 && memcmp(text->data, "true", 4) == 0;
    return set == c->wanted ? CAN_YES : CAN_NO;
}

static unsigned test_value(struct eval *e, const struct cond *c, size_t item,
                           const struct field_text *text, struct finding *f)
{
    switch (c->test) {
    case TEST_PATTERN:
    case TEST_WHOLE:
        return any_pattern(e, c, item, text, f);
    case TEST_IS:
    case TEST_IN:
        return any_literal(c, text, f);
    case TEST_MAX_CHARS:
        return short_enough(c, text);
    case TEST_FLAG:
        return flag_is(c, text);
    case TEST_PRESENT:
        break; /* see test_present() */
    }
    return CAN_NO;
}

static void write_reason(struct match_reason *reason, const struct cond *c, size_t item,
                         const struct field_text *text, const struct finding *f)
{
    *reason = (struct match_reason){
        .cond = c, .alternative = f->alternative, .item = item, .span = f->span
    };
    const char *words = text->data + f->span.start;
    const size_t n = utf8_cut(words, f->span.end - f->span.start, sizeof(reason->words) - 1);
    if (f->alternative && n > 0)
        memcpy(reason->words, words, n); /* the rest is zero */
}

/* Any value of the field suffices. */
static unsigned test_values(struct eval *e, const struct cond *c, const struct field_value *v,
                            struct match_reason *reason)
{
    unsigned any = CAN_NO;
    for (size_t i = 0; i < v->count && any != CAN_YES; i++) {
        struct finding f = { .alternative = NULL };
        any = answers_or(any, test_value(e, c, i, &v->items[i], &f));
        if (any == CAN_YES && reason)
            write_reason(reason, c, i, &v->items[i], &f);
    }
    return any;
}

static unsigned test_present(const struct cond *c, const struct field_value *v)
{
    bool present = false;
    for (size_t i = 0; v->presence == PRESENT && i < v->count; i++)
        present = present || v->items[i].len > 0;
    return present == c->wanted ? CAN_YES : CAN_NO;
}

/* Nothing has no characters, and is no flag that is set. */
static unsigned test_absent(const struct cond *c)
{
    const bool yes = c->test == TEST_MAX_CHARS || (c->test == TEST_FLAG && !c->wanted) ||
                     (c->test == TEST_PRESENT && !c->wanted);
    return yes ? CAN_YES : CAN_NO;
}

static unsigned test_field(struct eval *e, const struct cond *c, const struct field_value *v,
                           struct match_reason *reason)
{
    if (v->presence == UNKNOWN) {
        note_why(e, WHY_UNKNOWN);
        return CAN_NO | CAN_YES;
    }
    unsigned set;
    if (v->presence == PRESENT && v->cut) {
        note_doubt(e, WHY_CUT);
        return CAN_NOT_TELL;
    }
    if (v->presence == ABSENT || v->count == 0)
        set = test_absent(c);
    else if (c->test == TEST_PRESENT)
        set = test_present(c, v);
    else
        return test_values(e, c, v, reason);
    if (set == CAN_YES && reason)
        *reason = (struct match_reason){ .cond = c };
    return set;
}

static unsigned eval_field(struct eval *e, const struct cond *c, struct match_reason *reason)
{
    if (c->field.field != FIELD_POINTER)
        return test_field(e, c, &e->ev->field[c->field.field], reason);
    scoped(field_value_done) struct field_value v = { .presence = ABSENT };
    event_pointer(e->ev, c->field.pointer, &v);
    return test_field(e, c, &v, reason);
}

/* ---- trees ---- */

static unsigned eval_all(struct eval *e, const struct cond *c, struct match_reason *reason)
{
    struct match_reason first = { .cond = NULL };
    unsigned all = CAN_YES;
    for (size_t i = 0; i < c->nchildren && all != CAN_NO; i++)
        all = answers_and(all, eval_cond(e, &c->children[i], first.cond ? NULL : &first));
    if (all == CAN_YES && reason)
        *reason = first;
    return all;
}

static unsigned eval_any(struct eval *e, const struct cond *c, struct match_reason *reason)
{
    unsigned any = CAN_NO;
    for (size_t i = 0; i < c->nchildren && any != CAN_YES; i++)
        any = answers_or(any, eval_cond(e, &c->children[i], reason));
    return any;
}

unsigned eval_cond(struct eval *e, const struct cond *c, struct match_reason *reason)
{
    switch (c->kind) {
    case COND_ALL:
        return eval_all(e, c, reason);
    case COND_ANY:
        return eval_any(e, c, reason);
    case COND_NOT:
        return answers_not(eval_cond(e, &c->children[0], NULL));
    case COND_FIELD:
        break;
    }
    return eval_field(e, c, reason);
}

/* ---- rules ---- */

bool exception_holds_now(const struct eval *e, const struct exception *x)
{
    return x->until_ms == 0 || e->now_ms < x->until_ms;
}

bool rule_active_now(const struct eval *e, const struct rule *r)
{
    return e->now_ms >= r->active_from_ms &&
           (r->active_until_ms == 0 || e->now_ms < r->active_until_ms);
}

unsigned eval_rule(struct eval *e, const struct rule *r, struct match_reason *reason)
{
    unsigned set = eval_cond(e, &r->when, reason);
    for (size_t i = 0; i < r->nexcept && set != CAN_NO; i++)
        if (exception_holds_now(e, &r->except[i]))
            set = answers_and(set, answers_not(eval_cond(e, &r->except[i].cond, NULL)));
    return set;
}
