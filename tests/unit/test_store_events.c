/* Recorded events: kept beside the decisions, bounded in time, rows and bytes, paged. */
#include "store_help.h"

#include "base/alloc.h"
#include "base/clock.h"

static struct store *open_bounded(const struct place *p, int64_t rows, int64_t bytes)
{
    struct error err = ERROR_INIT;
    const struct store_config cfg = { .url = p->url,
                                      .retention_ms = 30 * DAY,
                                      .events_rows_max = rows,
                                      .events_bytes_max = bytes,
                                      .wall_ms = test_clock };
    struct store *st = store_open(&cfg, &err);
    if (!st)
        fail_msg("store_open: %s", err.msg);
    return st;
}

static void record(struct store *st, const char *conversation, const char *key, const char *text)
{
    struct submission s = event(conversation, key, DECISION_KEEP);
    s.record = text;
    s.record_ms = DAY;
    must_submit(st, &s);
}

static struct recorded_events page(struct store *st, const struct event_filter *f)
{
    struct error err = ERROR_INIT;
    struct recorded_events l = { 0 };
    if (store_events(st, f, &l, &err) < 0)
        fail_msg("store_events: %s", err.msg);
    return l;
}

static size_t count(struct store *st)
{
    const struct event_filter all = { .limit = 100000 };
    scoped(recorded_events_done) struct recorded_events l = page(st, &all);
    return l.count;
}

/* They are written after the answer, when the writer has nothing else to do. */
static void wait_count(struct store *st, size_t want)
{
    const int64_t until_ms = clock_mono_ms() + 10000;
    while (count(st) != want && clock_mono_ms() < until_ms)
        usleep(10000);
    assert_int_equal(count(st), want);
}

static void test_kept_and_paged(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct store *st = open_bounded(&p, 0, 0);
    record(st, "c1", "k1", "{\"a\":1}");
    record(st, "c2", "k2", "{\"a\":2}");
    record(st, "c1", "k3", "{\"a\":3}");
    record(st, "c1", "k3", "{\"a\":4}"); /* a duplicate */
    say(st, "c9", "k9", DECISION_KEEP);  /* capture is off */
    store_close(st);                     /* a stop writes what waits */

    st = open_bounded(&p, 0, 0);
    struct store_stats s;
    store_stats(st, &s);
    assert_int_equal(s.recorded, 3);
    assert_int_equal(s.recorded_bytes, 21);
    struct event_filter f = { .workspace = "w", .limit = 2 };
    scoped(recorded_events_done) struct recorded_events first = page(st, &f);
    assert_int_equal(first.count, 2);
    assert_string_equal(first.list[0].record, "{\"a\":1}");
    f.after_id = first.list[1].id;
    scoped(recorded_events_done) struct recorded_events second = page(st, &f);
    assert_int_equal(second.count, 1);
    assert_string_equal(second.list[0].record, "{\"a\":3}");
    const struct event_filter one = { .workspace = "w", .conversation = "c1" };
    scoped(recorded_events_done) struct recorded_events of = page(st, &one);
    assert_int_equal(of.count, 2);
    const struct event_filter other = { .workspace = "x" };
    scoped(recorded_events_done) struct recorded_events none = page(st, &other);
    assert_int_equal(none.count, 0);
    store_close(st);
    place_remove(&p);
}

static void test_bounded_in_rows_and_bytes(void **state)
{
    (void)state;
    for (int by_bytes = 0; by_bytes <= 1; by_bytes++) {
        struct place p;
        place_make(&p);
        struct store *st = open_bounded(&p, by_bytes ? 0 : 5, by_bytes ? 5 * 10 : 0);
        for (int i = 10; i < 40; i++) {
            char key[8], text[16];
            snprintf(key, sizeof(key), "k%d", i);
            snprintf(text, sizeof(text), "{\"abc\":%d}", i); /* 10 bytes */
            record(st, "c", key, text);
        }
        wait_count(st, 5);
        store_close(st);
        st = open_bounded(&p, 0, 0);
        const struct event_filter all = { 0 };
        scoped(recorded_events_done) struct recorded_events l = page(st, &all);
        assert_int_equal(l.count, 5);
        assert_string_equal(l.list[0].record, "{\"abc\":35}");
        assert_string_equal(l.list[4].record, "{\"abc\":39}");
        store_close(st);
        place_remove(&p);
    }
}

static void test_forgotten_in_time(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct store *st = open_bounded(&p, 0, 0);
    record(st, "c1", "k1", "{}");
    store_close(st);
    pass(DAY / 2);
    st = open_bounded(&p, 0, 0);
    record(st, "c2", "k2", "{}");
    store_close(st);
    pass(DAY / 2 + MINUTE);
    st = open_bounded(&p, 0, 0); /* a start forgets what is old */
    wait_count(st, 1);
    store_close(st);
    place_remove(&p);
}

/* More than the queue holds at once: the answers come all the same, the rest is counted. */
static void test_dropped_when_busy(void **state)
{
    (void)state;
    enum { EVENTS = 200, BYTES = 200 << 10 };
    struct place p;
    place_make(&p);
    struct store *st = open_bounded(&p, 0, 0);
    scoped(freep) char *text = xmalloc(BYTES + 1);
    memset(text, 'x', BYTES);
    text[BYTES] = '\0';
    for (int i = 0; i < EVENTS; i++) {
        char key[16];
        struct error err = ERROR_INIT;
        snprintf(key, sizeof(key), "k%d", i);
        struct submission s = event(key, key, DECISION_KEEP);
        s.record = text;
        s.record_ms = DAY;
        if (store_submit(st, &s, NULL, NULL, &err) < 0)
            fail_msg("submit: %s", err.msg);
    }
    const int64_t until_ms = clock_mono_ms() + 20000;
    struct store_stats s;
    do {
        usleep(10000);
        store_stats(st, &s);
    } while (s.recorded + s.not_recorded < EVENTS && clock_mono_ms() < until_ms);
    assert_int_equal(s.events, EVENTS);
    assert_int_equal(s.recorded + s.not_recorded, EVENTS);
    assert_true(s.not_recorded > 0);
    assert_true(s.recorded >= 40);
    store_close(st);
    place_remove(&p);
}

static struct recorded_event made(const char *conversation, const char *record, int64_t arrived_ms)
{
    return (struct recorded_event){ .workspace = xstrdup("w"),
                                    .conversation = xstrdup(conversation),
                                    .record = xstrdup(record),
                                    .len = strlen(record),
                                    .arrived_at_ms = arrived_ms,
                                    .until_ms = test_clock() + DAY };
}

static struct events_added add(struct store *st, const struct recorded_event *list, size_t n)
{
    struct error err = ERROR_INIT;
    struct events_added done = { 0 };
    struct recorded_events l = { .list = xcalloc(n, sizeof(*list)), .count = n };
    memcpy(l.list, list, n * sizeof(*list));
    if (store_events_add(st, &l, &done, &err) < 0)
        fail_msg("store_events_add: %s", err.msg);
    recorded_events_done(&l);
    return done;
}

/* From elsewhere: each once, within the bounds, and nothing else comes of it. */
static void test_added_from_elsewhere(void **state)
{
    (void)state;
    struct place p;
    place_make(&p);
    struct store *st = open_bounded(&p, 4, 0);
    const struct recorded_event first[] = { made("c1", "{1}", 1), made("c1", "{1}", 1),
                                            made("c1", "{1}", 2), made("c2", "{1}", 1) };
    struct events_added done = add(st, first, ARRAY_LEN(first));
    assert_int_equal(done.added, 3);
    assert_int_equal(done.known, 1);
    assert_int_equal(done.dropped, 0);
    const struct recorded_event more[] = { made("c2", "{1}", 1), made("c3", "{3}", 1),
                                           made("c4", "{4}", 1) };
    done = add(st, more, ARRAY_LEN(more));
    assert_int_equal(done.added, 2);
    assert_int_equal(done.known, 1);
    assert_int_equal(done.dropped, 1);
    assert_int_equal(count(st), 4);
    struct store_stats s;
    store_stats(st, &s);
    assert_int_equal(s.decisions, 0);
    for (size_t kind = 0; kind < 2; kind++)
        for (size_t i = 0; i < 6; i++)
            assert_int_equal(s.jobs[kind][i], 0);
    store_close(st);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_and_paged),
        cmocka_unit_test(test_bounded_in_rows_and_bytes),
        cmocka_unit_test(test_forgotten_in_time),
        cmocka_unit_test(test_dropped_when_busy),
        cmocka_unit_test(test_added_from_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
