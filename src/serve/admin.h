/* admin.h - the admin interface: health for probes, the queue for the tools.
 *
 *   GET  /healthz                 200 while the process serves
 *   GET  /readyz                  503 only when events cannot be stored; else 200, with
 *                                 warnings (API down, key refused, rules not reloaded, ...)
 *   GET  /api/queue/list|show|stats?...
 *   POST /api/queue/retry|cancel|release?...
 *   GET  /api/events?...          recorded events, lines of JSON (events_api.h)
 *   POST /api/events?keep=14d     adds such lines to the record; nothing is decided by it
 *
 * A Unix socket (0660) always; a TCP listener only when configured, where everything but
 * the paths in `open` wants the bearer token once one is set. One thread of its own. */
#ifndef AUTOMARK_SERVE_ADMIN_H
#define AUTOMARK_SERVE_ADMIN_H

#include <stdbool.h>
#include <stddef.h>

struct admin;
struct error;
struct json_object;
struct store;

struct admin_config {
    const char *socket;      /* path of the Unix socket */
    const char *group;       /* its group, or NULL */
    const char *listen;      /* TCP address, or NULL */
    const char *token;       /* bearer token for TCP, or NULL */
    const char *const *open; /* names without the slash ("healthz") that need no token */
    size_t nopen;
};

struct admin_handler {
    void *ctx;
    struct store *store;
    /* Adds to o ("status", "warnings", numbers). Returns whether events can be stored. */
    bool (*ready)(void *ctx, struct json_object *o);
    /* The live rules of a workspace, NULL: the only one; see rules_api.h. NULL with err. */
    struct json_object *(*rules)(void *ctx, const char *workspace, struct error *err);
};

/* Copies both. NULL with err set. */
struct admin *admin_new(const struct admin_config *cfg, const struct admin_handler *h,
                        struct error *err);
/* The TCP address that is bound, or NULL. */
const char *admin_address(const struct admin *a);
/* Stops and removes the socket file. NULL is fine. */
void admin_free(struct admin *a);

#endif
