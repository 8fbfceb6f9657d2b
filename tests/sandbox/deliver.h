/* deliver.h - posts signed webhooks from threads of its own, and tries again.
 *
 * A delivery is one event for one URL: attempts until one gets a 2xx within the hook's
 * timeout, at most retryAttempts more than the first. Deliveries of a group report
 * together. Every attempt is kept in a bounded list for the tests. */
#ifndef SANDBOX_DELIVER_H
#define SANDBOX_DELIVER_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hooks.h"

struct deliver;
struct timers;

enum signature_style { SIGN_SENDKIT = 1, SIGN_WEBHOOK = 2, SIGN_BOTH = 3, SIGN_NONE = 0 };

struct delivery {
    struct hook hook;   /* owned */
    char *event, *body; /* owned */
    enum signature_style style;
    bool once; /* no further attempts, as for a test delivery */
};

/* Array of {webhook, event, status, body, attempts, delivered, ms}, in no promised
 * order; owned by the callee. Called from a delivery thread. */
typedef void (*delivered_fn)(void *ctx, struct json_object *results);

struct deliver *deliver_new(struct timers *timers);
void deliver_set_retry_delay(struct deliver *d, int64_t ms);

/* Takes the deliveries' contents. fn may be NULL; with none it is called at once. */
void deliver_send(struct deliver *d, const struct delivery *list, size_t count, delivered_fn fn,
                  void *ctx);
/* Attempts so far with a number above `after`:
 * {n, at, webhook, event, attempt, status, ms, answer, payload}. */
struct json_object *deliver_log(struct deliver *d, int64_t after);
void deliver_reset(struct deliver *d);
/* {attempts, delivered, gaveUp, waiting}. */
struct json_object *deliver_counters(struct deliver *d);

#endif
