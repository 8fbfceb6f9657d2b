/* verify_scheme.c - presets, the signed template, and secrets made ready. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/codec.h"
#include "base/error.h"
#include "serve/verify.h"

static const struct preset {
    const char *name;
    struct {
        const char *signature, *timestamp, *id;
    } sets[VERIFY_SETS_MAX];
    const char *prefix;
    bool prefix_optional;
    enum verify_form form;
    char separator;
    const char *time_field, *signature_field;
    const char *signs;
    enum verify_encoding encoding;
} presets[] = {
    /* The reference names the first header; deployed receivers are sent the second. */
    { .name = "sendkit",
      .sets = { { "X-Webhook-Signature", NULL, NULL }, { "X-Sendkit-Signature", NULL, NULL } },
      .prefix = "sha256=",
      .prefix_optional = true,
      .signs = "{body}" },
    { .name = "standard",
      .sets = { { "webhook-signature", "webhook-timestamp", "webhook-id" },
                { "svix-signature", "svix-timestamp", "svix-id" } },
      .prefix = "v1,",
      .form = VERIFY_LIST,
      .separator = ' ',
      .signs = "{id}.{timestamp}.{body}",
      .encoding = VERIFY_BASE64 },
    { .name = "github",
      .sets = { { "X-Hub-Signature-256", NULL, NULL } },
      .prefix = "sha256=",
      .signs = "{body}" },
    { .name = "stripe",
      .sets = { { "Stripe-Signature", NULL, NULL } },
      .form = VERIFY_FIELDS,
      .time_field = "t",
      .signature_field = "v1",
      .signs = "{timestamp}.{body}" },
    { .name = "slack",
      .sets = { { "X-Slack-Signature", "X-Slack-Request-Timestamp", NULL } },
      .prefix = "v0=",
      .signs = "v0:{timestamp}:{body}" },
    { .name = "hex-body", .signs = "{body}" },
    { .name = "base64-body", .signs = "{body}", .encoding = VERIFY_BASE64 },
};

static char *copy_or_null(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

static void copy_sets(struct verify_scheme *s, const struct preset *p)
{
    for (; s->nsets < VERIFY_SETS_MAX && p->sets[s->nsets].signature; s->nsets++)
        s->sets[s->nsets] = (struct verify_set){
            .signature = xstrdup(p->sets[s->nsets].signature),
            .timestamp = copy_or_null(p->sets[s->nsets].timestamp),
            .id = copy_or_null(p->sets[s->nsets].id),
        };
}

struct verify_scheme *verify_preset(const char *name)
{
    const struct preset *p = NULL;
    for (size_t i = 0; i < ARRAY_LEN(presets); i++)
        if (strcmp(presets[i].name, name) == 0)
            p = &presets[i];
    if (!p)
        return NULL;
    struct verify_scheme *s = xcalloc(1, sizeof(*s));
    *s = (struct verify_scheme){
        .preset = xstrdup(p->name),
        .prefix = copy_or_null(p->prefix),
        .prefix_optional = p->prefix_optional,
        .form = p->form,
        .separator = p->separator ? p->separator : ' ',
        .time_field = copy_or_null(p->time_field),
        .signature_field = copy_or_null(p->signature_field),
        .encoding = p->encoding,
        .tolerance_ms = VERIFY_TOLERANCE_MS,
    };
    copy_sets(s, p);
    verify_set_template(s, p->signs, NULL);
    return s;
}

struct verify_scheme *verify_nothing(void)
{
    struct verify_scheme *s = xcalloc(1, sizeof(*s));
    *s = (struct verify_scheme){ .none = true, .preset = xstrdup("none") };
    return s;
}

static void free_parts(struct verify_scheme *s)
{
    for (size_t i = 0; i < s->nparts; i++)
        free(s->parts[i].text);
    s->nparts = 0;
}

void verify_scheme_free(struct verify_scheme *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->nsets; i++) {
        free(s->sets[i].signature);
        free(s->sets[i].timestamp);
        free(s->sets[i].id);
    }
    free_parts(s);
    free(s->preset);
    free(s->prefix);
    free(s->time_field);
    free(s->signature_field);
    free(s);
}

void verify_scheme_freep(struct verify_scheme **s)
{
    verify_scheme_free(*s);
}

/* ---- the template ----------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum verify_part_kind kind;
} variables[] = {
    { "{id}", PART_ID },
    { "{timestamp}", PART_TIMESTAMP },
    { "{body}", PART_BODY },
};

/* The variable at text, with the length of its name; or plain text up to the next brace. */
static struct verify_part next_part(const char *text, size_t *len)
{
    for (size_t i = 0; i < ARRAY_LEN(variables); i++) {
        *len = strlen(variables[i].name);
        if (strncmp(text, variables[i].name, *len) == 0)
            return (struct verify_part){ .kind = variables[i].kind };
    }
    *len = strcspn(text, "{}");
    return (struct verify_part){ .kind = PART_TEXT, .text = xmemdup0(text, *len) };
}

int verify_set_template(struct verify_scheme *s, const char *text, struct error *err)
{
    free_parts(s);
    while (*text) {
        size_t len;
        const struct verify_part part = next_part(text, &len);
        if (len == 0 || s->nparts == VERIFY_PARTS_MAX) {
            free(part.text);
            return error_set(
                err, ERR_INPUT, "%s",
                len ? "the template has too many parts"
                    : "a brace in the template belongs to {id}, {timestamp} or {body}");
        }
        s->parts[s->nparts++] = part;
        text += len;
    }
    return 0;
}

static size_t count_parts(const struct verify_scheme *s, enum verify_part_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < s->nparts; i++)
        n += s->parts[i].kind == kind;
    return n;
}

bool verify_signs_time(const struct verify_scheme *s)
{
    return count_parts(s, PART_TIMESTAMP) > 0;
}

/* Without something between two variables, bytes could be moved from one to the other. */
static bool parts_touch(const struct verify_scheme *s)
{
    for (size_t i = 1; i < s->nparts; i++)
        if (s->parts[i - 1].kind != PART_TEXT && s->parts[i].kind != PART_TEXT)
            return true;
    return false;
}

static int check_sources(const struct verify_scheme *s, const struct verify_set *set,
                         struct error *err)
{
    const bool fields = s->form == VERIFY_FIELDS;
    const bool has_time = set->timestamp || (fields && s->time_field);
    const bool signs_time = count_parts(s, PART_TIMESTAMP) > 0;
    const bool signs_id = count_parts(s, PART_ID) > 0;
    if (set->timestamp && fields && s->time_field)
        return error_set(err, ERR_INPUT,
                         "the time is either in timestamp_header or in time_field, not in both");
    if (signs_time && !has_time)
        return error_set(err, ERR_INPUT,
                         "{timestamp} is signed, but there is no timestamp_header "
                         "(or time_field) to take it from");
    if (!signs_time && has_time)
        return error_set(err, ERR_INPUT,
                         "a time that is not signed proves nothing: put "
                         "{timestamp} into signed, or leave its header out");
    if (signs_id && !set->id)
        return error_set(err, ERR_INPUT, "{id} is signed, but there is no id_header");
    if (!signs_id && set->id)
        return error_set(err, ERR_INPUT,
                         "an id that is not signed proves nothing: put {id} into "
                         "signed, or leave id_header out");
    return 0;
}

int verify_scheme_check(const struct verify_scheme *s, struct error *err)
{
    if (s->none)
        return 0;
    if (s->nsets == 0 || !s->sets[0].signature)
        return error_set(err, ERR_INPUT, "the name of the signature's header is missing");
    if (s->form == VERIFY_FIELDS && !s->signature_field)
        return error_set(err, ERR_INPUT, "header_form fields needs signature_field, as v1");
    if (count_parts(s, PART_BODY) != 1)
        return error_set(err, ERR_INPUT, "signed must contain {body} exactly once");
    if (count_parts(s, PART_TIMESTAMP) > 1 || count_parts(s, PART_ID) > 1)
        return error_set(err, ERR_INPUT, "signed may contain {timestamp} and {id} once each");
    if (parts_touch(s))
        return error_set(err, ERR_INPUT,
                         "signed needs some text between {id}, {timestamp} and "
                         "{body}, as in {timestamp}.{body}");
    for (size_t i = 0; i < s->nsets; i++)
        if (check_sources(s, &s->sets[i], err) < 0)
            return -1;
    return 0;
}

/* ---- secrets ------------------------------------------------------------------------------ */

#define WHSEC "whsec_"

static size_t without_line_break(const char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len > 0 && text[len - 1] == '\r')
        len--;
    return len;
}

static bool has_whsec(const char *text, size_t len)
{
    return len >= strlen(WHSEC) && memcmp(text, WHSEC, strlen(WHSEC)) == 0;
}

/* SECRET_AUTO resolved; -1 when it must be named. */
static int resolve_form(const struct verify_scheme *s, enum verify_secret_form form,
                        const char *text, size_t len, struct error *err)
{
    if (form == SECRET_AUTO)
        form = s->secret_form;
    if (form != SECRET_AUTO)
        return (int)form;
    if (!s->preset || strcmp(s->preset, "standard") != 0)
        return SECRET_TEXT;
    if (has_whsec(text, len))
        return SECRET_BASE64;
    return error_set(err, ERR_INPUT,
                     "the secret does not begin with whsec_, and senders read such "
                     "ones differently: say secret_form: base64 (what most do) "
                     "or text");
}

static bool decode_key(struct verify_key *key, int form, const char *text, size_t len)
{
    if (form == SECRET_HEX)
        return hex_decode(text, len, key->bytes, len, &key->len);
    if (form == SECRET_BASE64) {
        const size_t skip = has_whsec(text, len) ? strlen(WHSEC) : 0;
        return base64_decode(text + skip, len - skip, key->bytes, len, &key->len);
    }
    memcpy(key->bytes, text, len);
    key->len = len;
    return true;
}

int verify_key_init(struct verify_key *key, const struct verify_scheme *s,
                    enum verify_secret_form form, const char *text, size_t len, struct error *err)
{
    *key = (struct verify_key){ .len = 0 };
    len = without_line_break(text, len);
    if (len == 0)
        return error_set(err, ERR_INPUT, "the secret is empty");
    const int really = resolve_form(s, form, text, len, err);
    if (really < 0)
        return -1;
    struct verify_key made = { .bytes = xcalloc(len + 1, 1) };
    if (!decode_key(&made, really, text, len) || made.len == 0) {
        made.len = len;
        verify_key_done(&made);
        return error_set(err, ERR_INPUT, "the secret is not written in %s",
                         really == SECRET_HEX ? "hex" : "base64");
    }
    *key = made;
    return 0;
}

void verify_key_done(struct verify_key *key)
{
    if (key->bytes)
        explicit_bzero(key->bytes, key->len);
    free(key->bytes);
    free(key->source);
    *key = (struct verify_key){ .len = 0 };
}
