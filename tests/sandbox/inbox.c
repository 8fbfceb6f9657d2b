#include "inbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "js.h"

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

#define BUCKETS 16384

struct inbox {
    pthread_mutex_t lock; /* guards all below */
    struct conversation *newest;
    struct conversation *buckets[BUCKETS];
    size_t count;
    uint64_t next_id, next_order;
};

struct inbox *inbox_new(void)
{
    struct inbox *in = xcalloc(1, sizeof(*in));
    pthread_mutex_init(&in->lock, NULL);
    return in;
}

static void message_done(struct message *m)
{
    free(m->from);
    free(m->to);
    free(m->subject);
    free(m->text);
    free(m->html);
}

static void conversation_free(struct conversation *c)
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

void inbox_reset(struct inbox *in)
{
    pthread_mutex_lock(&in->lock);
    while (in->newest) {
        struct conversation *c = in->newest;
        in->newest = c->older;
        conversation_free(c);
    }
    memset(in->buckets, 0, sizeof(in->buckets));
    in->count = 0;
    pthread_mutex_unlock(&in->lock);
}

static void make_id(struct inbox *in, char out[INBOX_ID])
{
    snprintf(out, INBOX_ID, "664a1b2c%016llx", (unsigned long long)++in->next_id);
}

void inbox_make_id(struct inbox *in, char out[INBOX_ID])
{
    pthread_mutex_lock(&in->lock);
    make_id(in, out);
    pthread_mutex_unlock(&in->lock);
}

/* ---- finding and ordering --------------------------------------------------------------- */

/* FNV-1a. */
static size_t bucket_of(const char *id)
{
    uint32_t h = 2166136261U;
    for (const char *p = id; *p; p++)
        h = (h ^ (unsigned char)*p) * 16777619U;
    return h % BUCKETS;
}

static struct conversation *find(struct inbox *in, const char *workspace, const char *id)
{
    for (struct conversation *c = id ? in->buckets[bucket_of(id)] : NULL; c; c = c->next_in_bucket)
        if (strcmp(c->id, id) == 0 && (!workspace || strcmp(c->workspace, workspace) == 0))
            return c;
    return NULL;
}

static void link_newest(struct inbox *in, struct conversation *c)
{
    c->newer = NULL;
    c->older = in->newest;
    if (in->newest)
        in->newest->newer = c;
    in->newest = c;
    c->order = ++in->next_order;
}

static void move_to_top(struct inbox *in, struct conversation *c)
{
    if (c->newer)
        c->newer->older = c->older;
    else
        in->newest = c->older;
    if (c->older)
        c->older->newer = c->newer;
    link_newest(in, c);
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

static struct json_object *conversation_json(const struct conversation *c)
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

struct json_object *inbox_thread(struct inbox *in, const char *workspace, const char *id)
{
    pthread_mutex_lock(&in->lock);
    const struct conversation *c = find(in, workspace, id);
    struct json_object *o = c ? conversation_json(c) : NULL;
    if (c) {
        struct json_object *messages = json_object_new_array();
        for (size_t i = 0; i < c->nmessages; i++)
            json_object_array_add(messages, message_json(&c->messages[i]));
        js_put(o, "messages", messages);
    }
    pthread_mutex_unlock(&in->lock);
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

/* A filter that is absent or empty lets everything through. */
static bool filters_fit(const struct conversation *c, struct json_object *filters)
{
    const char *status = js_str(filters, "status");
    const char *tag = js_str(filters, "tag");
    const char *campaign = js_str(filters, "campaign_id");
    const char *search = js_str(filters, "search");
    return (!status || !*status || status_fits(c, status)) && (!tag || !*tag || tag_fits(c, tag)) &&
           (!campaign || !*campaign || strcmp(c->campaign_id, campaign) == 0) &&
           (!search || !*search || search_fits(c, search));
}

/* ---- selections ------------------------------------------------------------------------------ */

typedef size_t (*change_fn)(struct conversation *c, const char *arg);

static size_t change_selected(struct inbox *in, const struct selection *sel, change_fn fn,
                              const char *arg)
{
    size_t changed = 0;
    pthread_mutex_lock(&in->lock);
    if (sel->ids) {
        for (size_t i = 0; i < json_object_array_length(sel->ids); i++) {
            struct conversation *c = find(in, sel->workspace, js_item_str(sel->ids, i));
            changed += c ? fn(c, arg) : 0;
        }
    } else {
        for (struct conversation *c = in->newest; c; c = c->older)
            if (strcmp(c->workspace, sel->workspace) == 0 && filters_fit(c, sel->filters) &&
                !js_array_has(sel->exclude, c->id))
                changed += fn(c, arg);
    }
    pthread_mutex_unlock(&in->lock);
    return changed;
}

static size_t set_read(struct conversation *c)
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

static size_t mark_one(struct conversation *c, const char *arg)
{
    (void)arg;
    c->named_in_mark_read++;
    return set_read(c);
}

size_t inbox_mark_read(struct inbox *in, const struct selection *sel)
{
    return change_selected(in, sel, mark_one, NULL);
}

static size_t tag_one(struct conversation *c, const char *tag)
{
    if (js_array_has(c->tags, tag))
        return 0;
    json_object_array_add(c->tags, json_object_new_string(tag));
    return 1;
}

size_t inbox_tag(struct inbox *in, const struct selection *sel, const char *tag)
{
    return change_selected(in, sel, tag_one, tag);
}

static size_t dnc_one(struct conversation *c, const char *arg)
{
    (void)arg;
    const bool was = c->dnc;
    c->dnc = true;
    return !was;
}

size_t inbox_dnc(struct inbox *in, const struct selection *sel)
{
    return change_selected(in, sel, dnc_one, NULL);
}

static void replace(char **slot, const char *value)
{
    free(*slot);
    *slot = value ? xstrdup(value) : NULL;
}

struct json_object *inbox_patch(struct inbox *in, const char *workspace, const char *id,
                                struct json_object *patch)
{
    pthread_mutex_lock(&in->lock);
    struct conversation *c = find(in, workspace, id);
    struct json_object *o = NULL;
    if (c) {
        if (js_bool(patch, "markRead", false) || js_bool(patch, "isRead", false))
            set_read(c);
        else if (!js_bool(patch, "isRead", true) || !js_bool(patch, "markRead", true))
            set_unread(c);
        if (js_has(patch, "aiTag"))
            replace(&c->ai_tag, js_str(patch, "aiTag"));
        if (js_array(patch, "tags")) {
            json_object_put(c->tags);
            c->tags = js_copy(js_array(patch, "tags"));
        }
        o = conversation_json(c);
    }
    pthread_mutex_unlock(&in->lock);
    return o;
}

/* ---- lists -------------------------------------------------------------------------------------
 */

struct listing {
    struct json_object *data;
    size_t total, taken, looked_at, skip;
    uint64_t last_order;
    bool more;
};

/* Whether the page has room for c; what does not fit only counts. */
static void list_one(struct listing *l, const struct conversation *c, bool fits,
                     const struct page *page, uint64_t below)
{
    l->total += fits;
    if (c->order >= below || (!page->scanning && !fits))
        return;
    if (l->skip > 0) {
        l->skip--;
        return;
    }
    const size_t used = page->scanning ? l->looked_at : l->taken;
    if (used >= page->limit) {
        l->more = true;
        return;
    }
    l->looked_at++;
    l->last_order = c->order;
    if (!fits)
        return;
    l->taken++;
    json_object_array_add(l->data, conversation_json(c));
}

static struct json_object *pagination_json(const struct listing *l, const struct page *page)
{
    struct json_object *o = json_object_new_object();
    js_put_int(o, "limit", (int64_t)page->limit);
    js_put_int(o, "total", (int64_t)l->total);
    if (page->page > 0) {
        js_put_int(o, "page", (int64_t)page->page);
        js_put_int(o, "pages", (int64_t)((l->total + page->limit - 1) / page->limit));
        return o;
    }
    char cursor[32];
    snprintf(cursor, sizeof(cursor), "c%016llx", (unsigned long long)l->last_order);
    js_put_bool(o, "hasMore", l->more);
    js_put_str(o, "nextCursor", l->more ? cursor : NULL);
    return o;
}

/* The order number in a cursor; false when it is none of ours. */
static bool parse_cursor(const char *cursor, uint64_t *below)
{
    *below = UINT64_MAX;
    if (!cursor || !*cursor)
        return true;
    char *end = NULL;
    *below = strtoull(cursor[0] == 'c' ? cursor + 1 : "", &end, 16);
    return strlen(cursor) == 17 && *end == '\0';
}

struct json_object *inbox_list(struct inbox *in, const char *workspace, struct json_object *filters,
                               const struct page *page)
{
    uint64_t below;
    if (!parse_cursor(page->cursor, &below))
        return NULL;
    struct listing l = { .data = json_object_new_array() };
    l.skip = page->page > 1 ? (page->page - 1) * page->limit : 0;
    pthread_mutex_lock(&in->lock);
    for (const struct conversation *c = in->newest; c; c = c->older)
        if (strcmp(c->workspace, workspace) == 0 && c->replied_at_ms)
            list_one(&l, c, filters_fit(c, filters), page, below);
    pthread_mutex_unlock(&in->lock);

    struct json_object *o = json_object_new_object();
    js_put_bool(o, "success", true);
    js_put(o, "data", l.data);
    js_put(o, "pagination", pagination_json(&l, page));
    return o;
}

/* ---- control
 * --------------------------------------------------------------------------------------- */

static char *text_or(struct json_object *spec, const char *key, const char *fallback)
{
    const char *s = js_str(spec, key);
    return xstrdup(s ? s : fallback);
}

static struct conversation *conversation_new(struct inbox *in, const char *workspace,
                                             struct json_object *spec)
{
    struct conversation *c = xcalloc(1, sizeof(*c));
    struct json_object *campaign = js_object(spec, "campaign");
    char made[INBOX_ID];
    make_id(in, made);
    const char *id = js_str(spec, "id");
    snprintf(c->id, sizeof(c->id), "%s", id ? id : made);
    make_id(in, c->lead_id);
    scoped(freep) char *email = xasprintf("lead%llu@example.com", (unsigned long long)in->next_id);
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

struct json_object *inbox_add(struct inbox *in, const char *workspace, struct json_object *spec)
{
    pthread_mutex_lock(&in->lock);
    struct conversation *c = find(in, NULL, js_str(spec, "id"));
    if (!c) {
        c = conversation_new(in, workspace, spec);
        const size_t at = bucket_of(c->id);
        c->next_in_bucket = in->buckets[at];
        in->buckets[at] = c;
        link_newest(in, c);
        in->count++;
    }
    struct json_object *o = json_object_new_object();
    js_put_str(o, "id", c->id);
    js_put_str(o, "leadId", c->lead_id);
    js_put_str(o, "email", c->email);
    pthread_mutex_unlock(&in->lock);
    return o;
}

static struct message *add_message(struct conversation *c)
{
    c->messages = xreallocarray(c->messages, c->nmessages + 1, sizeof(*c->messages));
    struct message *m = &c->messages[c->nmessages++];
    memset(m, 0, sizeof(*m));
    return m;
}

static struct message *add_reply(struct inbox *in, struct conversation *c, struct json_object *spec)
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
    move_to_top(in, c);
    return m;
}

/* What payload.c picks from. Only what the reply says about itself is there, so that a
 * receiver also meets payloads without subject, tag or flag. */
static struct json_object *facts_json(struct inbox *in, const struct conversation *c,
                                      const struct message *m, struct json_object *spec)
{
    char made[INBOX_ID];
    make_id(in, made);
    struct json_object *o = json_object_new_object();
    js_put_str(o, "workspace", c->workspace);
    js_put_str(o, "conversation", c->id);
    js_put_str(o, "lead", c->lead_id);
    js_put_str(o, "message", js_str(spec, "messageId") ? js_str(spec, "messageId") : made);
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

struct json_object *inbox_reply(struct inbox *in, struct json_object *spec)
{
    pthread_mutex_lock(&in->lock);
    struct conversation *c = find(in, NULL, js_str(spec, "conversation"));
    struct json_object *facts = NULL;
    if (c) {
        const struct message *m = add_reply(in, c, spec);
        facts = facts_json(in, c, m, spec);
    }
    pthread_mutex_unlock(&in->lock);
    return facts;
}

bool inbox_send(struct inbox *in, struct json_object *spec)
{
    pthread_mutex_lock(&in->lock);
    struct conversation *c = find(in, NULL, js_str(spec, "conversation"));
    if (c) {
        struct message *m = add_message(c);
        m->from = xstrdup("us@sender.example");
        m->to = xstrdup(c->email);
        m->subject = text_or(spec, "subject", "Quick question");
        m->text = text_or(spec, "body", "Hello, could we talk next week?");
        m->at_ms = clock_wall_ms();
    }
    pthread_mutex_unlock(&in->lock);
    return c != NULL;
}

static size_t count_replies(const struct conversation *c)
{
    size_t n = 0;
    for (size_t i = 0; i < c->nmessages; i++)
        n += c->messages[i].from_lead;
    return n;
}

struct json_object *inbox_state(struct inbox *in)
{
    struct json_object *all = json_object_new_object();
    pthread_mutex_lock(&in->lock);
    for (const struct conversation *c = in->newest; c; c = c->older) {
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
        js_put(all, c->id, o);
    }
    pthread_mutex_unlock(&in->lock);
    return all;
}

struct json_object *inbox_summary(struct inbox *in)
{
    size_t unread = 0, replies = 0;
    pthread_mutex_lock(&in->lock);
    for (const struct conversation *c = in->newest; c; c = c->older) {
        unread += c->unread > 0;
        replies += c->unread;
    }
    struct json_object *o = json_object_new_object();
    js_put_int(o, "conversations", (int64_t)in->count);
    js_put_int(o, "unread", (int64_t)unread);
    js_put_int(o, "unreadReplies", (int64_t)replies);
    pthread_mutex_unlock(&in->lock);
    return o;
}
