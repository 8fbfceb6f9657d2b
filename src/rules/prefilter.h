/* prefilter.h - which patterns of a rule set can match a text at all: the one door to Vectorscan.
 *
 * An accelerator that never decides. The literals that the patterns need (literals.h) are
 * searched in one pass over a field's value; a pattern whose literals are not there has the
 * answer no without being run. Whatever goes wrong here (no such processor, no database, an
 * error while scanning) means that every pattern may match.
 *
 * A prefilter is immutable and belongs to its rule set. Each thread has its own scratch. */
#ifndef AUTOMARK_RULES_PREFILTER_H
#define AUTOMARK_RULES_PREFILTER_H

#include <stdbool.h>
#include <stddef.h>

struct field_text;
struct prefilter;
struct prefilter_scratch;
struct ruleset;
struct error;

/* For all patterns of the rule set, which is only read. NULL with err set when it cannot be
 * had. */
struct prefilter *prefilter_new(const struct ruleset *rs, struct error *err);
/* NULL is fine. */
void prefilter_free(struct prefilter *f);

struct prefilter_scratch *prefilter_scratch_new(void);
void prefilter_scratch_free(struct prefilter_scratch *s);

/* Forgets what was found before. f (NULL: everything may match) must live until the next
 * call, or until the scratch is not asked any more. */
void prefilter_begin(struct prefilter_scratch *s, const struct prefilter *f);

/* False when the pattern of this number (0: of none that is known here) cannot match text, or
 * any part of it. slot is the number, below PREFILTER_SLOTS, of a text that stays the same
 * from prefilter_begin() on: it is searched when first asked for. */
#define PREFILTER_SLOTS 32
bool prefilter_may_match(struct prefilter_scratch *s, size_t slot, const struct field_text *text,
                         unsigned pattern);

struct prefilter_size {
    size_t filtered, always; /* patterns that need literals, and that do not */
    size_t literals;
    size_t choices; /* sets of literals of which one is needed */
    size_t bytes;   /* of the database */
};
struct prefilter_size prefilter_size(const struct prefilter *f);

/* Vectorscan's version, as it says it. */
const char *prefilter_version(void);

#endif
