/* hostile.h - how a pattern bears texts that were made to hurt it.
 *
 * The texts are long repeats of what the pattern itself is made of, with an end that it
 * does not want: where nested repeats explode. For check; bounded in CPU time. */
#ifndef AUTOMARK_RULES_HOSTILE_H
#define AUTOMARK_RULES_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>

struct alternative;
struct match_scratch;
struct pattern;

struct hostile {
    size_t chars;   /* of the text that hurt */
    char unit[24];  /* what it repeats, or empty: the pattern ends on no text at all */
    char limit[32]; /* which was hit */
    bool any_text;  /* even on the shortest text */
};

/* True when a limit was hit by p. The texts are made from what a is made of. */
bool hostile_hits(const struct pattern *p, const struct alternative *a, struct match_scratch *s,
                  struct hostile *out);
/* True when both answer alike on all these texts and on ordinary ones, wherever `slow` could
 * tell at all. */
bool hostile_alike(const struct pattern *slow, const struct pattern *fast,
                   const struct alternative *a, struct match_scratch *s);

#endif
