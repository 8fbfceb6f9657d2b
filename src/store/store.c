#include "store/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/recorder.h"
#include "store/store_writer.h"

#define WAITING_MAX 4096
#define SLICE 200 /* jobs or decisions that one look at the engine returns at most */

struct store {
    struct writer *writer;
};

struct store *store_open(const struct store_config *cfg, struct error *err)
{
    struct store_files files;
    if (store_files_open(&files, cfg->url, cfg->ballast_bytes, cfg->must_exist, err) < 0)
        return NULL;
    const struct writer_config wcfg = {
        .retention_ms = cfg->retention_ms,
        .waiting_max = cfg->waiting_max ? cfg->waiting_max : WAITING_MAX,
        .events_rows_max = cfg->events_rows_max,
        .events_bytes_max = cfg->events_bytes_max,
        .wall_ms = cfg->wall_ms ? cfg->wall_ms : clock_wall_ms,
    };
    struct engine *e = engine_open(files.path, err);
    struct writer *w = e ? writer_new(&wcfg, e, &files, err) : NULL;
    if (!w) {
        engine_close(e, true);
        store_files_done(&files);
        return NULL;
    }
    struct store *st = xcalloc(1, sizeof(*st));
    st->writer = w;
    return st;
}

void store_close(struct store *st)
{
    if (!st)
        return;
    writer_free(st->writer);
    free(st);
}

int store_submit(struct store *st, const struct submission *s, store_answer_fn fn, void *ctx,
                 struct error *err)
{
    return writer_submit(st->writer, s, fn, ctx, err);
}

void store_on_jobs(struct store *st, void (*fn)(void *ctx), void *ctx)
{
    writer_on_jobs(st->writer, fn, ctx);
}

void store_stats(struct store *st, struct store_stats *out)
{
    writer_stats(st->writer, out);
}

/* ---- for the sender: each a struct of arguments, and what the writer does with it --- */

struct due_call {
    const char *workspace;
    int64_t now_ms;
    struct store_due out;
};

static int run_due(struct commit *c, void *arg, struct error *err)
{
    struct due_call *a = arg;
    return engine_due(c->engine, a->workspace, a->now_ms, &a->out, err);
}

int store_due(struct store *st, const char *workspace, int64_t now_ms, struct store_due *out,
              struct error *err)
{
    struct due_call a = { .workspace = workspace, .now_ms = now_ms };
    if (writer_call(st->writer, run_due, &a, err) < 0)
        return -1;
    *out = a.out;
    return 0;
}

struct claim_call {
    const char *workspace;
    enum job_kind kind;
    int64_t part;
    size_t max;
    int64_t now_ms;
    struct job_list out;
};

static int run_claim(struct commit *c, void *arg, struct error *err)
{
    struct claim_call *a = arg;
    job_list_done(&a->out);
    return commit_claim(c, a->workspace, a->kind, a->part, a->max, a->now_ms, &a->out, err);
}

int store_claim(struct store *st, const char *workspace, enum job_kind kind, int64_t part,
                size_t max, int64_t now_ms, struct job_list *out, struct error *err)
{
    struct claim_call a = {
        .workspace = workspace, .kind = kind, .part = part, .max = max, .now_ms = now_ms
    };
    if (writer_call(st->writer, run_claim, &a, err) < 0) {
        job_list_done(&a.out);
        return -1;
    }
    *out = a.out;
    return 0;
}

struct part_call {
    const char *workspace; /* NULL: a new part */
    int64_t now_ms;
    int64_t part;
};

static int run_part(struct commit *c, void *arg, struct error *err)
{
    struct part_call *a = arg;
    if (!a->workspace)
        return engine_next_number(c->engine, "part", &a->part, err);
    return engine_next_part(c->engine, a->workspace, a->now_ms, &a->part, err);
}

static int call_part(struct store *st, const char *workspace, int64_t now_ms, int64_t *part,
                     struct error *err)
{
    struct part_call a = { .workspace = workspace, .now_ms = now_ms };
    if (writer_call(st->writer, run_part, &a, err) < 0)
        return -1;
    *part = a.part;
    return 0;
}

int store_next_part(struct store *st, const char *workspace, int64_t now_ms, int64_t *part,
                    struct error *err)
{
    return call_part(st, workspace, now_ms, part, err);
}

int store_new_part(struct store *st, int64_t *part, struct error *err)
{
    return call_part(st, NULL, 0, part, err);
}

struct finish_call {
    const struct job_result *results;
    size_t count;
    int64_t settle_ms;
};

static int run_finish(struct commit *c, void *arg, struct error *err)
{
    const struct finish_call *a = arg;
    for (size_t i = 0; i < a->count; i++)
        if (commit_result(c, &a->results[i], a->settle_ms, err) < 0)
            return -1;
    return 0;
}

int store_finish(struct store *st, const struct job_result *results, size_t count,
                 int64_t settle_ms, struct error *err)
{
    struct finish_call a = { .results = results, .count = count, .settle_ms = settle_ms };
    return writer_call(st->writer, run_finish, &a, err);
}

/* ---- for people: long work in slices, each a transaction of its own ----------------- */

struct jobs_call {
    const struct job_filter *filter;
    size_t max;
    int64_t after_id, looked_to;
    bool end;
    struct stored_jobs found;
};

static int run_jobs(struct commit *c, void *arg, struct error *err)
{
    struct jobs_call *a = arg;
    stored_jobs_done(&a->found);
    a->looked_to = a->after_id;
    return engine_jobs(c->engine, a->filter, a->max, &a->looked_to, &a->end, &a->found, err);
}

static void take_jobs(struct job_list *to, struct stored_jobs *from)
{
    to->jobs = xreallocarray(to->jobs, to->count + from->count + 1, sizeof(*to->jobs));
    for (size_t i = 0; i < from->count; i++) {
        to->jobs[to->count++] = from->list[i].job;
        from->list[i].job = (struct job){ 0 };
    }
    stored_jobs_done(from);
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

int store_jobs(struct store *st, const struct job_filter *f, struct job_list *out,
               struct error *err)
{
    const size_t limit = f->limit ? f->limit : 1000;
    struct jobs_call a = { .filter = f, .after_id = f->after_id };
    struct job_list got = { 0 };
    while (!a.end && got.count < limit) {
        a.max = smaller(SLICE, limit - got.count);
        if (writer_call(st->writer, run_jobs, &a, err) < 0) {
            stored_jobs_done(&a.found);
            job_list_done(&got);
            return -1;
        }
        a.after_id = a.looked_to;
        take_jobs(&got, &a.found);
    }
    *out = got;
    return 0;
}

/* One slice of a change: what commit does with each job is `each`. */
struct change_call {
    struct jobs_call jobs;
    enum job_action action;
    const char *because;
    bool dry_run;
    const char *const *live; /* of store_park_orphans() */
    size_t nlive;
    size_t count, kept; /* in this slice */
    int (*each)(struct commit *c, struct change_call *a, struct stored_job *j, struct error *err);
};

static int run_change(struct commit *c, void *arg, struct error *err)
{
    struct change_call *a = arg;
    a->count = a->kept = 0;
    if (run_jobs(c, &a->jobs, err) < 0)
        return -1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a->jobs.found.count; i++)
        rc = a->each(c, a, &a->jobs.found.list[i], err);
    stored_jobs_done(&a->jobs.found);
    return rc;
}

static int change_in_slices(struct store *st, struct change_call *a, size_t *count, size_t *kept,
                            struct error *err)
{
    size_t counted = 0, spared = 0;
    a->jobs.max = SLICE;
    a->jobs.after_id = a->jobs.filter->after_id;
    while (!a->jobs.end) {
        if (writer_call(st->writer, run_change, a, err) < 0)
            return -1;
        a->jobs.after_id = a->jobs.looked_to;
        counted += a->count;
        spared += a->kept;
    }
    *count = counted;
    if (kept)
        *kept = spared;
    return 0;
}

static int change_job(struct commit *c, struct change_call *a, struct stored_job *j,
                      struct error *err)
{
    enum change what;
    if (commit_change(c, j, a->action, a->because, a->dry_run, &what, err) < 0)
        return -1;
    a->count += what == CHANGE_MADE;
    a->kept += what == CHANGE_KEPT;
    return 0;
}

int store_change(struct store *st, const struct job_filter *f, enum job_action action,
                 const char *because, bool dry_run, size_t *count, size_t *kept, struct error *err)
{
    struct change_call a = {
        .jobs.filter = f,
        .action = action,
        .because = because,
        .dry_run = dry_run,
        .each = change_job,
    };
    return change_in_slices(st, &a, count, kept, err);
}

static int park_orphan(struct commit *c, struct change_call *a, struct stored_job *j,
                       struct error *err)
{
    for (size_t i = 0; i < a->nlive; i++)
        if (j->job.rule && strcmp(j->job.rule, a->live[i]) == 0)
            return 0;
    a->count++;
    return commit_park(c, j, "rule-gone", err);
}

int store_park_orphans(struct store *st, const char *workspace, const char *const *live,
                       size_t nlive, size_t *parked, struct error *err)
{
    const struct job_filter pending = { .workspace = workspace,
                                        .state = JOB_PENDING,
                                        .kind = JOB_READ };
    struct change_call a = {
        .jobs.filter = &pending, .live = live, .nlive = nlive, .each = park_orphan
    };
    return change_in_slices(st, &a, parked, NULL, err);
}

/* ---- decisions and rules ------------------------------------------------------------ */

void decision_list_done(struct decision_list *l)
{
    for (size_t i = 0; i < l->count; i++) {
        struct decision_record *d = &l->records[i];
        char *strings[] = { d->workspace, d->conversation, d->message, d->event, d->from,
                            d->subject,   d->rule,         d->reason,  d->detail };
        for (size_t k = 0; k < ARRAY_LEN(strings); k++)
            free(strings[k]);
    }
    free(l->records);
    *l = (struct decision_list){ 0 };
}

struct decisions_call {
    const char *workspace, *conversation;
    int64_t before_id;
    size_t max;
    struct decision_list found;
};

static int run_decisions(struct commit *c, void *arg, struct error *err)
{
    struct decisions_call *a = arg;
    decision_list_done(&a->found);
    return engine_decisions(c->engine, a->workspace, a->conversation, a->before_id, a->max,
                            &a->found, err);
}

static void take_decisions(struct decision_list *to, struct decision_list *from)
{
    to->records = xreallocarray(to->records, to->count + from->count + 1, sizeof(*to->records));
    for (size_t i = 0; i < from->count; i++)
        to->records[to->count++] = from->records[i];
    free(from->records);
    *from = (struct decision_list){ 0 };
}

int store_decisions(struct store *st, const char *workspace, const char *conversation, size_t limit,
                    struct decision_list *out, struct error *err)
{
    struct decisions_call a = { .workspace = workspace, .conversation = conversation };
    struct decision_list got = { 0 };
    size_t last = SLICE;
    while (last == SLICE && got.count < limit) {
        a.max = smaller(SLICE, limit - got.count);
        if (writer_call(st->writer, run_decisions, &a, err) < 0) {
            decision_list_done(&a.found);
            decision_list_done(&got);
            return -1;
        }
        last = a.found.count;
        take_decisions(&got, &a.found);
        a.before_id = got.count > 0 ? got.records[got.count - 1].id : 0;
    }
    *out = got;
    return 0;
}

/* ---- recorded events ------------------------------------------------------------------ */

#define PAGE_BYTES ((size_t)8 << 20)
#define SLICE_BYTES ((size_t)1 << 20)

static void recorded_event_done(struct recorded_event *ev)
{
    free(ev->workspace);
    free(ev->conversation);
    free(ev->record);
}

void recorded_events_done(struct recorded_events *l)
{
    for (size_t i = 0; i < l->count; i++)
        recorded_event_done(&l->list[i]);
    free(l->list);
    *l = (struct recorded_events){ 0 };
}

struct events_call {
    const struct event_filter *filter;
    int64_t after_id;
    size_t max;
    struct recorded_events found;
};

static int run_events(struct commit *c, void *arg, struct error *err)
{
    struct events_call *a = arg;
    recorded_events_done(&a->found);
    return engine_events(c->engine, a->filter, a->after_id, a->max, SLICE_BYTES, &a->found, err);
}

static size_t take_events(struct recorded_events *to, struct recorded_events *from)
{
    size_t bytes = 0;
    to->list = xreallocarray(to->list, to->count + from->count + 1, sizeof(*to->list));
    for (size_t i = 0; i < from->count; i++) {
        bytes += from->list[i].len;
        to->list[to->count++] = from->list[i];
    }
    free(from->list);
    *from = (struct recorded_events){ 0 };
    return bytes;
}

int store_events(struct store *st, const struct event_filter *f, struct recorded_events *out,
                 struct error *err)
{
    const size_t limit = f->limit ? f->limit : 1000;
    const size_t bytes_max = f->bytes_max ? f->bytes_max : PAGE_BYTES;
    struct events_call a = { .filter = f, .after_id = f->after_id };
    struct recorded_events got = { 0 };
    size_t bytes = 0, last = 1;
    while (last > 0 && got.count < limit && bytes < bytes_max) {
        a.max = smaller(SLICE, limit - got.count);
        if (writer_call(st->writer, run_events, &a, err) < 0) {
            recorded_events_done(&a.found);
            recorded_events_done(&got);
            return -1;
        }
        last = a.found.count;
        bytes += take_events(&got, &a.found);
        a.after_id = got.count > 0 ? got.list[got.count - 1].id : a.after_id;
    }
    *out = got;
    return 0;
}

struct events_add_call {
    const struct recorded_events *events;
    const struct recorder *recorder;
    struct events_added done;
};

static int add_event(struct commit *c, struct events_add_call *a, const struct recorded_event *ev,
                     struct error *err)
{
    bool known = false;
    if (engine_event_known(c->engine, ev, &known, err) < 0)
        return -1;
    a->done.known += known;
    a->done.added += !known;
    return known ? 0 : recorder_store(a->recorder, ev, err);
}

static int run_events_add(struct commit *c, void *arg, struct error *err)
{
    struct events_add_call *a = arg;
    const size_t before = engine_tally(c->engine)->events;
    a->done = (struct events_added){ 0 };
    for (size_t i = 0; i < a->events->count; i++)
        if (add_event(c, a, &a->events->list[i], err) < 0)
            return -1;
    a->done.dropped = before + a->done.added - engine_tally(c->engine)->events;
    return 0;
}

int store_events_add(struct store *st, const struct recorded_events *events,
                     struct events_added *out, struct error *err)
{
    struct events_add_call a = { .events = events, .recorder = writer_recorder(st->writer) };
    const int rc = writer_call(st->writer, run_events_add, &a, err);
    if (rc == 0)
        *out = a.done;
    return rc;
}

struct rules_call {
    const char *workspace, *version;
    const char *save; /* NULL: load */
    char *blob;
    size_t len;
};

static int run_rules(struct commit *c, void *arg, struct error *err)
{
    struct rules_call *a = arg;
    if (a->save)
        return engine_rules_save(c->engine, a->workspace, a->version, a->save, a->len, c->now_ms,
                                 err);
    free(a->blob);
    a->blob = NULL;
    return engine_rules_load(c->engine, a->workspace, &a->blob, &a->len, err);
}

int store_rules_save(struct store *st, const char *workspace, const char *version, const char *blob,
                     size_t len, struct error *err)
{
    struct rules_call a = {
        .workspace = workspace, .version = version, .save = blob ? blob : "", .len = len
    };
    return writer_call(st->writer, run_rules, &a, err);
}

int store_rules_load(struct store *st, const char *workspace, char **blob, size_t *len,
                     struct error *err)
{
    struct rules_call a = { .workspace = workspace };
    if (writer_call(st->writer, run_rules, &a, err) < 0) {
        free(a.blob);
        return -1;
    }
    *blob = a.blob;
    *len = a.len;
    return 0;
}
