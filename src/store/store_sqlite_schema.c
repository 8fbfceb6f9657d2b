/* store_sqlite_schema.c - the tables, and how an older file becomes a current one.
 *
 * user_version counts the steps that a file has been through. A step that has shipped
 * is never edited: a change is a new step at the end. */
#include "store/store_sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define APPLICATION_ID 0x6175746D /* "autm" */
#define STRING_(x) #x
#define STRING(x) STRING_(x)

/* The memory of replies outlives decisions, jobs and retention: dedupe and P2 read it.
 * outcome is enum outcome: 0 queued, 1 parked; kept is "left unread". */
static const char step_1[] =
    "CREATE TABLE replies("
    " id INTEGER PRIMARY KEY,"
    " workspace TEXT NOT NULL, dedupe TEXT NOT NULL,"
    " conversation TEXT NOT NULL, message TEXT, rule TEXT,"
    " outcome INTEGER NOT NULL, kept INTEGER NOT NULL, by_guard INTEGER NOT NULL,"
    " received_at INTEGER NOT NULL, arrived_at INTEGER NOT NULL);"
    "CREATE UNIQUE INDEX replies_dedupe ON replies(workspace,dedupe);"
    "CREATE INDEX replies_age ON replies(arrived_at);"
    "CREATE INDEX replies_kept ON replies(workspace,conversation,arrived_at) WHERE kept=1;"
    "CREATE INDEX replies_guarded ON replies(workspace,message) WHERE by_guard=1;"
    "CREATE INDEX replies_marked ON replies(workspace,message) WHERE kept=0;"
    "CREATE INDEX replies_rule ON replies(workspace,rule,arrived_at) WHERE outcome=0;"
    "CREATE INDEX replies_queued ON replies(workspace,arrived_at) WHERE outcome=0;"

    "CREATE TABLE jobs("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " kind INTEGER NOT NULL, state INTEGER NOT NULL, reach INTEGER NOT NULL,"
    " again INTEGER NOT NULL, owed INTEGER NOT NULL,"
    " workspace TEXT NOT NULL, conversation TEXT NOT NULL, rule TEXT, note TEXT,"
    " created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, wait_ms INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL, sent_at INTEGER NOT NULL, reached_at INTEGER NOT NULL,"
    " done_at INTEGER NOT NULL, attempts INTEGER NOT NULL, part INTEGER NOT NULL,"
    " refused_at INTEGER NOT NULL, settle_ms INTEGER NOT NULL,"
    " lost_at INTEGER NOT NULL, crc INTEGER NOT NULL);"
    "CREATE INDEX jobs_open ON jobs(workspace,conversation) WHERE state IN (0,1,5);"
    "CREATE INDEX jobs_due ON jobs(workspace,kind,due_at,id,part) WHERE state=0;"
    "CREATE INDEX jobs_part ON jobs(workspace,part,due_at) WHERE state=0 AND part>0;"
    "CREATE INDEX jobs_sending ON jobs(workspace,conversation) WHERE state=1;"
    "CREATE INDEX jobs_unread ON jobs(due_at) WHERE kind=1 AND state<2;"
    "CREATE INDEX jobs_reached ON jobs(workspace,conversation,done_at)"
    " WHERE kind=0 AND reach>0;"
    "CREATE INDEX jobs_lost ON jobs(workspace,conversation,lost_at)"
    " WHERE kind=0 AND lost_at>0;"
    "CREATE INDEX jobs_finished ON jobs(updated_at) WHERE state IN (2,3,4);"

    "CREATE TABLE decisions("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " workspace TEXT NOT NULL, conversation TEXT NOT NULL, message TEXT, event TEXT,"
    " sender TEXT, subject TEXT, rule TEXT, reason TEXT, detail TEXT,"
    " outcome INTEGER NOT NULL, received_at INTEGER NOT NULL, arrived_at INTEGER NOT NULL,"
    " job INTEGER NOT NULL);"
    "CREATE INDEX decisions_conversation ON decisions(workspace,conversation);"
    "CREATE INDEX decisions_workspace ON decisions(workspace);"
    "CREATE INDEX decisions_age ON decisions(arrived_at);"

    "CREATE TABLE rules(workspace TEXT PRIMARY KEY, version TEXT, saved_at INTEGER NOT NULL,"
    " blob BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "PRAGMA application_id=" STRING(APPLICATION_ID) ";";

/* The fields of recent events, for tools. Size and time are bounded: events_until counts
 * bytes without touching the records. */
static const char step_2[] =
    "CREATE TABLE events("
    " id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " workspace TEXT NOT NULL, conversation TEXT NOT NULL,"
    " arrived_at INTEGER NOT NULL, until_at INTEGER NOT NULL, bytes INTEGER NOT NULL,"
    " record TEXT NOT NULL);"
    "CREATE INDEX events_until ON events(until_at,bytes);"
    "CREATE INDEX events_conversation ON events(conversation);";

static const char *const steps[] = { step_1, step_2 };

static int pragma_number(struct engine *e, const char *pragma, long *out, struct error *err)
{
    char answer[64];
    if (sql_pragma(e, pragma, answer, sizeof(answer), err) < 0)
        return -1;
    *out = strtol(answer, NULL, 10);
    return 0;
}

static int check_ours(struct engine *e, const char *path, struct error *err)
{
    long id, tables;
    if (pragma_number(e, "PRAGMA application_id", &id, err) < 0 ||
        pragma_number(e, "SELECT count(*) FROM sqlite_schema", &tables, err) < 0)
        return -1;
    if (id == APPLICATION_ID || (id == 0 && tables == 0))
        return 0;
    return error_set(err, ERR_INPUT, "%s is a database of another program: name another file",
                     path);
}

/* The step and its number become true together, or not at all. */
static int take_step(struct engine *e, size_t done, struct error *err)
{
    char version[64];
    snprintf(version, sizeof(version), "PRAGMA user_version=%zu", done + 1);
    if (sql_script(e, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    if (sql_script(e, steps[done], err) < 0 || sql_script(e, version, err) < 0 ||
        sql_script(e, "COMMIT", err) < 0) {
        sqlite3_exec(e->db, "ROLLBACK", NULL, NULL, NULL);
        return -1;
    }
    return 0;
}

/* Touches nothing: another program's file must stay as it was. */
int schema_check(struct engine *e, const char *path, struct error *err)
{
    long version;
    if (check_ours(e, path, err) < 0 || pragma_number(e, "PRAGMA user_version", &version, err) < 0)
        return -1;
    if (version < 0 || (size_t)version > ARRAY_LEN(steps))
        return error_set(err, ERR_INPUT,
                         "%s was written by a newer automark (schema %ld, this one knows up to "
                         "%zu): start that version again, or restore a backup from before it",
                         path, version, ARRAY_LEN(steps));
    return 0;
}

int schema_prepare(struct engine *e, struct error *err)
{
    long version;
    if (pragma_number(e, "PRAGMA user_version", &version, err) < 0)
        return -1;
    for (size_t done = (size_t)version; done < ARRAY_LEN(steps); done++)
        if (take_step(e, done, err) < 0)
            return -1;
    return 0;
}
