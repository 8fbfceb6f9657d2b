/* pattern_tree.h - the source that PCRE2 compiles -> a tree of what a match is made of. Pure.
 *
 * For literals.h, so characters are the representatives of their case sets
 * (text_case_set()), and only so much is kept as can add text to a match. What is left
 * out makes the tree match more than the pattern, never less. Where that is not certain
 * (free spacing, verbs, conditions, syntax that releases of PCRE2 differ on or that this
 * file does not know), there is no tree at all. */
#ifndef AUTOMARK_RULES_PATTERN_TREE_H
#define AUTOMARK_RULES_PATTERN_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define TREE_CHARS_MAX 16 /* a class of more is NODE_ANY */
#define TREE_REPEAT_MANY UINT32_MAX

enum node_kind {
    NODE_NOTHING, /* no text: an anchor, a lookaround */
    NODE_EDGE,    /* \b */
    NODE_CHARS,   /* one character of a few */
    NODE_ANY,     /* any text at all */
    NODE_CAT,     /* parts one behind the other */
    NODE_ALT,     /* one of the parts */
    NODE_REPEAT,  /* part 0, min to max times */
    NODE_CALL,    /* part 0, the named group's content; NULL when there is no such group */
};

struct node {
    enum node_kind kind;
    struct node **parts;
    size_t nparts;
    uint32_t *chars; /* NODE_CHARS: ascending, each once */
    size_t nchars;
    uint32_t min, max;
    const char *name; /* NODE_CALL */
    size_t name_len;
    void *note; /* for whoever walks the tree; NULL at first */
};

/* The whole pattern, or NULL; lives in a. */
struct node *pattern_tree(struct arena *a, const char *source, size_t len);

#endif
