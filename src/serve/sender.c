#include "serve/sender.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/batch.h"
#include "api/lane.h"
#include "api/pace.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/store.h"

#define POLL_MS 5000       /* longest wait between two looks at the store */
#define GRACE_MS 8000      /* for calls in flight when stopping */
#define STORE_RETRY_MS 500 /* when the store could not take or give */
#define CLAIMS_MAX 200     /* empty claims in a row; more would be a mistake of ours */

/* What lanes of one key share. Counted: by lanes, and by calls in flight, since a reload
 * may take the lane elsewhere meanwhile. */
struct group {
    struct pace pace;
    unsigned refs;
};

struct line { /* a workspace */
    struct sender *sender;
    char *workspace;
    struct lane *lane;
    struct api_target *target; /* NULL: no key */
    struct group *group;       /* NULL: no key */
    unsigned max_in_flight;
    int64_t settle_ms;
    int64_t store_again_mono_ms; /* the store failed: not before */
    bool paused;
    bool told_stopped;
};

/* What a reload wants; taken over by the sender's thread. */
struct change {
    bool wanted;
    bool paused;
    struct api_target *target;
};

struct sender {
    struct store *store;
    struct api *api;
    struct line *lines;
    size_t count;
    size_t turn; /* whose turn it is first */
    uint64_t seed;
    bool told_modified, told_store;
    pthread_t thread;
    atomic_bool stopping;

    pthread_mutex_t lock; /* guards what follows */
    struct change *changes;
    struct sender_health *health;
};

/* A call on its way. */
struct flight {
    struct line *line;
    struct group *group;
    struct lane_step step;
    struct job_list jobs;
};

static struct lane_time now(void)
{
    return (struct lane_time){ .wall_ms = clock_wall_ms(), .mono_ms = clock_mono_ms() };
}

static bool stopping(const struct sender *s)
{
    return atomic_load(&s->stopping);
}

/* ---- groups ------------------------------------------------------------------------ */

static void group_unref(struct group *g)
{
    if (g && --g->refs == 0)
        free(g);
}

static struct group *group_of(struct sender *s, const struct line *line)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct line *other = &s->lines[i];
        if (other != line && other->group && api_target_same_key(other->target, line->target)) {
            if (other->group->pace.max_in_flight > line->max_in_flight)
                other->group->pace.max_in_flight = line->max_in_flight;
            other->group->refs++;
            return other->group;
        }
    }
    struct group *g = xcalloc(1, sizeof(*g));
    pace_init(&g->pace, line->max_in_flight);
    g->refs = 1;
    return g;
}

/* Takes the target over. The same key keeps what is known of its limits. */
static void line_retarget(struct line *line, struct api_target *target)
{
    const bool same =
        line->target && target && api_target_same_key(line->target, target) && line->group;
    struct group *old = line->group;
    api_target_free(line->target);
    line->target = target;
    if (same)
        return;
    line->group = NULL;
    line->group = target ? group_of(line->sender, line) : NULL;
    group_unref(old);
}

/* ---- the store ---------------------------------------------------------------------- */

static void store_trouble(struct sender *s, const char *doing, const struct error *err)
{
    if (!s->told_store)
        log_error("sender waits for the store", LOG_STR("doing", doing), LOG_STR("why", err->msg));
    s->told_store = true;
}

static bool look(struct line *line, struct lane_time t, struct lane_view *view)
{
    struct sender *s = line->sender;
    struct error err = ERROR_INIT;
    struct store_due due;
    int64_t part = 0;
    if (store_due(s->store, line->workspace, t.wall_ms, &due, &err) < 0 ||
        (due.read > 0 && store_next_part(s->store, line->workspace, t.wall_ms, &part, &err) < 0)) {
        store_trouble(s, "looking for jobs", &err);
        line->store_again_mono_ms = t.mono_ms + STORE_RETRY_MS;
        return false;
    }
    s->told_store = false;
    *view = (struct lane_view){ .unread = due.unread,
                                .read = due.read,
                                .part = part,
                                .next_due_at_ms = due.next_due_at_ms,
                                .no_reads = line->paused };
    return true;
}

static int64_t next_part(void *ctx)
{
    struct sender *s = ctx;
    int64_t part;
    return store_new_part(s->store, &part, NULL) < 0 ? 0 : part;
}

static void nap(int64_t ms)
{
    const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };
    nanosleep(&t, NULL);
}

/* What SendKit answered must not be forgotten because the store is busy. When the store is
 * broken it is: the next start finds the jobs as being sent, outcome unknown. */
static void finish(struct flight *f, const struct job_result *results)
{
    struct sender *s = f->line->sender;
    struct error err = ERROR_INIT;
    int64_t last_mono_ms = 0;
    while (store_finish(s->store, results, f->jobs.count, f->line->settle_ms, &err) < 0) {
        store_trouble(s, "recording answers", &err);
        if (err.kind == ERR_FATAL)
            return;
        if (stopping(s) && last_mono_ms == 0)
            last_mono_ms = clock_mono_ms() + 2000;
        if (last_mono_ms != 0 && clock_mono_ms() >= last_mono_ms)
            return;
        nap(STORE_RETRY_MS);
        err = (struct error)ERROR_INIT;
    }
    s->told_store = false;
}

/* ---- answers ------------------------------------------------------------------------- */

/* One line per call. */
static void log_call(const struct flight *f, const struct answer *a)
{
    const struct job *first = &f->jobs.jobs[0];
    const bool one = f->jobs.count == 1;
    const bool done = a->kind == ANSWER_DONE;
    const struct log_field fields[] = {
        LOG_NONE,
        LOG_STR("workspace", f->line->workspace),
        LOG_STR("kind", job_kind_name(f->step.kind)),
        LOG_INT("jobs", f->jobs.count),
        LOG_INT("job", first->id),
        LOG_STR("conversation", one ? first->conversation : NULL),
        LOG_STR("rule", one ? first->rule : NULL),
        LOG_INT("attempt", first->attempts + 1),
        LOG_INT("status", a->status),
        LOG_INT("ms", a->took_ms),
        LOG_STR("answer", done ? NULL : answer_kind_name(a->kind)),
        LOG_STR("words", done ? NULL : a->words),
        { .key = NULL },
    };
    log_write(done ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, done ? "job sent" : "job not sent", fields);
}

static void log_results(struct flight *f, const struct answer *a, const struct job_result *results)
{
    struct sender *s = f->line->sender;
    for (size_t i = 0; i < f->jobs.count; i++)
        if (results[i].state == JOB_FAILED)
            log_warn("job failed", LOG_STR("workspace", f->line->workspace),
                     LOG_INT("job", results[i].id),
                     LOG_STR("conversation", f->jobs.jobs[i].conversation),
                     LOG_STR("words", a->words));
    if (a->kind == ANSWER_DONE && f->step.kind == JOB_READ && a->modified < 0 &&
        !s->told_modified) {
        log_warn("the API's answer lacks data.modified", LOG_STR("workspace", f->line->workspace));
        s->told_modified = true;
    }
}

/* Stops and their ends are said once. */
static void log_stop(struct line *line)
{
    struct lane_status st;
    lane_status(line->lane, now(), &st);
    const bool stopped = st.state == LANE_STOPPED;
    if (stopped == line->told_stopped)
        return;
    line->told_stopped = stopped;
    if (stopped)
        log_warn("sending stopped", LOG_STR("workspace", line->workspace),
                 LOG_STR("words", st.words),
                 LOG_STR("now", "every job is kept; the key is probed until the API accepts"));
    else
        log_info("sending resumed", LOG_STR("workspace", line->workspace));
}

static void flight_free(struct flight *f)
{
    group_unref(f->group);
    job_list_done(&f->jobs);
    free(f);
}

static void on_answer(void *ctx, const struct answer *a)
{
    struct flight *f = ctx;
    struct sender *s = f->line->sender;
    const struct lane_time t = now();
    const struct lane_parts parts = { next_part, s };
    pace_answered(&f->group->pace, &a->pace, a->kind == ANSWER_LIMITED, a->retry_after_ms,
                  t.mono_ms, &s->seed);
    log_call(f, a);
    struct job_result *results = xcalloc(f->jobs.count, sizeof(*results));
    lane_answer(f->line->lane, &f->step, f->jobs.jobs, f->jobs.count, a, t, &parts, results);
    log_results(f, a, results);
    finish(f, results);
    free(results);
    log_stop(f->line);
    flight_free(f);
}

static void on_probe(void *ctx, const struct answer *a)
{
    struct flight *f = ctx;
    const struct lane_time t = now();
    pace_answered(&f->group->pace, &a->pace, a->kind == ANSWER_LIMITED, a->retry_after_ms,
                  t.mono_ms, &f->line->sender->seed);
    log_info("key probed", LOG_STR("workspace", f->line->workspace), LOG_INT("status", a->status),
             LOG_INT("ms", a->took_ms), LOG_STR("words", a->words[0] ? a->words : NULL));
    lane_probed(f->line->lane, a, t);
    flight_free(f);
}

/* ---- calls --------------------------------------------------------------------------- */

/* Takes the jobs over. */
static void start_call(struct line *line, const struct lane_step *step, struct job_list *jobs)
{
    struct flight *f = xcalloc(1, sizeof(*f));
    struct request r;
    *f = (struct flight){ .line = line, .group = line->group, .step = *step };
    if (jobs)
        f->jobs = *jobs;
    f->group->refs++;
    if (step->what == LANE_PROBE)
        request_account(&r);
    else if (step->kind == JOB_UNREAD)
        request_unread(&r, &f->jobs.jobs[0]);
    else
        request_read(&r, f->jobs.jobs, f->jobs.count);
    lane_sent(line->lane, step, f->jobs.count);
    pace_sent(&f->group->pace);
    api_start(line->sender->api, line->target, &r, step->what == LANE_PROBE ? on_probe : on_answer,
              f);
    request_done(&r);
}

static void earlier(int64_t *at, int64_t than)
{
    if (than < *at)
        *at = than;
}

/* Asks the lane until it wants to wait, or a call is started (true). */
static bool try_steps(struct line *line, struct lane_view *view, struct lane_time t,
                      int64_t *until_mono_ms)
{
    struct sender *s = line->sender;
    for (int i = 0; i < CLAIMS_MAX; i++) {
        const struct lane_step step = lane_next(line->lane, view, t);
        if (step.what == LANE_WAIT) {
            earlier(until_mono_ms, step.until_mono_ms);
            return false;
        }
        if (step.what == LANE_PROBE) {
            start_call(line, &step, NULL);
            return true;
        }
        struct error err = ERROR_INIT;
        struct job_list jobs = { .jobs = NULL };
        if (store_claim(s->store, line->workspace, step.kind, step.part, step.max, step.claim_at_ms,
                        &jobs, &err) < 0) {
            store_trouble(s, "claiming jobs", &err);
            line->store_again_mono_ms = t.mono_ms + STORE_RETRY_MS;
            earlier(until_mono_ms, line->store_again_mono_ms);
            return false;
        }
        if (jobs.count > 0) {
            start_call(line, &step, &jobs);
            return true;
        }
        job_list_done(&jobs);
        lane_nothing(line->lane, &step, view);
    }
    return false;
}

/* When the line can do anything at all, as far as is known without the store. */
static int64_t line_ready_mono_ms(const struct line *line, struct lane_time t)
{
    if (!line->group)
        return INT64_MAX;
    int64_t at = pace_ready_mono_ms(&line->group->pace, t.mono_ms);
    const int64_t lane_at = lane_look_mono_ms(line->lane, t);
    at = lane_at > at ? lane_at : at;
    return line->store_again_mono_ms > at ? line->store_again_mono_ms : at;
}

/* One call at most per line and pass, those with unread jobs first, so that no workspace
 * keeps a shared key to itself. True when any was started. */
static bool dispatch_round(struct sender *s, int64_t *until_mono_ms)
{
    bool any = false;
    const struct lane_time t = now();
    const size_t first = s->turn;
    struct lane_view *views = xcalloc(s->count, sizeof(*views));
    bool *seen = xcalloc(s->count, sizeof(*seen));
    for (size_t i = 0; i < s->count; i++) {
        const int64_t at = line_ready_mono_ms(&s->lines[i], t);
        seen[i] = at <= t.mono_ms && look(&s->lines[i], t, &views[i]);
        if (!seen[i])
            earlier(until_mono_ms, at > t.mono_ms ? at : s->lines[i].store_again_mono_ms);
    }
    for (size_t n = 0; n < 2 * s->count; n++) {
        const size_t i = (first + n) % s->count;
        const bool urgent = views[i].unread > 0;
        if (!seen[i] || urgent != (n < s->count) || line_ready_mono_ms(&s->lines[i], t) > t.mono_ms)
            continue;
        if (try_steps(&s->lines[i], &views[i], t, until_mono_ms)) {
            any = true;
            s->turn = (i + 1) % s->count;
        }
    }
    free(views);
    free(seen);
    return any;
}

/* ---- the thread ---------------------------------------------------------------------- */

static void take_changes(struct sender *s)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count; i++) {
        struct change *c = &s->changes[i];
        struct line *line = &s->lines[i];
        if (!c->wanted)
            continue;
        line_retarget(line, c->target);
        line->paused = c->paused;
        lane_resume(line->lane);
        *c = (struct change){ .wanted = false };
    }
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->count; i++)
        log_stop(&s->lines[i]);
}

static void fill_health(const struct line *line, struct lane_time t, struct sender_health *h)
{
    struct lane_status st;
    lane_status(line->lane, t, &st);
    h->paused = line->paused;
    h->last_success_at_ms = st.last_success_at_ms;
    h->failures = st.failures;
    h->mode = SENDER_RUNNING;
    int64_t until = st.until_mono_ms;
    snprintf(h->words, sizeof(h->words), "%s", st.words);
    if (!line->group) {
        h->mode = SENDER_NO_KEY;
        snprintf(h->words, sizeof(h->words), "no API key");
    } else if (st.state == LANE_STOPPED) {
        h->mode = SENDER_STOPPED;
    } else if (st.state == LANE_BACKING_OFF) {
        h->mode = SENDER_BACKING_OFF;
    } else if (line->group->pace.until_mono_ms > t.mono_ms) {
        h->mode = SENDER_LIMITED;
        until = line->group->pace.until_mono_ms;
        snprintf(h->words, sizeof(h->words), "the API's rate limit is used up");
    }
    h->until_at_ms = h->mode == SENDER_RUNNING || until == 0 ? 0 : t.wall_ms + until - t.mono_ms;
}

static void publish(struct sender *s)
{
    const struct lane_time t = now();
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count; i++)
        fill_health(&s->lines[i], t, &s->health[i]);
    pthread_mutex_unlock(&s->lock);
}

static int wait_ms(int64_t until_mono_ms)
{
    const int64_t ms = until_mono_ms - clock_mono_ms();
    if (ms <= 0)
        return 0;
    return ms < POLL_MS ? (int)ms : POLL_MS;
}

static void *sender_main(void *arg)
{
    struct sender *s = arg;
    while (!stopping(s)) {
        int64_t until_mono_ms = INT64_MAX;
        take_changes(s);
        while (dispatch_round(s, &until_mono_ms) && !stopping(s))
            ;
        for (size_t i = 0; i < s->count; i++)
            log_stop(&s->lines[i]);
        publish(s);
        if (!stopping(s))
            api_run(s->api, wait_ms(until_mono_ms));
    }
    const int64_t end_mono_ms = clock_mono_ms() + GRACE_MS;
    while (api_in_flight(s->api) > 0 && clock_mono_ms() < end_mono_ms)
        api_run(s->api, wait_ms(end_mono_ms));
    api_abandon(s->api);
    return NULL;
}

/* ---- new and free -------------------------------------------------------------------- */

static int make_target(const struct sender_lane *lane, struct api_target **out, struct error *err)
{
    *out = NULL;
    if (!lane->key)
        return 0;
    const struct api_target_config cfg = { .url = lane->api_url,
                                           .key = lane->key,
                                           .workspace_id = lane->workspace_id };
    *out = api_target_new(&cfg, err);
    return *out ? 0 : error_prefix(err, "workspace %s: ", lane->workspace);
}

static int add_line(struct sender *s, const struct sender_lane *lane, struct error *err)
{
    struct api_target *target;
    if (make_target(lane, &target, err) < 0)
        return -1;
    const struct lane_config cfg = { .batch = lane->batch,
                                     .give_up_ms = lane->give_up_ms,
                                     .seed = s->seed + s->count + 1 };
    struct line *line = &s->lines[s->count];
    *line = (struct line){ .sender = s,
                           .workspace = xstrdup(lane->workspace),
                           .lane = lane_new(&cfg),
                           .max_in_flight = lane->max_in_flight ? lane->max_in_flight : 1,
                           .settle_ms = lane->settle_ms,
                           .paused = lane->paused };
    snprintf(s->health[s->count].workspace, sizeof(s->health[0].workspace), "%s", lane->workspace);
    line_retarget(line, target);
    s->count++;
    return 0;
}

static void dispose(struct sender *s)
{
    api_free(s->api);
    for (size_t i = 0; i < s->count; i++) {
        api_target_free(s->changes[i].target);
        api_target_free(s->lines[i].target);
        group_unref(s->lines[i].group);
        lane_free(s->lines[i].lane);
        free(s->lines[i].workspace);
    }
    pthread_mutex_destroy(&s->lock);
    free(s->lines);
    free(s->changes);
    free(s->health);
    free(s);
}

static int prepare(struct sender *s, const struct sender_config *cfg, struct error *err)
{
    s->api = api_new(&cfg->api, err);
    if (!s->api)
        return -1;
    for (size_t i = 0; i < cfg->count; i++)
        if (add_line(s, &cfg->lanes[i], err) < 0)
            return -1;
    publish(s);
    return 0;
}

static void on_jobs(void *ctx)
{
    sender_wake(ctx);
}

struct sender *sender_new(const struct sender_config *cfg, struct store *store, struct error *err)
{
    struct sender *s = xcalloc(1, sizeof(*s));
    *s = (struct sender){ .store = store,
                          .lines = xcalloc(cfg->count + 1, sizeof(*s->lines)),
                          .changes = xcalloc(cfg->count + 1, sizeof(*s->changes)),
                          .health = xcalloc(cfg->count + 1, sizeof(*s->health)),
                          .seed = cfg->seed ? cfg->seed : (uint64_t)clock_wall_ms() };
    pthread_mutex_init(&s->lock, NULL);
    if (prepare(s, cfg, err) < 0) {
        dispose(s);
        return NULL;
    }
    const int rc = pthread_create(&s->thread, NULL, sender_main, s);
    if (rc != 0) {
        error_sys(err, rc, "starting the sender thread");
        dispose(s);
        return NULL;
    }
    store_on_jobs(store, on_jobs, s);
    sender_wake(s); /* of what came before it listened */
    return s;
}

void sender_free(struct sender *s)
{
    if (!s)
        return;
    store_on_jobs(s->store, NULL, NULL);
    atomic_store(&s->stopping, true);
    sender_wake(s);
    pthread_join(s->thread, NULL);
    /* The writer may be about to call on_jobs() still; a call that waits for it is behind
     * that. */
    struct store_due due;
    store_due(s->store, "", 0, &due, NULL);
    dispose(s);
}

void sender_wake(struct sender *s)
{
    api_wake(s->api);
}

static struct change *change_of(struct sender *s, const char *workspace)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->lines[i].workspace, workspace) == 0)
            return &s->changes[i];
    return NULL;
}

int sender_reload(struct sender *s, const struct sender_lane *lanes, size_t count,
                  struct error *err)
{
    struct api_target **targets = xcalloc(count + 1, sizeof(*targets));
    size_t made = 0;
    while (made < count && make_target(&lanes[made], &targets[made], err) == 0)
        made++;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < made; i++) {
        struct change *c = made == count ? change_of(s, lanes[i].workspace) : NULL;
        if (c) {
            api_target_free(c->target);
            *c = (struct change){ .wanted = true, .paused = lanes[i].paused, .target = targets[i] };
        } else {
            api_target_free(targets[i]);
        }
    }
    pthread_mutex_unlock(&s->lock);
    free(targets);
    sender_wake(s);
    return made == count ? 0 : -1;
}

const char *sender_mode_name(enum sender_mode m)
{
    static const char *const names[] = { "running", "limited", "backing-off", "stopped", "no-key" };
    return names[m];
}

size_t sender_state(struct sender *s, struct sender_health *out, size_t max)
{
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->count && i < max; i++)
        out[i] = s->health[i];
    const size_t count = s->count;
    pthread_mutex_unlock(&s->lock);
    return count;
}
