/* store_sqlite_jobs.c - jobs in SQLite: rows to structs and back, and finding them. */
#include "store/store_sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

void stored_job_done(struct stored_job *j)
{
    job_done(&j->job);
}

void stored_jobs_done(struct stored_jobs *l)
{
    for (size_t i = 0; i < l->count; i++)
        stored_job_done(&l->list[i]);
    free(l->list);
    *l = (struct stored_jobs){ 0 };
}

/* ---- rows --------------------------------------------------------------------------- */

/* CRC-32 (IEEE 802.3, reflected), a bit at a time: a few dozen bytes per job. */
static uint32_t crc32_add(uint32_t crc, const char *s)
{
    crc = ~crc;
    for (; *s; s++) {
        crc ^= (unsigned char)*s;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? (crc >> 1) ^ UINT32_C(0xEDB88320) : crc >> 1;
    }
    return ~crc;
}

/* Over what a flipped bit would turn into a mark of somebody else's conversation. */
static uint32_t crc_of(const struct job *j)
{
    uint32_t crc = crc32_add(0, job_kind_name(j->kind));
    crc = crc32_add(crc, j->workspace);
    crc = crc32_add(crc, "\n");
    return crc32_add(crc, j->conversation);
}

static int read_checked(sqlite3_stmt *st, const struct stored_job *j, struct error *err)
{
    const struct job *b = &j->job;
    const bool sane = (b->kind == JOB_READ || b->kind == JOB_UNREAD) && b->state <= JOB_PARKED &&
                      b->reach <= REACH_DONE && b->workspace && b->conversation;
    if (sane && (int64_t)crc_of(b) == sqlite3_column_int64(st, 22))
        return 0;
    return error_set(err, ERR_FATAL, "store: job %lld is damaged (checksum)", (long long)b->id);
}

/* JOB_COLUMNS of store_sqlite_sql.c. */
static int read_job(sqlite3_stmt *st, struct stored_job *j, struct error *err)
{
    *j = (struct stored_job){
        .job = { .id = sqlite3_column_int64(st, 0),
                 .kind = (enum job_kind)sqlite3_column_int(st, 1),
                 .state = (enum job_state)sqlite3_column_int(st, 2),
                 .reach = (enum job_reach)sqlite3_column_int(st, 3),
                 .workspace = sql_text(st, 6),
                 .conversation = sql_text(st, 7),
                 .rule = sql_text(st, 8),
                 .note = sql_text(st, 9),
                 .created_at_ms = sqlite3_column_int64(st, 10),
                 .due_at_ms = sqlite3_column_int64(st, 11),
                 .updated_at_ms = sqlite3_column_int64(st, 13),
                 .reached_at_ms = sqlite3_column_int64(st, 15),
                 .done_at_ms = sqlite3_column_int64(st, 16),
                 .attempts = (unsigned)sqlite3_column_int(st, 17),
                 .part = sqlite3_column_int64(st, 18),
                 .refused_at_ms = sqlite3_column_int64(st, 19) },
        .was = (enum job_state)sqlite3_column_int(st, 2),
        .again = sqlite3_column_int(st, 4) != 0,
        .owed = (unsigned)sqlite3_column_int(st, 5),
        .wait_ms = sqlite3_column_int64(st, 12),
        .sent_at_ms = sqlite3_column_int64(st, 14),
        .settle_ms = sqlite3_column_int64(st, 20),
        .lost_at_ms = sqlite3_column_int64(st, 21),
    };
    if (read_checked(st, j, err) == 0)
        return 0;
    stored_job_done(j);
    return -1;
}

static int read_jobs(struct engine *e, sqlite3_stmt *st, struct stored_jobs *out, struct error *err)
{
    struct stored_jobs got = { 0 };
    int rc;
    while ((rc = sql_step(e, st, err)) > 0) {
        struct stored_job j;
        if (read_job(st, &j, err) < 0) {
            rc = -1;
            break;
        }
        got.list = xreallocarray(got.list, got.count + 1, sizeof(*got.list));
        got.list[got.count++] = j;
    }
    if (rc < 0) {
        stored_jobs_done(&got);
        return -1;
    }
    *out = got;
    return 0;
}

int engine_job_add(struct engine *e, struct stored_job *j, struct error *err)
{
    const struct job *b = &j->job;
    if (sql_run(e, SQL_JOB_ADD,
                VALUES(INT(b->kind), INT(b->state), INT(b->reach), INT(j->again), INT(j->owed),
                       TEXT(b->workspace), TEXT(b->conversation), TEXT(b->rule), TEXT(b->note),
                       INT(b->created_at_ms), INT(b->due_at_ms), INT(j->wait_ms),
                       INT(b->updated_at_ms), INT(j->sent_at_ms), INT(b->reached_at_ms),
                       INT(b->done_at_ms), INT(b->attempts), INT(b->part), INT(b->refused_at_ms),
                       INT(j->settle_ms), INT(j->lost_at_ms), INT(crc_of(b))),
                err) < 0)
        return -1;
    j->job.id = sqlite3_last_insert_rowid(e->db);
    j->was = b->state;
    e->tally.jobs[b->kind][b->state]++;
    return 0;
}

int engine_job_save(struct engine *e, struct stored_job *j, struct error *err)
{
    const struct job *b = &j->job;
    if (sql_run(e, SQL_JOB_SAVE,
                VALUES(INT(b->id), INT(b->state), INT(b->reach), INT(j->owed), TEXT(b->note),
                       INT(b->due_at_ms), INT(j->wait_ms), INT(b->updated_at_ms),
                       INT(j->sent_at_ms), INT(b->reached_at_ms), INT(b->done_at_ms),
                       INT(b->attempts), INT(b->part), INT(b->refused_at_ms), INT(j->settle_ms),
                       INT(j->lost_at_ms)),
                err) < 0)
        return -1;
    e->tally.jobs[b->kind][j->was]--;
    e->tally.jobs[b->kind][b->state]++;
    j->was = b->state;
    return 0;
}

/* ---- finding ------------------------------------------------------------------------ */

int engine_job_get(struct engine *e, int64_t id, struct stored_job *out, bool *found,
                   struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st = sql_start(e, SQL_JOB_GET, VALUES(INT(id)), err);
    if (!st)
        return -1;
    const int rc = sql_step(e, st, err);
    if (rc < 0 || (rc > 0 && read_job(st, out, err) < 0))
        return -1;
    *found = rc > 0;
    return 0;
}

static int find(struct engine *e, enum sql which, const struct sql_value *values, size_t count,
                struct stored_jobs *out, struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st = sql_start(e, which, values, count, err);
    return st ? read_jobs(e, st, out, err) : -1;
}

static int ask(struct engine *e, enum sql which, const struct sql_value *values, size_t count,
               bool *yes, struct error *err)
{
    int64_t n;
    if (sql_number(e, which, values, count, 0, &n, err) < 0)
        return -1;
    *yes = n != 0;
    return 0;
}

int engine_open_jobs(struct engine *e, const char *workspace, const char *conversation,
                     struct stored_jobs *out, struct error *err)
{
    return find(e, SQL_JOBS_OPEN, VALUES(TEXT(workspace), TEXT(conversation)), out, err);
}

int engine_reached(struct engine *e, const char *workspace, const char *conversation,
                   int64_t done_since_ms, int64_t lost_since_ms, bool *done, bool *unknown,
                   struct error *err)
{
    bool late;
    if (ask(e, SQL_JOBS_REACHED_DONE,
            VALUES(TEXT(workspace), TEXT(conversation), INT(done_since_ms)), done, err) < 0 ||
        ask(e, SQL_JOBS_REACHED_UNKNOWN, VALUES(TEXT(workspace), TEXT(conversation)), unknown,
            err) < 0 ||
        ask(e, SQL_JOBS_REACHED_LATE,
            VALUES(TEXT(workspace), TEXT(conversation), INT(lost_since_ms)), &late, err) < 0)
        return -1;
    *unknown = *unknown || late;
    return 0;
}

int engine_in_flight(struct engine *e, const char *workspace, const char *conversation, bool *yes,
                     struct error *err)
{
    return ask(e, SQL_JOBS_IN_FLIGHT, VALUES(TEXT(workspace), TEXT(conversation)), yes, err);
}

int engine_due_jobs(struct engine *e, const char *workspace, enum job_kind kind, int64_t part,
                    size_t max, int64_t now_ms, struct stored_jobs *out, struct error *err)
{
    const enum sql which = part > 0 ? SQL_JOBS_DUE_OF_PART : SQL_JOBS_DUE;
    const size_t count = part > 0 ? 5 : 4;
    const struct sql_value values[] = { TEXT(workspace), INT(kind), INT(now_ms), INT(max),
                                        INT(part) };
    return find(e, which, values, count, out, err);
}

static int due_of_kind(struct engine *e, const char *workspace, enum job_kind kind, int64_t now_ms,
                       int64_t *count, int64_t *first_ms, struct error *err)
{
    if (sql_number(e, SQL_DUE_COUNT,
                   VALUES(TEXT(workspace), INT(kind), INT(now_ms), INT(STORE_DUE_MAX)), 0, count,
                   err) < 0)
        return -1;
    return sql_number(e, SQL_DUE_NEXT, VALUES(TEXT(workspace), INT(kind)), 0, first_ms, err);
}

int engine_due(struct engine *e, const char *workspace, int64_t now_ms, struct store_due *out,
               struct error *err)
{
    int64_t unread, read, first_unread, first_read;
    if (due_of_kind(e, workspace, JOB_UNREAD, now_ms, &unread, &first_unread, err) < 0 ||
        due_of_kind(e, workspace, JOB_READ, now_ms, &read, &first_read, err) < 0)
        return -1;
    const bool unread_first = first_unread && (!first_read || first_unread < first_read);
    *out = (struct store_due){
        .unread = (size_t)unread,
        .read = (size_t)read,
        .oldest_unread_due_at_ms = unread > 0 ? first_unread : 0,
        .next_due_at_ms = unread_first ? first_unread : first_read,
    };
    return 0;
}

int engine_next_part(struct engine *e, const char *workspace, int64_t now_ms, int64_t *part,
                     struct error *err)
{
    return sql_number(e, SQL_NEXT_PART, VALUES(TEXT(workspace), INT(now_ms)), 0, part, err);
}

int engine_sending(struct engine *e, int64_t after_id, size_t max, struct stored_jobs *out,
                   struct error *err)
{
    return find(e, SQL_JOBS_SENDING, VALUES(INT(after_id), INT(max)), out, err);
}

int engine_clamp_due(struct engine *e, int64_t now_ms, struct error *err)
{
    return sql_run(e, SQL_JOBS_CLAMP, VALUES(INT(now_ms)), err);
}

/* Ids are looked at in windows, so that a filter that matches little costs little. */
int engine_jobs(struct engine *e, const struct job_filter *f, size_t max, int64_t *after_id,
                bool *end, struct stored_jobs *out, struct error *err)
{
    static const int64_t window = 2000;
    int64_t first;
    const int64_t after = f->id > 0 && f->id - 1 > *after_id ? f->id - 1 : *after_id;
    if (sql_number(e, SQL_JOBS_LIST_FROM, VALUES(INT(after)), 0, &first, err) < 0)
        return -1;
    if (first == 0 || (f->id > 0 && first != f->id)) {
        *end = true;
        return 0;
    }
    const int64_t below = f->id > 0 ? first + 1 : first + window;
    if (find(e, SQL_JOBS_LIST,
             VALUES(INT(first), INT(below), TEXT(f->workspace), TEXT(f->rule),
                    TEXT(f->conversation), INT(f->state), INT(f->kind), INT(max)),
             out, err) < 0)
        return -1;
    *after_id = out->count == max ? out->list[max - 1].job.id : below - 1;
    *end = f->id > 0;
    return 0;
}

int engine_oldest_unread(struct engine *e, int64_t *due_at_ms, struct error *err)
{
    return sql_number(e, SQL_JOBS_OLDEST_UNREAD, NULL, 0, 0, due_at_ms, err);
}
