/* events_api.h - recorded events for tools, a page at a time: the same code answers the
 * admin socket while the daemon runs and the command line when it does not.
 *
 * Waits for the store's writer: not for listener threads. */
#ifndef AUTOMARK_SERVE_EVENTS_API_H
#define AUTOMARK_SERVE_EVENTS_API_H

#include "store/store.h"

struct buf;
struct error;

/* Sets one parameter (workspace, conversation, after, limit); value is borrowed. -1 when the
 * key or value is none. */
int events_param(struct event_filter *f, const char *key, const char *value, struct error *err);

/* Appends a page as lines of JSON (event_record.h), oldest first, each with its id in front;
 * an empty page is the end. */
int events_page(struct store *st, const struct event_filter *f, struct buf *out, struct error *err);

#endif
