/* json-c has a type called json_bool: out of the way of our function. */
#define json_bool json_c_bool
#include <json-c/json.h>
#undef json_bool

#include "base/json.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json_scan.h"
#include "base/utf8.h"

/* json-c's readers take no const, though they only read (but for those that print, which
 * are not used here: they cache text in the value, and trees are shared by threads). */
static struct json_object *loose(const struct json_object *v)
{
    return (struct json_object *)(uintptr_t)v;
}

/* json-c answers NULL when memory is short; that is fail-stop, as everywhere. */
static struct json_object *must(struct json_object *v)
{
    if (!v)
        free(xmalloc(SIZE_MAX / 2)); /* stops with the usual words */
    return v;
}

/* ---- parsing ----------------------------------------------------------------------- */

static void tokener_freep(struct json_tokener **tok)
{
    if (*tok)
        json_tokener_free(*tok);
}

/* text is checked and exactly one value; a number or a word ends only where json-c sees a
 * NUL. NULL when json-c, against expectation, has complaints. */
static struct json_object *tokener_run(struct json_tokener *tok, const char *text, int len)
{
    struct json_object *v = json_tokener_parse_ex(tok, text, len);
    const bool whole = json_tokener_get_parse_end(tok) == (size_t)len;
    if (!v && json_tokener_get_error(tok) == json_tokener_continue)
        v = json_tokener_parse_ex(tok, "", 1);
    if (whole && json_tokener_get_error(tok) == json_tokener_success)
        return v;
    json_object_put(v);
    return NULL;
}

struct json_object *json_parse_max(const char *text, size_t len, size_t nodes_max,
                                   struct error *err)
{
    struct json_extent value;
    if (len > INT_MAX) {
        error_set(err, ERR_INPUT, "JSON offset 0: the text is too long");
        return NULL;
    }
    if (json_scan(text, len, nodes_max, &value, err) < 0)
        return NULL;
    scoped(tokener_freep) struct json_tokener *tok = json_tokener_new_ex(JSON_DEPTH_MAX + 2);
    if (!tok)
        return must(NULL);
    /* No flags: json_scan() checked the whole text by RFC 8259, harder than json-c's strict
     * mode, which in 0.18 takes every byte above 0x7F for a control character. */
    json_tokener_set_flags(tok, 0);
    struct json_object *v = tokener_run(tok, text + value.start, (int)(value.end - value.start));
    const enum json_tokener_error rc = json_tokener_get_error(tok);
    if (!v && rc == json_tokener_success)
        error_set(err, ERR_INPUT, "JSON offset %zu: null stands there alone", value.start);
    else if (!v)
        error_set(err, ERR_INPUT, "JSON offset %zu: %s",
                  value.start + json_tokener_get_parse_end(tok), json_tokener_error_desc(rc));
    return v;
}

struct json_object *json_parse(const char *text, size_t len, struct error *err)
{
    return json_parse_max(text, len, JSON_NODES_MAX, err);
}

void json_free(struct json_object *v)
{
    json_object_put(v);
}

void json_freep(struct json_object **v)
{
    json_object_put(*v);
}

/* ---- reading ----------------------------------------------------------------------- */

enum json_kind json_kind(const struct json_object *v)
{
    switch (json_object_get_type(v)) {
    case json_type_boolean:
        return JSON_BOOL;
    case json_type_int:
        return JSON_INT;
    case json_type_double:
        return JSON_DOUBLE;
    case json_type_string:
        return JSON_STRING;
    case json_type_array:
        return JSON_ARRAY;
    case json_type_object:
        return JSON_OBJECT;
    case json_type_null:
    default:
        return JSON_NULL;
    }
}

struct json_object *json_get(const struct json_object *v, const char *key)
{
    struct json_object *member = NULL;
    if (json_kind(v) != JSON_OBJECT)
        return NULL;
    return json_object_object_get_ex(v, key, &member) ? member : NULL;
}

/* "0", "17": no sign, no leading zero (RFC 6901, section 4). */
static struct json_object *item_by_name(const struct json_object *array, const char *name)
{
    const size_t len = strlen(name);
    if (len == 0 || len > 9 || strspn(name, "0123456789") != len || (name[0] == '0' && len > 1))
        return NULL;
    return json_item(array, strtoul(name, NULL, 10));
}

/* One step of a valid pointer, ~1 and ~0 decoded. *p moves behind it. */
static void read_token(const char **p, struct buf *token)
{
    const char *at = *p;
    buf_truncate(token, 0);
    for (; *at && *at != '/'; at++) {
        const bool escaped = *at == '~';
        at += escaped;
        buf_putc(token, !escaped ? *at : *at == '1' ? '/' : '~');
    }
    *p = at;
}

struct json_object *json_at(const struct json_object *v, const char *pointer)
{
    scoped(buf_free) struct buf token = BUF_INIT;
    if (!json_pointer_valid(pointer))
        return NULL;
    while (v && *pointer) {
        pointer++;
        read_token(&pointer, &token);
        v = json_kind(v) == JSON_ARRAY ? item_by_name(v, buf_str(&token))
                                       : json_get(v, buf_str(&token));
    }
    return loose(v);
}

bool json_pointer_valid(const char *pointer)
{
    if (*pointer && *pointer != '/')
        return false;
    for (const char *p = pointer; (p = strchr(p, '~')); p++)
        if (p[1] != '0' && p[1] != '1')
            return false;
    return true;
}

size_t json_count(const struct json_object *array)
{
    return json_kind(array) == JSON_ARRAY ? json_object_array_length(array) : 0;
}

struct json_object *json_item(const struct json_object *array, size_t i)
{
    return i < json_count(array) ? json_object_array_get_idx(array, i) : NULL;
}

const char *json_str(const struct json_object *v, size_t *len)
{
    if (json_kind(v) != JSON_STRING)
        return NULL;
    if (len)
        *len = (size_t)json_object_get_string_len(v);
    return json_object_get_string(loose(v));
}

bool json_int(const struct json_object *v, int64_t *n)
{
    if (json_kind(v) != JSON_INT)
        return false;
    const int64_t value = json_object_get_int64(v);
    if (value == INT64_MAX || value == INT64_MIN) /* where json-c clamps to */
        return false;
    *n = value;
    return true;
}

bool json_bool(const struct json_object *v, bool *b)
{
    if (json_kind(v) != JSON_BOOL)
        return false;
    *b = json_object_get_boolean(v);
    return true;
}

void json_each(const struct json_object *object,
               bool (*fn)(void *ctx, const char *key, struct json_object *value), void *ctx)
{
    if (json_kind(object) != JSON_OBJECT)
        return;
    struct json_object_iterator it = json_object_iter_begin(loose(object));
    const struct json_object_iterator end = json_object_iter_end(object);
    for (; !json_object_iter_equal(&it, &end); json_object_iter_next(&it))
        if (!fn(ctx, json_object_iter_peek_name(&it), json_object_iter_peek_value(&it)))
            return;
}

/* ---- building ---------------------------------------------------------------------- */

struct json_object *json_new_object(void)
{
    return must(json_object_new_object());
}

struct json_object *json_new_array(void)
{
    return must(json_object_new_array());
}

void json_put(struct json_object *o, const char *key, struct json_object *value)
{
    if (json_object_object_add(o, key, value) < 0)
        must(NULL);
}

static struct json_object *new_str(const char *s)
{
    if (!s)
        return NULL;
    scoped(buf_free) struct buf text = BUF_INIT;
    utf8_repair(&text, s, strlen(s));
    return must(json_object_new_string_len(buf_str(&text), (int)text.len));
}

void json_put_str(struct json_object *o, const char *key, const char *s)
{
    json_put(o, key, new_str(s));
}

void json_put_time(struct json_object *o, const char *key, int64_t at_ms)
{
    char text[CLOCK_TEXT];
    if (at_ms == 0)
        return;
    clock_format(at_ms, text);
    json_put_str(o, key, text);
}

void json_put_int(struct json_object *o, const char *key, int64_t n)
{
    json_put(o, key, must(json_object_new_int64(n)));
}

void json_put_bool(struct json_object *o, const char *key, bool b)
{
    json_put(o, key, must(json_object_new_boolean(b)));
}

void json_push(struct json_object *array, struct json_object *value)
{
    if (json_object_array_add(array, value) < 0)
        must(NULL);
}

void json_push_str(struct json_object *array, const char *s)
{
    json_push(array, new_str(s));
}

struct json_object *json_copy(const struct json_object *v)
{
    struct json_object *copy = NULL;
    if (v && json_object_deep_copy(loose(v), &copy, NULL) < 0)
        must(NULL);
    return copy;
}

/* ---- writing ------------------------------------------------------------------------
 * By hand, because json-c's printer writes its result into the value. */

struct writer {
    struct buf *out;
    enum json_style style;
    unsigned depth;
    size_t count; /* members written of the innermost object */
};

static void write_str(struct buf *out, const char *s, size_t len)
{
    static const char names[] = "btn?fr"; /* of 0x08 to 0x0D; 0x0B has none */
    buf_putc(out, '"');
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)s[i];
        if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c >= 0x08 && c <= 0x0D && c != 0x0B)
            buf_printf(out, "\\%c", names[c - 0x08]);
        else if (c < 0x20 || c == 0x7F)
            buf_printf(out, "\\u%04x", c);
        else
            buf_putc(out, (char)c);
    }
    buf_putc(out, '"');
}

void json_write_str(struct buf *out, const char *s)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    utf8_repair(&text, s, strlen(s));
    write_str(out, buf_str(&text), text.len);
}

/* The shortest of 15 to 17 digits that reads back as the same number. */
static void write_double(struct buf *out, double d)
{
    char text[40] = "null";
    for (int digits = 15; isfinite(d) && digits <= 17; digits++) {
        snprintf(text, sizeof(text), "%.*g", digits, d);
        if (strtod(text, NULL) >= d && strtod(text, NULL) <= d)
            break;
    }
    buf_puts(out, text);
}

static void write_int(struct buf *out, const struct json_object *v)
{
    const int64_t n = json_object_get_int64(v);
    if (n == INT64_MAX)
        buf_printf(out, "%llu", (unsigned long long)json_object_get_uint64(v));
    else
        buf_printf(out, "%lld", (long long)n);
}

static void new_line(struct writer *w)
{
    if (w->style == JSON_PRETTY)
        buf_printf(w->out, "\n%*s", (int)w->depth * 2, "");
}

static void write_value(struct writer *w, const struct json_object *v);

static bool write_member(void *ctx, const char *key, struct json_object *value)
{
    struct writer *w = ctx;
    if (w->count++ > 0)
        buf_putc(w->out, ',');
    new_line(w);
    write_str(w->out, key, strlen(key));
    buf_puts(w->out, w->style == JSON_PRETTY ? ": " : ":");
    write_value(w, value);
    return true;
}

static void write_object(struct writer *w, const struct json_object *v)
{
    struct writer inner = { .out = w->out, .style = w->style, .depth = w->depth + 1 };
    buf_putc(w->out, '{');
    json_each(v, write_member, &inner);
    if (inner.count > 0)
        new_line(w);
    buf_putc(w->out, '}');
}

static void write_array(struct writer *w, const struct json_object *v)
{
    struct writer inner = { .out = w->out, .style = w->style, .depth = w->depth + 1 };
    buf_putc(w->out, '[');
    for (size_t i = 0; i < json_count(v); i++) {
        if (i > 0)
            buf_putc(w->out, ',');
        new_line(&inner);
        write_value(&inner, json_item(v, i));
    }
    if (json_count(v) > 0)
        new_line(w);
    buf_putc(w->out, ']');
}

static void write_value(struct writer *w, const struct json_object *v)
{
    size_t len = 0;
    const char *s = json_str(v, &len);
    switch (json_kind(v)) {
    case JSON_NULL:
        buf_puts(w->out, "null");
        break;
    case JSON_BOOL:
        buf_puts(w->out, json_object_get_boolean(v) ? "true" : "false");
        break;
    case JSON_INT:
        write_int(w->out, v);
        break;
    case JSON_DOUBLE:
        write_double(w->out, json_object_get_double(v));
        break;
    case JSON_STRING:
        write_str(w->out, s, len);
        break;
    case JSON_ARRAY:
        write_array(w, v);
        break;
    case JSON_OBJECT:
        write_object(w, v);
        break;
    }
}

void json_write(struct buf *out, const struct json_object *v, enum json_style style)
{
    struct writer w = { .out = out, .style = style };
    write_value(&w, v);
}
