#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "config_priv.h"

#define WORKSPACE "{workspace}"

void read_error(struct reader *r, const char *name, const struct yaml_node *v, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    yaml_diag(r->d, DIAG_ERROR, v, "%s: %s", name, text);
}

struct place read_place(const struct reader *r, const struct yaml_node *v)
{
    struct place p = { .file = arena_strdup(r->arena, r->file) };
    yaml_start(v, &p.line, &p.col);
    return p;
}

void read_error_hidden(struct reader *r, const char *name, const struct yaml_node *v,
                       const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    unsigned line, col;
    yaml_start(v, &line, &col);
    diags_add(r->d, DIAG_ERROR, r->file, line, col, NULL, "%s: %s", name, text);
}

void strings_add(struct arena *a, struct strings *s, char *text)
{
    s->list = arena_grow(a, s->list, s->count, sizeof(*s->list));
    s->list[s->count++] = text;
}

/* ---- values -------------------------------------------------------------------------- */

static char *substitute(struct reader *r, const char *s)
{
    scoped(buf_free) struct buf out = BUF_INIT;
    while (*s) {
        if (r->workspace && strncmp(s, WORKSPACE, strlen(WORKSPACE)) == 0) {
            buf_puts(&out, r->workspace);
            s += strlen(WORKSPACE);
        } else {
            buf_putc(&out, *s++);
        }
    }
    return arena_text(r->arena, buf_str(&out), out.len);
}

char *read_text(struct reader *r, const char *name, const struct yaml_node *v)
{
    if (yaml_kind(v) != YAML_SCALAR) {
        read_error(r, name, v, "a text is wanted here, not %s", yaml_kind_name(yaml_kind(v)));
        return NULL;
    }
    size_t len;
    const char *s = yaml_str(v, &len);
    if (len == 0 || strlen(s) != len) {
        read_error(r, name, v, len ? "a text must not contain a NUL" : "the text is empty");
        return NULL;
    }
    return substitute(r, s);
}

bool read_texts(struct reader *r, const char *name, const struct yaml_node *v, struct strings *out)
{
    *out = (struct strings){ .count = 0 };
    if (yaml_kind(v) == YAML_SCALAR) {
        char *text = read_text(r, name, v);
        if (text)
            strings_add(r->arena, out, text);
        return text != NULL;
    }
    if (yaml_kind(v) != YAML_LIST) {
        read_error(r, name, v, "a list is wanted here, not %s", yaml_kind_name(yaml_kind(v)));
        return false;
    }
    bool fine = true;
    for (size_t i = 0; i < yaml_count(v); i++) {
        char *text = read_text(r, name, yaml_item(v, i));
        if (text)
            strings_add(r->arena, out, text);
        fine &= text != NULL;
    }
    return fine;
}

void read_duration(struct reader *r, const char *name, const struct yaml_node *v, int64_t min,
                   int64_t max, int64_t *out)
{
    int64_t ms;
    const char *text = read_text(r, name, v);
    if (!text)
        return;
    if (!duration_parse(text, &ms))
        read_error(r, name, v, "'%s' is no duration: 30s, 5m, 2h or 7d would be right", text);
    else if (ms < min || ms > max)
        read_error(r, name, v, "'%s' is out of range: %llds to %llds", text,
                   (long long)(min / 1000), (long long)(max / 1000));
    else
        *out = ms;
}

int read_choice(struct reader *r, const char *name, const struct yaml_node *v,
                const char *const *names, size_t count)
{
    const char *text = read_text(r, name, v);
    if (!text)
        return -1;
    scoped(buf_free) struct buf all = BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0)
            return (int)i;
        buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = yaml_nearest(text, names, count);
    if (near)
        read_error(r, name, v, "'%s' is none of %s; did you mean '%s'?", text, buf_str(&all), near);
    else
        read_error(r, name, v, "'%s' is none of %s", text, buf_str(&all));
    return -1;
}

void read_bool(struct reader *r, const char *name, const struct yaml_node *v, bool *out)
{
    const char *text = yaml_bool(v, out) ? NULL : read_text(r, name, v);
    if (text)
        read_error(r, name, v, "'%s' is none of false, true", text);
}

bool read_paths(struct reader *r, const char *name, const struct yaml_node *v, struct strings *out)
{
    if (!read_texts(r, name, v, out))
        return false;
    for (size_t i = 0; i < out->count; i++)
        out->list[i] = value_path(r->arena, r->folder, out->list[i]);
    return true;
}

static void read_number(struct reader *r, const struct key *key, const struct yaml_node *v,
                        int64_t *out)
{
    struct error err = ERROR_INIT;
    const char *text = read_text(r, key->name, v);
    if (text && value_int(text, key->min, key->max, out, &err) < 0)
        read_error(r, key->name, v, "%s", err.msg);
}

static void read_key(struct reader *r, const struct key *key, const struct yaml_node *v, void *into)
{
    void *at = (char *)into + key->offset;
    int64_t n = -1;
    switch (key->type) {
    case KEY_DURATION:
        read_duration(r, key->name, v, key->min, key->max, at);
        break;
    case KEY_RATE:
        read_number(r, key, v, at);
        break;
    case KEY_COUNT:
        read_number(r, key, v, &n);
        if (n >= 0)
            *(size_t *)at = (size_t)n;
        break;
    case KEY_CUSTOM:
        key->custom(r, key->name, v, into);
        break;
    }
}

/* ---- maps ---------------------------------------------------------------------------- */

static const struct key *find_key(const struct key_set *set, const char *name)
{
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->keys[i].name, name) == 0)
            return &set->keys[i];
    return NULL;
}

static void no_such_key(struct reader *r, const struct key_set *set, const struct yaml_node *key)
{
    const char *written = yaml_str(key, NULL);
    const char *names[32];
    scoped(buf_free) struct buf all = BUF_INIT;
    size_t n = 0;
    for (; n < set->count && n < ARRAY_LEN(names); n++) {
        names[n] = set->keys[n].name;
        buf_printf(&all, "%s%s", n ? ", " : "", names[n]);
    }
    const char *near = yaml_nearest(written, names, n);
    if (set->elsewhere && find_key(set->elsewhere, written))
        yaml_diag(r->d, DIAG_ERROR, key, "'%s' belongs to %s, not to %s", written,
                  set->elsewhere->where, set->where);
    else if (near)
        yaml_diag(r->d, DIAG_ERROR, key, "%s has no '%s'; did you mean '%s'?", set->where, written,
                  near);
    else
        yaml_diag(r->d, DIAG_ERROR, key, "%s has no '%s'; it can have %s", set->where, written,
                  buf_str(&all));
}

void read_map(struct reader *r, const struct key_set *set, const struct yaml_node *map, void *into)
{
    if (yaml_kind(map) != YAML_MAP) {
        yaml_diag(r->d, DIAG_ERROR, map, "%s must be a map, not %s", set->where,
                  yaml_kind_name(yaml_kind(map)));
        return;
    }
    for (size_t i = 0; i < yaml_count(map); i++) {
        const struct key *key = find_key(set, yaml_str(yaml_key(map, i), NULL));
        if (key)
            read_key(r, key, yaml_value(map, i), into);
        else
            no_such_key(r, set, yaml_key(map, i));
    }
}
