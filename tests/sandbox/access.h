/* access.h - keys, workspaces, and how many calls a key may make.
 *
 * One lock, inside; any thread. */
#ifndef SANDBOX_ACCESS_H
#define SANDBOX_ACCESS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct access;
struct request;

#define DEFAULT_WORKSPACE "664a000000000000000000a1"
#define WORKSPACE_MAX 130

struct access *access_new(const char *key);
void access_reset(struct access *a);
/* spec: key, workspace (of an sk_ key), revoke: true. Words when it is not one. */
const char *access_set_key(struct access *a, struct json_object *spec);
void access_add_workspace(struct access *a, const char *workspace);
/* Members rateLimit: {limit, windowMs, enforce, style: ietf|x|both}. */
void access_settings(struct access *a, struct json_object *spec);

/* Checks the key headers. 0, or the status to answer with words set. */
unsigned access_check_key(struct access *a, const struct request *r, const char **words);
/* And the workspace; only after the key was checked. */
unsigned access_check_workspace(struct access *a, const struct request *r,
                                char workspace[WORKSPACE_MAX], const char **words);
/* Counts the call, adds the rate-limit headers; false: it is one too many (429). */
bool access_count_call(struct access *a, struct request *r);

#endif
