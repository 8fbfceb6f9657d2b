#include "rules/learned.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"

#define CULPRITS_MAX 64 /* replacements that are tried */

/* ---- what rules ask for ------------------------------------------------------------------ */

enum asked { ASKED_NOT, ASKED_PRESENCE, ASKED_WORDS };

static bool is_ref(const struct field_ref *a, const struct field_ref *b)
{
    return a->field == b->field &&
           (a->field != FIELD_POINTER || strcmp(a->pointer, b->pointer) == 0);
}

/* Calls fn for every field condition of the set. */
typedef void cond_fn(void *ctx, const struct cond *c);

static void each_cond(const struct cond *c, cond_fn *fn, void *ctx)
{
    if (c->kind == COND_FIELD)
        fn(ctx, c);
    for (size_t i = 0; i < c->nchildren; i++)
        each_cond(&c->children[i], fn, ctx);
}

static void each_cond_of(const struct rule *list, size_t n, cond_fn *fn, void *ctx)
{
    for (size_t i = 0; i < n; i++) {
        each_cond(&list[i].when, fn, ctx);
        for (size_t k = 0; k < list[i].nexcept; k++)
            each_cond(&list[i].except[k].cond, fn, ctx);
    }
}

struct question {
    struct field_ref ref;
    enum asked answer;
};

static void take_question(void *ctx, const struct cond *c)
{
    struct question *q = ctx;
    if (!is_ref(&c->field, &q->ref))
        return;
    const enum asked here = c->test == TEST_PRESENT ? ASKED_PRESENCE : ASKED_WORDS;
    q->answer = here > q->answer ? here : q->answer;
}

static enum asked asked(const struct ruleset *rs, const struct field_ref *ref)
{
    struct question q = { .ref = *ref };
    if (ref->field == FIELD_SUBJECT || ref->field == FIELD_REPLY)
        return ASKED_WORDS;
    each_cond_of(rs->guards, rs->nguards, take_question, &q);
    each_cond_of(rs->rules, rs->nrules, take_question, &q);
    return q.answer;
}

/* ---- fields -------------------------------------------------------------------------------- */

struct making {
    const struct learned_wish *wish;
    const struct event *ev;
    struct learned *out;
    bool scrubbing;
};

static bool names_people(enum field f)
{
    switch (f) {
    case FIELD_EVENT:
    case FIELD_WORKSPACE:
    case FIELD_CAMPAIGN:
    case FIELD_CAMPAIGN_ID:
    case FIELD_TAG:
    case FIELD_TAGS:
    case FIELD_AUTO_REPLY:
    case FIELD_RECEIVED_AT:
        return false;
    default:
        return true;
    }
}

static char *value_of(const struct making *m, const struct field_ref *ref, enum asked a,
                      const struct field_text *item)
{
    struct buf b = BUF_INIT;
    buf_reserve(&b, 1);
    if (a == ASKED_PRESENCE) /* that something is there is all that matters */
        buf_puts(&b, item->len ? "..." : "");
    else if (m->scrubbing && names_people(ref->field))
        scrub_text(m->out->scrub, &b, item->data, item->len);
    else
        buf_append(&b, item->data, item->len);
    return buf_take(&b);
}

static bool has_field(const struct learned *l, const struct field_ref *ref)
{
    for (size_t i = 0; i < l->nfields; i++)
        if (is_ref(&l->fields[i].ref, ref))
            return true;
    return false;
}

static void add_field(struct making *m, const struct field_ref *ref, const struct field_value *v)
{
    struct learned *l = m->out;
    const enum asked a = asked(m->wish->rs, ref);
    if (a == ASKED_NOT || v->presence != PRESENT || has_field(l, ref))
        return;
    l->fields = xreallocarray(l->fields, l->nfields + 1, sizeof(*l->fields));
    struct learned_field *f = &l->fields[l->nfields++];
    *f = (struct learned_field){ .ref = *ref };
    const size_t n = ref->field == FIELD_TAGS ? v->count : 1; /* a test has no other lists */
    f->values = xcalloc(n, sizeof(*f->values));
    for (; f->nvalues < n; f->nvalues++)
        f->values[f->nvalues] = value_of(m, ref, a, &v->items[f->nvalues]);
}

static void add_pointer(void *ctx, const struct cond *c)
{
    struct making *m = ctx;
    if (c->field.field != FIELD_POINTER)
        return;
    scoped(field_value_done) struct field_value v = { .presence = ABSENT };
    event_pointer(m->ev, c->field.pointer, &v);
    add_field(m, &c->field, &v);
}

static void make_fields(struct making *m)
{
    for (enum field f = 0; f < FIELD_COUNT; f++) {
        const struct field_ref ref = { .field = f, .name = field_name(f) };
        const struct field_ref from = { .field = FIELD_FROM };
        if (f != FIELD_DOMAIN || !has_field(m->out, &from)) /* which gives the domain */
            add_field(m, &ref, &m->ev->field[f]);
    }
    each_cond_of(m->wish->rs->guards, m->wish->rs->nguards, add_pointer, m);
    each_cond_of(m->wish->rs->rules, m->wish->rs->nrules, add_pointer, m);
}

static void fields_done(struct learned *l)
{
    for (size_t i = 0; i < l->nfields; i++) {
        for (size_t k = 0; k < l->fields[i].nvalues; k++)
            free(l->fields[i].values[k]);
        free(l->fields[i].values);
    }
    free(l->fields);
    l->fields = NULL;
    l->nfields = 0;
}

void learned_done(struct learned *l)
{
    fields_done(l);
    scrub_free(l->scrub);
    free(l->culprits);
    *l = (struct learned){ .fields = NULL };
}

/* ---- scrubbing ------------------------------------------------------------------------------- */

static void learn_field(struct scrub *s, const struct event *ev, enum field f,
                        void (*learn)(struct scrub *s, const char *text))
{
    const char *text = event_str(ev, f);
    if (text)
        learn(s, text);
}

static struct scrub *knowing(const struct making *m, const char *keep_too)
{
    struct scrub *s = scrub_new();
    const char *from = event_str(m->ev, FIELD_FROM), *ours = event_str(m->ev, FIELD_MAILBOX);
    const char *domain = event_str(m->ev, FIELD_DOMAIN);
    for (size_t i = 0; i < m->wish->nkeep; i++)
        scrub_keep(s, m->wish->keep[i]);
    if (keep_too)
        scrub_keep(s, keep_too);
    learn_field(s, m->ev, FIELD_NAME, scrub_learn_person);
    learn_field(s, m->ev, FIELD_COMPANY, scrub_learn_company);
    if (from || domain)
        scrub_learn_address(s, SCRUB_LEAD, from ? from : domain);
    if (ours)
        scrub_learn_address(s, SCRUB_OURS, ours);
    learn_field(s, m->ev, FIELD_SIGNATURE, scrub_learn_signature);
    learn_field(s, m->ev, FIELD_REPLY, scrub_learn_text);
    learn_field(s, m->ev, FIELD_TEXT, scrub_learn_text);
    learn_field(s, m->ev, FIELD_QUOTED, scrub_learn_text);
    return s;
}

/* ---- verdicts
 * ------------------------------------------------------------------------------------ */

static void decide(const struct learned_wish *w, const struct event *ev, struct verdict *v)
{
    struct match_scratch *scratch = match_scratch_new();
    const struct match_options opt = { .now_ms = w->now_ms,
                                       .draft = w->expect ? w->expect->name : NULL };
    match_event(w->rs, scratch, ev, &opt, v);
    match_scratch_free(scratch);
}

/* The event as the test will make it. */
static void decide_test(const struct learned_wish *w, const struct learned *l, struct verdict *v)
{
    scoped(event_freep) struct event *ev = event_new();
    for (size_t i = 0; i < l->nfields; i++) {
        const struct learned_field *f = &l->fields[i];
        for (size_t k = 0; k < f->nvalues; k++) {
            const size_t len = strlen(f->values[k]);
            if (f->ref.field == FIELD_POINTER)
                event_set_pointer(ev, f->ref.pointer, f->values[k], len);
            else
                event_set(ev, f->ref.field, f->values[k], len);
        }
    }
    decide(w, ev, v);
}

static bool same_verdict(const struct verdict *a, const struct verdict *b)
{
    return a->kind == b->kind && a->rule == b->rule && a->shadow == b->shadow;
}

/* Makes the test once more with this word kept, or without scrubbing at all. */
static bool same_with(const struct making *m, bool scrubbing, const char *keep_too)
{
    struct learned trial = { .scrub = knowing(m, keep_too) };
    struct making again = *m;
    struct verdict v;
    again.out = &trial;
    again.scrubbing = scrubbing;
    make_fields(&again);
    decide_test(m->wish, &trial, &v);
    learned_done(&trial);
    return same_verdict(&v, &m->out->verdict);
}

static void find_culprits(const struct making *m)
{
    struct learned *l = m->out;
    size_t n = 0;
    const struct scrub_change *changes = scrub_changes(l->scrub, &n);
    l->incomplete = !same_with(m, false, NULL);
    l->culprits = xcalloc(n + 1, sizeof(*l->culprits));
    for (size_t i = 0; i < n && i < CULPRITS_MAX && !l->incomplete; i++)
        if (same_with(m, true, changes[i].from))
            l->culprits[l->nculprits++] = changes[i].from;
}

void learned_make(const struct learned_wish *wish, struct event *ev, struct learned *out)
{
    struct making m = { .wish = wish, .ev = ev, .out = out, .scrubbing = true };
    for (enum field f = 0; f < FIELD_COUNT; f++)
        if (ev->field[f].presence == UNKNOWN)
            ev->field[f].presence = ABSENT;
    *out = (struct learned){ .scrub = knowing(&m, NULL) };
    make_fields(&m);
    decide(wish, ev, &out->verdict);
    decide_test(wish, out, &out->scrubbed);
    out->same = same_verdict(&out->verdict, &out->scrubbed);
    if (!out->same)
        find_culprits(&m);
}

/* ---- as a test
 * -------------------------------------------------------------------------------------- */

static bool is_word(enum field f)
{
    return f == FIELD_TAG || f == FIELD_TAGS || f == FIELD_AUTO_REPLY || f == FIELD_EVENT;
}

void learned_pairs(const struct learned *l, const char *expect, struct learned_pairs *out)
{
    *out = (struct learned_pairs){ .list = xcalloc(l->nfields + 1, sizeof(*out->list)),
                                   .expect = expect };
    for (size_t i = 0; i < l->nfields; i++) {
        const struct learned_field *f = &l->fields[i];
        out->list[out->count++] = (struct yaml_pair){
            .key = f->ref.field == FIELD_POINTER ? f->ref.pointer : field_name(f->ref.field),
            .values = (const char *const *)f->values,
            .nvalues = f->nvalues,
            .list = f->ref.field == FIELD_TAGS,
            .word = is_word(f->ref.field),
        };
    }
    if (expect)
        out->list[out->count++] = (struct yaml_pair){
            .key = "expect", .values = &out->expect, .nvalues = 1, .word = true
        };
}

void learned_pairs_done(struct learned_pairs *p)
{
    free(p->list);
    *p = (struct learned_pairs){ .list = NULL };
}

static size_t values_in(const struct learned *l)
{
    size_t n = 0;
    for (size_t i = 0; i < l->nfields; i++)
        n += l->fields[i].nvalues;
    return n;
}

static bool holds(const struct learned *l, const struct rule_test_field *t)
{
    for (size_t i = 0; i < l->nfields; i++)
        for (size_t k = 0; k < l->fields[i].nvalues; k++)
            if (!t->unknown && is_ref(&l->fields[i].ref, &t->ref) &&
                strcmp(l->fields[i].values[k], t->value) == 0)
                return true;
    return false;
}

static bool expects(const struct rule_test *t, const struct rule *own, const struct rule *expect)
{
    if (!expect)
        return t->expect == EXPECT_KEPT;
    if (t->expect == EXPECT_THIS)
        return own == expect;
    return t->expect == EXPECT_RULE && strcmp(t->other, expect->name) == 0;
}

bool learned_is(const struct learned *l, const struct rule_test *t, const struct rule *own,
                const struct rule *expect)
{
    if (t->nfields != values_in(l) || !expects(t, own, expect))
        return false;
    for (size_t i = 0; i < t->nfields; i++)
        if (!holds(l, &t->fields[i]))
            return false;
    return true;
}
