/* intake.h - one request -> a decision: signature, event, text, rules, store, in that order.
 *
 * Runs on the listener's threads and does only pure work up to the verdict; the store's
 * writer applies dedupe and P2 and answers the ticket after its commit. Each request uses
 * the rules and secrets that it began with. */
#ifndef AUTOMARK_SERVE_INTAKE_H
#define AUTOMARK_SERVE_INTAKE_H

#include "config.h"
#include "serve/listener.h"
#include "serve/live_rules.h"

struct intake;
struct store;

/* Borrows all three, which must outlive it. */
struct intake *intake_new(const struct config *cfg, struct live_rules *rules, struct store *store);
/* After the listener is gone. NULL is fine. */
void intake_free(struct intake *in);

/* For listener_new(). */
struct listener_handler intake_handler(struct intake *in);

struct intake_stats {    /* since start */
    size_t unauthorized; /* 401 */
    size_t malformed;    /* 400 */
    size_t ignored;      /* no reply event, or a test */
    size_t refused;      /* 503 */
    size_t limited;      /* events on which a rule hit a limit */
    size_t not_recorded; /* events too large to be recorded */
};
void intake_stats(struct intake *in, struct intake_stats *out);

#endif
