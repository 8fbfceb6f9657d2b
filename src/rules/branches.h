/* branches.h - the alternatives inside a pattern: out of (office|town|the country). Pure.
 *
 * For coverage: each branch comes with the pattern that is left when all other ways past
 * it are taken out. A pattern with more than this file understands (free spacing,
 * conditions, verbs) has no branches: then it counts as one. */
#ifndef AUTOMARK_RULES_BRANCHES_H
#define AUTOMARK_RULES_BRANCHES_H

#include <stddef.h>

#define BRANCHES_MAX 500 /* of one pattern; the rest is not looked at */

struct branch {
    size_t start, end; /* bytes of the source */
    char *only;        /* the pattern that takes this branch and no other */
};

struct branches {
    struct branch *list;
    size_t count;
};

void branches_find(struct branches *b, const char *source);
void branches_done(struct branches *b);

#endif
