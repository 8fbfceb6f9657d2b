#include "rules/test_run.h"

#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "rules/rules_load.h"

struct event *rule_test_event(const struct rule_test *t)
{
    struct event *ev = event_new();
    for (size_t i = 0; i < t->nfields; i++) {
        const struct rule_test_field *f = &t->fields[i];
        if (f->unknown)
            event_set_unknown(ev, f->ref.field);
        else if (f->ref.field == FIELD_POINTER)
            event_set_pointer(ev, f->ref.pointer, f->value, strlen(f->value));
        else
            event_set(ev, f->ref.field, f->value, strlen(f->value));
    }
    return ev;
}

const struct rule *rule_test_owner(const struct ruleset *rs, const struct rule *beside,
                                   const struct rule_test *t)
{
    return t->of ? ruleset_find(rs, t->of) : beside;
}

const struct rule *rule_test_subject(const struct ruleset *rs, const struct rule *own,
                                     const struct rule_test *t)
{
    return t->other ? ruleset_find(rs, t->other) : own;
}

static bool has_unknown(const struct rule_test *t)
{
    for (size_t i = 0; i < t->nfields; i++)
        if (t->fields[i].unknown)
            return true;
    return false;
}

/* Kept by chance, since a limit was hit, is no pass; kept because a field is unknown may be. */
static bool kept_by(const struct verdict *v, const struct rule *r, const struct rule_test *t)
{
    if (v->rule != r)
        return false;
    if (v->kind == VERDICT_GUARD || v->kind == VERDICT_KEEP)
        return true;
    return has_unknown(t) &&
           (v->kind == VERDICT_GUARD_UNDECIDED || v->kind == VERDICT_KEEP_UNDECIDED);
}

static bool ended_with(const struct verdict *v, const struct rule *r, const struct rule_test *t)
{
    if (!r)
        return false;
    return r->then == THEN_KEEP ? kept_by(v, r, t) : v->kind == VERDICT_MARK && v->rule == r;
}

bool rule_test_run(const struct ruleset *rs, struct match_scratch *scratch, const struct rule *own,
                   const struct rule_test *t, int64_t now_ms, struct verdict *v)
{
    const struct rule *subject = rule_test_subject(rs, own, t);
    struct match_options opt = { .now_ms = now_ms, .draft = subject ? subject->name : NULL };
    if (t->now)
        clock_parse(t->now, &opt.now_ms);
    scoped(event_freep) struct event *ev = rule_test_event(t);
    match_event(rs, scratch, ev, &opt, v);
    if (t->expect == EXPECT_LOOK)
        return v->hangs_on_unknown;
    if (v->hangs_on_unknown)
        return false;
    if (t->expect == EXPECT_NO_MATCH)
        return v->kind == VERDICT_NONE;
    if (t->expect == EXPECT_KEPT)
        return v->kind == VERDICT_NONE || v->kind == VERDICT_GUARD || v->kind == VERDICT_KEEP;
    return ended_with(v, subject, t);
}

void rule_test_expected(struct buf *out, const struct rule *own, const struct rule_test *t)
{
    switch (t->expect) {
    case EXPECT_NO_MATCH:
        buf_puts(out, "no match");
        break;
    case EXPECT_KEPT:
        buf_puts(out, "kept");
        break;
    case EXPECT_LOOK:
        buf_puts(out, "a look, as an unknown field decides");
        break;
    case EXPECT_KEPT_BY:
        buf_printf(out, "kept by %s", t->other);
        break;
    case EXPECT_RULE:
        buf_printf(out, "%s", t->other);
        break;
    case EXPECT_THIS:
        buf_printf(out, "%s%s", own && own->guard ? "kept by " : "", own ? own->name : "?");
        break;
    }
}

void rule_test_got(struct buf *out, const struct verdict *v)
{
    if (v->hangs_on_unknown)
        buf_puts(out, "a look, as an unknown field decides; without it ");
    verdict_describe(out, v);
    if (v->kind != VERDICT_NONE)
        return;
    const struct near_miss *near = &v->near;
    if (near->missing)
        buf_printf(out, " (line %u)", near->missing->place.line);
    else if (near->excepted)
        buf_printf(out, " (line %u)", near->excepted->place.line);
}
