/* recorded.h - recorded events for the tools, from the daemon or the store (reach.h). */
#ifndef AUTOMARK_CLI_RECORDED_H
#define AUTOMARK_CLI_RECORDED_H

#include <stdbool.h>

#include "cli/whereabouts.h"
#include "event/event_record.h"
#include "store/store.h"

struct buf;

/* Hands over page after page (lines of JSON, each with its id in front, oldest first), moving
 * f->after_id on, until an empty one or until fn returns false. 0, or -1 with err. */
int recorded_pages(const struct whereabouts *where, struct event_filter *f,
                   bool (*fn)(void *ctx, const struct buf *page), void *ctx, struct error *err);

struct recorded_wish {
    const char *conversation;
    const char *message;   /* NULL: any */
    const char *workspace; /* NULL: any */
    int64_t id;            /* 0: any */
};

/* The newest that is as wished, to be released with event_record_done(). Says on stderr when
 * there are more and how to choose. -1 with err: none is there (what is kept and how long is
 * in the words, ERR_INPUT), or it could not be asked. */
int recorded_find(const struct whereabouts *where, const struct recorded_wish *wish,
                  struct event_record *out, struct error *err);

#endif
