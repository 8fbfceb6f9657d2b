#include "serve/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"

#define WHSEC "whsec_"
#define ANY_AGE_MS (INT64_C(1) << 60) /* captures are old */

/* ---- readings of a secret ------------------------------------------------------------------ */

static size_t without_break(const char *text, size_t len)
{
    if (len > 0 && text[len - 1] == '\n')
        len--;
    if (len > 0 && text[len - 1] == '\r')
        len--;
    return len;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool copy_key(struct verify_key *out, const char *text, size_t len)
{
    *out = (struct verify_key){ .bytes = xcalloc(len + 1, 1), .len = len };
    memcpy(out->bytes, text, len);
    return len > 0;
}

static bool read_trimmed(struct verify_key *out, const char *text, size_t len)
{
    const size_t plain = without_break(text, len);
    size_t from = 0, to = len;
    while (from < to && is_blank(text[from]))
        from++;
    while (to > from && is_blank(text[to - 1]))
        to--;
    return (from > 0 || to < plain) && copy_key(out, text + from, to - from);
}

/* False when this reading is none, or the same as a plainer one. */
static bool read_key(struct verify_key *out, const struct doctor_secret *s,
                     enum doctor_reading reading)
{
    static const enum verify_secret_form forms[] = {
        [READ_TEXT] = SECRET_TEXT, [READ_BASE64] = SECRET_BASE64, [READ_HEX] = SECRET_HEX
    };
    const struct verify_scheme any = { .preset = NULL };
    const size_t plain = without_break(s->text, s->len);
    struct error err = ERROR_INIT;
    switch (reading) {
    case READ_TEXT:
    case READ_BASE64:
    case READ_HEX:
        return verify_key_init(out, &any, forms[reading], s->text, s->len, &err) == 0;
    case READ_TEXT_BARE:
        return plain > strlen(WHSEC) && memcmp(s->text, WHSEC, strlen(WHSEC)) == 0 &&
               copy_key(out, s->text + strlen(WHSEC), plain - strlen(WHSEC));
    case READ_TEXT_TRIMMED:
        return read_trimmed(out, s->text, s->len);
    case READ_TEXT_WHOLE:
        return plain < s->len && copy_key(out, s->text, s->len);
    case READINGS:
        break;
    }
    return false;
}

const char *doctor_reading_words(enum doctor_reading reading)
{
    static const char *const words[] = {
        [READ_TEXT] = "as text",
        [READ_BASE64] = "as base64",
        [READ_HEX] = "as hex",
        [READ_TEXT_BARE] = "as text, without its whsec_",
        [READ_TEXT_TRIMMED] = "as text, without the blanks around it",
        [READ_TEXT_WHOLE] = "as text, with the line break at its end",
    };
    return words[reading];
}

static bool usual(const struct verify_scheme *s, enum doctor_reading reading,
                  const struct doctor_secret *secret)
{
    const bool whsec =
        secret->len > strlen(WHSEC) && memcmp(secret->text, WHSEC, strlen(WHSEC)) == 0;
    const bool standard = strcmp(s->preset, "standard") == 0;
    return standard ? whsec && reading == READ_BASE64 : reading == READ_TEXT;
}

/* ---- the search ------------------------------------------------------------------------------ */

struct search {
    const struct doctor_request *req;
    const struct doctor_secret *secrets;
    size_t nsecrets;
    struct doctor_schemes schemes;
    struct doctor_report *out;
};

static bool matches(struct search *s, const struct verify_scheme *scheme,
                    const struct verify_key *key, const char *body, size_t len)
{
    struct verify_scheme timeless = *scheme;
    struct verify_result got;
    timeless.tolerance_ms = ANY_AGE_MS;
    s->out->tried++;
    verify_request(&timeless, key, 1, body, len, s->req->headers, s->req->nheaders, s->req->now_ms,
                   &got);
    return got.class == VERIFY_OK;
}

static void note_match(struct search *s, size_t scheme, const struct verify_key *key,
                       const char *body, size_t len)
{
    struct doctor_report *out = s->out;
    out->scheme = s->schemes.list[scheme];
    s->schemes.list[scheme] = NULL;
    verify_request(out->scheme, key, 1, body, len, s->req->headers, s->req->nheaders,
                   s->req->now_ms, &out->time);
    out->reading_usual = usual(out->scheme, out->reading, &s->secrets[out->secret]);
}

static bool try_secret(struct search *s, const char *body, size_t len)
{
    for (s->out->reading = 0; s->out->reading < READINGS; s->out->reading++) {
        struct verify_key key = { .len = 0 };
        bool found = false;
        if (read_key(&key, &s->secrets[s->out->secret], s->out->reading))
            for (size_t i = 0; i < s->schemes.count && !found; i++) {
                found = matches(s, s->schemes.list[i], &key, body, len);
                if (found)
                    note_match(s, i, &key, body, len);
            }
        verify_key_done(&key);
        if (found)
            return true;
    }
    return false;
}

static bool try_body(struct search *s)
{
    scoped(buf_free) struct buf body = BUF_INIT;
    if (!body_undo(s->out->change, s->req->body, s->req->len, &body))
        return false;
    for (s->out->secret = 0; s->out->secret < s->nsecrets; s->out->secret++)
        if (try_secret(s, buf_str(&body), body.len))
            return true;
    return false;
}

/* ---- what stands in the way --------------------------------------------------------------------
 */

static void note(struct doctor_report *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void note(struct doctor_report *r, const char *fmt, ...)
{
    if (r->nnotes == DOCTOR_NOTES_MAX)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(r->notes[r->nnotes++], sizeof(r->notes[0]), fmt, ap);
    va_end(ap);
}

/* What the preset's own check says, with a key that cannot be meant. */
static void note_preset(struct search *s, const struct verify_scheme *scheme)
{
    unsigned char none[1] = { 0 };
    const struct verify_key key = { .bytes = none, .len = sizeof(none) };
    struct verify_scheme timeless = *scheme;
    struct verify_result got;
    timeless.tolerance_ms = ANY_AGE_MS;
    verify_request(&timeless, &key, 1, s->req->body, s->req->len, s->req->headers, s->req->nheaders,
                   s->req->now_ms, &got);
    if (got.class != VERIFY_NO_MATCH)
        note(s->out, "preset %s: %s", scheme->preset, got.msg);
}

/* A value of hex digits that is no hash's length was cut, or copied badly. */
static void note_length(struct doctor_report *r, const struct http_header *h)
{
    const char *equals = strrchr(h->value, '=');
    const char *hex = equals && equals[1] ? equals + 1 : h->value;
    const size_t n = strspn(hex, "0123456789abcdefABCDEF");
    if (n >= 16 && hex[n] == '\0' && n != 64 && n != 128 && n != 40)
        note(r,
             "the header %s ends with %zu hex digits, and a SHA-256 has 64: it was cut or "
             "copied badly",
             h->name, n);
}

static bool named_like_signature(const char *name)
{
    return strcasestr(name, "signature") || strcasestr(name, "hmac") || strcasestr(name, "-sig");
}

static void note_headers(struct search *s)
{
    size_t named = 0;
    for (size_t i = 0; i < s->req->nheaders; i++) {
        if (!named_like_signature(s->req->headers[i].name))
            continue;
        named++;
        note_length(s->out, &s->req->headers[i]);
    }
    if (named == 0 && s->schemes.count == 0)
        note(s->out, "no header looks like a signature; automark knows X-Webhook-Signature and "
                     "X-Sendkit-Signature (sendkit), webhook-signature and svix-signature "
                     "(standard), X-Hub-Signature-256 (github), Stripe-Signature and "
                     "X-Slack-Signature");
}

static void note_secrets(struct search *s)
{
    for (size_t i = 0; i < s->nsecrets; i++)
        if (without_break(s->secrets[i].text, s->secrets[i].len) == 0)
            note(s->out, "secret %zu is empty", i + 1);
}

static void note_obstacles(struct search *s)
{
    note_secrets(s);
    note_headers(s);
    for (size_t i = 0; i < s->schemes.count; i++)
        if (strcmp(s->schemes.list[i]->preset, "own") != 0)
            note_preset(s, s->schemes.list[i]);
    if (s->out->nnotes == 0)
        note(s->out, "the signature is well formed, so either the secret is another one, or the "
                     "body is not the one that was signed");
}

void doctor_examine(const struct doctor_request *req, const struct doctor_secret *secrets,
                    size_t nsecrets, struct doctor_report *out)
{
    *out = (struct doctor_report){ .scheme = NULL };
    struct search s = { .req = req, .secrets = secrets, .nsecrets = nsecrets, .out = out };
    doctor_schemes_find(&s.schemes, req);
    bool found = false;
    for (out->change = 0; out->change < BODY_CHANGES && !found; out->change += !found)
        found = try_body(&s);
    if (!found)
        note_obstacles(&s);
    doctor_schemes_done(&s.schemes);
}

void doctor_report_done(struct doctor_report *r)
{
    verify_scheme_free(r->scheme);
    r->scheme = NULL;
}

bool doctor_passes(const struct doctor_report *r)
{
    return r->scheme && r->change == BODY_AS_IS && r->reading <= READ_HEX;
}
