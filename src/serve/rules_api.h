/* rules_api.h - a rule set as one JSON value, for the store and for tools. Pure.
 *
 *   {"workspace":"acme","version":"91be...","files":[{"path":"...","bytes":"..."}],
 *    "overrides":[{"rule":"opt-out","state":"off","hold_ms":3600000,"max_per_hour":5}]} */
#ifndef AUTOMARK_SERVE_RULES_API_H
#define AUTOMARK_SERVE_RULES_API_H

#include <stddef.h>

#include "rules/rules_load.h"

struct error;
struct json_object;

#define RULES_JSON_NODES_MAX 65536

/* The files of a set, as it was loaded. The caller frees with json_free(). */
struct json_object *rules_to_json(const struct ruleset *rules);
/* Adds what a workspace makes of shared rules. */
void rules_put_overrides(struct json_object *o, const struct rule_override *list, size_t n);

/* What rules_to_json() wrote, read again. Strings are borrowed from the JSON. */
struct rules_kept {
    struct rule_file *files;
    size_t nfiles;
    struct rule_override *overrides;
    size_t noverrides;
};
int rules_from_json(const struct json_object *o, struct rules_kept *out, struct error *err);
void rules_kept_done(struct rules_kept *k);

#endif
