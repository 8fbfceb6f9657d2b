/* coverage.h - what no test exercises: rules, conditions, alternatives.
 *
 * A rule is covered when a test that passes ends with it. A condition, and each
 * alternative of its list or inside its pattern, is covered when it says yes to the
 * event of a test of its own rule (or of one that expects that rule). A condition under
 * `not` or of an exception therefore needs a test in which it holds. An alternative inside
 * a pattern must decide there (deciding.h). One inside a group of `define` is covered when
 * it decides in any of the patterns that use the group, so a group that only forbids needs
 * near misses. */
#ifndef AUTOMARK_RULES_COVERAGE_H
#define AUTOMARK_RULES_COVERAGE_H

#include "rules/match.h"

enum cover_kind { COVER_RULE, COVER_CONDITION, COVER_ALTERNATIVE, COVER_KINDS };

struct cover_gap {
    enum cover_kind kind;
    const struct rule *rule;        /* NULL: it stands in a group */
    const struct definition *group; /* NULL: it stands in a rule */
    struct place place;             /* right inside the pattern, for its branches */
    char *what;                     /* "alternative 'out of office'" */
};

struct coverage_report {
    struct {
        size_t covered, total;
    } of[COVER_KINDS];
    unsigned percent; /* of all kinds together, rounded down; 100 when there is nothing */
    struct cover_gap *gaps;
    size_t ngaps;
};

struct coverage;

/* Borrows both, which must outlive it. Rules that are off do not count. */
struct coverage *coverage_new(const struct ruleset *rs, struct match_scratch *scratch);
void coverage_free(struct coverage *c);
/* One test that was run: own is the rule beside which it stands, or NULL. */
void coverage_add(struct coverage *c, const struct rule *own, const struct rule_test *t,
                  int64_t now_ms, bool passed);
/* The caller releases it with coverage_report_done(). */
void coverage_finish(const struct coverage *c, struct coverage_report *out);
void coverage_report_done(struct coverage_report *r);

#endif
