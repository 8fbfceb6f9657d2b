/* event_priv.h - what event.c and event_parse.c share. */
#ifndef AUTOMARK_EVENT_EVENT_PRIV_H
#define AUTOMARK_EVENT_EVENT_PRIV_H

#include "base/buf.h"
#include "event/event.h"

#define EVENT_ITEMS_MAX 64 /* values of one field; more set cut */

/* As event_set(), but keeps the values that are there. */
void event_add(struct event *ev, enum field f, const char *s, size_t len);
/* Appends the text of a scalar: a string, a number, true or false. False for all else,
 * and for strings of blanks only. */
bool scalar_text(struct buf *out, const struct json_object *v);
/* The mail address in s, lower case: of "Ada <A@x.org>" a@x.org. False when there is none. */
bool mail_address(struct buf *out, const char *s);
/* RFC 3339, or seconds or milliseconds since 1970 in digits. */
bool event_time(const char *s, int64_t *at_ms);

/* For event_record.c. Adds a value that is prepared already, exactly as it is. */
void field_value_restore(struct field_value *v, const char *s, size_t len);
/* A pointer's value to be filled; valid until the next one. */
struct field_value *event_pointer_new(struct event *ev, const char *pointer);
/* The value that was given for a pointer, or NULL. */
struct field_value *event_pointer_restored(struct event *ev, const char *pointer);
/* The i-th pointer that was given. */
const char *event_pointer_at(const struct event *ev, size_t i);

#endif
