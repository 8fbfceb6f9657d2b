/* web_help.h - an HTTP server on a free loopback port that answers as a test's function
 * says: one thread, a few connections, requests whole before the function sees them. */
#ifndef AUTOMARK_TESTS_WEB_HELP_H
#define AUTOMARK_TESTS_WEB_HELP_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"

#define WEB_CLIENTS 8

/* request is head and body as they came. What is put into answer is sent as it is; nothing
 * closes the connection. Runs on the server's thread. */
typedef void (*web_fn)(void *ctx, const char *request, struct buf *answer);

struct web {
    int fd;
    unsigned port;
    char url[64];
    web_fn fn;
    void *ctx;
    pthread_t thread;
    atomic_bool stop;
    int clients[WEB_CLIENTS];
    struct buf got[WEB_CLIENTS];
};

__attribute__((unused)) static void web_nap(long ms)
{
    const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    nanosleep(&t, NULL);
}

__attribute__((unused)) static void web_json(struct buf *out, int status, const char *headers,
                                             const char *body)
{
    buf_printf(out,
               "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
               status, headers, strlen(body), body);
}

/* Bytes of the first whole request, 0 when it is not whole yet. */
__attribute__((unused)) static size_t web_whole(const struct buf *b)
{
    const char *end = b->data ? strstr(b->data, "\r\n\r\n") : NULL;
    if (!end)
        return 0;
    const char *length = strcasestr(b->data, "\r\nContent-Length:");
    size_t all = (size_t)(end - b->data) + 4;
    if (length && length < end)
        all += strtoul(length + 17, NULL, 10);
    return b->len >= all ? all : 0;
}

__attribute__((unused)) static void web_drop(struct web *w, size_t i)
{
    close(w->clients[i]);
    w->clients[i] = -1;
    buf_free(&w->got[i]);
}

__attribute__((unused)) static void web_serve(struct web *w, size_t i)
{
    char chunk[65536];
    const ssize_t n = read(w->clients[i], chunk, sizeof(chunk));
    if (n <= 0) {
        web_drop(w, i);
        return;
    }
    buf_append(&w->got[i], chunk, (size_t)n);
    if (web_whole(&w->got[i]) == 0)
        return;
    struct buf answer = { .data = NULL };
    w->fn(w->ctx, w->got[i].data, &answer);
    buf_truncate(&w->got[i], 0);
    size_t at = 0;
    while (at < answer.len) {
        const ssize_t sent = send(w->clients[i], answer.data + at, answer.len - at, MSG_NOSIGNAL);
        if (sent <= 0)
            break;
        at += (size_t)sent;
    }
    if (answer.len == 0 || at < answer.len)
        web_drop(w, i);
    buf_free(&answer);
}

__attribute__((unused)) static void *web_main(void *arg)
{
    struct web *w = arg;
    while (!atomic_load(&w->stop)) {
        struct pollfd fds[WEB_CLIENTS + 1];
        for (size_t i = 0; i < WEB_CLIENTS; i++)
            fds[i] = (struct pollfd){ .fd = w->clients[i], .events = POLLIN };
        fds[WEB_CLIENTS] = (struct pollfd){ .fd = w->fd, .events = POLLIN };
        poll(fds, WEB_CLIENTS + 1, 20);
        for (size_t i = 0; i < WEB_CLIENTS; i++)
            if (w->clients[i] >= 0 && fds[i].revents)
                web_serve(w, i);
        for (size_t i = 0; fds[WEB_CLIENTS].revents && i < WEB_CLIENTS; i++) {
            if (w->clients[i] >= 0)
                continue;
            w->clients[i] = accept(w->fd, NULL, NULL);
            break;
        }
    }
    return NULL;
}

__attribute__((unused)) static void web_start(struct web *w, web_fn fn, void *ctx)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);
    *w = (struct web){ .fn = fn, .ctx = ctx };
    for (size_t i = 0; i < WEB_CLIENTS; i++)
        w->clients[i] = -1;
    w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w->fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(w->fd, 16), 0);
    assert_int_equal(getsockname(w->fd, (struct sockaddr *)&at, &len), 0);
    w->port = ntohs(at.sin_port);
    snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u", w->port);
    assert_int_equal(pthread_create(&w->thread, NULL, web_main, w), 0);
}

__attribute__((unused)) static void web_stop(struct web *w)
{
    atomic_store(&w->stop, true);
    pthread_join(w->thread, NULL);
    for (size_t i = 0; i < WEB_CLIENTS; i++)
        if (w->clients[i] >= 0)
            web_drop(w, i);
    close(w->fd);
}

#endif
