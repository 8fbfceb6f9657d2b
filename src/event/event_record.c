#include "event/event_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "event/event_priv.h"

#define NODES_MAX 65536

static bool at_the_top(enum field f)
{
    return f == FIELD_WORKSPACE || f == FIELD_CONVERSATION || f == FIELD_MESSAGE;
}

/* ---- writing ------------------------------------------------------------------------ */

/* "key": behind a comma unless it is the first of its object. */
static void put_key(struct buf *out, const char *key)
{
    if (out->len && out->data[out->len - 1] != '{')
        buf_putc(out, ',');
    json_write_str(out, key);
    buf_putc(out, ':');
}

static void put_text(struct buf *out, const char *key, const char *s)
{
    if (!s)
        return;
    put_key(out, key);
    json_write_str(out, s);
}

static void put_value(struct buf *out, const char *key, const struct field_value *v)
{
    put_key(out, key);
    if (v->count == 1) {
        json_write_str(out, v->items[0].data);
        return;
    }
    buf_putc(out, '[');
    for (size_t i = 0; i < v->count; i++) {
        if (i)
            buf_putc(out, ',');
        json_write_str(out, v->items[i].data);
    }
    buf_putc(out, ']');
}

/* Names of fields or pointers, as a list that is left out while empty. */
static void put_name(struct buf *list, const char *name)
{
    buf_putc(list, list->len ? ',' : '[');
    json_write_str(list, name);
}

static void put_names(struct buf *out, const char *key, const struct buf *list)
{
    if (!list->len)
        return;
    put_key(out, key);
    buf_append(out, list->data, list->len);
    buf_putc(out, ']');
}

static void put_fields(struct buf *out, const struct event *ev, struct buf *cut,
                       struct buf *unknown)
{
    put_key(out, "fields");
    buf_putc(out, '{');
    for (enum field f = 0; f < FIELD_COUNT; f++) {
        const struct field_value *v = &ev->field[f];
        if (v->presence == PRESENT && !at_the_top(f))
            put_value(out, field_name(f), v);
        if (v->presence == PRESENT && v->cut)
            put_name(cut, field_name(f));
        if (v->presence == UNKNOWN)
            put_name(unknown, field_name(f));
    }
    buf_putc(out, '}');
}

struct pointer_walk {
    const struct event *ev;
    struct buf *out, *cut;
    struct buf path;
};

static void put_pointer(struct pointer_walk *w)
{
    scoped(field_value_done) struct field_value v = { .presence = ABSENT };
    event_pointer(w->ev, buf_str(&w->path), &v);
    if (v.presence != PRESENT)
        return;
    put_value(w->out, buf_str(&w->path), &v);
    if (v.cut)
        put_name(w->cut, buf_str(&w->path));
}

/* RFC 6901: ~ and / are escaped. */
static void add_step(struct buf *path, const char *key)
{
    buf_putc(path, '/');
    for (; *key; key++)
        if (*key == '~' || *key == '/')
            buf_puts(path, *key == '~' ? "~0" : "~1");
        else
            buf_putc(path, *key);
}

static void walk(struct pointer_walk *w, struct json_object *v);

static bool walk_member(void *ctx, const char *key, struct json_object *v)
{
    struct pointer_walk *w = ctx;
    const size_t len = w->path.len;
    add_step(&w->path, key);
    walk(w, v);
    buf_truncate(&w->path, len);
    return true;
}

/* Lists are told as a whole and by item, since rules may ask either way. */
static void walk(struct pointer_walk *w, struct json_object *v)
{
    if (json_kind(v) == JSON_OBJECT) {
        json_each(v, walk_member, w);
        return;
    }
    put_pointer(w);
    for (size_t i = 0; i < json_count(v); i++) {
        char step[24];
        snprintf(step, sizeof(step), "%zu", i);
        walk_member(w, step, json_item(v, i));
    }
}

static bool given_before(const struct event *ev, size_t i)
{
    const char *pointer = event_pointer_at(ev, i);
    for (size_t k = 0; k < i; k++)
        if (strcmp(event_pointer_at(ev, k), pointer) == 0)
            return true;
    return false;
}

static void put_pointers(struct buf *out, const struct event *ev, struct buf *cut)
{
    struct pointer_walk w = { .ev = ev, .out = out, .cut = cut, .path = BUF_INIT };
    put_key(out, "pointers");
    buf_putc(out, '{');
    for (size_t i = 0; i < ev->npointers; i++) {
        if (given_before(ev, i))
            continue;
        buf_truncate(&w.path, 0);
        buf_puts(&w.path, event_pointer_at(ev, i));
        put_pointer(&w);
    }
    buf_truncate(&w.path, 0);
    if (ev->body)
        walk(&w, ev->body);
    buf_putc(out, '}');
    buf_free(&w.path);
}

void event_record_write(struct buf *out, const struct event *ev, int64_t arrived_at_ms,
                        const char *decision, const char *rule)
{
    char at[CLOCK_TEXT];
    scoped(buf_free) struct buf line = BUF_INIT;
    scoped(buf_free) struct buf cut = BUF_INIT;
    scoped(buf_free) struct buf unknown = BUF_INIT;
    clock_format(arrived_at_ms, at);
    buf_putc(&line, '{');
    put_text(&line, "workspace", event_str(ev, FIELD_WORKSPACE));
    put_text(&line, "conversation", event_str(ev, FIELD_CONVERSATION));
    put_text(&line, "message", event_str(ev, FIELD_MESSAGE));
    put_text(&line, "arrived_at", at);
    put_fields(&line, ev, &cut, &unknown);
    put_pointers(&line, ev, &cut);
    put_names(&line, "cut", &cut);
    put_names(&line, "unknown", &unknown);
    put_text(&line, "decision", decision);
    put_text(&line, "rule", rule);
    buf_putc(&line, '}');
    buf_append(out, line.data, line.len);
}

/* ---- reading ------------------------------------------------------------------------ */

struct reading {
    struct event_record *r;
    struct error *err;
    bool bad;
};

static bool refuse(struct reading *g, const char *key, const char *what)
{
    g->bad = true;
    error_set(g->err, ERR_INPUT, "a recorded event: '%.80s' %s", key, what);
    return false;
}

static bool read_texts(struct reading *g, const char *key, const struct json_object *v,
                       struct field_value *into)
{
    size_t len = 0;
    const char *s = json_str(v, &len);
    if (s) {
        field_value_restore(into, s, len);
        return true;
    }
    if (json_kind(v) != JSON_ARRAY)
        return refuse(g, key, "is neither a text nor a list of texts");
    for (size_t i = 0; i < json_count(v); i++) {
        s = json_str(json_item(v, i), &len);
        if (!s)
            return refuse(g, key, "holds something that is no text");
        field_value_restore(into, s, len);
    }
    return true;
}

static bool read_field(void *ctx, const char *key, struct json_object *v)
{
    struct reading *g = ctx;
    const enum field f = field_by_name(key);
    if (f == FIELD_COUNT || at_the_top(f))
        return refuse(g, key, "is no field that can stand here");
    return read_texts(g, key, v, &g->r->event->field[f]);
}

static bool read_pointer(void *ctx, const char *key, struct json_object *v)
{
    struct reading *g = ctx;
    if (key[0] != '/' || !json_pointer_valid(key))
        return refuse(g, key, "is no JSON pointer");
    return read_texts(g, key, v, event_pointer_new(g->r->event, key));
}

static bool set_cut(struct event *ev, const char *name)
{
    const enum field f = field_by_name(name);
    struct field_value *v = f < FIELD_COUNT ? &ev->field[f] : event_pointer_restored(ev, name);
    if (v)
        v->cut = true;
    return v;
}

static bool set_unknown(struct event *ev, const char *name)
{
    const enum field f = field_by_name(name);
    if (f == FIELD_COUNT)
        return false;
    event_set_unknown(ev, f);
    return true;
}

static bool read_names(struct reading *g, const struct json_object *root, const char *key,
                       bool (*set)(struct event *ev, const char *name))
{
    const struct json_object *list = json_get(root, key);
    if (list && json_kind(list) != JSON_ARRAY)
        return refuse(g, key, "is no list");
    for (size_t i = 0; i < json_count(list); i++) {
        const char *name = json_str(json_item(list, i), NULL);
        if (!name || !set(g->r->event, name))
            return refuse(g, key, "names something that is no field of this event");
    }
    return true;
}

static bool read_id(struct reading *g, const char *key, enum field f, const char *s, size_t len)
{
    if (len == 0 || len > 1024)
        return refuse(g, key, "is no id");
    field_value_restore(&g->r->event->field[f], s, len);
    return true;
}

static bool read_member(void *ctx, const char *key, struct json_object *v)
{
    struct reading *g = ctx;
    size_t len = 0;
    const char *s = json_str(v, &len);
    const enum field f = field_by_name(key);
    if (strcmp(key, "cut") == 0 || strcmp(key, "unknown") == 0)
        return true; /* afterwards: they are about the others */
    if (strcmp(key, "id") == 0)
        return json_int(v, &g->r->id) || refuse(g, key, "is no number");
    if (strcmp(key, "fields") == 0 || strcmp(key, "pointers") == 0) {
        if (json_kind(v) != JSON_OBJECT)
            return refuse(g, key, "is no object");
        json_each(v, key[0] == 'f' ? read_field : read_pointer, g);
        return !g->bad;
    }
    if (!s)
        return refuse(g, key, "is no text, or is unknown");
    if (f != FIELD_COUNT && at_the_top(f))
        return read_id(g, key, f, s, len);
    if (strcmp(key, "arrived_at") == 0)
        return clock_parse(s, &g->r->arrived_at_ms) || refuse(g, key, "is no time");
    if (strcmp(key, "decision") == 0) {
        snprintf(g->r->decision, sizeof(g->r->decision), "%s", s);
        return true;
    }
    if (strcmp(key, "rule") != 0)
        return refuse(g, key, "is unknown");
    g->r->rule = xstrdup(s);
    return true;
}

static int read_root(struct reading *g, const struct json_object *root)
{
    if (json_kind(root) != JSON_OBJECT)
        return error_set(g->err, ERR_INPUT, "a recorded event is a JSON object");
    json_each(root, read_member, g);
    if (g->bad || !read_names(g, root, "cut", set_cut) ||
        !read_names(g, root, "unknown", set_unknown))
        return -1;
    struct event *ev = g->r->event;
    if (!event_str(ev, FIELD_WORKSPACE) || !event_str(ev, FIELD_CONVERSATION))
        return error_set(g->err, ERR_INPUT,
                         "a recorded event without its workspace or conversation");
    const char *received = event_str(ev, FIELD_RECEIVED_AT);
    if (received && !event_time(received, &ev->received_at_ms))
        ev->received_at_ms = 0;
    return 0;
}

int event_record_read(const char *line, size_t len, struct event_record *out, struct error *err)
{
    scoped(json_freep) struct json_object *root = json_parse_max(line, len, NODES_MAX, err);
    if (!root)
        return -1;
    struct event_record r = { .event = event_new() };
    struct reading g = { .r = &r, .err = err };
    if (read_root(&g, root) < 0) {
        event_record_done(&r);
        return -1;
    }
    *out = r;
    return 0;
}

void event_record_done(struct event_record *r)
{
    event_free(r->event);
    free(r->rule);
    *r = (struct event_record){ .event = NULL };
}
