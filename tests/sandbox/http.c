#include "http.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "timers.h"

#define BODY_MAX ((size_t)16 << 20)
#define THREADS 2

enum phase { READING, ARRIVED, READY, HANDLED, ANSWERING };

struct http_server {
    struct MHD_Daemon *daemon;
    struct http_app app;
    struct timers *timers;
    unsigned port;
};

void http_pairs_add(struct http_pairs *p, const char *name, const char *value)
{
    if (p->count == HTTP_HEADERS_MAX)
        return;
    p->list[p->count++] =
        (struct http_pair){ .name = xstrdup(name), .value = xstrdup(value ? value : "") };
}

const char *http_pairs_get(const struct http_pairs *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcasecmp(p->list[i].name, name) == 0)
            return p->list[i].value;
    return NULL;
}

static void pairs_done(struct http_pairs *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->list[i].name);
        free(p->list[i].value);
    }
}

void response_set(struct response *r, unsigned status, const char *body)
{
    r->status = status;
    snprintf(r->content_type, sizeof(r->content_type), "application/json; charset=utf-8");
    buf_truncate(&r->body, 0);
    buf_puts(&r->body, body);
}

/* ---- from libmicrohttpd to a request ------------------------------------------------ */

static enum MHD_Result keep_pair(void *cls, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    (void)kind;
    http_pairs_add(cls, key, value);
    return MHD_YES;
}

static struct request *request_new(struct http_server *s, struct MHD_Connection *conn,
                                   const char *url, const char *method)
{
    struct request *r = xcalloc(1, sizeof(*r));
    r->server = s;
    r->conn = conn;
    snprintf(r->method, sizeof(r->method), "%s", method);
    r->path = xstrdup(url);
    r->at_ms = clock_wall_ms();
    r->at_mono_ms = clock_mono_ms();
    MHD_get_connection_values(conn, MHD_HEADER_KIND, keep_pair, &r->headers);
    MHD_get_connection_values(conn, MHD_GET_ARGUMENT_KIND, keep_pair, &r->query);
    return r;
}

static void request_free(struct request *r)
{
    free(r->path);
    pairs_done(&r->headers);
    pairs_done(&r->query);
    pairs_done(&r->resp.headers);
    buf_free(&r->body);
    buf_free(&r->resp.body);
    free(r);
}

/* ---- waiting ------------------------------------------------------------------------- */

void http_suspend(struct request *r)
{
    r->suspended = true;
    MHD_suspend_connection(r->conn);
}

void http_resume(struct request *r)
{
    MHD_resume_connection(r->conn);
}

static void resume_later(void *ctx)
{
    http_resume(ctx);
}

static enum MHD_Result delay(struct request *r, int64_t ms)
{
    http_suspend(r);
    timers_add(r->server->timers, ms, resume_later, r);
    return MHD_YES;
}

/* ---- answers -------------------------------------------------------------------------- */

static ssize_t huge_read(void *cls, uint64_t pos, char *out, size_t max)
{
    (void)cls;
    (void)pos;
    memset(out, 'x', max);
    return (ssize_t)max;
}

/* A body that ends too early: libmicrohttpd closes the connection on this error. */
static ssize_t cut_read(void *cls, uint64_t pos, char *out, size_t max)
{
    const struct request *r = cls;
    const size_t half = r->resp.body.len / 2;
    if (pos >= half)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    const size_t left = half - (size_t)pos;
    const size_t n = left < max ? left : max;
    memcpy(out, r->resp.body.data + pos, n);
    return (ssize_t)n;
}

static struct MHD_Response *make_response(struct request *r)
{
    if (r->resp.huge_bytes > 0)
        return MHD_create_response_from_callback((uint64_t)r->resp.huge_bytes, 65536, huge_read,
                                                 NULL, NULL);
    if (r->resp.cut && r->resp.body.len > 1)
        return MHD_create_response_from_callback(r->resp.body.len, 4096, cut_read, r, NULL);
    return MHD_create_response_from_buffer(r->resp.body.len, r->resp.body.data,
                                           MHD_RESPMEM_MUST_COPY);
}

static enum MHD_Result answer(struct request *r)
{
    r->server->app.answered(r->server->app.ctx, r);
    if (r->resp.drop)
        return MHD_NO;
    struct MHD_Response *m = make_response(r);
    if (!m)
        return MHD_NO;
    if (r->resp.content_type[0])
        MHD_add_response_header(m, "Content-Type", r->resp.content_type);
    for (size_t i = 0; i < r->resp.headers.count; i++)
        MHD_add_response_header(m, r->resp.headers.list[i].name, r->resp.headers.list[i].value);
    const enum MHD_Result queued = MHD_queue_response(r->conn, r->resp.status, m);
    MHD_destroy_response(m);
    return queued;
}

/* Takes a complete request as far as it goes without waiting. */
static enum MHD_Result step(struct request *r)
{
    const struct http_app *app = &r->server->app;
    r->suspended = false;
    if (r->phase == ARRIVED) {
        r->phase = READY;
        const int64_t wait = app->arrived(app->ctx, r);
        if (wait > 0)
            return delay(r, wait);
    }
    if (r->phase == READY) {
        r->phase = HANDLED;
        app->handle(app->ctx, r);
        if (r->suspended)
            return MHD_YES;
    }
    if (r->phase == HANDLED) {
        r->phase = ANSWERING;
        if (r->resp.delay_ms > 0)
            return delay(r, r->resp.delay_ms);
    }
    return answer(r);
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **req_cls)
{
    (void)version;
    struct request *r = *req_cls;
    if (!r) {
        *req_cls = request_new(cls, conn, url, method);
        return MHD_YES;
    }
    if (*upload_len > 0) {
        if (r->body.len + *upload_len > BODY_MAX)
            return MHD_NO;
        buf_append(&r->body, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    if (r->phase == READING)
        r->phase = ARRIVED;
    return step(r);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **req_cls,
                         enum MHD_RequestTerminationCode why)
{
    struct http_server *s = cls;
    (void)conn;
    (void)why;
    struct request *r = *req_cls;
    *req_cls = NULL;
    if (!r)
        return;
    s->app.done(s->app.ctx, r);
    request_free(r);
}

/* ---- start and stop ------------------------------------------------------------------- */

/* Only 127.0.0.1 and "localhost" are addresses of a sandbox. */
static bool parse_address(const char *address, struct sockaddr_in *out)
{
    const char *colon = strrchr(address, ':');
    if (!colon)
        return false;
    const size_t host_len = (size_t)(colon - address);
    scoped(freep) char *host = xmemdup0(address, host_len);
    if (host_len != 0 && strcmp(host, "127.0.0.1") != 0 && strcmp(host, "localhost") != 0)
        return false;
    char *end = NULL;
    const long port = strtol(colon + 1, &end, 10);
    if (end == colon + 1 || *end || port < 0 || port > 65535)
        return false;
    *out = (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    return true;
}

static void be_silent(void *ctx, const char *fmt, va_list ap)
{
    (void)ctx;
    (void)fmt;
    (void)ap;
}

static struct MHD_Daemon *start_daemon(struct http_server *s, const struct sockaddr_in *at)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        on_request, s, MHD_OPTION_EXTERNAL_LOGGER, be_silent, NULL, MHD_OPTION_SOCK_ADDR,
        (const struct sockaddr *)at, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)THREADS,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)900, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
        MHD_OPTION_END);
}

struct http_server *http_start(const char *address, const struct http_app *app,
                               struct timers *timers)
{
    struct sockaddr_in at;
    if (!parse_address(address, &at)) {
        fprintf(stderr, "automark-sandbox: '%s' is no loopback address like 127.0.0.1:8090\n",
                address);
        return NULL;
    }
    struct http_server *s = xcalloc(1, sizeof(*s));
    *s = (struct http_server){ .app = *app, .timers = timers };
    s->daemon = start_daemon(s, &at);
    const union MHD_DaemonInfo *info =
        s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info) {
        fprintf(stderr, "automark-sandbox: cannot listen on %s: %m\n", address);
        free(s);
        return NULL;
    }
    s->port = info->port;
    return s;
}

unsigned http_port(const struct http_server *s)
{
    return s->port;
}
