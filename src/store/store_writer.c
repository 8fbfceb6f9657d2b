#include "store/store_writer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/recorder.h"
#include "store/upkeep.h"

#define BATCH_MAX 1000                       /* pieces of work in one transaction */
#define WAITING_MAX_BYTES ((size_t)32 << 20) /* of submissions' text */
#define SUBMISSION_MAX_BYTES ((size_t)256 << 10)
#define RECOVER_ROWS 200
#define CLOCK_BACK_MS 1000 /* a wall clock that steps back this far is repaired */

/* A submission (owned copy, answered by fn) or a call (run for a thread that waits). */
struct work {
    struct work *next;
    struct submission *submission;
    struct recording *recording; /* of the submission, or NULL */
    size_t bytes;
    store_answer_fn answer;
    void *ctx;
    struct receipt receipt;
    writer_fn run;
    void *arg;
    int rc;
    struct error err;
    bool done; /* guarded by writer.lock */
};

struct work_list {
    struct work *first, **end;
};

struct writer {
    struct writer_config cfg;
    pthread_t thread;

    pthread_mutex_t lock;    /* guards all up to the next comment */
    pthread_cond_t arrived;  /* work, or stopping */
    pthread_cond_t answered; /* some call is done */
    struct work_list queue;
    size_t waiting, waiting_bytes;
    size_t recording_bytes; /* of recordings anywhere on their way */
    bool stopping;
    struct store_stats stats; /* late_unread_ms is a due time in here */
    void (*on_jobs)(void *ctx);
    void *on_jobs_ctx;

    /* The writer thread's own */
    struct engine *engine;
    struct caps *caps;
    struct upkeep upkeep;
    struct recorder recorder;
    int64_t last_wall_ms;
};

/* ---- lists of work ------------------------------------------------------------------ */

static void list_init(struct work_list *l)
{
    l->first = NULL;
    l->end = &l->first;
}

static void list_add(struct work_list *l, struct work *w)
{
    w->next = NULL;
    *l->end = w;
    l->end = &w->next;
}

static struct work *list_pop(struct work_list *l)
{
    struct work *w = l->first;
    if (!w)
        return NULL;
    l->first = w->next;
    if (!l->first)
        l->end = &l->first;
    return w;
}

/* ---- copies of submissions ---------------------------------------------------------- */

static size_t length(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

static const char *put(char **at, const char *s)
{
    if (!s)
        return NULL;
    const size_t len = strlen(s) + 1;
    char *copy = *at;
    memcpy(copy, s, len);
    *at += len;
    return copy;
}

static size_t submission_bytes(const struct submission *s)
{
    return sizeof(*s) + length(s->workspace) + length(s->conversation) + length(s->message) +
           length(s->event) + length(s->dedupe) + length(s->from) + length(s->subject) +
           length(s->rule) + length(s->reason) + length(s->detail);
}

/* One block: the struct, then its strings. */
static struct submission *submission_copy(const struct submission *s, size_t bytes)
{
    struct submission *copy = xmalloc(bytes);
    char *at = (char *)(copy + 1);
    *copy = *s;
    copy->workspace = put(&at, s->workspace);
    copy->conversation = put(&at, s->conversation);
    copy->message = put(&at, s->message);
    copy->event = put(&at, s->event);
    copy->dedupe = put(&at, s->dedupe);
    copy->from = put(&at, s->from);
    copy->subject = put(&at, s->subject);
    copy->rule = put(&at, s->rule);
    copy->reason = put(&at, s->reason);
    copy->detail = put(&at, s->detail);
    copy->record = NULL; /* goes its own way */
    return copy;
}

static void work_free(struct work *k)
{
    recording_free(k->recording);
    free(k->submission);
    free(k);
}

/* ---- giving work to the writer ------------------------------------------------------ */

/* With the lock held. */
static int refuse_when_broken(struct writer *w, struct error *err)
{
    if (w->stats.broken)
        return error_set(err, ERR_FATAL, "the store is broken: %s", w->stats.words);
    if (w->stopping)
        return error_set(err, ERR_FATAL, "the store is closing");
    return 0;
}

/* With the lock held. */
static int refuse_submission(struct writer *w, size_t bytes, struct error *err)
{
    if (refuse_when_broken(w, err) < 0)
        return -1;
    if (w->stats.disk_low)
        return error_set(err, ERR_AGAIN, "the store's disk is nearly full");
    if (w->waiting >= w->cfg.waiting_max || w->waiting_bytes + bytes > WAITING_MAX_BYTES)
        return error_set(err, ERR_AGAIN, "too many events wait to be stored");
    return 0;
}

/* With the lock held. An event is never refused for what would be recorded of it. */
static void admit_recording(struct writer *w, struct work *k, struct recording *rec)
{
    if (!rec)
        return;
    const size_t bytes = recording_bytes(rec);
    if (w->recording_bytes + bytes > RECORDER_BYTES_MAX) {
        w->stats.not_recorded++;
        recording_free(rec);
        return;
    }
    w->recording_bytes += bytes;
    k->recording = rec;
}

static void enqueue(struct writer *w, struct work *k)
{
    list_add(&w->queue, k);
    pthread_cond_signal(&w->arrived);
}

static int check_submission(const struct submission *s, size_t bytes, struct error *err)
{
    if (!s->workspace || !s->conversation || !s->conversation[0] || !s->dedupe || !s->dedupe[0])
        return error_set(err, ERR_INPUT, "an event without workspace, conversation or dedupe key");
    if (bytes > SUBMISSION_MAX_BYTES)
        return error_set(err, ERR_INPUT, "an event's record of %zu bytes is too large", bytes);
    return 0;
}

int writer_submit(struct writer *w, const struct submission *s, store_answer_fn fn, void *ctx,
                  struct error *err)
{
    const size_t bytes = submission_bytes(s);
    if (check_submission(s, bytes, err) < 0)
        return -1;
    struct work *k = xcalloc(1, sizeof(*k));
    k->submission = submission_copy(s, bytes);
    k->bytes = bytes;
    k->answer = fn;
    k->ctx = ctx;
    if (s->arrived_at_ms <= 0)
        k->submission->arrived_at_ms = w->cfg.wall_ms();
    struct recording *rec = recording_new(s);

    pthread_mutex_lock(&w->lock);
    const int rc = refuse_submission(w, bytes, err);
    if (rc == 0) {
        admit_recording(w, k, rec);
        w->waiting++;
        w->waiting_bytes += bytes;
        enqueue(w, k);
    }
    pthread_mutex_unlock(&w->lock);
    if (rc < 0) {
        recording_free(rec);
        work_free(k);
    }
    return rc;
}

int writer_call(struct writer *w, writer_fn fn, void *arg, struct error *err)
{
    struct work k = { .run = fn, .arg = arg };
    pthread_mutex_lock(&w->lock);
    if (refuse_when_broken(w, err) < 0) {
        pthread_mutex_unlock(&w->lock);
        return -1;
    }
    enqueue(w, &k);
    while (!k.done)
        pthread_cond_wait(&w->answered, &w->lock);
    pthread_mutex_unlock(&w->lock);
    if (k.rc < 0 && err)
        *err = k.err;
    return k.rc;
}

/* ---- answers -----------------------------------------------------------------------------------
 */

static void count_submission(struct store_stats *s, const struct work *k)
{
    if (k->rc < 0)
        return;
    s->events++;
    switch (k->receipt.outcome) {
    case OUTCOME_QUEUED:
        s->queued++;
        break;
    case OUTCOME_PARKED:
        s->parked++;
        break;
    case OUTCOME_KEPT:
        s->kept++;
        break;
    case OUTCOME_SHADOW:
        s->shadow++;
        break;
    case OUTCOME_DUPLICATE:
        s->duplicates++;
        break;
    }
}

/* What others may see of the state, brought up to date before anybody is answered. */
static void publish(struct writer *w, const struct work_list *answered, int64_t unread_due_ms)
{
    pthread_mutex_lock(&w->lock);
    struct store_stats *s = &w->stats;
    if (!w->upkeep.broken) {
        const struct tally *t = engine_tally(w->engine);
        memcpy(s->jobs, t->jobs, sizeof(s->jobs));
        s->decisions = t->decisions;
        s->recorded = t->events;
        s->recorded_bytes = t->events_bytes;
    }
    if (unread_due_ms >= 0)
        s->late_unread_ms = unread_due_ms;
    for (const struct work *k = answered ? answered->first : NULL; k; k = k->next) {
        if (!k->submission)
            continue;
        count_submission(s, k);
        w->waiting--;
        w->waiting_bytes -= k->bytes;
    }
    s->not_recorded += w->recorder.lost;
    w->recording_bytes -= w->recorder.bytes_done;
    w->recorder.lost = w->recorder.bytes_done = 0;
    s->disk_low = w->upkeep.low;
    s->broken = w->upkeep.broken;
    snprintf(s->words, sizeof(s->words), "%s", w->upkeep.words);
    pthread_mutex_unlock(&w->lock);
}

static void answer(struct writer *w, struct work *k)
{
    if (k->submission) {
        if (k->answer)
            k->answer(k->ctx, k->rc < 0 ? NULL : &k->receipt, k->rc < 0 ? &k->err : NULL);
        work_free(k);
        return;
    }
    pthread_mutex_lock(&w->lock); /* afterwards k, on its thread's stack, is gone */
    k->done = true;
    pthread_cond_broadcast(&w->answered);
    pthread_mutex_unlock(&w->lock);
}

/* A duplicate is recorded already; one that was not stored is no event at all. */
static void pass_recordings(struct writer *w, struct work_list *done)
{
    for (struct work *k = done->first; k; k = k->next) {
        if (!k->recording)
            continue;
        if (k->rc == 0 && k->receipt.outcome != OUTCOME_DUPLICATE)
            recorder_add(&w->recorder, k->recording);
        else {
            w->recorder.bytes_done += recording_bytes(k->recording);
            recording_free(k->recording);
        }
        k->recording = NULL;
    }
}

static void answer_all(struct writer *w, struct work_list *done, int64_t unread_due_ms)
{
    pass_recordings(w, done);
    publish(w, done, unread_due_ms);
    struct work *k;
    while ((k = list_pop(done)))
        answer(w, k);
}

static void fail_all(struct work_list *l, const struct error *why)
{
    for (struct work *k = l->first; k; k = k->next) {
        k->rc = -1;
        k->err = *why;
    }
}

/* ---- one transaction ---------------------------------------------------------------- */

static int run_item(struct commit *c, struct work *k, struct error *err)
{
    if (k->submission)
        return commit_submission(c, k->submission, &k->receipt, err);
    return k->run(c, k->arg, err);
}

/* An item that cannot be stored fails alone; -1 when the whole transaction is lost. */
static int run_as_item(struct commit *c, struct work *k, struct error *err)
{
    struct error own = ERROR_INIT;
    if (engine_item(c->engine, err) < 0)
        return -1;
    k->rc = run_item(c, k, &own);
    if (k->rc == 0)
        return engine_item_keep(c->engine, err);
    if (own.kind != ERR_INPUT) {
        if (err)
            *err = own;
        return -1;
    }
    k->err = own;
    caps_forget(c->caps);
    return engine_item_undo(c->engine, err);
}

/* A clock that stepped back leaves due times far ahead. */
static int repair_clock(struct writer *w, struct commit *c, struct error *err)
{
    const bool back = c->now_ms < w->last_wall_ms - CLOCK_BACK_MS;
    w->last_wall_ms = c->now_ms;
    return back ? engine_clamp_due(c->engine, c->now_ms, err) : 0;
}

static int run_items(struct writer *w, struct commit *c, struct work_list *batch,
                     int64_t *unread_due_ms, struct error *err)
{
    if (repair_clock(w, c, err) < 0)
        return -1;
    for (struct work *k = batch->first; k; k = k->next)
        if (run_as_item(c, k, err) < 0)
            return -1;
    return engine_oldest_unread(c->engine, unread_due_ms, err);
}

static int run_transaction(struct writer *w, struct commit *c, struct work_list *batch,
                           int64_t *unread_due_ms, struct error *err)
{
    if (engine_begin(c->engine, err) < 0)
        return -1;
    if (run_items(w, c, batch, unread_due_ms, err) == 0 && engine_commit(c->engine, err) == 0)
        return 0;
    engine_rollback(c->engine);
    caps_forget(c->caps);
    return -1;
}

static void tell_of_jobs(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    void (*fn)(void *ctx) = w->on_jobs;
    void *ctx = w->on_jobs_ctx;
    pthread_mutex_unlock(&w->lock);
    if (fn)
        fn(ctx);
}

/* Stores and answers a batch. false when the disk is full: then nothing was done, and
 * the caller decides what to try again. */
static bool store_batch(struct writer *w, struct work_list *batch, struct error *why)
{
    struct commit c = { .engine = w->engine, .caps = w->caps, .now_ms = w->cfg.wall_ms() };
    int64_t unread_due_ms = -1;
    if (!batch->first)
        return true;
    if (run_transaction(w, &c, batch, &unread_due_ms, why) < 0) {
        upkeep_trouble(&w->upkeep, why);
        if (!w->upkeep.broken)
            return false;
        fail_all(batch, why);
    }
    answer_all(w, batch, w->upkeep.broken ? -1 : unread_due_ms);
    if (c.jobs_changed && !w->upkeep.broken)
        tell_of_jobs(w);
    return true;
}

static void refuse(struct writer *w, struct work_list *l, const struct error *why)
{
    fail_all(l, why);
    answer_all(w, l, -1);
}

static void split(struct work_list *batch, struct work_list *submissions, struct work_list *calls)
{
    struct work *k;
    list_init(submissions);
    list_init(calls);
    while ((k = list_pop(batch)))
        list_add(k->submission ? submissions : calls, k);
}

/* Low on space, new events are refused and everything else goes on. */
static void run_low(struct writer *w, struct work_list *batch, const struct error *why)
{
    struct work_list submissions, calls;
    struct error again = ERROR_INIT;
    split(batch, &submissions, &calls);
    refuse(w, &submissions, why);
    if (store_batch(w, &calls, &again))
        return;
    upkeep_fold(&w->upkeep, true); /* the log's space is room as well */
    if (w->upkeep.broken || !store_batch(w, &calls, &again))
        refuse(w, &calls, &again);
}

static void run_batch(struct writer *w, struct work_list *batch)
{
    struct error why = ERROR_INIT;
    upkeep_look(&w->upkeep);
    if (w->upkeep.broken)
        error_set(&why, ERR_FATAL, "the store is broken: %s", w->upkeep.words);
    else if (w->upkeep.low)
        error_set(&why, ERR_AGAIN, "the store's disk is nearly full");

    if (w->upkeep.broken)
        refuse(w, batch, &why);
    else if (w->upkeep.low || !store_batch(w, batch, &why))
        run_low(w, batch, &why);
    upkeep_worked(&w->upkeep);
}

/* ---- the thread --------------------------------------------------------------------- */

/* Waits for work or for until_ms; false when it is time to end. */
static bool take_batch(struct writer *w, int64_t until_ms, struct work_list *batch)
{
    list_init(batch);
    pthread_mutex_lock(&w->lock);
    while (!w->queue.first && !w->stopping && clock_mono_ms() < until_ms)
        cond_wait_until(&w->arrived, &w->lock, until_ms);
    for (size_t i = 0; i < BATCH_MAX && w->queue.first; i++)
        list_add(batch, list_pop(&w->queue));
    const bool go_on = batch->first || !w->stopping;
    pthread_mutex_unlock(&w->lock);
    return go_on;
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    struct work_list batch;
    while (take_batch(w, recorder_wake_at(&w->recorder, upkeep_wake_at(&w->upkeep)), &batch)) {
        const bool idle = !batch.first;
        if (!idle)
            run_batch(w, &batch);
        upkeep_between(&w->upkeep, idle);
        recorder_between(&w->recorder, &w->upkeep, idle, false);
        publish(w, NULL, -1);
    }
    recorder_between(&w->recorder, &w->upkeep, true, true);
    return NULL;
}

/* ---- beginning and end -------------------------------------------------------------- */

static int recover_once(struct writer *w, int64_t *unread_due_ms, struct error *err)
{
    struct commit c = { .engine = w->engine, .caps = w->caps, .now_ms = w->cfg.wall_ms() };
    bool more = true;
    w->last_wall_ms = c.now_ms;
    if (engine_begin(w->engine, err) < 0)
        return -1;
    int rc = engine_clamp_due(w->engine, c.now_ms, err);
    while (rc == 0 && more)
        rc = commit_recover(&c, RECOVER_ROWS, &more, err);
    if (rc == 0)
        rc = engine_oldest_unread(w->engine, unread_due_ms, err);
    if (rc == 0 && engine_commit(w->engine, err) == 0)
        return 0;
    engine_rollback(w->engine);
    return -1;
}

/* A start on a full disk has the ballast's space to recover in. */
static int recover(struct writer *w, struct error *err)
{
    struct error why = ERROR_INIT;
    int64_t unread_due_ms = 0;
    int rc = recover_once(w, &unread_due_ms, &why);
    if (rc < 0 && why.kind == ERR_AGAIN) {
        upkeep_trouble(&w->upkeep, &why);
        rc = recover_once(w, &unread_due_ms, &why);
    }
    if (rc < 0 && err)
        *err = why;
    if (rc == 0) {
        upkeep_look(&w->upkeep);
        publish(w, NULL, unread_due_ms);
    }
    return rc;
}

static void dispose(struct writer *w)
{
    recorder_done(&w->recorder);
    pthread_cond_destroy(&w->arrived);
    pthread_cond_destroy(&w->answered);
    pthread_mutex_destroy(&w->lock);
    caps_free(w->caps);
    free(w);
}

struct writer *writer_new(const struct writer_config *cfg, struct engine *e,
                          struct store_files *files, struct error *err)
{
    struct writer *w = xcalloc(1, sizeof(*w));
    w->cfg = *cfg;
    w->engine = e;
    w->caps = caps_new();
    upkeep_init(&w->upkeep, e, files, cfg->retention_ms, cfg->wall_ms);
    recorder_init(&w->recorder, e, cfg->events_rows_max, cfg->events_bytes_max, files);
    pthread_mutex_init(&w->lock, NULL);
    cond_init_mono(&w->arrived);
    pthread_cond_init(&w->answered, NULL);
    list_init(&w->queue);
    if (recover(w, err) < 0) {
        dispose(w);
        return NULL;
    }
    const int rc = pthread_create(&w->thread, NULL, writer_main, w);
    if (rc != 0) {
        error_sys(err, rc, "starting the store's writer thread");
        dispose(w);
        return NULL;
    }
    return w;
}

void writer_free(struct writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_cond_signal(&w->arrived);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    engine_close(w->engine, w->upkeep.broken);
    store_files_done(&w->upkeep.files);
    dispose(w);
}

const struct recorder *writer_recorder(const struct writer *w)
{
    return &w->recorder;
}

void writer_on_jobs(struct writer *w, void (*fn)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&w->lock);
    w->on_jobs = fn;
    w->on_jobs_ctx = ctx;
    pthread_mutex_unlock(&w->lock);
}

void writer_stats(struct writer *w, struct store_stats *out)
{
    pthread_mutex_lock(&w->lock);
    *out = w->stats;
    pthread_mutex_unlock(&w->lock);
    const int64_t due_ms = out->late_unread_ms, now_ms = w->cfg.wall_ms();
    out->late_unread_ms = due_ms > 0 && now_ms > due_ms ? now_ms - due_ms : 0;
}
