#include "api/lane_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define PROOF_MS INT64_C(60000)   /* how old a success may be that speaks for the service */
#define BISECT_MS INT64_C(120000) /* how long ago the bisection may have begun */
#define PROBE_FIRST_MS INT64_C(5000)
#define PROBE_LAST_MS INT64_C(60000)

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

/* Comparing times of success and refusal only makes sense while the wall clock goes
 * forward. When it does not, forget the successes: that condemns nobody. */
void lane_note_time(struct lane *l, struct lane_time now)
{
    if (now.wall_ms < l->seen_wall_ms)
        l->tracks[JOB_READ].last_success_at_ms = l->tracks[JOB_UNREAD].last_success_at_ms = 0;
    l->seen_wall_ms = now.wall_ms;
}

/* ---- suspects ------------------------------------------------------------------- */

struct suspect *lane_suspect(struct lane *l, int64_t job)
{
    for (size_t i = 0; i < l->watched; i++)
        if (l->watch[i].job == job)
            return &l->watch[i];
    return NULL;
}

void lane_clear(struct lane *l, int64_t job)
{
    struct suspect *s = lane_suspect(l, job);
    if (!s)
        return;
    const size_t after = l->watched - (size_t)(s - l->watch) - 1;
    memmove(s, s + 1, after * sizeof(*s));
    l->watched--;
}

void lane_suspects_put(struct lane *l, const struct suspect *s)
{
    lane_clear(l, s->job);
    if (l->watched == WATCH_MAX)
        lane_clear(l, l->watch[0].job);
    l->watch[l->watched++] = *s;
}

bool lane_ripe(const struct lane *l, const struct suspect *s, int64_t wall_ms)
{
    const struct track *t = &l->tracks[JOB_READ];
    const bool last_of_bisection = l->clear && l->doubt <= 1 &&
                                   wall_ms - t->last_success_at_ms < PROOF_MS &&
                                   wall_ms - s->refused_at_ms < BISECT_MS;
    return s->refused && t->last_success_at_ms > s->refused_at_ms &&
           (t->successes > s->successes || last_of_bisection);
}

/* ---- stops ---------------------------------------------------------------------- */

void lane_probe_later(struct lane *l, struct lane_time now)
{
    int64_t wait = PROBE_FIRST_MS;
    for (unsigned i = 0; i < l->probes && wait < PROBE_LAST_MS; i++)
        wait *= 2;
    l->probe_mono_ms = now.mono_ms + (wait < PROBE_LAST_MS ? wait : PROBE_LAST_MS);
    l->trial = false;
}

void lane_stop(struct lane *l, enum stop why, struct lane_time now)
{
    if (l->stop == STOP_NOT) {
        l->probes = 0;
        lane_probe_later(l, now);
    } else if (l->trial) {
        l->probes++;
        lane_probe_later(l, now);
    }
    l->stop = why;
}

void lane_start(struct lane *l)
{
    l->stop = STOP_NOT;
    l->trial = false;
}

void lane_resume(struct lane *l)
{
    lane_start(l);
    l->doubt = 0;
    for (size_t k = 0; k < 2; k++)
        l->tracks[k].failures = l->tracks[k].wide = 0, l->tracks[k].until_mono_ms = 0;
}

/* ---- told by the sender ------------------------------------------------------------ */

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
            lane_clear(l, l->watch[i].job); /* cancelled, or taken by somebody */
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
