/* match.h - the verdict for one event, and the reasons that explain prints.
 *
 * Pure but for the scratch, the CPU clock and the rules' counters of limit hits.
 * Guards are looked at first, of all files; then rules in order; see DESIGN's Kleene
 * rules. Each thread has its own scratch. */
#ifndef AUTOMARK_RULES_MATCH_H
#define AUTOMARK_RULES_MATCH_H

#include "rules/pattern.h"
#include "rules/rule.h"

struct buf;

enum verdict_kind {
    VERDICT_MARK,            /* a live mark-read rule won */
    VERDICT_GUARD,           /* a guard matched */
    VERDICT_GUARD_UNDECIDED, /* a guard could not tell: keeps */
    VERDICT_KEEP,            /* a live `then: keep` rule won */
    VERDICT_KEEP_UNDECIDED,  /* such a rule could not tell: ends the search as kept */
    VERDICT_NONE,            /* nothing matched */
};

/* What decided: where, in which field, and which words. */
struct match_reason {
    const struct cond *cond; /* the leaf that matched first, or NULL */
    const struct alternative *alternative;
    size_t item;            /* which of the field's values, from 0 */
    struct match_span span; /* in that value */
    char words[128];        /* the matched words, cut at a character */
};

struct verdict {
    enum verdict_kind kind;
    const struct rule *rule; /* NULL for VERDICT_NONE; borrowed from the ruleset */
    struct match_reason reason;
    const struct rule *shadow; /* first shadow mark rule that matched on the way, or NULL */
    struct match_reason shadow_reason;
    bool hangs_on_unknown;       /* marked or not: that would differ, were UNKNOWN fields known */
    const struct rule *limited;  /* first live rule or guard that could not tell because of a
                                  * limit or a cut field, or NULL */
    char limit[32];              /* which: "match limit", "field was cut", "quarantined", ... */
    struct near_miss {           /* for VERDICT_NONE: the mark rule that came nearest */
        const struct rule *rule; /* NULL when no rule had a condition that held by what the
                                  * reply says (a `not` holds for nearly all of them) */
        unsigned held, of;       /* conditions of its top-level `when`, exceptions included */
        const struct cond *missing;       /* the first that did not hold */
        const struct exception *excepted; /* or the exception that did */
    } near;
};

struct match_options {
    int64_t now_ms;     /* wall time: active, until */
    int64_t budget_ms;  /* CPU per event; 0: limits only, and no quarantine, so that the same
                         * event always has the same verdict (test, diff, explain) */
    bool verdict_alone; /* do not look for the nearest miss, which takes as long again */
    const char *draft;  /* a draft or shadow rule's name to treat as live (its tests), or NULL */
};

#define MATCH_BUDGET_MS 20
#define QUARANTINE_HITS 20 /* limit hits after which a rule (never a guard) counts as undecided */

void match_event(const struct ruleset *rs, struct match_scratch *scratch, const struct event *ev,
                 const struct match_options *opt, struct verdict *out);

/* What a verdict means in one word and one sentence, for answers, logs and explain:
 * "marked: rule absence matched subject 'Automatic reply'". Appends to out. */
void verdict_describe(struct buf *out, const struct verdict *v);
/* mark, guard, guard-undecided, keep, keep-undecided, no-match: for JSON. */
const char *verdict_kind_name(enum verdict_kind kind);
/* What a condition asks: "tag is 'interested' or 'meeting_booked'", "all of", "not". */
void cond_describe(struct buf *out, const struct cond *c);
/* What the nearest rule lacked: "missing: tag is 'x'", "excepted: domain is 'y' (because)". */
void near_describe(struct buf *out, const struct near_miss *near);

/* Folds a literal of `is:` and a field's value alike, so that equality is memcmp: case is
 * taken out, runs of blanks and line breaks become one blank, those at the ends go. */
void literal_fold(struct buf *out, const char *s, size_t len);

/* Every guard's and rule's answer, condition by condition, for explain. The callback gets
 * the conditions in order, depth first: at depth 0 the rule itself with cond NULL, at 1 its
 * `when` and its exceptions, below them their children. A rule that is off, a draft, or not
 * active now is told with ANSWER_NO and no conditions. */
struct match_step {
    const struct rule *rule;
    const struct cond *cond;           /* NULL: the rule as a whole */
    const struct exception *exception; /* set while inside an exception */
    unsigned depth;
    enum answer answer;
    struct match_reason reason; /* of a leaf that said yes */
    const char *why;            /* of one that could not tell: the limit, "field was cut", "field is
                                 * unknown"; of one not looked at: "draft", "off", "not active now", "ran
                                 * out"; else NULL. Valid during the call. */
};
typedef void (*match_step_fn)(void *ctx, const struct match_step *step);
void match_trace(const struct ruleset *rs, struct match_scratch *scratch, const struct event *ev,
                 const struct match_options *opt, match_step_fn fn, void *ctx);

#endif
