/* hooks.h - the registered webhooks. One lock, inside; any thread. */
#ifndef SANDBOX_HOOKS_H
#define SANDBOX_HOOKS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

struct hooks;

/* A copy for one delivery; release with hook_done(). */
struct hook {
    char *id, *url, *secret;
    int retry_attempts;
    int timeout_ms;
};
void hook_done(struct hook *h);

struct hooks *hooks_new(void);
void hooks_reset(struct hooks *h);

/* Checks spec as POST /v1/webhooks does; the stored object (a copy, the caller's), or
 * NULL with words. id is the new webhook's; a missing secret is taken from
 * default_secret, or made when that is NULL. */
struct json_object *hooks_add(struct hooks *h, const char *workspace, const char *id,
                              struct json_object *spec, const char *default_secret,
                              const char **words);
/* Copies. workspace NULL: any. */
struct json_object *hooks_list(struct hooks *h, const char *workspace);
struct json_object *hooks_find(struct hooks *h, const char *workspace, const char *id);
/* Those of a workspace that want an event; the caller releases the array and each hook. */
size_t hooks_for(struct hooks *h, const char *workspace, const char *event, struct hook **out);
/* From what hooks_find() gave. */
struct hook hook_from(struct json_object *webhook);

#endif
