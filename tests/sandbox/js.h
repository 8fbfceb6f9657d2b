/* js.h - short words for json-c, for the sandbox only.
 *
 * Readers accept NULL and give their fallback when a member is absent or of another
 * kind. js_put*() give the value to the object. */
#ifndef SANDBOX_JS_H
#define SANDBOX_JS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* NULL unless the whole text is one JSON object. The caller releases it with js_freep(). */
struct json_object *js_parse(const char *text, size_t len);
void js_freep(struct json_object **v);

struct json_object *js_get(struct json_object *o, const char *key); /* borrowed; NULL for null */
bool js_has(struct json_object *o, const char *key);
const char *js_str(struct json_object *o, const char *key); /* borrowed, or NULL */
int64_t js_int(struct json_object *o, const char *key, int64_t fallback);
bool js_bool(struct json_object *o, const char *key, bool fallback);
struct json_object *js_array(struct json_object *o, const char *key);  /* borrowed, or NULL */
struct json_object *js_object(struct json_object *o, const char *key); /* borrowed, or NULL */
bool js_array_has(struct json_object *array, const char *s);
/* The text of an array's item; NULL when it is no text. */
const char *js_item_str(struct json_object *array, size_t i);

void js_put(struct json_object *o, const char *key, struct json_object *value);
void js_put_str(struct json_object *o, const char *key, const char *s); /* NULL: null */
void js_put_int(struct json_object *o, const char *key, int64_t n);
void js_put_bool(struct json_object *o, const char *key, bool b);
/* The same at an RFC 6901 pointer without escapes; missing objects are made. */
void js_put_at(struct json_object *o, const char *pointer, struct json_object *value);
struct json_object *js_text(const char *s); /* NULL: NULL */
struct json_object *js_copy(struct json_object *v);

void js_write(struct buf *out, struct json_object *v);

#endif
