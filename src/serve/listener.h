/* listener.h - HTTP for webhooks: routes, size limits, deadlines, answers.
 *
 * libmicrohttpd's threads (one per core) read a request and hand it, complete, to the
 * handler, which answers at once or later from any thread; in between the connection
 * is suspended. What never gets as far as the handler: unknown paths (404), methods
 * but POST (405), bodies over the limit (413), bodies that are not (plain) JSON (415), and
 * requests that proxies and servers read differently (400). Paths are compared raw.
 *
 * A request must be complete `request_ms` after accept, or `keep_ms` after the last
 * answer on a kept connection; a reaper shuts down those that are not, because
 * libmicrohttpd's own timeout only counts silence. Nothing counts while suspended. */
#ifndef AUTOMARK_SERVE_LISTENER_H
#define AUTOMARK_SERVE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "serve/http.h"

struct error;
struct listener;
struct ticket; /* one request that waits for its answer */

struct http_answer {
    unsigned status;
    char *body;             /* JSON, owned, taken over by whoever answers */
    unsigned retry_after_s; /* 0: none */
};

struct hook_request {
    const char *workspace; /* raw segment after /hooks/ */
    const char *body;
    size_t len;
    const struct http_header *headers; /* in order, duplicates visible */
    size_t nheaders;
};

struct listener_handler {
    void *ctx;
    /* Whether /hooks/NAME exists. Any listener thread. */
    bool (*knows)(void *ctx, const char *workspace);
    /* Must lead to exactly one ticket_answer(). req is valid until then. Any listener
     * thread; must not block. */
    void (*handle)(void *ctx, const struct hook_request *req, struct ticket *t);
};

struct listener_config {
    const char *address; /* 127.0.0.1:8085, [::1]:8085; port 0: any free one */
    size_t max_body;
    int64_t request_ms; /* 0: 10 s */
    int64_t keep_ms;    /* 0: 15 s */
};

/* Binds and starts. Copies cfg; borrows the handler's ctx, which must outlive the
 * listener. NULL with err: "listening on ...: address already in use". */
struct listener *listener_new(const struct listener_config *cfg, const struct listener_handler *h,
                              struct error *err);
/* The address that is really bound: 127.0.0.1:43211. Valid as long as the listener. */
const char *listener_address(const struct listener *l);
/* From now on answers 503; waits until every handed out ticket is answered (the store
 * answers them all) or `wait_ms` passed, then stops the threads. NULL is fine. */
void listener_free(struct listener *l, int64_t wait_ms);

/* Takes a->body over. Any thread. */
void ticket_answer(struct ticket *t, const struct http_answer *a);

#endif
