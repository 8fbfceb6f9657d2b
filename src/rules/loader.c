#include "rules/loader.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/yaml_syntax.h"

static const char *key_list(const struct key_handler *handlers, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        if (handlers[i].fn)
            buf_printf(out, "%s%s", out->len ? ", " : "", handlers[i].name);
    return buf_str(out);
}

static const char *name_list(const char *const *names, size_t count, struct buf *out)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(out, "%s%s", out->len ? ", " : "", names[i]);
    return buf_str(out);
}

/* A field one level too far out, under the rule and not under its `when`. */
static bool is_misplaced_field(const char *written, const char *where)
{
    return field_by_name(written) != FIELD_COUNT &&
           (strcmp(where, "a rule") == 0 || strcmp(where, "a guard") == 0);
}

static enum word_place word_place(const char *where)
{
    if (strcmp(where, "a rule file") == 0)
        return WORD_FILE_KEY;
    return strcmp(where, "'active'") == 0 ? WORD_ACTIVE : WORD_RULE_KEY;
}

/* A key that is none for a sign in it: "when:{subject", or a blank that is no blank. */
static bool odd_key(struct loader *l, const struct yaml_node *key)
{
    size_t len = 0;
    size_t at = 0;
    const char *written = yaml_str(key, &len);
    const char *strange = yaml_lookalike_in(written, len, &at);
    scoped(buf_free) struct buf words = BUF_INIT;
    if (strange)
        yaml_diag_at(l->diags, DIAG_ERROR, key, at,
                     "%s stands here, where YAML wants a plain blank, colon or comma", strange);
    else if (yaml_style(key) == YAML_PLAIN && yaml_blank_missing(written, len, &words))
        yaml_diag(l->diags, DIAG_ERROR, key, "%s", buf_str(&words));
    else
        return false;
    return true;
}

static void no_such_key(struct loader *l, const struct yaml_node *key,
                        const struct key_handler *handlers, size_t count, const char *where)
{
    if (!diags_wants(l->diags, DIAG_ERROR)) {
        diags_count(l->diags, DIAG_ERROR);
        return;
    }
    const char **names = arena_array(l->arena, count, sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = handlers[i].name;
    const char *written = yaml_str(key, NULL);
    const char *near = yaml_nearest(written, names, count);
    const char *advice = word_advice(word_place(where), written);
    scoped(buf_free) struct buf all = BUF_INIT;
    if (odd_key(l, key))
        return;
    if (is_misplaced_field(written, where))
        yaml_diag(l->diags, DIAG_ERROR, key,
                  "'%s' is a field and belongs under 'when': is its indentation right?", written);
    else if (advice)
        yaml_diag(l->diags, DIAG_ERROR, key, "%s has no '%s'; %s", where, written, advice);
    else if (near)
        yaml_diag(l->diags, DIAG_ERROR, key, "%s has no '%s'; did you mean '%s'?", where, written,
                  near);
    else
        yaml_diag(l->diags, DIAG_ERROR, key, "%s has no '%s'; it can have %s", where, written,
                  key_list(handlers, count, &all));
}

void loader_keys(struct loader *l, const struct yaml_node *map, const struct key_handler *handlers,
                 size_t count, const char *where, void *ctx)
{
    for (size_t i = 0; i < yaml_count(map); i++) {
        const struct yaml_node *key = yaml_key(map, i);
        const struct key_handler *h = NULL;
        for (size_t k = 0; k < count && !h; k++)
            if (strcmp(handlers[k].name, yaml_str(key, NULL)) == 0)
                h = &handlers[k];
        if (!h)
            no_such_key(l, key, handlers, count, where);
        else if (h->refusal)
            yaml_diag(l->diags, DIAG_ERROR, key, "%s", h->refusal);
        else
            h->fn(l, ctx, yaml_value(map, i));
    }
}

void loader_wrong_kind(struct loader *l, const struct yaml_node *n, const char *what,
                       const char *wanted)
{
    scoped(buf_free) struct buf hint = BUF_INIT;
    const enum yaml_kind kind = yaml_kind(n);
    if (strstr(wanted, "map"))
        yaml_map_hint(n, &hint);
    if (kind == YAML_MAP && strstr(wanted, "list of maps"))
        buf_puts(&hint, "; each begins with a -");
    if (kind == YAML_EMPTY || (kind != YAML_SCALAR && yaml_count(n) == 0))
        yaml_diag(l->diags, DIAG_ERROR, n, "%s is empty; it needs %s", what, wanted);
    else
        yaml_diag(l->diags, DIAG_ERROR, n, "%s must be %s, not %s%s", what, wanted,
                  yaml_kind_name(kind), buf_str(&hint));
}

void loader_meant(struct buf *out, enum word_place place, const char *written,
                  const char *const *names, size_t count)
{
    const char *advice = word_advice(place, written);
    const char *near = advice ? NULL : yaml_nearest(written, names, count);
    if (advice)
        buf_printf(out, "; %s", advice);
    else if (near)
        buf_printf(out, "; did you mean '%s'?", near);
}

const char *loader_text(struct loader *l, const struct yaml_node *n, const char *what)
{
    if (yaml_kind(n) != YAML_SCALAR) {
        loader_wrong_kind(l, n, what, "a text");
        return NULL;
    }
    const char *text = yaml_str(n, NULL);
    if (!*text) {
        yaml_diag(l->diags, DIAG_ERROR, n, "%s is an empty text", what);
        return NULL;
    }
    return text;
}

const char *loader_keep_text(struct loader *l, const struct yaml_node *n, const char *what)
{
    return arena_strdup(l->arena, loader_text(l, n, what));
}

bool loader_bool(struct loader *l, const struct yaml_node *n, const char *what, bool *out)
{
    const char *text = yaml_kind(n) == YAML_SCALAR ? yaml_str(n, NULL) : "";
    if (yaml_bool(n, out))
        return true;
    if (*text)
        yaml_diag(l->diags, DIAG_ERROR, n, "%s is true or false, not '%s'", what, text);
    else
        loader_wrong_kind(l, n, what, "true or false");
    return false;
}

bool loader_count(struct loader *l, const struct yaml_node *n, const char *what, int64_t max,
                  int64_t *out)
{
    const char *text = loader_text(l, n, what);
    if (!text)
        return false;
    int64_t number = 0;
    bool fine = strlen(text) <= 12;
    for (const char *p = text; *p && fine; p++) {
        fine = isdigit((unsigned char)*p);
        number = number * 10 + (*p - '0');
    }
    if (!fine || number > max) {
        yaml_diag(l->diags, DIAG_ERROR, n, "%s is a whole number from 0 to %lld, not '%s'", what,
                  (long long)max, text);
        return false;
    }
    *out = number;
    return true;
}

bool loader_day(struct loader *l, const struct yaml_node *n, const char *what, int64_t *out)
{
    const char *text = loader_text(l, n, what);
    if (!text)
        return false;
    if (strlen(text) == strlen("2026-08-01") && clock_parse(text, out))
        return true;
    int64_t unused = 0;
    const bool looks_right = strlen(text) == strlen("2026-08-01") &&
                             strspn(text, "0123456789-") == strlen(text) && text[4] == '-' &&
                             text[7] == '-' && !clock_parse(text, &unused);
    yaml_diag(l->diags, DIAG_ERROR, n, "%s is a day such as 2026-08-01, not '%s'%s", what, text,
              looks_right ? ": there is no such day" : "");
    return false;
}

struct place loader_place(const struct loader *l, const struct yaml_node *n)
{
    struct place p = { .file = l->file };
    yaml_start(n, &p.line, &p.col);
    return p;
}

/* data.custom.plan, data/custom/plan: what other programs call /data/custom/plan. */
static bool like_a_pointer(const char *written, char *out, size_t size)
{
    const size_t len = strlen(written);
    if (len + 2 > size || !strpbrk(written, "./") || strpbrk(written, " ~"))
        return false;
    out[0] = '/';
    for (size_t i = 0; i <= len; i++)
        out[i + 1] = (char)(written[i] == '.' ? '/' : written[i]);
    return true;
}

static void no_such_field(struct loader *l, const struct yaml_node *key, const char *const *more,
                          size_t nmore)
{
    if (!diags_wants(l->diags, DIAG_ERROR)) {
        diags_count(l->diags, DIAG_ERROR);
        return;
    }
    char pointer[128];
    const char *names[FIELD_COUNT + 16];
    size_t count = 0;
    for (; count < FIELD_COUNT; count++)
        names[count] = field_name((enum field)count);
    for (size_t i = 0; i < nmore && count < ARRAY_LEN(names); i++)
        names[count++] = more[i];
    scoped(buf_free) struct buf all = BUF_INIT;
    const char *written = yaml_str(key, NULL);
    const char *near = yaml_nearest(written, names, count);
    const char *advice = l->in_exception ? word_advice(WORD_EXCEPTION, written) : NULL;
    if (!advice)
        advice = word_advice(WORD_CONDITION, written);
    if (odd_key(l, key))
        return;
    if (advice)
        yaml_diag(l->diags, DIAG_ERROR, key, "there is no field '%s'; %s", written, advice);
    else if (near)
        yaml_diag(l->diags, DIAG_ERROR, key, "there is no field '%s'; did you mean '%s'?", written,
                  near);
    else if (like_a_pointer(written, pointer, sizeof(pointer)))
        yaml_diag(l->diags, DIAG_ERROR, key,
                  "there is no field '%s'; did you mean the JSON pointer '%s'?", written, pointer);
    else
        yaml_diag(
            l->diags, DIAG_ERROR, key,
            "there is no field '%s'; a JSON pointer is written /data/custom/plan, and else it "
            "can be %s",
            written, name_list(names, count, &all));
}

bool loader_field(struct loader *l, const struct yaml_node *key, const char *const *more,
                  size_t nmore, struct field_ref *out)
{
    const char *name = loader_keep_text(l, key, "a field's name");
    if (!name)
        return false;
    *out = (struct field_ref){ .field = FIELD_POINTER, .name = name };
    if (name[0] == '/') {
        out->pointer = name;
        if (json_pointer_valid(name))
            return true;
        yaml_diag(l->diags, DIAG_ERROR, key,
                  "'%s' is no JSON pointer: ~ is written ~0 and / inside a name ~1", name);
        return false;
    }
    out->field = field_by_name(name);
    if (out->field != FIELD_COUNT)
        return true;
    no_such_field(l, key, more, nmore);
    return false;
}

/* The given line of a file of the set; the caller frees it. NULL when there is none. */
static char *source_line(const struct ruleset *rs, const struct place *place)
{
    const struct rule_file *f = NULL;
    for (size_t i = 0; i < rs->nfiles && !f; i++)
        if (place->file && strcmp(rs->files[i].path, place->file) == 0)
            f = &rs->files[i];
    if (!f || place->line == 0)
        return NULL;
    const char *at = f->bytes;
    const char *const end = f->bytes + f->len;
    for (unsigned line = 1; line < place->line && at; line++) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    if (!at)
        return NULL;
    size_t len = 0;
    while (at + len < end && at[len] != '\n' && at[len] != '\r')
        len++;
    return len <= 240 ? xmemdup0(at, len) : NULL;
}

void rules_diag(const struct ruleset *rs, struct diags *d, enum diag_level level,
                const struct place *place, const char *fmt, ...)
{
    if (!diags_wants(d, level)) {
        diags_count(d, level);
        return;
    }
    scoped(freep) char *msg = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&msg, fmt, ap) < 0)
        abort();
    va_end(ap);
    scoped(freep) char *source = source_line(rs, place);
    diags_add(d, level, place->file, place->line, place->col, source, "%s", msg);
}
