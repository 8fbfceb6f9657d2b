/* sender.h - delivers queued jobs to the API from one thread, for all workspaces.
 *
 * The store is the queue, a lane per workspace (api/lane.h) decides, api/api.h calls.
 * sender_wake() only says "look again": losing a wake-up costs one poll interval (5 s),
 * never a job. Workspaces that use the same key at the same place share its rate limits
 * and its calls at once; unread jobs of any of them go before marks. */
#ifndef AUTOMARK_SERVE_SENDER_H
#define AUTOMARK_SERVE_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/api.h"

struct error;
struct sender;
struct store;

struct sender_lane {
    const char *workspace;
    const char *api_url;
    const char *key;          /* NULL: nothing is sent, and health says so */
    const char *workspace_id; /* with sk_user_ keys only, else NULL */
    size_t batch;             /* marks per call */
    unsigned max_in_flight;   /* calls at once; of lanes that share a key the least counts */
    int64_t give_up_ms;       /* 0: never */
    int64_t settle_ms;
    bool paused; /* marks wait; unread jobs are sent all the same */
};

struct sender_config {
    const struct sender_lane *lanes;
    size_t count;
    struct api_config api; /* zero: the usual time-outs */
    uint64_t seed;         /* of jitter; 0: from the clock */
};

/* Checks URLs and keys, starts the thread, listens to store_on_jobs(). Copies cfg; borrows
 * store, which must outlive the sender. NULL with err set. */
struct sender *sender_new(const struct sender_config *cfg, struct store *store, struct error *err);
/* Starts no more calls, lets those in flight finish for 8 s and ends them then (their
 * jobs are sent again after the next start), joins the thread. NULL is fine. */
void sender_free(struct sender *s);

/* Callable from any thread. Waits for neither network nor store. */
void sender_wake(struct sender *s);

/* New keys, URLs or pauses for workspaces of the same names; what is stopped is tried at
 * once. All or nothing: -1 with err when a key or URL will not do. Any thread. */
int sender_reload(struct sender *s, const struct sender_lane *lanes, size_t count,
                  struct error *err);

enum sender_mode {
    SENDER_RUNNING,
    SENDER_LIMITED,     /* waits as the rate limit says */
    SENDER_BACKING_OFF, /* the API fails: waits, then tries again */
    SENDER_STOPPED,     /* the API refuses: everything is kept, the key is probed */
    SENDER_NO_KEY,
};
const char *sender_mode_name(enum sender_mode m);

struct sender_health {
    char workspace[68];
    enum sender_mode mode;
    bool paused;
    int64_t until_at_ms;        /* wall; next try or probe; 0: none */
    int64_t last_success_at_ms; /* wall; 0: none since start */
    unsigned failures;          /* calls in a row without success */
    char words[ANSWER_WORDS];   /* of the trouble; "" when running */
};
/* Copies at most max; returns how many workspaces there are. Any thread. */
size_t sender_state(struct sender *s, struct sender_health *out, size_t max);

#endif
