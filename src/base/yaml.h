/* yaml.h - the one door to libfyaml: a checked YAML document with true positions.
 *
 * YAML 1.2, one document, every scalar is text. Refused with file:line:col: anchors,
 * aliases, tags, duplicate keys, complex keys, more than one document, depth over
 * YAML_DEPTH_MAX, files over YAML_BYTES_MAX, text that is not UTF-8, control characters. One syntax
 * error a file (libfyaml stops there); everything else is collected.
 *
 * Positions: libfyaml marks block scalars wrongly, so yaml_place() looks at the raw
 * bytes itself and checks what it finds against the scalar's value.
 *
 * A document owns its nodes and strings and is read-only after parsing. */
#ifndef AUTOMARK_BASE_YAML_H
#define AUTOMARK_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

/* `not` inside `any` inside an exception is 10 deep, so 8 would not do. */
#define YAML_DEPTH_MAX 16
#define YAML_BYTES_MAX ((size_t)1024 * 1024)

struct buf;
struct diags;
struct yaml_doc;
struct yaml_node;

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP, YAML_EMPTY /* a key without a value */ };
enum yaml_style { YAML_PLAIN, YAML_SINGLE_QUOTED, YAML_DOUBLE_QUOTED, YAML_LITERAL, YAML_FOLDED };

/* NULL when there is any error; file is what diagnostics call it. */
struct yaml_doc *yaml_parse(const char *file, const char *bytes, size_t len, struct diags *d);
void yaml_free(struct yaml_doc *doc);
void yaml_freep(struct yaml_doc **doc);
const char *yaml_file(const struct yaml_doc *doc);

/* NULL for an empty document. */
const struct yaml_node *yaml_root(const struct yaml_doc *doc);
enum yaml_kind yaml_kind(const struct yaml_node *n);
const char *yaml_kind_name(enum yaml_kind k); /* "a text", "a list", "a map", "nothing" */
size_t yaml_count(const struct yaml_node *n); /* items of a list, pairs of a map, else 0 */
const struct yaml_node *yaml_item(const struct yaml_node *list, size_t i);
const struct yaml_node *yaml_key(const struct yaml_node *map, size_t i);
const struct yaml_node *yaml_value(const struct yaml_node *map, size_t i);
/* NULL when the map has no such key. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);
const char *yaml_str(const struct yaml_node *scalar, size_t *len); /* len may be NULL */
enum yaml_style yaml_style(const struct yaml_node *scalar);
/* true, True, TRUE and the same of false, which are YAML 1.2's booleans (so that editors
 * say nothing against them); false is returned for anything else, yes and no included. */
bool yaml_bool(const struct yaml_node *n, bool *out);

/* Where the node begins (a scalar: its first character of content, behind a quote or
 * block header). Lines and columns from 1, columns in characters. */
void yaml_start(const struct yaml_node *n, unsigned *line, unsigned *col);
/* Where byte `at` of the scalar's value stands in the file. */
void yaml_place(const struct yaml_node *scalar, size_t at, unsigned *line, unsigned *col);
/* The same as file offsets; where a list or map begins is its first character. */
size_t yaml_offset(const struct yaml_node *n);
/* The offset behind the node's last byte, its closing quote or bracket included; of a block
 * scalar perhaps the start of the line below. False when that is not known for sure. */
bool yaml_end(const struct yaml_node *n, size_t *end);
/* Written as [..] or {..}. */
bool yaml_is_flow(const struct yaml_node *n);
/* The file's bytes; they live as long as doc. */
const char *yaml_bytes(const struct yaml_doc *doc, size_t *len);
/* What a plain scalar lacks to be the map that was wanted: a colon, or the blank behind it.
 * Appends "; ..." to words, or nothing. */
void yaml_map_hint(const struct yaml_node *n, struct buf *words);
/* True when nothing but blanks is before the node on its line. */
bool yaml_begins_line(const struct yaml_node *n);
/* True when a plain scalar on this node's line is followed by " #...": a pattern cut short. */
bool yaml_comment_follows(const struct yaml_node *scalar);

/* Adds a diagnostic at the node (or at byte `at` of its value) with the source line. */
enum diag_level;
void yaml_diag(struct diags *d, int level, const struct yaml_node *n, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void yaml_diag_at(struct diags *d, int level, const struct yaml_node *n, size_t at, const char *fmt,
                  ...) __attribute__((format(printf, 5, 6)));
/* The nearest of names[] to what was written ("did you mean"), or NULL when none is near. */
const char *yaml_nearest(const char *written, const char *const *names, size_t count);

#endif
