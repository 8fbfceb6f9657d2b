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

/* ---- import ----------------------------------------------------------------------------- */

#define IMPORT_BYTES_MAX ((size_t)1 << 20) /* of one call */
#define IMPORT_EVENTS_MAX 512              /* ... and its lines */

/* One line as events_page() prints it (its id is not looked at), checked and written anew.
 * ERR_INPUT names the field. The caller owns the strings of out. Pure. */
int import_line(const char *line, size_t len, int64_t now_ms, struct recorded_event *out,
                struct error *err);

/* Adds lines to the record, all or none: nothing is decided and nothing marked. keep_ms from
 * now on they stay. ERR_INPUT names the line. */
int events_import(struct store *st, const char *lines, size_t len, int64_t keep_ms,
                  struct events_added *out, struct error *err);
/* "14d", for keep_ms: a minute to a year. */
int import_keep(const char *value, int64_t *keep_ms, struct error *err);

#endif
