/* yaml_walk.h - from the bytes of a scalar's value back to the bytes of the file. Pure.
 *
 * Reads the raw scalar as YAML 1.2 says (chapters 5.7, 7.3, 8.1: escapes, doubled
 * quotes, folding, indentation, chomping) and compares what comes out with the value
 * that the parser made of it: agreement proves every position, disagreement is said. */
#ifndef AUTOMARK_BASE_YAML_WALK_H
#define AUTOMARK_BASE_YAML_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/yaml.h"

struct yaml_scalar {
    const char *raw; /* the whole file */
    size_t raw_len;
    size_t from; /* where reading begins: the first byte of a plain scalar, the one behind
                  * the opening quote, the start of the line below a block's header */
    enum yaml_style style;
    const char *value;
    size_t value_len;
};

/* True when the raw scalar yields exactly the value. *offset (may be NULL) is then where
 * value byte `at` stands (at == value_len: where the reading ended), *end (may be
 * NULL) the file offset behind the last byte that the value needed. */
bool yaml_walk(const struct yaml_scalar *s, size_t at, size_t *offset, size_t *end);

/* Length of the line break at raw[at]: 0 (none), 1, or 2 (CR LF). */
size_t yaml_break(const char *raw, size_t raw_len, size_t at);

#endif
