/* store_sqlite_sql.c - every statement of the SQLite engine, and how they are run. */
#include "store/store_sqlite.h"

#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"

/* Columns in the order in which read_job() in store_sqlite_jobs.c takes them. States and kinds are
 * numbers of enum job_state and enum job_kind; the partial indexes repeat them. */
#define JOB_COLUMNS                                                                                \
    "id,kind,state,reach,again,owed,workspace,conversation,rule,note,created_at,due_at,wait_ms,"   \
    "updated_at,sent_at,reached_at,done_at,attempts,part,refused_at,settle_ms,lost_at,crc"

/* One call at a time per conversation: what a mark that is being sent may still do, and
 * the un-read that follows it, must not overtake each other. */
#define NOT_IN_FLIGHT                                                                              \
    " AND NOT EXISTS (SELECT 1 FROM jobs s WHERE s.state=1 AND s.workspace=jobs.workspace"         \
    " AND s.conversation=jobs.conversation)"

static const char *const text[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SAVE] = "SAVEPOINT item",
    [SQL_RELEASE] = "RELEASE item",
    [SQL_UNDO] = "ROLLBACK TO item",

    [SQL_REPLY_KNOWN] = "SELECT 1 FROM replies WHERE workspace=?1 AND dedupe=?2",
    [SQL_REPLY_ADD] =
        "INSERT INTO replies(workspace,dedupe,conversation,message,rule,outcome,kept,by_guard,"
        "received_at,arrived_at) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)",
    [SQL_REPLY_KEPT] = "SELECT 1 FROM replies WHERE kept=1 AND workspace=?1 AND conversation=?2"
                       " AND arrived_at>=?3 LIMIT 1",
    [SQL_REPLY_GUARDED] = "SELECT 1 FROM replies WHERE by_guard=1 AND workspace=?1 AND message=?2"
                          " LIMIT 1",
    [SQL_REPLY_MARKED_IN] =
        "SELECT conversation FROM replies WHERE kept=0 AND workspace=?1 AND message=?2"
        " ORDER BY id DESC LIMIT ?3",
    [SQL_MARKS_OF_RULE] =
        "SELECT count(*),min(arrived_at) FROM (SELECT arrived_at FROM replies WHERE outcome=0"
        " AND workspace=?1 AND rule=?2 AND arrived_at>?3 ORDER BY arrived_at LIMIT ?4)",
    [SQL_MARKS_OF_ALL] =
        "SELECT count(*),min(arrived_at) FROM (SELECT arrived_at FROM replies WHERE outcome=0"
        " AND workspace=?1 AND arrived_at>?3 ORDER BY arrived_at LIMIT ?4)",

    [SQL_JOB_ADD] =
        "INSERT INTO jobs(kind,state,reach,again,owed,workspace,conversation,rule,note,"
        "created_at,due_at,wait_ms,updated_at,sent_at,reached_at,done_at,attempts,part,"
        "refused_at,settle_ms,lost_at,crc) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,"
        "?14,?15,?16,?17,?18,?19,?20,?21,?22)",
    [SQL_JOB_SAVE] = "UPDATE jobs SET state=?2,reach=?3,owed=?4,note=?5,due_at=?6,wait_ms=?7,"
                     "updated_at=?8,sent_at=?9,reached_at=?10,done_at=?11,attempts=?12,part=?13,"
                     "refused_at=?14,settle_ms=?15,lost_at=?16 WHERE id=?1",
    [SQL_JOB_GET] = "SELECT " JOB_COLUMNS " FROM jobs WHERE id=?1",
    [SQL_JOBS_OPEN] = "SELECT " JOB_COLUMNS " FROM jobs WHERE state IN (0,1,5) AND workspace=?1"
                      " AND conversation=?2 ORDER BY id",
    [SQL_JOBS_REACHED_DONE] = "SELECT 1 FROM jobs WHERE kind=0 AND reach>0 AND workspace=?1"
                              " AND conversation=?2 AND done_at>0 AND done_at>=?3 LIMIT 1",
    [SQL_JOBS_REACHED_UNKNOWN] = "SELECT 1 FROM jobs WHERE kind=0 AND reach>0 AND workspace=?1"
                                 " AND conversation=?2 AND done_at=0 LIMIT 1",
    [SQL_JOBS_REACHED_LATE] = "SELECT 1 FROM jobs WHERE kind=0 AND lost_at>0 AND workspace=?1"
                              " AND conversation=?2 AND lost_at>=?3 LIMIT 1",
    [SQL_JOBS_IN_FLIGHT] = "SELECT 1 FROM jobs WHERE state=1 AND workspace=?1 AND conversation=?2"
                           " LIMIT 1",
    [SQL_JOBS_DUE] = "SELECT " JOB_COLUMNS " FROM jobs WHERE state=0 AND workspace=?1 AND kind=?2"
                     " AND part=0 AND due_at<=?3" NOT_IN_FLIGHT " ORDER BY due_at,id LIMIT ?4",
    [SQL_JOBS_DUE_OF_PART] =
        "SELECT " JOB_COLUMNS " FROM jobs WHERE state=0 AND part>0 AND workspace=?1 AND kind=?2"
        " AND part=?5 AND due_at<=?3" NOT_IN_FLIGHT " ORDER BY due_at,id LIMIT ?4",
    [SQL_DUE_COUNT] = "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE state=0 AND workspace=?1"
                      " AND kind=?2 AND due_at<=?3" NOT_IN_FLIGHT " LIMIT ?4)",
    [SQL_DUE_NEXT] = "SELECT due_at FROM jobs WHERE state=0 AND workspace=?1"
                     " AND kind=?2" NOT_IN_FLIGHT " ORDER BY due_at LIMIT 1",
    [SQL_NEXT_PART] = "SELECT part FROM jobs WHERE state=0 AND part>0 AND workspace=?1"
                      " AND due_at<=?2" NOT_IN_FLIGHT " ORDER BY part LIMIT 1",
    [SQL_JOBS_SENDING] = "SELECT " JOB_COLUMNS
                         " FROM jobs INDEXED BY jobs_sending WHERE state=1 AND id>?1 ORDER BY id"
                         " LIMIT ?2",
    [SQL_JOBS_CLAMP] = "UPDATE jobs SET due_at=?1+wait_ms WHERE state=0 AND due_at>?1+wait_ms",
    [SQL_JOBS_LIST_FROM] = "SELECT id FROM jobs WHERE id>?1 ORDER BY id LIMIT 1",
    [SQL_JOBS_LIST] =
        "SELECT " JOB_COLUMNS " FROM jobs WHERE id>=?1 AND id<?2 AND (?3 IS NULL OR workspace=?3)"
        " AND (?4 IS NULL OR rule=?4) AND (?5 IS NULL OR conversation=?5) AND (?6<0 OR state=?6)"
        " AND (?7<0 OR kind=?7) ORDER BY id LIMIT ?8",
    [SQL_JOBS_OLDEST_UNREAD] = "SELECT due_at FROM jobs WHERE kind=1 AND state<2"
                               " ORDER BY due_at LIMIT 1",
    [SQL_JOBS_TALLY] = "SELECT kind,state,count(*) FROM jobs GROUP BY kind,state",

    [SQL_DECISION_ADD] =
        "INSERT INTO decisions(workspace,conversation,message,event,sender,subject,rule,reason,"
        "detail,outcome,received_at,arrived_at,job) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,"
        "?13)",
    [SQL_DECISIONS] = "SELECT id,arrived_at,received_at,job,workspace,conversation,message,event,"
                      "sender,subject,rule,reason,detail,outcome FROM decisions WHERE workspace=?1"
                      " AND id<?2 ORDER BY id DESC LIMIT ?3",
    [SQL_DECISIONS_OF_CONVERSATION] =
        "SELECT id,arrived_at,received_at,job,workspace,conversation,message,event,"
        "sender,subject,rule,reason,detail,outcome FROM decisions WHERE workspace=?1"
        " AND id<?2 AND conversation=?4 ORDER BY id DESC LIMIT ?3",
    [SQL_DECISIONS_TALLY] = "SELECT count(*) FROM decisions",

    [SQL_FORGET_REPLIES] = "DELETE FROM replies WHERE id IN (SELECT id FROM replies"
                           " WHERE arrived_at<?1 ORDER BY arrived_at LIMIT ?2)",
    [SQL_FORGET_JOBS] = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state IN (2,3,4)"
                        " AND updated_at<?1 ORDER BY updated_at LIMIT ?2) RETURNING kind,state",
    [SQL_FORGET_DECISIONS] = "DELETE FROM decisions WHERE id IN (SELECT id FROM decisions"
                             " WHERE arrived_at<?1 ORDER BY arrived_at LIMIT ?2)",

    [SQL_FORGET_EVENTS] = "DELETE FROM events WHERE id IN (SELECT id FROM events"
                          " WHERE until_at<?1 ORDER BY until_at LIMIT ?2) RETURNING bytes",

    [SQL_EVENT_ADD] = "INSERT INTO events(workspace,conversation,arrived_at,until_at,bytes,record)"
                      " VALUES(?1,?2,?3,?4,?5,?6)",
    [SQL_EVENT_KNOWN] = "SELECT 1 FROM events WHERE conversation=?2 AND workspace=?1"
                        " AND arrived_at=?3 AND bytes=?4 AND record=?5 LIMIT 1",
    [SQL_EVENTS] = "SELECT id,arrived_at,until_at,workspace,conversation,record FROM events"
                   " WHERE id>?1 AND (?3 IS NULL OR workspace=?3) ORDER BY id LIMIT ?2",
    [SQL_EVENTS_OF_CONVERSATION] =
        "SELECT id,arrived_at,until_at,workspace,conversation,record FROM events"
        " WHERE conversation=?4 AND id>?1 AND (?3 IS NULL OR workspace=?3) ORDER BY id LIMIT ?2",
    [SQL_EVENTS_DROP] = "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id"
                        " LIMIT ?1) RETURNING bytes",
    [SQL_EVENTS_TALLY] =
        "SELECT count(*),coalesce(sum(bytes),0) FROM events INDEXED BY events_until",

    [SQL_NUMBER_NEXT] = "INSERT INTO meta(name,value) VALUES(?1,1)"
                        " ON CONFLICT(name) DO UPDATE SET value=value+1 RETURNING value",
    [SQL_RULES_SAVE] =
        "INSERT INTO rules(workspace,version,saved_at,blob) VALUES(?1,?2,?3,?4) ON CONFLICT"
        "(workspace) DO UPDATE SET version=?2,saved_at=?3,blob=?4",
    [SQL_RULES_LOAD] = "SELECT blob FROM rules WHERE workspace=?1",
};

/* SQLITE_FULL is the one failure that the same handle survives; after any other trouble
 * with the disk a later COMMIT may claim success falsely (RELIABILITY.md, row 3). */
static enum error_kind kind_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_AGAIN;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE:
        return ERR_INPUT;
    default:
        return ERR_FATAL;
    }
}

int sql_error(struct engine *e, int rc, struct error *err, const char *doing)
{
    const int code = e->db ? sqlite3_extended_errcode(e->db) : rc;
    const char *words = e->db ? sqlite3_errmsg(e->db) : sqlite3_errstr(rc);
    error_set(err, kind_of(rc), "store: %.160s: %s (SQLite %d)", doing, words, code);
    if (kind_of(rc) == ERR_FATAL)
        sql_last_words(err);
    return -1;
}

static int bind(sqlite3_stmt *st, int at, const struct sql_value *v)
{
    switch (v->type) {
    case SQL_TEXT:
        return v->text ? sqlite3_bind_text(st, at, v->text, -1, SQLITE_STATIC)
                       : sqlite3_bind_null(st, at);
    case SQL_BLOB:
        return sqlite3_bind_blob64(st, at, v->text, (sqlite3_uint64)v->num, SQLITE_STATIC);
    default:
        return sqlite3_bind_int64(st, at, v->num);
    }
}

sqlite3_stmt *sql_start(struct engine *e, enum sql which, const struct sql_value *values,
                        size_t count, struct error *err)
{
    sqlite3_stmt **st = &e->prepared[which];
    if (!*st) {
        const int rc =
            sqlite3_prepare_v3(e->db, text[which], -1, SQLITE_PREPARE_PERSISTENT, st, NULL);
        if (rc != SQLITE_OK) {
            sql_error(e, rc, err, text[which]);
            return NULL;
        }
    }
    for (size_t i = 0; i < count; i++) {
        const int rc = bind(*st, (int)i + 1, &values[i]);
        if (rc != SQLITE_OK) {
            sql_error(e, rc, err, text[which]);
            return NULL;
        }
    }
    return *st;
}

void sql_resetp(sqlite3_stmt **st)
{
    if (*st) {
        sqlite3_reset(*st);
        sqlite3_clear_bindings(*st);
    }
}

int sql_step(struct engine *e, sqlite3_stmt *st, struct error *err)
{
    const int rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return 1;
    if (rc == SQLITE_DONE)
        return 0;
    return sql_error(e, rc, err, sqlite3_sql(st));
}

int sql_run(struct engine *e, enum sql which, const struct sql_value *values, size_t count,
            struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st = sql_start(e, which, values, count, err);
    if (!st)
        return -1;
    int rc;
    while ((rc = sql_step(e, st, err)) > 0)
        ;
    return rc;
}

int sql_number(struct engine *e, enum sql which, const struct sql_value *values, size_t count,
               int64_t none, int64_t *out, struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st = sql_start(e, which, values, count, err);
    if (!st)
        return -1;
    const int rc = sql_step(e, st, err);
    if (rc < 0)
        return -1;
    *out = rc > 0 ? sqlite3_column_int64(st, 0) : none;
    return 0;
}

char *sql_text(sqlite3_stmt *st, int column)
{
    const unsigned char *s = sqlite3_column_text(st, column);
    if (!s)
        return NULL;
    return xmemdup0((const char *)s, (size_t)sqlite3_column_bytes(st, column));
}

int sql_pragma(struct engine *e, const char *pragma, char *answer, size_t size, struct error *err)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(e->db, pragma, -1, &st, NULL);
    if (rc == SQLITE_OK) {
        rc = sqlite3_step(st);
        const unsigned char *got = rc == SQLITE_ROW ? sqlite3_column_text(st, 0) : NULL;
        if (answer)
            snprintf(answer, size, "%s", got ? (const char *)got : "");
    }
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        sql_error(e, rc, err, pragma);
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : -1;
}

int sql_script(struct engine *e, const char *script, struct error *err)
{
    const int rc = sqlite3_exec(e->db, script, NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : sql_error(e, rc, err, "changing the schema");
}
