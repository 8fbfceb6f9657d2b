/* queue_api.h - what people ask of the queue, as JSON: the same code answers the admin
 * socket while the daemon runs and the command line when it does not.
 *
 * Waits for the store's writer: not for listener threads. */
#ifndef AUTOMARK_SERVE_QUEUE_API_H
#define AUTOMARK_SERVE_QUEUE_API_H

#include <stdbool.h>

#include "store/store.h"

struct error;
struct json_object;

enum queue_op {
    QUEUE_LIST,
    QUEUE_SHOW,
    QUEUE_RETRY,
    QUEUE_CANCEL,
    QUEUE_RELEASE,
    QUEUE_STATS,
    QUEUE_OP_COUNT,
};

const char *queue_op_name(enum queue_op op);
/* QUEUE_OP_COUNT when there is none of that name. */
enum queue_op queue_op_by_name(const char *name);

struct queue_request {
    enum queue_op op;
    struct job_filter filter;
    const char *because; /* written into the jobs; may be NULL */
    bool apply;          /* retry, cancel, release: false only counts */
};

#define QUEUE_REQUEST_INIT                                                                         \
    {                                                                                              \
        .filter = {.state = -1, .kind = -1 }                                                       \
    }

/* Sets one parameter (workspace, rule, conversation, state, kind, id, after, limit,
 * because, apply); value is borrowed. -1 when the key or value is none. */
int queue_param(struct queue_request *q, const char *key, const char *value, struct error *err);

/* {"jobs":[...]}, {"job":{...}}, {"count":N,"kept":N,"applied":bool}, or the numbers of
 * stats. NULL with err; showing a job that is not there is ERR_INPUT. */
struct json_object *queue_run(struct store *st, const struct queue_request *q, struct error *err);

#endif
