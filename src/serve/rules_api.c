#include "serve/rules_api.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/json.h"

struct json_object *rules_to_json(const struct ruleset *rules)
{
    struct json_object *o = json_new_object();
    struct json_object *files = json_new_array();
    json_put_str(o, "version", rules->version);
    for (size_t i = 0; i < rules->nfiles; i++) {
        struct json_object *f = json_new_object();
        json_put_str(f, "path", rules->files[i].path);
        json_put_str(f, "bytes", rules->files[i].bytes);
        json_push(files, f);
    }
    json_put(o, "files", files);
    return o;
}

void rules_put_overrides(struct json_object *o, const struct rule_override *list, size_t n)
{
    struct json_object *overrides = json_new_array();
    for (size_t i = 0; i < n; i++) {
        struct json_object *one = json_new_object();
        json_put_str(one, "rule", list[i].rule);
        if (list[i].state >= 0)
            json_put_str(one, "state", rule_state_name((enum rule_state)list[i].state));
        json_put_int(one, "hold_ms", list[i].hold_ms);
        json_put_int(one, "max_per_hour", list[i].max_per_hour);
        json_push(overrides, one);
    }
    json_put(o, "overrides", overrides);
}

static int state_by_name(const char *name)
{
    for (int s = RULE_LIVE; name && s <= RULE_OFF; s++)
        if (strcmp(rule_state_name((enum rule_state)s), name) == 0)
            return s;
    return -1;
}

static void read_files(const struct json_object *files, struct rules_kept *out)
{
    out->nfiles = json_count(files);
    out->files = xcalloc(out->nfiles, sizeof(*out->files));
    for (size_t i = 0; i < out->nfiles; i++) {
        const struct json_object *f = json_item(files, i);
        const char *path = json_str(json_get(f, "path"), NULL);
        const char *bytes = json_str(json_get(f, "bytes"), &out->files[i].len);
        out->files[i].path = path ? path : "";
        out->files[i].bytes = bytes ? bytes : "";
    }
}

static void read_overrides(const struct json_object *list, struct rules_kept *out)
{
    out->noverrides = json_count(list);
    out->overrides = xcalloc(out->noverrides, sizeof(*out->overrides));
    for (size_t i = 0; i < out->noverrides; i++) {
        const struct json_object *one = json_item(list, i);
        struct rule_override *to = &out->overrides[i];
        const char *rule = json_str(json_get(one, "rule"), NULL);
        *to =
            (struct rule_override){ .rule = rule ? rule : "",
                                    .state = state_by_name(json_str(json_get(one, "state"), NULL)),
                                    .hold_ms = -1,
                                    .max_per_hour = -1 };
        (void)json_int(json_get(one, "hold_ms"), &to->hold_ms);
        (void)json_int(json_get(one, "max_per_hour"), &to->max_per_hour);
    }
}

int rules_from_json(const struct json_object *o, struct rules_kept *out, struct error *err)
{
    *out = (struct rules_kept){ .files = NULL };
    if (json_kind(json_get(o, "files")) != JSON_ARRAY)
        return error_set(err, ERR_INPUT, "there are no files in this rule set");
    read_files(json_get(o, "files"), out);
    read_overrides(json_get(o, "overrides"), out);
    return 0;
}

void rules_kept_done(struct rules_kept *k)
{
    free(k->files);
    free(k->overrides);
    *k = (struct rules_kept){ .files = NULL };
}
