/* store_sqlite.c - the SQLite engine: opening with care, transactions, the log.
 *
 * One connection in exclusive mode: SQLite 3.7 to 3.51.2 can lose rows when two
 * connections checkpoint at once (the WAL-reset bug), and one cannot. For the reasons
 * behind each setting see src/README.md and sqlite.org/pragma.html. */
#include "store/store_sqlite.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/cleanup.h"

#define QUICK_CHECK_MAX_BYTES (INT64_C(64) << 20) /* a start must not take seconds */

/* ---- SQLite's own last words -------------------------------------------------------- */

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t words_lock = PTHREAD_MUTEX_INITIALIZER;
static char last_words[200];

static void hear(void *ctx, int code, const char *msg)
{
    (void)ctx;
    pthread_mutex_lock(&words_lock);
    snprintf(last_words, sizeof(last_words), "SQLite %d: %s", code, msg);
    pthread_mutex_unlock(&words_lock);
}

static void global_setup(void)
{
    sqlite3_config(SQLITE_CONFIG_LOG, hear, NULL);
    sqlite3_initialize();
}

void sql_last_words(struct error *err)
{
    if (!err)
        return;
    pthread_mutex_lock(&words_lock);
    const size_t used = strlen(err->msg);
    if (last_words[0])
        snprintf(err->msg + used, sizeof(err->msg) - used, " [%s]", last_words);
    last_words[0] = '\0';
    pthread_mutex_unlock(&words_lock);
}

/* ---- opening ------------------------------------------------------------------------ */

/* What must answer with what; want NULL: whatever. The first ones change no file, the
 * others may be applied to our own file only. */
struct setting {
    const char *pragma, *want;
};
static const struct setting harmless[] = {
    { "PRAGMA busy_timeout=5000", "5000" },
    { "PRAGMA locking_mode=EXCLUSIVE", "exclusive" },
    { "PRAGMA locking_mode", "exclusive" },
    { "PRAGMA trusted_schema=OFF", NULL },
    { "PRAGMA trusted_schema", "0" },
    { "PRAGMA cell_size_check=ON", NULL },
    { "PRAGMA cell_size_check", "1" },
    { "PRAGMA mmap_size=0", NULL }, /* SIGBUS on I/O errors otherwise */
    { "PRAGMA temp_store=MEMORY", NULL },
    { "PRAGMA cache_size=-16384", NULL }, /* 16 MiB */
    { "PRAGMA foreign_keys=ON", NULL },
};
static const struct setting ours[] = {
    { "PRAGMA journal_mode=WAL", "wal" },
    { "PRAGMA synchronous=FULL", NULL },
    { "PRAGMA synchronous", "2" },
    { "PRAGMA wal_autocheckpoint=0", "0" }, /* engine_fold_log() does, between commits */
    { "PRAGMA journal_size_limit=67108864", "67108864" },
};

static int damaged(const char *path, const char *words, struct error *err)
{
    return error_set(err, ERR_FATAL,
                     "%s is damaged: %s. Nothing was changed: keep the file and its -wal, restore "
                     "a backup, or recover with sqlite3's .recover",
                     path, words);
}

static int apply(struct engine *e, const struct setting *settings, size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        char answer[64];
        if (sql_pragma(e, settings[i].pragma, answer, sizeof(answer), err) < 0)
            return -1;
        if (settings[i].want && strcmp(answer, settings[i].want) != 0)
            return error_set(err, ERR_FATAL, "store: %s answered '%s' instead of '%s'",
                             settings[i].pragma, answer, settings[i].want);
    }
    return 0;
}

static void harden(struct engine *e)
{
    sqlite3_db_config(e->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(e->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(e->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

static int quick_check(struct engine *e, const char *path, struct error *err)
{
    struct stat st;
    if (stat(path, &st) < 0 || st.st_size > QUICK_CHECK_MAX_BYTES)
        return 0;
    char answer[256];
    if (sql_pragma(e, "PRAGMA quick_check(1)", answer, sizeof(answer), err) < 0)
        return -1;
    return strcmp(answer, "ok") == 0 ? 0 : damaged(path, answer, err);
}

static int on_commit(void *ctx, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    struct engine *e = ctx;
    e->log_bytes = (int64_t)pages * (4096 + 24);
    return SQLITE_OK;
}

static int count_jobs(struct engine *e, struct error *err)
{
    scoped(sql_resetp) sqlite3_stmt *st = sql_start(e, SQL_JOBS_TALLY, NULL, 0, err);
    if (!st)
        return -1;
    int rc;
    while ((rc = sql_step(e, st, err)) > 0) {
        const int kind = sqlite3_column_int(st, 0), state = sqlite3_column_int(st, 1);
        if (kind < 0 || kind > JOB_UNREAD || state < 0 || state > JOB_PARKED)
            return error_set(err, ERR_FATAL, "store: a job of unknown kind %d or state %d", kind,
                             state);
        e->tally.jobs[kind][state] = (size_t)sqlite3_column_int64(st, 2);
    }
    return rc;
}

static int count_all(struct engine *e, struct error *err)
{
    int64_t decisions;
    if (count_jobs(e, err) < 0 ||
        sql_number(e, SQL_DECISIONS_TALLY, NULL, 0, 0, &decisions, err) < 0)
        return -1;
    e->tally.decisions = (size_t)decisions;
    return events_tally(e, err);
}

/* Words for the two failures of opening that people meet. */
static int open_failed(struct engine *e, const char *path, struct error *err)
{
    const int rc = e->db ? sqlite3_errcode(e->db) : SQLITE_CANTOPEN;
    if (rc == SQLITE_NOTADB || rc == SQLITE_CORRUPT)
        return damaged(path, sqlite3_errmsg(e->db), err);
    if (rc == SQLITE_BUSY)
        return error_set(err, ERR_FATAL, "%s is open in another program (a sqlite3 shell?)", path);
    return -1;
}

static int prepare(struct engine *e, const char *path, struct error *err)
{
    harden(e);
    if (apply(e, harmless, ARRAY_LEN(harmless), err) < 0 || schema_check(e, path, err) < 0 ||
        quick_check(e, path, err) < 0 || apply(e, ours, ARRAY_LEN(ours), err) < 0 ||
        schema_prepare(e, err) < 0 || count_all(e, err) < 0)
        return -1;
    sqlite3_wal_hook(e->db, on_commit, e);
    e->log_bytes = 1; /* an earlier run may have left one: fold it when idle */
    return 0;
}

struct engine *engine_open(const char *path, struct error *err)
{
    pthread_once(&global_once, global_setup);
    struct engine *e = xcalloc(1, sizeof(*e));
    struct error why = ERROR_INIT;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
                      SQLITE_OPEN_EXRESCODE;
    const int rc = sqlite3_open_v2(path, &e->db, flags, NULL);
    if (rc != SQLITE_OK)
        sql_error(e, rc, &why, path);
    else if (prepare(e, path, &why) == 0)
        return e;
    if (why.kind == ERR_FATAL)
        open_failed(e, path, &why);
    engine_close(e, true);
    if (err)
        *err = why;
    return NULL;
}

/* A broken engine is closed without a checkpoint (NO_CKPT_ON_CLOSE): what reached the
 * log is there for the next start. */
void engine_close(struct engine *e, bool broken)
{
    if (!e)
        return;
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(e->prepared[i]);
    if (e->db && !broken)
        sqlite3_wal_checkpoint_v2(e->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_close(e->db);
    free(e);
}

/* ---- transactions ------------------------------------------------------------------- */

int engine_begin(struct engine *e, struct error *err)
{
    e->at_begin = e->tally;
    return sql_run(e, SQL_BEGIN, NULL, 0, err);
}

int engine_commit(struct engine *e, struct error *err)
{
    return sql_run(e, SQL_COMMIT, NULL, 0, err);
}

/* SQLite rolls back by itself after some errors. */
void engine_rollback(struct engine *e)
{
    if (!sqlite3_get_autocommit(e->db))
        sql_run(e, SQL_ROLLBACK, NULL, 0, NULL);
    e->tally = e->at_begin;
}

int engine_item(struct engine *e, struct error *err)
{
    e->at_item = e->tally;
    return sql_run(e, SQL_SAVE, NULL, 0, err);
}

int engine_item_keep(struct engine *e, struct error *err)
{
    return sql_run(e, SQL_RELEASE, NULL, 0, err);
}

int engine_item_undo(struct engine *e, struct error *err)
{
    e->tally = e->at_item;
    if (sql_run(e, SQL_UNDO, NULL, 0, err) < 0)
        return -1;
    return sql_run(e, SQL_RELEASE, NULL, 0, err);
}

int64_t engine_log_bytes(const struct engine *e)
{
    return e->log_bytes;
}

int engine_fold_log(struct engine *e, bool shrink, struct error *err)
{
    const int mode = shrink ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    const int rc = sqlite3_wal_checkpoint_v2(e->db, NULL, mode, NULL, NULL);
    if (rc != SQLITE_OK)
        return sql_error(e, rc, err, "checkpoint");
    e->log_bytes = 0;
    return 0;
}

const struct tally *engine_tally(const struct engine *e)
{
    return &e->tally;
}
