/* explain.h - what cmd_explain found out, for those who print it. */
#ifndef AUTOMARK_CLI_EXPLAIN_H
#define AUTOMARK_CLI_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "rules/match.h"

struct json_object;

struct explain_step {
    struct match_step step; /* its why is NULL; see below */
    char why[40];           /* empty: nothing to say */
    bool reached;           /* the verdict was open when this rule's turn came */
};

struct explained {
    const struct ruleset *rules;
    const struct event *ev;
    struct verdict verdict;
    struct explain_step *steps; /* guards, then rules; conditions behind their rule */
    size_t nsteps;
};

/* Finds out; rules and ev are borrowed. Uses the limits and not the clock. */
void explain_event(struct explained *x, const struct ruleset *rules, const struct event *ev,
                   const struct match_options *opt);
void explained_done(struct explained *x);

struct explain_style {
    FILE *to;
    bool all;    /* also what was not reached, and every condition of rules that said no */
    bool colour; /* mark words by colour instead of carets */
};

void explain_print(const struct explained *x, const struct explain_style *style);
/* The caller frees with json_free(). */
struct json_object *explain_json(const struct explained *x);

#endif
