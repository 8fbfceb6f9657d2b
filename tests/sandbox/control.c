#include "control.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "calls.h"
#include "deliver.h"
#include "hooks.h"
#include "http.h"
#include "inbox.h"
#include "js.h"
#include "payload.h"
#include "sandbox.h"
#include "trouble.h"

/* ---- answers -------------------------------------------------------------------------------- */

static void answer(struct request *r, unsigned status, struct json_object *o)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    js_write(&text, o);
    json_object_put(o);
    response_set(&r->resp, status, buf_str(&text));
}

static void refuse(struct request *r, const char *words)
{
    struct json_object *o = json_object_new_object();
    js_put_str(o, "error", words);
    answer(r, 400, o);
}

static void answer_empty(struct request *r)
{
    answer(r, 200, json_object_new_object());
}

/* ---- deliveries in the making ------------------------------------------------------------------
 */

struct batch {
    struct delivery *list;
    size_t count;
};

static void batch_add(struct batch *b, const struct delivery *d)
{
    b->list = xreallocarray(b->list, b->count + 1, sizeof(*b->list));
    b->list[b->count++] = *d;
}

static enum signature_style style_of(struct sandbox *sb, const char *name)
{
    if (!name)
        return (enum signature_style)sb->signature;
    return strcmp(name, "none") == 0      ? SIGN_NONE
           : strcmp(name, "webhook") == 0 ? SIGN_WEBHOOK
           : strcmp(name, "both") == 0    ? SIGN_BOTH
                                          : SIGN_SENDKIT;
}

/* spec: event, times, sign. One delivery for each webhook of the workspace that wants
 * the event, times over. */
static void batch_event(struct sandbox *sb, struct batch *b, const char *workspace,
                        const char *event, const char *body, struct json_object *spec)
{
    for (int64_t i = 0; i < js_int(spec, "times", 1); i++) {
        scoped(freep) struct hook *hooks = NULL;
        const size_t count = hooks_for(sb->hooks, workspace, event, &hooks);
        for (size_t k = 0; k < count; k++) {
            const struct delivery d = { .hook = hooks[k],
                                        .event = xstrdup(event),
                                        .body = xstrdup(body),
                                        .style = style_of(sb, js_str(spec, "sign")) };
            batch_add(b, &d);
        }
    }
}

/* What the answer waits for: the request and the part of the answer that is ready. */
struct waiting {
    struct request *r;
    struct json_object *answer;
};

static void all_delivered(void *ctx, struct json_object *results)
{
    struct waiting *w = ctx;
    js_put(w->answer, "deliveries", results);
    answer(w->r, 200, w->answer);
    http_resume(w->r);
    free(w);
}

static void send_batch(struct sandbox *sb, struct request *r, struct batch *b, bool wait,
                       struct json_object *o)
{
    if (wait && b->count > 0) {
        struct waiting *w = xmalloc(sizeof(*w));
        *w = (struct waiting){ .r = r, .answer = o };
        http_suspend(r);
        deliver_send(sb->deliver, b->list, b->count, all_delivered, w);
    } else {
        js_put(o, "deliveries", json_object_new_array());
        answer(r, 200, o);
        deliver_send(sb->deliver, b->list, b->count, NULL, NULL);
    }
    free(b->list);
}

/* ---- the inbox
 * -------------------------------------------------------------------------------------- */

static const char *workspace_of(struct sandbox *sb, struct json_object *spec)
{
    const char *workspace = js_str(spec, "workspace");
    if (workspace)
        access_add_workspace(sb->access, workspace);
    return workspace ? workspace : DEFAULT_WORKSPACE;
}

static void add_conversations(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    struct json_object *list = js_array(spec, "conversations");
    struct json_object *made = json_object_new_array();
    for (size_t i = 0; list && i < json_object_array_length(list); i++) {
        struct json_object *one = json_object_array_get_idx(list, i);
        json_object_array_add(made, inbox_add(sb->inbox, workspace_of(sb, one), one));
    }
    for (int64_t i = 0; !list && i < js_int(spec, "count", 1); i++)
        json_object_array_add(made, inbox_add(sb->inbox, workspace_of(sb, spec), spec));
    struct json_object *o = json_object_new_object();
    js_put(o, "conversations", made);
    answer(r, 200, o);
}

static void send_to_lead(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    if (inbox_send(sb->inbox, spec))
        answer_empty(r);
    else
        refuse(r, "no such conversation");
}

/* One payload per event; false when there is no such shape. */
static bool batch_reply(struct sandbox *sb, struct batch *b, struct json_object *facts,
                        struct json_object *spec)
{
    struct json_object *events = js_array(spec, "events");
    const size_t count = events ? json_object_array_length(events) : 1;
    for (size_t i = 0; i < count; i++) {
        const char *event = events ? js_item_str(events, i) : js_str(spec, "event");
        if (!event)
            event = "email.replied";
        scoped(js_freep) struct json_object *payload =
            payload_make(facts, event, js_str(spec, "shape"));
        if (!payload)
            return false;
        scoped(buf_free) struct buf body = BUF_INIT;
        js_write(&body, payload);
        batch_event(sb, b, js_str(facts, "workspace"), event, buf_str(&body), spec);
    }
    return true;
}

/* NULL when all is well. */
static const char *reply_one(struct sandbox *sb, struct batch *b, struct json_object *spec,
                             struct json_object *done)
{
    struct json_object *facts = inbox_reply(sb->inbox, spec);
    if (!facts)
        return "no such conversation";
    json_object_array_add(done, facts);
    if (js_bool(spec, "deliver", true) && !batch_reply(sb, b, facts, spec))
        return "no such shape";
    return NULL;
}

static void lead_replies(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    struct json_object *list = js_array(spec, "replies");
    struct json_object *o = json_object_new_object();
    struct json_object *done = json_object_new_array();
    struct batch b = { .list = NULL };
    const char *words = list ? NULL : reply_one(sb, &b, spec, done);
    for (size_t i = 0; list && !words && i < json_object_array_length(list); i++)
        words = reply_one(sb, &b, json_object_array_get_idx(list, i), done);
    js_put(o, "replies", done);
    if (words)
        js_put_str(o, "error", words);
    send_batch(sb, r, &b, js_bool(spec, "wait", true), o);
    if (words && !r->suspended)
        r->resp.status = 400;
}

/* A delivery by itself: of facts in a shape, of a payload, or of a body to the letter. */
static void deliver_verbatim(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    struct batch b = { .list = NULL };
    struct json_object *facts = js_object(spec, "facts");
    const char *event = js_str(spec, "event") ? js_str(spec, "event") : "email.replied";
    if (facts) {
        batch_reply(sb, &b, facts, spec);
    } else if (js_str(spec, "body")) {
        batch_event(sb, &b, workspace_of(sb, spec), event, js_str(spec, "body"), spec);
    } else if (js_object(spec, "payload")) {
        scoped(buf_free) struct buf body = BUF_INIT;
        js_write(&body, js_object(spec, "payload"));
        batch_event(sb, &b, workspace_of(sb, spec), event, buf_str(&body), spec);
    }
    send_batch(sb, r, &b, js_bool(spec, "wait", true), json_object_new_object());
}

static void add_webhook(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    const char *words = NULL;
    char id[INBOX_ID];
    inbox_make_id(sb->inbox, id);
    struct json_object *o =
        hooks_add(sb->hooks, workspace_of(sb, spec), id, spec, sb->secret, &words);
    if (o)
        answer(r, 200, o);
    else
        refuse(r, words);
}

/* ---- trouble, settings, facts
 * -------------------------------------------------------------------------- */

static void add_trouble(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    struct json_object *list = js_array(spec, "trouble");
    const char *words = list ? NULL : trouble_add(sb->trouble, spec);
    for (size_t i = 0; list && !words && i < json_object_array_length(list); i++)
        words = trouble_add(sb->trouble, json_object_array_get_idx(list, i));
    if (words)
        refuse(r, words);
    else
        answer(r, 200, trouble_list(sb->trouble));
}

static void show_trouble(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    (void)spec;
    answer(r, 200, trouble_list(sb->trouble));
}

static void clear_trouble(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    (void)spec;
    trouble_reset(sb->trouble);
    answer_empty(r);
}

static void set_key(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    const char *words = access_set_key(sb->access, spec);
    if (words)
        refuse(r, words);
    else
        answer_empty(r);
}

static void change_settings(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    access_settings(sb->access, spec);
    if (js_str(spec, "signature"))
        sb->signature = style_of(sb, js_str(spec, "signature"));
    if (js_has(spec, "retryDelayMs"))
        deliver_set_retry_delay(sb->deliver, js_int(spec, "retryDelayMs", 200));
    if (js_has(spec, "emptyPages"))
        sb->scanning = js_bool(spec, "emptyPages", false);
    answer_empty(r);
}

static void reset(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    (void)spec;
    inbox_reset(sb->inbox);
    hooks_reset(sb->hooks);
    trouble_reset(sb->trouble);
    calls_reset(sb->calls);
    access_reset(sb->access);
    deliver_reset(sb->deliver);
    deliver_set_retry_delay(sb->deliver, 200);
    sb->signature = SIGN_SENDKIT;
    sb->scanning = false;
    answer_empty(r);
}

static int64_t after(const struct request *r)
{
    const char *text = http_pairs_get(&r->query, "after");
    return text ? strtoll(text, NULL, 10) : 0;
}

static void show_calls(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    (void)spec;
    answer(r, 200, calls_list(sb->calls, after(r), http_pairs_get(&r->query, "path")));
}

static void show_deliveries(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    (void)spec;
    answer(r, 200, deliver_log(sb->deliver, after(r)));
}

static void show_counters(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    (void)spec;
    struct json_object *o = json_object_new_object();
    js_put(o, "calls", calls_counters(sb->calls));
    js_put(o, "deliveries", deliver_counters(sb->deliver));
    js_put(o, "inbox", inbox_summary(sb->inbox));
    answer(r, 200, o);
}

static void show_state(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    (void)spec;
    answer(r, 200, inbox_state(sb->inbox));
}

static void show_shapes(struct sandbox *sb, struct request *r, struct json_object *spec)
{
    (void)sb;
    (void)spec;
    answer(r, 200, payload_shapes());
}

static const struct {
    const char *method, *path;
    void (*act)(struct sandbox *sb, struct request *r, struct json_object *spec);
} routes[] = {
    { "POST", "/_sandbox/conversations", add_conversations },
    { "POST", "/_sandbox/reply", lead_replies },
    { "POST", "/_sandbox/sent", send_to_lead },
    { "POST", "/_sandbox/deliver", deliver_verbatim },
    { "POST", "/_sandbox/webhooks", add_webhook },
    { "POST", "/_sandbox/trouble", add_trouble },
    { "GET", "/_sandbox/trouble", show_trouble },
    { "DELETE", "/_sandbox/trouble", clear_trouble },
    { "POST", "/_sandbox/keys", set_key },
    { "POST", "/_sandbox/settings", change_settings },
    { "POST", "/_sandbox/reset", reset },
    { "GET", "/_sandbox/calls", show_calls },
    { "GET", "/_sandbox/deliveries", show_deliveries },
    { "GET", "/_sandbox/counters", show_counters },
    { "GET", "/_sandbox/state", show_state },
    { "GET", "/_sandbox/shapes", show_shapes },
};

void control_handle(struct sandbox *sb, struct request *r)
{
    scoped(js_freep) struct json_object *spec =
        r->body.len ? js_parse(r->body.data, r->body.len) : json_object_new_object();
    if (!spec) {
        refuse(r, "the body is not a JSON object");
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (strcmp(routes[i].method, r->method) == 0 && strcmp(routes[i].path, r->path) == 0) {
            routes[i].act(sb, r, spec);
            return;
        }
    refuse(r, "no such control route");
}
