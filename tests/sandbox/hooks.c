#include "hooks.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "js.h"

struct hooks {
    pthread_mutex_t lock; /* guards all */
    struct json_object *all;
};

void hook_done(struct hook *h)
{
    free(h->id);
    free(h->url);
    free(h->secret);
}

struct hooks *hooks_new(void)
{
    struct hooks *h = xcalloc(1, sizeof(*h));
    pthread_mutex_init(&h->lock, NULL);
    h->all = json_object_new_array();
    return h;
}

void hooks_reset(struct hooks *h)
{
    pthread_mutex_lock(&h->lock);
    json_object_put(h->all);
    h->all = json_object_new_array();
    pthread_mutex_unlock(&h->lock);
}

static bool loopback(const char *url)
{
    static const char *const starts[] = { "http://127.0.0.1:", "http://127.0.0.1/",
                                          "http://localhost:", "http://localhost/" };
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (strncmp(url, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static bool in_range(struct json_object *spec, const char *key, int64_t low, int64_t high)
{
    const int64_t n = js_int(spec, key, low);
    return (!js_has(spec, key) || json_object_is_type(js_get(spec, key), json_type_int)) &&
           n >= low && n <= high;
}

static const char *wrong_with(struct json_object *spec)
{
    struct json_object *events = js_array(spec, "events");
    if (!js_str(spec, "name") || !*js_str(spec, "name"))
        return "name is required";
    if (!js_str(spec, "url"))
        return "url is required";
    if (!loopback(js_str(spec, "url")))
        return "this sandbox delivers to http://127.0.0.1 and http://localhost only";
    if (!events || json_object_array_length(events) == 0)
        return "events must be a non-empty array";
    if (!in_range(spec, "retryAttempts", 0, 10))
        return "retryAttempts must be between 0 and 10";
    if (!in_range(spec, "timeoutMs", 1000, 30000))
        return "timeoutMs must be between 1000 and 30000";
    return NULL;
}

/* 32 bytes in hex, as SendKit makes one when none is given. */
static void make_secret(char out[65])
{
    unsigned char bytes[32];
    if (RAND_bytes(bytes, sizeof(bytes)) != 1)
        abort();
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

struct json_object *hooks_add(struct hooks *h, const char *workspace, const char *id,
                              struct json_object *spec, const char *default_secret,
                              const char **words)
{
    *words = wrong_with(spec);
    if (*words)
        return NULL;
    char made[65];
    make_secret(made);
    const char *secret = js_str(spec, "secret");
    if (!secret || !*secret)
        secret = default_secret ? default_secret : made;

    struct json_object *o = json_object_new_object();
    js_put_str(o, "_id", id);
    js_put_str(o, "workspaceId", workspace);
    js_put_str(o, "name", js_str(spec, "name"));
    js_put_str(o, "url", js_str(spec, "url"));
    js_put(o, "events", js_copy(js_array(spec, "events")));
    js_put_str(o, "secret", secret);
    js_put_str(o, "status", "active");
    js_put_int(o, "retryAttempts", js_int(spec, "retryAttempts", 3));
    js_put_int(o, "timeoutMs", js_int(spec, "timeoutMs", 10000));

    pthread_mutex_lock(&h->lock);
    json_object_array_add(h->all, o);
    struct json_object *copy = js_copy(o);
    pthread_mutex_unlock(&h->lock);
    return copy;
}

static bool belongs(struct json_object *webhook, const char *workspace)
{
    return !workspace || strcmp(js_str(webhook, "workspaceId"), workspace) == 0;
}

struct json_object *hooks_list(struct hooks *h, const char *workspace)
{
    struct json_object *list = json_object_new_array();
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < json_object_array_length(h->all); i++) {
        struct json_object *o = json_object_array_get_idx(h->all, i);
        if (belongs(o, workspace))
            json_object_array_add(list, js_copy(o));
    }
    pthread_mutex_unlock(&h->lock);
    return list;
}

struct json_object *hooks_find(struct hooks *h, const char *workspace, const char *id)
{
    struct json_object *found = NULL;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; !found && i < json_object_array_length(h->all); i++) {
        struct json_object *o = json_object_array_get_idx(h->all, i);
        if (belongs(o, workspace) && strcmp(js_str(o, "_id"), id) == 0)
            found = js_copy(o);
    }
    pthread_mutex_unlock(&h->lock);
    return found;
}

struct hook hook_from(struct json_object *webhook)
{
    return (struct hook){ .id = xstrdup(js_str(webhook, "_id")),
                          .url = xstrdup(js_str(webhook, "url")),
                          .secret = xstrdup(js_str(webhook, "secret")),
                          .retry_attempts = (int)js_int(webhook, "retryAttempts", 3),
                          .timeout_ms = (int)js_int(webhook, "timeoutMs", 10000) };
}

size_t hooks_for(struct hooks *h, const char *workspace, const char *event, struct hook **out)
{
    size_t count = 0;
    *out = NULL;
    pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < json_object_array_length(h->all); i++) {
        struct json_object *o = json_object_array_get_idx(h->all, i);
        struct json_object *events = js_array(o, "events");
        if (!belongs(o, workspace) || (!js_array_has(events, event) && !js_array_has(events, "*")))
            continue;
        *out = xreallocarray(*out, count + 1, sizeof(**out));
        (*out)[count++] = hook_from(o);
    }
    pthread_mutex_unlock(&h->lock);
    return count;
}
