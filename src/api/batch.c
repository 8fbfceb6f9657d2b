#include "api/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

#define WORDS_FROM_SERVER 200 /* bytes; the rest of struct answer's words is ours */

/* ---- requests ------------------------------------------------------------------- */

/* FNV-1a. The key must be the same when the same jobs are sent again, and different for
 * other jobs of the same conversations: a server that remembers keys would otherwise
 * answer a later mark from its memory. Hence job ids, not conversations. */
static uint64_t hash_jobs(uint64_t h, const struct job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t id = (uint64_t)jobs[i].id;
        for (int byte = 0; byte < 8; byte++, id >>= 8)
            h = (h ^ (id & 0xff)) * UINT64_C(0x100000001b3);
        for (const char *c = jobs[i].conversation; *c; c++)
            h = (h ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    }
    return h;
}

static void set_idempotency(struct request *r, const char *prefix, const struct job *jobs,
                            size_t count)
{
    const uint64_t a = hash_jobs(UINT64_C(0xcbf29ce484222325), jobs, count);
    const uint64_t b = hash_jobs(a ^ UINT64_C(0x9e3779b97f4a7c15), jobs, count);
    snprintf(r->idempotency, sizeof(r->idempotency), "%s-%016llx%016llx", prefix,
             (unsigned long long)a, (unsigned long long)b);
}

void request_read(struct request *r, const struct job *jobs, size_t count)
{
    struct buf body = BUF_INIT;
    buf_puts(&body, "{\"conversationIds\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_putc(&body, ',');
        json_write_str(&body, jobs[i].conversation);
    }
    buf_puts(&body, "]}");
    *r = (struct request){ .method = "POST", .path = xstrdup("/v1/inbox/mark-read") };
    r->body = buf_take(&body);
    set_idempotency(r, "read", jobs, count);
}

/* RFC 3986 2.3: all but unreserved characters are encoded. An id of dots alone must not
 * become a path segment that clients and proxies resolve. */
static void encode_segment(struct buf *out, const char *id)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-_~";
    const bool dots = id[strspn(id, ".")] == '\0';
    for (const char *c = id; *c; c++) {
        if (strchr(plain, *c) || (*c == '.' && !dots))
            buf_putc(out, *c);
        else
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*c);
    }
}

void request_unread(struct request *r, const struct job *job)
{
    struct buf path = BUF_INIT;
    buf_puts(&path, "/v1/inbox/");
    encode_segment(&path, job->conversation);
    *r = (struct request){ .method = "PATCH", .body = xstrdup("{\"isRead\":false}") };
    r->path = buf_take(&path);
    set_idempotency(r, "unread", job, 1);
}

void request_account(struct request *r)
{
    *r = (struct request){ .method = "GET", .path = xstrdup("/v1/account") };
}

void request_done(struct request *r)
{
    free(r->path);
    free(r->body);
    *r = (struct request){ .method = NULL };
}

/* ---- answers -------------------------------------------------------------------- */

const char *answer_kind_name(enum answer_kind k)
{
    static const char *const names[] = { "done", "refused", "stop", "limited", "again" };
    return names[k];
}

/* Appends at most room bytes of s to the words, as one line. */
static void add_words(struct answer *a, const char *s, size_t len, size_t room)
{
    scoped(buf_free) struct buf clean = BUF_INIT;
    utf8_repair(&clean, s, utf8_cut(s, len, room));
    for (size_t i = 0; i < clean.len; i++) {
        const unsigned char c = (unsigned char)clean.data[i];
        const bool c1 = c == 0xc2 && (unsigned char)clean.data[i + 1] < 0xa0;
        if (c < 0x20 || c == 0x7f)
            clean.data[i] = ' ';
        else if (c1)
            clean.data[i] = clean.data[i + 1] = ' ';
    }
    const size_t used = strlen(a->words);
    size_t free_bytes = sizeof(a->words) - 1 - used;
    if (free_bytes > room)
        free_bytes = room;
    const size_t n = utf8_cut(buf_str(&clean), clean.len, free_bytes);
    memcpy(a->words + used, buf_str(&clean), n);
    a->words[used + n] = '\0';
}

static void add_text(struct answer *a, const char *s)
{
    add_words(a, s, strlen(s), sizeof(a->words));
}

/* SendKit's error body is {"error": ..., "message": ..., "code": ...}; others nest it. */
static struct json_object *error_text(const struct json_object *v)
{
    static const char *const places[] = { "/message", "/error/message",    "/error",
                                          "/detail",  "/errors/0/message", "/errors/0" };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        struct json_object *s = json_at(v, places[i]);
        if (json_kind(s) == JSON_STRING)
            return s;
    }
    return NULL;
}

static enum answer_kind kind_of_status(int status)
{
    switch (status) {
    case 400:
    case 404:
    case 410:
    case 413:
    case 422:
        return ANSWER_REFUSED;
    case 408: /* the server waited for us: nothing is wrong with the request */
    case 409:
    case 425:
        return ANSWER_AGAIN;
    case 429:
        return ANSWER_LIMITED;
    default:
        return status >= 300 && status <= 499 ? ANSWER_STOP : ANSWER_AGAIN;
    }
}

/* 2xx is a success only when the body says so itself. */
static bool confirmed(struct answer *a, const struct json_object *v)
{
    bool success = false;
    if (!json_bool(json_get(v, "success"), &success) || !success)
        return false;
    if (!json_int(json_at(v, "/data/modified"), &a->modified))
        a->modified = -1;
    return true;
}

void answer_from_http(struct answer *a, int status, const char *body, size_t len)
{
    a->status = status;
    a->modified = -1;
    a->words[0] = '\0';
    scoped(json_freep) struct json_object *v = len > 0 ? json_parse(body, len, NULL) : NULL;
    if (status >= 200 && status <= 299 && confirmed(a, v)) {
        a->kind = ANSWER_DONE;
        a->reach = REACH_DONE;
        return;
    }
    a->kind = kind_of_status(status);
    a->reach = a->kind == ANSWER_AGAIN ? REACH_UNKNOWN : REACH_NO;

    char code[32];
    snprintf(code, sizeof(code), "HTTP %d", status);
    add_text(a, code);
    size_t n = 0;
    const char *said = json_str(error_text(v), &n);
    if (said && n > 0) {
        add_text(a, ": ");
        add_words(a, said, n, WORDS_FROM_SERVER);
    } else if (status >= 200 && status <= 299) {
        add_text(a, v ? " without success:true" : " with a body that is not JSON");
    }
}

void answer_from_trouble(struct answer *a, bool sent, const char *words)
{
    a->kind = ANSWER_AGAIN;
    a->reach = sent ? REACH_UNKNOWN : REACH_NO;
    a->status = 0;
    a->modified = -1;
    a->words[0] = '\0';
    add_text(a, words);
}

void answer_hide(char *body, size_t len, const char *secret)
{
    const size_t n = strlen(secret);
    char *at = body;
    while (n > 0 && (at = memmem(at, len - (size_t)(at - body), secret, n)))
        memset(at, '*', n);
}
