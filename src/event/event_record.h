/* event_record.h - an event's fields as one line of JSON, and back again.
 *
 *   {"workspace":"acme","conversation":"c1","message":"m1","arrived_at":"2026-08-01T10:00:00.000Z",
 *    "fields":{"subject":"Hi","tags":["a","b"]},"cut":["quoted"],"unknown":["tag"],
 *    "pointers":{"/data/custom/plan":"gold"},"decision":"mark","rule":"thanks"}
 *
 * What rules see, and nothing else: texts as prepared (folded, split, cut), so that the event
 * that is read again has the verdict of the one that was written. Pure, any thread. */
#ifndef AUTOMARK_EVENT_EVENT_RECORD_H
#define AUTOMARK_EVENT_EVENT_RECORD_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct error;
struct event;

#define EVENT_RECORD_BYTES_MAX ((size_t)256 << 10) /* longer ones are not kept */

struct event_record {
    struct event *event;
    int64_t arrived_at_ms;
    char decision[16]; /* made then: mark, shadow, keep; empty: not told */
    char *rule;        /* that decided then, or NULL */
    int64_t id;        /* in the store; 0: none */
};

/* Appends one line, without a line break. decision and rule may be NULL. */
void event_record_write(struct buf *out, const struct event *ev, int64_t arrived_at_ms,
                        const char *decision, const char *rule);

/* Strict: unknown keys and fields, wrong types and a missing conversation are ERR_INPUT.
 * Fills out, to be released with event_record_done(). */
int event_record_read(const char *line, size_t len, struct event_record *out, struct error *err);
void event_record_done(struct event_record *r);

#endif
