/* pattern.h - the one door to PCRE2: compile with mistakes by position, match with limits.
 *
 * A pattern is compiled once and then only read: any number of threads may match it
 * at once, each with its own struct match_scratch. */
#ifndef AUTOMARK_RULES_PATTERN_H
#define AUTOMARK_RULES_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct error;
struct pattern;
struct prefilter_scratch;

#define PATTERN_BYTES_MAX 4096

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_UNDECIDED /* could not tell */ };

/* Compiles source: folded and composed like the text, case-insensitive and multi-line,
 * a blank also matching a line break. definitions (may be NULL) are named groups one
 * behind the other, "(?<weekday>mon|tues)(?<month>...)"; they are appended inside of a
 * (?(DEFINE)...), so that group numbers stay the author's. whole anchors it to the entire
 * field. On failure NULL, err's message is one for the author and *at is the byte offset
 * in source (as written) to which it belongs. A mistake in definitions is told as such,
 * *at then being 0: compile each definition alone first. */
struct pattern *pattern_compile(const char *source, size_t len, bool whole, const char *definitions,
                                size_t *at, struct error *err);
/* For coverage: the same of sources that hold PATTERN_MARK, which no author may write, in any
 * places. They count from 0 as they stand in source and then in definitions. NULL when PCRE2
 * refuses it, as too large for example. */
#define PATTERN_MARK "(?C)"
struct pattern *pattern_compile_marked(const char *source, bool whole, const char *definitions);
size_t pattern_marks(const struct pattern *p); /* how many */
void pattern_free(struct pattern *p);
/* Appends what pattern_compile() hands to PCRE2 for a source that it accepts. */
void pattern_source_joined(struct buf *out, const char *source, const char *definitions);
/* The name of the first group that source refers to by (?&name) and that neither it nor
 * definitions define, and its byte offset; false when there is none. */
bool pattern_missing_group(const char *source, size_t len, const char *definitions, char name[64],
                           size_t *at);
/* True when the pattern matches the empty string somewhere in any text. */
bool pattern_matches_empty(const struct pattern *p);
/* No match has fewer characters. */
size_t pattern_least_chars(const struct pattern *p);
bool pattern_has_jit(const struct pattern *p);

struct match_scratch; /* JIT stack, match data, CPU budget: one per thread */
struct match_scratch *match_scratch_new(void);
void match_scratch_free(struct match_scratch *s);
/* The scratch's part for prefilter.h. */
struct prefilter_scratch *match_scratch_prefilter(struct match_scratch *s);

/* Uses PCRE2's interpreter also where there is compiled code, as on a machine that
 * forbids writable code (systemd's MemoryDenyWriteExecute). For tests. */
void match_scratch_interpret(struct match_scratch *s);

/* From now on, whenever a match comes past a mark, passes(ctx, number) says whether it may go
 * on there, or has to look for another way. NULL: it may. */
typedef bool mark_passes(void *ctx, size_t number);
void match_scratch_marks(struct match_scratch *s, mark_passes *passes, void *ctx);

/* Starts the CPU budget of one event (thread CPU time, milliseconds); 0: no clock,
 * only match, depth and heap limits (test, explain). */
void match_budget_start(struct match_scratch *s, int64_t budget_ms);

struct match_span {
    size_t start, end; /* bytes */
};

/* subject is well formed UTF-8. *span (may be NULL) is written on ANSWER_YES. On
 * ANSWER_UNDECIDED, pattern_limit(s) names the limit ("match limit", "CPU budget", ...). */
enum answer pattern_match(const struct pattern *p, struct match_scratch *s, const char *subject,
                          size_t len, struct match_span *span);
const char *pattern_limit(const struct match_scratch *s);

#endif
