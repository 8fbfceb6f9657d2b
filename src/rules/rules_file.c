/* One rule file: its sections, and a rule's or guard's keys. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rules/loader.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define MAX_PER_HOUR_MAX 1000000
#define REASON_BYTES_MAX 1000

bool rule_name_valid(const char *name)
{
    const size_t len = strlen(name);
    return len > 0 && len <= NAME_BYTES_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* ---- simple keys ----------------------------------------------------------------- */

static void bad_name(struct loader *l, const struct yaml_node *value, const char *name)
{
    char better[NAME_BYTES_MAX + 2];
    if (strlen(name) > NAME_BYTES_MAX)
        yaml_diag(l->diags, DIAG_ERROR, value, "a name has at most %d characters; this has %zu",
                  NAME_BYTES_MAX, strlen(name));
    else if (word_as_name(name, '-', NAME_BYTES_MAX, better))
        yaml_diag(l->diags, DIAG_ERROR, value,
                  "a name has small letters, digits and -, at most %d; '%s' has something else: "
                  "write '%s'",
                  NAME_BYTES_MAX, name, better);
    else
        yaml_diag(l->diags, DIAG_ERROR, value,
                  "a name has small letters, digits and -, at most %d; '%s' has something else",
                  NAME_BYTES_MAX, name);
}

static void on_name(struct loader *l, void *ctx, const struct yaml_node *value)
{
    struct rule *r = ctx;
    const char *name = loader_keep_text(l, value, "'name'");
    if (!name)
        return;
    r->name = name;
    r->place = loader_place(l, value);
    if (!rule_name_valid(name))
        bad_name(l, value, name);
    else if (strcmp(name, "no-match") == 0 || strcmp(name, "look") == 0)
        yaml_diag(l->diags, DIAG_ERROR, value, "'%s' has a meaning in tests; choose another name",
                  name);
}

static void on_about(struct loader *l, void *ctx, const struct yaml_node *value)
{
    ((struct rule *)ctx)->about = loader_keep_text(l, value, "'about'");
}

static void wrong_word(struct loader *l, const struct yaml_node *value, const char *right,
                       enum word_place place, const char *const *names, size_t count)
{
    scoped(buf_free) struct buf meant = BUF_INIT;
    const char *word = yaml_str(value, NULL);
    loader_meant(&meant, place, word, names, count);
    yaml_diag(l->diags, DIAG_ERROR, value, "%s, not '%s'%s", right, word, buf_str(&meant));
}

static void on_state(struct loader *l, void *ctx, const struct yaml_node *value)
{
    static const char *const states[] = { "live", "shadow", "draft" };
    struct rule *r = ctx;
    const char *word = loader_text(l, value, "'state'");
    if (!word)
        return;
    for (size_t i = 0; i < ARRAY_LEN(states); i++) {
        if (strcmp(word, states[i]) == 0) {
            r->state = (enum rule_state)i;
            return;
        }
    }
    if (strcmp(word, "off") == 0)
        yaml_diag(l->diags, DIAG_ERROR, value,
                  "'off' is for a workspace's overrides; in a rule file use draft, or delete the "
                  "rule");
    else
        wrong_word(l, value, "'state' is live, shadow or draft", WORD_STATE, states,
                   ARRAY_LEN(states));
}

static void on_then(struct loader *l, void *ctx, const struct yaml_node *value)
{
    static const char *const actions[] = { "mark-read", "keep" };
    struct rule *r = ctx;
    const char *word = loader_text(l, value, "'then'");
    if (!word)
        return;
    if (strcmp(word, "mark-read") == 0)
        r->then = THEN_MARK_READ;
    else if (strcmp(word, "keep") == 0)
        r->then = THEN_KEEP;
    else
        wrong_word(l, value, "'then' is mark-read or keep", WORD_THEN, actions, ARRAY_LEN(actions));
}

static void on_hold(struct loader *l, void *ctx, const struct yaml_node *value)
{
    struct rule *r = ctx;
    const char *text = loader_text(l, value, "'hold'");
    if (text && !duration_parse(text, &r->hold_ms))
        yaml_diag(l->diags, DIAG_ERROR, value,
                  "'hold' is a time such as 30s, 5m, 2h or 7d, not '%s'", text);
}

static void on_max_per_hour(struct loader *l, void *ctx, const struct yaml_node *value)
{
    loader_count(l, value, "'max_per_hour'", MAX_PER_HOUR_MAX, &((struct rule *)ctx)->max_per_hour);
}

static void on_labels(struct loader *l, void *ctx, const struct yaml_node *value)
{
    struct rule *r = ctx;
    if (yaml_kind(value) != YAML_MAP) {
        loader_wrong_kind(l, value, "'labels'", "a map of names and texts");
        return;
    }
    for (size_t i = 0; i < yaml_count(value); i++) {
        r->labels = arena_grow(l->arena, r->labels, r->nlabels, sizeof(*r->labels));
        r->labels[r->nlabels++] =
            (struct label){ .key = loader_keep_text(l, yaml_key(value, i), "a label's name"),
                            .value = loader_keep_text(l, yaml_value(value, i), "a label") };
    }
}

/* ---- days: both ends inclusive, in UTC --------------------------------------------- */

static void on_from(struct loader *l, void *ctx, const struct yaml_node *value)
{
    loader_day(l, value, "'from'", &((struct rule *)ctx)->active_from_ms);
}

static void on_active_until(struct loader *l, void *ctx, const struct yaml_node *value)
{
    int64_t day = 0;
    if (loader_day(l, value, "'until'", &day))
        ((struct rule *)ctx)->active_until_ms = day + DAY_MS;
}

static void on_active(struct loader *l, void *ctx, const struct yaml_node *value)
{
    static const struct key_handler keys[] = { { .name = "from", .fn = on_from },
                                               { .name = "until", .fn = on_active_until } };
    struct rule *r = ctx;
    if (yaml_kind(value) != YAML_MAP || yaml_count(value) == 0) {
        loader_wrong_kind(l, value, "'active'",
                          "a map with from, until or both (to turn a rule off: state: draft)");
        return;
    }
    loader_keys(l, value, keys, ARRAY_LEN(keys), "'active'", r);
    if (r->active_until_ms == 0)
        return;
    const struct yaml_node *until = yaml_get(value, "until");
    if (r->active_until_ms <= r->active_from_ms)
        yaml_diag(l->diags, DIAG_ERROR, until, "'until' is before 'from': never active");
    else if (r->active_until_ms <= l->src->now_ms)
        yaml_diag(l->diags, DIAG_WARNING, until,
                  "this ran out on %s: the rule is no longer active; delete it, or give it a later "
                  "day",
                  yaml_str(until, NULL));
}

/* ---- when and except ------------------------------------------------------------------ */

static void on_when(struct loader *l, void *ctx, const struct yaml_node *value)
{
    loader_condition(l, value, &((struct rule *)ctx)->when);
}

static void on_because(struct loader *l, struct exception *e, const struct yaml_node *value)
{
    e->because = loader_keep_text(l, value, "'because'");
}

static void on_except_until(struct loader *l, struct exception *e, const struct yaml_node *value)
{
    int64_t day = 0;
    if (!loader_day(l, value, "'until'", &day))
        return;
    e->until_ms = day + DAY_MS;
    if (e->until_ms <= l->src->now_ms)
        yaml_diag(l->diags, DIAG_WARNING, value,
                  "this exception ran out on %s and no longer holds; delete it, or give it a "
                  "later day",
                  yaml_str(value, NULL));
}

/* An exception is a condition with two more keys: they are told apart here, and the rest
 * is read pair by pair. */
static void read_exception(struct loader *l, const struct yaml_node *map, struct exception *e)
{
    *e = (struct exception){ .place = loader_place(l, map) };
    if (yaml_kind(map) != YAML_MAP) {
        loader_wrong_kind(l, map, "an exception", "a map");
        return;
    }
    size_t conditions = 0;
    for (size_t i = 0; i < yaml_count(map); i++) {
        const char *key = yaml_str(yaml_key(map, i), NULL);
        if (strcmp(key, "because") == 0)
            on_because(l, e, yaml_value(map, i));
        else if (strcmp(key, "until") == 0)
            on_except_until(l, e, yaml_value(map, i));
        else
            conditions++;
    }
    if (conditions == 0)
        yaml_diag(l->diags, DIAG_ERROR, map,
                  "this exception has no condition, so it would hold for every reply");
    else
        loader_except_condition(l, map, &e->cond);
}

static void on_except(struct loader *l, void *ctx, const struct yaml_node *value)
{
    struct rule *r = ctx;
    if (yaml_kind(value) != YAML_LIST || yaml_count(value) == 0) {
        loader_wrong_kind(l, value, "'except'", "a list of maps");
        return;
    }
    for (size_t i = 0; i < yaml_count(value); i++) {
        r->except = arena_grow(l->arena, r->except, r->nexcept, sizeof(*r->except));
        read_exception(l, yaml_item(value, i), &r->except[r->nexcept++]);
    }
}

static void on_tests(struct loader *l, void *ctx, const struct yaml_node *value)
{
    struct rule *r = ctx;
    loader_tests(l, value, r->name ? r->name : "", &r->tests, &r->ntests);
}

/* ---- a rule ------------------------------------------------------------------------------ */

static const struct key_handler rule_keys[] = {
    { .name = "name", .fn = on_name },
    { .name = "about", .fn = on_about },
    { .name = "state", .fn = on_state },
    { .name = "when", .fn = on_when },
    { .name = "except", .fn = on_except },
    { .name = "active", .fn = on_active },
    { .name = "then", .fn = on_then },
    { .name = "hold", .fn = on_hold },
    { .name = "max_per_hour", .fn = on_max_per_hour },
    { .name = "labels", .fn = on_labels },
    { .name = "tests", .fn = on_tests },
};

static const struct key_handler guard_keys[] = {
    { .name = "name", .fn = on_name },
    { .name = "about", .fn = on_about },
    { .name = "when", .fn = on_when },
    { .name = "except", .fn = on_except },
    { .name = "active", .fn = on_active },
    { .name = "labels", .fn = on_labels },
    { .name = "tests", .fn = on_tests },
    { .name = "state", .refusal = "a guard has no state: it is always live" },
    { .name = "then", .refusal = "a guard has no 'then': it always keeps" },
    { .name = "hold", .refusal = "a guard has no 'hold': it never marks" },
    { .name = "max_per_hour", .refusal = "a guard has no 'max_per_hour': it never marks" },
};

static const struct rule *known_rule(const struct rule *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].name && strcmp(list[i].name, name) == 0)
            return &list[i];
    return NULL;
}

/* True when another key of the rule was meant to be this one, which was said there. */
static bool meant(const struct yaml_node *map, const char *name)
{
    for (size_t i = 0; i < yaml_count(map); i++) {
        const char *written = yaml_str(yaml_key(map, i), NULL);
        const char *names[ARRAY_LEN(rule_keys)];
        bool known = false;
        for (size_t k = 0; k < ARRAY_LEN(rule_keys); k++) {
            names[k] = rule_keys[k].name;
            known |= strcmp(written, names[k]) == 0;
        }
        const char *advice = word_advice(WORD_RULE_KEY, written);
        const char *near = advice ? NULL : yaml_nearest(written, names, ARRAY_LEN(names));
        if (known)
            continue;
        if ((near && strcmp(near, name) == 0) || (advice && strstr(advice, name)) ||
            (strncmp(written, name, strlen(name)) == 0 && strchr(written, ':')))
            return true;
    }
    return false;
}

static void check_rule(struct loader *l, const struct yaml_node *map, const struct rule *r)
{
    const char *const what = r->guard ? "guard" : "rule";
    if (!yaml_get(map, "name") && !meant(map, "name"))
        yaml_diag(l->diags, DIAG_ERROR, map, "this %s has no name", what);
    if (!yaml_get(map, "when") && !meant(map, "when"))
        yaml_diag(l->diags, DIAG_ERROR, map, "this %s has no 'when'", what);
    if (r->then == THEN_KEEP && !r->guard && (r->hold_ms >= 0 || r->max_per_hour >= 0))
        yaml_diag(l->diags, DIAG_WARNING, map,
                  "this rule keeps, so hold and max_per_hour mean nothing");
    if (!r->name)
        return;
    const struct rule *other = known_rule(l->rs->guards, l->rs->nguards, r->name);
    if (!other)
        other = known_rule(l->rs->rules, l->rs->nrules, r->name);
    if (other)
        yaml_diag(l->diags, DIAG_ERROR, yaml_get(map, "name"), "the name '%s' is taken, at %s:%u",
                  r->name, other->place.file, other->place.line);
}

static void read_rule(struct loader *l, const struct yaml_node *map, bool guard)
{
    struct ruleset *rs = l->rs;
    struct rule r = { .place = loader_place(l, map),
                      .guard = guard,
                      .then = guard ? THEN_KEEP : THEN_MARK_READ,
                      .hold_ms = -1,
                      .max_per_hour = -1 };
    if (yaml_kind(map) != YAML_MAP) {
        loader_wrong_kind(l, map, guard ? "a guard" : "a rule", "a map");
        return;
    }
    const size_t errors = l->diags->errors;
    /* The name first: tests speak of it wherever it is written. */
    const struct yaml_node *name = yaml_get(map, "name");
    if (name && yaml_kind(name) == YAML_SCALAR)
        r.name = arena_strdup(l->arena, yaml_str(name, NULL));
    if (guard)
        loader_keys(l, map, guard_keys, ARRAY_LEN(guard_keys), "a guard", &r);
    else
        loader_keys(l, map, rule_keys, ARRAY_LEN(rule_keys), "a rule", &r);
    check_rule(l, map, &r);
    r.broken = l->diags->errors > errors;

    struct rule **list = guard ? &rs->guards : &rs->rules;
    size_t *count = guard ? &rs->nguards : &rs->nrules;
    *list = arena_grow(l->arena, *list, *count, sizeof(**list));
    (*list)[(*count)++] = r;
}

static void read_rules(struct loader *l, const struct yaml_node *list, bool guard)
{
    if (yaml_kind(list) != YAML_LIST) {
        loader_wrong_kind(l, list, guard ? "'guards'" : "'rules'", "a list of maps");
        return;
    }
    for (size_t i = 0; i < yaml_count(list); i++) {
        if (l->rs->nguards + l->rs->nrules >= RULES_MAX) {
            yaml_diag(l->diags, DIAG_ERROR, yaml_item(list, i), "more than %d rules", RULES_MAX);
            return;
        }
        read_rule(l, yaml_item(list, i), guard);
    }
}

static void on_guards(struct loader *l, void *ctx, const struct yaml_node *value)
{
    (void)ctx;
    read_rules(l, value, true);
}

static void on_rules(struct loader *l, void *ctx, const struct yaml_node *value)
{
    (void)ctx;
    read_rules(l, value, false);
}

static void on_define_done(struct loader *l, void *ctx, const struct yaml_node *value)
{
    (void)l;
    (void)ctx;
    (void)value; /* read ahead, see below */
}

void loader_rule_file(struct loader *l, const struct yaml_node *root)
{
    static const struct key_handler keys[] = {
        { .name = "define", .fn = on_define_done },
        { .name = "guards", .fn = on_guards },
        { .name = "rules", .fn = on_rules },
    };
    if (yaml_kind(root) != YAML_MAP) {
        loader_wrong_kind(l, root, "a rule file",
                          yaml_kind(root) == YAML_LIST
                              ? "a map with define, guards or rules (put 'rules:' above this list)"
                              : "a map with define, guards or rules");
        return;
    }
    /* Groups first, wherever they stand: order of keys means nothing in a map. */
    const struct yaml_node *define = yaml_get(root, "define");
    if (define)
        loader_define(l, NULL, define);
    loader_keys(l, root, keys, ARRAY_LEN(keys), "a rule file", NULL);
}
