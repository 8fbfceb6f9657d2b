#include "serve/admin.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "serve/address.h"
#include "serve/events_api.h"
#include "serve/queue_api.h"

#define QUEUE_PATH "/api/queue/"
#define EVENTS_PATH "/api/events"
#define NDJSON "application/x-ndjson"

struct admin {
    struct MHD_Daemon *local; /* the Unix socket */
    struct MHD_Daemon *tcp;   /* or NULL */
    struct admin_handler handler;
    char *socket, *token;
    char **open;
    size_t nopen;
    char address[ADDRESS_TEXT];
};

/* ---- answers ----------------------------------------------------------------------- */

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status, const char *type,
                                 struct buf *b)
{
    buf_reserve(b, 1); /* an empty answer has an address too */
    struct MHD_Response *r =
        MHD_create_response_from_buffer(b->len, b->data, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type", type);
    const enum MHD_Result queued = MHD_queue_response(c, status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result send_json(struct MHD_Connection *c, unsigned status,
                                 const struct json_object *o)
{
    scoped(buf_free) struct buf b = BUF_INIT;
    json_write(&b, o, JSON_PRETTY);
    buf_putc(&b, '\n');
    return send_text(c, status, "application/json", &b);
}

static enum MHD_Result send_error(struct MHD_Connection *c, unsigned status, const char *words)
{
    scoped(json_freep) struct json_object *o = json_new_object();
    json_put_str(o, "status", "error");
    json_put_str(o, "error", words);
    return send_json(c, status, o);
}

/* ---- routes ------------------------------------------------------------------------- */

static enum MHD_Result healthz(struct MHD_Connection *c)
{
    scoped(json_freep) struct json_object *o = json_new_object();
    json_put_str(o, "status", "ok");
    json_put_str(o, "version", AUTOMARK_VERSION);
    return send_json(c, 200, o);
}

static enum MHD_Result readyz(struct admin *a, struct MHD_Connection *c)
{
    scoped(json_freep) struct json_object *o = json_new_object();
    const bool ready = a->handler.ready(a->handler.ctx, o);
    return send_json(c, ready ? 200 : 503, o);
}

struct params {
    struct queue_request request;
    struct error err;
    bool bad;
};

static enum MHD_Result take_param(void *cls, enum MHD_ValueKind kind, const char *key,
                                  const char *value)
{
    (void)kind;
    struct params *p = cls;
    if (!p->bad && queue_param(&p->request, key, value ? value : "", &p->err) < 0)
        p->bad = true;
    return MHD_YES;
}

static bool changes(enum queue_op op)
{
    return op == QUEUE_RETRY || op == QUEUE_CANCEL || op == QUEUE_RELEASE;
}

static enum MHD_Result queue(struct admin *a, struct MHD_Connection *c, const char *word,
                             const char *method)
{
    struct params p = { .request = QUEUE_REQUEST_INIT };
    p.request.op = queue_op_by_name(word);
    if (p.request.op == QUEUE_OP_COUNT)
        return send_error(c, 404, "unknown operation of the queue");
    if (strcmp(method, changes(p.request.op) ? "POST" : "GET") != 0)
        return send_error(c, 405, changes(p.request.op) ? "POST it" : "GET it");
    MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, take_param, &p);
    scoped(json_freep) struct json_object *o = NULL;
    if (!p.bad)
        o = queue_run(a->handler.store, &p.request, &p.err);
    if (o)
        return send_json(c, 200, o);
    return send_error(c, p.err.kind == ERR_INPUT ? 400 : 503, p.err.msg);
}

struct event_params {
    struct event_filter filter;
    struct error err;
    bool bad;
};

static enum MHD_Result take_event_param(void *cls, enum MHD_ValueKind kind, const char *key,
                                        const char *value)
{
    (void)kind;
    struct event_params *p = cls;
    if (!p->bad && events_param(&p->filter, key, value ? value : "", &p->err) < 0)
        p->bad = true;
    return MHD_YES;
}

/* What a request brings. Only events are brought; the body of any other is not looked at. */
struct upload {
    struct buf body;
    bool too_long;
};

static void upload_take(struct upload *u, const char *data, size_t len)
{
    u->too_long |= u->body.len + len > IMPORT_BYTES_MAX;
    if (!u->too_long)
        buf_append(&u->body, data, len);
}

static void upload_free(struct upload *u)
{
    if (!u)
        return;
    buf_free(&u->body);
    free(u);
}

/* A page in a browser cannot send this type without asking first (CORS). */
static bool is_ndjson(struct MHD_Connection *c)
{
    const char *type = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Type");
    return type && strcmp(type, NDJSON) == 0;
}

static enum MHD_Result import(struct admin *a, struct MHD_Connection *c, const struct upload *u)
{
    struct error err = ERROR_INIT;
    struct events_added done = { 0 };
    int64_t keep_ms = 0;
    const char *keep = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "keep");
    if (!is_ndjson(c))
        return send_error(c, 415, "Content-Type: " NDJSON " is wanted");
    if (!u || u->too_long)
        return send_error(c, 413, "too many events for one call");
    if (import_keep(keep ? keep : "14d", &keep_ms, &err) < 0 ||
        events_import(a->handler.store, buf_str(&u->body), u->body.len, keep_ms, &done, &err) < 0)
        return send_error(c, err.kind == ERR_INPUT ? 400 : 503, err.msg);
    scoped(json_freep) struct json_object *o = json_new_object();
    json_put_int(o, "added", (int64_t)done.added);
    json_put_int(o, "known", (int64_t)done.known);
    json_put_int(o, "dropped", (int64_t)done.dropped);
    return send_json(c, 200, o);
}

static enum MHD_Result events(struct admin *a, struct MHD_Connection *c)
{
    struct event_params p = { .bad = false };
    scoped(buf_free) struct buf lines = BUF_INIT;
    MHD_get_connection_values(c, MHD_GET_ARGUMENT_KIND, take_event_param, &p);
    if (p.bad || events_page(a->handler.store, &p.filter, &lines, &p.err) < 0)
        return send_error(c, p.err.kind == ERR_INPUT ? 400 : 503, p.err.msg);
    return send_text(c, 200, NDJSON, &lines);
}

static enum MHD_Result rules(struct admin *a, struct MHD_Connection *c)
{
    struct error err = ERROR_INIT;
    const char *workspace = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "workspace");
    scoped(json_freep) struct json_object *o = a->handler.rules(a->handler.ctx, workspace, &err);
    return o ? send_json(c, 200, o) : send_error(c, 400, err.msg);
}

static enum MHD_Result route(struct admin *a, struct MHD_Connection *c, const char *url,
                             const char *method, const struct upload *u)
{
    const bool get = strcmp(method, "GET") == 0;
    if (strcmp(url, "/healthz") == 0)
        return get ? healthz(c) : send_error(c, 405, "GET it");
    if (strcmp(url, "/readyz") == 0)
        return get ? readyz(a, c) : send_error(c, 405, "GET it");
    if (strncmp(url, QUEUE_PATH, strlen(QUEUE_PATH)) == 0)
        return queue(a, c, url + strlen(QUEUE_PATH), method);
    if (strcmp(url, EVENTS_PATH) == 0 && strcmp(method, "POST") == 0)
        return import(a, c, u);
    if (strcmp(url, EVENTS_PATH) == 0)
        return get ? events(a, c) : send_error(c, 405, "GET it, or POST events");
    if (strcmp(url, "/api/rules") == 0)
        return get ? rules(a, c) : send_error(c, 405, "GET it");
    return send_error(c, 404,
                      "unknown path: /healthz, /readyz, /api/queue/..., /api/events and "
                      "/api/rules are there");
}

/* ---- TCP only: who may ask ------------------------------------------------------------ */

static bool is_open(const struct admin *a, const char *url)
{
    for (size_t i = 0; i < a->nopen; i++)
        if (url[0] == '/' && strcmp(url + 1, a->open[i]) == 0)
            return true;
    return false;
}

static bool may_ask(const struct admin *a, struct MHD_Connection *c, const char *url)
{
    if (!a->token || is_open(a, url))
        return true;
    const char *got = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");
    const size_t len = strlen(a->token);
    return got && strncmp(got, "Bearer ", 7) == 0 && strlen(got + 7) == len &&
           digest_equal(got + 7, a->token, len);
}

/* A page in a browser may resolve its own name to 127.0.0.1 (DNS rebinding): without a
 * token only a numeric host, or localhost, is answered. */
static bool host_is_plain(struct MHD_Connection *c)
{
    const char *host = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Host");
    return host && (strncmp(host, "localhost", 9) == 0 ||
                    strspn(host, "0123456789.:[]abcdefABCDEF") == strlen(host));
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    (void)version;
    if (!*state) {
        *state = xcalloc(1, sizeof(struct upload));
        return MHD_YES;
    }
    if (*size) {
        if (strcmp(url, EVENTS_PATH) == 0)
            upload_take(*state, data, *size);
        *size = 0;
        return MHD_YES;
    }
    return route(cls, c, url, method, *state);
}

static void on_completed(void *cls, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode how)
{
    (void)cls;
    (void)c;
    (void)how;
    upload_free(*state);
    *state = NULL;
}

static enum MHD_Result on_tcp_request(void *cls, struct MHD_Connection *c, const char *url,
                                      const char *method, const char *version, const char *data,
                                      size_t *size, void **state)
{
    struct admin *a = cls;
    const bool may = may_ask(a, c, url), plain = a->token || host_is_plain(c);
    if (*state && *size == 0) {
        if (!may)
            return send_error(c, 401, "Authorization: Bearer TOKEN is missing or wrong");
        if (!plain)
            return send_error(c, 403, "Host is not a numeric address or localhost");
    }
    if (*state && (!may || !plain)) { /* what it brings is not kept */
        *size = 0;
        return MHD_YES;
    }
    return on_request(cls, c, url, method, version, data, size, state);
}

/* ---- life ------------------------------------------------------------------------------ */

static struct MHD_Daemon *start(struct admin *a, int fd, MHD_AccessHandlerCallback handler)
{
    return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, handler, a,
                            MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, 32u,
                            MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_NOTIFY_COMPLETED,
                            on_completed, a, MHD_OPTION_END);
}

static int start_local(struct admin *a, const struct admin_config *cfg, struct error *err)
{
    const int fd = address_listen_unix(cfg->socket, cfg->group, err);
    if (fd < 0)
        return -1;
    a->socket = xstrdup(cfg->socket);
    a->local = start(a, fd, on_request);
    if (a->local)
        return 0;
    close(fd);
    return error_set(err, ERR_FATAL, "starting the admin interface on %s failed", cfg->socket);
}

static int start_tcp(struct admin *a, const struct admin_config *cfg, struct error *err)
{
    if (!cfg->listen)
        return 0;
    const int fd = address_listen(cfg->listen, a->address, err);
    if (fd < 0)
        return error_prefix(err, "admin: ");
    a->tcp = start(a, fd, on_tcp_request);
    if (a->tcp)
        return 0;
    close(fd);
    return error_set(err, ERR_FATAL, "starting the admin interface on %s failed", cfg->listen);
}

struct admin *admin_new(const struct admin_config *cfg, const struct admin_handler *h,
                        struct error *err)
{
    struct admin *a = xcalloc(1, sizeof(*a));
    a->handler = *h;
    a->token = cfg->token ? xstrdup(cfg->token) : NULL;
    a->open = xcalloc(cfg->nopen, sizeof(*a->open));
    for (; a->nopen < cfg->nopen; a->nopen++)
        a->open[a->nopen] = xstrdup(cfg->open[a->nopen]);
    if (start_local(a, cfg, err) == 0 && start_tcp(a, cfg, err) == 0)
        return a;
    admin_free(a);
    return NULL;
}

const char *admin_address(const struct admin *a)
{
    return a->tcp ? a->address : NULL;
}

void admin_free(struct admin *a)
{
    if (!a)
        return;
    if (a->tcp)
        MHD_stop_daemon(a->tcp);
    if (a->local)
        MHD_stop_daemon(a->local);
    if (a->socket)
        unlink(a->socket);
    if (a->token)
        explicit_bzero(a->token, strlen(a->token));
    for (size_t i = 0; i < a->nopen; i++)
        free(a->open[i]);
    free(a->open);
    free(a->token);
    free(a->socket);
    free(a);
}
