#include "api/api.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "api/retry.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"

#define CONNECT_MS 5000
#define TOTAL_MS 20000
#define ANSWER_BYTES_MAX (256 * 1024)
#define HEADER_BYTES_MAX (64 * 1024)
#define HEADER_LINES_MAX 64
#define KEY_BYTES_MAX 512

/* ---- secrets ---------------------------------------------------------------------- */

static void wipe_free(char *s)
{
    if (s)
        explicit_bzero(s, strlen(s));
    free(s);
}

static void wipe_list(struct curl_slist *list)
{
    for (struct curl_slist *h = list; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(list);
}

/* ---- targets ---------------------------------------------------------------------- */

struct api_target {
    char *url; /* without a slash at the end */
    char *key;
    char *workspace_id; /* or NULL */
    bool plain;         /* http, loopback only */
};

static bool is_loopback(const struct sockaddr *sa)
{
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)sa;
        return ntohl(in->sin_addr.s_addr) >> 24 == 127;
    }
    if (sa->sa_family != AF_INET6)
        return false;
    const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(a) || (IN6_IS_ADDR_V4MAPPED(a) && a->s6_addr[12] == 127);
}

static bool host_is_loopback(const char *host)
{
    struct sockaddr_in in = { .sin_family = AF_INET };
    struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
    char bare[64];
    const size_t len = strlen(host);
    if (strcmp(host, "localhost") == 0)
        return true;
    if (len > 2 && len < sizeof(bare) && host[0] == '[') {
        snprintf(bare, sizeof(bare), "%.*s", (int)len - 2, host + 1);
        return inet_pton(AF_INET6, bare, &in6.sin6_addr) == 1 && is_loopback((const void *)&in6);
    }
    return inet_pton(AF_INET, host, &in.sin_addr) == 1 && is_loopback((const void *)&in);
}

static void curl_freep(char **s)
{
    curl_free(*s);
}

static void curl_url_freep(CURLU **u)
{
    curl_url_cleanup(*u);
}

static bool url_has(CURLU *u, CURLUPart part)
{
    scoped(curl_freep) char *value = NULL;
    return curl_url_get(u, part, &value, 0) == CURLUE_OK;
}

/* The URL itself may hold what it should not (a password), so it is not quoted either. */
static int check_url(const char *url, bool *plain, struct error *err)
{
    scoped(curl_url_freep) CURLU *u = curl_url();
    scoped(curl_freep) char *scheme = NULL;
    scoped(curl_freep) char *host = NULL;
    if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return error_set(err, ERR_INPUT, "the API's URL is not a URL");
    if (url_has(u, CURLUPART_USER) || url_has(u, CURLUPART_PASSWORD) ||
        url_has(u, CURLUPART_QUERY) || url_has(u, CURLUPART_FRAGMENT))
        return error_set(err, ERR_INPUT,
                         "the API's URL is scheme, host, port and path, and nothing else");
    *plain = strcmp(scheme, "http") == 0;
    if (!*plain && strcmp(scheme, "https") != 0)
        return error_set(err, ERR_INPUT, "the API's URL must begin with https://");
    if (*plain && !host_is_loopback(host))
        return error_set(err, ERR_INPUT,
                         "the API's URL must begin with https:// (plain http is for "
                         "loopback addresses alone)");
    return 0;
}

/* What goes into a header line: visible ASCII, so that it cannot end the line. */
static int check_word(const char *what, const char *s, struct error *err)
{
    const size_t len = strlen(s);
    if (len == 0)
        return error_set(err, ERR_INPUT, "the %s is empty", what);
    if (len > KEY_BYTES_MAX)
        return error_set(err, ERR_INPUT, "the %s is longer than %d bytes", what, KEY_BYTES_MAX);
    for (size_t i = 0; i < len; i++)
        if (s[i] <= ' ' || s[i] > '~')
            return error_set(err, ERR_INPUT,
                             "the %s holds a blank, a control character or a letter "
                             "beyond ASCII",
                             what);
    return 0;
}

static int check_key(const struct api_target_config *cfg, struct error *err)
{
    const bool spans = strncmp(cfg->key, "sk_user_", 8) == 0;
    if (check_word("API key", cfg->key, err) < 0)
        return -1;
    if (spans && !cfg->workspace_id)
        return error_set(err, ERR_INPUT, "an API key sk_user_... needs a workspace_id");
    if (!spans && cfg->workspace_id)
        return error_set(err, ERR_INPUT,
                         "workspace_id is for keys sk_user_... alone: this key has its "
                         "workspace already");
    return cfg->workspace_id ? check_word("workspace_id", cfg->workspace_id, err) : 0;
}

struct api_target *api_target_new(const struct api_target_config *cfg, struct error *err)
{
    bool plain = false;
    if (check_url(cfg->url, &plain, err) < 0 || check_key(cfg, err) < 0)
        return NULL;
    struct api_target *t = xcalloc(1, sizeof(*t));
    size_t len = strlen(cfg->url);
    while (len > 0 && cfg->url[len - 1] == '/')
        len--;
    *t = (struct api_target){ .url = xmemdup0(cfg->url, len),
                              .key = xstrdup(cfg->key),
                              .plain = plain };
    if (cfg->workspace_id)
        t->workspace_id = xstrdup(cfg->workspace_id);
    return t;
}

void api_target_free(struct api_target *t)
{
    if (!t)
        return;
    wipe_free(t->key);
    free(t->url);
    free(t->workspace_id);
    free(t);
}

void api_target_freep(struct api_target **t)
{
    api_target_free(*t);
}

bool api_target_same_key(const struct api_target *a, const struct api_target *b)
{
    return strcmp(a->key, b->key) == 0 && strcmp(a->url, b->url) == 0;
}

/* ---- a call ----------------------------------------------------------------------- */

struct call {
    struct call *next;
    CURL *easy;
    struct curl_slist *headers;
    char *url, *body, *key;
    bool plain;
    api_done_fn done;
    void *ctx;
    int64_t began_mono_ms;

    bool sent;      /* a connection stood: the request may have left */
    bool too_large; /* the answer is */
    struct buf answer;
    size_t header_bytes, header_lines;
    struct pace_hints hints;
    int64_t retry_after_ms;
    char trouble[CURL_ERROR_SIZE];
};

struct api {
    CURLM *multi;
    struct api_config cfg;
    struct call *calls;
    size_t in_flight;
};

static void call_free(struct call *c)
{
    curl_easy_cleanup(c->easy);
    wipe_list(c->headers);
    wipe_free(c->key);
    free(c->url);
    free(c->body);
    buf_free(&c->answer);
    free(c);
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct call *c = ctx;
    const size_t len = size * count;
    if (len > ANSWER_BYTES_MAX - c->answer.len) {
        c->too_large = true;
        return 0;
    }
    buf_append(&c->answer, data, len);
    return len;
}

static void take_header(struct call *c, char *line)
{
    if (strncmp(line, "HTTP/", 5) == 0) { /* a new answer, after 100 or the like */
        c->hints = (struct pace_hints)PACE_HINTS_INIT;
        c->retry_after_ms = -1;
        return;
    }
    char *value = strchr(line, ':');
    if (!value)
        return;
    *value++ = '\0';
    value += strspn(value, " \t");
    for (size_t n = strlen(value); n > 0 && isspace((unsigned char)value[n - 1]); n--)
        value[n - 1] = '\0';
    const int64_t now = clock_wall_ms();
    int64_t wait;
    if (strcasecmp(line, "retry-after") == 0 && retry_after_parse(value, now, &wait))
        c->retry_after_ms = wait;
    pace_hint(&c->hints, line, value, now);
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
    struct call *c = ctx;
    const size_t len = size * count;
    c->header_bytes += len;
    c->header_lines++;
    if (c->header_bytes > HEADER_BYTES_MAX || c->header_lines > HEADER_LINES_MAX) {
        c->too_large = true;
        return 0;
    }
    scoped(freep) char *line = xmemdup0(data, len);
    take_header(c, line);
    return len;
}

/* Called when a connection stands, before the request goes out: also before each of the
 * repetitions that libcurl makes by itself. */
static int on_prereq(void *ctx, char *remote_ip, char *local_ip, int remote_port, int local_port)
{
    struct call *c = ctx;
    (void)remote_ip, (void)local_ip, (void)remote_port, (void)local_port;
    c->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* Names may resolve to anything: with plain HTTP the address itself must be loopback. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    const struct call *c = ctx;
    (void)purpose;
    if (c->plain && !is_loopback(&a->addr))
        return CURL_SOCKET_BAD;
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* ---- setting up ------------------------------------------------------------------- */

/* An option that an older libcurl lacks would be a hole: better no call at all. */
#define SET(easy, option, value)                                                                   \
    do {                                                                                           \
        const CURLcode set_rc = curl_easy_setopt(easy, option, value);                             \
        if (set_rc != CURLE_OK) {                                                                  \
            fprintf(stderr, "automark: libcurl refuses " #option ": %s\n",                         \
                    curl_easy_strerror(set_rc));                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static void set_limits(CURL *e, const struct api_config *cfg, struct call *c)
{
    SET(e, CURLOPT_NOSIGNAL, 1L);
    SET(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(cfg->connect_ms ? cfg->connect_ms : CONNECT_MS));
    SET(e, CURLOPT_TIMEOUT_MS, (long)(cfg->total_ms ? cfg->total_ms : TOTAL_MS));
    SET(e, CURLOPT_LOW_SPEED_LIMIT, 64L);
    SET(e, CURLOPT_LOW_SPEED_TIME, 10L);
    SET(e, CURLOPT_QUICK_EXIT, 1L); /* a hung name lookup does not hold us up */
    SET(e, CURLOPT_MAXAGE_CONN, 30L);
    SET(e, CURLOPT_MAXLIFETIME_CONN, 3600L); /* certificates are looked at again */
    SET(e, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)ANSWER_BYTES_MAX);
    SET(e, CURLOPT_WRITEFUNCTION, on_body);
    SET(e, CURLOPT_WRITEDATA, c);
    SET(e, CURLOPT_HEADERFUNCTION, on_header);
    SET(e, CURLOPT_HEADERDATA, c);
}

static void set_safety(CURL *e, struct call *c)
{
    SET(e, CURLOPT_PROTOCOLS_STR, c->plain ? "http" : "https");
    SET(e, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    SET(e, CURLOPT_FOLLOWLOCATION, 0L); /* a redirect would carry our key elsewhere */
    SET(e, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(e, CURLOPT_SSL_VERIFYHOST, 2L);
    SET(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(e, CURLOPT_PROXY, "");
    SET(e, CURLOPT_NOPROXY, "*");
    SET(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(e, CURLOPT_OPENSOCKETDATA, c);
    SET(e, CURLOPT_PREREQFUNCTION, on_prereq);
    SET(e, CURLOPT_PREREQDATA, c);
    SET(e, CURLOPT_ERRORBUFFER, c->trouble);
    SET(e, CURLOPT_PRIVATE, c);
}

static void add_header(struct call *c, const char *name, const char *value)
{
    char *line = xasprintf("%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(c->headers, line);
    wipe_free(line);
    if (!longer)
        abort(); /* out of memory is fail-stop, see base/alloc.h */
    c->headers = longer;
}

/* SendKit's pages show both styles of key, one of them as required: send both. */
static void set_headers(struct call *c, const struct api_target *t, const struct request *r)
{
    scoped(freep) char *bearer = xasprintf("Bearer %s", t->key);
    add_header(c, "X-Api-Key", t->key);
    add_header(c, "Authorization", bearer);
    explicit_bzero(bearer, strlen(bearer));
    if (t->workspace_id)
        add_header(c, "X-Workspace-Id", t->workspace_id);
    add_header(c, "Accept", "application/json");
    if (r->body)
        add_header(c, "Content-Type", "application/json");
    if (r->idempotency[0])
        add_header(c, "Idempotency-Key", r->idempotency);
    struct curl_slist *longer = curl_slist_append(c->headers, "Expect:"); /* none */
    if (!longer)
        abort();
    c->headers = longer;
    SET(c->easy, CURLOPT_HTTPHEADER, c->headers);
    SET(c->easy, CURLOPT_USERAGENT, "automark/" AUTOMARK_VERSION);
}

static void set_request(struct call *c, const struct api_target *t, const struct request *r)
{
    c->url = xasprintf("%s%s", t->url, r->path);
    SET(c->easy, CURLOPT_URL, c->url);
    SET(c->easy, CURLOPT_PATH_AS_IS, 1L);
    if (r->body) {
        c->body = xstrdup(r->body);
        SET(c->easy, CURLOPT_POST, 1L);
        SET(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(c->body));
        SET(c->easy, CURLOPT_POSTFIELDS, c->body);
    }
    SET(c->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

void api_start(struct api *api, const struct api_target *t, const struct request *r,
               api_done_fn done, void *ctx)
{
    struct call *c = xcalloc(1, sizeof(*c));
    *c = (struct call){ .next = api->calls,
                        .easy = curl_easy_init(),
                        .key = xstrdup(t->key),
                        .plain = t->plain,
                        .done = done,
                        .ctx = ctx,
                        .began_mono_ms = clock_mono_ms(),
                        .hints = PACE_HINTS_INIT,
                        .retry_after_ms = -1 };
    if (!c->easy)
        abort();
    set_limits(c->easy, &api->cfg, c);
    set_safety(c->easy, c);
    set_headers(c, t, r);
    set_request(c, t, r);
    if (curl_multi_add_handle(api->multi, c->easy) != CURLM_OK)
        abort(); /* a fresh handle: only memory can lack */
    api->calls = c;
    api->in_flight++;
}

/* ---- running ---------------------------------------------------------------------- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;
static CURLcode curl_ready;

static void init_curl(void)
{
    curl_ready = curl_global_init(CURL_GLOBAL_DEFAULT);
}

struct api *api_new(const struct api_config *cfg, struct error *err)
{
    pthread_once(&curl_once, init_curl);
    CURLM *multi = curl_ready == CURLE_OK ? curl_multi_init() : NULL;
    if (!multi) {
        error_set(err, ERR_FATAL, "libcurl does not start: %s", curl_easy_strerror(curl_ready));
        return NULL;
    }
    struct api *api = xcalloc(1, sizeof(*api));
    api->multi = multi;
    api->cfg = *cfg;
    return api;
}

void api_free(struct api *api)
{
    if (!api)
        return;
    api_abandon(api);
    curl_multi_cleanup(api->multi);
    free(api);
}

size_t api_in_flight(const struct api *api)
{
    return api->in_flight;
}

/* Takes the call out of everything, then tells. Telling comes last: it may start others. */
static void end_call(struct api *api, struct call *c, const struct answer *a)
{
    struct call **at = &api->calls;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    api->in_flight--;
    curl_multi_remove_handle(api->multi, c->easy);
    const api_done_fn done = c->done;
    void *ctx = c->ctx;
    call_free(c);
    done(ctx, a);
}

static void read_answer(struct call *c, CURLcode rc, struct answer *a)
{
    long status = 0;
    *a = (struct answer){ .retry_after_ms = c->retry_after_ms, .pace = c->hints };
    curl_easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
    if (c->too_large || rc == CURLE_FILESIZE_EXCEEDED) {
        answer_from_trouble(a, c->sent, "the answer is too large");
    } else if (rc != CURLE_OK) {
        answer_from_trouble(a, c->sent, c->trouble[0] ? c->trouble : curl_easy_strerror(rc));
    } else {
        if (c->answer.len > 0)
            answer_hide(c->answer.data, c->answer.len, c->key);
        answer_from_http(a, (int)status, buf_str(&c->answer), c->answer.len);
    }
    a->took_ms = clock_mono_ms() - c->began_mono_ms;
}

static bool end_finished(struct api *api)
{
    bool any = false;
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(api->multi, &left));) {
        if (m->msg != CURLMSG_DONE)
            continue;
        struct call *c = NULL;
        struct answer a;
        const CURLcode rc = m->data.result; /* m is void once the handle is removed */
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&c);
        read_answer(c, rc, &a);
        end_call(api, c, &a);
        any = true;
    }
    return any;
}

void api_run(struct api *api, int timeout_ms)
{
    int running;
    curl_multi_perform(api->multi, &running);
    if (end_finished(api))
        return;
    curl_multi_poll(api->multi, NULL, 0, timeout_ms, NULL);
    curl_multi_perform(api->multi, &running);
    end_finished(api);
}

void api_wake(struct api *api)
{
    curl_multi_wakeup(api->multi);
}

void api_abandon(struct api *api)
{
    while (api->calls) {
        struct call *c = api->calls;
        struct answer a = { .retry_after_ms = -1, .pace = PACE_HINTS_INIT };
        answer_from_trouble(&a, c->sent, "automark stopped before the answer came");
        a.took_ms = clock_mono_ms() - c->began_mono_ms;
        end_call(api, c, &a);
    }
}

struct once {
    bool ended;
    struct answer *a;
};

static void on_once(void *ctx, const struct answer *a)
{
    struct once *o = ctx;
    *o->a = *a;
    o->ended = true;
}

static void api_freep(struct api **api)
{
    api_free(*api);
}

int api_once(const struct api_target *t, const struct request *r, struct answer *a,
             struct error *err)
{
    const struct api_config cfg = { .total_ms = 0 };
    scoped(api_freep) struct api *api = api_new(&cfg, err);
    if (!api)
        return -1;
    struct once o = { .a = a };
    api_start(api, t, r, on_once, &o);
    while (!o.ended)
        api_run(api, 1000);
    return 0;
}
