/* diff.h - two rule sets compared by their verdicts on replies, for cmd_diff.
 *
 * Replies come in chunks and are looked at by all cores; counting is in the order of the
 * input, so the same input always gives the same report. Bounded: groups and samples. */
#ifndef AUTOMARK_CLI_DIFF_H
#define AUTOMARK_CLI_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct ruleset;

#define DIFF_SAMPLES 3
#define DIFF_GROUPS_MAX 1000 /* kinds of change told apart; the rest is counted together */

/* What rules would do with a reply; both strings belong to the rules. */
struct diff_outcome {
    const char *word; /* mark, shadow, kept */
    const char *rule; /* or NULL */
};

struct diff_sample {
    char *conversation;
    char *words; /* that the deciding rule found, or NULL */
    char *text;  /* the reply's beginning, or NULL */
};

enum diff_kind { DIFF_NEWLY, DIFF_NO_LONGER, DIFF_OTHERWISE, DIFF_KINDS };

struct diff_group {
    enum diff_kind kind;
    struct diff_outcome old, new;
    size_t count;
    struct diff_sample samples[DIFF_SAMPLES];
    size_t nsamples;
};

struct diff_limited { /* a rule of the new set that could not tell */
    const char *rule;
    size_t count;
};

struct diff_result {
    size_t total, counts[DIFF_KINDS];
    struct diff_group *groups;
    size_t ngroups, ungrouped;
    struct diff_limited *limited;
    size_t nlimited;
    int64_t first_ms, last_ms; /* arrival of the replies; 0: not told */
    bool equal;                /* the sets are the same: nothing was asked */
};

struct diff;

/* Borrows both sets. Without text, samples hold conversations alone. equal: both sets
 * decide alike, so replies are only counted. */
struct diff *diff_new(const struct ruleset *old, const struct ruleset *new, bool with_text,
                      bool equal, int64_t now_ms);
void diff_free(struct diff *d);

/* One line of `automark events export`; empty lines are skipped. Kept until diff_flush(),
 * which is called from here when enough wait. -1 with err: which event cannot be read. */
int diff_add(struct diff *d, const char *line, size_t len, struct error *err);
int diff_flush(struct diff *d, struct error *err);
/* Valid until diff_free(). Groups: most marks gained, then lost, then the rest; each by
 * count, then by rule. */
const struct diff_result *diff_result(struct diff *d);
/* Replies counted up to now. */
size_t diff_count(const struct diff *d);

extern const char *const diff_kind_words[DIFF_KINDS]; /* "newly marked", ... */
extern const char *const diff_kind_keys[DIFF_KINDS];  /* "newly_marked", ... */

enum diff_format { DIFF_TEXT, DIFF_JSON, DIFF_MARKDOWN };

/* diff_print.c. max_new: the limit, or -1. */
void diff_print(const struct diff_result *r, enum diff_format format, long long max_new);

#endif
