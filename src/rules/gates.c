#include "rules/gates.h"

#include <stddef.h>

#include "base/arena.h"
#include "rules/prefilter.h"
#include "rules/rule.h"

enum gate_kind {
    GATE_FIELD, /* the field is there, and one of the patterns, if any, may match it */
    GATE_ALL,
    GATE_ANY,
};

/* NULL is a gate that is always open. */
struct gate {
    enum gate_kind kind;
    enum field field;
    unsigned *patterns; /* numbers */
    size_t npatterns;
    const struct gate **parts;
    size_t nparts;
};

struct gates {
    const struct gate **when, **near; /* of the guards, then of the rules */
};

/* ---- making them ---- */

static const struct gate *gate_of(struct arena *a, const struct cond *c);

static struct gate *new_gate(struct arena *a, enum gate_kind kind)
{
    struct gate *g = arena_alloc(a, sizeof(*g));
    g->kind = kind;
    return g;
}

static void add_part(struct arena *a, struct gate *g, const struct gate *part)
{
    g->parts = arena_grow(a, g->parts, g->nparts, sizeof(const struct gate *));
    g->parts[g->nparts++] = part;
}

/* The test's answer is no when the field is absent. */
static bool needs_field(const struct cond *c)
{
    switch (c->test) {
    case TEST_PATTERN:
    case TEST_WHOLE:
    case TEST_IS:
    case TEST_IN:
        return true;
    case TEST_PRESENT:
    case TEST_FLAG:
        return c->wanted;
    case TEST_MAX_CHARS:
        break;
    }
    return false;
}

static const struct gate *gate_of_field(struct arena *a, const struct cond *c)
{
    if (c->field.field == FIELD_POINTER || !needs_field(c))
        return NULL;
    struct gate *g = new_gate(a, GATE_FIELD);
    g->field = c->field.field;
    for (size_t i = 0; i < c->nalternatives && c->alternatives[i].pattern; i++) {
        g->patterns = arena_grow(a, g->patterns, g->npatterns, sizeof(*g->patterns));
        g->patterns[g->npatterns++] = c->alternatives[i].number;
    }
    return g;
}

static const struct gate *gate_of_all(struct arena *a, const struct cond *c)
{
    struct gate *g = new_gate(a, GATE_ALL);
    for (size_t i = 0; i < c->nchildren; i++) {
        const struct gate *part = gate_of(a, &c->children[i]);
        if (part)
            add_part(a, g, part);
    }
    return g->nparts > 0 ? g : NULL;
}

static const struct gate *gate_of_any(struct arena *a, const struct cond *c)
{
    struct gate *g = new_gate(a, GATE_ANY);
    for (size_t i = 0; i < c->nchildren; i++) {
        const struct gate *part = gate_of(a, &c->children[i]);
        if (!part)
            return NULL;
        add_part(a, g, part);
    }
    return g;
}

static const struct gate *gate_of(struct arena *a, const struct cond *c)
{
    switch (c->kind) {
    case COND_FIELD:
        return gate_of_field(a, c);
    case COND_ALL:
        return gate_of_all(a, c);
    case COND_ANY:
        return gate_of_any(a, c);
    case COND_NOT:
        break;
    }
    return NULL;
}

bool cond_telling(const struct cond *c)
{
    switch (c->kind) {
    case COND_NOT:
        return false;
    case COND_ALL:
    case COND_ANY:
        return c->nchildren > 0;
    case COND_FIELD:
        break;
    }
    const bool negative = (c->test == TEST_PRESENT || c->test == TEST_FLAG) && !c->wanted;
    return !negative && c->test != TEST_MAX_CHARS;
}

/* False when one of the conditions that are telling may always hold. */
static bool add_telling(struct arena *a, struct gate *g, const struct cond *c)
{
    for (size_t i = 0; c->kind == COND_ALL && i < c->nchildren; i++)
        if (!add_telling(a, g, &c->children[i]))
            return false;
    if (c->kind == COND_ALL || !cond_telling(c))
        return true;
    const struct gate *part = gate_of(a, c);
    if (part)
        add_part(a, g, part);
    return part != NULL;
}

/* Any of the conditions that are telling, as the nearest miss counts them. */
static const struct gate *gate_of_near(struct arena *a, const struct cond *when)
{
    struct gate *g = new_gate(a, GATE_ANY);
    return add_telling(a, g, when) ? g : NULL;
}

static void add_rules(struct arena *a, struct gates *g, size_t at, const struct rule *list,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        g->when[at + i] = gate_of(a, &list[i].when);
        g->near[at + i] = gate_of_near(a, &list[i].when);
    }
}

struct gates *gates_new(struct arena *a, const struct ruleset *rs)
{
    struct gates *g = arena_alloc(a, sizeof(*g));
    const size_t count = rs->nguards + rs->nrules;
    g->when = arena_array(a, count, sizeof(const struct gate *));
    g->near = arena_array(a, count, sizeof(const struct gate *));
    add_rules(a, g, 0, rs->guards, rs->nguards);
    add_rules(a, g, rs->nguards, rs->rules, rs->nrules);
    return g;
}

/* ---- asking them ---- */

static bool field_may(const struct gate *g, struct prefilter_scratch *s, const struct event *ev)
{
    const struct field_value *v = &ev->field[g->field];
    if (v->presence == ABSENT || (v->presence == PRESENT && v->count == 0))
        return false;
    if (g->npatterns == 0 || v->presence == UNKNOWN || v->cut || v->count > 1)
        return true;
    for (size_t i = 0; i < g->npatterns; i++)
        if (prefilter_may_match(s, (size_t)g->field, &v->items[0], g->patterns[i]))
            return true;
    return false;
}

static bool is_open(const struct gate *g, struct prefilter_scratch *s, const struct event *ev)
{
    if (!g)
        return true;
    if (g->kind == GATE_FIELD)
        return field_may(g, s, ev);
    const bool all = g->kind == GATE_ALL;
    for (size_t i = 0; i < g->nparts; i++)
        if (is_open(g->parts[i], s, ev) != all)
            return !all;
    return all;
}

static size_t index_of(const struct ruleset *rs, const struct rule *r)
{
    return r->guard ? (size_t)(r - rs->guards) : rs->nguards + (size_t)(r - rs->rules);
}

bool gate_open(const struct ruleset *rs, const struct rule *r, struct prefilter_scratch *s,
               const struct event *ev)
{
    return !rs->gates || is_open(rs->gates->when[index_of(rs, r)], s, ev);
}

bool gate_near_open(const struct ruleset *rs, const struct rule *r, struct prefilter_scratch *s,
                    const struct event *ev)
{
    return !rs->gates || is_open(rs->gates->near[index_of(rs, r)], s, ev);
}
