/* address.h - "host:port" texts and listening sockets, TCP and Unix. */
#ifndef AUTOMARK_SERVE_ADDRESS_H
#define AUTOMARK_SERVE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct error;

#define ADDRESS_TEXT 80

/* Binds and listens on a numeric address and port ("127.0.0.1:8085", "[::1]:0").
 * Returns the descriptor (close on exec) and writes what is really bound, or -1. */
int address_listen(const char *text, char bound[ADDRESS_TEXT], struct error *err);
/* 0 when text is an address that address_listen() understands. */
int address_check(const char *text, struct error *err);
/* True for 127.0.0.0/8 and ::1. */
bool address_is_loopback(const char *text);

/* A Unix stream socket at path, mode 0660, group may be NULL. A socket file that nobody
 * listens on any more is replaced; anything else there is an error. */
int address_listen_unix(const char *path, const char *group, struct error *err);

#endif
