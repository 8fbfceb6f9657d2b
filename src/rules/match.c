#include "rules/match.h"

#include <stdio.h>
#include <string.h>

#include "rules/eval.h"
#include "rules/gates.h"
#include "rules/prefilter.h"

/* Which ends are still possible, were the unknown fields known. */
enum { END_MARKED = 1, END_KEPT = 2 };

struct walk {
    const struct ruleset *rs;
    struct eval eval;
    const struct match_options *opt;
    struct verdict *out;
    bool settled;  /* the verdict is there; what follows only asks whether it hangs */
    bool ended;    /* nothing that follows can be reached, whatever is unknown */
    unsigned ends; /* END_ bits */
};

/* ---- what one rule says ---- */

/* A draft, or a rule in shadow, counts as live for its own tests. */
static enum rule_state state_now(const struct rule *r, const struct match_options *opt)
{
    if ((r->state == RULE_DRAFT || r->state == RULE_SHADOW) && opt->draft &&
        strcmp(opt->draft, r->name) == 0)
        return RULE_LIVE;
    return r->state;
}

static bool looked_at(const struct walk *w, const struct rule *r, enum rule_state state)
{
    return (state == RULE_LIVE || state == RULE_SHADOW) && rule_active_now(&w->eval, r);
}

/* Without a budget nothing is counted: see match_options. */
static bool quarantined(const struct walk *w, const struct rule *r)
{
    return w->opt->budget_ms > 0 && !r->guard && atomic_load(&r->limit_hits) >= QUARANTINE_HITS;
}

static unsigned ask(struct walk *w, struct rule *r, struct match_reason *reason)
{
    eval_next(&w->eval);
    if (quarantined(w, r)) {
        w->eval.doubtful = true;
        (void)snprintf(w->eval.why, sizeof(w->eval.why), "quarantined");
        return CAN_NOT_TELL;
    }
    if (!gate_open(w->rs, r, w->eval.prefilter, w->eval.ev))
        return CAN_NO;
    const unsigned set = eval_rule(&w->eval, r, reason);
    if (w->eval.hit && w->opt->budget_ms > 0)
        atomic_fetch_add(&r->limit_hits, 1);
    return set;
}

static void note_limited(struct walk *w, const struct rule *r, unsigned set)
{
    if (w->settled || w->out->limited || answer_of(set) != ANSWER_UNDECIDED || !w->eval.doubtful)
        return;
    w->out->limited = r;
    memcpy(w->out->limit, w->eval.why, sizeof(w->out->limit));
}

static void settle(struct walk *w, enum verdict_kind kind, const struct rule *r,
                   const struct match_reason *reason)
{
    if (w->settled)
        return;
    w->settled = true;
    w->out->kind = kind;
    w->out->rule = r;
    w->out->reason = *reason;
}

/* ---- guards ---- */

/* A guard that matches says more than one that could not tell, so all are asked. */
static void ask_guard(struct walk *w, struct rule *r, const struct rule **unsure)
{
    const enum rule_state state = state_now(r, w->opt);
    struct match_reason reason = { .cond = NULL };
    if (!looked_at(w, r, state) || state != RULE_LIVE)
        return;
    const unsigned set = ask(w, r, &reason);
    note_limited(w, r, set);
    if (set != CAN_NO)
        w->ends |= END_KEPT;
    if (!(set & CAN_NO))
        w->ended = true;
    if (set == CAN_YES)
        settle(w, VERDICT_GUARD, r, &reason);
    else if (set != CAN_NO && !*unsure)
        *unsure = r;
}

static void ask_guards(struct walk *w, const struct ruleset *rs)
{
    const struct rule *unsure = NULL;
    for (size_t i = 0; i < rs->nguards && !w->settled; i++)
        ask_guard(w, &rs->guards[i], &unsure);
    if (unsure)
        settle(w, VERDICT_GUARD_UNDECIDED, unsure, &(struct match_reason){ .cond = NULL });
}

/* ---- rules ---- */

static void ask_shadow(struct walk *w, struct rule *r)
{
    struct match_reason reason = { .cond = NULL };
    if (w->settled || ask(w, r, &reason) != CAN_YES)
        return;
    if (r->then != THEN_MARK_READ || w->out->shadow)
        return;
    w->out->shadow = r;
    w->out->shadow_reason = reason;
}

/* Undecided: passed over. */
static void ask_mark(struct walk *w, struct rule *r)
{
    struct match_reason reason = { .cond = NULL };
    const unsigned set = ask(w, r, &reason);
    note_limited(w, r, set);
    if (set & CAN_YES)
        w->ends |= END_MARKED;
    if (set == CAN_YES) {
        w->ended = true;
        settle(w, VERDICT_MARK, r, &reason);
    }
}

/* Undecided: the search ends as kept. */
static void ask_keep(struct walk *w, struct rule *r)
{
    struct match_reason reason = { .cond = NULL };
    const unsigned set = ask(w, r, &reason);
    note_limited(w, r, set);
    if (set == CAN_NO)
        return;
    w->ends |= END_KEPT;
    w->ended = w->ended || !(set & CAN_NO);
    settle(w, set == CAN_YES ? VERDICT_KEEP : VERDICT_KEEP_UNDECIDED, r, &reason);
}

static void ask_rule(struct walk *w, struct rule *r)
{
    const enum rule_state state = state_now(r, w->opt);
    if (!looked_at(w, r, state))
        return;
    if (state == RULE_SHADOW)
        ask_shadow(w, r);
    else if (r->then == THEN_KEEP)
        ask_keep(w, r);
    else
        ask_mark(w, r);
}

/* Goes on behind a settled verdict only as far as an unknown field could lead there. */
static void ask_rules(struct walk *w, const struct ruleset *rs)
{
    for (size_t i = 0; i < rs->nrules && !w->ended; i++)
        ask_rule(w, &rs->rules[i]);
    if (!w->ended)
        w->ends |= END_KEPT;
}

/* ---- the nearest miss ---- */

struct nearness {
    struct near_miss miss;
    unsigned telling; /* of those that held */
};

/* What must all hold counts one by one, however deep it is nested. */
static void count_condition(struct eval *e, const struct cond *c, struct nearness *n)
{
    for (size_t i = 0; c->kind == COND_ALL && i < c->nchildren; i++)
        count_condition(e, &c->children[i], n);
    if (c->kind == COND_ALL)
        return;
    n->miss.of++;
    if (eval_cond(e, c, NULL) == CAN_YES) {
        n->miss.held++;
        n->telling += cond_telling(c);
    } else if (!n->miss.missing) {
        n->miss.missing = c;
    }
}

static void count_exception(struct eval *e, const struct exception *x, struct nearness *n)
{
    if (!exception_holds_now(e, x))
        return;
    n->miss.of++;
    if (eval_cond(e, &x->cond, NULL) == CAN_NO)
        n->miss.held++;
    else if (!n->miss.excepted)
        n->miss.excepted = x;
}

static struct nearness nearness_of(struct eval *e, const struct rule *r)
{
    struct nearness n = { .miss = { .rule = r } };
    count_condition(e, &r->when, &n);
    for (size_t i = 0; i < r->nexcept && n.telling > 0; i++)
        count_exception(e, &r->except[i], &n);
    return n;
}

/* Fewer missing, or as few and more that held. */
static bool nearer(const struct nearness *a, const struct nearness *b)
{
    if (!b->miss.rule)
        return true;
    const unsigned a_lacks = a->miss.of - a->miss.held;
    const unsigned b_lacks = b->miss.of - b->miss.held;
    return a_lacks != b_lacks ? a_lacks < b_lacks : a->telling > b->telling;
}

static void find_nearest(struct walk *w, const struct ruleset *rs)
{
    struct nearness best = { .telling = 0 };
    for (size_t i = 0; i < rs->nrules; i++) {
        const struct rule *r = &rs->rules[i];
        const enum rule_state state = state_now(r, w->opt);
        if (!looked_at(w, r, state) || state != RULE_LIVE || r->then != THEN_MARK_READ)
            continue;
        if (!gate_near_open(w->rs, r, w->eval.prefilter, w->eval.ev))
            continue; /* nothing telling holds */
        const struct nearness n = nearness_of(&w->eval, r);
        if (n.telling > 0 && nearer(&n, &best))
            best = n;
    }
    w->out->near = best.miss;
}

/* ---- the whole ---- */

static struct walk walk_begin(const struct ruleset *rs, struct match_scratch *scratch,
                              const struct event *ev, const struct match_options *opt,
                              struct verdict *out)
{
    struct prefilter_scratch *prefilter = match_scratch_prefilter(scratch);
    prefilter_begin(prefilter, rs->prefilter);
    match_budget_start(scratch, opt->budget_ms);
    return (struct walk){
        .rs = rs,
        .eval = { .ev = ev, .scratch = scratch, .prefilter = prefilter, .now_ms = opt->now_ms },
        .opt = opt,
        .out = out
    };
}

void match_event(const struct ruleset *rs, struct match_scratch *scratch, const struct event *ev,
                 const struct match_options *opt, struct verdict *out)
{
    *out = (struct verdict){ .kind = VERDICT_NONE };
    struct walk w = walk_begin(rs, scratch, ev, opt, out);
    ask_guards(&w, rs);
    ask_rules(&w, rs);
    out->hangs_on_unknown = w.ends == (END_MARKED | END_KEPT);
    if (out->kind == VERDICT_NONE && !opt->verdict_alone)
        find_nearest(&w, rs);
}

/* ---- the trace ---- */

struct trace {
    struct walk walk;
    const struct rule *rule;
    const struct exception *exception;
    match_step_fn fn;
    void *ctx;
};

static void step(struct trace *t, const struct cond *c, unsigned depth, enum answer answer,
                 const struct match_reason *reason, const char *why)
{
    const struct match_step s = { .rule = t->rule,
                                  .cond = c,
                                  .exception = t->exception,
                                  .depth = depth,
                                  .answer = answer,
                                  .reason = *reason,
                                  .why = why };
    t->fn(t->ctx, &s);
}

static const char *why_of(const struct eval *e, unsigned set)
{
    return answer_of(set) == ANSWER_UNDECIDED ? e->why : NULL;
}

static void trace_cond(struct trace *t, const struct cond *c, unsigned depth)
{
    struct match_reason reason = { .cond = NULL };
    eval_next(&t->walk.eval);
    const unsigned set = eval_cond(&t->walk.eval, c, c->kind == COND_FIELD ? &reason : NULL);
    step(t, c, depth, answer_of(set), &reason, why_of(&t->walk.eval, set));
    for (size_t i = 0; c->kind != COND_FIELD && i < c->nchildren; i++)
        trace_cond(t, &c->children[i], depth + 1);
}

static void trace_exceptions(struct trace *t, const struct rule *r)
{
    for (size_t i = 0; i < r->nexcept; i++) {
        t->exception = &r->except[i];
        if (exception_holds_now(&t->walk.eval, t->exception))
            trace_cond(t, &t->exception->cond, 1);
        else
            step(t, &t->exception->cond, 1, ANSWER_NO, &(struct match_reason){ .cond = NULL },
                 "ran out");
    }
    t->exception = NULL;
}

static const char *why_not_looked_at(const struct walk *w, const struct rule *r)
{
    const enum rule_state state = state_now(r, w->opt);
    if (looked_at(w, r, state))
        return NULL;
    return state == RULE_OFF ? "off" : state == RULE_DRAFT ? "draft" : "not active now";
}

static void trace_rule(struct trace *t, const struct rule *r)
{
    struct match_reason reason = { .cond = NULL };
    t->rule = r;
    const char *why = why_not_looked_at(&t->walk, r);
    if (why) {
        step(t, NULL, 0, ANSWER_NO, &reason, why);
        return;
    }
    eval_next(&t->walk.eval);
    const unsigned set = eval_rule(&t->walk.eval, r, &reason);
    step(t, NULL, 0, answer_of(set), &reason, why_of(&t->walk.eval, set));
    trace_cond(t, &r->when, 1);
    trace_exceptions(t, r);
}

void match_trace(const struct ruleset *rs, struct match_scratch *scratch, const struct event *ev,
                 const struct match_options *opt, match_step_fn fn, void *ctx)
{
    struct trace t = { .walk = walk_begin(rs, scratch, ev, opt, NULL), .fn = fn, .ctx = ctx };
    for (size_t i = 0; i < rs->nguards; i++)
        trace_rule(&t, &rs->guards[i]);
    for (size_t i = 0; i < rs->nrules; i++)
        trace_rule(&t, &rs->rules[i]);
}
