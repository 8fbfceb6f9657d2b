/* eval.h - conditions against one event: Kleene's logic over sets of possible answers.
 *
 * A condition on an unknown field may yet turn out yes or no, one that hit a limit stays
 * undecided. So each condition has a set of answers that are possible; a set of one is
 * its answer, anything else is "could not tell". What is not known is taken as
 * independent of each other: that may ask for a look too many, never for one too few. */
#ifndef AUTOMARK_RULES_EVAL_H
#define AUTOMARK_RULES_EVAL_H

#include "rules/match.h"

enum { CAN_NO = 1, CAN_YES = 2, CAN_NOT_TELL = 4 }; /* bits of a set */

/* What a pattern said of the first value of a field: rules share patterns, and ask the
 * same again. A slot is found by both; the last answer stays. */
#define EVAL_SLOTS 64
struct eval_memo {
    const struct pattern *pattern; /* NULL: empty */
    enum field field;
    enum answer answer; /* yes or no */
    struct match_span span;
};

struct eval {
    const struct event *ev;
    struct match_scratch *scratch;
    struct prefilter_scratch *prefilter; /* begun for this event; NULL: every pattern is run */
    int64_t now_ms;
    char why[32];  /* what first kept us from telling; empty when nothing did */
    bool hit;      /* a pattern hit a limit */
    bool spent;    /* the CPU budget is gone; hits by that are nobody's any more */
    bool doubtful; /* a limit or a cut field: more than a field unknown */
    struct eval_memo memo[EVAL_SLOTS];
};

#define WHY_UNKNOWN "field is unknown"
#define WHY_CUT "field was cut"

/* Forgets why, hit and doubtful, for the next rule. */
void eval_next(struct eval *e);

enum answer answer_of(unsigned set);
unsigned answers_and(unsigned a, unsigned b);
unsigned answers_or(unsigned a, unsigned b);
unsigned answers_not(unsigned a);

/* reason may be NULL; it is written when the answer is yes and a field said so. */
unsigned eval_cond(struct eval *e, const struct cond *c, struct match_reason *reason);

/* The exception applies at e->now_ms. */
bool exception_holds_now(const struct eval *e, const struct exception *x);
bool rule_active_now(const struct eval *e, const struct rule *r);
/* `when` and not any exception that is not past its day. */
unsigned eval_rule(struct eval *e, const struct rule *r, struct match_reason *reason);

#endif
