/* store_help.h - a store in a directory of its own, a clock that the test sets, and
 * submissions that wait for their answer. */
#ifndef AUTOMARK_TESTS_STORE_HELP_H
#define AUTOMARK_TESTS_STORE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "store/store.h"

#define MINUTE INT64_C(60000)
#define DAY (INT64_C(86400) * 1000)
#define START INT64_C(1790000000000) /* where the test clock begins */
#define SETTLE (5 * MINUTE)

static _Atomic int64_t test_now_ms;

__attribute__((unused)) static int64_t test_clock(void)
{
    return atomic_load(&test_now_ms);
}

__attribute__((unused)) static void pass(int64_t ms)
{
    atomic_fetch_add(&test_now_ms, ms);
}

struct place {
    char dir[64];
    char url[128];
};

__attribute__((unused)) static void place_make(struct place *p)
{
    snprintf(p->dir, sizeof(p->dir), "/tmp/automark-store-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->url, sizeof(p->url), "sqlite:%s/automark.db", p->dir);
    atomic_store(&test_now_ms, START);
}

__attribute__((unused)) static void place_path(const struct place *p, const char *tail, char *out,
                                               size_t size)
{
    snprintf(out, size, "%s/automark.db%s", p->dir, tail);
}

__attribute__((unused)) static void place_remove(struct place *p)
{
    static const char *const tails[] = { "", "-wal", "-shm", ".lock", ".ballast" };
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        char path[128];
        place_path(p, tails[i], path, sizeof(path));
        unlink(path);
    }
    rmdir(p->dir);
}

__attribute__((unused)) static struct store *open_here(const struct place *p, struct error *err)
{
    const struct store_config cfg = { .url = p->url,
                                      .retention_ms = 30 * DAY,
                                      .wall_ms = test_clock };
    return store_open(&cfg, err);
}

__attribute__((unused)) static struct store *must_open(const struct place *p)
{
    struct error err = ERROR_INIT;
    struct store *st = open_here(p, &err);
    if (!st)
        fail_msg("store_open: %s", err.msg);
    return st;
}

/* ---- one answer --------------------------------------------------------------------- */

struct answer {
    pthread_mutex_t lock;
    pthread_cond_t came;
    bool there;
    int rc;
    struct receipt receipt;
    struct error err;
};

__attribute__((unused)) static void take_answer(void *ctx, const struct receipt *r,
                                                const struct error *err)
{
    struct answer *a = ctx;
    pthread_mutex_lock(&a->lock);
    a->there = true;
    a->rc = err ? -1 : 0;
    if (r)
        a->receipt = *r;
    if (err)
        a->err = *err;
    pthread_cond_signal(&a->came);
    pthread_mutex_unlock(&a->lock);
}

__attribute__((unused)) static int submit(struct store *st, const struct submission *s,
                                          struct receipt *r, struct error *err)
{
    struct answer a = { .lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER };
    if (store_submit(st, s, take_answer, &a, err) < 0)
        return -1;
    pthread_mutex_lock(&a.lock);
    while (!a.there)
        pthread_cond_wait(&a.came, &a.lock);
    pthread_mutex_unlock(&a.lock);
    *r = a.receipt;
    if (a.rc < 0 && err)
        *err = a.err;
    return a.rc;
}

/* A mark of rule "ooo" in workspace "w", arriving now; the caller changes what matters. */
__attribute__((unused)) static struct submission event(const char *conversation, const char *key,
                                                       enum decision d)
{
    return (struct submission){
        .workspace = "w",
        .conversation = conversation,
        .event = "email.replied",
        .dedupe = key,
        .arrived_at_ms = test_clock(),
        .decision = d,
        .rule = d == DECISION_KEEP ? NULL : "ooo",
        .reason = d == DECISION_MARK   ? "rule"
                  : d == DECISION_KEEP ? "no-match"
                                       : "shadow",
        .settle_ms = SETTLE,
    };
}

__attribute__((unused)) static struct receipt must_submit(struct store *st,
                                                          const struct submission *s)
{
    struct error err = ERROR_INIT;
    struct receipt r = { 0 };
    if (submit(st, s, &r, &err) < 0)
        fail_msg("submit: %s", err.msg);
    return r;
}

__attribute__((unused)) static struct receipt say(struct store *st, const char *conversation,
                                                  const char *key, enum decision d)
{
    const struct submission s = event(conversation, key, d);
    return must_submit(st, &s);
}

/* ---- jobs --------------------------------------------------------------------------- */

__attribute__((unused)) static size_t claim(struct store *st, enum job_kind kind, int64_t *id)
{
    scoped(job_list_done) struct job_list l = { 0 };
    struct error err = ERROR_INIT;
    if (store_claim(st, "w", kind, 0, 100, test_clock(), &l, &err) < 0)
        fail_msg("claim: %s", err.msg);
    if (l.count > 0 && id)
        *id = l.jobs[0].id;
    return l.count;
}

__attribute__((unused)) static void finish(struct store *st, int64_t id, enum job_state state,
                                           enum job_reach reach)
{
    struct error err = ERROR_INIT;
    const struct job_result r = {
        .id = id, .state = state, .reach = reach, .due_at_ms = test_clock() + 1000, .burn = true
    };
    if (store_finish(st, &r, 1, SETTLE, &err) < 0)
        fail_msg("finish: %s", err.msg);
}

__attribute__((unused)) static struct job_list jobs_of(struct store *st, const char *conversation,
                                                       int kind, int state)
{
    struct error err = ERROR_INIT;
    struct job_list l = { 0 };
    const struct job_filter f = {
        .workspace = "w", .conversation = conversation, .kind = kind, .state = state
    };
    if (store_jobs(st, &f, &l, &err) < 0)
        fail_msg("jobs: %s", err.msg);
    return l;
}

__attribute__((unused)) static size_t count_jobs(struct store *st, const char *conversation,
                                                 int kind, int state)
{
    scoped(job_list_done) struct job_list l = jobs_of(st, conversation, kind, state);
    return l.count;
}

#endif
