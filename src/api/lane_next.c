#include "api/lane_state.h"

#define DOUBTS 3 /* lone refusals of different ids that stop the workspace */

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- suspects whose time has come ---------------------------------------------------- */

static const struct suspect *next_ripe(const struct lane *l, bool with_new_proof, int64_t wall_ms)
{
    for (size_t i = 0; i < l->watched; i++) {
        const struct suspect *s = &l->watch[i];
        const bool new_proof = l->tracks[JOB_READ].successes > s->successes;
        if (!s->asking && lane_ripe(l, s, wall_ms) && (new_proof || !with_new_proof))
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
        lane_stop(l, STOP_REFUSED, now);
        return next_stopped(l, view, now);
    }
    return wait_for_work(l, view, now);
}

struct lane_step lane_next(struct lane *l, const struct lane_view *view, struct lane_time now)
{
    lane_note_time(l, now);
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
