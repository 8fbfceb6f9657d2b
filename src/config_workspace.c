#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "config_priv.h"
#include "rules/words.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define DAY (INT64_C(86400) * SECOND)
#define RATE_MAX INT64_C(1000000000)

void workspace_init(struct workspace_config *w, struct arena *a, const char *name)
{
    *w = (struct workspace_config){
        .name = arena_strdup(a, name),
        .mode = MODE_LIVE,
        .api_url = arena_strdup(a, "https://api.sendkit.ai"),
        .fields = field_map_new(),
        .send = { .batch = 100, .max_in_flight = 1, .give_up_ms = 3 * DAY },
        .hold_ms = 0,
        .settle_ms = 5 * MINUTE,
        .max_per_hour = 50000,
        .max_marks_per_hour = 50000,
        .capture_ms = 14 * DAY,
        .look = LOOK_AUTO,
        .confirm = CONFIRM_API,
        .priv = arena_alloc(a, sizeof(struct workspace_private)),
    };
    pthread_mutex_init(&w->priv->lock, NULL);
}

void workspace_done(struct workspace_config *w)
{
    verify_scheme_free(w->verify);
    field_map_free(w->fields);
    if (!w->priv)
        return;
    workspace_secrets_unref(w->priv->secrets);
    pthread_mutex_destroy(&w->priv->lock);
}

/* ---- one function for each key that is more than a value ----------------------------------- */

static void read_mode(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct error err = ERROR_INIT;
    struct workspace_config *w = into;
    const char *text = read_text(r, name, v);
    if (text && value_mode(text, &w->mode, &err) < 0)
        read_error(r, name, v, "%s", err.msg);
}

static void read_api_url(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct error err = ERROR_INIT;
    struct workspace_config *w = into;
    char *text = read_text(r, name, v);
    if (!text)
        return;
    if (value_api_url(text, &err) < 0)
        read_error_hidden(r, name, v, "%s", err.msg);
    else
        w->api_url = text;
}

static void read_api_key(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct workspace_config *w = into;
    read_secret(r, name, v, false, &w->priv->api_key);
}

static void read_workspace_id(struct reader *r, const char *name, const struct yaml_node *v,
                              void *into)
{
    struct workspace_config *w = into;
    char *text = read_text(r, name, v);
    if (!text)
        return;
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c >= 0x7F) {
            read_error(r, name, v, "an id is one word of visible ASCII characters");
            return;
        }
    w->workspace_id = text;
}

static void read_rules(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct workspace_config *w = into;
    struct strings got;
    if (!read_paths(r, name, v, &got))
        return;
    w->rules = got.list;
    w->nrules = got.count;
}

static void read_guards(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct workspace_config *w = into;
    struct strings got;
    if (!read_texts(r, name, v, &got))
        return;
    w->require_guards = got.list;
    w->nrequire_guards = got.count;
    w->require_places = arena_array(r->arena, got.count + 1, sizeof(*w->require_places));
    for (size_t i = 0; i < got.count; i++)
        w->require_places[i] = read_place(r, yaml_kind(v) == YAML_LIST ? yaml_item(v, i) : v);
}

static void read_look(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    static const char *const names[] = { "auto", "never" };
    const int n = read_choice(r, name, v, names, ARRAY_LEN(names));
    if (n >= 0)
        ((struct workspace_config *)into)->look = (enum look_mode)n;
}

static void read_confirm(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    static const char *const names[] = { "api", "memory" };
    const int n = read_choice(r, name, v, names, ARRAY_LEN(names));
    if (n >= 0)
        ((struct workspace_config *)into)->confirm = (enum confirm_mode)n;
}

static const struct key send_list[] = {
    { "batch", KEY_COUNT, offsetof(struct config_send, batch), 1, 5000, NULL },
    { "max_in_flight", KEY_COUNT, offsetof(struct config_send, max_in_flight), 1, 16, NULL },
    { "give_up", KEY_DURATION, offsetof(struct config_send, give_up_ms), MINUTE, 365 * DAY, NULL },
};
static const struct key_set send_keys = { "send", send_list, ARRAY_LEN(send_list), NULL };

static void read_send(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    (void)name;
    read_map(r, &send_keys, v, &((struct workspace_config *)into)->send);
}

static const struct key capture_list[] = {
    { "events", KEY_DURATION, offsetof(struct workspace_config, capture_ms), MINUTE, 365 * DAY,
      NULL },
};
static const struct key_set capture_keys = { "capture", capture_list, 1, NULL };

void workspace_capture(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct workspace_config *w = into;
    if (yaml_kind(v) != YAML_SCALAR)
        read_map(r, &capture_keys, v, w);
    else if (strcmp(yaml_str(v, NULL), "off") == 0)
        w->capture_ms = 0;
    else
        read_error(r, name, v, "off, or a map as {events: 14d}, is wanted here");
}

/* workspace is no field of the event, so nothing can say where it stands. */
static void no_such_field(struct reader *r, const char *name, const struct yaml_node *key)
{
    const char *written = yaml_str(key, NULL);
    const char *names[FIELD_COUNT];
    scoped(buf_free) struct buf all = BUF_INIT;
    size_t n = 0;
    for (enum field f = 0; f < FIELD_COUNT; f++)
        if (f != FIELD_WORKSPACE)
            names[n++] = field_name(f);
    for (size_t i = 0; i < n; i++)
        buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    const char *near = yaml_nearest(written, names, n);
    const char *advice = word_advice(WORD_CONDITION, written);
    if (advice)
        read_error(r, name, key, "there is no field '%s'; %s", written, advice);
    else if (near)
        read_error(r, name, key, "there is no field '%s'; did you mean '%s'?", written, near);
    else
        read_error(r, name, key, "there is no field '%s'; it can be %s", written, buf_str(&all));
}

static void read_field(struct reader *r, const char *name, enum field f, const struct yaml_node *v,
                       struct workspace_config *w)
{
    struct error err = ERROR_INIT;
    struct strings got;
    if (!read_texts(r, field_name(f), v, &got))
        return;
    if (field_map_set(w->fields, f, (const char *const *)got.list, got.count, &err) < 0)
        read_error(r, name, v, "%s", err.msg);
}

static void read_fields(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    if (yaml_kind(v) != YAML_MAP) {
        read_error(r, name, v, "a map is wanted here, as {reply: [/data/body/plain]}");
        return;
    }
    for (size_t i = 0; i < yaml_count(v); i++) {
        const struct yaml_node *key = yaml_key(v, i);
        const enum field f = field_by_name(yaml_str(key, NULL));
        if (f == FIELD_COUNT)
            no_such_field(r, name, key);
        else
            read_field(r, name, f, yaml_value(v, i), into);
    }
}

/* ---- overrides --------------------------------------------------------------------------------
 */

static void override_state(struct reader *r, const char *name, const struct yaml_node *v,
                           void *into)
{
    static const char *const names[] = { "live", "shadow", "draft", "off" };
    const int n = read_choice(r, name, v, names, ARRAY_LEN(names));
    if (n >= 0)
        ((struct rule_override *)into)->state = n; /* in the order of enum rule_state */
}

static const struct key override_list[] = {
    { "state", KEY_CUSTOM, 0, 0, 0, override_state },
    { "hold", KEY_DURATION, offsetof(struct rule_override, hold_ms), 0, 30 * DAY, NULL },
    { "max_per_hour", KEY_RATE, offsetof(struct rule_override, max_per_hour), 0, RATE_MAX, NULL },
};
static const struct key_set override_keys = { "an override", override_list,
                                              ARRAY_LEN(override_list), NULL };

/* A workspace's own word replaces that of the defaults. */
static struct rule_override *override_of(struct reader *r, struct workspace_config *w,
                                         const char *rule)
{
    for (size_t i = 0; i < w->noverrides; i++)
        if (strcmp(w->overrides[i].rule, rule) == 0)
            return &w->overrides[i];
    w->overrides = arena_grow(r->arena, w->overrides, w->noverrides, sizeof(*w->overrides));
    return &w->overrides[w->noverrides++];
}

static void read_overrides(struct reader *r, const char *name, const struct yaml_node *v,
                           void *into)
{
    struct workspace_config *w = into;
    if (yaml_kind(v) != YAML_MAP) {
        read_error(r, name, v, "a map is wanted here, as {opt-out: off}");
        return;
    }
    for (size_t i = 0; i < yaml_count(v); i++) {
        const char *rule = arena_strdup(r->arena, yaml_str(yaml_key(v, i), NULL));
        struct rule_override *o = override_of(r, w, rule);
        *o = (struct rule_override){ .rule = rule,
                                     .state = -1,
                                     .hold_ms = -1,
                                     .max_per_hour = -1,
                                     .place = read_place(r, yaml_key(v, i)) };
        if (yaml_kind(yaml_value(v, i)) == YAML_SCALAR)
            override_state(r, rule, yaml_value(v, i), o);
        else
            read_map(r, &override_keys, yaml_value(v, i), o);
    }
}

/* ---- all keys -----------------------------------------------------------------------------------
 */

static const struct key list[] = {
    { "mode", KEY_CUSTOM, 0, 0, 0, read_mode },
    { "api_url", KEY_CUSTOM, 0, 0, 0, read_api_url },
    { "api_key", KEY_CUSTOM, 0, 0, 0, read_api_key },
    { "workspace_id", KEY_CUSTOM, 0, 0, 0, read_workspace_id },
    { "webhook", KEY_CUSTOM, 0, 0, 0, read_webhook },
    { "verify", KEY_CUSTOM, 0, 0, 0, read_verify },
    { "rules", KEY_CUSTOM, 0, 0, 0, read_rules },
    { "overrides", KEY_CUSTOM, 0, 0, 0, read_overrides },
    { "require_guards", KEY_CUSTOM, 0, 0, 0, read_guards },
    { "fields", KEY_CUSTOM, 0, 0, 0, read_fields },
    { "send", KEY_CUSTOM, 0, 0, 0, read_send },
    { "hold", KEY_DURATION, offsetof(struct workspace_config, hold_ms), 0, 30 * DAY, NULL },
    { "settle", KEY_DURATION, offsetof(struct workspace_config, settle_ms), 0, DAY, NULL },
    { "max_per_hour", KEY_RATE, offsetof(struct workspace_config, max_per_hour), 0, RATE_MAX,
      NULL },
    { "max_marks_per_hour", KEY_RATE, offsetof(struct workspace_config, max_marks_per_hour), 0,
      RATE_MAX, NULL },
    { "capture", KEY_CUSTOM, 0, 0, 0, workspace_capture },
    { "look", KEY_CUSTOM, 0, 0, 0, read_look },
    { "confirm", KEY_CUSTOM, 0, 0, 0, read_confirm },
};

const struct key_set workspace_keys = { "a workspace (or defaults)", list, ARRAY_LEN(list),
                                        &top_keys };
