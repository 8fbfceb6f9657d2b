/* yaml_edit.h - adds to a YAML file's text and leaves every other byte as it is.
 *
 * The new text is parsed again and held against the old document: it must be the old one and
 * what was added, nothing else. On any doubt (a form not known here, tabs, a scalar whose place
 * in the file is not sure) the answer is -1 with words, and out is as it was. Pure. */
#ifndef AUTOMARK_BASE_YAML_EDIT_H
#define AUTOMARK_BASE_YAML_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/yaml.h"

struct buf;
struct error;

struct yaml_pair {
    const char *key;
    const char *const *values; /* UTF-8 without NUL */
    size_t nvalues;
    bool list; /* [a, b]; else one value */
    bool word; /* without quotes where that is possible: names */
};

/* {key: 'value', key: [a, b]} */
void yaml_write_flow_map(struct buf *out, const struct yaml_pair *pairs, size_t n);

/* Appends to out the file with one more map at the end of a list of it, in the style of the
 * last item there. *line is where the new item begins. */
int yaml_add_item(const struct yaml_doc *doc, const struct yaml_node *list,
                  const struct yaml_pair *pairs, size_t n, struct buf *out, unsigned *line,
                  struct error *err);
/* The same with a new key at the end of a map, whose value is a list of one map. */
int yaml_add_list(const struct yaml_doc *doc, const struct yaml_node *map, const char *key,
                  const struct yaml_pair *pairs, size_t n, struct buf *out, unsigned *line,
                  struct error *err);

#endif
