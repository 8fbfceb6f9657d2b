#include "trouble.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "http.h"
#include "js.h"

struct trouble {
    pthread_mutex_t lock; /* guards the rest */
    struct json_object *entries;
};

struct trouble *trouble_new(void)
{
    struct trouble *t = xcalloc(1, sizeof(*t));
    pthread_mutex_init(&t->lock, NULL);
    t->entries = json_object_new_array();
    return t;
}

void trouble_reset(struct trouble *t)
{
    pthread_mutex_lock(&t->lock);
    json_object_put(t->entries);
    t->entries = json_object_new_array();
    pthread_mutex_unlock(&t->lock);
}

static const char *const kinds[] = { "malformed", "huge",        "html",     "success-false",
                                     "empty",     "no-modified", "truncated" };

static bool known_kind(const char *kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i], kind) == 0)
            return true;
    return false;
}

static bool known_member(const char *key)
{
    static const char *const members[] = { "method",    "path",        "whenId",  "times",
                                           "skip",      "status",      "headers", "message",
                                           "latencyMs", "lateMs",      "drop",    "reply",
                                           "body",      "contentType", "apply",   "hugeBytes" };
    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (strcmp(members[i], key) == 0)
            return true;
    return false;
}

static const char *wrong_with(struct json_object *entry)
{
    const char *drop = js_str(entry, "drop");
    const char *kind = js_str(entry, "reply");
    json_object_object_foreach(entry, key, value)
    {
        (void)value;
        if (!known_member(key))
            return "an unknown member in the trouble entry";
    }
    if (drop && strcmp(drop, "before") != 0 && strcmp(drop, "after") != 0)
        return "drop is before or after";
    if (kind && !known_kind(kind))
        return "reply is malformed, huge, html, success-false, empty, no-modified or truncated";
    return NULL;
}

const char *trouble_add(struct trouble *t, struct json_object *entry)
{
    const char *words = wrong_with(entry);
    if (words)
        return words;
    struct json_object *own = js_copy(entry);
    js_put_int(own, "left", js_int(entry, "times", 1));
    pthread_mutex_lock(&t->lock);
    json_object_array_add(t->entries, own);
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

/* A path that ends in '*' is a prefix. */
static bool path_fits(const char *wanted, const char *path)
{
    const size_t len = wanted ? strlen(wanted) : 0;
    if (!wanted)
        return true;
    if (len > 0 && wanted[len - 1] == '*')
        return strncmp(wanted, path, len - 1) == 0;
    return strcmp(wanted, path) == 0;
}

/* The id stands in the body (as a JSON text) or ends the path. */
static bool id_fits(const char *id, const struct request *r)
{
    if (!id)
        return true;
    scoped(freep) char *quoted = xasprintf("\"%s\"", id);
    const char *slash = strrchr(r->path, '/');
    return (r->body.len && strstr(r->body.data, quoted)) || (slash && strcmp(slash + 1, id) == 0);
}

static bool fits(struct json_object *entry, const struct request *r)
{
    const char *method = js_str(entry, "method");
    return js_int(entry, "left", 0) != INT64_MIN && (!method || strcmp(method, r->method) == 0) &&
           path_fits(js_str(entry, "path"), r->path) && id_fits(js_str(entry, "whenId"), r);
}

static bool only_latency(struct json_object *entry)
{
    return !js_has(entry, "status") && !js_has(entry, "drop") && !js_has(entry, "reply") &&
           !js_has(entry, "body") && !js_has(entry, "headers");
}

/* times 0 is for ever; used up is INT64_MIN. False while the entry still lets calls pass. */
static bool use(struct json_object *entry)
{
    const int64_t skip = js_int(entry, "skip", 0);
    if (skip > 0) {
        js_put_int(entry, "skip", skip - 1);
        return false;
    }
    const int64_t left = js_int(entry, "left", 0);
    if (left > 0)
        js_put_int(entry, "left", left == 1 ? INT64_MIN : left - 1);
    return true;
}

static void take(struct json_object *entry, struct fate *out)
{
    const char *drop = js_str(entry, "drop");
    const bool instead = js_has(entry, "status") || js_has(entry, "reply") ||
                         js_has(entry, "body") || (drop && strcmp(drop, "before") == 0);
    out->entry = js_copy(entry);
    out->apply = js_bool(entry, "apply", !instead);
}

void trouble_choose(struct trouble *t, const struct request *r, struct fate *out)
{
    *out = (struct fate){ .apply = true };
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; !out->entry && i < json_object_array_length(t->entries); i++) {
        struct json_object *entry = json_object_array_get_idx(t->entries, i);
        if (!fits(entry, r) || !use(entry))
            continue;
        out->latency_ms += js_int(entry, "latencyMs", 0);
        out->late_ms += js_int(entry, "lateMs", 0);
        if (!only_latency(entry))
            take(entry, out);
    }
    pthread_mutex_unlock(&t->lock);
}

void fate_done(struct fate *f)
{
    json_object_put(f->entry);
    f->entry = NULL;
}

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 413:
        return "Payload Too Large";
    case 422:
        return "Unprocessable Entity";
    case 429:
        return "Too Many Requests";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    default:
        return status >= 500 ? "Internal Server Error" : "Error";
    }
}

static void set_status(const struct fate *f, struct request *r, unsigned status)
{
    if (status < 400) {
        r->resp.status = status;
        return;
    }
    const char *message = js_str(f->entry, "message");
    struct json_object *o = json_object_new_object();
    js_put_str(o, "error", reason_of(status));
    js_put_str(o, "message", message ? message : "Scripted trouble");
    js_put_int(o, "code", status);
    scoped(buf_free) struct buf body = BUF_INIT;
    js_write(&body, o);
    json_object_put(o);
    response_set(&r->resp, status, buf_str(&body));
}

static void set_kind(const struct fate *f, struct request *r, const char *kind)
{
    const unsigned status = (unsigned)js_int(f->entry, "status", 200);
    if (strcmp(kind, "html") == 0) {
        response_set(&r->resp, status, "<!DOCTYPE html><html><body>Just a moment</body></html>");
        snprintf(r->resp.content_type, sizeof(r->resp.content_type), "text/html");
    } else if (strcmp(kind, "malformed") == 0) {
        response_set(&r->resp, status, "{\"success\": tru");
    } else if (strcmp(kind, "success-false") == 0) {
        response_set(&r->resp, status, "{\"success\":false,\"message\":\"Scripted trouble\"}");
    } else if (strcmp(kind, "no-modified") == 0) {
        response_set(&r->resp, status, "{\"success\":true}");
    } else if (strcmp(kind, "empty") == 0) {
        response_set(&r->resp, status, "");
    } else if (strcmp(kind, "huge") == 0) {
        response_set(&r->resp, status, "");
        r->resp.huge_bytes = js_int(f->entry, "hugeBytes", INT64_C(64) << 20);
    } else {
        r->resp.cut = true;
        if (!r->resp.status)
            response_set(&r->resp, status, "{\"success\":true,\"data\":{\"modified\":1}}");
    }
}

static void set_headers(const struct fate *f, struct request *r)
{
    struct json_object *headers = js_object(f->entry, "headers");
    if (!headers)
        return;
    json_object_object_foreach(headers, name, value)
    {
        http_pairs_add(&r->resp.headers, name, json_object_get_string(value));
    }
}

void fate_apply(const struct fate *f, struct request *r)
{
    r->resp.delay_ms = f->late_ms;
    if (!f->entry)
        return;
    const char *kind = js_str(f->entry, "reply");
    const char *body = js_str(f->entry, "body");
    if (js_has(f->entry, "status"))
        set_status(f, r, (unsigned)js_int(f->entry, "status", 500));
    if (kind)
        set_kind(f, r, kind);
    if (body)
        response_set(&r->resp, (unsigned)js_int(f->entry, "status", 200), body);
    if (js_str(f->entry, "contentType"))
        snprintf(r->resp.content_type, sizeof(r->resp.content_type), "%s",
                 js_str(f->entry, "contentType"));
    r->resp.drop = js_str(f->entry, "drop") != NULL;
    if (!r->resp.status)
        response_set(&r->resp, 500, "{}");
    set_headers(f, r);
}

struct json_object *trouble_list(struct trouble *t)
{
    struct json_object *out = json_object_new_array();
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; i < json_object_array_length(t->entries); i++) {
        struct json_object *entry = json_object_array_get_idx(t->entries, i);
        if (js_int(entry, "left", 0) != INT64_MIN)
            json_object_array_add(out, js_copy(entry));
    }
    pthread_mutex_unlock(&t->lock);
    return out;
}
