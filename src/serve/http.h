/* http.h - one header line, as listener and verify hand it around. */
#ifndef AUTOMARK_SERVE_HTTP_H
#define AUTOMARK_SERVE_HTTP_H

struct http_header {
    const char *name;
    const char *value;
};

#endif
