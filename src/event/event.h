/* event.h - one webhook delivery as rules see it: named fields, bounded, prepared.
 *
 * An event comes from a verified JSON body (event_parse) or is put together field
 * by field (event_new, event_set: the rules' own tests, explain's flags). All text
 * in it is folded as text.h says, but for the ids (workspace, conversation, message),
 * which stay as they came. The struct owns what it holds; it is not shared
 * between threads while being filled, and read-only afterwards. */
#ifndef AUTOMARK_EVENT_EVENT_H
#define AUTOMARK_EVENT_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event/text.h"

struct error;
struct json_object;

enum field {
    FIELD_EVENT,
    FIELD_WORKSPACE,
    FIELD_CONVERSATION,
    FIELD_MESSAGE,
    FIELD_SUBJECT,
    FIELD_REPLY, /* the lead's own words */
    FIELD_SIGNATURE,
    FIELD_QUOTED, /* history below */
    FIELD_TEXT,   /* everything */
    FIELD_FROM,
    FIELD_DOMAIN, /* of from, lower case */
    FIELD_NAME,
    FIELD_COMPANY,
    FIELD_CAMPAIGN,
    FIELD_CAMPAIGN_ID,
    FIELD_TAG,
    FIELD_TAGS, /* several values */
    FIELD_MAILBOX,
    FIELD_AUTO_REPLY, /* "true" or "false" */
    FIELD_RECEIVED_AT,
    FIELD_COUNT,
    FIELD_POINTER = FIELD_COUNT, /* not an index: any other value, by JSON pointer */
};

const char *field_name(enum field f);
/* FIELD_COUNT when there is no such name. */
enum field field_by_name(const char *name);

enum presence {
    ABSENT,
    PRESENT,
    UNKNOWN, /* a look could supply it (or a test says so): conditions could not tell */
};

struct field_value {
    enum presence presence;
    bool cut;     /* hit its cap: conditions on it could not tell */
    size_t count; /* 1, or more for lists */
    struct field_text {
        char *data; /* NUL-terminated, well formed UTF-8, folded */
        size_t len;
    } * items;
};

/* Which JSON pointers supply a field, first that holds a value wins. A pointer may
 * join two with a blank ("/data/lead/firstName /data/lead/lastName"). */
struct field_map {
    struct field_pointers {
        char **list;
        size_t count;
        bool own; /* given by field_map_set, not by default */
    } field[FIELD_COUNT];
};

/* SendKit's, for every payload shape known, with and without data. Owned by the caller. */
struct field_map *field_map_new(void);
/* Replaces the pointers of one field. */
int field_map_set(struct field_map *m, enum field f, const char *const *pointers, size_t count,
                  struct error *err);
void field_map_free(struct field_map *m);
void field_map_freep(struct field_map **m);

enum event_kind {
    EVENT_REPLY, /* email.replied, email.positive_reply, ...: a lead wrote */
    EVENT_TEST,  /* a test delivery */
    EVENT_OTHER, /* anything that is not a reply */
};

struct event {
    enum event_kind kind;
    struct field_value field[FIELD_COUNT];
    int64_t received_at_ms;   /* 0 when missing or unreadable */
    bool time_of_delivery;    /* ... and it is the delivery's: the reply itself has none */
    char dedupe[65];          /* hex SHA-256 over event name, conversation and message id, or,
                               * lacking a message id, event name, conversation, sender,
                               * received_at (unless it is the delivery's), subject and reply */
    struct reply_text text;   /* with the cuts, for explain */
    struct json_object *body; /* whole payload for pointer fields; may be NULL */
    struct event_pointer_value *pointers; /* set by event_set_pointer */
    size_t npointers;
};

/* body is the raw, verified request; header_event is X-Webhook-Event or NULL. A body that is no
 * reply event is fine and needs no conversation: see kind. NULL with err ERR_INPUT set (JSON
 * offset, or the missing field and the pointers tried) when malformed or a reply lacks a usable
 * conversation id (1 to 128 visible ASCII characters, a JSON string). */
struct event *event_parse(const char *body, size_t len, const char *header_event,
                          const char *workspace, const struct field_map *map, struct error *err);

/* An empty reply event: every field absent. */
struct event *event_new(void);
/* Folds and stores; reply/text are taken as given, not split. Adding to FIELD_TAGS
 * appends; setting FIELD_FROM sets FIELD_DOMAIN too, unless that is set. */
void event_set(struct event *ev, enum field f, const char *s, size_t len);
void event_set_unknown(struct event *ev, enum field f);
void event_set_pointer(struct event *ev, const char *pointer, const char *s, size_t len);
/* Splits body as a mail and sets reply, signature, quoted and text from it. */
void event_set_body(struct event *ev, const char *body, size_t len, enum text_kind kind);

/* First value, or NULL when absent or unknown. */
const char *event_str(const struct event *ev, enum field f);
/* The value at a JSON pointer of the payload, folded; a scalar, or a list of scalars.
 * *out is the caller's, release with field_value_done(). */
void event_pointer(const struct event *ev, const char *pointer, struct field_value *out);
void field_value_done(struct field_value *v);

void event_free(struct event *ev);
void event_freep(struct event **ev);

#endif
