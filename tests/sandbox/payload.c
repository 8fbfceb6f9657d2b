#include "payload.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "js.h"

/* Where each fact goes: a pointer below root, or NULL to leave it out. "flat" is the best
 * evidence there is, with what a fuller payload would hold; "bare" is the evidence alone. */
struct shape {
    const char *name, *event, *root;
    const char *conversation, *message, *text, *subject, *from, *name_at, *first, *last, *campaign,
        *campaign_id, *tag, *automatic, *received;
};

#define FLAT_REST                                                                                  \
    .subject = "/subject", .from = "/leadEmail", .campaign = "/campaignName",                      \
    .campaign_id = "/campaignId", .tag = "/aiTag", .automatic = "/isAutoReply",                    \
    .received = "/receivedAt", .message = "/messageId"

static const struct shape shapes[] = {
    { .name = "flat",
      .event = "event",
      .root = "/data",
      .conversation = "/conversationId",
      .text = "/replyText",
      .name_at = "/leadName",
      FLAT_REST },
    { .name = "bare",
      .event = "event",
      .root = "/data",
      .conversation = "/conversationId",
      .text = "/replyText",
      .from = "/leadEmail",
      .message = "/messageId" },
    { .name = "snake",
      .event = "event",
      .root = "/data",
      .conversation = "/conversation_id",
      .text = "/reply/content",
      .message = "/messageId",
      .subject = "/reply/subject",
      .from = "/lead/email",
      .first = "/lead/firstName",
      .last = "/lead/lastName",
      .campaign = "/campaign/name",
      .campaign_id = "/campaign/_id",
      .tag = "/tag",
      .automatic = "/reply/isAutoReply",
      .received = "/receivedAt" },
    { .name = "nested-underscore",
      .event = "event",
      .root = "/data",
      .conversation = "/conversation/_id",
      .text = "/reply/body",
      .message = "/messageId",
      .subject = "/conversation/subject",
      .from = "/lead/email",
      .name_at = "/lead/name",
      .tag = "/tags",
      .automatic = "/reply/isAutoReply",
      .received = "/receivedAt" },
    { .name = "nested",
      .event = "event",
      .root = "/data",
      .conversation = "/conversation/id",
      .text = "/message/content",
      .message = "/messageId",
      .subject = "/message/subject",
      .from = "/from",
      .tag = "/aiTag",
      .automatic = "/message/isAutoReply",
      .received = "/receivedAt" },
    { .name = "underscore-id",
      .event = "event",
      .root = "/data",
      .conversation = "/_id",
      .text = "/message/body",
      FLAT_REST },
    { .name = "plain-id",
      .event = "event",
      .root = "/data",
      .conversation = "/id",
      .text = "/content",
      FLAT_REST },
    { .name = "body",
      .event = "event",
      .root = "/data",
      .conversation = "/id",
      .text = "/body",
      FLAT_REST },
    { .name = "text",
      .event = "event",
      .root = "/data",
      .conversation = "/conversationId",
      .text = "/text",
      FLAT_REST },
    { .name = "top",
      .event = "event",
      .root = "",
      .conversation = "/conversationId",
      .text = "/replyText",
      .name_at = "/leadName",
      FLAT_REST },
    { .name = "top-nested",
      .event = "event",
      .root = "",
      .conversation = "/conversation/_id",
      .text = "/reply/content",
      .message = "/messageId",
      .subject = "/reply/subject",
      .from = "/lead/email",
      .automatic = "/isAutoReply",
      .received = "/receivedAt" },
    { .name = "type",
      .event = "type",
      .root = "/data",
      .conversation = "/conversationId",
      .text = "/replyText",
      FLAT_REST },
    { .name = "eventType",
      .event = "eventType",
      .root = "/data",
      .conversation = "/conversationId",
      .text = "/replyText",
      FLAT_REST },
    { .name = "header-only",
      .root = "/data",
      .conversation = "/conversationId",
      .text = "/replyText",
      FLAT_REST },
};

static const struct shape *find_shape(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        if (!name || strcmp(shapes[i].name, name) == 0)
            return &shapes[i];
    return NULL;
}

struct json_object *payload_shapes(void)
{
    struct json_object *names = json_object_new_array();
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
        json_object_array_add(names, json_object_new_string(shapes[i].name));
    return names;
}

static void put(struct json_object *body, const struct shape *s, const char *at,
                struct json_object *value)
{
    if (!at || !value) {
        json_object_put(value);
        return;
    }
    scoped(freep) char *pointer = xasprintf("%s%s", s->root, at);
    js_put_at(body, pointer, value);
}

static void put_fact(struct json_object *body, const struct shape *s, const char *at,
                     struct json_object *facts, const char *fact)
{
    struct json_object *v = js_get(facts, fact);
    put(body, s, at, v ? json_object_get(v) : NULL);
}

static void put_name(struct json_object *body, const struct shape *s, struct json_object *facts)
{
    scoped(freep) char *whole =
        xasprintf("%s %s", js_str(facts, "firstName"), js_str(facts, "lastName"));
    put(body, s, s->name_at, js_text(whole));
    put_fact(body, s, s->first, facts, "firstName");
    put_fact(body, s, s->last, facts, "lastName");
}

static void put_tag(struct json_object *body, const struct shape *s, struct json_object *facts)
{
    struct json_object *v = js_get(facts, "tag");
    if (!v || !s->tag || strcmp(s->tag, "/tags") != 0) {
        put_fact(body, s, s->tag, facts, "tag");
        return;
    }
    struct json_object *list = json_object_new_array();
    json_object_array_add(list, json_object_get(v));
    put(body, s, s->tag, list);
}

struct json_object *payload_make(struct json_object *facts, const char *event, const char *shape)
{
    const struct shape *s = find_shape(shape);
    if (!s)
        return NULL;
    char now[CLOCK_TEXT];
    clock_format(clock_wall_ms(), now);
    struct json_object *body = json_object_new_object();
    if (s->event)
        js_put_str(body, s->event, event);
    js_put_str(body, "timestamp", now);
    put_fact(body, s, s->conversation, facts, "conversation");
    if (strcmp(s->name, "flat") == 0 || strcmp(s->name, "bare") == 0)
        put_fact(body, s, "/leadId", facts, "lead");
    put_fact(body, s, s->from, facts, "from");
    put_name(body, s, facts);
    put_fact(body, s, s->message, facts, "message");
    put_fact(body, s, s->subject, facts, "subject");
    put_fact(body, s, s->text, facts, "text");
    put_fact(body, s, s->campaign, facts, "campaign");
    put_fact(body, s, s->campaign_id, facts, "campaignId");
    put_tag(body, s, facts);
    put_fact(body, s, s->automatic, facts, "auto");
    put_fact(body, s, s->received, facts, "receivedAt");
    return body;
}
