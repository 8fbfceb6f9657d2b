/* rule_side.h - one side of a comparison of rules, as people name it:
 *
 *   rules             a folder or file
 *   HEAD~3:rules      the same in a git revision
 *   running           what the daemon runs (without one: the last set that it kept)
 *   configured        what the configuration's folders hold now
 *
 * A path that is there wins over the other meanings. */
#ifndef AUTOMARK_CLI_RULE_SIDE_H
#define AUTOMARK_CLI_RULE_SIDE_H

#include "cli/whereabouts.h"
#include "rules/rules_load.h"

struct diags;
struct error;
struct json_object;

struct rule_sides {
    struct whereabouts_options where; /* of the daemon and its store */
    const char *workspace;            /* NULL: the only one */
    bool configured;                  /* --config was given: its overrides hold for every side */

    /* private: what is read once, and what sets borrow */
    struct config *config;
    struct json_object *running;
    int64_t now_ms;
};

/* A set, with one reference; NULL with mistakes of the rules in d, or words in err. */
struct ruleset *rule_side_load(struct rule_sides *s, const char *side, struct diags *d,
                               struct error *err);
void rule_sides_done(struct rule_sides *s);

/* The files are the same, but for the folder that they stand in, and so are the
 * overrides: the two decide alike. */
bool rule_sides_equal(const struct ruleset *a, const struct ruleset *b);

#endif
