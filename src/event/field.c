/* field.c - the fields' names, and the JSON pointers that supply them. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "event/event.h"

static const char *const names[FIELD_COUNT] = {
    [FIELD_EVENT] = "event",
    [FIELD_WORKSPACE] = "workspace",
    [FIELD_CONVERSATION] = "conversation",
    [FIELD_MESSAGE] = "message",
    [FIELD_SUBJECT] = "subject",
    [FIELD_REPLY] = "reply",
    [FIELD_SIGNATURE] = "signature",
    [FIELD_QUOTED] = "quoted",
    [FIELD_TEXT] = "text",
    [FIELD_FROM] = "from",
    [FIELD_DOMAIN] = "domain",
    [FIELD_NAME] = "name",
    [FIELD_COMPANY] = "company",
    [FIELD_CAMPAIGN] = "campaign",
    [FIELD_CAMPAIGN_ID] = "campaign_id",
    [FIELD_TAG] = "tag",
    [FIELD_TAGS] = "tags",
    [FIELD_MAILBOX] = "mailbox",
    [FIELD_AUTO_REPLY] = "auto_reply",
    [FIELD_RECEIVED_AT] = "received_at",
};

const char *field_name(enum field f)
{
    return f < FIELD_COUNT ? names[f] : "pointer";
}

enum field field_by_name(const char *name)
{
    for (enum field f = 0; f < FIELD_COUNT; f++)
        if (strcmp(names[f], name) == 0)
            return f;
    return FIELD_COUNT;
}

/* Where SendKit's deliveries, in all the shapes that were seen, hold a field; in order of
 * preference. A path is looked for below data and then at the top, in camelCase and in
 * snake_case; one with a slash in front is taken as it is. A blank joins two values. */
static const struct {
    enum field field;
    const char *path;
} table[] = {
    { FIELD_EVENT, "/event" },
    { FIELD_EVENT, "/type" },
    { FIELD_EVENT, "/eventType" },
    { FIELD_EVENT, "/event_type" },
    { FIELD_EVENT, "/data/event" },
    { FIELD_EVENT, "/data/eventType" },
    { FIELD_EVENT, "/data/event_type" },

    /* _id and id come last, and at the top only where there is no data: beside data
     * they would be the id of the delivery. */
    { FIELD_CONVERSATION, "conversationId" },
    { FIELD_CONVERSATION, "conversation/_id" },
    { FIELD_CONVERSATION, "conversation/id" },
    { FIELD_CONVERSATION, "conversation" },
    { FIELD_CONVERSATION, "_id" },
    { FIELD_CONVERSATION, "id" },

    { FIELD_MESSAGE, "messageId" },
    { FIELD_MESSAGE, "message/_id" },
    { FIELD_MESSAGE, "message/id" },
    { FIELD_MESSAGE, "message/messageId" },
    { FIELD_MESSAGE, "reply/_id" },
    { FIELD_MESSAGE, "reply/id" },
    { FIELD_MESSAGE, "reply/messageId" },
    { FIELD_MESSAGE, "replyId" },

    { FIELD_SUBJECT, "subject" },
    { FIELD_SUBJECT, "conversation/subject" },
    { FIELD_SUBJECT, "message/subject" },
    { FIELD_SUBJECT, "reply/subject" },
    { FIELD_SUBJECT, "replySubject" },
    { FIELD_SUBJECT, "emailSubject" },

    /* The mail's body, which is then split into reply, signature and quoted. What says
     * that it is the reply comes first, plain before HTML. */
    { FIELD_REPLY, "replyText" },
    { FIELD_REPLY, "reply/text" },
    { FIELD_REPLY, "reply/content" },
    { FIELD_REPLY, "reply/body" },
    { FIELD_REPLY, "reply" },
    { FIELD_REPLY, "replyHtml" },
    { FIELD_REPLY, "reply/htmlContent" },
    { FIELD_REPLY, "reply/html" },
    { FIELD_REPLY, "message/content" },
    { FIELD_REPLY, "message/body" },
    { FIELD_REPLY, "message/text" },
    { FIELD_REPLY, "message/htmlContent" },
    { FIELD_REPLY, "message/html" },
    { FIELD_REPLY, "content" },
    { FIELD_REPLY, "body" },
    { FIELD_REPLY, "text" },
    { FIELD_REPLY, "bodyText" },
    { FIELD_REPLY, "message" },
    { FIELD_REPLY, "htmlContent" },
    { FIELD_REPLY, "html" },
    { FIELD_REPLY, "bodyHtml" },
    { FIELD_REPLY, "lastMessage/content" },

    { FIELD_FROM, "leadEmail" },
    { FIELD_FROM, "lead/email" },
    { FIELD_FROM, "from" },
    { FIELD_FROM, "from/email" },
    { FIELD_FROM, "from/address" },
    { FIELD_FROM, "fromEmail" },
    { FIELD_FROM, "reply/from" },
    { FIELD_FROM, "message/from" },
    { FIELD_FROM, "sender" },
    { FIELD_FROM, "email" },

    { FIELD_NAME, "leadName" },
    { FIELD_NAME, "lead/firstName lead/lastName" },
    { FIELD_NAME, "lead/name" },
    { FIELD_NAME, "lead/fullName" },
    { FIELD_NAME, "leadFirstName leadLastName" },
    { FIELD_NAME, "firstName lastName" },
    { FIELD_NAME, "from/name" },
    { FIELD_NAME, "fromName" },

    { FIELD_COMPANY, "companyName" },
    { FIELD_COMPANY, "company" },
    { FIELD_COMPANY, "lead/companyName" },
    { FIELD_COMPANY, "lead/company" },
    { FIELD_COMPANY, "leadCompany" },

    { FIELD_CAMPAIGN, "campaignName" },
    { FIELD_CAMPAIGN, "campaign/name" },
    { FIELD_CAMPAIGN, "campaign" },
    { FIELD_CAMPAIGN_ID, "campaignId" },
    { FIELD_CAMPAIGN_ID, "campaign/_id" },
    { FIELD_CAMPAIGN_ID, "campaign/id" },

    { FIELD_TAG, "aiTag" },
    { FIELD_TAG, "tag" },
    { FIELD_TAG, "conversation/aiTag" },
    { FIELD_TAG, "lead/aiTag" },
    { FIELD_TAG, "tags" },
    { FIELD_TAGS, "tags" },
    { FIELD_TAGS, "conversation/tags" },
    { FIELD_TAGS, "lead/tags" },

    { FIELD_MAILBOX, "mailbox" },
    { FIELD_MAILBOX, "mailbox/email" },
    { FIELD_MAILBOX, "accountEmail" },
    { FIELD_MAILBOX, "account/email" },
    { FIELD_MAILBOX, "toEmail" },
    { FIELD_MAILBOX, "reply/to" },
    { FIELD_MAILBOX, "message/to" },
    { FIELD_MAILBOX, "to" },

    { FIELD_AUTO_REPLY, "isAutoReply" },
    { FIELD_AUTO_REPLY, "reply/isAutoReply" },
    { FIELD_AUTO_REPLY, "message/isAutoReply" },
    { FIELD_AUTO_REPLY, "autoReply" },

    { FIELD_RECEIVED_AT, "receivedAt" },
    { FIELD_RECEIVED_AT, "reply/receivedAt" },
    { FIELD_RECEIVED_AT, "message/receivedAt" },
    { FIELD_RECEIVED_AT, "repliedAt" },
    { FIELD_RECEIVED_AT, "reply/timestamp" },
    { FIELD_RECEIVED_AT, "message/timestamp" },
    { FIELD_RECEIVED_AT, "/data/timestamp" },
    { FIELD_RECEIVED_AT, "/timestamp" },
};

static void pointers_add(struct field_pointers *p, const char *pointer)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->list[i], pointer) == 0)
            return;
    p->list = xreallocarray(p->list, p->count + 1, sizeof(*p->list));
    p->list[p->count++] = xstrdup(pointer);
}

static void pointers_done(struct field_pointers *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->list[i]);
    free(p->list);
    *p = (struct field_pointers){ .count = 0 };
}

/* "lead/firstName lead/lastName" -> "/data/lead/first_name /data/lead/last_name". */
static void expand(struct buf *out, const char *prefix, const char *path, bool snake)
{
    buf_truncate(out, 0);
    buf_puts(out, prefix);
    for (const char *p = path; *p; p++) {
        if (*p == ' ')
            buf_printf(out, " %s", prefix);
        else if (snake && *p >= 'A' && *p <= 'Z')
            buf_printf(out, "_%c", tolower((unsigned char)*p));
        else
            buf_putc(out, *p);
    }
}

static void add_expanded(struct field_map *m, const char *prefix)
{
    scoped(buf_free) struct buf pointer = BUF_INIT;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (table[i].path[0] == '/')
            continue;
        for (int snake = 0; snake <= 1; snake++) {
            expand(&pointer, prefix, table[i].path, snake);
            pointers_add(&m->field[table[i].field], buf_str(&pointer));
        }
    }
}

struct field_map *field_map_new(void)
{
    struct field_map *m = xcalloc(1, sizeof(*m));
    add_expanded(m, "/data/");
    add_expanded(m, "/");
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].path[0] == '/')
            pointers_add(&m->field[table[i].field], table[i].path);
    return m;
}

/* One pointer, or several with a blank between them. */
static bool joined_valid(const char *pointers)
{
    scoped(freep) char *copy = xstrdup(pointers);
    char *rest = copy;
    for (char *one = strsep(&rest, " "); one; one = strsep(&rest, " "))
        if (one[0] != '/' || !json_pointer_valid(one))
            return false;
    return true;
}

int field_map_set(struct field_map *m, enum field f, const char *const *pointers, size_t count,
                  struct error *err)
{
    if (f == FIELD_WORKSPACE || f >= FIELD_COUNT)
        return error_set(err, ERR_INPUT, "the field %s has no pointers", field_name(f));
    for (size_t i = 0; i < count; i++)
        if (!joined_valid(pointers[i]))
            return error_set(err, ERR_INPUT,
                             "'%s' is no JSON pointer: one looks like /data/lead/email",
                             pointers[i]);
    pointers_done(&m->field[f]);
    for (size_t i = 0; i < count; i++)
        pointers_add(&m->field[f], pointers[i]);
    m->field[f].own = true;
    return 0;
}

void field_map_free(struct field_map *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        pointers_done(&m->field[i]);
    free(m);
}

void field_map_freep(struct field_map **m)
{
    field_map_free(*m);
}
