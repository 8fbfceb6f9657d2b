/* learned.h - a recorded event as a test: which fields it needs, scrubbed, and whether that
 * left its verdict as it was. Pure but for the scratch of matching. */
#ifndef AUTOMARK_RULES_LEARNED_H
#define AUTOMARK_RULES_LEARNED_H

#include "base/yaml_edit.h"
#include "event/scrub.h"
#include "rules/match.h"
#include "rules/rules_load.h"

struct buf;

struct learned_field {
    struct field_ref ref;
    char **values;
    size_t nvalues;
};

struct learned {
    struct learned_field *fields;
    size_t nfields;
    struct scrub *scrub;     /* what was replaced: scrub_changes() */
    struct verdict verdict;  /* of the event; borrows from the rules */
    struct verdict scrubbed; /* of the test */
    bool same;               /* the two say the same */
    bool incomplete;         /* they differ before anything is scrubbed */
    const char **culprits;   /* each of them undone makes it the same again */
    size_t nculprits;
};

struct learned_wish {
    const struct ruleset *rs;
    const struct rule *expect; /* NULL: keep */
    const char *const *keep;   /* words that stay */
    size_t nkeep;
    int64_t now_ms;
};

/* Subject and reply, and what else any rule asks for. What is unknown of ev counts as absent
 * from now on. out is to be released with learned_done(). */
void learned_make(const struct learned_wish *wish, struct event *ev, struct learned *out);
void learned_done(struct learned *l);

/* Fields, then what is expected, as the pairs of a test; expect NULL: beside the rule. out must
 * stay where it is; its strings belong to l. */
struct learned_pairs {
    struct yaml_pair *list;
    size_t count;
    const char *expect;
};
void learned_pairs(const struct learned *l, const char *expect, struct learned_pairs *out);
void learned_pairs_done(struct learned_pairs *p);

/* True when t says the same: same fields, same expectation. */
bool learned_is(const struct learned *l, const struct rule_test *t, const struct rule *own,
                const struct rule *expect);

#endif
