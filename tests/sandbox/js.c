#include "js.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"

struct json_object *js_parse(const char *text, size_t len)
{
    if (len > INT32_MAX)
        return NULL;
    struct json_tokener *tok = json_tokener_new_ex(32);
    json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    struct json_object *v = json_tokener_parse_ex(tok, text ? text : "", (int)len);
    const bool whole = v && json_tokener_get_error(tok) == json_tokener_success &&
                       json_tokener_get_parse_end(tok) == len;
    json_tokener_free(tok);
    if (whole && json_object_is_type(v, json_type_object))
        return v;
    json_object_put(v);
    return NULL;
}

void js_freep(struct json_object **v)
{
    json_object_put(*v);
}

struct json_object *js_get(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    if (!o || !json_object_is_type(o, json_type_object))
        return NULL;
    json_object_object_get_ex(o, key, &v);
    return v;
}

bool js_has(struct json_object *o, const char *key)
{
    return o && json_object_is_type(o, json_type_object) && json_object_object_get_ex(o, key, NULL);
}

static struct json_object *get_typed(struct json_object *o, const char *key, enum json_type type)
{
    struct json_object *v = js_get(o, key);
    return v && json_object_is_type(v, type) ? v : NULL;
}

const char *js_str(struct json_object *o, const char *key)
{
    struct json_object *v = get_typed(o, key, json_type_string);
    return v ? json_object_get_string(v) : NULL;
}

int64_t js_int(struct json_object *o, const char *key, int64_t fallback)
{
    struct json_object *v = get_typed(o, key, json_type_int);
    return v ? json_object_get_int64(v) : fallback;
}

bool js_bool(struct json_object *o, const char *key, bool fallback)
{
    struct json_object *v = get_typed(o, key, json_type_boolean);
    return v ? json_object_get_boolean(v) : fallback;
}

struct json_object *js_array(struct json_object *o, const char *key)
{
    return get_typed(o, key, json_type_array);
}

struct json_object *js_object(struct json_object *o, const char *key)
{
    return get_typed(o, key, json_type_object);
}

const char *js_item_str(struct json_object *array, size_t i)
{
    struct json_object *v = json_object_array_get_idx(array, i);
    return v && json_object_is_type(v, json_type_string) ? json_object_get_string(v) : NULL;
}

bool js_array_has(struct json_object *array, const char *s)
{
    for (size_t i = 0; array && i < json_object_array_length(array); i++) {
        const char *item = js_item_str(array, i);
        if (item && strcmp(item, s) == 0)
            return true;
    }
    return false;
}

void js_put(struct json_object *o, const char *key, struct json_object *value)
{
    json_object_object_add(o, key, value);
}

void js_put_str(struct json_object *o, const char *key, const char *s)
{
    js_put(o, key, js_text(s));
}

void js_put_int(struct json_object *o, const char *key, int64_t n)
{
    js_put(o, key, json_object_new_int64(n));
}

void js_put_bool(struct json_object *o, const char *key, bool b)
{
    js_put(o, key, json_object_new_boolean(b));
}

void js_put_at(struct json_object *o, const char *pointer, struct json_object *value)
{
    const char *part = pointer + 1;
    for (;;) {
        const char *end = strchrnul(part, '/');
        scoped(freep) char *key = xmemdup0(part, (size_t)(end - part));
        if (*end == '\0') {
            js_put(o, key, value);
            return;
        }
        struct json_object *inner = js_object(o, key);
        if (!inner) {
            inner = json_object_new_object();
            js_put(o, key, inner);
        }
        o = inner;
        part = end + 1;
    }
}

struct json_object *js_text(const char *s)
{
    return s ? json_object_new_string(s) : NULL;
}

struct json_object *js_copy(struct json_object *v)
{
    struct json_object *copy = NULL;
    if (v)
        json_object_deep_copy(v, &copy, NULL);
    return copy;
}

void js_write(struct buf *out, struct json_object *v)
{
    size_t len = 0;
    const char *s = json_object_to_json_string_length(
        v, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
    buf_append(out, s, len);
}
