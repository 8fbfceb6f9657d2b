/* rule_sets.h - which rules a command is about: given paths, or those of workspaces. */
#ifndef AUTOMARK_CLI_RULE_SETS_H
#define AUTOMARK_CLI_RULE_SETS_H

#include <stddef.h>

#include "rules/rules_load.h"

struct config;
struct diags;

struct rule_set {
    const char *workspace; /* NULL: of paths */
    struct rules_source src;
};

struct rule_sets {
    struct rule_set *list;
    size_t count;
    struct config *config; /* owns what sets of workspaces borrow; may be NULL */
};

struct rule_sets_wish {
    const char *const *paths; /* borrowed: must outlive the sets */
    size_t npaths;
    const char *config;    /* --config, or NULL */
    const char *workspace; /* --workspace: a name, or NULL and "all" for every one */
};

/* The paths' set first, if any, then the workspaces'; without paths and --config, those
 * that the environment configures. 0 (out is to be released), -1 with mistakes of the
 * configuration in d, or -2 with words in err: no such path, no such workspace. */
int rule_sets_find(const struct rule_sets_wish *wish, struct rule_sets *out, struct diags *d,
                   struct error *err);
void rule_sets_done(struct rule_sets *s);

/* True when there is anything to look at: paths, --config, or the environment's. */
bool rule_sets_wanted(const struct rule_sets_wish *wish);

#endif
