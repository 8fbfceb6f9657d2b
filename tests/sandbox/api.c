#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "deliver.h"
#include "hooks.h"
#include "http.h"
#include "inbox.h"
#include "js.h"
#include "sandbox.h"

#define IDS_MAX 5000
#define LIMIT_DEFAULT 50
#define LIMIT_MAX 100

/* One call on its way: what every route needs. */
struct call {
    struct sandbox *sb;
    struct request *r;
    char workspace[WORKSPACE_MAX];
    char id[160];             /* of the path, or empty */
    struct json_object *body; /* NULL without one */
};

/* ---- answers ---------------------------------------------------------------------------- */

static void answer(struct request *r, unsigned status, struct json_object *o)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    js_write(&text, o);
    json_object_put(o);
    response_set(&r->resp, status, buf_str(&text));
}

static void answer_data(struct request *r, unsigned status, struct json_object *data)
{
    struct json_object *o = json_object_new_object();
    js_put_bool(o, "success", true);
    js_put(o, "data", data);
    answer(r, status, o);
}

static void answer_count(struct request *r, const char *name, size_t n)
{
    struct json_object *data = json_object_new_object();
    js_put_int(data, name, (int64_t)n);
    answer_data(r, 200, data);
}

static void refuse(struct request *r, unsigned status, const char *message)
{
    static const struct {
        unsigned status;
        const char *error;
    } names[] = {
        { 400, "Bad Request" }, { 401, "Unauthorized" },           { 403, "Forbidden" },
        { 404, "Not Found" },   { 415, "Unsupported Media Type" }, { 429, "Too Many Requests" }
    };
    const char *error = "Error";
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].status == status)
            error = names[i].error;
    struct json_object *o = json_object_new_object();
    js_put_str(o, "error", error);
    js_put_str(o, "message", message);
    js_put_int(o, "code", status);
    answer(r, status, o);
}

static void refuse_missing(struct request *r)
{
    refuse(r, 404, "The requested resource was not found");
}

/* ---- selections: conversationIds, or selectAll with filters and excludeIds ----------------- */

static bool only_texts(struct json_object *array)
{
    for (size_t i = 0; array && i < json_object_array_length(array); i++)
        if (!js_item_str(array, i))
            return false;
    return true;
}

static const char *const filter_names[] = { "status", "tag", "campaign_id", "search" };

static bool known_filters(struct json_object *filters)
{
    if (!filters)
        return true;
    json_object_object_foreach(filters, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(filter_names); i++)
            known = known || strcmp(filter_names[i], key) == 0;
        if (!known || !json_object_is_type(value, json_type_string))
            return false;
    }
    return true;
}

/* NULL, or what is wrong. */
static const char *read_selection(const struct call *c, struct selection *out)
{
    *out = (struct selection){ .workspace = c->workspace,
                               .ids = js_array(c->body, "conversationIds"),
                               .filters = js_object(c->body, "filters"),
                               .exclude = js_array(c->body, "excludeIds") };
    const bool all = js_bool(c->body, "selectAll", false);
    if (all && js_has(c->body, "conversationIds"))
        return "Provide either conversationIds or selectAll, not both";
    if (!all && !out->ids)
        return "Either conversationIds or selectAll is required";
    if (all)
        return known_filters(out->filters) ? NULL : "filters has an unknown filter";
    if (js_has(c->body, "filters") || js_has(c->body, "excludeIds"))
        return "filters and excludeIds need selectAll";
    if (json_object_array_length(out->ids) == 0)
        return "conversationIds must not be empty";
    if (json_object_array_length(out->ids) > IDS_MAX)
        return "conversationIds must contain no more than 5000 elements";
    return only_texts(out->ids) ? NULL : "each value in conversationIds must be a string";
}

static void mark_read(struct call *c)
{
    struct selection sel;
    const char *words = read_selection(c, &sel);
    if (words)
        refuse(c->r, 400, words);
    else
        answer_count(c->r, "modified", inbox_mark_read(c->sb->inbox, &sel));
}

static void add_tag(struct call *c)
{
    struct selection sel;
    const char *tag = js_str(c->body, "tag");
    const char *words = read_selection(c, &sel);
    if (!words && (!tag || !*tag))
        words = "tag is required";
    if (words)
        refuse(c->r, 400, words);
    else
        answer_count(c->r, "modified", inbox_tag(c->sb->inbox, &sel, tag));
}

static void add_dnc(struct call *c)
{
    struct selection sel;
    const char *words = read_selection(c, &sel);
    if (words)
        refuse(c->r, 400, words);
    else
        answer_count(c->r, "added", inbox_dnc(c->sb->inbox, &sel));
}

/* ---- reading the inbox ------------------------------------------------------------------------
 */

/* A positive number of the query, fallback when absent; 0 when it is none. */
static size_t number_of(const struct request *r, const char *name, size_t fallback)
{
    const char *text = http_pairs_get(&r->query, name);
    if (!text || !*text)
        return fallback;
    char *end = NULL;
    const long n = strtol(text, &end, 10);
    return *end || n < 1 ? 0 : (size_t)n;
}

static bool known_status(const char *status)
{
    return !status || !*status || strcmp(status, "unread") == 0 || strcmp(status, "read") == 0 ||
           strcmp(status, "all") == 0;
}

static void list_inbox(struct call *c)
{
    struct page page = { .cursor = http_pairs_get(&c->r->query, "cursor"),
                         .limit = number_of(c->r, "limit", LIMIT_DEFAULT),
                         .scanning = c->sb->scanning };
    if (http_pairs_get(&c->r->query, "page"))
        page.page = number_of(c->r, "page", 1);
    if (page.limit > LIMIT_MAX)
        page.limit = LIMIT_MAX;
    if (page.limit == 0 || !known_status(http_pairs_get(&c->r->query, "status"))) {
        refuse(c->r, 400, page.limit ? "status must be unread, read or all" : "limit is no number");
        return;
    }
    scoped(js_freep) struct json_object *filters = json_object_new_object();
    for (size_t i = 0; i < ARRAY_LEN(filter_names); i++)
        js_put_str(filters, filter_names[i], http_pairs_get(&c->r->query, filter_names[i]));
    struct json_object *list = inbox_list(c->sb->inbox, c->workspace, filters, &page);
    if (list)
        answer(c->r, 200, list);
    else
        refuse(c->r, 400, "Invalid cursor");
}

static void show_conversation(struct call *c)
{
    struct json_object *o = inbox_thread(c->sb->inbox, c->workspace, c->id);
    if (o)
        answer_data(c->r, 200, o);
    else
        refuse_missing(c->r);
}

static bool is_bool_or_absent(struct json_object *o, const char *key)
{
    return !js_has(o, key) || json_object_is_type(js_get(o, key), json_type_boolean);
}

static const char *wrong_with_patch(struct json_object *patch)
{
    struct json_object *tag = js_get(patch, "aiTag");
    if (!js_has(patch, "markRead") && !js_has(patch, "isRead") && !js_has(patch, "aiTag") &&
        !js_has(patch, "tags"))
        return "Nothing to update";
    if (!is_bool_or_absent(patch, "markRead") || !is_bool_or_absent(patch, "isRead"))
        return "markRead and isRead must be booleans";
    if (tag && !json_object_is_type(tag, json_type_string))
        return "aiTag must be a string or null";
    if (js_has(patch, "tags") && (!js_array(patch, "tags") || !only_texts(js_array(patch, "tags"))))
        return "tags must be an array of strings";
    return NULL;
}

static void patch_conversation(struct call *c)
{
    const char *words = wrong_with_patch(c->body);
    if (words) {
        refuse(c->r, 400, words);
        return;
    }
    struct json_object *o = inbox_patch(c->sb->inbox, c->workspace, c->id, c->body);
    if (o)
        answer_data(c->r, 200, o);
    else
        refuse_missing(c->r);
}

/* ---- webhooks and account
 * ------------------------------------------------------------------------ */

static void add_webhook(struct call *c)
{
    const char *words = NULL;
    char id[INBOX_ID];
    inbox_make_id(c->sb->inbox, id);
    struct json_object *o = hooks_add(c->sb->hooks, c->workspace, id, c->body, NULL, &words);
    if (o)
        answer_data(c->r, 201, o);
    else
        refuse(c->r, 400, words);
}

static void list_webhooks(struct call *c)
{
    answer_data(c->r, 200, hooks_list(c->sb->hooks, c->workspace));
}

static void show_webhook(struct call *c)
{
    struct json_object *o = hooks_find(c->sb->hooks, c->workspace, c->id);
    if (o)
        answer_data(c->r, 200, o);
    else
        refuse_missing(c->r);
}

struct test_delivery {
    struct sandbox *sb;
    struct request *r;
};

static void test_delivered(void *ctx, struct json_object *results)
{
    struct test_delivery *t = ctx;
    struct json_object *first = json_object_array_get_idx(results, 0);
    struct json_object *data = json_object_new_object();
    js_put_int(data, "statusCode", js_int(first, "status", 0));
    js_put_bool(data, "delivered", js_bool(first, "delivered", false));
    answer_data(t->r, 200, data);
    json_object_put(results);
    api_finished(t->sb, t->r);
    free(t);
}

static char *test_payload(const char *webhook_id)
{
    char now[CLOCK_TEXT];
    clock_format(clock_wall_ms(), now);
    return xasprintf("{\"event\":\"test\",\"timestamp\":\"%s\",\"data\":{\"webhookId\":\"%s\","
                     "\"message\":\"This is a test delivery\"}}",
                     now, webhook_id);
}

static void test_webhook(struct call *c)
{
    scoped(js_freep) struct json_object *webhook = hooks_find(c->sb->hooks, c->workspace, c->id);
    if (!webhook) {
        refuse_missing(c->r);
        return;
    }
    const struct delivery d = { .hook = hook_from(webhook),
                                .event = xstrdup("test"),
                                .body = test_payload(c->id),
                                .style = (enum signature_style)c->sb->signature,
                                .once = true };
    struct test_delivery *t = xmalloc(sizeof(*t));
    *t = (struct test_delivery){ .sb = c->sb, .r = c->r };
    http_suspend(c->r);
    deliver_send(c->sb->deliver, &d, 1, test_delivered, t);
}

static void show_account(struct call *c)
{
    struct json_object *data = json_object_new_object();
    js_put_str(data, "_id", "664a000000000000000000ac");
    js_put_str(data, "email", "owner@sender.example");
    js_put_str(data, "name", "Sandbox");
    js_put_str(data, "plan", "sandbox");
    answer_data(c->r, 200, data);
}

/* ---- routes
 * ----------------------------------------------------------------------------------------- */

static const struct route {
    const char *method, *path; /* one part may be {id} */
    bool workspace;            /* needs one */
    void (*act)(struct call *c);
} routes[] = {
    { "GET", "/v1/account", false, show_account },
    { "POST", "/v1/inbox/mark-read", true, mark_read },
    { "POST", "/v1/inbox/tag", true, add_tag },
    { "POST", "/v1/inbox/dnc", true, add_dnc },
    { "GET", "/v1/inbox", true, list_inbox },
    { "GET", "/v1/inbox/{id}", true, show_conversation },
    { "PATCH", "/v1/inbox/{id}", true, patch_conversation },
    { "POST", "/v1/webhooks", true, add_webhook },
    { "GET", "/v1/webhooks", true, list_webhooks },
    { "GET", "/v1/webhooks/{id}", true, show_webhook },
    { "POST", "/v1/webhooks/{id}/test", true, test_webhook },
};

static bool path_fits(const char *route, const char *path, char *id, size_t id_size)
{
    const char *hole = strstr(route, "{id}");
    if (!hole)
        return strcmp(route, path) == 0;
    const size_t before = (size_t)(hole - route);
    if (strncmp(route, path, before) != 0)
        return false;
    const size_t len = strcspn(path + before, "/");
    if (len == 0 || len >= id_size || strcmp(path + before + len, hole + 4) != 0)
        return false;
    memcpy(id, path + before, len);
    id[len] = '\0';
    return true;
}

static const struct route *find_route(struct call *c)
{
    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        if (strcmp(routes[i].method, c->r->method) == 0 &&
            path_fits(routes[i].path, c->r->path, c->id, sizeof(c->id)))
            return &routes[i];
    return NULL;
}

static bool read_body(struct call *c)
{
    const bool test = c->r->body.len == 0 && strstr(c->r->path, "/test");
    if (strcmp(c->r->method, "GET") == 0 || test)
        return true;
    const char *type = http_pairs_get(&c->r->headers, "Content-Type");
    if (!type || strncasecmp(type, "application/json", 16) != 0) {
        refuse(c->r, 415, "Content-Type must be application/json");
        return false;
    }
    c->body = js_parse(buf_str(&c->r->body), c->r->body.len);
    if (!c->body)
        refuse(c->r, 400, "The request body is not a JSON object");
    return c->body != NULL;
}

static void call_done(struct call *c)
{
    json_object_put(c->body);
}

void api_handle(struct sandbox *sb, struct request *r)
{
    scoped(call_done) struct call c = { .sb = sb, .r = r };
    const char *words = NULL;
    if (!access_count_call(sb->access, r)) {
        refuse(r, 429, "Rate limit exceeded");
        return;
    }
    unsigned status = access_check_key(sb->access, r, &words);
    const struct route *route = find_route(&c);
    if (!status && !route) {
        refuse_missing(r);
        return;
    }
    if (!status && route->workspace)
        status = access_check_workspace(sb->access, r, c.workspace, &words);
    if (status)
        refuse(r, status, words);
    else if (read_body(&c))
        route->act(&c);
}
