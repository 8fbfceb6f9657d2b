/* pattern_source.h - a pattern as its author wrote it -> the source that PCRE2 compiles.
 *
 * Pure. Follows just so much of PCRE2's syntax (pcre2pattern(3)) as it takes to tell
 * classes, quoted parts, comments, names and options apart, and
 *   - folds and composes it like the text (text.h, text_fold_pattern()), ` to ' as well;
 *   - drops line breaks at its end;
 *   - lets a blank match a line break too, by writing it as a class of both. Not a blank
 *     in a class, between \Q and \E, in a comment, under (?x), or behind a backslash;
 *   - writes \G as \A: for a match that begins at the subject's start both say the same,
 *     but a search that goes on slice by slice would see a \G at each slice;
 *   - refuses what an author may not do: settings in front, callouts, \C.
 * What is malformed passes through: PCRE2 says it better. */
#ifndef AUTOMARK_RULES_PATTERN_SOURCE_H
#define AUTOMARK_RULES_PATTERN_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct pattern_name {
    size_t at, len; /* in folded */
    bool reference; /* a call as (?&name), or else a group that is defined */
};

struct pattern_source {
    struct buf folded;
    struct buf out;
    size_t *origin; /* per byte of out, and one more: where it comes from in folded */
    struct pattern_name *names;
    size_t nnames;

    const char *refused; /* why, or NULL; static */
    size_t refused_at;   /* in folded */

    bool steers;        /* has (*SKIP) or (*COMMIT), which say where a search goes on */
    bool extended;      /* (?x) holds at the end */
    bool quote_open;    /* a \Q without its \E */
    bool comment_open;  /* a # comment of (?x) that ends with the pattern */
    const char *opener; /* what was never closed: "(", "[", "(?#"; or NULL */
    size_t opener_at;   /* in folded */
};

#define PATTERN_SOURCE_INIT                                                                        \
    {                                                                                              \
        .origin = NULL                                                                             \
    }

/* p is initialised and empty; release it with pattern_source_done(). */
void pattern_source_read(struct pattern_source *p, const char *source, size_t len);
void pattern_source_done(struct pattern_source *p);

/* The byte of the author's source that a byte of `folded` comes from. */
size_t pattern_source_at(const char *source, size_t len, size_t folded_at);

/* True when p defines a group of the name that other holds as n. */
bool pattern_source_defines(const struct pattern_source *p, const struct pattern_source *other,
                            const struct pattern_name *n);

#endif
