#include "store/recorder.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"

#define ROWS_MAX 200000
#define BYTES_MAX (INT64_C(512) << 20)
#define SLICE_MS 5
#define GATHER_MS 100 /* idle: so long, that a burst of events costs one commit */
#define BUSY_MS 500   /* between two slices while others want the writer */
#define DROP_ROWS 8

struct recording {
    struct recording *next;
    size_t bytes;
    struct recorded_event event;
};

struct recording *recording_new(const struct submission *s)
{
    if (!s->record || s->record_ms <= 0)
        return NULL;
    struct recording *r = xcalloc(1, sizeof(*r));
    r->event = (struct recorded_event){
        .arrived_at_ms = s->arrived_at_ms,
        .until_ms = s->arrived_at_ms + s->record_ms,
        .workspace = xstrdup(s->workspace),
        .conversation = xstrdup(s->conversation),
        .len = strlen(s->record),
        .record = xstrdup(s->record),
    };
    r->bytes = sizeof(*r) + r->event.len + strlen(s->workspace) + strlen(s->conversation);
    return r;
}

void recording_free(struct recording *r)
{
    if (!r)
        return;
    free(r->event.workspace);
    free(r->event.conversation);
    free(r->event.record);
    free(r);
}

size_t recording_bytes(const struct recording *r)
{
    return r ? r->bytes : 0;
}

void recorder_init(struct recorder *r, struct engine *e, int64_t rows_max, int64_t bytes_max,
                   const struct store_files *files)
{
    const int64_t share = store_files_disk_bytes(files) / 8;
    const int64_t usual = share > 0 && share < BYTES_MAX ? share : BYTES_MAX;
    *r = (struct recorder){
        .engine = e,
        .rows_max = rows_max > 0 ? rows_max : ROWS_MAX,
        .bytes_max = bytes_max > 0 ? bytes_max : usual,
    };
    r->end = &r->first;
}

static struct recording *pop(struct recorder *r)
{
    struct recording *rec = r->first;
    if (!rec)
        return NULL;
    r->first = rec->next;
    if (!r->first)
        r->end = &r->first;
    r->bytes_done += rec->bytes;
    return rec;
}

void recorder_done(struct recorder *r)
{
    struct recording *rec;
    while ((rec = pop(r)))
        recording_free(rec);
}

void recorder_add(struct recorder *r, struct recording *rec)
{
    if (!r->first) /* the first one waits for company */
        r->slice_mono_ms = clock_mono_ms();
    rec->next = NULL;
    *r->end = rec;
    r->end = &rec->next;
}

static bool too_much(const struct recorder *r)
{
    const struct tally *t = engine_tally(r->engine);
    return (int64_t)t->events > r->rows_max || t->events_bytes > r->bytes_max;
}

/* The oldest make room, but never the one that came just now: a bound below one event's
 * size would otherwise drop without end. */
int recorder_store(const struct recorder *r, const struct recorded_event *ev, struct error *err)
{
    if (engine_event_add(r->engine, ev, err) < 0)
        return -1;
    while (too_much(r) && engine_tally(r->engine)->events > 1) {
        const size_t events = engine_tally(r->engine)->events;
        const int64_t over = (int64_t)events - r->rows_max;
        const int rows = over > DROP_ROWS ? DROP_ROWS : 1;
        if (engine_events_drop(r->engine, rows, err) < 0)
            return -1;
    }
    return 0;
}

/* What left the queue is counted as lost until its commit. */
static int store_slice(struct recorder *r, size_t *taken, struct error *err)
{
    const int64_t until_ms = clock_mono_ms() + SLICE_MS;
    struct recording *rec;
    int rc = 0;
    while (rc == 0 && clock_mono_ms() < until_ms && (rec = pop(r))) {
        rc = recorder_store(r, &rec->event, err);
        recording_free(rec);
        (*taken)++;
    }
    return rc;
}

static void slice(struct recorder *r, struct upkeep *u)
{
    struct error why = ERROR_INIT;
    size_t taken = 0;
    if (engine_begin(r->engine, &why) < 0 || store_slice(r, &taken, &why) < 0 ||
        engine_commit(r->engine, &why) < 0) {
        engine_rollback(r->engine);
        r->lost += taken;
        if (why.kind != ERR_INPUT)
            upkeep_trouble(u, &why);
    }
    upkeep_worked(u);
    r->slice_mono_ms = clock_mono_ms();
}

static void drop_all(struct recorder *r)
{
    struct recording *rec;
    while ((rec = pop(r))) {
        recording_free(rec);
        r->lost++;
    }
}

void recorder_between(struct recorder *r, struct upkeep *u, bool idle, bool last)
{
    const int64_t wait_ms = idle ? GATHER_MS : BUSY_MS;
    if (!last && clock_mono_ms() - r->slice_mono_ms < wait_ms)
        return;
    do {
        if (u->low || u->broken)
            drop_all(r);
        else if (r->first)
            slice(r, u);
    } while (last && r->first);
}

int64_t recorder_wake_at(const struct recorder *r, int64_t later_ms)
{
    const int64_t at_ms = r->slice_mono_ms + GATHER_MS;
    return r->first && at_ms < later_ms ? at_ms : later_ms;
}
