#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/codec.h"
#include "base/digest.h"
#include "base/error.h"
#include "serve/verify.h"

static const char body[] = "{\"type\":\"email.replied\",\"data\":{\"conversationId\":\"c_1\"}}";
static const int64_t now_ms = INT64_C(1700000000) * 1000;

#define SECRET "automark-test-secret"
#define WHSEC_SECRET "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HEX "74100a6da0ce5372ff5d0b221398343fce468af639eda20a8db85bfde194ceca"
#define HEX_UPPER "74100A6DA0CE5372FF5D0B221398343FCE468AF639EDA20A8DB85BFDE194CECA"
#define HEX_OTHER "74100a6da0ce5372ff5d0b221398343fce468af639eda20a8db85bfde194cecb"
#define BASE64 "dBAKbaDOU3L/XQsiE5g0P85GivY57aIKjbhb/eGUzso="
#define STANDARD "v1,N8Ud3MZmSqCrkPNp4aEy2ZboeyDWZyU9Q4EwIKPo8FE="
#define STANDARD_AS_TEXT "v1,DM1Gkaqo3TMBUsPXVo6JVj4/pkJSFVgfGFdPPKJ/dOI="
#define STRIPE "f8a7511c0ad4adf62f7d36f3d50be447cac3a025d86b1af4147d8419479c82ac"
#define SLACK "4feb6904fa0437f04ed469a92527b6ce84929fe8a3663a1298678560e380aa7d"

#define SIG "X-Webhook-Signature"
#define SK "x-sendkit-signature"
#define GH "X-Hub-Signature-256"
#define ST "Stripe-Signature"
#define SL "X-Slack-Signature"
#define SLT "X-Slack-Request-Timestamp"

#define ID                                                                                         \
    {                                                                                              \
        "webhook-id", "msg_automark_001"                                                           \
    }
#define TS                                                                                         \
    {                                                                                              \
        "webhook-timestamp", "1700000000"                                                          \
    }

static const struct {
    const char *name, *preset, *secret;
    struct http_header headers[6];
    enum verify_class want;
    const char *words;
} rows[] = {
    /* SendKit: both names, with and without sha256=, either case. */
    { "reference name", "sendkit", SECRET, { { SIG, HEX } }, VERIFY_OK, "" },
    { "with sha256=", "sendkit", SECRET, { { SIG, "sha256=" HEX } }, VERIFY_OK, "" },
    { "deployed name", "sendkit", SECRET, { { SK, "sha256=" HEX } }, VERIFY_OK, "" },
    { "deployed name, bare", "sendkit", SECRET, { { SK, HEX } }, VERIFY_OK, "" },
    { "upper case", "sendkit", SECRET, { { SK, "SHA256=" HEX_UPPER } }, VERIFY_OK, "" },
    { "other case of the name",
      "sendkit",
      SECRET,
      { { "X-SENDKIT-SIGNATURE", HEX } },
      VERIFY_OK,
      "" },
    { "blanks around", "sendkit", SECRET, { { SIG, " sha256= " HEX "\t" } }, VERIFY_OK, "" },
    { "both names agree", "sendkit", SECRET, { { SIG, HEX }, { SK, HEX } }, VERIFY_OK, "" },
    { "a secret from a file", "sendkit", SECRET "\n", { { SIG, HEX } }, VERIFY_OK, "" },

    { "no header",
      "sendkit",
      SECRET,
      { { "X-Other", HEX } },
      VERIFY_MISSING,
      "the header X-Webhook-Signature (or X-Sendkit-Signature) is missing" },
    { "empty", "sendkit", SECRET, { { SIG, "" } }, VERIFY_UNDECODABLE, "is empty" },
    { "only the prefix", "sendkit", SECRET, { { SIG, "sha256=" } }, VERIFY_UNDECODABLE, "length" },
    { "one bit off",
      "sendkit",
      SECRET,
      { { SIG, HEX_OTHER } },
      VERIFY_NO_MATCH,
      "1 signature, 1 secret" },
    { "other secret", "sendkit", SECRET "x", { { SIG, HEX } }, VERIFY_NO_MATCH, "no match" },
    { "a good one and a bad one",
      "sendkit",
      SECRET,
      { { SIG, HEX }, { SK, HEX_OTHER } },
      VERIFY_NO_MATCH,
      "no match in X-Sendkit-Signature" },
    { "sent twice",
      "sendkit",
      SECRET,
      { { SIG, HEX }, { SIG, HEX } },
      VERIFY_MISSING,
      "is there 2 times" },
    { "sent twice, bad first",
      "sendkit",
      SECRET,
      { { SIG, HEX_OTHER }, { "x-webhook-signature", HEX } },
      VERIFY_MISSING,
      "is there 2 times" },
    { "cut short",
      "sendkit",
      SECRET,
      { { SIG, "74100a6da0ce5372" } },
      VERIFY_UNDECODABLE,
      "cannot be decoded" },
    { "a character more", "sendkit", SECRET, { { SIG, HEX "a" } }, VERIFY_UNDECODABLE, "" },
    { "a byte more", "sendkit", SECRET, { { SIG, HEX "aa" } }, VERIFY_UNDECODABLE, "" },
    { "not hex", "sendkit", SECRET, { { SIG, "zz" HEX } }, VERIFY_UNDECODABLE, "" },
    { "base64 for hex", "sendkit", SECRET, { { SIG, BASE64 } }, VERIFY_UNDECODABLE, "" },
    { "sha1=", "sendkit", SECRET, { { SIG, "sha1=" HEX } }, VERIFY_UNDECODABLE, "" },
    { "v1=", "sendkit", SECRET, { { SIG, "v1=" HEX } }, VERIFY_UNDECODABLE, "" },
    { "prefix twice",
      "sendkit",
      SECRET,
      { { SIG, "sha256=sha256=" HEX } },
      VERIFY_UNDECODABLE,
      "" },
    { "two in one", "sendkit", SECRET, { { SIG, HEX_OTHER "," HEX } }, VERIFY_UNDECODABLE, "" },
    { "null", "sendkit", SECRET, { { SIG, "null" } }, VERIFY_UNDECODABLE, "" },
    { "of the empty key",
      "sendkit",
      SECRET,
      { { SIG, "fd0f7b29162c32ce0e3b204adbfa14d9ec9d7dd3aae3429c3d3c1608a967163a" } },
      VERIFY_NO_MATCH,
      "" },

    { "github", "github", SECRET, { { GH, "sha256=" HEX } }, VERIFY_OK, "" },
    { "github, bare", "github", SECRET, { { GH, HEX } }, VERIFY_UNDECODABLE, "lacks the prefix" },
    { "github, SHA-1's header",
      "github",
      SECRET,
      { { "X-Hub-Signature", "sha1=" HEX } },
      VERIFY_MISSING,
      "" },

    { "standard",
      "standard",
      WHSEC_SECRET,
      { ID, TS, { "webhook-signature", STANDARD } },
      VERIFY_OK,
      "" },
    { "standard, svix",
      "standard",
      WHSEC_SECRET,
      { { "svix-id", "msg_automark_001" },
        { "svix-timestamp", "1700000000" },
        { "svix-signature", STANDARD } },
      VERIFY_OK,
      "" },
    { "standard, one of a list",
      "standard",
      WHSEC_SECRET,
      { ID, TS, { "webhook-signature", "v1a,AAAA " STANDARD_AS_TEXT "  v2,x " STANDARD } },
      VERIFY_OK,
      "" },
    { "standard, no padding",
      "standard",
      WHSEC_SECRET,
      { ID, TS, { "webhook-signature", "v1,N8Ud3MZmSqCrkPNp4aEy2ZboeyDWZyU9Q4EwIKPo8FE" } },
      VERIFY_OK,
      "" },
    { "standard, secret used as text",
      "standard",
      WHSEC_SECRET,
      { ID, TS, { "webhook-signature", STANDARD_AS_TEXT } },
      VERIFY_NO_MATCH,
      "" },
    { "standard, only another version",
      "standard",
      WHSEC_SECRET,
      { ID, TS, { "webhook-signature", "v2,N8Ud3MZmSqCrkPNp4aEy2ZboeyDWZyU9Q4EwIKPo8FE=" } },
      VERIFY_UNDECODABLE,
      "" },
    { "standard, no version",
      "standard",
      WHSEC_SECRET,
      { ID, TS, { "webhook-signature", "N8Ud3MZmSqCrkPNp4aEy2ZboeyDWZyU9Q4EwIKPo8FE=" } },
      VERIFY_UNDECODABLE,
      "" },
    { "standard, no id",
      "standard",
      WHSEC_SECRET,
      { TS, { "webhook-signature", STANDARD } },
      VERIFY_MISSING,
      "webhook-id is missing" },
    { "standard, no time",
      "standard",
      WHSEC_SECRET,
      { ID, { "webhook-signature", STANDARD } },
      VERIFY_MISSING,
      "webhook-timestamp is missing" },
    { "standard, names mixed",
      "standard",
      WHSEC_SECRET,
      { { "svix-id", "msg_automark_001" }, TS, { "webhook-signature", STANDARD } },
      VERIFY_MISSING,
      "webhook-id is missing" },
    { "standard, two ids",
      "standard",
      WHSEC_SECRET,
      { ID, ID, TS, { "webhook-signature", STANDARD } },
      VERIFY_MISSING,
      "2 times" },
    { "standard, two times",
      "standard",
      WHSEC_SECRET,
      { ID, TS, { "Webhook-Timestamp", "1700000001" }, { "webhook-signature", STANDARD } },
      VERIFY_MISSING,
      "2 times" },
    { "standard, other id",
      "standard",
      WHSEC_SECRET,
      { { "webhook-id", "msg_automark_002" }, TS, { "webhook-signature", STANDARD } },
      VERIFY_NO_MATCH,
      "" },
    { "standard, dot in the id",
      "standard",
      WHSEC_SECRET,
      { { "webhook-id", "msg.1" }, TS, { "webhook-signature", STANDARD } },
      VERIFY_UNDECODABLE,
      "the id in webhook-id" },
    { "standard, blank in the id",
      "standard",
      WHSEC_SECRET,
      { { "webhook-id", "msg 1" }, TS, { "webhook-signature", STANDARD } },
      VERIFY_UNDECODABLE,
      "number 4" },
    { "standard, late",
      "standard",
      WHSEC_SECRET,
      { ID, { "webhook-timestamp", "1699999699" }, { "webhook-signature", STANDARD } },
      VERIFY_TIME,
      "301 s in the past; at most 300 s" },
    { "standard, early",
      "standard",
      WHSEC_SECRET,
      { ID, { "webhook-timestamp", "1700000400" }, { "webhook-signature", STANDARD } },
      VERIFY_TIME,
      "400 s in the future" },
    { "standard, within, not signed",
      "standard",
      WHSEC_SECRET,
      { ID, { "webhook-timestamp", "1700000300" }, { "webhook-signature", STANDARD } },
      VERIFY_NO_MATCH,
      "" },
    { "standard, time with a sign",
      "standard",
      WHSEC_SECRET,
      { ID, { "webhook-timestamp", "+1700000000" }, { "webhook-signature", STANDARD } },
      VERIFY_UNDECODABLE,
      "nothing but digits" },
    { "standard, time with a point",
      "standard",
      WHSEC_SECRET,
      { ID, { "webhook-timestamp", "1700000000.0" }, { "webhook-signature", STANDARD } },
      VERIFY_UNDECODABLE,
      "digits" },
    { "standard, huge time",
      "standard",
      WHSEC_SECRET,
      { ID, { "webhook-timestamp", "99999999999999999999" }, { "webhook-signature", STANDARD } },
      VERIFY_UNDECODABLE,
      "digits" },
    { "standard, nine signatures",
      "standard",
      WHSEC_SECRET,
      { ID, TS, { "webhook-signature", "v1,a v1,b v1,c v1,d v1,e v1,f v1,g v1,h " STANDARD } },
      VERIFY_UNDECODABLE,
      "more than 8 signatures" },

    { "stripe", "stripe", SECRET, { { ST, "t=1700000000,v1=" STRIPE } }, VERIFY_OK, "" },
    { "stripe, others beside",
      "stripe",
      SECRET,
      { { ST, "t=1700000000, v1=" HEX ",v1=" STRIPE ",v0=6ffbb59b" } },
      VERIFY_OK,
      "" },
    { "stripe, as v0",
      "stripe",
      SECRET,
      { { ST, "t=1700000000,v0=" STRIPE } },
      VERIFY_UNDECODABLE,
      "holds no v1 signature" },
    { "stripe, no time",
      "stripe",
      SECRET,
      { { ST, "v1=" STRIPE } },
      VERIFY_UNDECODABLE,
      "holds no time" },
    { "stripe, two times",
      "stripe",
      SECRET,
      { { ST, "t=1700000000,t=1700000001,v1=" STRIPE } },
      VERIFY_UNDECODABLE,
      "more than one time" },
    { "stripe, empty time",
      "stripe",
      SECRET,
      { { ST, "t=,v1=" STRIPE } },
      VERIFY_UNDECODABLE,
      "digits" },
    { "stripe, late",
      "stripe",
      SECRET,
      { { ST, "t=1690000000,v1=" STRIPE } },
      VERIFY_TIME,
      "in the past" },
    { "stripe, no pairs", "stripe", SECRET, { { ST, STRIPE } }, VERIFY_UNDECODABLE, "key=value" },

    { "slack", "slack", SECRET, { { SL, "v0=" SLACK }, { SLT, "1700000000" } }, VERIFY_OK, "" },
    { "slack, no time",
      "slack",
      SECRET,
      { { SL, "v0=" SLACK } },
      VERIFY_MISSING,
      "X-Slack-Request-Timestamp is missing" },
    { "slack, other version",
      "slack",
      SECRET,
      { { SL, "v1=" SLACK }, { SLT, "1700000000" } },
      VERIFY_UNDECODABLE,
      "lacks the prefix" },
};

static size_t count(const struct http_header *headers)
{
    size_t n = 0;
    while (n < 6 && headers[n].name)
        n++;
    return n;
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        scoped(verify_scheme_freep) struct verify_scheme *s = verify_preset(rows[i].preset);
        struct error err = ERROR_INIT;
        struct verify_key key;
        struct verify_result r;
        assert_non_null(s);
        assert_int_equal(verify_scheme_check(s, &err), 0);
        if (verify_key_init(&key, s, SECRET_AUTO, rows[i].secret, strlen(rows[i].secret), &err) < 0)
            fail_msg("%s: %s", rows[i].name, err.msg);
        verify_request(s, &key, 1, body, sizeof(body) - 1, rows[i].headers, count(rows[i].headers),
                       now_ms, &r);
        verify_key_done(&key);
        if (r.class != rows[i].want || !strstr(r.msg, rows[i].words))
            fail_msg("%s: got %s '%s'", rows[i].name, verify_class_name(r.class), r.msg);
        if (strstr(r.msg, SECRET) || strstr(r.msg, HEX))
            fail_msg("%s: tells too much: %s", rows[i].name, r.msg);
    }
}

/* Any change of the body is noticed. */
static void test_body(void **state)
{
    (void)state;
    scoped(verify_scheme_freep) struct verify_scheme *s = verify_preset("sendkit");
    struct verify_key key;
    struct verify_result r;
    const struct http_header h = { SIG, HEX };
    verify_key_init(&key, s, SECRET_AUTO, SECRET, strlen(SECRET), NULL);
    for (size_t i = 0; i < sizeof(body) - 1; i++) {
        scoped(freep) char *changed = xmemdup0(body, sizeof(body) - 1);
        changed[i] ^= 1;
        verify_request(s, &key, 1, changed, sizeof(body) - 1, &h, 1, now_ms, &r);
        assert_int_equal(r.class, VERIFY_NO_MATCH);
    }
    verify_request(s, &key, 1, body, sizeof(body), &h, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_NO_MATCH);
    verify_request(s, &key, 1, body, 0, &h, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_NO_MATCH);
    verify_key_done(&key);
}

static void test_rotation(void **state)
{
    (void)state;
    scoped(verify_scheme_freep) struct verify_scheme *s = verify_preset("sendkit");
    struct verify_key keys[2];
    struct verify_result r;
    const struct http_header h = { SIG, HEX };
    verify_key_init(&keys[0], s, SECRET_AUTO, "the new one", 11, NULL);
    verify_key_init(&keys[1], s, SECRET_AUTO, SECRET, strlen(SECRET), NULL);
    verify_request(s, keys, 2, body, sizeof(body) - 1, &h, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_OK);
    assert_int_equal(r.key, 1);
    keys[1].until_ms = now_ms + 1;
    verify_request(s, keys, 2, body, sizeof(body) - 1, &h, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_OK);
    keys[1].until_ms = now_ms;
    verify_request(s, keys, 2, body, sizeof(body) - 1, &h, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_NO_MATCH);
    assert_non_null(strstr(r.msg, "secret 2, which ended at 2023-11-14"));
    verify_request(s, keys, 0, body, sizeof(body) - 1, &h, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_NO_MATCH);
    verify_key_done(&keys[0]);
    verify_key_done(&keys[1]);
}

static void hmac_hex(enum digest_hash hash, const char *key, const char *text, struct buf *out)
{
    unsigned char mac[DIGEST_MAX];
    const struct digest_part part = { text, strlen(text) };
    digest_hmac(hash, key, strlen(key), &part, 1, mac);
    for (size_t i = 0; i < digest_size(hash); i++)
        buf_printf(out, "%02x", mac[i]);
}

/* The free form, as rows of the variations table ask for it. */
static void test_free_form(void **state)
{
    (void)state;
    struct verify_key key;
    struct verify_result r;
    struct error err = ERROR_INIT;

    /* Shopify's way: one header, base64 of the body. */
    scoped(verify_scheme_freep) struct verify_scheme *shop = verify_preset("base64-body");
    assert_int_equal(verify_scheme_check(shop, &err), -1); /* no header yet */
    shop->nsets = 1;
    shop->sets[0].signature = xstrdup("X-Shop-Hmac");
    assert_int_equal(verify_scheme_check(shop, &err), 0);
    struct http_header h[3] = { { "x-shop-hmac", BASE64 } };
    verify_key_init(&key, shop, SECRET_TEXT, SECRET, strlen(SECRET), &err);
    verify_request(shop, &key, 1, body, sizeof(body) - 1, h, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_OK);
    h[0].value = "dBAKbaDOU3L_XQsiE5g0P85GivY57aIKjbhb_eGUzso";
    verify_request(shop, &key, 1, body, sizeof(body) - 1, h, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_OK);
    h[0].value = "dBAKbaDOU3L_XQsiE5g0P85GivY57aIKjbhb_eGUzsp"; /* bits beyond the end */
    verify_request(shop, &key, 1, body, sizeof(body) - 1, h, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_UNDECODABLE);
    verify_key_done(&key);

    /* SHA-512, a secret in hex, a list with the label once, a time of its own header. */
    scoped(verify_scheme_freep) struct verify_scheme *own = verify_preset("hex-body");
    own->nsets = 1;
    own->sets[0] =
        (struct verify_set){ .signature = xstrdup("X-Sig"), .timestamp = xstrdup("X-T") };
    own->hash = VERIFY_SHA512;
    own->form = VERIFY_LIST;
    own->separator = ',';
    own->prefix = xstrdup("v0=");
    own->prefix_optional = true;
    assert_int_equal(verify_set_template(own, "{timestamp},{body}", &err), 0);
    assert_int_equal(verify_scheme_check(own, &err), 0);
    assert_int_equal(verify_key_init(&key, own, SECRET_HEX, "6b6579", 6, &err), 0);
    scoped(buf_free) struct buf sig = BUF_INIT;
    scoped(freep) char *text = xasprintf("1700000000,%s", body);
    buf_puts(&sig, "v0=");
    hmac_hex(DIGEST_SHA512, "wrong", text, &sig);
    buf_puts(&sig, ", ");
    hmac_hex(DIGEST_SHA512, "key", text, &sig);
    h[0] = (struct http_header){ "X-Sig", buf_str(&sig) };
    h[1] = (struct http_header){ "X-T", "1700000000" };
    verify_request(own, &key, 1, body, sizeof(body) - 1, h, 2, now_ms, &r);
    if (r.class != VERIFY_OK)
        fail_msg("%s", r.msg);
    own->hash = VERIFY_SHA256;
    verify_request(own, &key, 1, body, sizeof(body) - 1, h, 2, now_ms, &r);
    assert_int_equal(r.class, VERIFY_UNDECODABLE);
    verify_key_done(&key);
}

static const struct {
    const char *form, *words;
    bool time, id;
} templates[] = {
    { "{body}", NULL, false, false },
    { "v0:{timestamp}:{body}", NULL, true, false },
    { "{id}.{timestamp}.{body}", NULL, true, true },
    { "", "{body} exactly once", false, false },
    { "{timestamp}.", "{body} exactly once", true, false },
    { "{body}.{body}", "{body} exactly once", false, false },
    { "{timestamp}.{timestamp}.{body}", "once each", true, false },
    { "{timestamp}{body}", "some text between", true, false },
    { "{timestamp}.{body}", "no timestamp_header", false, false },
    { "{body}", "not signed proves nothing", true, false },
    { "{id}.{body}", "there is no id_header", false, false },
    { "{body}", "not signed proves nothing", false, true },
    { "{bodies}", "a brace in the template", false, false },
    { "{body}}", "a brace in the template", false, false },
};

static void test_templates(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(templates); i++) {
        scoped(verify_scheme_freep) struct verify_scheme *s = verify_preset("hex-body");
        struct error err = ERROR_INIT;
        s->nsets = 1;
        s->sets[0].signature = xstrdup("X-S");
        s->sets[0].timestamp = templates[i].time ? xstrdup("X-T") : NULL;
        s->sets[0].id = templates[i].id ? xstrdup("X-I") : NULL;
        const int rc =
            verify_set_template(s, templates[i].form, &err) < 0 ? -1 : verify_scheme_check(s, &err);
        if ((rc < 0) != (templates[i].words != NULL) ||
            (rc < 0 && !strstr(err.msg, templates[i].words)))
            fail_msg("'%s': %s", templates[i].form, err.msg);
    }
}

static const struct {
    const char *preset;
    enum verify_secret_form form;
    const char *text;
    size_t len; /* 0: refused */
    const char *words;
} secrets[] = {
    { "sendkit", SECRET_AUTO, "abc", 3, "" },
    { "sendkit", SECRET_AUTO, "abc\n", 3, "" },
    { "sendkit", SECRET_AUTO, "abc\r\n", 3, "" },
    { "sendkit", SECRET_AUTO, "", 0, "empty" },
    { "sendkit", SECRET_AUTO, "\n", 0, "empty" },
    { "sendkit", SECRET_AUTO, WHSEC_SECRET, sizeof(WHSEC_SECRET) - 1, "" },
    { "stripe", SECRET_AUTO, "whsec_abc", 9, "" },
    { "standard", SECRET_AUTO, WHSEC_SECRET, 32, "" },
    { "standard", SECRET_AUTO, "AAECAwQF", 0, "secret_form: base64" },
    { "standard", SECRET_BASE64, "AAECAwQF", 6, "" },
    { "standard", SECRET_TEXT, WHSEC_SECRET, sizeof(WHSEC_SECRET) - 1, "" },
    { "standard", SECRET_AUTO, "whsec_", 0, "base64" },
    { "standard", SECRET_AUTO, "whsec_!!!!", 0, "base64" },
    { "sendkit", SECRET_HEX, "00ff", 2, "" },
    { "sendkit", SECRET_HEX, "00f", 0, "hex" },
    { "sendkit", SECRET_HEX, "zz", 0, "hex" },
};

static void test_secrets(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        scoped(verify_scheme_freep) struct verify_scheme *s = verify_preset(secrets[i].preset);
        struct error err = ERROR_INIT;
        struct verify_key key;
        const int rc = verify_key_init(&key, s, secrets[i].form, secrets[i].text,
                                       strlen(secrets[i].text), &err);
        if ((rc == 0) != (secrets[i].len > 0) || key.len != secrets[i].len ||
            !strstr(err.msg, secrets[i].words))
            fail_msg("%s '%s': %zu, %s", secrets[i].preset, secrets[i].text, key.len, err.msg);
        verify_key_done(&key);
    }
}

static void test_other(void **state)
{
    (void)state;
    struct verify_result r;
    scoped(verify_scheme_freep) struct verify_scheme *none = verify_nothing();
    verify_request(none, NULL, 0, "x", 1, NULL, 0, now_ms, &r);
    assert_int_equal(r.class, VERIFY_OK);
    assert_null(verify_preset("sha1"));

    scoped(verify_scheme_freep) struct verify_scheme *s = verify_preset("sendkit");
    scoped(freep) char *huge = xmalloc(VERIFY_HEADER_MAX + 2);
    memset(huge, 'a', VERIFY_HEADER_MAX + 1);
    huge[VERIFY_HEADER_MAX + 1] = '\0';
    const struct http_header h = { SIG, huge };
    verify_request(s, NULL, 0, "x", 1, &h, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_UNDECODABLE);
    assert_non_null(strstr(r.msg, "longer than 1024"));
    const struct http_header nothing = { SIG, NULL };
    verify_request(s, NULL, 0, "x", 1, &nothing, 1, now_ms, &r);
    assert_int_equal(r.class, VERIFY_UNDECODABLE);
}

static const struct {
    const char *text;
    int len; /* -1: refused */
} base64s[] = {
    { "", 0 },      { "QQ==", 1 },   { "QQ", 1 },    { "QUI=", 2 },   { "QUI", 2 },
    { "QUJD", 3 },  { "-_-_", 3 },   { "QQ=", -1 },  { "Q", -1 },     { "Q===", -1 },
    { "QR==", -1 }, { "QU JD", -1 }, { "====", -1 }, { "QUJD=", -1 }, { "QUJDQUJD", -1 },
};

static void test_base64(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(base64s); i++) {
        unsigned char out[4];
        size_t len = 0;
        const bool ok = base64_decode(base64s[i].text, strlen(base64s[i].text), out, 4, &len);
        if (ok != (base64s[i].len >= 0) || (ok && len != (size_t)base64s[i].len))
            fail_msg("'%s'", base64s[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),      cmocka_unit_test(test_body),
        cmocka_unit_test(test_rotation),  cmocka_unit_test(test_free_form),
        cmocka_unit_test(test_templates), cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_other),     cmocka_unit_test(test_base64),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
