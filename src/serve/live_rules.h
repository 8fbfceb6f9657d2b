/* live_rules.h - the rule sets that decide now: one a workspace, counted, swapped whole.
 *
 * Loading is all or nothing per workspace: a broken, empty or vanished folder leaves the
 * workspace on what it had, and says so (log, /readyz). Every set that loads is kept in
 * the store, so that a start with broken rules runs on the last good one, loudly. Marks
 * not yet sent whose rule is gone or no longer live are parked. */
#ifndef AUTOMARK_SERVE_LIVE_RULES_H
#define AUTOMARK_SERVE_LIVE_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "config.h"

struct error;
struct json_object;
struct live_rules;
struct store;

/* Loads the rules of every workspace. Mistakes go to standard error as check prints them.
 * NULL when a workspace has neither a set that loads nor a stored one. Borrows both. */
struct live_rules *live_rules_new(const struct config *cfg, struct store *store, struct error *err);
void live_rules_free(struct live_rules *lr);

/* The set of cfg->workspaces[i], to be released with ruleset_unref(). Any thread. */
struct ruleset *live_rules_get(struct live_rules *lr, size_t i);

/* The live set of a workspace (NULL: the only one) and its overrides, as rules_api.h has it.
 * NULL with err: which workspaces there are. The caller frees. Any thread. */
struct json_object *live_rules_json(struct live_rules *lr, const char *workspace,
                                    struct error *err);

/* Loads again what is in the folders. One thread, not a listener's: it waits for the store. */
void live_rules_reload(struct live_rules *lr);
/* One look at the files; true once for each change, when it holds still. Same thread. */
bool live_rules_changed(struct live_rules *lr);

/* Adds a warning for each workspace that does not run what is in its folders. Any thread. */
void live_rules_warn(struct live_rules *lr, struct json_object *warnings);

#endif
