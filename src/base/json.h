/* json.h - the one door to json-c: strict parsing, careful reading, writing.
 *
 * Parsing is harder than json-c's own strict mode (RFC 8259 and I-JSON, RFC 7493):
 * well formed UTF-8, no NUL, no control characters raw in strings, no duplicate
 * keys (compared after decoding), no \u0000 in a key, no lone surrogates, no
 * NaN/Infinity/-01/1., bounded depth and node count, nothing but blanks after the
 * value. A value is json-c's own struct and only touched through these functions.
 * A parsed tree is read-only afterwards and may be read by several threads;
 * json_free() releases a root with all below it. */
#ifndef AUTOMARK_BASE_JSON_H
#define AUTOMARK_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct error;
struct json_object;

#define JSON_DEPTH_MAX 16
#define JSON_NODES_MAX 4096

enum json_kind {
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

/* NULL with err set: "JSON offset 17: duplicate key \"id\"". */
struct json_object *json_parse(const char *text, size_t len, struct error *err);
/* The same with a node limit of the caller's (API answers can be long lists). */
struct json_object *json_parse_max(const char *text, size_t len, size_t nodes_max,
                                   struct error *err);
void json_free(struct json_object *v);
void json_freep(struct json_object **v);

/* All readers accept NULL, which is what an absent member is: kind JSON_NULL. */
enum json_kind json_kind(const struct json_object *v);
/* Member of an object; NULL when absent, null, or v is no object. */
struct json_object *json_get(const struct json_object *v, const char *key);
/* RFC 6901 pointer ("" is v itself); NULL when nothing, or null, stands there. */
struct json_object *json_at(const struct json_object *v, const char *pointer);
bool json_pointer_valid(const char *pointer);
size_t json_count(const struct json_object *array);
struct json_object *json_item(const struct json_object *array, size_t i);
/* Borrowed, valid as long as the tree; NULL when v is no string. len may be NULL. */
const char *json_str(const struct json_object *v, size_t *len);
/* false when v is no integer (doubles and strings are not), or out of range. */
bool json_int(const struct json_object *v, int64_t *n);
/* false when v is no boolean. */
bool json_bool(const struct json_object *v, bool *b);
/* Walks an object's members in their order; false from fn ends the walk. */
void json_each(const struct json_object *object,
               bool (*fn)(void *ctx, const char *key, struct json_object *value), void *ctx);

/* Writing. json_put*() and json_push*() give the value to its parent. Text that
 * is not UTF-8 is repaired. NULL text is written as null. */
struct json_object *json_new_object(void);
struct json_object *json_new_array(void);
void json_put(struct json_object *o, const char *key, struct json_object *value);
void json_put_str(struct json_object *o, const char *key, const char *s);
void json_put_int(struct json_object *o, const char *key, int64_t n);
/* RFC 3339 in UTC (clock_format()); left out when at_ms is 0. */
void json_put_time(struct json_object *o, const char *key, int64_t at_ms);
void json_put_bool(struct json_object *o, const char *key, bool b);
void json_push(struct json_object *array, struct json_object *value);
void json_push_str(struct json_object *array, const char *s);
/* A deep copy, owned by the caller. */
struct json_object *json_copy(const struct json_object *v);
enum json_style { JSON_COMPACT, JSON_PRETTY };
void json_write(struct buf *out, const struct json_object *v, enum json_style style);
/* Appends s as a JSON string with its quotes. */
void json_write_str(struct buf *out, const char *s);

#endif
