/* doctor_scheme.c - the schemes that fit the headers of a captured request. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/codec.h"
#include "base/digest.h"
#include "serve/doctor.h"

#define PREFIX_MAX 16 /* of a signature: "sha256=", "v0=", "v1," */
#define TIME_DIGITS_LEAST 9

/* ---- what a value looks like --------------------------------------------------------------- */

/* A signature's text, taken apart. */
struct look {
    char prefix[PREFIX_MAX + 1];
    enum verify_encoding encoding;
    enum verify_hash hash;
};

static bool hash_of_length(size_t len, enum verify_hash *hash)
{
    static const enum verify_hash hashes[] = { VERIFY_SHA256, VERIFY_SHA512, VERIFY_SHA1 };
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        if (digest_size((enum digest_hash)hashes[i]) != len)
            continue;
        *hash = hashes[i];
        return true;
    }
    return false;
}

static bool decodes(const char *text, size_t len, struct look *out)
{
    unsigned char mac[DIGEST_MAX];
    size_t got = 0;
    out->encoding = VERIFY_HEX;
    if (hex_decode(text, len, mac, sizeof(mac), &got) && hash_of_length(got, &out->hash))
        return true;
    out->encoding = VERIFY_BASE64;
    return base64_decode(text, len, mac, sizeof(mac), &got) && hash_of_length(got, &out->hash);
}

/* The value by itself, or behind something short that ends with = or a comma. */
static bool look_at(const char *text, size_t len, struct look *out)
{
    *out = (struct look){ .prefix = "" };
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
        len--;
    if (decodes(text, len, out))
        return true;
    const size_t n = strcspn(text, "=,");
    if (n == 0 || n + 1 >= len || n + 1 > PREFIX_MAX)
        return false;
    memcpy(out->prefix, text, n + 1);
    out->prefix[n + 1] = '\0';
    const size_t blanks = strspn(text + n + 1, " ");
    return decodes(text + n + 1 + blanks, len - n - 1 - blanks, out);
}

static bool is_time(const char *value)
{
    const size_t digits = strspn(value, "0123456789");
    return digits >= TIME_DIGITS_LEAST && digits <= 12 && value[digits] == '\0';
}

static bool ends_with_id(const char *name)
{
    const size_t n = strlen(name);
    return n >= 3 && strcasecmp(name + n - 2, "id") == 0;
}

/* ---- making schemes -------------------------------------------------------------------------- */

/* Where the parts of one scheme come from; NULL: it has none. */
struct sources {
    const char *signature, *timestamp, *id;
    const char *time_field, *signature_field;
    enum verify_form form;
    char separator;
};

static char *copy_or_null(const char *s)
{
    return s ? xstrdup(s) : NULL;
}

static void add(struct doctor_schemes *out, const struct sources *from, const struct look *look,
                const char *template)
{
    if (out->count == DOCTOR_SCHEMES_MAX)
        return;
    struct verify_scheme *s = xcalloc(1, sizeof(*s));
    *s = (struct verify_scheme){
        .preset = xstrdup("own"),
        .sets = { { .signature = xstrdup(from->signature),
                    .timestamp = copy_or_null(from->timestamp),
                    .id = copy_or_null(from->id) } },
        .nsets = 1,
        .prefix = copy_or_null(look->prefix[0] ? look->prefix : NULL),
        .form = from->form,
        .separator = from->separator ? from->separator : ' ',
        .time_field = copy_or_null(from->time_field),
        .signature_field = copy_or_null(from->signature_field),
        .hash = look->hash,
        .encoding = look->encoding,
        .tolerance_ms = VERIFY_TOLERANCE_MS,
    };
    verify_set_template(s, template, NULL);
    if (verify_scheme_check(s, NULL) < 0) {
        verify_scheme_free(s);
        return;
    }
    out->list[out->count++] = s;
}

static const char *const timed[] = { "{timestamp}.{body}", "v0:{timestamp}:{body}",
                                     "{timestamp}:{body}", "{timestamp},{body}",
                                     "{timestamp}\n{body}" };

/* With each header that could be the time, and each that could be an id. */
static void add_with_headers(struct doctor_schemes *out, const struct doctor_request *req,
                             struct sources from, const struct look *look)
{
    add(out, &from, look, "{body}");
    for (size_t t = 0; t < req->nheaders; t++) {
        if (!is_time(req->headers[t].value))
            continue;
        from.timestamp = req->headers[t].name;
        for (size_t i = 0; i < ARRAY_LEN(timed); i++)
            add(out, &from, look, timed[i]);
        for (size_t i = 0; i < req->nheaders; i++) {
            from.id = req->headers[i].name;
            if (ends_with_id(from.id))
                add(out, &from, look, "{id}.{timestamp}.{body}");
        }
        from.id = NULL;
    }
}

/* "t=1700000000,v1=...": every key that could hold the signature, with and without a time. */
static void add_fields(struct doctor_schemes *out, const char *name, const char *value)
{
    char time_field[PREFIX_MAX + 1] = "";
    for (unsigned round = 0; round < 2; round++) { /* the time may stand behind */
        for (const char *at = value; *at;) {
            at += strspn(at, ", ");
            const size_t len = strcspn(at, ",");
            const size_t key = strcspn(at, "=,");
            char field[PREFIX_MAX + 1] = "";
            char text[VERIFY_HEADER_MAX + 1] = "";
            struct look look = { .prefix = "" };
            if (key < len && key <= PREFIX_MAX && len - key <= VERIFY_HEADER_MAX) {
                memcpy(field, at, key);
                memcpy(text, at + key + 1, len - key - 1);
            }
            if (round == 0 && field[0] && is_time(text))
                memcpy(time_field, field, sizeof(field));
            const struct sources from = { .signature = name,
                                          .time_field = time_field[0] ? time_field : NULL,
                                          .signature_field = field,
                                          .form = VERIFY_FIELDS };
            if (round == 1 && field[0] && decodes(text, strlen(text), &look)) {
                add(out, &from, &look, "{body}");
                for (size_t i = 0; i < ARRAY_LEN(timed); i++)
                    add(out, &from, &look, timed[i]);
            }
            at += len;
        }
    }
}

/* "v1,AAAA v1,BBBB", or with commas between bare ones. */
static void add_list(struct doctor_schemes *out, const struct doctor_request *req,
                     const struct http_header *h, char separator)
{
    const char *first = h->value;
    const char *end = strchr(first, separator);
    struct look look;
    if (!end || !look_at(first, (size_t)(end - first), &look))
        return;
    const struct sources from = { .signature = h->name,
                                  .form = VERIFY_LIST,
                                  .separator = separator };
    add_with_headers(out, req, from, &look);
}

static void add_own(struct doctor_schemes *out, const struct doctor_request *req,
                    const struct http_header *h)
{
    struct look look;
    const struct sources bare = { .signature = h->name, .form = VERIFY_BARE };
    if (strlen(h->value) > VERIFY_HEADER_MAX)
        return;
    if (look_at(h->value, strlen(h->value), &look))
        add_with_headers(out, req, bare, &look);
    add_list(out, req, h, ' ');
    add_list(out, req, h, ',');
    add_fields(out, h->name, h->value);
}

static bool has_header(const struct doctor_request *req, const char *name)
{
    for (size_t i = 0; i < req->nheaders; i++)
        if (strcasecmp(req->headers[i].name, name) == 0)
            return true;
    return false;
}

static void add_preset(struct doctor_schemes *out, const struct doctor_request *req,
                       const char *name)
{
    struct verify_scheme *s = verify_preset(name);
    bool there = false;
    for (size_t i = 0; i < s->nsets; i++)
        there = there || has_header(req, s->sets[i].signature);
    if (there)
        out->list[out->count++] = s;
    else
        verify_scheme_free(s);
}

void doctor_schemes_find(struct doctor_schemes *out, const struct doctor_request *req)
{
    static const char *const presets[] = { "sendkit", "standard", "github", "stripe", "slack" };
    out->count = 0;
    for (size_t i = 0; i < ARRAY_LEN(presets); i++)
        add_preset(out, req, presets[i]);
    for (size_t i = 0; i < req->nheaders; i++)
        add_own(out, req, &req->headers[i]);
}

void doctor_schemes_done(struct doctor_schemes *s)
{
    for (size_t i = 0; i < s->count; i++)
        verify_scheme_free(s->list[i]);
    s->count = 0;
}

char *doctor_template(const struct verify_scheme *s)
{
    static const char *const names[] = {
        [PART_ID] = "{id}", [PART_TIMESTAMP] = "{timestamp}", [PART_BODY] = "{body}"
    };
    struct buf b = BUF_INIT;
    for (size_t i = 0; i < s->nparts; i++)
        buf_puts(&b, s->parts[i].kind == PART_TEXT ? s->parts[i].text : names[s->parts[i].kind]);
    return buf_take(&b);
}
