/* Patterns and the named groups of `define`, with every mistake at its character. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "rules/loader.h"
#include "rules/pattern.h"

#define GROUP_NAME_MAX 32 /* PCRE2's */
#define GROUPS_MAX 2000   /* in scope */

/* ---- what can be seen without compiling ------------------------------------ */

static bool in_double_quotes(const struct yaml_node *n)
{
    return yaml_style(n) == YAML_DOUBLE_QUOTED;
}

/* "\b" in double quotes is YAML's backspace, never the word boundary it was meant to be. */
static bool has_control(struct loader *l, const struct yaml_node *n, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 ? c != 0x7F : c == '\n' || c == '\t')
            continue;
        if (in_double_quotes(n))
            yaml_diag_at(l->diags, DIAG_ERROR, n, i,
                         "double quotes made a control character (0x%02x) of this escape; write "
                         "patterns in single quotes",
                         c);
        else
            yaml_diag_at(l->diags, DIAG_ERROR, n, i, "a control character (0x%02x) stands here", c);
        return true;
    }
    return false;
}

static const char *pattern_text(struct loader *l, const struct yaml_node *n, size_t *len)
{
    if (yaml_kind(n) != YAML_SCALAR) {
        loader_wrong_kind(l, n, "a pattern", "a text");
        return NULL;
    }
    const char *text = yaml_str(n, len);
    if (*len == 0) {
        yaml_diag(l->diags, DIAG_ERROR, n,
                  "an empty pattern matches everything; to ask whether there is anything, write "
                  "present: true");
        return NULL;
    }
    if (*len > PATTERN_BYTES_MAX) {
        yaml_diag(l->diags, DIAG_ERROR, n, "a pattern of %zu bytes; %d are the limit", *len,
                  PATTERN_BYTES_MAX);
        return NULL;
    }
    if (has_control(l, n, text, *len))
        return NULL;
    loader_pattern_traps(l, n, text, *len);
    return text;
}

/* ---- named groups -------------------------------------------------------------- */

static bool group_name_valid(const char *name)
{
    const size_t len = strlen(name);
    if (len == 0 || len > GROUP_NAME_MAX || isdigit((unsigned char)name[0]))
        return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            return false;
    return true;
}

static void put_group(struct buf *out, const struct definition *d, bool hollow)
{
    buf_printf(out, "(?<%s>", d->name);
    if (!hollow && !d->broken)
        buf_append(out, d->source, d->len);
    buf_putc(out, ')');
}

/* (?&name), (?P>name), \g<name>, \k{name}, and a group that takes the name for itself. */
static bool names_group(const char *text, const char *name)
{
    const size_t len = strlen(name);
    for (const char *p = text; (p = strstr(p, name)); p++)
        if (p > text && strchr("&<>'={", p[-1]) && p[len] && strchr(")>'}", p[len]))
            return true;
    return false;
}

/* The groups that a pattern names, and those that these name in turn: compiling all of
 * them into every pattern would cost time and memory. */
struct needed {
    struct buf groups;
    const struct definition **list;
    size_t count;
};

static bool is_needed(const struct needed *n, const struct definition *d)
{
    for (size_t i = 0; i < n->count; i++)
        if (n->list[i] == d)
            return true;
    return false;
}

static void needed_groups(const struct loader *l, const char *text, struct needed *n)
{
    *n = (struct needed){ .groups = BUF_INIT,
                          .list = xcalloc(l->ndefinitions + 1, sizeof(struct definition *)) };
    size_t read = 0;
    for (const char *where = text; where;) {
        for (size_t i = 0; i < l->ndefinitions; i++) {
            const struct definition *d = l->definitions[i];
            if (!names_group(where, d->name) || is_needed(n, d))
                continue;
            put_group(&n->groups, d, false);
            n->list[n->count++] = d;
        }
        const struct definition *next = read < n->count ? n->list[read++] : NULL;
        where = !next ? NULL : next->broken ? "" : next->source;
    }
}

static void needed_done(struct needed *n)
{
    buf_free(&n->groups);
    free(n->list);
}

static bool groups_exist(struct loader *l, const struct yaml_node *n, const char *text, size_t len,
                         const char *groups)
{
    char name[64];
    size_t at = 0;
    if (!pattern_missing_group(text, len, groups, name, &at))
        return true;
    const char **known = arena_array(l->arena, l->ndefinitions + 1, sizeof(*known));
    for (size_t i = 0; i < l->ndefinitions; i++)
        known[i] = l->definitions[i]->name;
    const char *near = yaml_nearest(name, known, l->ndefinitions);
    if (near)
        yaml_diag_at(l->diags, DIAG_ERROR, n, at,
                     "no group '%s' is defined here; did you mean '%s'?", name, near);
    else
        yaml_diag_at(l->diags, DIAG_ERROR, n, at,
                     "no group '%s' is defined, neither in this file nor in an earlier one of its "
                     "folder",
                     name);
    return false;
}

/* {weekday}, (&weekday), (?P=weekday), (?weekday): the name of a group just behind the place. */
static const char *group_named_at(const struct loader *l, const char *text)
{
    for (size_t i = 0; i < l->ndefinitions; i++) {
        const char *hit = strstr(text, l->definitions[i]->name);
        if (hit && hit - text <= 4 && strspn(text, "(?&P={\\k<") >= (size_t)(hit - text) &&
            !isalnum((unsigned char)hit[strlen(l->definitions[i]->name)]))
            return l->definitions[i]->name;
    }
    return NULL;
}

static void warn_of_unused_group(struct loader *l, const struct yaml_node *n, const char *text)
{
    for (const char *p = text; (p = strpbrk(p, "{(")); p++) {
        const char *name = *p == '{' || p[1] == '&' ? group_named_at(l, p) : NULL;
        if (name)
            yaml_diag_at(l->diags, DIAG_WARNING, n, (size_t)(p - text),
                         "this is looked for as it stands; the group '%s' is used as (?&%s)", name,
                         name);
    }
}

/* The pattern as it will be used, or NULL and a mistake at its place. */
static struct pattern *compile(struct loader *l, const struct yaml_node *n, const char *text,
                               size_t len, bool whole, const char *groups)
{
    struct error err = ERROR_INIT;
    size_t at = 0;
    if (!groups_exist(l, n, text, len, groups))
        return NULL;
    struct pattern *p = pattern_compile(text, len, whole, groups[0] ? groups : NULL, &at, &err);
    const char *group = p || strstr(err.msg, "a definition") ? NULL : group_named_at(l, text + at);
    if (group)
        yaml_diag_at(l->diags, DIAG_ERROR, n, at, "%s: the group '%s' is used as (?&%s)", err.msg,
                     group, group);
    else if (!p)
        yaml_diag_at(l->diags, DIAG_ERROR, n, at, "%s", err.msg);
    return p;
}

/* d itself and the groups whose names occur in it, all but `full` hollow. */
static void put_named(const struct loader *l, const struct definition *d,
                      const struct definition *full, struct buf *out)
{
    for (size_t i = 0; i < l->ndefinitions; i++) {
        const struct definition *g = l->definitions[i];
        if (g == d || names_group(d->source, g->name))
            put_group(out, g, !full || g != full);
    }
}

/* A group that compiles by itself, with all others empty, and as a group. */
static bool group_compiles(struct loader *l, const struct yaml_node *n, const struct definition *d)
{
    scoped(buf_free) struct buf others = BUF_INIT;
    put_named(l, d, NULL, &others);
    struct pattern *alone = compile(l, n, d->source, d->len, false, buf_str(&others));
    if (!alone)
        return false;
    pattern_free(alone);

    struct error err = ERROR_INIT;
    size_t at = 0;
    scoped(buf_free) struct buf groups = BUF_INIT;
    put_named(l, d, d, &groups);
    scoped(buf_free) struct buf use = BUF_INIT;
    buf_printf(&use, "(?&%s)", d->name);
    struct pattern *user =
        pattern_compile(buf_str(&use), use.len, false, buf_str(&groups), &at, &err);
    if (!user)
        yaml_diag(l->diags, DIAG_ERROR, n, "this does not work as a group: %s", err.msg);
    pattern_free(user);
    return user != NULL;
}

static const struct definition *known_group(const struct loader *l, const char *name)
{
    for (size_t i = 0; i < l->ndefinitions; i++)
        if (strcmp(l->definitions[i]->name, name) == 0)
            return l->definitions[i];
    return NULL;
}

/* Numbers count the groups of the pattern that uses the definition, not its own. */
static void warn_of_numbers(struct loader *l, const struct yaml_node *value)
{
    const char *text = yaml_kind(value) == YAML_SCALAR ? yaml_str(value, NULL) : "";
    for (const char *p = text; *p; p++) {
        if (*p != '\\')
            continue;
        if (p[1] >= '1' && p[1] <= '9')
            yaml_diag_at(l->diags, DIAG_WARNING, value, (size_t)(p - text),
                         "in a definition \\%c is a group of the pattern that uses it; name the "
                         "group, (?<x>...), and write \\k<x>",
                         p[1]);
        p += p[1] != '\0';
    }
}

static void add_group(struct loader *l, const struct yaml_node *key, const struct yaml_node *value)
{
    const char *name = yaml_str(key, NULL);
    const struct definition *old = known_group(l, name);
    if (!group_name_valid(name)) {
        char better[GROUP_NAME_MAX + 2];
        const bool told =
            word_as_name(name, '_', GROUP_NAME_MAX, better) && group_name_valid(better);
        yaml_diag(l->diags, DIAG_ERROR, key,
                  "a group's name has letters, digits and _, at most %d, and no digit first%s%s%s",
                  GROUP_NAME_MAX, told ? ": write '" : "", told ? better : "", told ? "'" : "");
        return;
    }
    if (old) {
        yaml_diag(l->diags, DIAG_ERROR, key, "the group '%s' is defined already, at %s:%u", name,
                  old->place.file, old->place.line);
        return;
    }
    warn_of_numbers(l, value);
    struct definition *d = arena_array(l->arena, 1, sizeof(*d));
    const char *text = pattern_text(l, value, &d->len);
    d->place = loader_place(l, value);
    d->name = arena_strdup(l->arena, name);
    d->source = text ? arena_text(l->arena, text, d->len) : "";
    d->broken = !text;
    l->definitions = arena_grow(l->arena, l->definitions, l->ndefinitions, sizeof(*l->definitions));
    l->definitions[l->ndefinitions++] = d;
}

/* All names first, so that groups of one file may use each other in any order. */
void loader_define(struct loader *l, void *ctx, const struct yaml_node *value)
{
    (void)ctx;
    if (yaml_kind(value) != YAML_MAP) {
        loader_wrong_kind(l, value, "'define'", "a map of names and patterns");
        return;
    }
    const size_t before = l->ndefinitions;
    if (before + yaml_count(value) > GROUPS_MAX) {
        yaml_diag(l->diags, DIAG_ERROR, value, "more than %d groups are defined", GROUPS_MAX);
        return;
    }
    for (size_t i = 0; i < yaml_count(value); i++)
        add_group(l, yaml_key(value, i), yaml_value(value, i));
    for (size_t i = before; i < l->ndefinitions; i++) {
        struct definition *d = l->definitions[i];
        if (!d->broken)
            d->broken = !group_compiles(l, yaml_get(value, d->name), d);
    }
}

/* ---- patterns -------------------------------------------------------------------- */

static uint64_t hash_text(uint64_t h, const char *s)
{
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3); /* FNV-1a */
    return (h ^ 0xFF) * UINT64_C(0x100000001b3);
}

static uint64_t hash_pattern(const char *source, const char *groups, bool whole)
{
    const uint64_t h = hash_text(hash_text(UINT64_C(0xcbf29ce484222325), source), groups);
    return (h ^ (h >> 32)) * 2 + whole;
}

static bool same_groups(const struct shared_pattern *s, const char *groups)
{
    return strcmp(s->groups ? s->groups : "", groups) == 0;
}

/* Where the pattern is in the table, or belongs. There is always a free place. */
static struct shared_pattern *shared_place(struct loader *l, const char *source, const char *groups,
                                           bool whole)
{
    const uint64_t hash = hash_pattern(source, groups, whole);
    size_t at = (size_t)hash & (l->shared_cap - 1);
    for (struct shared_pattern *s; (s = &l->shared[at])->source; at = (at + 1) % l->shared_cap)
        if (s->hash == hash && s->whole == whole && strcmp(s->source, source) == 0 &&
            same_groups(s, groups))
            break;
    return &l->shared[at];
}

static void make_room(struct loader *l)
{
    if ((l->npatterns + 1) * 2 <= l->shared_cap)
        return;
    const struct shared_pattern *old = l->shared;
    const size_t old_cap = l->shared_cap;
    l->shared_cap = old_cap ? old_cap * 2 : 64;
    l->shared = arena_array(l->arena, l->shared_cap, sizeof(*l->shared));
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].source)
            *shared_place(l, old[i].source, old[i].groups ? old[i].groups : "", old[i].whole) =
                old[i];
}

static const struct definition *const *keep_list(struct loader *l, const struct needed *needed)
{
    const struct definition **list = arena_array(l->arena, needed->count, sizeof(*list));
    for (size_t i = 0; i < needed->count; i++)
        list[i] = needed->list[i];
    return list;
}

/* Compiles the pattern that is new, and gives it the next number. */
static bool share(struct loader *l, const struct yaml_node *n, const char *text, size_t len,
                  bool whole, const struct needed *needed, struct shared_pattern *place)
{
    const char *groups = buf_str(&needed->groups);
    struct pattern *p = compile(l, n, text, len, whole, groups);
    if (!p)
        return false;
    l->patterns = arena_grow(l->arena, l->patterns, l->npatterns, sizeof(struct pattern *));
    l->patterns[l->npatterns++] = p;
    *place = (struct shared_pattern){ .hash = hash_pattern(text, groups, whole),
                                      .source = arena_text(l->arena, text, len),
                                      .groups = groups[0] ? arena_strdup(l->arena, groups) : NULL,
                                      .uses = keep_list(l, needed),
                                      .nuses = needed->count,
                                      .whole = whole,
                                      .number = (unsigned)l->npatterns };
    return true;
}

bool loader_pattern(struct loader *l, const struct yaml_node *n, bool whole,
                    struct alternative *alt)
{
    size_t len = 0;
    const char *text = pattern_text(l, n, &len);
    if (!text)
        return false;
    scoped(needed_done) struct needed needed = { .list = NULL };
    needed_groups(l, text, &needed);
    make_room(l);
    struct shared_pattern *s = shared_place(l, text, buf_str(&needed.groups), whole);
    if (!s->source && !share(l, n, text, len, whole, &needed, s))
        return false;
    warn_of_unused_group(l, n, text);
    *alt = (struct alternative){ .place = loader_place(l, n),
                                 .source = s->source,
                                 .pattern = l->patterns[s->number - 1],
                                 .groups = s->groups,
                                 .uses = s->uses,
                                 .nuses = s->nuses,
                                 .number = s->number };
    return true;
}
