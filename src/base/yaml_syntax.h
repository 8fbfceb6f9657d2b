/* yaml_syntax.h - libfyaml's syntax errors, in our words and at the place to mend.
 *
 * Pure. A parser says where it gave up; the mistake is often before that: at the bracket
 * that was never closed, at the text that should have been quoted. What it says is only a
 * hint, the bytes around the place decide. Private to yaml.c. */
#ifndef AUTOMARK_BASE_YAML_SYNTAX_H
#define AUTOMARK_BASE_YAML_SYNTAX_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define YAML_NOWHERE ((size_t)-1)

struct yaml_trouble {
    const char *raw;
    size_t len;
    const char *theirs; /* libfyaml's words */
    size_t at;          /* where it gave up */
    size_t open_at;     /* the innermost [ or { still open, or YAML_NOWHERE */
    size_t closed_at;   /* the [ or { whose end came last, or YAML_NOWHERE */
};

/* The offset to point at; what is to be said about it is appended to words. */
size_t yaml_syntax(const struct yaml_trouble *t, struct buf *words);
/* "name:a", "-name": says which blank is missing at the start of s; false when none is. */
bool yaml_blank_missing(const char *s, size_t len, struct buf *words);
/* Names the blank, colon or comma that only looks like one and begins here; NULL if none. */
const char *yaml_lookalike(const char *s, size_t len);
/* The first of them in a text, or NULL; *at is its offset. */
const char *yaml_lookalike_in(const char *s, size_t len, size_t *at);

#endif
