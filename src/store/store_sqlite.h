/* store_sqlite.h - what the files of the SQLite engine share. Nobody else includes this.
 *
 * Every statement of the engine is in store_sqlite_sql.c under a name, prepared once. */
#ifndef AUTOMARK_STORE_STORE_SQLITE_H
#define AUTOMARK_STORE_STORE_SQLITE_H

#include <sqlite3.h>

#include "base/error.h"
#include "store/store_engine.h"

enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVE,
    SQL_RELEASE,
    SQL_UNDO,

    SQL_REPLY_KNOWN,
    SQL_REPLY_ADD,
    SQL_REPLY_KEPT,
    SQL_REPLY_GUARDED,
    SQL_REPLY_MARKED_IN,
    SQL_MARKS_OF_RULE,
    SQL_MARKS_OF_ALL,

    SQL_JOB_ADD,
    SQL_JOB_SAVE,
    SQL_JOB_GET,
    SQL_JOBS_OPEN,
    SQL_JOBS_REACHED_DONE,
    SQL_JOBS_REACHED_UNKNOWN,
    SQL_JOBS_REACHED_LATE,
    SQL_JOBS_IN_FLIGHT,
    SQL_JOBS_DUE,
    SQL_JOBS_DUE_OF_PART,
    SQL_DUE_COUNT,
    SQL_DUE_NEXT,
    SQL_NEXT_PART,
    SQL_JOBS_SENDING,
    SQL_JOBS_CLAMP,
    SQL_JOBS_LIST,
    SQL_JOBS_LIST_FROM,
    SQL_JOBS_OLDEST_UNREAD,
    SQL_JOBS_TALLY,

    SQL_DECISION_ADD,
    SQL_DECISIONS,
    SQL_DECISIONS_OF_CONVERSATION,
    SQL_DECISIONS_TALLY,

    SQL_FORGET_REPLIES,
    SQL_FORGET_JOBS,
    SQL_FORGET_DECISIONS,
    SQL_FORGET_EVENTS,

    SQL_EVENT_ADD,
    SQL_EVENT_KNOWN,
    SQL_EVENTS,
    SQL_EVENTS_OF_CONVERSATION,
    SQL_EVENTS_DROP,
    SQL_EVENTS_TALLY,

    SQL_NUMBER_NEXT,
    SQL_RULES_SAVE,
    SQL_RULES_LOAD,

    SQL_COUNT /* last */
};

struct engine {
    sqlite3 *db;
    sqlite3_stmt *prepared[SQL_COUNT];
    int64_t log_bytes;
    struct tally tally, at_begin, at_item;
};

/* A value for a placeholder; text NULL is stored as NULL. */
struct sql_value {
    enum { SQL_INT, SQL_TEXT, SQL_BLOB } type;
    int64_t num; /* or the blob's length */
    const char *text;
};
#define INT(v) ((struct sql_value){ .type = SQL_INT, .num = (int64_t)(v) })
#define TEXT(v) ((struct sql_value){ .type = SQL_TEXT, .text = (v) })
#define BLOB(v, bytes)                                                                             \
    ((struct sql_value){ .type = SQL_BLOB, .text = (v), .num = (int64_t)(bytes) })
#define VALUES(...)                                                                                \
    (const struct sql_value[]){ __VA_ARGS__ },                                                     \
        sizeof((const struct sql_value[]){ __VA_ARGS__ }) / sizeof(struct sql_value)

/* A statement with its values bound, in order ?1, ?2, ...; NULL with err. Borrowed; the
 * values' text must live until it is reset: scoped(sql_resetp). Texts are not copied. */
sqlite3_stmt *sql_start(struct engine *e, enum sql which, const struct sql_value *values,
                        size_t count, struct error *err);
void sql_resetp(sqlite3_stmt **st);
/* 1: a row, 0: no more, -1. */
int sql_step(struct engine *e, sqlite3_stmt *st, struct error *err);
/* Runs it to its end; rows are passed over. */
int sql_run(struct engine *e, enum sql which, const struct sql_value *values, size_t count,
            struct error *err);
/* The first column of the first row; none when there is no row. */
int sql_number(struct engine *e, enum sql which, const struct sql_value *values, size_t count,
               int64_t none, int64_t *out, struct error *err);
/* A copy that the caller frees; NULL for NULL. */
char *sql_text(sqlite3_stmt *st, int column);

/* Reports the failure of a call, with kind as store_engine.h says. Returns -1. */
int sql_error(struct engine *e, int rc, struct error *err, const char *doing);

/* Forgets recorded events, and counts those that are there (store_sqlite_events.c). */
int events_forget(struct engine *e, int64_t until_ms, int max, int *gone, struct error *err);
int events_tally(struct engine *e, struct error *err);

/* Appends what SQLite's error log said last, and forgets it. */
void sql_last_words(struct error *err);

/* Refuses another program's database and one of a newer automark; changes nothing. */
int schema_check(struct engine *e, const char *path, struct error *err);
/* Brings an empty or older database to the schema of this program. */
int schema_prepare(struct engine *e, struct error *err);
/* PRAGMA name, or PRAGMA name=value: its first answer as a number or text. */
int sql_pragma(struct engine *e, const char *pragma, char *answer, size_t size, struct error *err);
int sql_script(struct engine *e, const char *script, struct error *err);

#endif
