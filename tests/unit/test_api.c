#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "api/api.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "web_help.h"

#define OK_BODY "{\"success\":true,\"data\":{\"modified\":2}}"

/* ---- targets ------------------------------------------------------------------------ */

static const struct {
    const char *url, *key, *workspace_id;
    const char *want; /* NULL: fine; else words of the message */
} targets[] = {
    { "https://api.sendkit.ai", "sk_1", NULL, NULL },
    { "https://api.sendkit.ai/base/", "sk_1", NULL, NULL },
    { "http://127.0.0.1:80", "sk_1", NULL, NULL },
    { "http://127.9.9.9", "sk_1", NULL, NULL },
    { "http://localhost:8080", "sk_1", NULL, NULL },
    { "http://[::1]:80", "sk_1", NULL, NULL },
    { "http://[::ffff:127.0.0.1]:80", "sk_1", NULL, NULL },
    { "http://api.sendkit.ai", "sk_1", NULL, "must begin with https" },
    { "http://10.0.0.1", "sk_1", NULL, "must begin with https" },
    { "http://[::2]", "sk_1", NULL, "must begin with https" },
    { "http://127.0.0.1.evil.example", "sk_1", NULL, "must begin with https" },
    { "ftp://127.0.0.1", "sk_1", NULL, "must begin with https" },
    { "https://u:secret-word@api.sendkit.ai", "sk_1", NULL, "and nothing else" },
    { "https://api.sendkit.ai/?q=1", "sk_1", NULL, "and nothing else" },
    { "api.sendkit.ai", "sk_1", NULL, "not a URL" },
    { "", "sk_1", NULL, "not a URL" },
    { "https://api.sendkit.ai", "", NULL, "the API key is empty" },
    { "https://api.sendkit.ai", "sk_secret-word\r\nX: y", NULL, "the API key holds" },
    { "https://api.sendkit.ai", "sk_secret-word\xc3\xa9", NULL, "the API key holds" },
    { "https://api.sendkit.ai", "sk_user_1", NULL, "needs a workspace_id" },
    { "https://api.sendkit.ai", "sk_user_1", "ws_1", NULL },
    { "https://api.sendkit.ai", "sk_user_1", "ws\n1", "the workspace_id holds" },
    { "https://api.sendkit.ai", "sk_1", "ws_1", "workspace_id is for keys" },
};

static void test_targets(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct error err = ERROR_INIT;
        const struct api_target_config cfg = { targets[i].url, targets[i].key,
                                               targets[i].workspace_id };
        scoped(api_target_freep) struct api_target *t = api_target_new(&cfg, &err);
        if (!t != !!targets[i].want)
            fail_msg("%s %s: %s", targets[i].url, targets[i].key, t ? "accepted" : err.msg);
        if (targets[i].want && !strstr(err.msg, targets[i].want))
            fail_msg("%s: said '%s'", targets[i].url, err.msg);
        assert_null(strstr(err.msg, "secret-word"));
    }
}

/* ---- calls -------------------------------------------------------------------------- */

struct script {
    const char *raw; /* the whole answer; NULL: by status, headers, body */
    int status;
    const char *headers, *body;
    long delay_ms;
    bool drop;
    char seen[8192];
    int calls;
};

static void answer_by_script(void *ctx, const char *request, struct buf *answer)
{
    struct script *s = ctx;
    s->calls++;
    snprintf(s->seen, sizeof(s->seen), "%s", request);
    web_nap(s->delay_ms);
    if (s->raw)
        buf_puts(answer, s->raw);
    else if (!s->drop)
        web_json(answer, s->status, s->headers ? s->headers : "", s->body ? s->body : "");
}

struct heard {
    int times;
    struct answer a;
};

static void hear(void *ctx, const struct answer *a)
{
    struct heard *h = ctx;
    h->times++;
    h->a = *a;
}

static struct api *short_api(void)
{
    const struct api_config cfg = { .connect_ms = 1000, .total_ms = 400 };
    struct api *api = api_new(&cfg, NULL);
    assert_non_null(api);
    return api;
}

/* Makes one call and returns what it came to. */
static struct answer call(const char *url, const char *key, const char *workspace_id,
                          const struct request *r)
{
    const struct api_target_config cfg = { url, key, workspace_id };
    struct error err = ERROR_INIT;
    struct api_target *t = api_target_new(&cfg, &err);
    if (!t)
        fail_msg("%s", err.msg);
    struct api *api = short_api();
    struct heard h = { .times = 0 };
    api_start(api, t, r, hear, &h);
    api_target_free(t); /* the call has its own copies */
    const int64_t end = clock_mono_ms() + 5000;
    while (h.times == 0 && clock_mono_ms() < end)
        api_run(api, 100);
    assert_int_equal(h.times, 1);
    assert_int_equal(api_in_flight(api), 0);
    api_free(api);
    return h.a;
}

static void mark_two(struct request *r)
{
    static char one[] = "c1", two[] = "c2";
    const struct job jobs[] = { { .id = 1, .conversation = one },
                                { .id = 2, .conversation = two } };
    request_read(r, jobs, 2);
}

static struct answer call_script(struct script *s)
{
    struct web w;
    struct request r;
    web_start(&w, answer_by_script, s);
    mark_two(&r);
    const struct answer a = call(w.url, "sk_test_key", NULL, &r);
    request_done(&r);
    web_stop(&w);
    return a;
}

static bool has_line(const char *request, const char *line)
{
    char with[256];
    snprintf(with, sizeof(with), "\r\n%s\r\n", line);
    return strstr(request, with) != NULL;
}

static void test_request_as_sent(void **state)
{
    (void)state;
    struct script s = { .status = 200, .body = OK_BODY };
    const struct answer a = call_script(&s);
    assert_int_equal(a.kind, ANSWER_DONE);
    assert_int_equal(a.modified, 2);
    assert_int_equal(strncmp(s.seen, "POST /v1/inbox/mark-read HTTP/1.1\r\n", 35), 0);
    assert_true(has_line(s.seen, "X-Api-Key: sk_test_key"));
    assert_true(has_line(s.seen, "Authorization: Bearer sk_test_key"));
    assert_true(has_line(s.seen, "Content-Type: application/json"));
    assert_true(has_line(s.seen, "User-Agent: automark/" AUTOMARK_VERSION));
    assert_non_null(strstr(s.seen, "\r\nIdempotency-Key: read-"));
    assert_null(strcasestr(s.seen, "X-Workspace-Id"));
    assert_null(strcasestr(s.seen, "Expect:"));
    assert_null(strcasestr(s.seen, "Accept-Encoding"));
    assert_non_null(strstr(s.seen, "\r\n\r\n{\"conversationIds\":[\"c1\",\"c2\"]}"));
}

static void test_unread_and_account(void **state)
{
    (void)state;
    struct script s = { .status = 200, .body = "{\"success\":true}" };
    struct web w;
    struct request r;
    char id[] = "a/../b";
    const struct job j = { .id = 7, .conversation = id };
    web_start(&w, answer_by_script, &s);
    char with_path[128];
    snprintf(with_path, sizeof(with_path), "%s/base/", w.url);
    request_unread(&r, &j);
    struct answer a = call(with_path, "sk_user_k", "ws_1", &r);
    request_done(&r);
    assert_int_equal(a.kind, ANSWER_DONE);
    assert_int_equal(strncmp(s.seen, "PATCH /base/v1/inbox/a%2F..%2Fb HTTP/1.1\r\n", 42), 0);
    assert_true(has_line(s.seen, "X-Workspace-Id: ws_1"));
    assert_non_null(strstr(s.seen, "\r\n\r\n{\"isRead\":false}"));

    request_account(&r);
    a = call(w.url, "sk_k", NULL, &r);
    request_done(&r);
    assert_int_equal(strncmp(s.seen, "GET /v1/account HTTP/1.1\r\n", 26), 0);
    assert_null(strcasestr(s.seen, "Content-Type"));
    web_stop(&w);
}

static void test_headers_of_answers(void **state)
{
    (void)state;
    struct script s = { .status = 429,
                        .headers = "Retry-After: 7\r\nX-RateLimit-Remaining: 0\r\n"
                                   "X-RateLimit-Reset: 3\r\n" };
    struct answer a = call_script(&s);
    assert_int_equal(a.kind, ANSWER_LIMITED);
    assert_int_equal(a.retry_after_ms, 7000);
    assert_int_equal(a.pace.remaining, 0);
    assert_int_equal(a.pace.reset_ms, 3000);

    s = (struct script){ .status = 302, .headers = "Location: http://127.0.0.1:1/\r\n" };
    a = call_script(&s);
    assert_int_equal(a.kind, ANSWER_STOP);
    assert_int_equal(a.status, 302);
    assert_int_equal(s.calls, 1);

    s = (struct script){ .raw = "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n"
                                "HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n"
                                "{\"success\":true}" };
    a = call_script(&s);
    assert_int_equal(a.kind, ANSWER_DONE);
    assert_int_equal(a.retry_after_ms, -1);
}

static void test_key_echoed(void **state)
{
    (void)state;
    struct script s = { .status = 401, .body = "{\"message\":\"bad key sk_test_key!\"}" };
    const struct answer a = call_script(&s);
    assert_int_equal(a.kind, ANSWER_STOP);
    assert_string_equal(a.words, "HTTP 401: bad key ***********!");
}

static void test_trouble(void **state)
{
    (void)state;
    struct buf huge = BUF_INIT, many = BUF_INIT;
    buf_puts(&huge, "HTTP/1.1 200 OK\r\n\r\n");
    while (huge.len < 400 * 1024)
        buf_puts(&huge, OK_BODY);
    buf_puts(&many, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 200; i++)
        buf_printf(&many, "X-%d: y\r\n", i);
    buf_puts(&many, "Content-Length: 0\r\n\r\n");
    struct script scripts[] = {
        { .drop = true },
        { .status = 200, .body = OK_BODY, .delay_ms = 700 },
        { .raw = "not HTTP at all\r\n\r\n" },
        { .raw = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"success\":true" },
        { .raw = huge.data },
        { .raw = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{" },
        { .raw = many.data },
    };
    for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
        const struct answer a = call_script(&scripts[i]);
        if (a.kind != ANSWER_AGAIN || a.reach != REACH_UNKNOWN || a.words[0] == '\0')
            fail_msg("script %zu: %s, reach %d, '%s'", i, answer_kind_name(a.kind), a.reach,
                     a.words);
    }
    buf_free(&huge);
    buf_free(&many);
}

static void test_nobody_there(void **state)
{
    (void)state;
    struct web w;
    struct request r;
    struct script s = { .status = 200 };
    web_start(&w, answer_by_script, &s);
    web_stop(&w); /* a port where nobody listens */
    mark_two(&r);
    struct answer a = call(w.url, "sk_1", NULL, &r);
    assert_int_equal(a.kind, ANSWER_AGAIN);
    assert_int_equal(a.reach, REACH_NO);
    request_done(&r);
}

static void test_abandon(void **state)
{
    (void)state;
    struct web w;
    struct request r;
    struct script s = { .status = 200, .delay_ms = 300 };
    struct heard h = { .times = 0 };
    web_start(&w, answer_by_script, &s);
    const struct api_target_config cfg = { w.url, "sk_1", NULL };
    struct api_target *t = api_target_new(&cfg, NULL);
    struct api *api = short_api();
    mark_two(&r);
    api_start(api, t, &r, hear, &h);
    request_done(&r);
    for (int i = 0; i < 5; i++)
        api_run(api, 10);
    api_abandon(api);
    assert_int_equal(h.times, 1);
    assert_int_equal(h.a.reach, REACH_UNKNOWN);
    api_free(api);
    api_target_free(t);
    web_stop(&w);
}

static void *wake_soon(void *api)
{
    web_nap(50);
    api_wake(api);
    return NULL;
}

static void test_wake(void **state)
{
    (void)state;
    pthread_t thread;
    struct api *api = short_api();
    assert_int_equal(pthread_create(&thread, NULL, wake_soon, api), 0);
    const int64_t began = clock_mono_ms();
    api_run(api, 10000);
    assert_true(clock_mono_ms() - began < 5000);
    pthread_join(thread, NULL);
    api_free(api);
}

static void test_once(void **state)
{
    (void)state;
    struct web w;
    struct script s = { .status = 200, .body = OK_BODY };
    web_start(&w, answer_by_script, &s);
    const struct api_target_config cfg = { w.url, "sk_1", NULL };
    scoped(api_target_freep) struct api_target *t = api_target_new(&cfg, NULL);
    struct request r;
    struct answer a;
    request_account(&r);
    assert_int_equal(api_once(t, &r, &a, NULL), 0);
    assert_int_equal(a.kind, ANSWER_DONE);
    request_done(&r);
    web_stop(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_request_as_sent),
        cmocka_unit_test(test_unread_and_account),
        cmocka_unit_test(test_headers_of_answers),
        cmocka_unit_test(test_key_echoed),
        cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_abandon),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
