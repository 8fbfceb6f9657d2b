/* yaml_write.h - text as a YAML scalar that reads back as exactly that text. Pure. */
#ifndef AUTOMARK_BASE_YAML_WRITE_H
#define AUTOMARK_BASE_YAML_WRITE_H

#include <stddef.h>

struct buf;

/* One line, right in block and in flow context: in single quotes where they can hold it, else
 * in double quotes with escapes. s is UTF-8 without NUL. */
void yaml_write_text(struct buf *out, const char *s, size_t len);
/* The same without quotes when s is a simple word ([A-Za-z0-9_-], led by a letter): keys, names. */
void yaml_write_word(struct buf *out, const char *s, size_t len);

#endif
