/* http_request.h - a captured HTTP request, taken apart. Pure.
 *
 * For tools that look at what somebody wrote down, not for requests from the network:
 * line breaks may be LF or CR LF, and nothing is refused that a person might have kept. */
#ifndef AUTOMARK_CLI_HTTP_REQUEST_H
#define AUTOMARK_CLI_HTTP_REQUEST_H

#include "base/buf.h"
#include "serve/http.h"

struct error;

#define HTTP_REQUEST_HEADERS_MAX 100

struct http_request {
    struct http_header headers[HTTP_REQUEST_HEADERS_MAX]; /* names and values are owned */
    size_t nheaders;
    struct buf body;
};

/* "Name: value". -1 with err: what is wrong with the line. */
int http_request_add_header(struct http_request *r, const char *line, size_t len,
                            struct error *err);
/* Request line, headers, an empty line, body. With a Content-Length the body ends there,
 * when so much was captured. -1 with err, which names the line. */
int http_request_parse(struct http_request *r, const char *raw, size_t len, struct error *err);
void http_request_done(struct http_request *r);

#endif
