#include "cli/admin_client.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"

#define ANSWER_MAX (64 * 1048576)
#define ANSWER_NODES (4 * 1048576)
#define ASK_SECONDS 60L

static void curl_donep(CURL **c)
{
    if (*c)
        curl_easy_cleanup(*c);
}

static size_t take(char *data, size_t size, size_t count, void *ctx)
{
    struct buf *b = ctx;
    if (b->len + size * count > ANSWER_MAX)
        return 0;
    buf_append(b, data, size * count);
    return size * count;
}

static void put_params(struct buf *url, CURL *c, const struct admin_param *p)
{
    char mark = '?';
    for (; p->key; p++) {
        if (!p->value)
            continue;
        char *value = curl_easy_escape(c, p->value, (int)strlen(p->value));
        buf_printf(url, "%c%s=%s", mark, p->key, value ? value : "");
        curl_free(value);
        mark = '&';
    }
}

static enum admin_reach fail(struct error *err, enum error_kind kind, const char *socket,
                             const char *words)
{
    error_set(err, kind, "asking the daemon at %s: %s", socket, words);
    return ADMIN_FAILED;
}

static enum admin_reach read_answer(const char *socket, long status, const struct buf *body,
                                    struct json_object **out, struct error *err)
{
    struct json_object *o = json_parse_max(buf_str(body), body->len, ANSWER_NODES, err);
    if (!o) {
        error_prefix(err, "the daemon at %s answered %ld: ", socket, status);
        return ADMIN_FAILED;
    }
    if (status == 200) {
        *out = o;
        return ADMIN_ANSWERED;
    }
    const char *words = json_str(json_get(o, "error"), NULL);
    error_set(err, status == 400 ? ERR_INPUT : ERR_FATAL, "%s", words ? words : "unknown error");
    json_free(o);
    return ADMIN_FAILED;
}

/* No file, or a file without a listener (a daemon that was killed). */
static bool nobody_listens(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(at.sun_path))
        return true;
    memcpy(at.sun_path, path, strlen(path));
    scoped(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 &&
           (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR);
}

/* NULL when there is nothing to send. The caller frees the list. */
static struct curl_slist *set_upload(CURL *c, const struct buf *upload)
{
    if (!upload)
        return NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/x-ndjson");
    headers = curl_slist_append(headers, "Expect:");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)upload->len);
    curl_easy_setopt(c, CURLOPT_POSTFIELDS, buf_str(upload));
    return headers;
}

static enum admin_reach perform(const char *socket, const char *method, const char *path,
                                const struct admin_param *params, const struct buf *upload,
                                struct buf *body, long *status, struct error *err)
{
    if (nobody_listens(socket))
        return ADMIN_NOT_THERE;
    scoped(curl_donep) CURL *c = curl_easy_init();
    if (!c)
        return fail(err, ERR_FATAL, socket, "no memory for a connection");
    scoped(buf_free) struct buf url = BUF_INIT;
    buf_printf(&url, "http://localhost%s", path);
    put_params(&url, c, params);
    char words[CURL_ERROR_SIZE] = "";
    curl_easy_setopt(c, CURLOPT_URL, url.data);
    curl_easy_setopt(c, CURLOPT_UNIX_SOCKET_PATH, socket);
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, ASK_SECONDS);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, words);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, body);
    struct curl_slist *headers = set_upload(c, upload);
    const CURLcode rc = curl_easy_perform(c);
    curl_slist_free_all(headers);
    if (rc != CURLE_OK)
        return fail(err, ERR_FATAL, socket, words[0] ? words : curl_easy_strerror(rc));
    curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, status);
    return ADMIN_ANSWERED;
}

enum admin_reach admin_ask(const char *socket, const char *method, const char *path,
                           const struct admin_param *params, struct json_object **out,
                           struct error *err)
{
    scoped(buf_free) struct buf body = BUF_INIT;
    long status = 0;
    const enum admin_reach reach = perform(socket, method, path, params, NULL, &body, &status, err);
    return reach == ADMIN_ANSWERED ? read_answer(socket, status, &body, out, err) : reach;
}

enum admin_reach admin_ask_text(const char *socket, const char *method, const char *path,
                                const struct admin_param *params, struct buf *out,
                                struct error *err)
{
    scoped(buf_free) struct buf body = BUF_INIT;
    long status = 0;
    const enum admin_reach reach = perform(socket, method, path, params, NULL, &body, &status, err);
    if (reach != ADMIN_ANSWERED)
        return reach;
    if (status == 200) {
        buf_append(out, buf_str(&body), body.len);
        return ADMIN_ANSWERED;
    }
    scoped(json_freep) struct json_object *refused = NULL; /* not 200: words, never an answer */
    return read_answer(socket, status, &body, &refused, err);
}

enum admin_reach admin_send(const char *socket, const char *path, const struct admin_param *params,
                            const struct buf *lines, struct json_object **out, struct error *err)
{
    scoped(buf_free) struct buf body = BUF_INIT;
    long status = 0;
    const enum admin_reach reach =
        perform(socket, "POST", path, params, lines, &body, &status, err);
    return reach == ADMIN_ANSWERED ? read_answer(socket, status, &body, out, err) : reach;
}
