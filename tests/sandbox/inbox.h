/* inbox.h - the conversations: leads, threads, read and unread.
 *
 * One lock, inside; every function may be called from any thread. A workspace sees only
 * its own conversations. JSON given back belongs to the caller. */
#ifndef SANDBOX_INBOX_H
#define SANDBOX_INBOX_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#define INBOX_ID 25 /* 24 hex digits and the NUL */

struct inbox;

struct inbox *inbox_new(void);
void inbox_reset(struct inbox *in);
/* A fresh id that looks like SendKit's. */
void inbox_make_id(struct inbox *in, char out[INBOX_ID]);

/* ---- what SendKit's API does ------------------------------------------------------- */

/* One of the two selections of mark-read, tag and dnc. */
struct selection {
    const char *workspace;
    struct json_object *ids;     /* array of texts; NULL: select all */
    struct json_object *filters; /* object or NULL: status, tag, campaign_id, search */
    struct json_object *exclude; /* array or NULL */
};
/* Replies that changed from unread to read. */
size_t inbox_mark_read(struct inbox *in, const struct selection *sel);
/* Conversations that got the tag, or whose lead was put on Do Not Contact. */
size_t inbox_tag(struct inbox *in, const struct selection *sel, const char *tag);
size_t inbox_dnc(struct inbox *in, const struct selection *sel);

struct page {
    const char *cursor; /* NULL: from the start */
    size_t limit;
    size_t page;   /* the older form: from 1; 0: cursor form */
    bool scanning; /* limit counts the conversations looked at: pages may be empty */
};
/* {"success","data","pagination"}; NULL when the cursor is none of ours. */
struct json_object *inbox_list(struct inbox *in, const char *workspace, struct json_object *filters,
                               const struct page *page);
/* The conversation with its messages, or NULL. */
struct json_object *inbox_thread(struct inbox *in, const char *workspace, const char *id);
/* patch: markRead, isRead, aiTag, tags, already checked. The conversation as it is now,
 * without messages, or NULL when there is none. */
struct json_object *inbox_patch(struct inbox *in, const char *workspace, const char *id,
                                struct json_object *patch);

/* ---- what the control interface does ------------------------------------------------ */

/* spec: id, workspace, email, firstName, lastName, companyName, campaign {_id,name},
 * tags, aiTag; all optional. Gives {"id","leadId","email"}; an id that exists is left
 * as it is. */
struct json_object *inbox_add(struct inbox *in, const char *workspace, struct json_object *spec);
/* The lead answers. spec: conversation, text, html, subject, isAutoReply, aiTag,
 * messageId, receivedAt, campaignless. Gives the facts that a webhook payload is made of
 * (see payload.h), or NULL when there is no such conversation. */
struct json_object *inbox_reply(struct inbox *in, struct json_object *spec);
/* We write to the lead (spec: conversation, subject, body). False: no such conversation. */
bool inbox_send(struct inbox *in, struct json_object *spec);
/* {ID: {isRead, unreadCount, replies, aiTag, tags, dnc, namedInMarkRead, timesRead,
 * timesUnread, workspace, email}} */
struct json_object *inbox_state(struct inbox *in);
/* {conversations, unread, unreadReplies} */
struct json_object *inbox_summary(struct inbox *in);

#endif
