/* store_sqlite_events.c - the table of recorded events. */
#include "store/store_sqlite.h"

#include "base/alloc.h"
#include "base/cleanup.h"

int engine_event_add(struct engine *e, const struct recorded_event *ev, struct error *err)
{
    if (sql_run(e, SQL_EVENT_ADD,
                VALUES(TEXT(ev->workspace), TEXT(ev->conversation), INT(ev->arrived_at_ms),
                       INT(ev->until_ms), INT(ev->len), TEXT(ev->record)),
                err) < 0)
        return -1;
    e->tally.events++;
    e->tally.events_bytes += (int64_t)ev->len;
    return 0;
}

int engine_event_known(struct engine *e, const struct recorded_event *ev, bool *known,
                       struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st =
        sql_start(e, SQL_EVENT_KNOWN,
                  VALUES(TEXT(ev->workspace), TEXT(ev->conversation), INT(ev->arrived_at_ms),
                         INT(ev->len), TEXT(ev->record)),
                  err);
    const int rc = st ? sql_step(e, st, err) : -1;
    *known = rc > 0;
    return rc < 0 ? -1 : 0;
}

static struct recorded_event read_event(sqlite3_stmt *st)
{
    return (struct recorded_event){
        .id = sqlite3_column_int64(st, 0),
        .arrived_at_ms = sqlite3_column_int64(st, 1),
        .until_ms = sqlite3_column_int64(st, 2),
        .workspace = sql_text(st, 3),
        .conversation = sql_text(st, 4),
        .record = sql_text(st, 5),
        .len = (size_t)sqlite3_column_bytes(st, 5),
    };
}

int engine_events(struct engine *e, const struct event_filter *f, int64_t after_id, size_t max,
                  size_t bytes_max, struct recorded_events *out, struct error *err)
{
    const enum sql which = f->conversation ? SQL_EVENTS_OF_CONVERSATION : SQL_EVENTS;
    const struct sql_value values[] = { INT(after_id), INT(max), TEXT(f->workspace),
                                        TEXT(f->conversation) };
    scoped(sql_resetp) sqlite3_stmt *st = sql_start(e, which, values, f->conversation ? 4 : 3, err);
    if (!st)
        return -1;
    struct recorded_events got = { 0 };
    size_t bytes = 0;
    int rc = 0;
    while (bytes < bytes_max && (rc = sql_step(e, st, err)) > 0) {
        got.list = xreallocarray(got.list, got.count + 1, sizeof(*got.list));
        got.list[got.count] = read_event(st);
        bytes += got.list[got.count++].len;
    }
    if (rc < 0) {
        recorded_events_done(&got);
        return -1;
    }
    *out = got;
    return 0;
}

/* Each row that goes is told with its size. */
static int drop(struct engine *e, enum sql which, const struct sql_value *values, size_t count,
                int *gone, struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st = sql_start(e, which, values, count, err);
    if (!st)
        return -1;
    int rc;
    for (*gone = 0; (rc = sql_step(e, st, err)) > 0; (*gone)++) {
        e->tally.events--;
        e->tally.events_bytes -= sqlite3_column_int64(st, 0);
    }
    return rc;
}

int engine_events_drop(struct engine *e, int max, struct error *err)
{
    int gone;
    return drop(e, SQL_EVENTS_DROP, VALUES(INT(max)), &gone, err);
}

int events_forget(struct engine *e, int64_t until_ms, int max, int *gone, struct error *err)
{
    return drop(e, SQL_FORGET_EVENTS, VALUES(INT(until_ms), INT(max)), gone, err);
}

int events_tally(struct engine *e, struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st = sql_start(e, SQL_EVENTS_TALLY, NULL, 0, err);
    if (!st || sql_step(e, st, err) < 0)
        return -1;
    e->tally.events = (size_t)sqlite3_column_int64(st, 0);
    e->tally.events_bytes = sqlite3_column_int64(st, 1);
    return 0;
}
