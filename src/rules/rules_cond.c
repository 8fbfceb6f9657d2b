/* Conditions: `when`, what stands in `except`, and the questions asked of a field. */
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "rules/loader.h"
#include "rules/match.h"

static const char *const group_names[] = { "all", "any", "not", "because", "until" };
#define GROUPS 3 /* the rest only in an exception */

/* ---- value forms ----------------------------------------------------------------- */

static void add_alternative(struct loader *l, struct cond *c, const struct alternative *alt)
{
    c->alternatives =
        arena_grow(l->arena, c->alternatives, c->nalternatives, sizeof(*c->alternatives));
    c->alternatives[c->nalternatives++] = *alt;
}

static bool literal(struct loader *l, const struct yaml_node *n, const char *text, size_t len,
                    struct alternative *alt)
{
    scoped(buf_free) struct buf folded = BUF_INIT;
    literal_fold(&folded, text, len);
    if (folded.len == 0) {
        yaml_diag(l->diags, DIAG_ERROR, n,
                  "nothing is left of this text to compare; for an empty field write present: "
                  "false");
        return false;
    }
    alt->source = arena_text(l->arena, text, len);
    alt->literal = arena_text(l->arena, folded.data, folded.len);
    alt->literal_len = folded.len;
    return true;
}

static bool literal_scalar(struct loader *l, const struct yaml_node *n, struct alternative *alt)
{
    const char *text = loader_text(l, n, "a text of 'is'");
    if (!text)
        return false;
    if (yaml_comment_follows(n))
        yaml_diag_at(l->diags, DIAG_WARNING, n, strlen(text),
                     "the text ends here, for ' #' begins a comment; single quotes keep it whole");
    alt->place = loader_place(l, n);
    return literal(l, n, text, strlen(text), alt);
}

typedef bool alternative_fn(struct loader *l, const struct yaml_node *n, struct alternative *alt);

static bool pattern_scalar(struct loader *l, const struct yaml_node *n, struct alternative *alt)
{
    return loader_pattern(l, n, false, alt);
}

static bool whole_scalar(struct loader *l, const struct yaml_node *n, struct alternative *alt)
{
    return loader_pattern(l, n, true, alt);
}

static bool one_or_many(struct loader *l, const struct yaml_node *n, alternative_fn *read,
                        struct cond *c)
{
    struct alternative alt = { .source = NULL };
    bool fine = true;
    if (yaml_kind(n) != YAML_LIST) {
        fine = read(l, n, &alt);
        if (fine)
            add_alternative(l, c, &alt);
        return fine;
    }
    if (yaml_count(n) == 0) {
        yaml_diag(l->diags, DIAG_ERROR, n, "an empty list never matches");
        return false;
    }
    for (size_t i = 0; i < yaml_count(n); i++) {
        alt = (struct alternative){ .source = NULL };
        if (!read(l, yaml_item(n, i), &alt))
            fine = false;
        else
            add_alternative(l, c, &alt);
    }
    return fine;
}

/* A list file: a literal a line; blank lines and those that begin with # are skipped. */
static bool list_lines(struct loader *l, const struct yaml_node *n, const struct rule_file *f,
                       struct cond *c)
{
    unsigned line = 0;
    const char *const end = f->bytes + f->len;
    for (const char *at = f->bytes; at < end;) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        const char *const stop = feed ? feed : end;
        scoped(buf_free) struct buf folded = BUF_INIT;
        line++;
        if (*at != '#')
            literal_fold(&folded, at, (size_t)(stop - at));
        if (folded.len > 0 && strspn(folded.data, " \r") < folded.len) {
            struct alternative alt = { .place = { .file = f->path, .line = line, .col = 1 } };
            if (c->nalternatives >= LIST_ENTRIES_MAX) {
                yaml_diag(l->diags, DIAG_ERROR, n, "the list has more than %d entries",
                          LIST_ENTRIES_MAX);
                return false;
            }
            if (literal(l, n, at, (size_t)(stop - at) - (stop > at && stop[-1] == '\r'), &alt))
                add_alternative(l, c, &alt);
        }
        at = stop + 1;
    }
    return true;
}

static bool leaves_folder(const char *name)
{
    for (const char *p = strstr(name, ".."); p; p = strstr(p + 2, ".."))
        if ((p == name || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
            return true;
    return false;
}

static bool list_file(struct loader *l, const struct yaml_node *n, struct cond *c)
{
    if (yaml_kind(n) == YAML_LIST) {
        yaml_diag(l->diags, DIAG_ERROR, n,
                  "'in' names a file with one text a line; for texts themselves write is: [...]");
        return false;
    }
    const char *name = loader_keep_text(l, n, "the list file of 'in'");
    if (!name)
        return false;
    if (rules_name_is_yaml(name) || rules_name_is_test(name)) {
        yaml_diag(l->diags, DIAG_ERROR, n,
                  "a list file holds one text a line and is no YAML file; call it .txt or .list");
        return false;
    }
    if (leaves_folder(name)) {
        yaml_diag(
            l->diags, DIAG_ERROR, n,
            "a list file lies beside the rule file or below its folder; '..' leads out of it");
        return false;
    }
    struct error err = ERROR_INIT;
    scoped(freep) char *path = loader_beside(l, name);
    const struct rule_file *f = loader_read(l, path, &err);
    size_t bad = 0;
    if (!f) {
        yaml_diag(l->diags, DIAG_ERROR, n, "%s%s", err.msg,
                  strpbrk(name, "/") || strstr(name, ".txt") || strstr(name, ".list")
                      ? ""
                      : "; 'in' names a file with one text a line, for a text itself write is:");
        return false;
    }
    if (!utf8_valid(f->bytes, f->len, &bad)) {
        yaml_diag(l->diags, DIAG_ERROR, n, "'%s' is not UTF-8 (byte %zu)", path, bad + 1);
        return false;
    }
    c->list_file = name;
    if (!list_lines(l, n, f, c))
        return false;
    if (c->nalternatives == 0)
        yaml_diag(l->diags, DIAG_WARNING, n, "'%s' has no entries, so this never matches", path);
    return true;
}

/* ---- the forms by their keys --------------------------------------------------------- */

static bool form_is(struct loader *l, const struct yaml_node *n, struct cond *c)
{
    c->test = TEST_IS;
    return one_or_many(l, n, literal_scalar, c);
}

static bool form_whole(struct loader *l, const struct yaml_node *n, struct cond *c)
{
    c->test = TEST_WHOLE;
    return one_or_many(l, n, whole_scalar, c);
}

static bool form_in(struct loader *l, const struct yaml_node *n, struct cond *c)
{
    c->test = TEST_IN;
    return list_file(l, n, c);
}

static bool form_max_chars(struct loader *l, const struct yaml_node *n, struct cond *c)
{
    c->test = TEST_MAX_CHARS;
    return loader_count(l, n, "'max_chars'", 65536, &c->number);
}

static bool form_present(struct loader *l, const struct yaml_node *n, struct cond *c)
{
    c->test = TEST_PRESENT;
    return loader_bool(l, n, "'present'", &c->wanted);
}

static const struct {
    const char *name;
    bool (*read)(struct loader *l, const struct yaml_node *n, struct cond *c);
} forms[] = {
    { "is", form_is },           { "whole", form_whole },
    { "in", form_in },           { "max_chars", form_max_chars },
    { "present", form_present },
};

/* The advice names the field wherever it says %s. */
static void form_advice(struct loader *l, const struct yaml_node *key, const char *advice,
                        const char *field)
{
    scoped(buf_free) struct buf words = BUF_INIT;
    for (const char *p = advice; *p; p++) {
        if (p[0] == '%' && p[1] == 's') {
            buf_puts(&words, field);
            p++;
        } else {
            buf_putc(&words, *p);
        }
    }
    yaml_diag(l->diags, DIAG_ERROR, key, "a field has no '%s'; %s", yaml_str(key, NULL),
              buf_str(&words));
}

static bool no_such_form(struct loader *l, const struct yaml_node *key, const char *field)
{
    static const char *const pattern_words[] = { "pattern", "matches",  "match", "regex",
                                                 "regexp",  "contains", "has",   "like" };
    const char *written = yaml_str(key, NULL);
    for (size_t i = 0; i < ARRAY_LEN(pattern_words); i++) {
        if (strcmp(written, pattern_words[i]) != 0)
            continue;
        yaml_diag(l->diags, DIAG_ERROR, key,
                  "a pattern needs no key: write %s: '...'; to ask more of the same field, use "
                  "all: [{%s: ...}, {%s: ...}]",
                  field, field, field);
        return false;
    }
    const char *names[ARRAY_LEN(forms)];
    for (size_t i = 0; i < ARRAY_LEN(forms); i++)
        names[i] = forms[i].name;
    const char *near = yaml_nearest(written, names, ARRAY_LEN(names));
    const char *advice = word_advice(WORD_FORM, written);
    if (advice)
        form_advice(l, key, advice, field);
    else if (near)
        yaml_diag(l->diags, DIAG_ERROR, key, "a field has no '%s'; did you mean '%s'?", written,
                  near);
    else
        yaml_diag(l->diags, DIAG_ERROR, key,
                  "a field has no '%s'; it takes a pattern, a list of patterns, or is, whole, in, "
                  "max_chars, present",
                  written);
    return false;
}

static bool read_form(struct loader *l, const struct yaml_node *key, const struct yaml_node *value,
                      struct cond *c)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].name, yaml_str(key, NULL)) != 0)
            continue;
        if (c->field.field != FIELD_AUTO_REPLY || forms[i].read == form_present)
            return forms[i].read(l, value, c);
        yaml_diag(l->diags, DIAG_ERROR, key, "auto_reply takes true or false");
        return false;
    }
    return no_such_form(l, key, c->field.name);
}

static struct cond *add_child(struct loader *l, struct cond *parent, const struct cond *child)
{
    parent->children =
        arena_grow(l->arena, parent->children, parent->nchildren, sizeof(*parent->children));
    parent->children[parent->nchildren] = *child;
    return &parent->children[parent->nchildren++];
}

/* A group of one is its member: shorter to explain, the same to decide. */
static void unwrap(struct cond *c)
{
    if ((c->kind == COND_ALL || c->kind == COND_ANY) && c->nchildren == 1) {
        const struct cond only = c->children[0];
        *c = only;
    }
}

/* Several forms of one field all hold. */
static bool read_forms(struct loader *l, const struct yaml_node *map, const struct cond *field,
                       struct cond *out)
{
    bool fine = yaml_count(map) > 0;
    if (!fine)
        loader_wrong_kind(l, map, "a field's question",
                          "a map with is, whole, in, max_chars or present");
    *out = (struct cond){ .kind = COND_ALL, .place = field->place };
    for (size_t i = 0; i < yaml_count(map); i++) {
        struct cond c = *field;
        c.place = loader_place(l, yaml_key(map, i));
        if (read_form(l, yaml_key(map, i), yaml_value(map, i), &c))
            add_child(l, out, &c);
        else
            fine = false;
    }
    unwrap(out);
    return fine;
}

static bool no_value(struct loader *l, const struct yaml_node *key)
{
    yaml_diag(l->diags, DIAG_ERROR, key,
              "'%s' has no value; it needs a pattern, a list of patterns, or a map",
              yaml_str(key, NULL));
    return false;
}

static bool read_field(struct loader *l, const struct yaml_node *key, const struct yaml_node *value,
                       struct cond *out)
{
    struct cond c = { .kind = COND_FIELD, .place = loader_place(l, key) };
    if (!loader_field(l, key, group_names, l->in_exception ? ARRAY_LEN(group_names) : GROUPS,
                      &c.field))
        return false;
    if (yaml_kind(value) == YAML_MAP)
        return read_forms(l, value, &c, out);
    bool fine = false;
    if (yaml_kind(value) == YAML_EMPTY) {
        fine = no_value(l, key);
    } else if (c.field.field == FIELD_AUTO_REPLY) {
        c.test = TEST_FLAG;
        fine = loader_bool(l, value, "auto_reply", &c.wanted);
    } else {
        c.test = TEST_PATTERN;
        fine = one_or_many(l, value, pattern_scalar, &c);
    }
    *out = c;
    return fine;
}

/* ---- all, any, not ----------------------------------------------------------------------- */

/* "Any of: A, not B" holds for nearly every reply. */
static bool refuse_bare_not(struct loader *l, const struct yaml_node *key)
{
    yaml_diag(l->diags, DIAG_ERROR, key,
              "'not' by itself among alternatives holds for nearly every reply; if everything here "
              "shall hold, write a map or 'all', else put 'not' inside the alternative it limits");
    return false;
}

static bool is_bare_not(const struct yaml_node *n)
{
    return yaml_kind(n) == YAML_MAP && yaml_count(n) == 1 &&
           strcmp(yaml_str(yaml_key(n, 0), NULL), "not") == 0;
}

static bool read_not(struct loader *l, const struct yaml_node *key, const struct yaml_node *value,
                     struct cond *out)
{
    struct cond inner = { .kind = COND_ALL };
    *out = (struct cond){ .kind = COND_NOT, .place = loader_place(l, key) };
    if (!loader_condition(l, value, &inner))
        return false;
    add_child(l, out, &inner);
    return true;
}

static bool read_items(struct loader *l, const struct yaml_node *list, struct cond *out)
{
    bool fine = true;
    for (size_t i = 0; i < yaml_count(list); i++) {
        const struct yaml_node *item = yaml_item(list, i);
        struct cond c = { .kind = COND_ALL };
        if (out->kind == COND_ANY && is_bare_not(item))
            fine = refuse_bare_not(l, yaml_key(item, 0));
        else if (loader_condition(l, item, &c))
            add_child(l, out, &c);
        else
            fine = false;
    }
    return fine;
}

static bool read_group(struct loader *l, const struct yaml_node *n, enum cond_kind kind,
                       struct cond *out);

static bool read_pair(struct loader *l, const struct yaml_node *key, const struct yaml_node *value,
                      struct cond *out)
{
    const char *name = yaml_str(key, NULL);
    if (strcmp(name, "not") == 0)
        return read_not(l, key, value, out);
    if (strcmp(name, "all") != 0 && strcmp(name, "any") != 0)
        return read_field(l, key, value, out);
    const bool fine = read_group(l, value, name[1] == 'l' ? COND_ALL : COND_ANY, out);
    out->place = loader_place(l, key);
    unwrap(out);
    return fine;
}

static bool read_pairs(struct loader *l, const struct yaml_node *map, struct cond *out)
{
    bool fine = true;
    for (size_t i = 0; i < yaml_count(map); i++) {
        struct cond c = { .kind = COND_ALL };
        const struct yaml_node *key = yaml_key(map, i);
        if (out->kind == COND_ANY && strcmp(yaml_str(key, NULL), "not") == 0)
            fine = refuse_bare_not(l, key);
        else if (read_pair(l, key, yaml_value(map, i), &c))
            add_child(l, out, &c);
        else
            fine = false;
    }
    return fine;
}

static bool read_group(struct loader *l, const struct yaml_node *n, enum cond_kind kind,
                       struct cond *out)
{
    *out = (struct cond){ .kind = kind, .place = loader_place(l, n) };
    if (yaml_kind(n) != YAML_MAP && yaml_kind(n) != YAML_LIST) {
        loader_wrong_kind(l, n, "a condition", "a map (all must hold) or a list of maps (any)");
        return false;
    }
    if (yaml_count(n) == 0) {
        yaml_diag(l->diags, DIAG_ERROR, n, "an empty condition holds for %s",
                  kind == COND_ALL ? "every reply" : "no reply");
        return false;
    }
    const bool in_exception = l->in_exception;
    l->in_exception = false;
    const bool fine = yaml_kind(n) == YAML_MAP ? read_pairs(l, n, out) : read_items(l, n, out);
    l->in_exception = in_exception;
    return fine;
}

bool loader_condition(struct loader *l, const struct yaml_node *n, struct cond *out)
{
    const bool fine = read_group(l, n, yaml_kind(n) == YAML_LIST ? COND_ANY : COND_ALL, out);
    unwrap(out);
    return fine;
}

bool loader_except_condition(struct loader *l, const struct yaml_node *map, struct cond *out)
{
    bool fine = true;
    l->in_exception = true;
    *out = (struct cond){ .kind = COND_ALL, .place = loader_place(l, map) };
    for (size_t i = 0; i < yaml_count(map); i++) {
        const char *key = yaml_str(yaml_key(map, i), NULL);
        struct cond c = { .kind = COND_ALL };
        if (strcmp(key, "because") == 0 || strcmp(key, "until") == 0)
            continue;
        if (read_pair(l, yaml_key(map, i), yaml_value(map, i), &c))
            add_child(l, out, &c);
        else
            fine = false;
    }
    l->in_exception = false;
    return fine;
}
