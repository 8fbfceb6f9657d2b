#include "cli/explain.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"

struct collector {
    struct explained *x;
    bool open; /* nothing has decided yet */
};

static struct explain_step *add_step(struct explained *x, const struct match_step *s)
{
    x->steps = xreallocarray(x->steps, x->nsteps + 1, sizeof(*x->steps));
    struct explain_step *to = &x->steps[x->nsteps++];
    *to = (struct explain_step){ .step = *s };
    to->step.why = NULL;
    if (s->why)
        (void)snprintf(to->why, sizeof(to->why), "%s", s->why);
    return to;
}

static void collect(void *ctx, const struct match_step *s)
{
    struct collector *c = ctx;
    const struct verdict *v = &c->x->verdict;
    if (v->rule && v->rule->guard && !s->rule->guard)
        c->open = false; /* an undecided guard lets the other guards speak, but no rule */
    /* the conditions of the rule that decides come behind it, and are reached too */
    add_step(c->x, s)->reached = c->open || s->rule == v->rule;
    if (s->rule == v->rule && v->kind != VERDICT_GUARD_UNDECIDED)
        c->open = false;
}

void explain_event(struct explained *x, const struct ruleset *rules, const struct event *ev,
                   const struct match_options *opt)
{
    struct match_scratch *scratch = match_scratch_new();
    struct collector c = { .x = x, .open = true };
    *x = (struct explained){ .rules = rules, .ev = ev };
    match_event(rules, scratch, ev, opt, &x->verdict);
    match_trace(rules, scratch, ev, opt, collect, &c);
    match_scratch_free(scratch);
}

void explained_done(struct explained *x)
{
    free(x->steps);
    *x = (struct explained){ .steps = NULL };
}
