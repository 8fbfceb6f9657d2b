/* An event written as a record and read again is the same to every rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "event/event.h"
#include "event/event_record.h"

#define NOW INT64_C(1790000000123)

static void map_done(struct field_map **m)
{
    field_map_free(*m);
}

static struct event *parse(const char *body)
{
    struct error err = ERROR_INIT;
    scoped(map_done) struct field_map *map = field_map_new();
    struct event *ev = event_parse(body, strlen(body), NULL, "acme", map, &err);
    if (!ev)
        fail_msg("%s", err.msg);
    return ev;
}

static void read_back(const char *line, struct event_record *out)
{
    struct error err = ERROR_INIT;
    if (event_record_read(line, strlen(line), out, &err) < 0)
        fail_msg("%s: %s", line, err.msg);
}

static void same_value(const char *name, const struct field_value *a, const struct field_value *b)
{
    if (a->presence != b->presence || a->cut != b->cut || a->count != b->count)
        fail_msg("%s: presence, cut or count differ", name);
    for (size_t i = 0; i < a->count; i++)
        if (a->items[i].len != b->items[i].len ||
            memcmp(a->items[i].data, b->items[i].data, a->items[i].len) != 0)
            fail_msg("%s: '%s' became '%s'", name, a->items[i].data, b->items[i].data);
}

static void same_pointer(const struct event *a, const struct event *b, const char *pointer)
{
    scoped(field_value_done) struct field_value x = { .count = 0 };
    scoped(field_value_done) struct field_value y = { .count = 0 };
    event_pointer(a, pointer, &x);
    event_pointer(b, pointer, &y);
    same_value(pointer, &x, &y);
}

static void same_fields(const struct event *a, const struct event *b)
{
    for (enum field f = 0; f < FIELD_COUNT; f++)
        same_value(field_name(f), &a->field[f], &b->field[f]);
    assert_int_equal(a->received_at_ms, b->received_at_ms);
}

static const char *const bodies[] = {
    "{\"event\":\"email.replied\",\"data\":{\"conversationId\":\"c1\",\"replyText\":\"Thanks\"}}",
    ("{\"event\":\"email.replied\",\"timestamp\":\"2026-08-01T10:00:00Z\",\"data\":{"
     "\"conversationId\":\"c2\",\"messageId\":\"m2\",\"subject\":\"Re: \\u201chi\\u201d \\\\ \\t "
     "x\","
     "\"leadEmail\":\"Ada <ADA@x.example>\",\"tags\":[\"a\",\"b\"],\"isAutoReply\":true,"
     "\"replyText\":\"Sch\\u00f6n,\\r\\n danke  \\r\\n\\r\\nOn Mon, Ada wrote:\\r\\n> hi\","
     "\"custom\":{\"plan\":\"gold\",\"n\":7,\"f\":1.5,\"no\":null,\"a/b~c\":\"x\","
     "\"deep\":[[1,2],{\"k\":\"v\"},\"s\"]}}}"),
    ("{\"event\":\"email.replied\",\"data\":{\"conversationId\":\"c3\",\"replyHtml\":"
     "\"<p>Hello&nbsp;<b>you</b></p><br>\",\"leadName\":\"\\ud83d\\ude00 \\u00adx\"}}"),
};

static const char *const pointers[] = {
    "/event",         "/data/custom/plan",     "/data/custom/n",      "/data/custom/f",
    "/data/tags",     "/data/tags/1",          "/data/custom/no",     "/data/custom/a~1b~0c",
    "/data/custom",   "/data/custom/deep",     "/data/custom/deep/2", "/data/custom/deep/1/k",
    "/data/nowhere",  "/data/custom/deep/0/1", "/data/custom/deep/0", "/data/replyText",
    "/data/leadName", "/data/replyHtml",
};

static void test_round_trip(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        scoped(event_freep) struct event *ev = parse(bodies[i]);
        scoped(buf_free) struct buf line = BUF_INIT;
        scoped(buf_free) struct buf again = BUF_INIT;
        scoped(event_record_done) struct event_record r = { .event = NULL };
        event_record_write(&line, ev, NOW, "mark", "thanks");
        read_back(buf_str(&line), &r);
        same_fields(ev, r.event);
        for (size_t k = 0; k < ARRAY_LEN(pointers); k++)
            same_pointer(ev, r.event, pointers[k]);
        assert_int_equal(r.arrived_at_ms, NOW);
        assert_string_equal(r.decision, "mark");
        assert_string_equal(r.rule, "thanks");
        event_record_write(&again, r.event, r.arrived_at_ms, r.decision, r.rule);
        assert_string_equal(buf_str(&again), buf_str(&line));
    }
}

static void test_cut_and_unknown_stay(void **state)
{
    (void)state;
    scoped(event_freep) struct event *ev = event_new();
    scoped(buf_free) struct buf line = BUF_INIT;
    scoped(buf_free) struct buf large = BUF_INIT;
    scoped(event_record_done) struct event_record r = { .event = NULL };
    while (large.len < 3 * TEXT_MAX_LONG)
        buf_puts(&large, "\xc3\xa4\xc3\xb6 x\n");
    event_set(ev, FIELD_WORKSPACE, "w", 1);
    event_set(ev, FIELD_CONVERSATION, "c", 1);
    event_set(ev, FIELD_QUOTED, large.data, large.len);
    event_set(ev, FIELD_SUBJECT, large.data, large.len);
    event_set_unknown(ev, FIELD_TAG);
    event_set_pointer(ev, "/data/x", large.data, large.len);
    event_record_write(&line, ev, NOW, NULL, NULL);
    read_back(buf_str(&line), &r);
    same_fields(ev, r.event);
    same_pointer(ev, r.event, "/data/x");
    assert_true(r.event->field[FIELD_QUOTED].cut);
    assert_null(r.rule);
}

static const struct {
    const char *line, *words;
} refused[] = {
    { "[]", "is a JSON object" },
    { "{\"workspace\":\"w\"}", "without its workspace or conversation" },
    { "{\"workspace\":\"w\",\"conversation\":\"c\",\"colour\":\"red\"}", "'colour' is unknown" },
    { "{\"workspace\":\"w\",\"conversation\":\"\"}", "'conversation' is no id" },
    { "{\"fields\":{\"subjct\":\"x\"}}", "'subjct' is no field" },
    { "{\"fields\":{\"workspace\":\"x\"}}", "'workspace' is no field" },
    { "{\"fields\":{\"subject\":7}}", "neither a text nor a list" },
    { "{\"fields\":{\"tags\":[\"a\",7]}}", "no text" },
    { "{\"fields\":[]}", "is no object" },
    { "{\"pointers\":{\"data\":\"x\"}}", "no JSON pointer" },
    { "{\"arrived_at\":\"yesterday\"}", "no time" },
    { "{\"id\":\"7\"}", "no number" },
    { "{\"workspace\":\"w\",\"conversation\":\"c\",\"cut\":[\"/data/x\"]}", "no field of this" },
    { "{\"workspace\":\"w\",\"conversation\":\"c\",\"unknown\":\"tag\"}", "is no list" },
    { "{\"workspace\":", "JSON" },
};

static void test_what_is_no_record_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        struct error err = ERROR_INIT;
        struct event_record r = { .event = NULL };
        if (event_record_read(refused[i].line, strlen(refused[i].line), &r, &err) == 0)
            fail_msg("%s was taken", refused[i].line);
        assert_int_equal(err.kind, ERR_INPUT);
        if (!strstr(err.msg, refused[i].words))
            fail_msg("%s: '%s' lacks '%s'", refused[i].line, err.msg, refused[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_cut_and_unknown_stay),
        cmocka_unit_test(test_what_is_no_record_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
