#include "api/lane.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/retry.h"
#include "base/alloc.h"

#define WATCH_MAX 64              /* jobs whose lone calls are remembered; older ones start anew */
#define STACK_MAX 32              /* parts to do next; what does not fit is found in the store */
#define DOUBTS 3                  /* lone refusals of different ids that stop the workspace */
#define PATIENCE 8                /* failures in a row after which no single job is to blame */
#define SHRINK_FROM 3             /* failures in a row from which batches get smaller */
#define ASIDE_MS INT64_C(600000)  /* how long a refused id is out of the way, at most */
#define PROOF_MS INT64_C(60000)   /* how old a success may be that speaks for the service */
#define BISECT_MS INT64_C(120000) /* how long ago the bisection may have begun */
#define PROBE_FIRST_MS INT64_C(5000)
#define PROBE_LAST_MS INT64_C(60000)

/* Calls of one kind of job. Success of one kind proves nothing about the other. */
struct track {
    unsigned failures;     /* in a row */
    unsigned wide;         /* those of them that no single job explains */
    int64_t until_mono_ms; /* back-off */
    int64_t streak_job;    /* all failures in a row were of this job alone; 0: they were not */
    uint64_t successes;
    int64_t last_success_at_ms;
};

/* A job that failed or was refused when sent alone. */
struct suspect {
    int64_t job;
    enum job_kind kind;
    bool refused;          /* put aside with a later due time; claimed by its part */
    bool asking;           /* its call is on its way */
    int64_t part;          /* holds this job and no other; 0: none */
    int64_t due_at_ms;     /* what the store has */
    int64_t refused_at_ms; /* first refusal */
    uint64_t successes;    /* of the track when it was last sent */
};

enum source { SOURCE_NONE, SOURCE_PART, SOURCE_LOOSE };
enum stop { STOP_NOT, STOP_KEY, STOP_REFUSED };

struct lane {
    struct lane_config cfg;
    uint64_t seed;
    unsigned in_flight;
    size_t cap;   /* marks per call; lowered by 413 */
    size_t limit; /* the same, lowered while calls fail */
    struct track tracks[2];
    int64_t seen_wall_ms;

    int64_t stack[STACK_MAX]; /* parts still to do, next one last */
    size_t depth;
    enum source avoid; /* the last call of this source failed: others first */

    struct suspect watch[WATCH_MAX]; /* oldest first */
    size_t watched;
    unsigned doubt; /* ids refused alone since a mark last succeeded */
    bool clear;     /* since then every answer was a success or a refusal */

    enum stop stop;
    unsigned probes; /* that led to nothing */
    int64_t probe_mono_ms;
    bool trial; /* the probe allows one call */
    char words[ANSWER_WORDS];
};

struct lane *lane_new(const struct lane_config *cfg)
{
    struct lane *l = xcalloc(1, sizeof(*l));
    l->cfg = *cfg;
    if (l->cfg.batch < 1)
        l->cfg.batch = 1;
    l->seed = cfg->seed;
    l->cap = l->limit = l->cfg.batch;
    return l;
}

void lane_free(struct lane *l)
{
    free(l);
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Comparing times of success and refusal only makes sense while the wall clock goes
 * forward. When it does not, forget the successes: that condemns nobody. */
static void note_time(struct lane *l, struct lane_time now)
{
    if (now.wall_ms < l->seen_wall_ms)
        l->tracks[JOB_READ].last_success_at_ms = l->tracks[JOB_UNREAD].last_success_at_ms = 0;
    l->seen_wall_ms = now.wall_ms;
}

/* ---- suspects ------------------------------------------------------------------- */

static struct suspect *watch_find(struct lane *l, int64_t job)
{
    for (size_t i = 0; i < l->watched; i++)
        if (l->watch[i].job == job)
            return &l->watch[i];
    return NULL;
}

static void watch_drop(struct lane *l, int64_t job)
{
    struct suspect *s = watch_find(l, job);
    if (!s)
        return;
    const size_t after = l->watched - (size_t)(s - l->watch) - 1;
    memmove(s, s + 1, after * sizeof(*s));
    l->watched--;
}

/* Puts it last; the oldest makes room. */
static void watch_put(struct lane *l, const struct suspect *s)
{
    watch_drop(l, s->job);
    if (l->watched == WATCH_MAX)
        watch_drop(l, l->watch[0].job);
    l->watch[l->watched++] = *s;
}

/* May this refused id be asked a second time, and be failed when refused again? Only if
 * another id succeeded since its first refusal: since its own last call, or else just
 * before it, with nothing but refusals since and no other id refused alone. The second
 * half is for the last id of a bisection, which has nobody left to be compared with. */
static bool ripe(const struct lane *l, const struct suspect *s, int64_t wall_ms)
{
    const struct track *t = &l->tracks[JOB_READ];
    const bool last_of_bisection = l->clear && l->doubt <= 1 &&
                                   wall_ms - t->last_success_at_ms < PROOF_MS &&
                                   wall_ms - s->refused_at_ms < BISECT_MS;
    return s->refused && t->last_success_at_ms > s->refused_at_ms &&
           (t->successes > s->successes || last_of_bisection);
}

static const struct suspect *next_ripe(const struct lane *l, bool with_new_proof, int64_t wall_ms)
{
    for (size_t i = 0; i < l->watched; i++) {
        const struct suspect *s = &l->watch[i];
        const bool new_proof = l->tracks[JOB_READ].successes > s->successes;
        if (!s->asking && ripe(l, s, wall_ms) && (new_proof || !with_new_proof))
            return s;
    }
    return NULL;
}

static const struct suspect *oldest_refused(const struct lane *l)
{
    for (size_t i = 0; i < l->watched; i++)
        if (l->watch[i].refused && !l->watch[i].asking)
            return &l->watch[i];
    return NULL;
}

/* ---- stops ---------------------------------------------------------------------- */

static void probe_later(struct lane *l, struct lane_time now)
{
    int64_t wait = PROBE_FIRST_MS;
    for (unsigned i = 0; i < l->probes && wait < PROBE_LAST_MS; i++)
        wait *= 2;
    l->probe_mono_ms = now.mono_ms + least(wait, PROBE_LAST_MS);
    l->trial = false;
}

static void stop(struct lane *l, enum stop why, struct lane_time now)
{
    if (l->stop == STOP_NOT) {
        l->probes = 0;
        probe_later(l, now);
    } else if (l->trial) {
        l->probes++;
        probe_later(l, now);
    }
    l->stop = why;
}

static void start(struct lane *l)
{
    l->stop = STOP_NOT;
    l->trial = false;
}

void lane_resume(struct lane *l)
{
    start(l);
    l->doubt = 0;
    for (size_t k = 0; k < 2; k++)
        l->tracks[k].failures = l->tracks[k].wide = 0, l->tracks[k].until_mono_ms = 0;
}

/* ---- what next ------------------------------------------------------------------ */

static struct lane_step wait_until(int64_t mono_ms)
{
    return (struct lane_step){ .what = LANE_WAIT, .until_mono_ms = mono_ms };
}

/* When something comes due or a back-off ends. What is due already and yet not sent
 * waits for an answer or for news, not for the clock. */
static struct lane_step wait_for_work(const struct lane *l, const struct lane_view *view,
                                      struct lane_time now)
{
    int64_t until = INT64_MAX;
    if (view->next_due_at_ms > now.wall_ms)
        until = now.mono_ms + (view->next_due_at_ms - now.wall_ms);
    for (size_t k = 0; k < 2; k++)
        if (l->tracks[k].until_mono_ms > now.mono_ms)
            until = least(until, l->tracks[k].until_mono_ms);
    return wait_until(until);
}

/* A back-off that one job alone has caused does not hold up others. That job itself is
 * not due before the back-off ends. */
static bool may_go(const struct track *t, size_t due, struct lane_time now)
{
    return due > 0 && (t->until_mono_ms <= now.mono_ms || t->streak_job != 0);
}

static struct lane_step send_step(enum job_kind kind, int64_t part, size_t max, int64_t at_ms)
{
    return (struct lane_step){
        .what = LANE_SEND, .kind = kind, .part = part, .max = max, .claim_at_ms = at_ms
    };
}

static struct lane_step send_suspect(const struct suspect *s, struct lane_time now)
{
    const int64_t at = s->due_at_ms > now.wall_ms ? s->due_at_ms : now.wall_ms;
    return send_step(JOB_READ, s->part, 1, at);
}

static bool pick_part(struct lane *l, const struct lane_view *view, int64_t *part)
{
    if (view->part == 0)
        l->depth = 0; /* whatever was to be done next is done, cancelled or not due */
    if (l->depth > 0)
        *part = l->stack[l->depth - 1];
    else
        *part = view->part;
    return *part != 0;
}

/* Due marks: the part that comes next, else those of no part. After a failure the other
 * way about. */
static bool pick_reads(struct lane *l, const struct lane_view *view, size_t max,
                       struct lane_time now, struct lane_step *step)
{
    if (view->read == 0 || view->no_reads)
        return false;
    int64_t part;
    const bool has_part = pick_part(l, view, &part);
    const bool has_loose = !view->no_loose;
    if (!has_part && !has_loose)
        return false;
    const bool loose = has_loose && (!has_part || l->avoid == SOURCE_PART);
    *step = send_step(JOB_READ, loose ? 0 : part, max, now.wall_ms);
    return true;
}

/* The one call after a probe: a job that was not refused yet, if there is any. */
static struct lane_step next_trial(struct lane *l, const struct lane_view *view,
                                   struct lane_time now)
{
    struct lane_step step;
    const struct suspect *s = oldest_refused(l);
    if (view->unread > 0 && l->stop == STOP_KEY)
        return send_step(JOB_UNREAD, 0, 1, now.wall_ms);
    if (pick_reads(l, view, 1, now, &step))
        return step;
    if (s && !view->no_reads)
        return send_suspect(s, now);
    return wait_for_work(l, view, now);
}

static struct lane_step next_stopped(struct lane *l, const struct lane_view *view,
                                     struct lane_time now)
{
    struct lane_step step;
    if (l->stop == STOP_REFUSED) {
        if (may_go(&l->tracks[JOB_UNREAD], view->unread, now))
            return send_step(JOB_UNREAD, 0, 1, now.wall_ms);
        /* It stopped for lack of others: here are some. */
        if (l->in_flight == 0 && l->doubt < DOUBTS && pick_reads(l, view, 1, now, &step))
            return step;
    }
    if (l->in_flight > 0)
        return wait_until(INT64_MAX);
    if (l->trial)
        return next_trial(l, view, now);
    if (l->probe_mono_ms > now.mono_ms) {
        step = wait_for_work(l, view, now);
        return wait_until(least(l->probe_mono_ms, step.until_mono_ms));
    }
    return (struct lane_step){ .what = LANE_PROBE };
}

static struct lane_step next_running(struct lane *l, const struct lane_view *view,
                                     struct lane_time now)
{
    struct lane_step step;
    if (may_go(&l->tracks[JOB_UNREAD], view->unread, now))
        return send_step(JOB_UNREAD, 0, 1, now.wall_ms);
    const struct track *t = &l->tracks[JOB_READ];
    const bool backing_off = t->until_mono_ms > now.mono_ms;
    if (view->no_reads || (backing_off && !may_go(t, view->read, now)))
        return wait_for_work(l, view, now);

    const struct suspect *s = backing_off ? NULL : next_ripe(l, true, now.wall_ms);
    if (s)
        return send_suspect(s, now);
    const bool doubtful = l->doubt >= DOUBTS;
    /* In doubt one id at a time: a second opinion must not hold a second bad id. */
    if (!doubtful && pick_reads(l, view, l->doubt > 0 ? 1 : l->limit, now, &step))
        return step;
    s = backing_off ? NULL : next_ripe(l, false, now.wall_ms);
    if (s)
        return send_suspect(s, now);
    if (l->in_flight == 0 && (doubtful || (l->doubt > 0 && oldest_refused(l)))) {
        stop(l, STOP_REFUSED, now);
        return next_stopped(l, view, now);
    }
    return wait_for_work(l, view, now);
}

struct lane_step lane_next(struct lane *l, const struct lane_view *view, struct lane_time now)
{
    note_time(l, now);
    return l->stop == STOP_NOT ? next_running(l, view, now) : next_stopped(l, view, now);
}

int64_t lane_look_mono_ms(const struct lane *l, struct lane_time now)
{
    if (l->stop == STOP_KEY) {
        if (l->in_flight > 0)
            return INT64_MAX;
        return l->trial ? now.mono_ms : l->probe_mono_ms;
    }
    int64_t at = INT64_MAX;
    for (size_t k = 0; k < 2; k++)
        at = least(at, l->tracks[k].streak_job ? now.mono_ms : l->tracks[k].until_mono_ms);
    return at;
}

void lane_nothing(struct lane *l, const struct lane_step *step, struct lane_view *view)
{
    if (step->kind == JOB_UNREAD) {
        view->unread = 0;
        return;
    }
    if (step->part == 0) {
        view->no_loose = true;
        return;
    }
    if (l->depth > 0 && l->stack[l->depth - 1] == step->part)
        l->depth--;
    if (view->part == step->part)
        view->part = 0;
    for (size_t i = 0; i < l->watched; i++) {
        if (l->watch[i].refused && !l->watch[i].asking && l->watch[i].part == step->part) {
            watch_drop(l, l->watch[i].job); /* cancelled, or taken by somebody */
            break;
        }
    }
}

void lane_sent(struct lane *l, const struct lane_step *step, size_t count)
{
    l->in_flight++;
    const bool top = l->depth > 0 && l->stack[l->depth - 1] == step->part;
    if (step->what != LANE_SEND || step->part == 0)
        return;
    if (top && count < step->max)
        l->depth--; /* that was all of the part */
    for (size_t i = 0; i < l->watched; i++)
        l->watch[i].asking = l->watch[i].asking || l->watch[i].part == step->part;
}

/* ---- what an answer means ------------------------------------------------------- */

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
        const struct suspect *s = watch_find(c->l, c->jobs[i].id);
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
        watch_drop(l, c->jobs[i].id);
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
        start(l);
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
    const struct suspect *known = watch_find(l, j->id);
    put_back(c, c->now.wall_ms + ASIDE_MS);
    r->refused = true;
    if (known && ripe(l, known, c->now.wall_ms)) {
        r->state = JOB_FAILED;
        r->burn = true;
        watch_drop(l, j->id);
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
    watch_put(l, &s);
    if (!counted)
        l->doubt++;
    if (l->stop != STOP_NOT && l->trial)
        stop(l, l->stop, c->now);
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
        const struct suspect *s = watch_find(c->l, c->jobs[0].id);
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
    const struct suspect *known = watch_find(l, j->id);
    put_back(c, 0);
    r->due_at_ms = c->now.wall_ms + retry_delay_ms(attempts, &l->seed);
    r->burn = true;
    const bool enough = l->cfg.give_up_ms > 0 && retry_spent_ms(attempts) >= l->cfg.give_up_ms;
    if (enough && j->kind == JOB_READ) {
        r->state = JOB_FAILED;
        watch_drop(l, j->id);
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
    watch_put(l, &s);
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
    const struct suspect *known = watch_find(l, c->jobs[0].id);
    if (c->count == 1 && !known_wide) {
        struct suspect s = { .job = c->jobs[0].id, .kind = c->step->kind };
        if (known)
            s = *known;
        if (part)
            s.part = part;
        s.successes = t->successes;
        watch_put(l, &s);
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
    if (l->stop != STOP_NOT && l->trial)
        stop(l, l->stop, c->now);
}

void lane_answer(struct lane *l, const struct lane_step *step, const struct job *jobs, size_t count,
                 const struct answer *a, struct lane_time now, const struct lane_parts *parts,
                 struct job_result *results)
{
    const struct call c = { l, step, jobs, count, a, now, parts, results };
    note_time(l, now);
    l->in_flight--;
    snprintf(l->words, sizeof(l->words), "%s", a->words);
    for (size_t i = 0; i < count; i++) {
        struct suspect *s = watch_find(l, jobs[i].id);
        if (s)
            s->asking = false;
    }
    if (step->kind == JOB_READ && a->kind != ANSWER_DONE && a->kind != ANSWER_REFUSED)
        l->clear = false;
    /* Whatever else is wrong, the key is accepted. */
    if (l->stop == STOP_KEY && (a->kind == ANSWER_REFUSED || a->kind == ANSWER_AGAIN))
        start(l);
    switch (a->kind) {
    case ANSWER_DONE:
        on_done(&c);
        break;
    case ANSWER_REFUSED:
        on_refused(&c);
        break;
    case ANSWER_STOP:
        put_back(&c, now.wall_ms);
        stop(l, STOP_KEY, now);
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
    note_time(l, now);
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
    probe_later(l, now);
}

void lane_status(const struct lane *l, struct lane_time now, struct lane_status *out)
{
    const struct track *read = &l->tracks[JOB_READ], *unread = &l->tracks[JOB_UNREAD];
    *out = (struct lane_status){
        .failures = read->failures > unread->failures ? read->failures : unread->failures,
        .last_success_at_ms = read->last_success_at_ms > unread->last_success_at_ms
                                  ? read->last_success_at_ms
                                  : unread->last_success_at_ms,
    };
    for (size_t k = 0; k < 2; k++) {
        const int64_t until = l->tracks[k].until_mono_ms;
        if (until > now.mono_ms && until > out->until_mono_ms) {
            out->state = LANE_BACKING_OFF;
            out->until_mono_ms = until;
        }
    }
    if (l->stop != STOP_NOT) {
        out->state = LANE_STOPPED;
        out->until_mono_ms = l->probe_mono_ms;
    }
    if (out->state != LANE_RUNNING)
        snprintf(out->words, sizeof(out->words), "%s", l->words);
}
