/* The listener over real sockets: what reaches the handler, and what never does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/error.h"
#include "serve/listener.h"

#define REQUEST_MS 1500
#define MAX_BODY 64

/* Answers from a thread of its own, as the store does. */
static void *answer_later(void *arg)
{
    usleep(20000);
    ticket_answer(
        arg, &(struct http_answer){ .status = 200, .body = xstrdup("{\"status\":\"kept\"}\n") });
    return NULL;
}

static void handle(void *ctx, const struct hook_request *req, struct ticket *t)
{
    (void)ctx;
    if (strncmp(req->body, "later", 5) == 0) {
        pthread_t thread;
        pthread_create(&thread, NULL, answer_later, t);
        pthread_detach(thread);
        return;
    }
    ticket_answer(t, &(struct http_answer){ .status = 202,
                                            .body = xasprintf("{\"got\":\"%s\"}\n", req->body) });
}

static bool knows(void *ctx, const char *workspace)
{
    (void)ctx;
    return strcmp(workspace, "acme") == 0;
}

static struct listener *listener;

static int start(void **state)
{
    (void)state;
    const struct listener_config cfg = { .address = "127.0.0.1:0",
                                         .max_body = MAX_BODY,
                                         .request_ms = REQUEST_MS,
                                         .keep_ms = REQUEST_MS };
    const struct listener_handler h = { .knows = knows, .handle = handle };
    struct error err = ERROR_INIT;
    listener = listener_new(&cfg, &h, &err);
    if (!listener)
        fprintf(stderr, "%s\n", err.msg);
    return listener ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    listener_free(listener, 1000);
    return 0;
}

static int dial(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    const char *port = strrchr(listener_address(listener), ':') + 1;
    at.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    const struct timeval limit = { .tv_sec = 10 };
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* All until the server closes, which it does after every refusal. */
static void read_all(int fd, struct buf *out)
{
    char part[1024];
    for (ssize_t n; (n = recv(fd, part, sizeof(part), 0)) > 0;)
        buf_append(out, part, (size_t)n);
}

#define HEAD "POST /hooks/acme HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

static const struct {
    const char *name, *request;
    int status;
    const char *words;
} rows[] = {
    { "a body arrives", HEAD "Connection: close\r\nContent-Length: 2\r\n\r\n{}", 202,
      "{\"got\":\"{}\"}" },
    { "an answer from another thread", HEAD "Connection: close\r\nContent-Length: 5\r\n\r\nlater",
      200, "kept" },
    { "chunked", HEAD "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
      202, "{}" },
    { "no charset trouble",
      "POST /hooks/acme HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
      "Content-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}",
      202, "{}" },
    { "an unknown workspace",
      "POST /hooks/other HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404, "unknown path" },
    { "an encoded path", "POST /hooks/%61cme HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
      404, "unknown path" },
    { "a path cut by NUL",
      "POST /hooks/acme%00x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", 404,
      "unknown path" },
    { "the root", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 404, "POST /hooks/" },
    { "GET", "GET /hooks/acme HTTP/1.1\r\nHost: x\r\n\r\n", 405, "only POST" },
    { "lengths in conflict", HEAD "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}", 400, NULL },
    { "one length twice", HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400, NULL },
    { "length and encoding",
      HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, NULL },
    { "an encoding of two", HEAD "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 400,
      NULL },
    { "a foreign encoding", HEAD "Transfer-Encoding: gzip\r\n\r\n", 400, NULL },
    { "no length at all", HEAD "\r\n", 400, NULL },
    { "too long, from the header", HEAD "Content-Length: 65\r\n\r\n", 413, "max_body" },
    { "too long, chunked",
      HEAD "Transfer-Encoding: chunked\r\n\r\n28\r\n"
           "0123456789012345678901234567890123456789\r\n28\r\n"
           "0123456789012345678901234567890123456789\r\n0\r\n\r\n",
      413, "max_body" },
    { "not JSON",
      "POST /hooks/acme HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: "
      "2\r\n\r\n{}",
      415, "Content-Type" },
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(buf_free) struct buf got = BUF_INIT;
        scoped(closep) int fd = dial();
        send_text(fd, rows[i].request);
        read_all(fd, &got);
        char line[32];
        snprintf(line, sizeof(line), "HTTP/1.1 %d", rows[i].status);
        if (strncmp(buf_str(&got), line, strlen(line)) != 0)
            fail_msg("%s: got '%s'", rows[i].name, buf_str(&got));
        if (rows[i].words && !strstr(buf_str(&got), rows[i].words))
            fail_msg("%s: '%s' is not in '%s'", rows[i].name, rows[i].words, buf_str(&got));
    }
}

static void test_connection_is_kept(void **state)
{
    (void)state;
    scoped(closep) int fd = dial();
    for (int i = 0; i < 3; i++) {
        char got[1024];
        send_text(fd, HEAD "Content-Length: 5\r\n\r\nlater");
        const ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
        assert_true(n > 0);
        got[n] = '\0';
        assert_non_null(strstr(got, "200 OK"));
    }
}

/* libmicrohttpd's own time-out would never cut this: there is a byte now and then. */
static void test_dripping_is_cut(void **state)
{
    (void)state;
    scoped(closep) int fd = dial();
    const int64_t start = clock_mono_ms();
    send_text(fd, "POST /hooks/acme HTTP/1.1\r\nX-Slow: ");
    bool open = true;
    while (open && clock_mono_ms() - start < 4 * REQUEST_MS) {
        usleep(100000);
        open = send(fd, "a", 1, MSG_NOSIGNAL) == 1;
    }
    const int64_t took = clock_mono_ms() - start;
    assert_false(open);
    assert_true(took >= REQUEST_MS - 100);
    assert_true(took < REQUEST_MS + 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_connection_is_kept),
        cmocka_unit_test(test_dripping_is_cut),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
