#include <stdlib.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "config_priv.h"

static void put_list(struct json_object *o, const char *key, char *const *list, size_t count)
{
    struct json_object *array = json_new_array();
    for (size_t i = 0; i < count; i++)
        json_push_str(array, list[i]);
    json_put(o, key, array);
}

static void put_source(struct json_object *o, const char *key, const struct secret_ref *ref)
{
    scoped(freep) char *source = secret_describe(ref);
    json_put_str(o, key, source);
}

/* As a duration would be written: the largest unit that divides it. */
static void put_duration(struct json_object *o, const char *key, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *unit;
    } units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" } };
    scoped(freep) char *text = NULL;
    for (size_t i = 0; i < ARRAY_LEN(units) && !text; i++)
        if (ms % units[i].ms == 0 && ms >= units[i].ms)
            text = xasprintf("%lld%s", (long long)(ms / units[i].ms), units[i].unit);
    json_put_str(o, key, text ? text : "0s");
}

static struct json_object *show_webhook(const struct workspace_config *w)
{
    struct json_object *o = json_new_object();
    struct json_object *secrets = json_new_array();
    json_put_str(o, "preset", w->verify->preset);
    for (size_t i = 0; i < w->priv->nhooks; i++) {
        scoped(freep) char *source = secret_describe(&w->priv->hooks[i]);
        json_push_str(secrets, source);
    }
    json_put(o, "secrets", secrets);
    if (verify_signs_time(w->verify))
        put_duration(o, "tolerance", w->verify->tolerance_ms);
    return o;
}

static struct json_object *show_send(const struct config_send *s)
{
    struct json_object *o = json_new_object();
    json_put_int(o, "batch", (int64_t)s->batch);
    json_put_int(o, "max_in_flight", (int64_t)s->max_in_flight);
    put_duration(o, "give_up", s->give_up_ms);
    return o;
}

static struct json_object *show_overrides(const struct workspace_config *w)
{
    struct json_object *all = json_new_object();
    for (size_t i = 0; i < w->noverrides; i++) {
        const struct rule_override *r = &w->overrides[i];
        struct json_object *o = json_new_object();
        if (r->state >= 0)
            json_put_str(o, "state", rule_state_name((enum rule_state)r->state));
        if (r->hold_ms >= 0)
            put_duration(o, "hold", r->hold_ms);
        if (r->max_per_hour >= 0)
            json_put_int(o, "max_per_hour", r->max_per_hour);
        json_put(all, r->rule, o);
    }
    return all;
}

static struct json_object *show_fields(const struct workspace_config *w)
{
    struct json_object *o = json_new_object();
    for (enum field f = 0; f < FIELD_COUNT; f++)
        if (w->fields->field[f].own)
            put_list(o, field_name(f), w->fields->field[f].list, w->fields->field[f].count);
    return o;
}

static struct json_object *show_workspace(const struct workspace_config *w)
{
    struct json_object *o = json_new_object();
    json_put_str(o, "mode", workspace_mode_name(w->mode));
    json_put_str(o, "api_url", w->api_url);
    put_source(o, "api_key", &w->priv->api_key);
    json_put_str(o, "workspace_id", w->workspace_id);
    json_put(o, "webhook", show_webhook(w));
    put_list(o, "rules", w->rules, w->nrules);
    json_put(o, "overrides", show_overrides(w));
    put_list(o, "require_guards", w->require_guards, w->nrequire_guards);
    json_put(o, "fields", show_fields(w));
    json_put(o, "send", show_send(&w->send));
    put_duration(o, "hold", w->hold_ms);
    put_duration(o, "settle", w->settle_ms);
    json_put_int(o, "max_per_hour", w->max_per_hour);
    json_put_int(o, "max_marks_per_hour", w->max_marks_per_hour);
    put_duration(o, "capture", w->capture_ms);
    json_put_str(o, "look", w->look == LOOK_AUTO ? "auto" : "never");
    json_put_str(o, "confirm", w->confirm == CONFIRM_API ? "api" : "memory");
    return o;
}

static struct json_object *show_admin(const struct config_admin *a)
{
    struct json_object *o = json_new_object();
    json_put_str(o, "socket", a->socket);
    json_put_str(o, "group", a->group);
    json_put_str(o, "listen", a->listen);
    put_list(o, "open", a->open, a->nopen);
    return o;
}

struct json_object *config_show(const struct config *c, const char *workspace)
{
    struct json_object *o = json_new_object();
    struct json_object *all = json_new_object();
    json_put_str(o, "file", c->file);
    json_put_str(o, "listen", c->listen);
    json_put_str(o, "store", c->store);
    json_put_bool(o, "watch", c->watch);
    json_put_str(o, "prefilter", c->prefilter ? "on" : "off");
    json_put_int(o, "max_body", (int64_t)c->max_body);
    put_duration(o, "retention", c->retention_ms);
    json_put(o, "admin", show_admin(&c->admin));
    for (size_t i = 0; i < c->nworkspaces; i++)
        if (!workspace || config_workspace(c, workspace) == &c->workspaces[i])
            json_put(all, c->workspaces[i].name, show_workspace(&c->workspaces[i]));
    json_put(o, "workspaces", all);
    return o;
}
