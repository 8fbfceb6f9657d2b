/* samples.h - ordinary values of fields, to try patterns on: what nearly all of them
 * satisfy says next to nothing, and what asks to be removed is to be handled with care. */
#ifndef AUTOMARK_RULES_SAMPLES_H
#define AUTOMARK_RULES_SAMPLES_H

#include <stddef.h>

#include "event/event.h"

#define SAMPLE_REPLIES 20
extern const char *const sample_replies[SAMPLE_REPLIES];

/* The ordinary values of a field, at least ten; each is a reply for a field of free text. */
const char *const *samples_of(enum field f, size_t *count);
/* Replies that ask for no more mail. */
const char *const *samples_opt_out(size_t *count);

#endif
