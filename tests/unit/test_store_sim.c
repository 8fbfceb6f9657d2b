/* Random days between a SendKit that loses and delays calls, a sender, people and
 * restarts, with one question at the end: was a kept reply swept along?
 *
 * SendKit here is a few lines: a reply makes its conversation unread, a mark that lands
 * makes it read, an un-read unread. A call may land when it starts, when it ends, never,
 * or (its answer being lost) at any moment up to `settle` after. The store is closed and
 * opened in the middle of calls, which is what a crash looks like to it.
 *
 * AUTOMARK_SEED=N repeats one run. */
#include "store_help.h"

#define RUNS 60
#define STEPS 160
#define CONVERSATIONS 4
#define EVENTS_MAX 200
#define CALLS_MAX 200

static uint64_t dice_state;

static unsigned dice(unsigned sides)
{
    dice_state ^= dice_state << 13;
    dice_state ^= dice_state >> 7;
    dice_state ^= dice_state << 17;
    return (unsigned)(dice_state >> 33) % sides;
}

/* ---- the world ---------------------------------------------------------------------- */

struct conversation {
    bool replied, read, kept; /* kept: the store said that a reply of it stays unread */
    bool touched;             /* parked, failed, or in a person's hand: need not end as read */
};

struct delivery {
    int conversation, message;
    bool positive; /* email.positive_reply, kept by a guard */
    enum decision decision;
    bool park;
    int64_t hold_ms, received_at_ms, deliver_at_ms;
    unsigned times; /* deliveries so far */
};

struct call {
    int64_t job;
    enum job_kind kind;
    int conversation;
    int64_t lands_at_ms; /* a lost call that is still on its way; 0: no */
    bool flying;
};

static struct {
    struct place place;
    struct store *store;
    struct conversation conversations[CONVERSATIONS];
    struct delivery events[EVENTS_MAX];
    size_t events_count;
    struct call calls[CALLS_MAX];
    size_t calls_count;
    uint64_t seed;
} world;

static const char *name_of(int conversation)
{
    static const char *const names[CONVERSATIONS] = { "c0", "c1", "c2", "c3" };
    return names[conversation];
}

static int number_of(const char *name)
{
    return name[1] - '0';
}

static void land(const struct call *c)
{
    world.conversations[c->conversation].read = c->kind == JOB_READ;
}

static void land_what_is_on_its_way(void)
{
    for (size_t i = 0; i < world.calls_count; i++) {
        struct call *c = &world.calls[i];
        if (c->lands_at_ms > 0 && c->lands_at_ms <= test_clock()) {
            c->lands_at_ms = 0;
            land(c);
        }
    }
}

/* In small steps, so that late calls land in their order. */
static void time_goes_by(int64_t ms)
{
    while (ms > 0) {
        const int64_t step = ms < 10000 ? ms : 10000;
        pass(step);
        ms -= step;
        land_what_is_on_its_way();
    }
}

/* ---- leads ------------------------------------------------------------------------------------
 */

static void add_event(const struct delivery *e)
{
    if (world.events_count < EVENTS_MAX)
        world.events[world.events_count++] = *e;
}

static void a_lead_replies(void)
{
    static const enum decision decisions[] = { DECISION_MARK, DECISION_MARK, DECISION_MARK,
                                               DECISION_KEEP, DECISION_SHADOW };
    static int message;
    struct delivery e = {
        .conversation = (int)dice(CONVERSATIONS),
        .message = ++message,
        .decision = decisions[dice(8) < 5 ? 0 : dice(ARRAY_LEN(decisions))],
        .park = dice(12) == 0,
        .hold_ms = dice(4) == 0 ? MINUTE : 0,
        .received_at_ms = test_clock(),
        .deliver_at_ms = test_clock() + (dice(3) == 0 ? dice(10 * MINUTE) : 0),
    };
    world.conversations[e.conversation].read = false;
    world.conversations[e.conversation].replied = true;
    add_event(&e);
    if (dice(8) == 0) {
        e.positive = true;
        e.decision = DECISION_KEEP;
        e.deliver_at_ms = test_clock() + dice(20 * MINUTE);
        add_event(&e);
    }
}

static void deliver(struct delivery *e)
{
    char key[40], message[40];
    snprintf(key, sizeof(key), "%s-%d", e->positive ? "positive" : "replied", e->message);
    snprintf(message, sizeof(message), "m%d", e->message);
    struct submission s = event(name_of(e->conversation), key, e->decision);
    s.by_guard = e->positive;
    s.message = message;
    s.park = e->park;
    s.hold_ms = e->hold_ms;
    s.received_at_ms = dice(10) == 0 ? 0 : e->received_at_ms;
    if (s.received_at_ms == 0 && test_clock() != e->received_at_ms)
        s.received_at_ms = e->received_at_ms; /* missing only when it would be the same */
    const struct receipt r = must_submit(world.store, &s);
    struct conversation *c = &world.conversations[e->conversation];
    if ((r.outcome == OUTCOME_DUPLICATE) != (e->times > 0))
        fail_msg("seed %llu: delivery %u of %s has outcome %d", (unsigned long long)world.seed,
                 e->times + 1, key, (int)r.outcome);
    c->kept = c->kept || r.outcome == OUTCOME_KEPT || r.outcome == OUTCOME_SHADOW;
    c->touched = c->touched || r.outcome == OUTCOME_PARKED;
    e->times++;
}

static void a_webhook_comes(void)
{
    for (size_t i = 0; i < world.events_count; i++) {
        struct delivery *e = &world.events[i];
        if (e->times == 0 && e->deliver_at_ms <= test_clock()) {
            deliver(e);
            return;
        }
    }
    if (world.events_count > 0 && dice(3) == 0) {
        struct delivery *e = &world.events[dice((unsigned)world.events_count)];
        if (e->times > 0)
            deliver(e); /* again */
    }
}

/* ---- the sender --------------------------------------------------------------------- */

static void start_calls(enum job_kind kind, size_t max)
{
    scoped(job_list_done) struct job_list l = { 0 };
    struct error err = ERROR_INIT;
    if (store_claim(world.store, "w", kind, 0, max, test_clock(), &l, &err) < 0)
        fail_msg("claim: %s", err.msg);
    for (size_t i = 0; i < l.count; i++) {
        assert_true(world.calls_count < CALLS_MAX);
        world.calls[world.calls_count++] = (struct call){
            .job = l.jobs[i].id,
            .kind = kind,
            .conversation = number_of(l.jobs[i].conversation),
            .flying = true,
        };
    }
}

static void end_call(struct call *c, bool well)
{
    const unsigned fate = well ? 0 : dice(10);
    enum job_state state = JOB_PENDING;
    enum job_reach reach = REACH_UNKNOWN;
    if (fate < 4) { /* confirmed */
        land(c);
        state = JOB_DONE;
        reach = REACH_DONE;
    } else if (fate < 6) { /* refused */
        reach = REACH_NO;
        state = dice(4) == 0 ? JOB_FAILED : JOB_PENDING;
        if (state == JOB_FAILED)
            world.conversations[c->conversation].touched = true;
    } else if (fate < 7) { /* landed, the answer lost */
        land(c);
    } else if (fate < 9) { /* lands late */
        c->lands_at_ms = test_clock() + dice((unsigned)SETTLE);
    }
    c->flying = false;
    finish(world.store, c->job, state, reach);
}

static struct call *a_call_in_flight(void)
{
    for (size_t i = 0; i < world.calls_count; i++)
        if (world.calls[i].flying)
            return &world.calls[i];
    return NULL;
}

static void a_crash(void)
{
    for (size_t i = 0; i < world.calls_count; i++) {
        struct call *c = &world.calls[i];
        if (c->flying && dice(3) > 0)
            c->lands_at_ms = test_clock() + dice((unsigned)SETTLE);
        c->flying = false;
    }
    store_close(world.store);
    if (dice(2) == 0)
        time_goes_by(dice(3 * MINUTE));
    world.store = must_open(&world.place);
}

static void a_person_acts(void)
{
    const int conversation = (int)dice(CONVERSATIONS);
    const struct job_filter f = { .conversation = name_of(conversation),
                                  .kind = JOB_READ,
                                  .state = -1 };
    static const enum job_action actions[] = { JOB_CANCEL, JOB_RETRY, JOB_RELEASE, JOB_RELEASE };
    size_t count, kept;
    struct error err = ERROR_INIT;
    if (store_change(world.store, &f, actions[dice(ARRAY_LEN(actions))], "by hand", false, &count,
                     &kept, &err) < 0)
        fail_msg("change: %s", err.msg);
    world.conversations[conversation].touched |= count > 0;
}

/* ---- a run -------------------------------------------------------------------------- */

static void step(void)
{
    struct call *c = a_call_in_flight();
    switch (dice(12)) {
    case 0:
    case 1:
        a_lead_replies();
        break;
    case 2:
    case 3:
    case 4:
        a_webhook_comes();
        break;
    case 5:
        start_calls(JOB_UNREAD, 1 + dice(3));
        break;
    case 6:
        start_calls(JOB_READ, 1 + dice(3));
        break;
    case 7:
    case 8:
        if (c)
            end_call(c, false);
        break;
    case 9:
        time_goes_by(dice(4) == 0 ? dice(8 * MINUTE) : dice(20000));
        break;
    case 10:
        if (dice(3) == 0)
            a_crash();
        break;
    default:
        if (dice(4) == 0)
            a_person_acts();
        break;
    }
}

/* The service is well from now on, and everything is delivered and sent. */
static void come_to_rest(void)
{
    struct call *c;
    for (int round = 0; round < 60; round++) {
        time_goes_by(MINUTE);
        for (size_t i = 0; i < world.events_count; i++)
            if (world.events[i].times == 0 && world.events[i].deliver_at_ms <= test_clock())
                deliver(&world.events[i]);
        while ((c = a_call_in_flight()))
            end_call(c, true);
        start_calls(JOB_UNREAD, 10);
        start_calls(JOB_READ, 10);
        while ((c = a_call_in_flight()))
            end_call(c, true);
        if (world.calls_count > CALLS_MAX - 20)
            world.calls_count = 0; /* those that were on their way have landed or are left out */
    }
}

static void check_conversation(int i)
{
    const struct conversation *c = &world.conversations[i];
    if (c->kept && c->read)
        fail_msg("seed %llu: %s holds a kept reply and ended as read",
                 (unsigned long long)world.seed, name_of(i));
    if (c->replied && !c->kept && !c->touched && !c->read)
        fail_msg("seed %llu: %s holds only marks and ended as unread",
                 (unsigned long long)world.seed, name_of(i));
}

static void check_jobs(void)
{
    struct store_stats stats;
    store_stats(world.store, &stats);
    for (int kind = JOB_READ; kind <= JOB_UNREAD; kind++) {
        assert_int_equal(stats.jobs[kind][JOB_PENDING], 0);
        assert_int_equal(stats.jobs[kind][JOB_SENDING], 0);
        for (int state = JOB_PENDING; state <= JOB_PARKED; state++) {
            scoped(job_list_done) struct job_list l = jobs_of(world.store, NULL, kind, state);
            assert_int_equal(l.count, stats.jobs[kind][state]);
        }
    }
    assert_int_equal(stats.jobs[JOB_UNREAD][JOB_FAILED], 0);
    assert_int_equal(stats.jobs[JOB_UNREAD][JOB_CANCELLED], 0);
}

static void run(uint64_t seed)
{
    memset(&world, 0, sizeof(world));
    world.seed = seed;
    dice_state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    place_make(&world.place);
    world.store = must_open(&world.place);
    for (int i = 0; i < STEPS && world.calls_count < CALLS_MAX / 2; i++)
        step();
    come_to_rest();
    for (int i = 0; i < CONVERSATIONS; i++)
        check_conversation(i);
    check_jobs();
    store_close(world.store);
    place_remove(&world.place);
}

static void test_no_kept_reply_is_swept_along(void **state)
{
    (void)state;
    const char *wanted = getenv("AUTOMARK_SEED");
    if (wanted) {
        run(strtoull(wanted, NULL, 10));
        return;
    }
    const uint64_t first = (uint64_t)time(NULL) * 1000;
    print_message("seeds from %llu\n", (unsigned long long)first);
    for (uint64_t i = 0; i < RUNS; i++)
        run(first + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_kept_reply_is_swept_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
