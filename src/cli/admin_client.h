/* admin_client.h - asks the running daemon through its Unix socket. */
#ifndef AUTOMARK_CLI_ADMIN_CLIENT_H
#define AUTOMARK_CLI_ADMIN_CLIENT_H

#include <stdbool.h>

struct error;
struct buf;
struct json_object;

struct admin_param {
    const char *key, *value; /* value NULL: left out */
};

enum admin_reach {
    ADMIN_ANSWERED,  /* *out holds the answer */
    ADMIN_NOT_THERE, /* nobody listens on the socket: no daemon runs */
    ADMIN_FAILED,    /* err says why; ERR_INPUT when the daemon refused what was asked */
};

/* method GET or POST. Parameters are percent-encoded; params ends with a NULL key. */
enum admin_reach admin_ask(const char *socket, const char *method, const char *path,
                           const struct admin_param *params, struct json_object **out,
                           struct error *err);
/* The same for answers that are no single JSON value: appends the body to out. */
enum admin_reach admin_ask_text(const char *socket, const char *method, const char *path,
                                const struct admin_param *params, struct buf *out,
                                struct error *err);
/* POSTs lines of JSON; the answer is a JSON value. */
enum admin_reach admin_send(const char *socket, const char *path, const struct admin_param *params,
                            const struct buf *lines, struct json_object **out, struct error *err);

#endif
