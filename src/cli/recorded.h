/* recorded.h - recorded events, page by page: from the daemon while one runs, else from
 * its store. For one thread. */
#ifndef AUTOMARK_CLI_RECORDED_H
#define AUTOMARK_CLI_RECORDED_H

#include <stdbool.h>

#include "store/store.h"

struct buf;
struct error;
struct recorded;

/* Nothing is opened yet. socket, url and the filter's strings are borrowed. */
struct recorded *recorded_new(const char *socket, const char *url,
                              const struct event_filter *filter);
void recorded_free(struct recorded *r);
void recorded_freep(struct recorded **r);

/* Appends the next page to out, a line of JSON each, oldest first: see event_record.h.
 * *more is false when there was none left. -1 with err. */
int recorded_next(struct recorded *r, struct buf *out, bool *more, struct error *err);

#endif
