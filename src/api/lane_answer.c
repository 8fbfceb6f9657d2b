#include "api/lane_state.h"

#include <stdio.h>

#include "api/retry.h"

#define PATIENCE 8               /* failures in a row after which no single job is to blame */
#define SHRINK_FROM 3            /* failures in a row from which batches get smaller */
#define ASIDE_MS INT64_C(600000) /* how long a refused id is out of the way, at most */

/* One ended call, as the functions below hand it on. */
struct call {
    struct lane *l;
    const struct lane_step *step;
    const struct job *jobs;
    size_t count;
    const struct answer *a;
    struct lane_time now;
    const struct lane_parts *parts;
    struct job_result *results;
};

/* To be tried again. What was put aside stays aside. */
static void put_back(const struct call *c, int64_t due_at_ms)
{
    for (size_t i = 0; i < c->count; i++) {
        const struct suspect *s = lane_suspect(c->l, c->jobs[i].id);
        const bool aside = s && s->refused && s->due_at_ms > due_at_ms;
        c->results[i] = (struct job_result){
            .id = c->jobs[i].id,
            .state = JOB_PENDING,
            .reach = c->a->reach,
            .due_at_ms = aside ? s->due_at_ms : due_at_ms,
            .part = c->jobs[i].part,
            .note = c->a->words,
        };
    }
}

static int64_t new_part(const struct call *c)
{
    return c->parts->next(c->parts->ctx);
}

/* Two parts, the first of which is next, so that one bad id is reached in log2 calls.
 * Without part numbers the jobs just wait a little and are tried as they were. */
static void split(const struct call *c, bool refused)
{
    struct lane *l = c->l;
    const int64_t first = new_part(c), second = first ? new_part(c) : 0;
    put_back(c, second ? c->now.wall_ms : c->now.wall_ms + RETRY_BASE_MS);
    for (size_t i = 0; i < c->count; i++) {
        c->results[i].refused = refused;
        if (second)
            c->results[i].part = i < c->count / 2 ? first : second;
    }
    if (second && l->depth + 2 <= STACK_MAX) {
        l->stack[l->depth++] = second;
        l->stack[l->depth++] = first;
    }
}

static void on_done(const struct call *c)
{
    struct lane *l = c->l;
    struct track *t = &l->tracks[c->step->kind];
    for (size_t i = 0; i < c->count; i++) {
        c->results[i] =
            (struct job_result){ .id = c->jobs[i].id, .state = JOB_DONE, .reach = REACH_DONE };
        lane_clear(l, c->jobs[i].id);
    }
    t->failures = t->wide = 0;
    t->until_mono_ms = t->streak_job = 0;
    t->successes++;
    t->last_success_at_ms = c->now.wall_ms;
    if (c->step->kind == JOB_READ) {
        l->limit = l->cap;
        l->avoid = SOURCE_NONE;
        l->doubt = 0;
        l->clear = true;
    }
    if (l->stop == STOP_KEY || c->step->kind == JOB_READ)
        lane_start(l);
}

/* An unread is never given up, and a refused one says nothing about the marks. */
static void on_refused_unread(const struct call *c)
{
    const unsigned attempts = c->jobs[0].attempts + 1;
    put_back(c, c->now.wall_ms + retry_delay_ms(attempts, &c->l->seed));
    c->results[0].refused = true;
    c->results[0].burn = true;
}

static void on_refused_alone(const struct call *c)
{
    struct lane *l = c->l;
    const struct job *j = &c->jobs[0];
    struct job_result *r = &c->results[0];
    const struct suspect *known = lane_suspect(l, j->id);
    put_back(c, c->now.wall_ms + ASIDE_MS);
    r->refused = true;
    if (known && lane_ripe(l, known, c->now.wall_ms)) {
        r->state = JOB_FAILED;
        r->burn = true;
        lane_clear(l, j->id);
        return;
    }
    struct suspect s = {
        .job = j->id,
        .kind = JOB_READ,
        .refused = true,
        .due_at_ms = r->due_at_ms,
        .refused_at_ms = j->refused_at_ms ? j->refused_at_ms : c->now.wall_ms,
        .successes = l->tracks[JOB_READ].successes,
    };
    s.part = known && known->part && known->part == j->part ? j->part : new_part(c);
    r->part = s.part;
    if (s.part == 0) { /* no number: it cannot be put aside, only be late */
        r->part = j->part;
        s.refused = false;
    }
    /* Each id counts once between two successes. */
    const bool counted = known && known->refused && known->successes == s.successes;
    lane_suspects_put(l, &s);
    if (!counted)
        l->doubt++;
    if (l->stop != STOP_NOT && l->trial)
        lane_stop(l, l->stop, c->now);
}

static void on_refused(const struct call *c)
{
    struct lane *l = c->l;
    const bool too_large = c->a->status == 413;
    if (c->step->kind == JOB_UNREAD) {
        on_refused_unread(c);
    } else if (c->count == 1) {
        on_refused_alone(c);
    } else {
        if (too_large && l->cap > c->count / 2)
            l->cap = c->count / 2;
        if (l->limit > l->cap)
            l->limit = l->cap;
        split(c, !too_large);
    }
}

/* Did others succeed since a job of this call first failed? */
static bool others_fared_better(const struct call *c)
{
    const struct track *t = &c->l->tracks[c->step->kind];
    if (c->count == 1) {
        const struct suspect *s = lane_suspect(c->l, c->jobs[0].id);
        return s && t->successes > s->successes;
    }
    for (size_t i = 0; i < c->count; i++)
        if (c->jobs[i].reached_at_ms > 0 && t->last_success_at_ms > c->jobs[i].reached_at_ms)
            return true;
    return false;
}

/* The job is to blame: it waits by itself, and is given up in the end. */
static void blame(const struct call *c)
{
    struct lane *l = c->l;
    const struct job *j = &c->jobs[0];
    struct job_result *r = &c->results[0];
    const unsigned attempts = j->attempts + 1;
    const struct suspect *known = lane_suspect(l, j->id);
    put_back(c, 0);
    r->due_at_ms = c->now.wall_ms + retry_delay_ms(attempts, &l->seed);
    r->burn = true;
    const bool enough = l->cfg.give_up_ms > 0 && retry_spent_ms(attempts) >= l->cfg.give_up_ms;
    if (enough && j->kind == JOB_READ) {
        r->state = JOB_FAILED;
        lane_clear(l, j->id);
        return;
    }
    struct suspect s = {
        .job = j->id,
        .kind = j->kind,
        .successes = l->tracks[j->kind].successes,
    };
    if (j->kind == JOB_READ)
        s.part = known && known->part && known->part == j->part ? j->part : new_part(c);
    r->part = s.part;
    lane_suspects_put(l, &s);
}

/* The service is to blame, or nobody knows: everything waits. */
static void back_off(const struct call *c)
{
    struct lane *l = c->l;
    struct track *t = &l->tracks[c->step->kind];
    t->wide++;
    const int64_t wait = retry_delay_ms(t->wide, &l->seed);
    t->until_mono_ms = c->now.mono_ms + wait;
    put_back(c, c->now.wall_ms + wait);
    const bool known_wide = c->a->reach == REACH_NO;
    if (c->count > 1 || known_wide)
        t->streak_job = 0;
    else if (t->failures == 1)
        t->streak_job = c->jobs[0].id;
    else if (t->streak_job != c->jobs[0].id)
        t->streak_job = 0;

    /* The smallest part is next: one that failed goes to the end of the line. */
    const int64_t part = c->step->part && !known_wide ? new_part(c) : 0;
    for (size_t i = 0; part && i < c->count; i++)
        c->results[i].part = part;
    const struct suspect *known = lane_suspect(l, c->jobs[0].id);
    if (c->count == 1 && !known_wide) {
        struct suspect s = { .job = c->jobs[0].id, .kind = c->step->kind };
        if (known)
            s = *known;
        if (part)
            s.part = part;
        s.successes = t->successes;
        lane_suspects_put(l, &s);
    }
    if (c->step->kind == JOB_READ && t->failures >= SHRINK_FROM && c->count > 1)
        l->limit = c->count / 2;
}

static void on_again(const struct call *c)
{
    struct lane *l = c->l;
    struct track *t = &l->tracks[c->step->kind];
    t->failures++;
    if (c->step->kind == JOB_READ)
        l->avoid = c->step->part ? SOURCE_PART : SOURCE_LOOSE;
    const bool one_job =
        c->a->reach == REACH_UNKNOWN && t->failures <= PATIENCE && others_fared_better(c);
    if (!one_job) {
        back_off(c);
    } else {
        if (c->count == 1)
            blame(c);
        else
            split(c, false);
        /* The first failure after a success costs the others nothing; more of them in a
         * row are slowed down, should it be the service after all. */
        t->streak_job = 0;
        if (t->failures > 1)
            t->until_mono_ms = c->now.mono_ms + retry_delay_ms(1, &l->seed);
    }
    if (l->stop == STOP_REFUSED && l->trial && c->step->kind == JOB_READ)
        lane_stop(l, STOP_REFUSED, c->now);
}

void lane_answer(struct lane *l, const struct lane_step *step, const struct job *jobs, size_t count,
                 const struct answer *a, struct lane_time now, const struct lane_parts *parts,
                 struct job_result *results)
{
    const struct call c = { l, step, jobs, count, a, now, parts, results };
    lane_note_time(l, now);
    l->in_flight--;
    if (a->words[0])
        snprintf(l->words, sizeof(l->words), "%s", a->words);
    for (size_t i = 0; i < count; i++) {
        struct suspect *s = lane_suspect(l, jobs[i].id);
        if (s)
            s->asking = false;
    }
    if (step->kind == JOB_READ && a->kind != ANSWER_DONE && a->kind != ANSWER_REFUSED)
        l->clear = false;
    /* Whatever else is wrong, the key is accepted. */
    if (l->stop == STOP_KEY && (a->kind == ANSWER_REFUSED || a->kind == ANSWER_AGAIN))
        lane_start(l);
    switch (a->kind) {
    case ANSWER_DONE:
        on_done(&c);
        break;
    case ANSWER_REFUSED:
        on_refused(&c);
        break;
    case ANSWER_STOP:
        put_back(&c, now.wall_ms);
        lane_stop(l, STOP_KEY, now);
        break;
    case ANSWER_LIMITED:
        put_back(&c, now.wall_ms);
        break;
    case ANSWER_AGAIN:
        on_again(&c);
        break;
    }
}

void lane_probed(struct lane *l, const struct answer *a, struct lane_time now)
{
    lane_note_time(l, now);
    l->in_flight--;
    const bool key_refused = a->status == 401 || a->status == 403;
    const bool down = a->status == 0 || a->status >= 500;
    if (l->stop == STOP_NOT)
        return;
    if (!key_refused && !down) {
        l->trial = true;
        return;
    }
    snprintf(l->words, sizeof(l->words), "%s", a->words);
    l->probes++;
    lane_probe_later(l, now);
}
