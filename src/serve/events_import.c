/* events_import.c - recorded events from elsewhere into the record; see events_api.h. */
#include "serve/events_api.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "event/event.h"
#include "event/event_record.h"

#define DAY_MS INT64_C(86400000)
#define NAME_BYTES_MAX 64
#define CONVERSATION_BYTES_MAX 128

int import_keep(const char *value, int64_t *keep_ms, struct error *err)
{
    int64_t ms = 0;
    if (!duration_parse(value, &ms) || ms < 60000 || ms > 365 * DAY_MS)
        return error_set(err, ERR_INPUT, "keep is '%.40s': a time from 1m to 365d would be right",
                         value);
    *keep_ms = ms;
    return 0;
}

/* ---- one line ------------------------------------------------------------------------- */

static bool is_name(const char *s)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const size_t len = strlen(s);
    return len > 0 && len <= NAME_BYTES_MAX && strspn(s, letters) == len;
}

static bool is_conversation(const char *s)
{
    const size_t len = strlen(s);
    for (size_t i = 0; i < len; i++)
        if (s[i] <= ' ' || s[i] > '~')
            return false;
    return len > 0 && len <= CONVERSATION_BYTES_MAX;
}

static bool is_decision(const char *s)
{
    return !*s || strcmp(s, "mark") == 0 || strcmp(s, "shadow") == 0 || strcmp(s, "keep") == 0;
}

/* Beyond what event_record_read() asks: what only the daemon's own records have. */
static int check(const struct event_record *r, int64_t now_ms, struct error *err)
{
    if (!is_name(event_str(r->event, FIELD_WORKSPACE)))
        return error_set(err, ERR_INPUT, "'workspace' is no name of a workspace");
    if (!is_conversation(event_str(r->event, FIELD_CONVERSATION)))
        return error_set(err, ERR_INPUT,
                         "'conversation' is no id: 1 to 128 visible ASCII characters are");
    if (r->arrived_at_ms <= 0)
        return error_set(err, ERR_INPUT, "'arrived_at' is missing");
    if (r->arrived_at_ms > now_ms + DAY_MS)
        return error_set(err, ERR_INPUT, "'arrived_at' is in the future");
    if (!is_decision(r->decision))
        return error_set(err, ERR_INPUT, "'decision' is '%s': mark, shadow or keep would be right",
                         r->decision);
    if (r->rule && !is_name(r->rule))
        return error_set(err, ERR_INPUT, "'rule' is no name of a rule");
    return 0;
}

int import_line(const char *line, size_t len, int64_t now_ms, struct recorded_event *out,
                struct error *err)
{
    scoped(event_record_done) struct event_record r = { .event = NULL };
    if (len > EVENT_RECORD_BYTES_MAX + 64) /* with its id in front */
        return error_set(err, ERR_INPUT, "longer than %zu bytes, which no recorded event is",
                         EVENT_RECORD_BYTES_MAX);
    if (event_record_read(line, len, &r, err) < 0 || check(&r, now_ms, err) < 0)
        return -1;
    struct buf b = BUF_INIT; /* always in one form, so that the same event is the same text */
    event_record_write(&b, r.event, r.arrived_at_ms, r.decision[0] ? r.decision : NULL, r.rule);
    const size_t size = b.len;
    *out = (struct recorded_event){
        .arrived_at_ms = r.arrived_at_ms,
        .workspace = xstrdup(event_str(r.event, FIELD_WORKSPACE)),
        .conversation = xstrdup(event_str(r.event, FIELD_CONVERSATION)),
        .record = buf_take(&b),
        .len = size,
    };
    return 0;
}

/* ---- a call ----------------------------------------------------------------------------- */

static int take_line(struct recorded_events *list, const char *line, size_t len, int64_t now_ms,
                     int64_t keep_ms, struct error *err)
{
    if (list->count >= IMPORT_EVENTS_MAX)
        return error_set(err, ERR_INPUT, "more than %d events in one call", IMPORT_EVENTS_MAX);
    list->list = xreallocarray(list->list, list->count + 1, sizeof(*list->list));
    struct recorded_event *ev = &list->list[list->count];
    if (import_line(line, len, now_ms, ev, err) < 0)
        return -1;
    ev->until_ms = now_ms + keep_ms;
    list->count++;
    return 0;
}

static int take_lines(struct recorded_events *list, const char *lines, size_t len, int64_t keep_ms,
                      struct error *err)
{
    const int64_t now_ms = clock_wall_ms();
    const char *end = lines + len;
    unsigned number = 0;
    while (lines < end) {
        const char *stop = memchr(lines, '\n', (size_t)(end - lines));
        const size_t size = stop ? (size_t)(stop - lines) : (size_t)(end - lines);
        number++;
        if (size && take_line(list, lines, size, now_ms, keep_ms, err) < 0)
            return error_prefix(err, "line %u: ", number);
        lines += size + 1;
    }
    return 0;
}

int events_import(struct store *st, const char *lines, size_t len, int64_t keep_ms,
                  struct events_added *out, struct error *err)
{
    scoped(recorded_events_done) struct recorded_events list = { .count = 0 };
    struct store_stats stats;
    if (len > IMPORT_BYTES_MAX)
        return error_set(err, ERR_INPUT, "more than %zu bytes in one call", IMPORT_BYTES_MAX);
    if (take_lines(&list, lines, len, keep_ms, err) < 0)
        return -1;
    store_stats(st, &stats);
    if (stats.disk_low)
        return error_set(err, ERR_AGAIN, "the store's disk is nearly full: nothing is recorded");
    return store_events_add(st, &list, out, err);
}
