#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "config_priv.h"

static void replace_string(char **at, const char *s)
{
    free(*at);
    *at = s ? xstrdup(s) : NULL;
}

/* The scheme that keys change: a preset's, or one of which nothing is known yet. */
static struct verify_scheme *scheme_of(struct workspace_config *w)
{
    if (!w->verify || w->verify->none) {
        verify_scheme_free(w->verify);
        w->verify = verify_preset("hex-body");
        replace_string(&w->verify->preset, "own");
    }
    return w->verify;
}

/* Whoever names a header means that one alone, not a preset's second spelling. */
static struct verify_set *only_set(struct verify_scheme *s)
{
    while (s->nsets > 1) {
        struct verify_set *set = &s->sets[--s->nsets];
        free(set->signature);
        free(set->timestamp);
        free(set->id);
        *set = (struct verify_set){ .signature = NULL };
    }
    s->nsets = 1;
    return &s->sets[0];
}

static void read_preset(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    static const char *const names[] = { "sendkit", "standard", "github",     "stripe",
                                         "slack",   "hex-body", "base64-body" };
    struct workspace_config *w = into;
    const int n = read_choice(r, name, v, names, ARRAY_LEN(names));
    if (n < 0)
        return;
    verify_scheme_free(w->verify);
    w->verify = verify_preset(names[n]);
}

/* A name of a header, as RFC 9110 has tokens. */
static const char *read_header_name(struct reader *r, const char *name, const struct yaml_node *v)
{
    static const char token[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "!#$%&'*+-.^_`|~";
    const char *text = read_text(r, name, v);
    if (!text || strspn(text, token) == strlen(text))
        return text;
    read_error(r, name, v, "'%s' is no name of a header", text);
    return NULL;
}

static void read_header(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    const char *text = read_header_name(r, name, v);
    if (text)
        replace_string(&only_set(scheme_of(into))->signature, text);
}

static void read_time_header(struct reader *r, const char *name, const struct yaml_node *v,
                             void *into)
{
    const char *text = read_header_name(r, name, v);
    if (text)
        replace_string(&only_set(scheme_of(into))->timestamp, text);
}

static void read_id_header(struct reader *r, const char *name, const struct yaml_node *v,
                           void *into)
{
    const char *text = read_header_name(r, name, v);
    if (text)
        replace_string(&only_set(scheme_of(into))->id, text);
}

static void read_prefix(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    const bool empty = yaml_kind(v) == YAML_SCALAR && !*yaml_str(v, NULL);
    const char *text = empty ? NULL : read_text(r, name, v);
    if (text || empty)
        replace_string(&scheme_of(into)->prefix, text);
}

static void read_prefix_optional(struct reader *r, const char *name, const struct yaml_node *v,
                                 void *into)
{
    read_bool(r, name, v, &scheme_of(into)->prefix_optional);
}

static void read_header_form(struct reader *r, const char *name, const struct yaml_node *v,
                             void *into)
{
    static const char *const names[] = { "bare", "list", "fields" };
    const int n = read_choice(r, name, v, names, ARRAY_LEN(names));
    if (n >= 0)
        scheme_of(into)->form = (enum verify_form)n;
}

static void read_separator(struct reader *r, const char *name, const struct yaml_node *v,
                           void *into)
{
    static const char *const names[] = { "space", "comma" };
    const int n = read_choice(r, name, v, names, ARRAY_LEN(names));
    if (n >= 0)
        scheme_of(into)->separator = n == 0 ? ' ' : ',';
}

static void read_time_field(struct reader *r, const char *name, const struct yaml_node *v,
                            void *into)
{
    const char *text = read_text(r, name, v);
    if (text)
        replace_string(&scheme_of(into)->time_field, text);
}

static void read_signature_field(struct reader *r, const char *name, const struct yaml_node *v,
                                 void *into)
{
    const char *text = read_text(r, name, v);
    if (text)
        replace_string(&scheme_of(into)->signature_field, text);
}

static void read_signed(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct error err = ERROR_INIT;
    const char *text = read_text(r, name, v);
    if (text && verify_set_template(scheme_of(into), text, &err) < 0)
        read_error(r, name, v, "%s", err.msg);
}

static void read_hash(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    static const char *const names[] = { "sha256", "sha512", "sha1" };
    const int n = read_choice(r, name, v, names, ARRAY_LEN(names));
    if (n >= 0)
        scheme_of(into)->hash = (enum verify_hash)n;
}

static void read_encoding(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    static const char *const names[] = { "hex", "base64" };
    const int n = read_choice(r, name, v, names, ARRAY_LEN(names));
    if (n >= 0)
        scheme_of(into)->encoding = (enum verify_encoding)n;
}

static void read_secret_form(struct reader *r, const char *name, const struct yaml_node *v,
                             void *into)
{
    static const char *const names[] = { "auto", "text", "base64", "hex" };
    const int n = read_choice(r, name, v, names, ARRAY_LEN(names));
    if (n >= 0)
        scheme_of(into)->secret_form = (enum verify_secret_form)n;
}

static void read_tolerance(struct reader *r, const char *name, const struct yaml_node *v,
                           void *into)
{
    struct workspace_config *w = into;
    w->priv->tolerance_given = true;
    read_duration(r, name, v, 1000, INT64_C(30) * 86400000, &scheme_of(w)->tolerance_ms);
}

static void read_secrets(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct workspace_config *w = into;
    w->priv->hooks = NULL;
    w->priv->nhooks = 0;
    if (yaml_kind(v) != YAML_LIST) {
        read_error_hidden(r, name, v, "a list is wanted here, as [{file: PATH}]");
        return;
    }
    for (size_t i = 0; i < yaml_count(v); i++) {
        struct secret_ref ref = { .kind = SECRET_NOWHERE };
        read_secret(r, name, yaml_item(v, i), true, &ref);
        w->priv->hooks =
            arena_grow(r->arena, w->priv->hooks, w->priv->nhooks, sizeof(*w->priv->hooks));
        w->priv->hooks[w->priv->nhooks++] = ref;
    }
}

void read_verify(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct workspace_config *w = into;
    const char *text = read_text(r, name, v);
    if (text && strcmp(text, "none") != 0)
        read_error(r, name, v, "'%s' means nothing here: `none` turns the check of signatures off",
                   text);
    if (!text || strcmp(text, "none") != 0)
        return;
    verify_scheme_free(w->verify);
    w->verify = verify_nothing();
    w->priv->webhook_place = read_place(r, v);
}

/* preset is read before the others, wherever it stands, because they change what it set. */
static void skip(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    (void)r, (void)name, (void)v, (void)into;
}

static const struct key keys[] = {
    { .name = "preset", .type = KEY_CUSTOM, .custom = skip },
    { .name = "header", .type = KEY_CUSTOM, .custom = read_header },
    { .name = "timestamp_header", .type = KEY_CUSTOM, .custom = read_time_header },
    { .name = "id_header", .type = KEY_CUSTOM, .custom = read_id_header },
    { .name = "prefix", .type = KEY_CUSTOM, .custom = read_prefix },
    { .name = "prefix_optional", .type = KEY_CUSTOM, .custom = read_prefix_optional },
    { .name = "header_form", .type = KEY_CUSTOM, .custom = read_header_form },
    { .name = "separator", .type = KEY_CUSTOM, .custom = read_separator },
    { .name = "time_field", .type = KEY_CUSTOM, .custom = read_time_field },
    { .name = "signature_field", .type = KEY_CUSTOM, .custom = read_signature_field },
    { .name = "signed", .type = KEY_CUSTOM, .custom = read_signed },
    { .name = "hash", .type = KEY_CUSTOM, .custom = read_hash },
    { .name = "encoding", .type = KEY_CUSTOM, .custom = read_encoding },
    { .name = "secrets", .type = KEY_CUSTOM, .custom = read_secrets },
    { .name = "secret_form", .type = KEY_CUSTOM, .custom = read_secret_form },
    { .name = "tolerance", .type = KEY_CUSTOM, .custom = read_tolerance },
    { .name = "verify", .type = KEY_CUSTOM, .custom = read_verify },
};

static const struct key_set webhook_keys = { "webhook", keys, ARRAY_LEN(keys), NULL };

/* Do the keys say how a scheme of one's own signs? Secrets and tolerance do not. */
static bool spells_scheme(const struct yaml_node *v)
{
    static const char *const others[] = { "secrets", "secret_form", "tolerance", "verify" };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        bool other = false;
        for (size_t k = 0; k < ARRAY_LEN(others); k++)
            other = other || strcmp(keys[i].name, others[k]) == 0;
        if (!other && yaml_get(v, keys[i].name))
            return true;
    }
    return false;
}

/* What signs: sendkit's scheme while only secrets, tolerance and the like are given. */
static void imply_scheme(struct workspace_config *w, const struct yaml_node *v)
{
    if (!spells_scheme(v)) {
        w->priv->scheme_implied = w->priv->scheme_implied || !w->verify;
        if (!w->verify)
            w->verify = verify_preset("sendkit");
        return;
    }
    if (!w->priv->scheme_implied || !w->verify)
        return;
    const int64_t tolerance_ms = w->verify->tolerance_ms; /* of the defaults */
    verify_scheme_free(w->verify);
    w->verify = NULL;
    w->priv->scheme_implied = false;
    if (w->priv->tolerance_given)
        scheme_of(w)->tolerance_ms = tolerance_ms;
}

void read_webhook(struct reader *r, const char *name, const struct yaml_node *v, void *into)
{
    struct workspace_config *w = into;
    const struct yaml_node *preset = yaml_kind(v) == YAML_MAP ? yaml_get(v, "preset") : NULL;
    w->priv->webhook_place = read_place(r, v);
    if (w->verify && w->verify->none) { /* of the defaults */
        verify_scheme_free(w->verify);
        w->verify = NULL;
    }
    if (yaml_kind(v) == YAML_MAP)
        imply_scheme(w, v);
    if (preset)
        read_preset(r, "preset", preset, into);
    (void)name;
    read_map(r, &webhook_keys, v, into);
}
