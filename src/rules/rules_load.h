/* rules_load.h - YAML -> immutable struct ruleset, all mistakes at once.
 *
 * Loading is all or nothing: any error in any file of a workspace's set means no
 * set. Thread-safe (no shared state); not for listener threads, it reads files. */
#ifndef AUTOMARK_RULES_RULES_LOAD_H
#define AUTOMARK_RULES_RULES_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rules/rule.h"

struct diags;

struct rule_override {
    const char *rule;
    int state;            /* enum rule_state, or -1: as in the file */
    int64_t hold_ms;      /* -1: as in the file */
    int64_t max_per_hour; /* -1: as in the file */
    struct place place;   /* of the override in the configuration, for mistakes */
};

struct rules_source {
    const char *const *paths; /* files or folders, in order */
    size_t npaths;
    const struct rule_override *overrides;
    size_t noverrides;
    bool overrides_may_miss;           /* an override of a rule that is not there is no mistake */
    const char *const *require_guards; /* a set without them is an error */
    size_t nrequire_guards;
    const struct place *require_places; /* where each is asked for; may be NULL */
    int64_t now_ms;                     /* wall time, for warnings about what ran out */
    bool prefilter;                     /* make one: worth it where many events are looked at */
    bool allow_empty;                   /* a set without any rule is an error otherwise */
};

/* NULL when there is any error; warnings alone still give a set. Ignored files in a
 * folder are added to d as warnings when list_ignored. The set has one reference. */
struct ruleset *rules_load(const struct rules_source *src, bool list_ignored, struct diags *d);
/* The same for check: what could be read even when there are errors, which *fine tells. Such
 * a set is for rules_lint() alone. */
struct ruleset *rules_load_partly(const struct rules_source *src, bool *fine, struct diags *d);
/* The same from kept bytes instead of files (the last good set in the store). */
struct ruleset *rules_load_files(const struct rule_file *files, size_t nfiles,
                                 const struct rules_source *src, struct diags *d);

/* The tests of *.test.yaml files: of those among the source's paths, and of those in its
 * folders. What they expect must be in rs, which may be NULL: then nobody asks. Released with
 * rules_tests_done(). */
struct rules_tests {
    struct rule_test *tests;
    size_t ntests;
    struct ruleset *owner; /* private: holds the memory */
};
int rules_tests_load(const struct rules_source *src, const struct ruleset *rs,
                     struct rules_tests *out, struct diags *d);
/* The same of one test file's bytes instead of the disk's. */
int rules_tests_parse(const struct rule_file *file, const struct ruleset *rs,
                      struct rules_tests *out, struct diags *d);
void rules_tests_done(struct rules_tests *t);

struct ruleset *ruleset_ref(struct ruleset *rs);
void ruleset_unref(struct ruleset *rs);
void ruleset_unrefp(struct ruleset **rs);
/* Guard or rule by name, or NULL. */
const struct rule *ruleset_find(const struct ruleset *rs, const char *name);
const char *rule_state_name(enum rule_state s);

#endif
