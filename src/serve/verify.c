#include "serve/verify.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/digest.h"

#define TIMESTAMP_DIGITS 12

/* A piece of a header's value. */
struct slice {
    const char *at;
    size_t len;
};

/* What a request offers under one set of header names. */
struct offer {
    const char *signature_header;
    struct slice timestamp, id;
    unsigned char macs[VERIFY_SIGNATURES_MAX][DIGEST_MAX];
    size_t nmacs;
    size_t nsignatures; /* also those that could not be decoded or are of another version */
    bool has_time_field;
    const char *why; /* of the last that could not be decoded */
};

struct check {
    const struct verify_scheme *scheme;
    const struct verify_key *keys;
    size_t nkeys;
    struct slice body;
    const struct http_header *headers;
    size_t nheaders;
    int64_t now_ms;
    struct verify_result *out;
};

/* Returns -1, so that reporting and returning are one line. */
static int refuse(struct check *c, enum verify_class class, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(struct check *c, enum verify_class class, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    c->out->class = class;
    vsnprintf(c->out->msg, sizeof(c->out->msg), fmt, ap);
    va_end(ap);
    return -1;
}

const char *verify_class_name(enum verify_class c)
{
    static const char *const names[] = {
        [VERIFY_OK] = "ok",
        [VERIFY_MISSING] = "missing",
        [VERIFY_UNDECODABLE] = "undecodable",
        [VERIFY_TIME] = "time",
        [VERIFY_NO_MATCH] = "no-match",
    };
    return names[c];
}

/* ---- headers -------------------------------------------------------------------------------- */

static struct slice trimmed(struct slice s)
{
    while (s.len > 0 && strchr(" \t", s.at[0]) && s.at[0])
        s = (struct slice){ s.at + 1, s.len - 1 };
    while (s.len > 0 && strchr(" \t", s.at[s.len - 1]) && s.at[s.len - 1])
        s.len--;
    return s;
}

static size_t count_headers(const struct check *c, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < c->nheaders; i++)
        n += strcasecmp(c->headers[i].name, name) == 0;
    return n;
}

/* The header's only value. More than one could be read differently by somebody else. */
static int read_header(struct check *c, const char *name, struct slice *out)
{
    const size_t n = count_headers(c, name);
    if (n == 0)
        return refuse(c, VERIFY_MISSING, "the header %s is missing", name);
    if (n > 1)
        return refuse(c, VERIFY_MISSING, "the header %s is there %zu times, and must be once", name,
                      n);
    const char *value = "";
    for (size_t i = 0; i < c->nheaders; i++)
        if (strcasecmp(c->headers[i].name, name) == 0)
            value = c->headers[i].value ? c->headers[i].value : "";
    *out = trimmed((struct slice){ value, strlen(value) });
    if (out->len > VERIFY_HEADER_MAX)
        return refuse(c, VERIFY_UNDECODABLE, "the header %s is longer than %d bytes", name,
                      VERIFY_HEADER_MAX);
    if (out->len == 0)
        return refuse(c, VERIFY_UNDECODABLE, "the header %s is empty", name);
    return 0;
}

/* ---- signatures ------------------------------------------------------------------------------ */

static bool decode_mac(const struct verify_scheme *s, struct slice text,
                       unsigned char out[DIGEST_MAX])
{
    size_t len = 0;
    const bool ok = s->encoding == VERIFY_HEX
                        ? hex_decode(text.at, text.len, out, DIGEST_MAX, &len)
                        : base64_decode(text.at, text.len, out, DIGEST_MAX, &len);
    return ok && len == digest_size((enum digest_hash)s->hash);
}

/* False when the prefix is wanted and not there. */
static bool drop_prefix(const struct verify_scheme *s, struct slice *text)
{
    const size_t n = s->prefix ? strlen(s->prefix) : 0;
    if (n == 0)
        return true;
    if (text->len < n || strncasecmp(text->at, s->prefix, n) != 0)
        return s->prefix_optional;
    *text = trimmed((struct slice){ text->at + n, text->len - n });
    return true;
}

static int add_signature(struct check *c, struct offer *o, struct slice text)
{
    if (++o->nsignatures > VERIFY_SIGNATURES_MAX)
        return refuse(c, VERIFY_UNDECODABLE, "the header %s holds more than %d signatures",
                      o->signature_header, VERIFY_SIGNATURES_MAX);
    if (!drop_prefix(c->scheme, &text))
        o->why = "it lacks the prefix";
    else if (!decode_mac(c->scheme, text, o->macs[o->nmacs]))
        o->why = "it has a wrong length or wrong characters";
    else
        o->nmacs++;
    return 0;
}

/* "t=1700000000": one time; "v1=...": a signature; other keys are other versions. */
static int add_field(struct check *c, struct offer *o, struct slice item)
{
    const struct verify_scheme *s = c->scheme;
    const char *equals = memchr(item.at, '=', item.len);
    if (!equals)
        return refuse(c, VERIFY_UNDECODABLE, "the header %s must hold key=value pairs",
                      o->signature_header);
    const size_t key_len = (size_t)(equals - item.at);
    const struct slice value = trimmed((struct slice){ equals + 1, item.len - key_len - 1 });
    if (s->time_field && strlen(s->time_field) == key_len &&
        memcmp(item.at, s->time_field, key_len) == 0) {
        if (o->has_time_field)
            return refuse(c, VERIFY_UNDECODABLE, "the header %s holds more than one time",
                          o->signature_header);
        o->has_time_field = true;
        o->timestamp = value;
        return 0;
    }
    const bool ours =
        strlen(s->signature_field) == key_len && memcmp(item.at, s->signature_field, key_len) == 0;
    return ours ? add_signature(c, o, value) : 0;
}

/* Calls add for each piece between separators; empty pieces are skipped. */
static int split(struct check *c, struct offer *o, struct slice all, char separator,
                 int (*add)(struct check *, struct offer *, struct slice))
{
    while (all.len > 0) {
        const char *end = memchr(all.at, separator, all.len);
        const size_t len = end ? (size_t)(end - all.at) : all.len;
        const struct slice item = trimmed((struct slice){ all.at, len });
        if (item.len > 0 && add(c, o, item) < 0)
            return -1;
        all.at += len + (end != NULL);
        all.len -= len + (end != NULL);
    }
    return 0;
}

static int read_signatures(struct check *c, struct offer *o)
{
    struct slice value = { NULL, 0 };
    if (read_header(c, o->signature_header, &value) < 0)
        return -1;
    int rc = 0;
    switch (c->scheme->form) {
    case VERIFY_BARE:
        rc = add_signature(c, o, value);
        break;
    case VERIFY_LIST:
        rc = split(c, o, value, c->scheme->separator, add_signature);
        break;
    case VERIFY_FIELDS:
        rc = split(c, o, value, ',', add_field);
        break;
    }
    if (rc < 0)
        return -1;
    if (o->nsignatures == 0)
        return refuse(c, VERIFY_UNDECODABLE, "the header %s holds no %s signature",
                      o->signature_header,
                      c->scheme->signature_field ? c->scheme->signature_field : "");
    if (o->nmacs == 0)
        return refuse(c, VERIFY_UNDECODABLE, "the signature in %s cannot be decoded as %s%s%s: %s",
                      o->signature_header, c->scheme->prefix ? c->scheme->prefix : "",
                      c->scheme->prefix ? " and " : "",
                      c->scheme->encoding == VERIFY_HEX ? "hex" : "base64", o->why);
    return 0;
}

/* ---- time and id ------------------------------------------------------------------------------
 */

static int check_time(struct check *c, const struct offer *o)
{
    char digits[TIMESTAMP_DIGITS + 1] = "";
    const struct slice t = o->timestamp;
    if (t.len == 0 || t.len > TIMESTAMP_DIGITS)
        return refuse(c, VERIFY_UNDECODABLE,
                      "the timestamp must be 1 to %d digits, the seconds "
                      "since 1970",
                      TIMESTAMP_DIGITS);
    memcpy(digits, t.at, t.len);
    if (strspn(digits, "0123456789") != t.len)
        return refuse(c, VERIFY_UNDECODABLE,
                      "the timestamp must be nothing but digits, the seconds since 1970");
    const int64_t off_ms = strtoll(digits, NULL, 10) * 1000 - c->now_ms;
    const int64_t away_ms = off_ms < 0 ? -off_ms : off_ms;
    if (away_ms <= c->scheme->tolerance_ms)
        return 0;
    return refuse(c, VERIFY_TIME,
                  "the timestamp is %lld s in the %s; at most %lld s are allowed (is a clock "
                  "wrong, or is this an old delivery?)",
                  (long long)(away_ms / 1000), off_ms < 0 ? "past" : "future",
                  (long long)(c->scheme->tolerance_ms / 1000));
}

/* The first character of what follows the id in the signed bytes: an id that holds it
 * could end elsewhere. A dot ends it in most schemes. */
static char behind_id(const struct verify_scheme *s)
{
    for (size_t i = 0; i + 1 < s->nparts; i++)
        if (s->parts[i].kind == PART_ID && s->parts[i + 1].kind == PART_TEXT)
            return s->parts[i + 1].text[0];
    return '.';
}

static int check_id(struct check *c, const struct offer *o, const char *header)
{
    const char end = behind_id(c->scheme);
    for (size_t i = 0; i < o->id.len; i++) {
        const char ch = o->id.at[i];
        if (ch <= 0x20 || ch >= 0x7F || ch == '.' || ch == end)
            return refuse(c, VERIFY_UNDECODABLE,
                          "the id in %s holds a character that is not "
                          "allowed there (number %zu)",
                          header, i + 1);
    }
    return 0;
}

static int read_offer(struct check *c, const struct verify_set *set, struct offer *o)
{
    *o = (struct offer){ .signature_header = set->signature };
    if (read_signatures(c, o) < 0)
        return -1;
    if (set->timestamp && read_header(c, set->timestamp, &o->timestamp) < 0)
        return -1;
    if (c->scheme->form == VERIFY_FIELDS && c->scheme->time_field && !o->has_time_field)
        return refuse(c, VERIFY_UNDECODABLE, "the header %s holds no time (%s=...)", set->signature,
                      c->scheme->time_field);
    if (set->id && (read_header(c, set->id, &o->id) < 0 || check_id(c, o, set->id) < 0))
        return -1;
    return verify_signs_time(c->scheme) ? check_time(c, o) : 0;
}

/* ---- the comparison ----------------------------------------------------------------------------
 */

static void compute(const struct check *c, const struct offer *o, const struct verify_key *key,
                    unsigned char out[DIGEST_MAX])
{
    struct digest_part parts[VERIFY_PARTS_MAX];
    for (size_t i = 0; i < c->scheme->nparts; i++) {
        const struct verify_part *p = &c->scheme->parts[i];
        const struct slice s = p->kind == PART_BODY        ? c->body
                               : p->kind == PART_TIMESTAMP ? o->timestamp
                               : p->kind == PART_ID        ? o->id
                                                    : (struct slice){ p->text, strlen(p->text) };
        parts[i] = (struct digest_part){ .data = s.at, .len = s.len };
    }
    digest_hmac((enum digest_hash)c->scheme->hash, key->bytes, key->len, parts, c->scheme->nparts,
                out);
}

static bool any_equal(const struct offer *o, const unsigned char *mac, size_t len)
{
    unsigned hits = 0;
    for (size_t i = 0; i < o->nmacs; i++)
        hits |= digest_equal(o->macs[i], mac, len);
    return hits;
}

/* Every key is tried, whatever the others gave, so that time tells nothing. */
static int compare(struct check *c, const struct offer *o)
{
    const size_t len = digest_size((enum digest_hash)c->scheme->hash);
    size_t hit = c->nkeys;
    size_t ended = c->nkeys;
    for (size_t i = 0; i < c->nkeys; i++) {
        unsigned char mac[DIGEST_MAX] = { 0 };
        compute(c, o, &c->keys[i], mac);
        const bool equal = any_equal(o, mac, len);
        const bool over = c->keys[i].until_ms && c->now_ms >= c->keys[i].until_ms;
        explicit_bzero(mac, sizeof(mac));
        if (equal && over && ended == c->nkeys)
            ended = i;
        if (equal && !over && hit == c->nkeys)
            hit = i;
    }
    if (hit < c->nkeys) {
        c->out->key = hit;
        return 0;
    }
    if (ended < c->nkeys) {
        char when[CLOCK_TEXT];
        clock_format(c->keys[ended].until_ms, when);
        return refuse(c, VERIFY_NO_MATCH, "the signature is that of secret %zu, which ended at %s",
                      ended + 1, when);
    }
    return refuse(c, VERIFY_NO_MATCH,
                  "no match in %s: %zu signature%s, %zu secret%s (another secret, or a body "
                  "changed on the way?)",
                  o->signature_header, o->nmacs, o->nmacs == 1 ? "" : "s", c->nkeys,
                  c->nkeys == 1 ? "" : "s");
}

static int check_set(struct check *c, const struct verify_set *set)
{
    struct offer o;
    return read_offer(c, set, &o) < 0 ? -1 : compare(c, &o);
}

static int refuse_missing(struct check *c)
{
    const struct verify_scheme *s = c->scheme;
    return refuse(c, VERIFY_MISSING, "the header %s%s%s%s is missing", s->sets[0].signature,
                  s->nsets > 1 ? " (or " : "", s->nsets > 1 ? s->sets[1].signature : "",
                  s->nsets > 1 ? ")" : "");
}

void verify_request(const struct verify_scheme *s, const struct verify_key *keys, size_t nkeys,
                    const char *body, size_t len, const struct http_header *headers,
                    size_t nheaders, int64_t now_ms, struct verify_result *out)
{
    *out = (struct verify_result){ .class = VERIFY_OK };
    struct check c = { .scheme = s,
                       .keys = keys,
                       .nkeys = nkeys,
                       .body = { body, len },
                       .headers = headers,
                       .nheaders = nheaders,
                       .now_ms = now_ms,
                       .out = out };
    size_t used = 0;
    if (s->none)
        return;
    for (size_t i = 0; i < s->nsets; i++) {
        if (count_headers(&c, s->sets[i].signature) == 0)
            continue;
        used++;
        if (check_set(&c, &s->sets[i]) < 0)
            return;
    }
    if (used == 0)
        refuse_missing(&c);
}
