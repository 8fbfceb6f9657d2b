#include "serve/listener.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/log.h"
#include "serve/address.h"
#include "serve/reaper.h"

#define HOOKS "/hooks/"
#define HEADERS_MAX 64
#define CONNECTIONS_MAX 1024
#define SPARE_FILES 64             /* for the store, the API and the admin interface */
#define DISCARD_MAX (16 * 1048576) /* of a chunked body over the limit, before the line is cut */
#define REQUEST_MS 10000
#define KEEP_MS 15000
#define RETRY_AFTER_S 5 /* what a restart takes, generously */

struct listener {
    struct MHD_Daemon *daemon;
    struct reaper *reaper;
    struct listener_handler handler;
    size_t max_body;
    int64_t request_ms, keep_ms;
    int fd;
    char address[ADDRESS_TEXT];

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t idle;
    bool stopping;  /* no request is handed out any more */
    size_t waiting; /* requests handed out whose answer is not sent */
};

/* One request, from its first header to its last byte. The handler's answer is written
 * before the connection is resumed, which is what publishes it to the listener thread. */
struct ticket {
    struct listener *listener;
    struct MHD_Connection *connection;
    int fd;
    struct buf body;
    size_t discarded;
    struct http_header headers[HEADERS_MAX];
    size_t nheaders;
    char *workspace;
    bool handed_out;
    struct http_answer answer; /* status 0: not answered yet */
};

/* ---- answers ------------------------------------------------------------------- */

static enum MHD_Result send_answer(struct MHD_Connection *c, const struct http_answer *a)
{
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(a->body), a->body, MHD_RESPMEM_MUST_COPY);
    if (!r)
        return MHD_NO;
    MHD_add_response_header(r, "Content-Type", "application/json");
    if (a->status / 100 != 2)
        MHD_add_response_header(r, "Connection", "close");
    if (a->status == 405)
        MHD_add_response_header(r, "Allow", "POST");
    if (a->retry_after_s) {
        char seconds[16];
        snprintf(seconds, sizeof(seconds), "%u", a->retry_after_s);
        MHD_add_response_header(r, "Retry-After", seconds);
    }
    const enum MHD_Result queued = MHD_queue_response(c, a->status, r);
    MHD_destroy_response(r);
    return queued;
}

static enum MHD_Result refuse(struct MHD_Connection *c, unsigned status, const char *words)
{
    scoped(json_freep) struct json_object *o = json_new_object();
    json_put_str(o, "status", "error");
    json_put_str(o, "error", words);
    scoped(buf_free) struct buf b = BUF_INIT;
    json_write(&b, o, JSON_COMPACT);
    buf_putc(&b, '\n');
    const struct http_answer a = { .status = status,
                                   .body = b.data,
                                   .retry_after_s = status == 503 ? RETRY_AFTER_S : 0 };
    return send_answer(c, &a);
}

void ticket_answer(struct ticket *t, const struct http_answer *a)
{
    t->answer = *a;
    reaper_set(t->listener->reaper, t->fd, t->listener->request_ms);
    MHD_resume_connection(t->connection);
}

/* ---- the first look, at the headers alone ---------------------------------------- */

struct framing {
    unsigned lengths, encodings;
    const char *length, *encoding, *type, *content_encoding;
    struct ticket *ticket;
};

static enum MHD_Result note_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    (void)kind;
    struct framing *f = cls;
    value = value ? value : "";
    if (strcasecmp(name, "Content-Length") == 0) {
        f->lengths++;
        f->length = value;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        f->encodings++;
        f->encoding = value;
    } else if (strcasecmp(name, "Content-Type") == 0) {
        f->type = value;
    } else if (strcasecmp(name, "Content-Encoding") == 0) {
        f->content_encoding = value;
    }
    struct ticket *t = f->ticket;
    if (t->nheaders >= HEADERS_MAX)
        return MHD_NO;
    t->headers[t->nheaders++] = (struct http_header){ .name = name, .value = value };
    return MHD_YES;
}

/* What a proxy in front and this server could read differently (RFC 9112, 6.3 and 11.2). */
static const char *framing_mistake(const struct framing *f)
{
    if (f->lengths && f->encodings)
        return "both Content-Length and Transfer-Encoding: send one of them";
    if (f->lengths > 1)
        return "more than one Content-Length";
    if (f->encodings > 1)
        return "more than one Transfer-Encoding";
    if (f->encodings && strcasecmp(f->encoding, "chunked") != 0)
        return "a Transfer-Encoding other than chunked";
    if (!f->lengths && !f->encodings)
        return "neither Content-Length nor Transfer-Encoding: the body's length is unknown";
    if (f->lengths && (strspn(f->length, "0123456789") != strlen(f->length) || !f->length[0]))
        return "Content-Length is not a number";
    return NULL;
}

/* application/json or application/xxx+json, parameters allowed. Nothing at all is
 * taken for JSON, which the parser will say. */
static bool is_json(const char *type)
{
    if (!type)
        return true;
    const size_t len = strcspn(type, "; \t");
    if (len == strlen("application/json") && strncasecmp(type, "application/json", len) == 0)
        return true;
    return len > strlen("application/+json") && strncasecmp(type, "application/", 12) == 0 &&
           strncasecmp(type + len - 5, "+json", 5) == 0;
}

static enum MHD_Result refuse_length(struct MHD_Connection *c, const struct listener *l)
{
    char words[96];
    snprintf(words, sizeof(words), "the body is longer than max_body (%zu bytes)", l->max_body);
    return refuse(c, 413, words);
}

static enum MHD_Result first_look(struct ticket *t, const char *url, const char *method)
{
    struct listener *l = t->listener;
    struct framing f = { .ticket = t };
    MHD_get_connection_values(t->connection, MHD_HEADER_KIND, note_header, &f);
    const char *name = strncmp(url, HOOKS, strlen(HOOKS)) == 0 ? url + strlen(HOOKS) : NULL;
    if (!name || !l->handler.knows(l->handler.ctx, name))
        return refuse(t->connection, 404, "unknown path: POST /hooks/WORKSPACE is what there is");
    if (strcmp(method, "POST") != 0)
        return refuse(t->connection, 405, "only POST is understood here");
    if (t->nheaders >= HEADERS_MAX)
        return refuse(t->connection, 400, "too many headers");
    const char *mistake = framing_mistake(&f);
    if (mistake)
        return refuse(t->connection, 400, mistake);
    if (f.lengths && (strlen(f.length) > 18 || strtoull(f.length, NULL, 10) > l->max_body))
        return refuse_length(t->connection, l);
    if (!is_json(f.type))
        return refuse(t->connection, 415, "Content-Type is not application/json");
    if (f.content_encoding && strcasecmp(f.content_encoding, "identity") != 0)
        return refuse(t->connection, 415, "Content-Encoding is not understood: send plain JSON");
    t->workspace = xstrdup(name);
    return MHD_YES;
}

/* ---- body and hand-over ------------------------------------------------------------ */

static enum MHD_Result take_body(struct ticket *t, const char *data, size_t *size)
{
    const size_t got = *size;
    *size = 0;
    if (t->body.len + got <= t->listener->max_body && t->discarded == 0) {
        buf_append(&t->body, data, got);
        return MHD_YES;
    }
    t->discarded += got;
    return t->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

/* False once the listener stops: libmicrohttpd must not stop while a connection is
 * suspended, so none may be suspended from then on. */
static bool may_hand_out(struct listener *l)
{
    pthread_mutex_lock(&l->lock);
    const bool may = !l->stopping;
    l->waiting += may;
    pthread_mutex_unlock(&l->lock);
    return may;
}

static enum MHD_Result hand_over(struct ticket *t)
{
    struct listener *l = t->listener;
    if (!may_hand_out(l))
        return refuse(t->connection, 503, "stopping: send it again in a moment");
    t->handed_out = true;
    reaper_set(l->reaper, t->fd, -1);
    MHD_suspend_connection(t->connection);
    const struct hook_request req = {
        .workspace = t->workspace,
        .body = buf_str(&t->body),
        .len = t->body.len,
        .headers = t->headers,
        .nheaders = t->nheaders,
    };
    l->handler.handle(l->handler.ctx, &req, t);
    return MHD_YES;
}

static struct ticket *ticket_new(struct listener *l, struct MHD_Connection *c)
{
    struct ticket *t = xcalloc(1, sizeof(*t));
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    t->listener = l;
    t->connection = c;
    t->fd = info ? info->connect_fd : -1;
    return t;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *c, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *size, void **state)
{
    (void)version;
    struct ticket *t = *state;
    if (!t) {
        t = *state = ticket_new(cls, c);
        return first_look(t, url, method);
    }
    if (*size > 0)
        return take_body(t, data, size);
    if (t->discarded)
        return refuse_length(c, t->listener);
    if (!t->handed_out)
        return hand_over(t);
    return t->answer.status ? send_answer(c, &t->answer) : MHD_YES;
}

static void note_answered(struct listener *l)
{
    pthread_mutex_lock(&l->lock);
    if (--l->waiting == 0)
        pthread_cond_signal(&l->idle);
    pthread_mutex_unlock(&l->lock);
}

static void on_completed(void *cls, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode code)
{
    (void)c;
    (void)code;
    struct listener *l = cls;
    struct ticket *t = *state;
    if (!t)
        return;
    reaper_set(l->reaper, t->fd, l->keep_ms);
    if (t->handed_out)
        note_answered(l);
    buf_free(&t->body);
    free(t->answer.body);
    free(t->workspace);
    free(t);
    *state = NULL;
}

static void on_connection(void *cls, struct MHD_Connection *c, void **state,
                          enum MHD_ConnectionNotificationCode code)
{
    (void)state;
    struct listener *l = cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (!info)
        return;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        reaper_set(l->reaper, info->connect_fd, l->request_ms);
    else
        reaper_forget(l->reaper, info->connect_fd);
}

/* Paths are compared as they came: no %2e%2e, no %00. */
static size_t keep_raw(void *cls, struct MHD_Connection *c, char *s)
{
    (void)cls;
    (void)c;
    return strlen(s);
}

static void on_mhd_words(void *cls, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void on_mhd_words(void *cls, const char *fmt, va_list ap)
{
    (void)cls;
    char words[256];
    vsnprintf(words, sizeof(words), fmt, ap);
    words[strcspn(words, "\r\n")] = '\0';
    log_debug("http", LOG_STR("words", words));
}

/* ---- life ---------------------------------------------------------------------------- */

static unsigned connection_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= CONNECTIONS_MAX + SPARE_FILES)
        return CONNECTIONS_MAX;
    return files.rlim_cur > 2 * SPARE_FILES ? (unsigned)files.rlim_cur - SPARE_FILES : SPARE_FILES;
}

static struct MHD_Daemon *start_daemon(struct listener *l)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const unsigned threads = cores < 2 ? 2 : cores > 16 ? 16 : (unsigned)cores;
    const unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
    return MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, l, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_words, NULL,
        MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_THREAD_POOL_SIZE, threads,
        MHD_OPTION_CONNECTION_LIMIT, connection_limit(), MHD_OPTION_CONNECTION_TIMEOUT, 60u,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, l, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        l, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384,
        MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)4096, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_raw, NULL, MHD_OPTION_END);
}

struct listener *listener_new(const struct listener_config *cfg, const struct listener_handler *h,
                              struct error *err)
{
    struct listener *l = xcalloc(1, sizeof(*l));
    l->handler = *h;
    l->max_body = cfg->max_body;
    l->request_ms = cfg->request_ms ? cfg->request_ms : REQUEST_MS;
    l->keep_ms = cfg->keep_ms ? cfg->keep_ms : KEEP_MS;
    pthread_mutex_init(&l->lock, NULL);
    cond_init_mono(&l->idle);
    l->fd = address_listen(cfg->address, l->address, err);
    l->reaper = l->fd >= 0 ? reaper_new(err) : NULL;
    if (l->reaper) {
        l->daemon = start_daemon(l);
        if (l->daemon)
            return l;
        error_set(err, ERR_FATAL, "starting the HTTP server on %s failed", cfg->address);
    }
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    listener_free(l, 0);
    return NULL;
}

const char *listener_address(const struct listener *l)
{
    return l->address;
}

/* Every ticket is answered by the store's writer, which outlives the listener; the time
 * limit is for the day on which it does not. Requests that still come in are told to come
 * again. MHD_quiesce_daemon() would turn them away unheard, and in a pool of epoll threads
 * it aborts the process when a thread takes the socket out of its set first (0.9.75). */
static void wait_idle(struct listener *l, int64_t wait_ms)
{
    const int64_t until = clock_mono_ms() + wait_ms;
    pthread_mutex_lock(&l->lock);
    l->stopping = true;
    while (l->waiting > 0 && clock_mono_ms() < until)
        cond_wait_until(&l->idle, &l->lock, until);
    if (l->waiting > 0)
        log_error("requests left without an answer", LOG_INT("count", l->waiting));
    pthread_mutex_unlock(&l->lock);
}

void listener_free(struct listener *l, int64_t wait_ms)
{
    if (!l)
        return;
    if (l->daemon) {
        wait_idle(l, wait_ms);
        MHD_stop_daemon(l->daemon); /* closes the listening socket too */
    }
    reaper_free(l->reaper);
    pthread_cond_destroy(&l->idle);
    pthread_mutex_destroy(&l->lock);
    free(l);
}
