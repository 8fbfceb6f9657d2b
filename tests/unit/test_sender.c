/* The sender with a real store on one side and a small SendKit on the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "serve/sender.h"
#include "store/store.h"
#include "web_help.h"

#define IDS 3000

/* ---- a small SendKit ------------------------------------------------------------------ */

enum mood { FINE, DROP_AFTER, DROP_BEFORE, DOWN, NO_SUCH };

struct sendkit {
    struct web web;
    _Atomic enum mood mood;
    atomic_int mood_calls; /* that many calls more, then FINE; below 0: for ever */
    atomic_int latency_ms;
    _Atomic long bad;      /* this id is refused; below 0: none */
    atomic_bool wants_new; /* the key sk_new, all others are refused */
    atomic_uint calls, probes, unread;
    atomic_uchar marked[IDS];
};

static void each_id(const char *body, void (*fn)(struct sendkit *, long), struct sendkit *k)
{
    for (const char *at = body; (at = strstr(at, "\"c")); at += 2)
        if (at[2] >= '0' && at[2] <= '9')
            fn(k, strtol(at + 2, NULL, 10));
}

static void apply(struct sendkit *k, long id)
{
    assert_true(id >= 0 && id < IDS);
    atomic_fetch_add(&k->marked[id], 1);
}

static bool names_bad(struct sendkit *k, const char *request)
{
    char id[32];
    snprintf(id, sizeof(id), "\"c%ld\"", atomic_load(&k->bad));
    return strstr(request, id) != NULL;
}

static enum mood next_mood(struct sendkit *k)
{
    const int left = atomic_load(&k->mood_calls);
    if (left == 0)
        return FINE;
    if (left > 0)
        atomic_fetch_sub(&k->mood_calls, 1);
    return atomic_load(&k->mood);
}

static void be_sendkit(void *ctx, const char *request, struct buf *out)
{
    struct sendkit *k = ctx;
    const bool probe = strncmp(request, "GET ", 4) == 0;
    const bool unread = strncmp(request, "PATCH ", 6) == 0;
    atomic_fetch_add(probe ? &k->probes : &k->calls, 1);
    web_nap(atomic_load(&k->latency_ms));
    if (atomic_load(&k->wants_new) && !strstr(request, "\r\nX-Api-Key: sk_new\r\n")) {
        web_json(out, 401, "", "{\"message\":\"Invalid API key\"}");
        return;
    }
    const enum mood mood = probe ? FINE : next_mood(k);
    const char *body = strstr(request, "\r\n\r\n");
    if (mood == DOWN)
        web_json(out, 500, "", "{\"message\":\"oops\"}");
    else if (mood == NO_SUCH || (atomic_load(&k->bad) >= 0 && names_bad(k, request)))
        web_json(out, 400, "",
                 "{\"error\":\"Bad Request\",\"message\":\"Invalid conversation id\"}");
    else if (mood != DROP_BEFORE)
        unread ? (void)atomic_fetch_add(&k->unread, 1) : each_id(body, apply, k);
    if (mood == FINE && out->len == 0)
        web_json(out, 200, "", "{\"success\":true,\"data\":{\"modified\":1}}");
}

/* ---- a place with a store and a sender -------------------------------------------------- */

struct house {
    struct sendkit kit;
    char dir[64], url[128];
    struct store *store;
    struct sender *sender;
    atomic_size_t answered;
};

static struct sender_lane lane_for(const struct house *h, const char *key)
{
    return (struct sender_lane){ .workspace = "w",
                                 .api_url = h->kit.web.url,
                                 .key = key,
                                 .batch = 100,
                                 .max_in_flight = 1,
                                 .give_up_ms = 1000000,
                                 .settle_ms = 300000 };
}

static void start_sender(struct house *h, const char *key)
{
    struct error err = ERROR_INIT;
    const struct sender_lane lane = lane_for(h, key);
    const struct sender_config cfg = { .lanes = &lane, .count = 1, .seed = 1 };
    h->sender = sender_new(&cfg, h->store, &err);
    if (!h->sender)
        fail_msg("%s", err.msg);
}

static void house_open(struct house *h)
{
    struct error err = ERROR_INIT;
    memset(h, 0, sizeof(*h));
    atomic_store(&h->kit.bad, -1);
    web_start(&h->kit.web, be_sendkit, &h->kit);
    snprintf(h->dir, sizeof(h->dir), "/tmp/automark-sender-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    snprintf(h->url, sizeof(h->url), "sqlite:%s/q.db", h->dir);
    const struct store_config cfg = { .url = h->url, .retention_ms = INT64_C(2592000000) };
    h->store = store_open(&cfg, &err);
    if (!h->store)
        fail_msg("%s", err.msg);
}

static void house_close(struct house *h)
{
    static const char *const tails[] = { "", "-wal", "-shm", ".lock", ".ballast" };
    sender_free(h->sender);
    store_close(h->store);
    web_stop(&h->kit.web);
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        char path[160];
        snprintf(path, sizeof(path), "%s/q.db%s", h->dir, tails[i]);
        unlink(path);
    }
    rmdir(h->dir);
}

static void count_answer(void *ctx, const struct receipt *r, const struct error *err)
{
    struct house *h = ctx;
    (void)r;
    if (!err)
        atomic_fetch_add(&h->answered, 1);
}

static void submit_in(struct house *h, const char *workspace, unsigned id, enum decision d)
{
    char conversation[16], dedupe[32];
    struct error err = ERROR_INIT;
    snprintf(conversation, sizeof(conversation), "c%u", id);
    snprintf(dedupe, sizeof(dedupe), "%u-%d", id, d);
    const struct submission s = { .workspace = workspace,
                                  .conversation = conversation,
                                  .event = "email.replied",
                                  .dedupe = dedupe,
                                  .arrived_at_ms = clock_wall_ms(),
                                  .decision = d,
                                  .rule = "ooo",
                                  .reason = "rule",
                                  .settle_ms = 300000 };
    while (store_submit(h->store, &s, count_answer, h, &err) < 0) {
        assert_int_equal(err.kind, ERR_AGAIN);
        web_nap(1);
    }
}

static void submit(struct house *h, unsigned id, enum decision d)
{
    submit_in(h, "w", id, d);
}

static size_t jobs_in(struct house *h, enum job_kind kind, enum job_state state)
{
    struct store_stats st;
    store_stats(h->store, &st);
    return st.jobs[kind][state];
}

static void wait_for_jobs(struct house *h, enum job_kind kind, enum job_state state, size_t n,
                          int64_t at_most_ms)
{
    const int64_t end = clock_mono_ms() + at_most_ms;
    while (jobs_in(h, kind, state) < n) {
        if (clock_mono_ms() > end)
            fail_msg("%zu jobs are %s, not %zu; %zu pending, %u calls", jobs_in(h, kind, state),
                     job_state_name(state), n, jobs_in(h, kind, JOB_PENDING),
                     atomic_load(&h->kit.calls));
        web_nap(10);
    }
}

/* ---- tests ------------------------------------------------------------------------------- */

static void test_burst(void **state)
{
    (void)state;
    struct house h;
    house_open(&h);
    atomic_store(&h.kit.latency_ms, 100);
    start_sender(&h, "sk_1");
    const int64_t began = clock_mono_ms();
    for (unsigned i = 0; i < 2000; i++)
        submit(&h, i, DECISION_MARK);
    wait_for_jobs(&h, JOB_READ, JOB_DONE, 2000, 20000);
    const int64_t took = clock_mono_ms() - began;
    for (unsigned i = 0; i < 2000; i++)
        assert_int_equal(atomic_load(&h.kit.marked[i]), 1);
    if (atomic_load(&h.kit.calls) > (unsigned)(took / 100) + 20)
        fail_msg("%u calls in %lld ms", atomic_load(&h.kit.calls), (long long)took);
    house_close(&h);
}

static void test_one_refused(void **state)
{
    (void)state;
    struct house h;
    house_open(&h);
    atomic_store(&h.kit.bad, 119); /* the last: nobody is left to compare it with */
    for (unsigned i = 0; i < 120; i++)
        submit(&h, i, DECISION_MARK);
    start_sender(&h, "sk_1");
    wait_for_jobs(&h, JOB_READ, JOB_DONE, 119, 10000);
    wait_for_jobs(&h, JOB_READ, JOB_FAILED, 1, 10000);
    scoped(job_list_done) struct job_list l = { 0 };
    const struct job_filter f = { .state = JOB_FAILED, .kind = -1 };
    assert_int_equal(store_jobs(h.store, &f, &l, NULL), 0);
    assert_int_equal(l.count, 1);
    assert_string_equal(l.jobs[0].conversation, "c119");
    assert_string_equal(l.jobs[0].note, "HTTP 400: Invalid conversation id");
    for (unsigned i = 0; i < 119; i++)
        assert_int_equal(atomic_load(&h.kit.marked[i]), 1);
    house_close(&h);
}

static void test_key_refused_and_reloaded(void **state)
{
    (void)state;
    struct house h;
    struct sender_health health;
    house_open(&h);
    atomic_store(&h.kit.wants_new, true);
    start_sender(&h, "sk_old");
    for (unsigned i = 0; i < 50; i++)
        submit(&h, i, DECISION_MARK);
    const int64_t end = clock_mono_ms() + 5000;
    do {
        web_nap(10);
        assert_int_equal(sender_state(h.sender, &health, 1), 1);
    } while (health.mode != SENDER_STOPPED && clock_mono_ms() < end);
    assert_int_equal(health.mode, SENDER_STOPPED);
    assert_string_equal(health.words, "HTTP 401: Invalid API key");
    web_nap(300);
    assert_true(atomic_load(&h.kit.calls) <= 2);
    assert_int_equal(jobs_in(&h, JOB_READ, JOB_PENDING), 50);

    struct error err = ERROR_INIT;
    struct sender_lane lane = lane_for(&h, "bad\nkey");
    assert_int_equal(sender_reload(h.sender, &lane, 1, &err), -1);
    assert_non_null(strstr(err.msg, "workspace w: the API key holds"));
    lane.key = "sk_new";
    assert_int_equal(sender_reload(h.sender, &lane, 1, &err), 0);
    wait_for_jobs(&h, JOB_READ, JOB_DONE, 50, 3000);
    web_nap(50);
    sender_state(h.sender, &health, 1);
    assert_int_equal(health.mode, SENDER_RUNNING);
    assert_true(health.last_success_at_ms > 0);
    house_close(&h);
}

static void test_trouble_passes(void **state)
{
    (void)state;
    static const enum mood moods[] = { DROP_AFTER, DROP_BEFORE, DOWN, NO_SUCH };
    for (size_t m = 0; m < ARRAY_LEN(moods); m++) {
        struct house h;
        house_open(&h);
        atomic_store(&h.kit.mood, moods[m]);
        atomic_store(&h.kit.mood_calls, 2);
        for (unsigned i = 0; i < 30; i++)
            submit(&h, i, DECISION_MARK);
        start_sender(&h, "sk_1");
        wait_for_jobs(&h, JOB_READ, JOB_DONE, 30, 15000);
        for (unsigned i = 0; i < 30; i++)
            assert_true(atomic_load(&h.kit.marked[i]) >= 1);
        house_close(&h);
    }
}

static void test_unread_after_kept_reply(void **state)
{
    (void)state;
    struct house h;
    house_open(&h);
    start_sender(&h, "sk_1");
    submit(&h, 1, DECISION_MARK);
    wait_for_jobs(&h, JOB_READ, JOB_DONE, 1, 5000);
    submit(&h, 1, DECISION_KEEP);
    wait_for_jobs(&h, JOB_UNREAD, JOB_DONE, 1, 5000);
    assert_int_equal(atomic_load(&h.kit.unread), 1);
    house_close(&h);
}

static void test_stop_lets_calls_finish(void **state)
{
    (void)state;
    struct house h;
    house_open(&h);
    atomic_store(&h.kit.latency_ms, 600);
    start_sender(&h, "sk_1");
    submit(&h, 1, DECISION_MARK);
    wait_for_jobs(&h, JOB_READ, JOB_SENDING, 1, 5000);
    submit(&h, 2, DECISION_MARK);
    const int64_t began = clock_mono_ms();
    sender_free(h.sender);
    h.sender = NULL;
    assert_true(clock_mono_ms() - began < 5000);
    assert_int_equal(jobs_in(&h, JOB_READ, JOB_DONE), 1);
    assert_int_equal(jobs_in(&h, JOB_READ, JOB_SENDING), 0);
    assert_int_equal(atomic_load(&h.kit.calls), 1);
    house_close(&h);
}

/* Two workspaces, one key, one of them paused: its marks wait, its unread jobs do not. */
static void test_shared_key_and_pause(void **state)
{
    (void)state;
    struct house h;
    struct error err = ERROR_INIT;
    house_open(&h);
    start_sender(&h, "sk_1");
    submit(&h, 1, DECISION_MARK);
    wait_for_jobs(&h, JOB_READ, JOB_DONE, 1, 5000);
    sender_free(h.sender);

    struct sender_lane lanes[] = { lane_for(&h, "sk_1"), lane_for(&h, "sk_1") };
    lanes[0].paused = true;
    lanes[1].workspace = "x";
    lanes[1].max_in_flight = 3;
    const struct sender_config cfg = { .lanes = lanes, .count = 2, .seed = 1 };
    h.sender = sender_new(&cfg, h.store, &err);
    assert_non_null(h.sender);
    for (unsigned i = 100; i < 250; i++) {
        submit(&h, i, DECISION_MARK);
        submit_in(&h, "x", 1000 + i, DECISION_MARK);
    }
    submit(&h, 1, DECISION_KEEP);
    wait_for_jobs(&h, JOB_READ, JOB_DONE, 151, 10000);
    wait_for_jobs(&h, JOB_UNREAD, JOB_DONE, 1, 10000);
    web_nap(100);
    assert_int_equal(jobs_in(&h, JOB_READ, JOB_PENDING), 150);
    lanes[0].paused = false;
    assert_int_equal(sender_reload(h.sender, lanes, 2, &err), 0);
    wait_for_jobs(&h, JOB_READ, JOB_DONE, 301, 10000);
    for (unsigned i = 100; i < 250; i++) {
        assert_int_equal(atomic_load(&h.kit.marked[i]), 1);
        assert_int_equal(atomic_load(&h.kit.marked[1000 + i]), 1);
    }
    house_close(&h);
}

static void test_no_key(void **state)
{
    (void)state;
    struct house h;
    struct sender_health health;
    house_open(&h);
    start_sender(&h, NULL);
    submit(&h, 1, DECISION_MARK);
    wait_for_jobs(&h, JOB_READ, JOB_PENDING, 1, 5000);
    web_nap(100);
    sender_state(h.sender, &health, 1);
    assert_int_equal(health.mode, SENDER_NO_KEY);
    assert_int_equal(atomic_load(&h.kit.calls), 0);
    house_close(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst),
        cmocka_unit_test(test_one_refused),
        cmocka_unit_test(test_key_refused_and_reloaded),
        cmocka_unit_test(test_trouble_passes),
        cmocka_unit_test(test_unread_after_kept_reply),
        cmocka_unit_test(test_stop_lets_calls_finish),
        cmocka_unit_test(test_shared_key_and_pause),
        cmocka_unit_test(test_no_key),
    };
    log_setup(LOG_LOGFMT, getenv("SENDER_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
