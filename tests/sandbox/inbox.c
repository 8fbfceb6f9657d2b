#include "inbox.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "conversation.h"
#include "js.h"

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

struct json_object *inbox_thread(struct inbox *in, const char *workspace, const char *id)
{
    pthread_mutex_lock(&in->lock);
    const struct conversation *c = find(in, workspace, id);
    struct json_object *o = c ? conversation_thread(c) : NULL;
    pthread_mutex_unlock(&in->lock);
    return o;
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
            if (strcmp(c->workspace, sel->workspace) == 0 && conversation_fits(c, sel->filters) &&
                !js_array_has(sel->exclude, c->id))
                changed += fn(c, arg);
    }
    pthread_mutex_unlock(&in->lock);
    return changed;
}

static size_t mark_one(struct conversation *c, const char *arg)
{
    (void)arg;
    c->named_in_mark_read++;
    return conversation_read(c);
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

struct json_object *inbox_patch(struct inbox *in, const char *workspace, const char *id,
                                struct json_object *patch)
{
    pthread_mutex_lock(&in->lock);
    struct conversation *c = find(in, workspace, id);
    struct json_object *o = NULL;
    if (c) {
        conversation_patch(c, patch);
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
            list_one(&l, c, conversation_fits(c, filters), page, below);
    pthread_mutex_unlock(&in->lock);

    struct json_object *o = json_object_new_object();
    js_put_bool(o, "success", true);
    js_put(o, "data", l.data);
    js_put(o, "pagination", pagination_json(&l, page));
    return o;
}

/* ---- control
 * --------------------------------------------------------------------------------------- */

struct json_object *inbox_add(struct inbox *in, const char *workspace, struct json_object *spec)
{
    pthread_mutex_lock(&in->lock);
    struct conversation *c = find(in, NULL, js_str(spec, "id"));
    if (!c) {
        char id[INBOX_ID], lead_id[INBOX_ID];
        make_id(in, id);
        make_id(in, lead_id);
        c = conversation_new(id, lead_id, workspace, spec);
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

struct json_object *inbox_reply(struct inbox *in, struct json_object *spec)
{
    pthread_mutex_lock(&in->lock);
    struct conversation *c = find(in, NULL, js_str(spec, "conversation"));
    struct json_object *facts = NULL;
    if (c) {
        char message_id[INBOX_ID];
        make_id(in, message_id);
        const struct message *m = conversation_reply(c, spec);
        move_to_top(in, c);
        facts = conversation_facts(c, m, message_id, spec);
    }
    pthread_mutex_unlock(&in->lock);
    return facts;
}

bool inbox_send(struct inbox *in, struct json_object *spec)
{
    pthread_mutex_lock(&in->lock);
    struct conversation *c = find(in, NULL, js_str(spec, "conversation"));
    if (c) {
        conversation_send(c, spec);
    }
    pthread_mutex_unlock(&in->lock);
    return c != NULL;
}

struct json_object *inbox_state(struct inbox *in)
{
    struct json_object *all = json_object_new_object();
    pthread_mutex_lock(&in->lock);
    for (const struct conversation *c = in->newest; c; c = c->older) {
        js_put(all, c->id, conversation_state(c));
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
