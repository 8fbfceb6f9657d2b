#include "cli/http_request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/error.h"

static size_t trim(const char **s, size_t len)
{
    while (len > 0 && (**s == ' ' || **s == '\t')) {
        (*s)++;
        len--;
    }
    while (len > 0 && strchr(" \t\r\n", (*s)[len - 1]) && (*s)[len - 1])
        len--;
    return len;
}

int http_request_add_header(struct http_request *r, const char *line, size_t len, struct error *err)
{
    const char *colon = memchr(line, ':', len);
    if (!colon)
        return error_set(err, ERR_INPUT, "a header is 'Name: value', and this has no colon");
    const char *name = line;
    const char *value = colon + 1;
    const size_t name_len = trim(&name, (size_t)(colon - line));
    const size_t value_len = trim(&value, len - (size_t)(value - line));
    if (name_len == 0 || memchr(name, ' ', name_len))
        return error_set(err, ERR_INPUT, "a header's name is one word in front of the colon");
    if (r->nheaders == HTTP_REQUEST_HEADERS_MAX)
        return error_set(err, ERR_INPUT, "more than %d headers", HTTP_REQUEST_HEADERS_MAX);
    r->headers[r->nheaders++] = (struct http_header){ .name = xmemdup0(name, name_len),
                                                      .value = xmemdup0(value, value_len) };
    return 0;
}

/* Up to the line break, which is skipped; its CR does not belong to the line. */
static size_t next_line(const char **at, const char *end, const char **line)
{
    const char *stop = memchr(*at, '\n', (size_t)(end - *at));
    size_t len = (size_t)((stop ? stop : end) - *at);
    *line = *at;
    *at = stop ? stop + 1 : end;
    if (len > 0 && (*line)[len - 1] == '\r')
        len--;
    return len;
}

static const char *find_header(const struct http_request *r, const char *name)
{
    for (size_t i = 0; i < r->nheaders; i++)
        if (strcasecmp(r->headers[i].name, name) == 0)
            return r->headers[i].value;
    return NULL;
}

static int take_body(struct http_request *r, const char *at, size_t len, struct error *err)
{
    const char *length = find_header(r, "Content-Length");
    const char *encoding = find_header(r, "Transfer-Encoding");
    if (encoding)
        return error_set(err, ERR_INPUT,
                         "the body is sent as '%s': give the decoded body as BODY, and the "
                         "headers with --header",
                         encoding);
    const unsigned long long wanted = length ? strtoull(length, NULL, 10) : len;
    if (wanted > len)
        return error_set(err, ERR_INPUT,
                         "Content-Length is %llu, but only %zu bytes follow: the "
                         "capture is not complete",
                         wanted, len);
    buf_append(&r->body, at, (size_t)wanted);
    return 0;
}

int http_request_parse(struct http_request *r, const char *raw, size_t len, struct error *err)
{
    const char *at = raw;
    const char *const end = raw + len;
    const char *line;
    const size_t first = next_line(&at, end, &line);
    if (first < 5 || !memchr(line, ' ', first))
        return error_set(err, ERR_INPUT,
                         "line 1: a request begins with a line like 'POST /hooks/default "
                         "HTTP/1.1'");
    for (unsigned number = 2; at < end; number++) {
        const size_t n = next_line(&at, end, &line);
        if (n == 0)
            return take_body(r, at, (size_t)(end - at), err);
        if (http_request_add_header(r, line, n, err) < 0)
            return error_prefix(err, "line %u: ", number);
    }
    return error_set(err, ERR_INPUT, "no empty line ends the headers, so there is no body");
}

void http_request_done(struct http_request *r)
{
    for (size_t i = 0; i < r->nheaders; i++) {
        free((void *)(uintptr_t)r->headers[i].name);
        free((void *)(uintptr_t)r->headers[i].value);
    }
    r->nheaders = 0;
    buf_free(&r->body);
}
