/* store_sqlite_replies.c - the memory of replies, decision records and the small tables. */
#include "store/store_sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/utf8.h"

#define SUBJECT_MAX 1024 /* bytes of a subject that a decision record keeps */

static int ask(struct engine *e, enum sql which, const struct sql_value *values, size_t count,
               bool *yes, struct error *err)
{
    int64_t n;
    if (sql_number(e, which, values, count, 0, &n, err) < 0)
        return -1;
    *yes = n != 0;
    return 0;
}

int engine_reply_known(struct engine *e, const char *workspace, const char *dedupe, bool *known,
                       struct error *err)
{
    return ask(e, SQL_REPLY_KNOWN, VALUES(TEXT(workspace), TEXT(dedupe)), known, err);
}

int engine_reply_add(struct engine *e, const struct reply *r, struct error *err)
{
    return sql_run(e, SQL_REPLY_ADD,
                   VALUES(TEXT(r->workspace), TEXT(r->dedupe), TEXT(r->conversation),
                          TEXT(r->message), TEXT(r->rule), INT(r->outcome), INT(r->kept),
                          INT(r->by_guard), INT(r->received_at_ms), INT(r->arrived_at_ms)),
                   err);
}

int engine_kept(struct engine *e, const char *workspace, const char *conversation, int64_t since_ms,
                bool *kept, struct error *err)
{
    return ask(e, SQL_REPLY_KEPT, VALUES(TEXT(workspace), TEXT(conversation), INT(since_ms)), kept,
               err);
}

int engine_guarded(struct engine *e, const char *workspace, const char *message, bool *guarded,
                   struct error *err)
{
    return ask(e, SQL_REPLY_GUARDED, VALUES(TEXT(workspace), TEXT(message)), guarded, err);
}

int engine_marked_in(struct engine *e, const char *workspace, const char *message, size_t max,
                     struct names *out, struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st =
        sql_start(e, SQL_REPLY_MARKED_IN, VALUES(TEXT(workspace), TEXT(message), INT(max)), err);
    if (!st)
        return -1;
    struct names got = { 0 };
    int rc;
    while ((rc = sql_step(e, st, err)) > 0) {
        got.list = xreallocarray(got.list, got.count + 1, sizeof(*got.list));
        got.list[got.count++] = sql_text(st, 0);
    }
    if (rc < 0) {
        names_done(&got);
        return -1;
    }
    *out = got;
    return 0;
}

void names_done(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->list[i]);
    free(n->list);
    *n = (struct names){ 0 };
}

int engine_marks(struct engine *e, const char *workspace, const char *rule, int64_t since_ms,
                 int64_t max, int64_t *count, int64_t *oldest_ms, struct error *err)
{
    const enum sql which = rule ? SQL_MARKS_OF_RULE : SQL_MARKS_OF_ALL;
    scoped(sql_resetp) sqlite3_stmt *st =
        sql_start(e, which, VALUES(TEXT(workspace), TEXT(rule), INT(since_ms), INT(max)), err);
    if (!st || sql_step(e, st, err) < 0)
        return -1;
    *count = sqlite3_column_int64(st, 0);
    *oldest_ms = sqlite3_column_int64(st, 1);
    return 0;
}

/* ---- decisions ---------------------------------------------------------------------- */

int engine_decision_add(struct engine *e, const struct submission *s, const struct receipt *r,
                        int64_t received_at_ms, int64_t *id, struct error *err)
{
    scoped(freep) char *subject = NULL;
    if (s->subject)
        subject = xmemdup0(s->subject, utf8_cut(s->subject, strlen(s->subject), SUBJECT_MAX));
    if (sql_run(e, SQL_DECISION_ADD,
                VALUES(TEXT(s->workspace), TEXT(s->conversation), TEXT(s->message), TEXT(s->event),
                       TEXT(s->from), TEXT(subject), TEXT(s->rule), TEXT(r->reason),
                       TEXT(s->detail), INT(r->outcome), INT(received_at_ms), INT(s->arrived_at_ms),
                       INT(r->job)),
                err) < 0)
        return -1;
    *id = sqlite3_last_insert_rowid(e->db);
    e->tally.decisions++;
    return 0;
}

static void read_decision(sqlite3_stmt *st, struct decision_record *d)
{
    *d = (struct decision_record){
        .id = sqlite3_column_int64(st, 0),
        .arrived_at_ms = sqlite3_column_int64(st, 1),
        .received_at_ms = sqlite3_column_int64(st, 2),
        .job = sqlite3_column_int64(st, 3),
        .workspace = sql_text(st, 4),
        .conversation = sql_text(st, 5),
        .message = sql_text(st, 6),
        .event = sql_text(st, 7),
        .from = sql_text(st, 8),
        .subject = sql_text(st, 9),
        .rule = sql_text(st, 10),
        .reason = sql_text(st, 11),
        .detail = sql_text(st, 12),
        .outcome = (enum outcome)sqlite3_column_int(st, 13),
    };
}

int engine_decisions(struct engine *e, const char *workspace, const char *conversation,
                     int64_t before_id, size_t max, struct decision_list *out, struct error *err)
{
    const int64_t below = before_id > 0 ? before_id : INT64_MAX;
    scoped(sql_resetp) sqlite3_stmt *st =
        conversation
            ? sql_start(e, SQL_DECISIONS_OF_CONVERSATION,
                        VALUES(TEXT(workspace), INT(below), INT(max), TEXT(conversation)), err)
            : sql_start(e, SQL_DECISIONS, VALUES(TEXT(workspace), INT(below), INT(max)), err);
    if (!st)
        return -1;
    struct decision_list got = { 0 };
    int rc;
    while ((rc = sql_step(e, st, err)) > 0) {
        got.records = xreallocarray(got.records, got.count + 1, sizeof(*got.records));
        read_decision(st, &got.records[got.count++]);
    }
    if (rc < 0) {
        decision_list_done(&got);
        return -1;
    }
    *out = got;
    return 0;
}

/* ---- forgetting, numbers, rules ----------------------------------------------------- */

static int forget(struct engine *e, enum sql which, int64_t before_ms, int max, int *gone,
                  struct error *err)
{
    if (sql_run(e, which, VALUES(INT(before_ms), INT(max)), err) < 0)
        return -1;
    *gone = sqlite3_changes(e->db);
    return 0;
}

static int forget_jobs(struct engine *e, int64_t before_ms, int max, int *gone, struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st =
        sql_start(e, SQL_FORGET_JOBS, VALUES(INT(before_ms), INT(max)), err);
    if (!st)
        return -1;
    int rc;
    for (*gone = 0; (rc = sql_step(e, st, err)) > 0; (*gone)++)
        e->tally.jobs[sqlite3_column_int(st, 0)][sqlite3_column_int(st, 1)]--;
    return rc;
}

int engine_forget(struct engine *e, const struct horizon *before, int max, int *gone,
                  struct error *err)
{
    int replies = 0, jobs = 0, decisions = 0, events = 0;
    if (forget(e, SQL_FORGET_REPLIES, before->replies_ms, max, &replies, err) < 0 ||
        forget_jobs(e, before->jobs_ms, max, &jobs, err) < 0 ||
        forget(e, SQL_FORGET_DECISIONS, before->decisions_ms, max, &decisions, err) < 0 ||
        events_forget(e, before->events_ms, max, &events, err) < 0)
        return -1;
    e->tally.decisions -= (size_t)decisions;
    *gone = replies + jobs + decisions + events;
    return 0;
}

int engine_next_number(struct engine *e, const char *name, int64_t *number, struct error *err)
{
    return sql_number(e, SQL_NUMBER_NEXT, VALUES(TEXT(name)), 0, number, err);
}

int engine_rules_save(struct engine *e, const char *workspace, const char *version,
                      const char *blob, size_t len, int64_t now_ms, struct error *err)
{
    return sql_run(e, SQL_RULES_SAVE,
                   VALUES(TEXT(workspace), TEXT(version), INT(now_ms), BLOB(blob, len)), err);
}

int engine_rules_load(struct engine *e, const char *workspace, char **blob, size_t *len,
                      struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st =
        sql_start(e, SQL_RULES_LOAD, VALUES(TEXT(workspace)), err);
    if (!st)
        return -1;
    const int rc = sql_step(e, st, err);
    if (rc < 0)
        return -1;
    *blob = NULL;
    *len = 0;
    if (rc > 0) {
        const void *bytes = sqlite3_column_blob(st, 0);
        *len = (size_t)sqlite3_column_bytes(st, 0);
        *blob = xmemdup0(bytes ? bytes : "", *len);
    }
    return 0;
}
