/* conversation.h - one lead's thread: its messages, what is unread, how it looks as JSON.
 *
 * Plain data of inbox.c, which holds the lock while any of this is called. spec, patch
 * and filters are those of inbox.h. JSON given back belongs to the caller. */
#ifndef SANDBOX_CONVERSATION_H
#define SANDBOX_CONVERSATION_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inbox.h"

struct message {
    bool from_lead, auto_reply, read;
    char *from, *to, *subject, *text, *html; /* html may be NULL */
    int64_t at_ms;
};

struct conversation {
    struct conversation *newer, *older; /* by the last reply */
    struct conversation *next_in_bucket;
    char id[INBOX_ID * 6]; /* tests bring their own, too */
    char lead_id[INBOX_ID];
    char *workspace, *email, *first, *last, *company, *campaign, *campaign_id, *ai_tag;
    struct json_object *tags;
    struct message *messages;
    size_t nmessages, unread;
    int64_t replied_at_ms;
    uint64_t order; /* grows with each reply anywhere: the cursor */
    bool dnc;
    unsigned named_in_mark_read, times_read, times_unread;
};

/* id and lead_id are used unless spec brings its own. */
struct conversation *conversation_new(const char *id, const char *lead_id, const char *workspace,
                                      struct json_object *spec);
void conversation_free(struct conversation *c);

struct json_object *conversation_json(const struct conversation *c);
struct json_object *conversation_thread(const struct conversation *c); /* with messages */
struct json_object *conversation_state(const struct conversation *c);  /* for the tests */
/* What payload.c picks from. Only what the reply says about itself is there, so that a
 * receiver also meets payloads without subject, tag or flag. */
struct json_object *conversation_facts(const struct conversation *c, const struct message *m,
                                       const char *message_id, struct json_object *spec);

/* A filter that is absent or empty lets everything through. */
bool conversation_fits(const struct conversation *c, struct json_object *filters);
/* Replies that changed. */
size_t conversation_read(struct conversation *c);
void conversation_patch(struct conversation *c, struct json_object *patch);
/* The lead answers, unread; or we write. */
struct message *conversation_reply(struct conversation *c, struct json_object *spec);
void conversation_send(struct conversation *c, struct json_object *spec);

#endif
