#include "conversation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "js.h"

/* ---- birth and death -------------------------------------------------------------------- */

static void replace(char **slot, const char *value)
{
    free(*slot);
    *slot = value ? xstrdup(value) : NULL;
}

static char *text_or(struct json_object *spec, const char *key, const char *fallback)
{
    const char *s = js_str(spec, key);
    return xstrdup(s ? s : fallback);
}

struct conversation *conversation_new(const char *id, const char *lead_id, const char *workspace,
                                      struct json_object *spec)
{
    struct conversation *c = xcalloc(1, sizeof(*c));
    struct json_object *campaign = js_object(spec, "campaign");
    const char *own = js_str(spec, "id");
    snprintf(c->id, sizeof(c->id), "%s", own ? own : id);
    snprintf(c->lead_id, sizeof(c->lead_id), "%s", lead_id);
    scoped(freep) char *email = xasprintf("lead-%s@example.com", lead_id + 16);
    c->workspace = xstrdup(workspace);
    c->email = text_or(spec, "email", email);
    c->first = text_or(spec, "firstName", "Robin");
    c->last = text_or(spec, "lastName", "Example");
    c->company = text_or(spec, "companyName", "Example Ltd");
    c->campaign = text_or(campaign, "name", "Spring outreach");
    c->campaign_id = text_or(campaign, "_id", "664a0000000000000000ca01");
    replace(&c->ai_tag, js_str(spec, "aiTag"));
    c->tags = js_array(spec, "tags") ? js_copy(js_array(spec, "tags")) : json_object_new_array();
    return c;
}

static void message_done(struct message *m)
{
    free(m->from);
    free(m->to);
    free(m->subject);
    free(m->text);
    free(m->html);
}

void conversation_free(struct conversation *c)
{
    for (size_t i = 0; i < c->nmessages; i++)
        message_done(&c->messages[i]);
    free(c->messages);
    free(c->workspace);
    free(c->email);
    free(c->first);
    free(c->last);
    free(c->company);
    free(c->campaign);
    free(c->campaign_id);
    free(c->ai_tag);
    json_object_put(c->tags);
    free(c);
}

/* ---- as JSON ------------------------------------------------------------------------------ */

static void put_time(struct json_object *o, const char *key, int64_t at_ms)
{
    char text[CLOCK_TEXT];
    clock_format(at_ms, text);
    js_put_str(o, key, at_ms ? text : NULL);
}

static struct json_object *lead_json(const struct conversation *c)
{
    struct json_object *o = json_object_new_object();
    js_put_str(o, "_id", c->lead_id);
    js_put_str(o, "email", c->email);
    js_put_str(o, "firstName", c->first);
    js_put_str(o, "lastName", c->last);
    js_put_str(o, "companyName", c->company);
    return o;
}

static struct json_object *campaign_json(const struct conversation *c)
{
    struct json_object *o = json_object_new_object();
    js_put_str(o, "_id", c->campaign_id);
    js_put_str(o, "name", c->campaign);
    return o;
}

static struct json_object *last_message_json(const struct conversation *c)
{
    if (c->nmessages == 0)
        return NULL;
    const struct message *m = &c->messages[c->nmessages - 1];
    struct json_object *o = json_object_new_object();
    js_put_str(o, "content", m->text);
    js_put_str(o, "from", m->from);
    put_time(o, "receivedAt", m->at_ms);
    js_put_bool(o, "isFromLead", m->from_lead);
    return o;
}

struct json_object *conversation_json(const struct conversation *c)
{
    struct json_object *o = json_object_new_object();
    js_put_str(o, "id", c->id);
    js_put(o, "lead", lead_json(c));
    js_put(o, "campaign", campaign_json(c));
    js_put_str(o, "status", c->unread ? "unread" : "read");
    js_put_str(o, "aiTag", c->ai_tag);
    js_put(o, "tags", js_copy(c->tags));
    put_time(o, "repliedAt", c->replied_at_ms);
    js_put(o, "lastMessage", last_message_json(c));
    js_put_bool(o, "isRead", c->unread == 0);
    js_put_int(o, "unreadCount", (int64_t)c->unread);
    js_put_int(o, "messageCount", (int64_t)c->nmessages);
    return o;
}

static struct json_object *message_json(const struct message *m)
{
    struct json_object *o = json_object_new_object();
    js_put_str(o, "type", m->from_lead ? "reply" : "sent");
    js_put_str(o, "from", m->from);
    js_put_str(o, "to", m->to);
    js_put_str(o, "subject", m->subject);
    js_put_bool(o, "isFromLead", m->from_lead);
    if (m->from_lead) {
        js_put_str(o, "content", m->text);
        js_put_str(o, "htmlContent", m->html);
        put_time(o, "receivedAt", m->at_ms);
        js_put_bool(o, "isAutoReply", m->auto_reply);
        js_put_bool(o, "read", m->read);
    } else {
        js_put_str(o, "body", m->text);
        put_time(o, "sentAt", m->at_ms);
        js_put_int(o, "sequenceStep", 1);
        js_put_bool(o, "opened", true);
        js_put_bool(o, "clicked", false);
    }
    return o;
}

struct json_object *conversation_thread(const struct conversation *c)
{
    struct json_object *o = conversation_json(c);
    struct json_object *messages = json_object_new_array();
    for (size_t i = 0; i < c->nmessages; i++)
        json_object_array_add(messages, message_json(&c->messages[i]));
    js_put(o, "messages", messages);
    return o;
}

static size_t count_replies(const struct conversation *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->nmessages; i++)
        n += c->messages[i].from_lead;
    return n;
}

struct json_object *conversation_state(const struct conversation *c)
{
    struct json_object *o = json_object_new_object();
    js_put_bool(o, "isRead", c->unread == 0);
    js_put_int(o, "unreadCount", (int64_t)c->unread);
    js_put_int(o, "replies", (int64_t)count_replies(c));
    js_put_str(o, "aiTag", c->ai_tag);
    js_put(o, "tags", js_copy(c->tags));
    js_put_bool(o, "dnc", c->dnc);
    js_put_int(o, "namedInMarkRead", c->named_in_mark_read);
    js_put_int(o, "timesRead", c->times_read);
    js_put_int(o, "timesUnread", c->times_unread);
    js_put_str(o, "workspace", c->workspace);
    js_put_str(o, "email", c->email);
    return o;
}

struct json_object *conversation_facts(const struct conversation *c, const struct message *m,
                                       const char *message_id, struct json_object *spec)
{
    struct json_object *o = json_object_new_object();
    js_put_str(o, "workspace", c->workspace);
    js_put_str(o, "conversation", c->id);
    js_put_str(o, "lead", c->lead_id);
    js_put_str(o, "message", js_str(spec, "messageId") ? js_str(spec, "messageId") : message_id);
    js_put_str(o, "from", c->email);
    js_put_str(o, "firstName", c->first);
    js_put_str(o, "lastName", c->last);
    js_put_str(o, "campaign", c->campaign);
    js_put_str(o, "campaignId", c->campaign_id);
    js_put_str(o, "text", m->html && !js_str(spec, "text") ? m->html : m->text);
    put_time(o, "receivedAt", m->at_ms);
    if (js_has(spec, "subject"))
        js_put_str(o, "subject", m->subject);
    if (js_has(spec, "aiTag"))
        js_put_str(o, "tag", c->ai_tag);
    if (js_has(spec, "isAutoReply"))
        js_put_bool(o, "auto", m->auto_reply);
    return o;
}

/* ---- filters -------------------------------------------------------------------------------- */

static bool tag_fits(const struct conversation *c, const char *tag)
{
    return (c->ai_tag && strcmp(c->ai_tag, tag) == 0) || js_array_has(c->tags, tag);
}

static bool holds(const char *text, const char *needle)
{
    return text && strcasestr(text, needle);
}

static bool search_fits(const struct conversation *c, const char *needle)
{
    if (holds(c->email, needle) || holds(c->first, needle) || holds(c->last, needle) ||
        holds(c->company, needle))
        return true;
    for (size_t i = 0; i < c->nmessages; i++)
        if (holds(c->messages[i].text, needle) || holds(c->messages[i].subject, needle))
            return true;
    return false;
}

static bool status_fits(const struct conversation *c, const char *status)
{
    return strcmp(status, "all") == 0 || (strcmp(status, "unread") == 0) == (c->unread > 0);
}

bool conversation_fits(const struct conversation *c, struct json_object *filters)
{
    const char *status = js_str(filters, "status");
    const char *tag = js_str(filters, "tag");
    const char *campaign = js_str(filters, "campaign_id");
    const char *search = js_str(filters, "search");
    return (!status || !*status || status_fits(c, status)) && (!tag || !*tag || tag_fits(c, tag)) &&
           (!campaign || !*campaign || strcmp(c->campaign_id, campaign) == 0) &&
           (!search || !*search || search_fits(c, search));
}

/* ---- changes ---- */

size_t conversation_read(struct conversation *c)
{
    const size_t changed = c->unread;
    for (size_t i = 0; changed && i < c->nmessages; i++)
        c->messages[i].read = true;
    c->unread = 0;
    c->times_read += changed > 0;
    return changed;
}

/* The newest reply becomes unread again. */
static void set_unread(struct conversation *c)
{
    c->times_unread++;
    for (size_t i = c->nmessages; i-- > 0;) {
        struct message *m = &c->messages[i];
        if (!m->from_lead)
            continue;
        c->unread += m->read;
        m->read = false;
        return;
    }
}

void conversation_patch(struct conversation *c, struct json_object *patch)
{
    if (js_bool(patch, "markRead", false) || js_bool(patch, "isRead", false))
        conversation_read(c);
    else if (!js_bool(patch, "isRead", true) || !js_bool(patch, "markRead", true))
        set_unread(c);
    if (js_has(patch, "aiTag"))
        replace(&c->ai_tag, js_str(patch, "aiTag"));
    if (js_array(patch, "tags")) {
        json_object_put(c->tags);
        c->tags = js_copy(js_array(patch, "tags"));
    }
}

static struct message *add_message(struct conversation *c)
{
    c->messages = xreallocarray(c->messages, c->nmessages + 1, sizeof(*c->messages));
    struct message *m = &c->messages[c->nmessages++];
    memset(m, 0, sizeof(*m));
    return m;
}

struct message *conversation_reply(struct conversation *c, struct json_object *spec)
{
    int64_t at_ms = clock_wall_ms();
    const char *received = js_str(spec, "receivedAt");
    if (received)
        clock_parse(received, &at_ms);
    struct message *m = add_message(c);
    m->from_lead = true;
    m->auto_reply = js_bool(spec, "isAutoReply", false);
    m->from = xstrdup(c->email);
    m->to = xstrdup("us@sender.example");
    m->subject = text_or(spec, "subject", "");
    m->text = text_or(spec, "text", "");
    replace(&m->html, js_str(spec, "html"));
    m->at_ms = at_ms;
    c->unread++;
    c->replied_at_ms = at_ms;
    if (js_has(spec, "aiTag"))
        replace(&c->ai_tag, js_str(spec, "aiTag"));
    return m;
}

void conversation_send(struct conversation *c, struct json_object *spec)
{
    struct message *m = add_message(c);
    m->from = xstrdup("us@sender.example");
    m->to = xstrdup(c->email);
    m->subject = text_or(spec, "subject", "Quick question");
    m->text = text_or(spec, "body", "Hello, could we talk next week?");
    m->at_ms = clock_wall_ms();
}
