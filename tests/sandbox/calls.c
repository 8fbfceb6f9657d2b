#include "calls.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "http.h"
#include "js.h"

#define CALLS_MAX 50000

struct calls {
    pthread_mutex_t lock; /* guards the rest */
    struct json_object *list, *counters;
    int64_t total, in_flight, max_in_flight;
};

struct calls *calls_new(void)
{
    struct calls *c = xcalloc(1, sizeof(*c));
    pthread_mutex_init(&c->lock, NULL);
    c->list = json_object_new_array();
    c->counters = json_object_new_object();
    return c;
}

void calls_reset(struct calls *c)
{
    pthread_mutex_lock(&c->lock);
    json_object_put(c->list);
    json_object_put(c->counters);
    c->list = json_object_new_array();
    c->counters = json_object_new_object();
    c->total = 0;
    c->max_in_flight = c->in_flight;
    pthread_mutex_unlock(&c->lock);
}

void calls_begin(struct calls *c, const struct request *r)
{
    (void)r;
    pthread_mutex_lock(&c->lock);
    c->in_flight++;
    if (c->in_flight > c->max_in_flight)
        c->max_in_flight = c->in_flight;
    pthread_mutex_unlock(&c->lock);
}

static struct json_object *pairs_json(const struct http_pairs *p)
{
    struct json_object *o = json_object_new_object();
    for (size_t i = 0; i < p->count; i++) {
        scoped(freep) char *name = xstrdup(p->list[i].name);
        for (char *s = name; *s; s++)
            *s = (char)tolower((unsigned char)*s);
        js_put_str(o, name, p->list[i].value);
    }
    return o;
}

static struct json_object *call_json(const struct request *r, unsigned status, bool applied)
{
    struct json_object *o = json_object_new_object();
    js_put_int(o, "at", r->at_ms);
    js_put_str(o, "method", r->method);
    js_put_str(o, "path", r->path);
    js_put(o, "query", pairs_json(&r->query));
    js_put(o, "headers", pairs_json(&r->headers));
    js_put_str(o, "body", buf_str(&r->body));
    js_put_int(o, "status", status);
    js_put_bool(o, "applied", applied);
    js_put_int(o, "ms", clock_mono_ms() - r->at_mono_ms);
    return o;
}

/* "PATCH /v1/inbox/{id}": a part with a digit is taken for an id, but for "v1". */
static char *counter_name(const struct request *r)
{
    struct buf b = BUF_INIT;
    buf_printf(&b, "%s ", r->method);
    for (const char *p = r->path; *p == '/';) {
        const char *end = strchrnul(p + 1, '/');
        const size_t len = (size_t)(end - p);
        const bool id = strcspn(p + 1, "0123456789") + 1 < len && len != 3;
        buf_append(&b, id ? "/{id}" : p, id ? 5 : len);
        p = end;
    }
    return buf_take(&b);
}

void calls_end(struct calls *c, const struct request *r, unsigned status, bool applied)
{
    struct json_object *o = call_json(r, status, applied);
    scoped(freep) char *name = counter_name(r);
    pthread_mutex_lock(&c->lock);
    c->in_flight--;
    js_put_int(o, "n", ++c->total);
    js_put_int(c->counters, name, js_int(c->counters, name, 0) + 1);
    if (json_object_array_length(c->list) < CALLS_MAX)
        json_object_array_add(c->list, o);
    else
        json_object_put(o);
    pthread_mutex_unlock(&c->lock);
}

struct json_object *calls_list(struct calls *c, int64_t after, const char *path)
{
    struct json_object *out = json_object_new_array();
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < json_object_array_length(c->list); i++) {
        struct json_object *o = json_object_array_get_idx(c->list, i);
        if (js_int(o, "n", 0) > after && (!path || strcmp(path, js_str(o, "path")) == 0))
            json_object_array_add(out, js_copy(o));
    }
    pthread_mutex_unlock(&c->lock);
    return out;
}

struct json_object *calls_counters(struct calls *c)
{
    pthread_mutex_lock(&c->lock);
    struct json_object *o = js_copy(c->counters);
    js_put_int(o, "total", c->total);
    js_put_int(o, "inFlight", c->in_flight);
    js_put_int(o, "maxInFlight", c->max_in_flight);
    pthread_mutex_unlock(&c->lock);
    return o;
}
