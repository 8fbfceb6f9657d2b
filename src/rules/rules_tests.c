/* The tests that stand beside a rule, or in a *.test.yaml file. */
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "rules/loader.h"

/* One test while it is read. */
struct test_ctx {
    struct rule_test *test;
    const char *rule; /* whose test it is; NULL in a test file */
    bool expects;     /* expect or kept-by was given */
    bool owned;       /* of was given */
};

static void add_ref(struct loader *l, const struct yaml_node *n, const char *name,
                    enum ref_kind kind)
{
    l->refs = arena_grow(l->arena, l->refs, l->nrefs, sizeof(*l->refs));
    l->refs[l->nrefs++] =
        (struct name_ref){ .place = loader_place(l, n), .name = name, .kind = kind };
}

static bool first_expectation(struct loader *l, struct test_ctx *t, const struct yaml_node *n)
{
    if (t->expects)
        yaml_diag(l->diags, DIAG_ERROR, n, "a test has one of 'expect' and 'kept-by', not both");
    const bool first = !t->expects;
    t->expects = true;
    return first;
}

static void expect_name(struct loader *l, struct test_ctx *t, const struct yaml_node *value,
                        const char *name)
{
    t->test->expect = EXPECT_KEPT_BY;
    t->test->other = name;
    add_ref(l, value, name, REF_KEPT_BY);
}

static void expect_kept_by(struct loader *l, struct test_ctx *t, const struct yaml_node *value)
{
    const char *name = loader_keep_text(l, value, "'kept-by'");
    if (name)
        expect_name(l, t, value, name);
}

static void on_kept_by(struct loader *l, void *ctx, const struct yaml_node *value)
{
    if (first_expectation(l, ctx, value))
        expect_kept_by(l, ctx, value);
}

static void on_nested_kept_by(struct loader *l, void *ctx, const struct yaml_node *value)
{
    expect_kept_by(l, ctx, value);
}

static void expect_word(struct loader *l, struct test_ctx *t, const struct yaml_node *value)
{
    const char *word = loader_keep_text(l, value, "'expect'");
    const size_t prefix = strlen("kept-by:");
    if (!word)
        return;
    if (strncmp(word, "kept-by:", prefix) == 0) { /* in quotes: 'kept-by: NAME' */
        expect_name(l, t, value, word + prefix + strspn(word + prefix, " "));
    } else if (strcmp(word, "no-match") == 0) {
        t->test->expect = EXPECT_NO_MATCH;
    } else if (strcmp(word, "keep") == 0) {
        t->test->expect = EXPECT_KEPT;
    } else if (strcmp(word, "look") == 0) {
        t->test->expect = EXPECT_LOOK;
    } else if (t->rule && !t->test->of && strcmp(word, t->rule) == 0) {
        t->test->expect = EXPECT_THIS;
    } else {
        t->test->expect = EXPECT_RULE;
        t->test->other = word;
        add_ref(l, value, word, REF_EXPECT);
    }
}

static void on_expect(struct loader *l, void *ctx, const struct yaml_node *value)
{
    static const struct key_handler keys[] = { { .name = "kept-by", .fn = on_nested_kept_by } };
    if (!first_expectation(l, ctx, value))
        return;
    if (yaml_kind(value) == YAML_MAP && yaml_count(value) == 0)
        loader_wrong_kind(l, value, "'expect'", "a rule, no-match, look or {kept-by: NAME}");
    else if (yaml_kind(value) == YAML_MAP)
        loader_keys(l, value, keys, ARRAY_LEN(keys), "'expect'", ctx);
    else
        expect_word(l, ctx, value);
}

static void on_of(struct loader *l, void *ctx, const struct yaml_node *value)
{
    struct test_ctx *t = ctx;
    const char *name = loader_keep_text(l, value, "'of'");
    t->owned = true;
    if (!name)
        return;
    t->test->of = name;
    add_ref(l, value, name, REF_OF);
    if (t->expects && t->test->expect == EXPECT_THIS) { /* the rule beside which it stands */
        t->test->expect = EXPECT_RULE;
        t->test->other = t->rule;
    }
}

static void add_field(struct loader *l, struct rule_test *t, const struct field_ref *ref,
                      const char *value)
{
    t->fields = arena_grow(l->arena, t->fields, t->nfields, sizeof(*t->fields));
    t->fields[t->nfields++] =
        (struct rule_test_field){ .ref = *ref, .value = value, .unknown = !value };
}

static void add_unknown(struct loader *l, struct rule_test *t, const struct yaml_node *n)
{
    struct field_ref ref = { .name = NULL };
    if (!loader_text(l, n, "'unknown'") || !loader_field(l, n, NULL, 0, &ref))
        return;
    if (ref.field == FIELD_POINTER)
        yaml_diag(l->diags, DIAG_ERROR, n, "only named fields can be unknown, not JSON pointers");
    else
        add_field(l, t, &ref, NULL);
}

static void on_unknown(struct loader *l, void *ctx, const struct yaml_node *value)
{
    struct test_ctx *t = ctx;
    if (yaml_kind(value) != YAML_LIST) {
        add_unknown(l, t->test, value);
        return;
    }
    for (size_t i = 0; i < yaml_count(value); i++)
        add_unknown(l, t->test, yaml_item(value, i));
}

static void on_now(struct loader *l, void *ctx, const struct yaml_node *value)
{
    struct test_ctx *t = ctx;
    int64_t at = 0;
    const char *text = loader_keep_text(l, value, "'now'");
    if (text && !clock_parse(text, &at))
        yaml_diag(l->diags, DIAG_ERROR, value,
                  "'now' is a day such as 2026-08-01, or a time such as 2026-08-01T09:00:00Z");
    else
        t->test->now = text;
}

static void test_value(struct loader *l, struct rule_test *t, const struct field_ref *ref,
                       const struct yaml_node *n)
{
    bool flag = false;
    if (yaml_kind(n) != YAML_SCALAR) {
        loader_wrong_kind(l, n, "a test's field", "a text");
        return;
    }
    if (ref->field == FIELD_AUTO_REPLY && !loader_bool(l, n, "auto_reply", &flag))
        return;
    if (yaml_comment_follows(n))
        yaml_diag_at(l->diags, DIAG_WARNING, n, strlen(yaml_str(n, NULL)),
                     "the text ends here, for ' #' begins a comment; single quotes keep it whole");
    add_field(l, t, ref, arena_strdup(l->arena, yaml_str(n, NULL)));
}

static const char *const test_keys[] = { "expect", "kept-by", "of", "unknown", "now" };

static void on_field(struct loader *l, struct rule_test *t, const struct yaml_node *key,
                     const struct yaml_node *value)
{
    struct field_ref ref = { .name = NULL };
    if (!loader_field(l, key, test_keys, ARRAY_LEN(test_keys), &ref))
        return;
    if (yaml_kind(value) != YAML_LIST) {
        test_value(l, t, &ref, value);
        return;
    }
    if (ref.field != FIELD_TAGS) {
        yaml_diag(l->diags, DIAG_ERROR, value, "only 'tags' has several values, '%s' has one",
                  ref.name);
        return;
    }
    for (size_t i = 0; i < yaml_count(value); i++)
        test_value(l, t, &ref, yaml_item(value, i));
}

static key_fn *const test_handlers[] = { on_expect, on_kept_by, on_of, on_unknown, on_now };

/* A field both given and unknown: which is meant? */
static void refuse_contradictions(struct loader *l, const struct rule_test *t,
                                  const struct yaml_node *map)
{
    for (size_t i = 0; i < t->nfields; i++)
        for (size_t k = 0; k < t->nfields; k++)
            if (t->fields[i].unknown && !t->fields[k].unknown &&
                strcmp(t->fields[i].ref.name, t->fields[k].ref.name) == 0)
                yaml_diag(l->diags, DIAG_ERROR, map, "this test gives '%s' and calls it unknown",
                          t->fields[i].ref.name);
}

static void read_test(struct loader *l, const struct yaml_node *map, const char *rule,
                      struct rule_test *out)
{
    struct test_ctx ctx = { .test = out, .rule = rule };
    const size_t errors = l->diags->errors;
    *out = (struct rule_test){ .place = loader_place(l, map), .expect = EXPECT_THIS };
    if (yaml_kind(map) != YAML_MAP) {
        loader_wrong_kind(l, map, "a test", "a map of fields");
        return;
    }
    for (size_t i = 0; i < yaml_count(map); i++) {
        const struct yaml_node *key = yaml_key(map, i);
        size_t k = 0;
        while (k < ARRAY_LEN(test_keys) && strcmp(test_keys[k], yaml_str(key, NULL)) != 0)
            k++;
        if (k < ARRAY_LEN(test_keys))
            test_handlers[k](l, &ctx, yaml_value(map, i));
        else
            on_field(l, out, key, yaml_value(map, i));
    }
    refuse_contradictions(l, out, map);
    if (out->nfields == 0 && l->diags->errors == errors)
        yaml_diag(l->diags, DIAG_ERROR, map, "a test needs at least one field");
    if (!rule && !ctx.expects && !ctx.owned)
        yaml_diag(l->diags, DIAG_ERROR, map,
                  "a test in a test file says what it expects: expect: RULE, expect: no-match, "
                  "expect: keep or kept-by: NAME; or of which rule it is: of: RULE");
}

void loader_tests(struct loader *l, const struct yaml_node *list, const char *rule,
                  struct rule_test **tests, size_t *ntests)
{
    if (yaml_kind(list) != YAML_LIST) {
        loader_wrong_kind(l, list, "'tests'", "a list of maps");
        return;
    }
    for (size_t i = 0; i < yaml_count(list); i++) {
        *tests = arena_grow(l->arena, *tests, *ntests, sizeof(**tests));
        read_test(l, yaml_item(list, i), rule, &(*tests)[(*ntests)++]);
    }
}
