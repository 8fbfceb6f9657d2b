/* explain_json.c - an explanation for programs. */
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "cli/explain.h"
#include "rules/rules_load.h"

static const char *answer_name(enum answer a)
{
    return a == ANSWER_YES ? "yes" : a == ANSWER_NO ? "no" : "undecided";
}

static void put_place(struct json_object *o, const struct place *p)
{
    json_put_str(o, "file", p->file);
    json_put_int(o, "line", p->line);
    json_put_int(o, "col", p->col);
}

static struct json_object *rule_json(const struct rule *r)
{
    struct json_object *o = json_new_object();
    json_put_str(o, "name", r->name);
    json_put_str(o, "kind", r->guard ? "guard" : "rule");
    json_put_str(o, "state", rule_state_name(r->state));
    json_put_str(o, "then", r->then == THEN_KEEP ? "keep" : "mark-read");
    put_place(o, &r->place);
    return o;
}

static struct json_object *reason_json(const struct match_reason *r)
{
    struct json_object *o = json_new_object();
    json_put_str(o, "field", r->cond->field.name);
    if (!r->alternative)
        return o;
    json_put_str(o, "words", r->words);
    json_put_int(o, "item", (int64_t)r->item);
    json_put_int(o, "start", (int64_t)r->span.start);
    json_put_int(o, "end", (int64_t)r->span.end);
    json_put_str(o, "alternative", r->alternative->source);
    json_put_int(o, "alternative_line", r->alternative->place.line);
    return o;
}

static struct json_object *near_json(const struct near_miss *near)
{
    struct json_object *o = rule_json(near->rule);
    scoped(buf_free) struct buf words = BUF_INIT;
    near_describe(&words, near);
    json_put_int(o, "held", near->held);
    json_put_int(o, "of", near->of);
    json_put_str(o, "lacks", buf_str(&words));
    if (near->missing)
        json_put_int(o, "missing_line", near->missing->place.line);
    if (!near->missing && near->excepted)
        json_put_int(o, "excepted_line", near->excepted->place.line);
    return o;
}

static void put_verdict(struct json_object *o, const struct verdict *v)
{
    scoped(buf_free) struct buf words = BUF_INIT;
    verdict_describe(&words, v);
    json_put_str(o, "verdict", verdict_kind_name(v->kind));
    json_put_bool(o, "marked", v->kind == VERDICT_MARK);
    json_put_str(o, "sentence", buf_str(&words));
    if (v->rule)
        json_put(o, "rule", rule_json(v->rule));
    if (v->reason.cond)
        json_put(o, "reason", reason_json(&v->reason));
    if (v->shadow)
        json_put(o, "shadow", rule_json(v->shadow));
    json_put_bool(o, "hangs_on_unknown", v->hangs_on_unknown);
    if (v->limited) {
        json_put_str(o, "limited", v->limited->name);
        json_put_str(o, "limit", v->limit);
    }
    if (v->near.rule)
        json_put(o, "nearest", near_json(&v->near));
}

static struct json_object *value_json(const struct field_value *v)
{
    struct json_object *o = json_new_object();
    struct json_object *values = json_new_array();
    for (size_t i = 0; v->presence == PRESENT && i < v->count; i++)
        json_push_str(values, v->items[i].data);
    json_put_bool(o, "unknown", v->presence == UNKNOWN);
    json_put_bool(o, "cut", v->cut);
    json_put(o, "values", values);
    return o;
}

static struct json_object *fields_json(const struct event *ev)
{
    struct json_object *o = json_new_object();
    for (enum field f = 0; f < FIELD_COUNT; f++)
        if (ev->field[f].presence != ABSENT)
            json_put(o, field_name(f), value_json(&ev->field[f]));
    return o;
}

static struct json_object *cuts_json(const struct reply_text *t)
{
    struct json_object *list = json_new_array();
    for (size_t i = 0; i < t->ncuts; i++) {
        struct json_object *o = json_new_object();
        json_put_int(o, "line", t->cuts[i].line);
        json_put_str(o, "what", cut_what_name(t->cuts[i].what));
        json_put_str(o, "mark", t->cuts[i].mark);
        json_push(list, o);
    }
    return list;
}

static struct json_object *condition_json(const struct explain_step *s)
{
    static const char *const kinds[] = { "all", "any", "not", "field" };
    const struct match_step *m = &s->step;
    struct json_object *o = json_new_object();
    scoped(buf_free) struct buf words = BUF_INIT;
    cond_describe(&words, m->cond);
    json_put_int(o, "depth", m->depth);
    json_put_str(o, "kind", kinds[m->cond->kind]);
    json_put_str(o, "answer", answer_name(m->answer));
    json_put_str(o, "asks", buf_str(&words));
    json_put_bool(o, "exception", m->exception != NULL);
    if (m->exception && m->exception->because)
        json_put_str(o, "because", m->exception->because);
    json_put_int(o, "line", m->cond->place.line);
    if (s->why[0])
        json_put_str(o, "why", s->why);
    if (m->reason.cond)
        json_put(o, "reason", reason_json(&m->reason));
    return o;
}

static struct json_object *step_json(const struct explain_step *s)
{
    struct json_object *o = rule_json(s->step.rule);
    json_put_str(o, "answer", answer_name(s->step.answer));
    json_put_bool(o, "looked_at", s->reached);
    if (s->why[0])
        json_put_str(o, "why", s->why);
    return o;
}

/* Each rule with the conditions that follow it. */
static struct json_object *steps_json(const struct explained *x)
{
    struct json_object *list = json_new_array();
    struct json_object *conditions = NULL;
    for (size_t i = 0; i < x->nsteps; i++) {
        const struct explain_step *s = &x->steps[i];
        if (!s->step.cond) {
            struct json_object *o = step_json(s);
            conditions = json_new_array();
            json_put(o, "conditions", conditions);
            json_push(list, o);
        } else {
            json_push(conditions, condition_json(s));
        }
    }
    return list;
}

struct json_object *explain_json(const struct explained *x)
{
    struct json_object *o = json_new_object();
    put_verdict(o, &x->verdict);
    json_put_str(o, "rules_version", x->rules->version);
    json_put(o, "fields", fields_json(x->ev));
    json_put(o, "cuts", cuts_json(&x->ev->text));
    json_put(o, "steps", steps_json(x));
    return o;
}
