/* setup.h - configuration and rules as they hold now: counted, immutable, swapped whole.
 *
 * A reload builds a new setup and swaps the pointer; whoever works on an event keeps the
 * one that it took. Loading is all or nothing per workspace: a broken or empty set, or an
 * unreadable secret, leaves that workspace on what it had, and says so. Every rule set
 * that loads is kept in the store, so that a start with broken rules runs on the last
 * good one. */
#ifndef AUTOMARK_SERVE_SETUP_H
#define AUTOMARK_SERVE_SETUP_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "rules/rules_load.h"

struct error;
struct store;

struct setup_workspace {
    const struct workspace_config *cfg; /* of this setup's config */
    struct ruleset *rules;              /* counted */
    char *trouble;                      /* why rules are not those in the folder; NULL: they are */
};

struct setup {
    struct config *cfg; /* owned */
    struct setup_workspace *workspaces;
    size_t nworkspaces;
};

struct setups; /* the current one, and how to get the next */

/* Loads what options name. Mistakes go to standard error as check prints them. NULL when
 * the configuration is wrong, or a workspace has neither a set that loads nor a stored
 * one; err then says what to do. store may be NULL only in tests. */
struct setups *setups_new(const struct config_options *options, struct error *err);
void setups_free(struct setups *s);

/* Second step, once the store is open: rules of every workspace. */
int setups_load_rules(struct setups *s, struct store *store, struct error *err);

/* Reads configuration, secrets and rules again. True when anything changed; what could
 * not be used is logged and shown by /readyz. Main thread only. */
bool setups_reload(struct setups *s);
/* Whether a file that a reload would read changed since the last load, and holds still. */
bool setups_changed_on_disk(struct setups *s);

/* Any thread. Release with setup_unref. */
struct setup *setups_current(struct setups *s);
void setup_unrefp(struct setup **setup);
const struct setup_workspace *setup_workspace(const struct setup *setup, const char *name);

#endif
