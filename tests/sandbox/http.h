/* http.h - the one door to libmicrohttpd: requests in, answers out, on loopback only.
 *
 * Event-loop threads (epoll) call the app for each complete request. An app that cannot
 * answer at once calls http_suspend(), starts its work, and http_resume()s from any
 * thread once req->resp is filled. A request belongs to the server and lives until its
 * answer is sent or its connection is gone; that does not happen while suspended. */
#ifndef SANDBOX_HTTP_H
#define SANDBOX_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct timers;

#define HTTP_HEADERS_MAX 48

struct http_pair {
    char *name, *value; /* owned; value is never NULL */
};
struct http_pairs {
    struct http_pair list[HTTP_HEADERS_MAX];
    size_t count; /* more are forgotten */
};
void http_pairs_add(struct http_pairs *p, const char *name, const char *value);
/* The first of that name (any case), or NULL. */
const char *http_pairs_get(const struct http_pairs *p, const char *name);

struct response {
    unsigned status; /* 0: none yet */
    char content_type[64];
    struct http_pairs headers;
    struct buf body;
    int64_t delay_ms;   /* wait so long before answering */
    int64_t huge_bytes; /* above 0: the body is that many letters instead */
    bool cut;           /* announce the whole body, send half of it and close */
    bool drop;          /* close the connection without an answer */
};
/* Status and body, as JSON. */
void response_set(struct response *r, unsigned status, const char *body);

struct request {
    char method[16];
    char *path; /* decoded, without the query */
    struct http_pairs query, headers;
    struct buf body;
    int64_t at_ms, at_mono_ms; /* when the headers were complete */
    struct response resp;
    void *app; /* for the app; released by its done() */

    /* http.c's own */
    struct http_server *server;
    struct MHD_Connection *conn;
    int phase;
    bool suspended;
};

struct http_app {
    void *ctx;
    /* The request is complete: how many ms to wait before handle(). */
    int64_t (*arrived)(void *ctx, struct request *r);
    void (*handle)(void *ctx, struct request *r);
    /* Just before the answer goes out (or the connection is dropped). */
    void (*answered)(void *ctx, struct request *r);
    void (*done)(void *ctx, struct request *r);
};

/* address is 127.0.0.1:PORT; port 0 takes a free one. NULL after saying why on stderr. */
struct http_server *http_start(const char *address, const struct http_app *app,
                               struct timers *timers);
unsigned http_port(const struct http_server *s);

void http_suspend(struct request *r);
void http_resume(struct request *r);

#endif
