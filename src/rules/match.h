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
    struct match_span span;
    char words[128]; /* the matched words, cut at a character */
};

struct verdict {
    enum verdict_kind kind;
    const struct rule *rule; /* NULL for VERDICT_NONE; borrowed from the ruleset */
    struct match_reason reason;
    const struct rule *shadow; /* first shadow mark rule that matched on the way, or NULL */
    struct match_reason shadow_reason;
    bool hangs_on_unknown;       /* a live verdict would differ, were an UNKNOWN field known */
    const struct rule *limited;  /* a rule that was passed over because it hit a limit, or NULL */
    char limit[32];              /* which limit */
    struct near_miss {           /* for VERDICT_NONE: the rule that came nearest */
        const struct rule *rule; /* NULL when no rule had a condition that held */
        unsigned held, of;       /* conditions of its top-level `when`, exceptions included */
        const struct cond *missing;       /* the first that did not hold */
        const struct exception *excepted; /* or the exception that did */
    } near;
};

struct match_options {
    int64_t now_ms;    /* wall time: active, until */
    int64_t budget_ms; /* CPU per event; 0: limits only */
    const char *draft; /* a draft rule's name to treat as live (its own tests), or NULL */
};

#define MATCH_BUDGET_MS 20
#define QUARANTINE_HITS 20 /* limit hits after which a rule (never a guard) counts as undecided */

void match_event(const struct ruleset *rs, struct match_scratch *scratch, const struct event *ev,
                 const struct match_options *opt, struct verdict *out);

/* What a verdict means in one word and one sentence, for answers, logs and explain:
 * "rule absence matched subject 'Automatic reply'". Appends to out. */
void verdict_describe(struct buf *out, const struct verdict *v);

/* Folds a literal of `is:` and a field's value alike, so that equality is memcmp. */
void literal_fold(struct buf *out, const char *s, size_t len);

/* Every guard's and rule's answer, condition by condition, for explain. The callback gets
 * the conditions in order, depth first; path depth 0 is the rule itself with cond NULL. */
struct match_step {
    const struct rule *rule;
    const struct cond *cond;           /* NULL: the rule as a whole */
    const struct exception *exception; /* set while inside an exception */
    unsigned depth;
    enum answer answer;
    struct match_reason reason; /* of a leaf that said yes */
    const char *limit;          /* of one that could not tell: the limit, "cut", "unknown" */
};
typedef void (*match_step_fn)(void *ctx, const struct match_step *step);
void match_trace(const struct ruleset *rs, struct match_scratch *scratch, const struct event *ev,
                 const struct match_options *opt, match_step_fn fn, void *ctx);

#endif
