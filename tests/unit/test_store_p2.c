/* P2 and P3: a kept reply against a mark in every state, in either order. */
#include "store_help.h"

#define C "conv-1"

/* ---- a mark is brought into a state, then a human reply is kept --------------------- */

static void nothing(struct store *st)
{
    (void)st;
}

static void pending(struct store *st)
{
    assert_int_equal(say(st, C, "mark", DECISION_MARK).outcome, OUTCOME_QUEUED);
}

static void held(struct store *st)
{
    struct submission s = event(C, "mark", DECISION_MARK);
    s.hold_ms = 60 * MINUTE;
    assert_int_equal(must_submit(st, &s).outcome, OUTCOME_QUEUED);
}

static void parked(struct store *st)
{
    struct submission s = event(C, "mark", DECISION_MARK);
    s.park = true;
    assert_int_equal(must_submit(st, &s).outcome, OUTCOME_PARKED);
}

static int64_t sending_id;

static void sending(struct store *st)
{
    pending(st);
    assert_int_equal(claim(st, JOB_READ, &sending_id), 1);
}

static void refused_and_retrying(struct store *st)
{
    sending(st);
    finish(st, sending_id, JOB_PENDING, REACH_NO);
}

static void lost_and_retrying(struct store *st)
{
    sending(st);
    finish(st, sending_id, JOB_PENDING, REACH_UNKNOWN);
}

static void lost_and_sending_again(struct store *st)
{
    lost_and_retrying(st);
    pass(2000);
    assert_int_equal(claim(st, JOB_READ, &sending_id), 1);
}

static void lost_and_parked(struct store *st)
{
    size_t n;
    lost_and_retrying(st);
    assert_int_equal(store_park_orphans(st, "w", NULL, 0, &n, NULL), 0);
    assert_int_equal(n, 1);
}

static void done_just_now(struct store *st)
{
    sending(st);
    finish(st, sending_id, JOB_DONE, REACH_DONE);
    pass(4 * MINUTE);
}

static void done_long_ago(struct store *st)
{
    sending(st);
    finish(st, sending_id, JOB_DONE, REACH_DONE);
    pass(SETTLE + 1);
}

static void done_after_loss_just_now(struct store *st)
{
    lost_and_sending_again(st);
    finish(st, sending_id, JOB_DONE, REACH_DONE);
    pass(MINUTE); /* the lost call may still land */
}

static void done_after_loss_long_ago(struct store *st)
{
    lost_and_sending_again(st);
    finish(st, sending_id, JOB_DONE, REACH_DONE);
    pass(SETTLE + 1);
}

static void failed(struct store *st)
{
    sending(st);
    finish(st, sending_id, JOB_FAILED, REACH_NO);
}

static void lost_and_failed(struct store *st)
{
    lost_and_sending_again(st);
    finish(st, sending_id, JOB_FAILED, REACH_NO);
}

static void cancel(struct store *st)
{
    size_t n, kept;
    const struct job_filter f = { .conversation = C, .state = -1, .kind = -1 };
    assert_int_equal(store_change(st, &f, JOB_CANCEL, "by hand", false, &n, &kept, NULL), 0);
    assert_int_equal(n, 1);
}

static void cancelled(struct store *st)
{
    pending(st);
    cancel(st);
}

static void lost_and_cancelled(struct store *st)
{
    lost_and_retrying(st);
    cancel(st);
}

static const struct {
    const char *name;
    void (*before)(struct store *st);
    enum job_state mark; /* afterwards */
    size_t now, later;   /* unread jobs: due at once, and settle later */
} states[] = {
    { "no mark at all", nothing, JOB_DONE, 0, 0 },
    { "pending", pending, JOB_CANCELLED, 0, 0 },
    { "held", held, JOB_CANCELLED, 0, 0 },
    { "parked", parked, JOB_CANCELLED, 0, 0 },
    { "sending", sending, JOB_SENDING, 0, 0 },
    { "refused, retrying", refused_and_retrying, JOB_CANCELLED, 0, 0 },
    { "lost, retrying", lost_and_retrying, JOB_CANCELLED, 1, 1 },
    { "lost, sending again", lost_and_sending_again, JOB_SENDING, 0, 0 },
    { "lost, parked", lost_and_parked, JOB_CANCELLED, 1, 1 },
    { "done within settle", done_just_now, JOB_DONE, 1, 0 },
    { "done long ago", done_long_ago, JOB_DONE, 0, 0 },
    { "lost, then done just now", done_after_loss_just_now, JOB_DONE, 1, 1 },
    { "lost, then done long ago", done_after_loss_long_ago, JOB_DONE, 0, 0 },
    { "failed", failed, JOB_FAILED, 0, 0 },
    { "lost, then failed", lost_and_failed, JOB_FAILED, 1, 1 },
    { "cancelled", cancelled, JOB_CANCELLED, 0, 0 },
    { "lost, then cancelled", lost_and_cancelled, JOB_CANCELLED, 1, 1 },
};

/* How a reply comes to be kept; P2 holds for each. */
static const struct {
    const char *name;
    enum decision decision;
    bool by_guard;
    int64_t age_ms; /* of received_at; 0: missing */
    enum outcome outcome;
    const char *reason;
} keeps[] = {
    { "no rule matched", DECISION_KEEP, false, 0, OUTCOME_KEPT, "no-match" },
    { "guard", DECISION_KEEP, true, 0, OUTCOME_KEPT, "no-match" },
    { "shadow", DECISION_SHADOW, false, 0, OUTCOME_SHADOW, "shadow" },
};

static size_t due_unread(struct job_list *l, int64_t at_ms)
{
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++)
        n += l->jobs[i].due_at_ms == at_ms;
    return n;
}

static void expect_unread(struct store *st, const char *name, int64_t at_ms, size_t now,
                          size_t later)
{
    scoped(job_list_done) struct job_list l = jobs_of(st, C, JOB_UNREAD, JOB_PENDING);
    if (l.count != now + later || due_unread(&l, at_ms) != now ||
        due_unread(&l, at_ms + SETTLE) != later)
        fail_msg("%s: %zu unread jobs, %zu now, %zu later; want %zu and %zu", name, l.count,
                 due_unread(&l, at_ms), due_unread(&l, at_ms + SETTLE), now, later);
}

static void expect_mark(struct store *st, const char *name, enum job_state want)
{
    scoped(job_list_done) struct job_list l = jobs_of(st, C, JOB_READ, -1);
    for (size_t i = 0; i < l.count; i++)
        if (l.jobs[i].state != want)
            fail_msg("%s: the mark is %s, want %s", name, job_state_name(l.jobs[i].state),
                     job_state_name(want));
}

static void test_kept_reply_in_every_state(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(keeps); k++)
        for (size_t i = 0; i < ARRAY_LEN(states); i++) {
            struct place p;
            char name[100];
            snprintf(name, sizeof(name), "%s, %s", states[i].name, keeps[k].name);
            place_make(&p);
            struct store *st = must_open(&p);
            states[i].before(st);

            struct submission s = event(C, "human", keeps[k].decision);
            s.by_guard = keeps[k].by_guard;
            const struct receipt r = must_submit(st, &s);
            assert_int_equal(r.outcome, keeps[k].outcome);
            assert_string_equal(r.reason, keeps[k].reason);
            expect_mark(st, name, states[i].mark);
            expect_unread(st, name, test_clock(), states[i].now, states[i].later);
            assert_int_equal(r.unread, states[i].now + states[i].later);

            store_close(st);
            place_remove(&p);
        }
}

/* ---- the call that was in flight when the reply came, ends -------------------------- */

static const struct {
    const char *name;
    void (*before)(struct store *st);
    enum job_state said; /* by the sender */
    enum job_reach reach;
    enum job_state mark;
    size_t now, later;
} ends[] = {
    { "confirmed", sending, JOB_DONE, REACH_DONE, JOB_DONE, 1, 0 },
    { "lost", sending, JOB_PENDING, REACH_UNKNOWN, JOB_CANCELLED, 1, 1 },
    { "lost and given up", sending, JOB_FAILED, REACH_UNKNOWN, JOB_CANCELLED, 1, 1 },
    { "refused", sending, JOB_PENDING, REACH_NO, JOB_CANCELLED, 0, 0 },
    { "refused for good", sending, JOB_FAILED, REACH_NO, JOB_CANCELLED, 0, 0 },
    { "refused, lost before", lost_and_sending_again, JOB_PENDING, REACH_NO, JOB_CANCELLED, 1, 1 },
    { "confirmed, lost before", lost_and_sending_again, JOB_DONE, REACH_DONE, JOB_DONE, 1, 1 },
};

static void test_call_in_flight_ends(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct place p;
        place_make(&p);
        struct store *st = must_open(&p);
        ends[i].before(st);
        say(st, C, "human", DECISION_KEEP);
        assert_int_equal(claim(st, JOB_UNREAD, NULL), 0);
        pass(700);
        finish(st, sending_id, ends[i].said, ends[i].reach);
        expect_mark(st, ends[i].name, ends[i].mark);
        expect_unread(st, ends[i].name, test_clock(), ends[i].now, ends[i].later);
        pass(60 * MINUTE);
        assert_int_equal(claim(st, JOB_READ, NULL), 0);
        store_close(st);
        place_remove(&p);
    }
}

/* The same when the process dies instead: outcome unknown. */
static void test_restart_in_flight(void **state)
{
    (void)state;
    for (int with_reply = 0; with_reply < 2; with_reply++) {
        struct place p;
        place_make(&p);
        struct store *st = must_open(&p);
        sending(st);
        if (with_reply)
            say(st, C, "human", DECISION_KEEP);
        store_close(st);
        pass(3 * MINUTE);
        st = must_open(&p);
        if (with_reply) {
            expect_mark(st, "restart", JOB_CANCELLED);
            expect_unread(st, "restart", test_clock(), 1, 1);
        } else {
            scoped(job_list_done) struct job_list l = jobs_of(st, C, JOB_READ, JOB_PENDING);
            assert_int_equal(l.count, 1);
            assert_int_equal(l.jobs[0].reach, REACH_UNKNOWN);
            assert_int_equal(l.jobs[0].reached_at_ms, START);
            assert_int_equal(l.jobs[0].due_at_ms, test_clock());
        }
        store_close(st);
        place_remove(&p);
    }
}

static void test_unread_survives_restart_and_failure(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct store *st = must_open(&p);
    int64_t id;
    done_just_now(st);
    say(st, C, "human", DECISION_KEEP);
    assert_int_equal(claim(st, JOB_UNREAD, &id), 1);
    store_close(st);
    st = must_open(&p);
    assert_int_equal(claim(st, JOB_UNREAD, &id), 1);
    finish(st, id, JOB_FAILED, REACH_NO);
    assert_int_equal(count_jobs(st, C, JOB_UNREAD, JOB_PENDING), 1);
    pass(15 * MINUTE);
    struct store_stats stats;
    store_stats(st, &stats);
    assert_int_equal(stats.late_unread_ms, 14 * MINUTE);
    assert_int_equal(claim(st, JOB_UNREAD, &id), 1);
    finish(st, id, JOB_DONE, REACH_DONE);
    store_stats(st, &stats);
    assert_int_equal(stats.late_unread_ms, 0);
    assert_int_equal(stats.jobs[JOB_UNREAD][JOB_DONE], 1);
    store_close(st);
    place_remove(&p);
}

/* ---- the memory of kept replies forbids marks --------------------------------------- */

static void expect_kept_reply(struct store *st, const struct submission *s, const char *reason)
{
    const struct receipt r = must_submit(st, s);
    assert_int_equal(r.outcome, OUTCOME_KEPT);
    assert_string_equal(r.reason, reason);
    assert_int_equal(r.job, 0);
}

static void test_memory(void **state)
{
    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(keeps); k++) {
        struct place p;
        place_make(&p);
        struct store *st = must_open(&p);
        struct submission s = event(C, "human", keeps[k].decision);
        s.by_guard = keeps[k].by_guard;
        must_submit(st, &s);

        pass(30 * DAY - MINUTE);
        store_close(st);
        st = must_open(&p);
        s = event(C, "newer", DECISION_MARK);
        expect_kept_reply(st, &s, "kept-reply");
        s = event("another", "other", DECISION_MARK);
        assert_int_equal(must_submit(st, &s).outcome, OUTCOME_QUEUED);
        pass(30 * DAY + MINUTE); /* that one was kept as well, and is forgotten now */
        s = event(C, "much-newer", DECISION_MARK);
        assert_int_equal(must_submit(st, &s).outcome, OUTCOME_QUEUED);
        store_close(st);
        place_remove(&p);
    }
}

static void test_times(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct store *st = must_open(&p);
    struct submission s = event(C, "old", DECISION_MARK);
    s.received_at_ms = START - STORE_MEMORY_MS - 1;
    expect_kept_reply(st, &s, "too-old");
    s = event("c2", "edge", DECISION_MARK);
    s.received_at_ms = START - STORE_MEMORY_MS;
    assert_int_equal(must_submit(st, &s).outcome, OUTCOME_QUEUED);

    int64_t id;
    assert_int_equal(claim(st, JOB_READ, &id), 1);
    finish(st, id, JOB_DONE, REACH_DONE);

    /* Whether a reply was swept along hangs on its received_at. */
    static const struct {
        const char *key;
        int64_t received_ms; /* after the mark was done; 0: missing */
        size_t unread;
    } rows[] = {
        { "swept", -MINUTE, 1 }, { "perhaps", SETTLE, 1 },  { "after", SETTLE + 1, 0 },
        { "missing", 0, 0 },     { "future", 90 * DAY, 0 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(say(st, rows[i].key, rows[i].key, DECISION_MARK).outcome, OUTCOME_QUEUED);
        assert_int_equal(claim(st, JOB_READ, &id), 1);
        finish(st, id, JOB_DONE, REACH_DONE);
        const int64_t done_ms = test_clock();
        pass(10 * MINUTE);
        s = event(rows[i].key, "human", DECISION_KEEP);
        char key[40];
        snprintf(key, sizeof(key), "human-%s", rows[i].key);
        s.dedupe = key;
        s.received_at_ms = rows[i].received_ms ? done_ms + rows[i].received_ms : 0;
        if (must_submit(st, &s).unread != rows[i].unread)
            fail_msg("%s: want %zu unread", rows[i].key, rows[i].unread);
    }
    store_close(st);
    place_remove(&p);
}

/* ---- two events of one message ----------------------------------------------------------------
 */

static struct submission of_message(const char *conversation, const char *key, const char *message,
                                    bool guard)
{
    struct submission s = event(conversation, key, guard ? DECISION_KEEP : DECISION_MARK);
    s.by_guard = guard;
    s.message = message;
    return s;
}

static void test_guard_comes_first(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct store *st = must_open(&p);
    struct submission s = of_message("named-otherwise", "positive", "m1", true);
    must_submit(st, &s);
    s = of_message(C, "replied", "m1", false);
    expect_kept_reply(st, &s, "kept-reply");
    s = of_message(C "x", "other", "m2", false);
    assert_int_equal(must_submit(st, &s).outcome, OUTCOME_QUEUED);
    s = of_message("e1", "empty-guard", "", true);
    must_submit(st, &s);
    s = of_message("e2", "empty-mark", "", false);
    assert_int_equal(must_submit(st, &s).outcome, OUTCOME_QUEUED);
    store_close(st);
    place_remove(&p);
}

static const struct {
    const char *name, *conversation, *message;
    int64_t after_ms;
    bool guard;
    size_t unread;
} late[] = {
    { "a guard, 20 minutes late", C, "m1", 20 * MINUTE, true, 1 },
    { "a guard, 29 days late", C, "m1", 29 * DAY, true, 1 },
    { "a guard, naming another conversation", "elsewhere", "m1", 20 * MINUTE, true, 1 },
    { "a guard, another message", C, "m2", 20 * MINUTE, true, 0 },
    { "a plain keep, the same message", C, "m1", 20 * MINUTE, false, 0 },
};

static void test_guard_comes_late(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(late); i++) {
        struct place p;
        place_make(&p);
        struct store *st = must_open(&p);
        int64_t id;
        struct submission s = of_message(C, "replied", "m1", false);
        must_submit(st, &s);
        assert_int_equal(claim(st, JOB_READ, &id), 1);
        finish(st, id, JOB_DONE, REACH_DONE);
        pass(late[i].after_ms);
        s = of_message(late[i].conversation, "positive", late[i].message, true);
        s.by_guard = late[i].guard;
        must_submit(st, &s);
        if (count_jobs(st, C, JOB_UNREAD, JOB_PENDING) != late[i].unread)
            fail_msg("%s: want %zu unread", late[i].name, late[i].unread);
        store_close(st);
        place_remove(&p);
    }
}

/* ---- P3 ----------------------------------------------------------------------------- */

static void expect_duplicate(struct store *st, const char *when)
{
    const struct receipt r = say(st, C, "mark", DECISION_MARK);
    if (r.outcome != OUTCOME_DUPLICATE || r.job != 0)
        fail_msg("%s: the redelivery is not a duplicate", when);
}

static void test_redelivery(void **state)
{
    (void)state;
    for (size_t i = 1; i < ARRAY_LEN(states); i++) {
        struct place p;
        place_make(&p);
        struct store *st = must_open(&p);
        states[i].before(st);
        const size_t jobs = count_jobs(st, C, -1, -1);
        expect_duplicate(st, states[i].name);
        pass(29 * DAY);
        store_close(st);
        st = must_open(&p);
        expect_duplicate(st, states[i].name);
        assert_int_equal(count_jobs(st, C, -1, -1), jobs);
        /* the key belongs to its workspace */
        struct submission s = event(C, "mark", DECISION_MARK);
        s.workspace = "w2";
        assert_int_equal(must_submit(st, &s).outcome, OUTCOME_QUEUED);
        store_close(st);
        place_remove(&p);
    }
}

/* ---- jobs join, caps, people -------------------------------------------------------- */

static void test_join(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct store *st = must_open(&p);
    struct submission s = event(C, "a", DECISION_MARK);
    s.hold_ms = MINUTE;
    const int64_t job = must_submit(st, &s).job;
    s = event(C, "b", DECISION_MARK);
    s.hold_ms = 10 * MINUTE;
    assert_int_equal(must_submit(st, &s).job, job);
    s = event(C, "c", DECISION_MARK);
    assert_int_equal(must_submit(st, &s).job, job);
    struct store_due due;
    assert_int_equal(store_due(st, "w", test_clock(), &due, NULL), 0);
    assert_int_equal(due.read, 0);
    assert_int_equal(due.next_due_at_ms, START + 10 * MINUTE);
    pass(10 * MINUTE);
    int64_t id;
    assert_int_equal(claim(st, JOB_READ, &id), 1);
    assert_int_equal(id, job);
    const struct receipt r = say(st, C, "d", DECISION_MARK); /* while sending: a new one */
    assert_int_not_equal(r.job, job);
    assert_int_equal(store_due(st, "w", test_clock(), &due, NULL), 0);
    assert_int_equal(due.read, 0);
    assert_int_equal(due.next_due_at_ms, 0);
    assert_int_equal(claim(st, JOB_READ, &id), 0); /* one call at a time per conversation */
    finish(st, job, JOB_DONE, REACH_DONE);
    assert_int_equal(claim(st, JOB_READ, &id), 1);
    assert_int_equal(id, r.job);
    store_close(st);
    place_remove(&p);
}

static void test_caps(void **state)
{
    (void)state;
    static const struct {
        const char *key, *rule;
        int64_t wait_ms;
        bool park;
        enum outcome outcome;
        const char *reason;
    } rows[] = {
        { "1", "ooo", 0, false, OUTCOME_QUEUED, "rule" },
        { "2", "ooo", 10 * MINUTE, false, OUTCOME_QUEUED, "rule" },
        { "3", "ooo", 0, false, OUTCOME_PARKED, "rule-cap" },
        { "4", "bounce", 0, true, OUTCOME_PARKED, "paused" },
        { "5", "bounce", 0, false, OUTCOME_QUEUED, "rule" },
        { "6", "bounce", 0, false, OUTCOME_PARKED, "workspace-cap" },
        { "7", "ooo", 50 * MINUTE - 1, false, OUTCOME_PARKED, "rule-cap" },
        { "8", "ooo", 1, false, OUTCOME_QUEUED, "rule" },
        { "9", "ooo", 0, false, OUTCOME_PARKED, "rule-cap" },
    };
    struct place p;
    place_make(&p);
    struct store *st = must_open(&p);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pass(rows[i].wait_ms);
        struct submission s = event(rows[i].key, rows[i].key, DECISION_MARK);
        s.rule = rows[i].rule;
        s.rule_cap = 2;
        s.workspace_cap = 3;
        s.park = rows[i].park;
        const struct receipt r = must_submit(st, &s);
        if (r.outcome != rows[i].outcome || strcmp(r.reason, rows[i].reason) != 0)
            fail_msg("mark %s: outcome %d, %s", rows[i].key, (int)r.outcome, r.reason);
    }
    store_close(st);
    place_remove(&p);
}

static void test_release_respects_kept(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct store *st = must_open(&p);
    int64_t id;
    say(st, "fails", "f1", DECISION_MARK);
    assert_int_equal(claim(st, JOB_READ, &id), 1);
    finish(st, id, JOB_FAILED, REACH_NO);
    say(st, "fails", "f2", DECISION_KEEP);
    say(st, "free", "g1", DECISION_MARK);
    assert_int_equal(claim(st, JOB_READ, &id), 1);
    finish(st, id, JOB_FAILED, REACH_NO);

    size_t count, kept;
    const struct job_filter all = { .state = -1, .kind = -1 };
    for (int dry = 1; dry >= 0; dry--) {
        assert_int_equal(store_change(st, &all, JOB_RETRY, "again", dry, &count, &kept, NULL), 0);
        assert_int_equal(count, 1);
        assert_int_equal(kept, 1);
    }
    assert_int_equal(count_jobs(st, "fails", JOB_READ, JOB_CANCELLED), 1);
    assert_int_equal(count_jobs(st, "free", JOB_READ, JOB_PENDING), 1);
    store_close(st);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_reply_in_every_state),
        cmocka_unit_test(test_call_in_flight_ends),
        cmocka_unit_test(test_restart_in_flight),
        cmocka_unit_test(test_unread_survives_restart_and_failure),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_guard_comes_first),
        cmocka_unit_test(test_guard_comes_late),
        cmocka_unit_test(test_redelivery),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_release_respects_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
