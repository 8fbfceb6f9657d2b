#include "access.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "http.h"
#include "js.h"

struct access {
    pthread_mutex_t lock;       /* guards the rest */
    char *first_key;            /* of the command line */
    struct json_object *keys;   /* key -> workspace, or "" for a platform key */
    struct json_object *places; /* workspace -> true */
    struct json_object *used;   /* key -> calls in this window */
    int64_t window_from_mono_ms, window_ms, limit;
    bool enforce, ietf, x;
};

static bool is_platform(const char *key)
{
    return strncmp(key, "sk_user_", 8) == 0;
}

static void forget(struct access *a)
{
    json_object_put(a->keys);
    json_object_put(a->places);
    json_object_put(a->used);
}

static void set_start(struct access *a)
{
    a->keys = json_object_new_object();
    a->places = json_object_new_object();
    a->used = json_object_new_object();
    js_put_str(a->keys, a->first_key, is_platform(a->first_key) ? "" : DEFAULT_WORKSPACE);
    js_put_bool(a->places, DEFAULT_WORKSPACE, true);
    a->window_ms = 60000;
    a->limit = 1000000;
    a->window_from_mono_ms = 0;
    a->enforce = a->ietf = a->x = true;
}

struct access *access_new(const char *key)
{
    struct access *a = xcalloc(1, sizeof(*a));
    pthread_mutex_init(&a->lock, NULL);
    a->first_key = xstrdup(key);
    set_start(a);
    return a;
}

void access_reset(struct access *a)
{
    pthread_mutex_lock(&a->lock);
    forget(a);
    set_start(a);
    pthread_mutex_unlock(&a->lock);
}

const char *access_set_key(struct access *a, struct json_object *spec)
{
    const char *key = js_str(spec, "key");
    const char *workspace = js_str(spec, "workspace");
    if (!key || strncmp(key, "sk_", 3) != 0)
        return "key must be a text that begins with sk_";
    if (!workspace)
        workspace = DEFAULT_WORKSPACE;
    pthread_mutex_lock(&a->lock);
    if (js_bool(spec, "revoke", false))
        json_object_object_del(a->keys, key);
    else
        js_put_str(a->keys, key, is_platform(key) ? "" : workspace);
    js_put_bool(a->places, workspace, true);
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

void access_add_workspace(struct access *a, const char *workspace)
{
    pthread_mutex_lock(&a->lock);
    js_put_bool(a->places, workspace, true);
    pthread_mutex_unlock(&a->lock);
}

void access_settings(struct access *a, struct json_object *spec)
{
    struct json_object *rate = js_object(spec, "rateLimit");
    const char *style = js_str(rate, "style");
    if (!rate)
        return;
    pthread_mutex_lock(&a->lock);
    a->limit = js_int(rate, "limit", a->limit);
    a->window_ms = js_int(rate, "windowMs", a->window_ms);
    a->enforce = js_bool(rate, "enforce", a->enforce);
    a->ietf = !style || strcmp(style, "x") != 0;
    a->x = !style || strcmp(style, "ietf") != 0;
    a->window_from_mono_ms = 0;
    pthread_mutex_unlock(&a->lock);
}

/* ---- who calls ---------------------------------------------------------------------------- */

/* The key of either header; NULL when there is none or the two differ. */
static const char *key_of(const struct request *r)
{
    const char *plain = http_pairs_get(&r->headers, "X-Api-Key");
    const char *bearer = http_pairs_get(&r->headers, "Authorization");
    if (bearer)
        bearer = strncasecmp(bearer, "Bearer ", 7) == 0 ? bearer + 7 : "";
    if (plain && bearer)
        return strcmp(plain, bearer) == 0 ? plain : NULL;
    return plain ? plain : bearer;
}

unsigned access_check_key(struct access *a, const struct request *r, const char **words)
{
    const char *key = key_of(r);
    pthread_mutex_lock(&a->lock);
    const bool known = key && js_has(a->keys, key);
    pthread_mutex_unlock(&a->lock);
    if (known)
        return 0;
    *words = key ? "Invalid API key" : "An API key is required";
    return 401;
}

unsigned access_check_workspace(struct access *a, const struct request *r,
                                char workspace[WORKSPACE_MAX], const char **words)
{
    const char *named = http_pairs_get(&r->headers, "X-Workspace-Id");
    const char *key = key_of(r);
    pthread_mutex_lock(&a->lock);
    const char *own = key ? js_str(a->keys, key) : NULL;
    const bool exists = named && js_has(a->places, named);
    snprintf(workspace, WORKSPACE_MAX, "%s", own && *own ? own : named ? named : "");
    pthread_mutex_unlock(&a->lock);

    const bool platform = key && is_platform(key);
    if (platform && !named) {
        *words = "X-Workspace-Id header is required with a platform key";
        return 400;
    }
    if (!platform && named) {
        *words = "X-Workspace-Id must not be sent with a workspace key";
        return 400;
    }
    if (platform && !exists) {
        *words = "This key has no access to the workspace";
        return 403;
    }
    return 0;
}

/* ---- how often ------------------------------------------------------------------------------ */

static void add_number(struct request *r, const char *name, int64_t n)
{
    char text[32];
    snprintf(text, sizeof(text), "%lld", (long long)n);
    http_pairs_add(&r->resp.headers, name, text);
}

static void add_limits(struct request *r, const char *prefix, int64_t limit, int64_t left,
                       int64_t reset)
{
    static const char *const names[] = { "Limit", "Remaining", "Reset" };
    const int64_t values[] = { limit, left, reset };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        scoped(freep) char *name = xasprintf("%s-%s", prefix, names[i]);
        add_number(r, name, values[i]);
    }
}

bool access_count_call(struct access *a, struct request *r)
{
    const char *key = key_of(r);
    const int64_t now = clock_mono_ms();
    pthread_mutex_lock(&a->lock);
    if (a->window_from_mono_ms == 0 || now - a->window_from_mono_ms >= a->window_ms) {
        a->window_from_mono_ms = now;
        json_object_put(a->used);
        a->used = json_object_new_object();
    }
    const int64_t used = js_int(a->used, key ? key : "", 0) + 1;
    const bool allowed = used <= a->limit || !a->enforce;
    js_put_int(a->used, key ? key : "", used);
    const int64_t left = used < a->limit ? a->limit - used : 0;
    const int64_t reset = (a->window_from_mono_ms + a->window_ms - now + 999) / 1000;
    const int64_t limit = a->limit;
    const bool ietf = a->ietf, x = a->x;
    pthread_mutex_unlock(&a->lock);

    if (ietf)
        add_limits(r, "RateLimit", limit, left, reset);
    if (x)
        add_limits(r, "X-RateLimit", limit, left, reset);
    if (!allowed)
        add_number(r, "Retry-After", reset);
    return allowed;
}
