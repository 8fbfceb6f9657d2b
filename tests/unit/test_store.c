/* The store on its disk: opening, locking, damage, full disks, failing syncs, listings. */
#include "store_help.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/clock.h"

/* ---- a SQLite whose disk misbehaves on demand --------------------------------------- */

static struct {
    atomic_int fail_sync;       /* the sync that fails, counted down; 0: none */
    atomic_bool full;           /* writes fail with SQLITE_FULL */
    char full_while_there[128]; /* ... or while this file exists (the ballast) */
} trouble;

/* The database and its log have methods of their own, alike but for the locks. */
static sqlite3_io_methods bad_methods[2];
static int (*real_sync)(sqlite3_file *, int);
static int (*real_write)(sqlite3_file *, const void *, int, sqlite3_int64);
static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);

static int bad_sync(sqlite3_file *f, int flags)
{
    if (atomic_load(&trouble.fail_sync) > 0 && atomic_fetch_sub(&trouble.fail_sync, 1) == 1)
        return SQLITE_IOERR_FSYNC;
    return real_sync(f, flags);
}

static int bad_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    if (atomic_load(&trouble.full) ||
        (trouble.full_while_there[0] && access(trouble.full_while_there, F_OK) == 0))
        return SQLITE_FULL;
    return real_write(f, bytes, n, at);
}

static int bad_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    const int rc = real_open(v, name, f, flags, out);
    if (rc == SQLITE_OK && f->pMethods) {
        sqlite3_io_methods *bad = &bad_methods[(flags & SQLITE_OPEN_MAIN_DB) != 0];
        real_sync = f->pMethods->xSync;
        real_write = f->pMethods->xWrite;
        *bad = *f->pMethods;
        bad->xSync = bad_sync;
        bad->xWrite = bad_write;
        f->pMethods = bad;
    }
    return rc;
}

static int install_bad_disk(void **state)
{
    (void)state;
    static sqlite3_vfs bad;
    /* A store first: its log hook must be set before SQLite is initialised. */
    struct place p;
    place_make(&p);
    store_close(must_open(&p));
    place_remove(&p);
    bad = *sqlite3_vfs_find(NULL);
    real_open = bad.xOpen;
    bad.xOpen = bad_open;
    bad.zName = "bad";
    bad.pNext = NULL;
    return sqlite3_vfs_register(&bad, 1);
}

static int healthy_disk(void **state)
{
    (void)state;
    trouble.fail_sync = 0;
    trouble.full = false;
    trouble.full_while_there[0] = '\0';
    return 0;
}

/* ---- opening ------------------------------------------------------------------------ */

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *words;
    } rows[] = {
        { "postgres://localhost/x", "only sqlite:FILE is known" },
        { "", "only sqlite:FILE is known" },
        { "sqlite:", "must be followed by a file's path" },
        { "sqlite:/tmp/", "must be followed by a file's path" },
        { "sqlite::memory:", "must be followed by a file's path" },
        { "sqlite:/tmp/no-such-dir-xyz/nor-this/x.db", "mkdir -p -m 0700 /tmp/no-such-dir-xyz" },
        { "sqlite:/dev/null/x.db", "/dev/null is not a directory" },
        { "sqlite:/tmp", "/tmp" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct error err = ERROR_INIT;
        const struct store_config cfg = { .url = rows[i].url };
        assert_null(store_open(&cfg, &err));
        if (!strstr(err.msg, rows[i].words))
            fail_msg("%s: %s", rows[i].url, err.msg);
    }
    unlink("/tmp.lock");
}

static void test_modes(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    char dir[80], path[128];
    snprintf(dir, sizeof(dir), "%s/made", p.dir);
    snprintf(p.url, sizeof(p.url), "sqlite:%s/automark.db", dir);
    const mode_t old = umask(0);
    struct store *st = must_open(&p);
    say(st, "c", "k", DECISION_MARK);
    umask(old);
    static const char *const tails[] = { "", "-wal", ".lock" };
    struct stat s;
    assert_int_equal(stat(dir, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0700);
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        snprintf(path, sizeof(path), "%s/automark.db%s", dir, tails[i]);
        assert_int_equal(stat(path, &s), 0);
        assert_int_equal(s.st_mode & 0777, 0600);
    }
    snprintf(path, sizeof(path), "%s/automark.db-shm", dir);
    assert_int_not_equal(access(path, F_OK), 0); /* exclusive: nobody else can join */
    store_close(st);
    char keep[64];
    snprintf(keep, sizeof(keep), "%s", p.dir);
    snprintf(p.dir, sizeof(p.dir), "%.50s/made", keep);
    place_remove(&p);
    rmdir(keep);
}

static void test_second_owner(void **state)
{
    (void)state;
    struct place p;
    struct error err = ERROR_INIT;
    char words[64];
    place_make(&p);
    struct store *st = must_open(&p);
    assert_null(open_here(&p, &err));
    snprintf(words, sizeof(words), "in use by automark with pid %ld", (long)getpid());
    if (!strstr(err.msg, words))
        fail_msg("%s", err.msg);
    assert_int_equal(say(st, "c", "k", DECISION_MARK).outcome, OUTCOME_QUEUED); /* unharmed */
    store_close(st);
    store_close(must_open(&p));
    place_remove(&p);
}

/* What the file holds before the store is opened, and what is said. */
static void make_newer(const char *path)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=999", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void make_foreign(const char *path)
{
    unlink(path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE t(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void overwrite(const char *path, off_t at, size_t count)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    char junk[512];
    memset(junk, 0x5A, sizeof(junk));
    assert_true(fd >= 0);
    for (; count > 0; count--, at += (off_t)sizeof(junk))
        assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
    close(fd);
}

static void make_text(const char *path)
{
    overwrite(path, 0, 1);
}

static void damage_pages(const char *path)
{
    overwrite(path, 4096, 80);
}

static void test_files_that_are_not_ours(void **state)
{
    (void)state;
    static const struct {
        void (*make)(const char *path);
        const char *words;
    } rows[] = {
        { make_newer, "written by a newer automark (schema 999" },
        { make_foreign, "is a database of another program" },
        { make_text, "is damaged" },
        { damage_pages, "is damaged" },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct place p;
        struct error err = ERROR_INIT;
        char path[128];
        scoped(buf_free) struct buf before = BUF_INIT, after = BUF_INIT;
        place_make(&p);
        struct store *st = must_open(&p);
        for (int k = 0; k < 50; k++) {
            char key[16];
            snprintf(key, sizeof(key), "k%d", k);
            say(st, key, key, DECISION_MARK);
        }
        store_close(st);
        place_path(&p, "", path, sizeof(path));
        rows[i].make(path);
        scoped(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(buf_read_fd(&before, fd, 1 << 20), 0);

        assert_null(open_here(&p, &err));
        if (!strstr(err.msg, rows[i].words))
            fail_msg("row %zu: %s", i, err.msg);
        lseek(fd, 0, SEEK_SET);
        assert_int_equal(buf_read_fd(&after, fd, 1 << 20), 0);
        assert_int_equal(before.len, after.len);
        assert_memory_equal(before.data, after.data, before.len); /* evidence is kept */
        place_remove(&p);
    }
}

/* ---- trouble with the disk ---------------------------------------------------------- */

static void test_failing_sync(void **state)
{
    struct place p;
    struct error err = ERROR_INIT;
    struct receipt r;
    struct store_stats stats;
    place_make(&p);
    struct store *st = must_open(&p);
    say(st, "c1", "k1", DECISION_MARK);
    trouble.fail_sync = 1;
    struct submission s = event("c2", "k2", DECISION_MARK);
    assert_int_equal(submit(st, &s, &r, &err), -1);
    assert_int_equal(err.kind, ERR_FATAL);
    if (!strstr(err.msg, "SQLite 1034"))
        fail_msg("%s", err.msg);

    /* The disk would work again; the handle is not to be trusted. */
    healthy_disk(state);
    s = event("c3", "k3", DECISION_MARK);
    assert_int_equal(submit(st, &s, &r, &err), -1);
    assert_int_equal(err.kind, ERR_FATAL);
    struct store_due due;
    assert_int_equal(store_due(st, "w", test_clock(), &due, &err), -1);
    assert_int_equal(err.kind, ERR_FATAL);
    store_stats(st, &stats);
    assert_true(stats.broken);
    assert_true(strlen(stats.words) > 0);
    store_close(st);

    st = must_open(&p);
    assert_int_equal(say(st, "c1", "k1", DECISION_MARK).outcome, OUTCOME_DUPLICATE);
    assert_int_equal(say(st, "c3", "k3", DECISION_MARK).outcome, OUTCOME_QUEUED);
    store_close(st);
    place_remove(&p);
}

static void wait_for_room(struct store *st)
{
    struct store_stats stats;
    const int64_t until = clock_mono_ms() + 10000;
    do {
        usleep(50000);
        store_stats(st, &stats);
    } while (stats.disk_low && clock_mono_ms() < until);
    assert_false(stats.disk_low);
}

/* The disk is full as long as the ballast lies there. */
static void test_full_disk_drains(void **state)
{
    struct place p;
    struct error err = ERROR_INIT;
    struct receipt r;
    struct store_stats stats;
    int64_t id;
    char ballast[128];
    place_make(&p);
    place_path(&p, ".ballast", ballast, sizeof(ballast));
    const struct store_config cfg = {
        .url = p.url, .retention_ms = 30 * DAY, .ballast_bytes = 1 << 20, .wall_ms = test_clock
    };
    struct store *st = store_open(&cfg, &err);
    assert_non_null(st);
    assert_int_equal(access(ballast, F_OK), 0);
    say(st, "c1", "k1", DECISION_MARK);

    snprintf(trouble.full_while_there, sizeof(trouble.full_while_there), "%s", ballast);
    struct submission s = event("c2", "k2", DECISION_MARK);
    assert_int_equal(submit(st, &s, &r, &err), -1);
    assert_int_equal(err.kind, ERR_AGAIN);
    store_stats(st, &stats);
    assert_true(stats.disk_low);
    assert_false(stats.broken);
    assert_int_not_equal(access(ballast, F_OK), 0);
    assert_int_equal(submit(st, &s, &r, &err), -1); /* refused before touching the disk */
    assert_int_equal(err.kind, ERR_AGAIN);
    assert_int_equal(claim(st, JOB_READ, &id), 1); /* drains */
    finish(st, id, JOB_DONE, REACH_DONE);

    healthy_disk(state);
    wait_for_room(st);
    assert_int_equal(access(ballast, F_OK), 0);
    assert_int_equal(must_submit(st, &s).outcome, OUTCOME_QUEUED);
    store_close(st);
    place_remove(&p);
}

/* A call in the same transaction as events that no longer fit is tried again without them. */
static void test_full_during_call(void **state)
{
    struct place p;
    struct error err = ERROR_INIT;
    int64_t part;
    place_make(&p);
    struct store *st = must_open(&p);
    trouble.full = true;
    assert_int_equal(store_new_part(st, &part, &err), -1);
    assert_int_equal(err.kind, ERR_AGAIN);
    healthy_disk(state);
    assert_int_equal(store_new_part(st, &part, &err), 0);
    store_close(st);
    place_remove(&p);
}

/* ---- a real small file system ---- */

#define TAKEN_AFTER 100 /* submissions, when somebody else takes the rest of the disk */

static void filler_path(char path[32], const char *dir)
{
    snprintf(path, 32, "%.20s/filler", dir);
}

static void fill_disk(const char *dir)
{
    char path[32];
    char junk[65536] = { 1 };
    filler_path(path, dir);
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, junk, sizeof(junk)) > 0)
        ;
    close(fd);
}

/* How many were accepted before the disk was full; err says why no more. */
static int submit_until_full(struct store *st, const char *dir, struct error *err)
{
    for (int accepted = 0;; accepted++) {
        char key[32];
        struct receipt r;
        snprintf(key, sizeof(key), "k%d", accepted);
        struct submission s = event(key, key, DECISION_MARK);
        if (submit(st, &s, &r, err) < 0)
            return accepted;
        if (accepted == TAKEN_AFTER)
            fill_disk(dir);
    }
}

/* On a full disk too, what was accepted can be brought to its end. */
static bool finish_jobs(struct store *st, int count)
{
    struct error err = ERROR_INIT;
    for (int i = 0; i < count; i++) {
        scoped(job_list_done) struct job_list l = { 0 };
        if (store_claim(st, "w", JOB_READ, 0, 1, START, &l, &err) < 0 || l.count != 1)
            return false;
        const int64_t id = l.jobs[0].id;
        const struct job_result done = { .id = id, .state = JOB_DONE, .reach = REACH_DONE };
        if (store_finish(st, &done, 1, SETTLE, &err) < 0)
            return false;
    }
    return true;
}

static bool accepts_within(struct store *st, int64_t ms)
{
    struct error err = ERROR_INIT;
    struct receipt r;
    struct submission s = event("last", "last", DECISION_MARK);
    const int64_t until = clock_mono_ms() + ms;
    while (submit(st, &s, &r, &err) < 0) {
        if (clock_mono_ms() > until)
            return false;
        usleep(50000);
    }
    return true;
}

static bool knows_the_first(struct store *st)
{
    struct error err = ERROR_INIT;
    struct receipt r;
    struct submission s = event("k0", "k0", DECISION_MARK);
    return submit(st, &s, &r, &err) == 0 && r.outcome == OUTCOME_DUPLICATE;
}

/* Filled to the brim by somebody else. Runs in a child of its own mount namespace; exit
 * status 77: not allowed here. */
static int on_small_disk(const char *dir)
{
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", dir, "tmpfs", 0, "size=4m,mode=0700") < 0)
        return 77;
    struct error err = ERROR_INIT;
    struct place p;
    char filler[32];
    snprintf(p.dir, sizeof(p.dir), "%s", dir);
    snprintf(p.url, sizeof(p.url), "sqlite:%s/automark.db", dir);
    atomic_store(&test_now_ms, START);
    const struct store_config cfg = {
        .url = p.url, .retention_ms = 30 * DAY, .ballast_bytes = -1, .wall_ms = test_clock
    };
    struct store *st = store_open(&cfg, &err);
    if (!st)
        return 1;
    const int accepted = submit_until_full(st, dir, &err);
    if (err.kind != ERR_AGAIN || accepted < TAKEN_AFTER) {
        fprintf(stderr, "%d accepted, then %s\n", accepted, err.msg);
        return 2;
    }
    if (!finish_jobs(st, accepted))
        return 3;
    filler_path(filler, dir);
    unlink(filler);
    if (!accepts_within(st, 10000))
        return 4;
    store_close(st);
    st = store_open(&cfg, &err);
    if (!st)
        return 5;
    const bool known = knows_the_first(st);
    store_close(st);
    return known ? 0 : 6;
}

static void test_small_disk(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    char dir[] = "/tmp/am-XXXXXX";
    assert_non_null(mkdtemp(dir));
    fflush(NULL);
    const pid_t child = fork();
    if (child == 0)
        _exit(on_small_disk(dir));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    rmdir(dir);
    place_remove(&p);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- bounds ------------------------------------------------------------------------------------
 */

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    bool entered, open;
    int answers;
};

static void hold_writer(void *ctx, const struct receipt *r, const struct error *err)
{
    (void)r;
    (void)err;
    struct gate *g = ctx;
    pthread_mutex_lock(&g->lock);
    g->entered = true;
    pthread_cond_broadcast(&g->opened);
    while (!g->open)
        pthread_cond_wait(&g->opened, &g->lock);
    g->answers++;
    pthread_mutex_unlock(&g->lock);
}

static void test_too_many_waiting(void **state)
{
    (void)state;
    struct place p;
    struct error err = ERROR_INIT;
    struct gate g = { .lock = PTHREAD_MUTEX_INITIALIZER, .opened = PTHREAD_COND_INITIALIZER };
    place_make(&p);
    const struct store_config cfg = {
        .url = p.url, .retention_ms = 30 * DAY, .waiting_max = 2, .wall_ms = test_clock
    };
    struct store *st = store_open(&cfg, &err);
    assert_non_null(st);
    struct submission s = event("c0", "k0", DECISION_MARK);
    assert_int_equal(store_submit(st, &s, hold_writer, &g, &err), 0);
    pthread_mutex_lock(&g.lock);
    while (!g.entered)
        pthread_cond_wait(&g.opened, &g.lock);
    pthread_mutex_unlock(&g.lock);

    s = event("c1", "k1", DECISION_MARK);
    assert_int_equal(store_submit(st, &s, hold_writer, &g, &err), 0);
    assert_int_equal(store_submit(st, &s, hold_writer, &g, &err), 0);
    assert_int_equal(store_submit(st, &s, hold_writer, &g, &err), -1);
    assert_int_equal(err.kind, ERR_AGAIN);
    struct store_stats stats;
    store_stats(st, &stats); /* does not wait for the writer */
    assert_int_equal(stats.events, 1);

    pthread_mutex_lock(&g.lock);
    g.open = true;
    pthread_cond_broadcast(&g.opened);
    pthread_mutex_unlock(&g.lock);
    store_close(st); /* answers what waits */
    assert_int_equal(g.answers, 3);
    place_remove(&p);
}

static void test_impossible_submissions(void **state)
{
    (void)state;
    struct place p;
    struct error err = ERROR_INIT;
    struct receipt r;
    place_make(&p);
    struct store *st = must_open(&p);
    struct submission s = event("c", "", DECISION_MARK);
    assert_int_equal(submit(st, &s, &r, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    s = event("", "k", DECISION_MARK);
    assert_int_equal(submit(st, &s, &r, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    char *huge = malloc(1 << 20);
    memset(huge, 'x', (1 << 20) - 1);
    huge[(1 << 20) - 1] = '\0';
    s = event("c", "k", DECISION_MARK);
    s.detail = huge;
    assert_int_equal(submit(st, &s, &r, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    free(huge);
    const struct job_result bad = { .id = 1, .state = JOB_CANCELLED };
    assert_int_equal(store_finish(st, &bad, 1, SETTLE, &err), -1);
    assert_int_equal(err.kind, ERR_INPUT);
    assert_int_equal(say(st, "c", "k", DECISION_MARK).outcome, OUTCOME_QUEUED);
    store_close(st);
    place_remove(&p);
}

/* ---- parts, listings, people, rules ------------------------------------------------- */

static void fill(struct store *st, const char *prefix, const char *rule, int count)
{
    for (int i = 0; i < count; i++) {
        char key[32];
        snprintf(key, sizeof(key), "%s%d", prefix, i);
        struct submission s = event(key, key, DECISION_MARK);
        s.rule = rule;
        assert_int_equal(store_submit(st, &s, NULL, NULL, NULL), 0);
    }
}

static void test_parts(void **state)
{
    (void)state;
    struct place p;
    struct error err = ERROR_INIT;
    int64_t a, b, next;
    place_make(&p);
    struct store *st = must_open(&p);
    assert_int_equal(store_new_part(st, &a, &err), 0);
    store_close(st);
    st = must_open(&p);
    assert_int_equal(store_new_part(st, &b, &err), 0);
    assert_true(a > 0 && b > a);

    fill(st, "c", "ooo", 6);
    scoped(job_list_done) struct job_list l = { 0 }, part = { 0 }, rest = { 0 };
    assert_int_equal(store_claim(st, "w", JOB_READ, 0, 100, START, &l, &err), 0);
    assert_int_equal(l.count, 6);
    for (size_t i = 0; i < l.count; i++) {
        const struct job_result r = {
            .id = l.jobs[i].id,
            .state = JOB_PENDING,
            .due_at_ms = i == 5 ? START + 500 : START,
            .part = i < 2   ? a
                    : i < 4 ? b
                            : 0,
            .refused = true,
            .note = "bad id",
        };
        assert_int_equal(store_finish(st, &r, 1, SETTLE, &err), 0);
    }
    assert_int_equal(store_next_part(st, "w", START, &next, &err), 0);
    assert_int_equal(next, a);
    assert_int_equal(store_claim(st, "w", JOB_READ, a, 100, START, &part, &err), 0);
    assert_int_equal(part.count, 2);
    assert_int_equal(part.jobs[0].part, a);
    assert_string_equal(part.jobs[0].note, "bad id");
    assert_int_equal(part.jobs[0].refused_at_ms, START);
    assert_int_equal(part.jobs[0].attempts, 0);
    assert_int_equal(store_next_part(st, "w", START, &next, &err), 0);
    assert_int_equal(next, b);
    assert_int_equal(store_claim(st, "w", JOB_READ, 0, 100, START, &rest, &err), 0);
    assert_int_equal(rest.count, 1);
    store_close(st);
    place_remove(&p);
}

static void test_listing_in_pages(void **state)
{
    (void)state;
    struct place p;
    struct error err = ERROR_INIT;
    size_t n, kept;
    place_make(&p);
    struct store *st = must_open(&p);
    fill(st, "a", "ooo", 350);
    fill(st, "b", "bounce", 250);
    const struct job_filter all = { .state = -1, .kind = -1 },
                            bounces = { .rule = "bounce", .state = -1, .kind = -1, .limit = 240 },
                            behind = { .state = -1, .kind = -1, .after_id = 590 },
                            one = { .state = -1, .kind = -1, .id = 351 },
                            none = { .state = -1, .kind = -1, .id = 9999 },
                            elsewhere = { .workspace = "x", .state = -1, .kind = -1 };
    static const char *const live[] = { "ooo" };
    const struct {
        const struct job_filter *f;
        size_t count;
        int64_t first;
    } rows[] = {
        { &all, 600, 1 }, { &bounces, 240, 351 }, { &behind, 10, 591 },
        { &one, 1, 351 }, { &none, 0, 0 },        { &elsewhere, 0, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(job_list_done) struct job_list l = { 0 };
        assert_int_equal(store_jobs(st, rows[i].f, &l, &err), 0);
        assert_int_equal(l.count, rows[i].count);
        if (l.count > 0)
            assert_int_equal(l.jobs[0].id, rows[i].first);
    }
    assert_int_equal(store_park_orphans(st, "w", live, 1, &n, &err), 0);
    assert_int_equal(n, 250);
    struct store_stats stats;
    store_stats(st, &stats);
    assert_int_equal(stats.jobs[JOB_READ][JOB_PARKED], 250);
    assert_int_equal(stats.jobs[JOB_READ][JOB_PENDING], 350);
    assert_int_equal(stats.decisions, 600);
    assert_int_equal(store_change(st, &all, JOB_CANCEL, "tidy up", true, &n, &kept, &err), 0);
    assert_int_equal(n, 600);
    assert_int_equal(store_change(st, &all, JOB_RELEASE, NULL, false, &n, &kept, &err), 0);
    assert_int_equal(n, 250);
    assert_int_equal(store_change(st, &bounces, JOB_CANCEL, "tidy up", false, &n, &kept, &err), 0);
    assert_int_equal(n, 250);
    store_stats(st, &stats);
    assert_int_equal(stats.jobs[JOB_READ][JOB_CANCELLED], 250);

    scoped(decision_list_done) struct decision_list d = { 0 }, of_one = { 0 };
    assert_int_equal(store_decisions(st, "w", NULL, 450, &d, &err), 0);
    assert_int_equal(d.count, 450);
    assert_string_equal(d.records[0].conversation, "b249");
    assert_true(d.records[449].id < d.records[448].id);
    assert_int_equal(store_decisions(st, "w", "a7", 10, &of_one, &err), 0);
    assert_int_equal(of_one.count, 1);
    assert_string_equal(of_one.records[0].reason, "rule");
    assert_int_equal(of_one.records[0].job, 8);
    store_close(st);
    place_remove(&p);
}

static void test_rules_blob(void **state)
{
    (void)state;
    struct place p;
    struct error err = ERROR_INIT;
    scoped(freep) char *none = NULL, *blob = NULL;
    size_t len = 1;
    place_make(&p);
    struct store *st = must_open(&p);
    assert_int_equal(store_rules_load(st, "w", &none, &len, &err), 0);
    assert_null(none);
    assert_int_equal(store_rules_save(st, "w", "v1", "old", 3, &err), 0);
    assert_int_equal(store_rules_save(st, "w", "v2", "a\0b", 3, &err), 0);
    store_close(st);
    st = must_open(&p);
    assert_int_equal(store_rules_load(st, "w", &blob, &len, &err), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(blob, "a\0b", 3);
    store_close(st);
    place_remove(&p);
}

/* ---- time --------------------------------------------------------------------------- */

static void test_clock_that_was_wrong(void **state)
{
    (void)state;
    for (int reopen = 0; reopen < 2; reopen++) {
        struct place p;
        place_make(&p);
        struct store *st = must_open(&p);
        pass(3650 * DAY);
        struct submission s = event("c", "k", DECISION_MARK);
        s.hold_ms = MINUTE;
        must_submit(st, &s);
        pass(-3650 * DAY);
        if (reopen) {
            store_close(st);
            st = must_open(&p);
        }
        say(st, "other", "o", DECISION_KEEP); /* the writer sees the time */
        scoped(job_list_done) struct job_list l = jobs_of(st, "c", -1, -1);
        assert_int_equal(l.jobs[0].due_at_ms, START + MINUTE);
        store_close(st);
        place_remove(&p);
    }
}

static void wait_for_decisions(struct store *st, size_t want)
{
    struct store_stats stats;
    const int64_t until = clock_mono_ms() + 10000;
    do {
        usleep(20000);
        store_stats(st, &stats);
    } while (stats.decisions != want && clock_mono_ms() < until);
    assert_int_equal(stats.decisions, want);
}

static void test_retention_and_memory(void **state)
{
    (void)state;
    struct place p;
    struct error err = ERROR_INIT;
    int64_t id;
    place_make(&p);
    const struct store_config cfg = { .url = p.url, .retention_ms = DAY, .wall_ms = test_clock };
    struct store *st = store_open(&cfg, &err);
    fill(st, "c", "ooo", 90);
    while (claim(st, JOB_READ, &id) > 0) {
        for (int64_t i = 0; i < 90; i++)
            finish(st, id + i, JOB_DONE, REACH_DONE);
    }
    say(st, "human", "human", DECISION_KEEP);
    store_close(st);

    pass(29 * DAY);
    st = store_open(&cfg, &err); /* looks for what is old as it starts */
    wait_for_decisions(st, 0);
    assert_int_equal(say(st, "c1", "c1", DECISION_MARK).outcome, OUTCOME_DUPLICATE);
    assert_int_equal(say(st, "human", "x", DECISION_MARK).outcome, OUTCOME_KEPT);
    struct submission s = event("c2", "y", DECISION_KEEP);
    s.received_at_ms = START; /* swept along, and comes late */
    assert_int_equal(must_submit(st, &s).unread, 1);
    store_close(st);

    pass(2 * DAY);
    st = store_open(&cfg, &err);
    wait_for_decisions(st, 0);
    struct store_stats stats;
    const int64_t until = clock_mono_ms() + 10000;
    do {
        usleep(20000);
        store_stats(st, &stats);
    } while (stats.jobs[JOB_READ][JOB_DONE] != 0 && clock_mono_ms() < until);
    assert_int_equal(stats.jobs[JOB_READ][JOB_DONE], 0);
    assert_int_equal(stats.jobs[JOB_UNREAD][JOB_PENDING], 1); /* never forgotten unsent */
    store_close(st);
    place_remove(&p);
}

static atomic_int told;

static void hear_of_jobs(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&told, 1);
}

static void test_on_jobs(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct store *st = must_open(&p);
    store_on_jobs(st, hear_of_jobs, NULL);
    say(st, "c", "k", DECISION_KEEP);
    assert_int_equal(atomic_load(&told), 0);
    say(st, "d", "l", DECISION_MARK);
    store_close(st);
    assert_int_equal(atomic_load(&told), 1);
    place_remove(&p);
}

int main(void)
{
    signal(SIGXFSZ, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_second_owner),
        cmocka_unit_test(test_files_that_are_not_ours),
        cmocka_unit_test_teardown(test_failing_sync, healthy_disk),
        cmocka_unit_test_teardown(test_full_disk_drains, healthy_disk),
        cmocka_unit_test_teardown(test_full_during_call, healthy_disk),
        cmocka_unit_test(test_small_disk),
        cmocka_unit_test(test_too_many_waiting),
        cmocka_unit_test(test_impossible_submissions),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_listing_in_pages),
        cmocka_unit_test(test_rules_blob),
        cmocka_unit_test(test_clock_that_was_wrong),
        cmocka_unit_test(test_retention_and_memory),
        cmocka_unit_test(test_on_jobs),
    };
    return cmocka_run_group_tests(tests, install_bad_disk, NULL);
}
