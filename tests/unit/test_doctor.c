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
#include "base/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "cli/http_request.h"
#include "cli/webhook_yaml.h"
#include "serve/doctor.h"

#define BODY "{\"type\":\"email.replied\",\"data\":{\"conversationId\":\"c_1\"}}"
#define SECRET "automark-test-secret"
#define WHSEC "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HEX "74100a6da0ce5372ff5d0b221398343fce468af639eda20a8db85bfde194ceca"

static const int64_t now_ms = INT64_C(1700000000) * 1000;

/* ---- the published vectors, each with each mistake that may befall it ---------------------- */

static const struct vector {
    const char *name, *secret, *preset;
    enum doctor_reading reading;
    bool usual;
    struct http_header headers[3];
    const char *yaml;
} vectors[] = {
    { "standard",
      WHSEC,
      "standard",
      READ_BASE64,
      true,
      { { "webhook-id", "msg_automark_001" },
        { "webhook-timestamp", "1700000000" },
        { "webhook-signature", "v1,N8Ud3MZmSqCrkPNp4aEy2ZboeyDWZyU9Q4EwIKPo8FE=" } },
      "webhook: {preset: standard, secrets: [{file: 's'}]}" },
    { "standard, secret as text",
      WHSEC,
      "standard",
      READ_TEXT,
      false,
      { { "webhook-id", "msg_automark_001" },
        { "webhook-timestamp", "1700000000" },
        { "webhook-signature", "v1,DM1Gkaqo3TMBUsPXVo6JVj4/pkJSFVgfGFdPPKJ/dOI=" } },
      "webhook: {preset: standard, secrets: [{file: 's', secret_form: text}]}" },
    { "github",
      SECRET,
      "github",
      READ_TEXT,
      true,
      { { "X-Hub-Signature-256", "sha256=" HEX } },
      "webhook: {preset: github, secrets: [{file: 's'}]}" },
    { "base64 of the body",
      SECRET,
      "own",
      READ_TEXT,
      true,
      { { "X-Shop-Hmac", "dBAKbaDOU3L/XQsiE5g0P85GivY57aIKjbhb/eGUzso=" } },
      "webhook: {header: 'X-Shop-Hmac', signed: '{body}', encoding: base64, secrets: [{file: "
      "'s'}]}" },
    { "stripe",
      SECRET,
      "stripe",
      READ_TEXT,
      true,
      { { "Stripe-Signature",
          "t=1700000000,v1=f8a7511c0ad4adf62f7d36f3d50be447cac3a025d86b1af4147d8419479c82ac" } },
      "webhook: {preset: stripe, secrets: [{file: 's'}]}" },
    { "slack",
      SECRET,
      "slack",
      READ_TEXT,
      true,
      { { "X-Slack-Signature",
          "v0=4feb6904fa0437f04ed469a92527b6ce84929fe8a3663a1298678560e380aa7d" },
        { "X-Slack-Request-Timestamp", "1700000000" } },
      "webhook: {preset: slack, secrets: [{file: 's'}]}" },
};

struct examined {
    struct doctor_report r;
};

static void examined_done(struct examined *e)
{
    doctor_report_done(&e->r);
}

static size_t count_headers(const struct http_header *h, size_t max)
{
    size_t n = 0;
    while (n < max && h[n].name)
        n++;
    return n;
}

static void examine(struct examined *e, const struct vector *v, const char *body, size_t len,
                    const char *secret)
{
    const struct doctor_request req = { .body = body,
                                        .len = len,
                                        .headers = v->headers,
                                        .nheaders = count_headers(v->headers, 3),
                                        .now_ms = now_ms };
    const struct doctor_secret s = { .text = secret, .len = strlen(secret) };
    doctor_examine(&req, &s, 1, &e->r);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        const struct vector *v = &vectors[i];
        scoped(examined_done) struct examined e;
        scoped(buf_free) struct buf yaml = BUF_INIT;
        examine(&e, v, BODY, strlen(BODY), v->secret);
        if (!doctor_passes(&e.r) || e.r.time.class != VERIFY_OK)
            fail_msg("%s: does not pass", v->name);
        if (strcmp(e.r.scheme->preset, v->preset) != 0 || e.r.reading != v->reading ||
            e.r.reading_usual != v->usual)
            fail_msg("%s: %s, read %s", v->name, e.r.scheme->preset,
                     doctor_reading_words(e.r.reading));
        webhook_yaml(&yaml, &e.r, "s");
        assert_string_equal(buf_str(&yaml), v->yaml);
    }
}

static const struct {
    const char *name, *body;
    enum body_change change;
} changed[] = {
    { "a line break more", BODY "\n", BODY_LF_ADDED },
    { "CR LF more", BODY "\r\n", BODY_CRLF_ADDED },
    { "a byte order mark", "\xEF\xBB\xBF" BODY, BODY_BOM_ADDED },
    { "blanks in the JSON",
      "{\"type\": \"email.replied\", \"data\": {\"conversationId\": \"c_1\"}}", BODY_WAS_COMPACT },
    { "indented JSON",
      "{\n    \"type\": \"email.replied\",\n    \"data\": {\n        \"conversationId\": \"c_1\"\n "
      "   "
      "}\n}\n",
      BODY_WAS_COMPACT },
    { "needless escapes",
      "{\"type\":\"email.\\u0072eplied\",\"data\":{\"conversationId\":\"c_1\"}}",
      BODY_WAS_COMPACT },
};

static void test_changed_bodies(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        for (size_t k = 0; k < ARRAY_LEN(changed); k++) {
            scoped(examined_done) struct examined e;
            examine(&e, &vectors[i], changed[k].body, strlen(changed[k].body), vectors[i].secret);
            if (!e.r.scheme || e.r.change != changed[k].change || doctor_passes(&e.r))
                fail_msg("%s, %s: %s", vectors[i].name, changed[k].name,
                         e.r.scheme ? body_change_words(e.r.change) : "nothing found");
        }
    }
}

/* What the sender signed, and what was captured: the other way round than above. */
static const struct {
    const char *name, *signed_body, *captured;
    enum body_change change;
} lost[] = {
    { "line break lost", "{}\n", "{}", BODY_LF_LOST },
    { "CR LF lost", "{}\r\n", "{}", BODY_CRLF_LOST },
    { "CRs lost", "{\r\n \"a\": 1}", "{\n \"a\": 1}", BODY_CR_LOST },
    { "CRs gained", "{\n \"a\": 1}", "{\r\n \"a\": 1}", BODY_CR_ADDED },
    { "slashes", "{\"u\":\"a\\/b\"}", "{\"u\":\"a/b\"}", BODY_WAS_COMPACT_SLASHES },
    { "ASCII", "{\"u\":\"caf\\u00e9 \\ud83d\\ude00\"}", "{\"u\":\"café 😀\"}",
      BODY_WAS_COMPACT_ASCII },
    { "PHP", "{\"u\":\"\\u00e9\\/\"}", "{\"u\": \"é/\"}", BODY_WAS_COMPACT_ASCII_SLASHES },
    { "Python", "{\"u\": \"\\u00e9\", \"n\": [1, 2.50, true, null]}",
      "{\"u\":\"é\",\"n\":[1,2.50,true,null]}", BODY_WAS_SPACED_ASCII },
    { "spaced", "{\"u\": \"é\", \"n\": {}}", "{\"u\":\"é\",\"n\":{}}", BODY_WAS_SPACED },
    { "indented by two", "{\n  \"u\": [\n    1\n  ],\n  \"e\": []\n}", "{\"u\":[1],\"e\":[]}",
      BODY_WAS_PRETTY_2 },
    { "indented by four", "{\n    \"u\": 1\n}", "{\"u\":1}", BODY_WAS_PRETTY_4 },
    { "compact", "{\"u\":\"\\\"\\\\\\n\\u0001\"}", "{ \"u\" : \"\\\"\\\\\\n\\u0001\" }",
      BODY_WAS_COMPACT },
};

static char *sign(const char *secret, const char *text)
{
    unsigned char mac[DIGEST_MAX];
    struct buf b = BUF_INIT;
    const struct digest_part part = { .data = text, .len = strlen(text) };
    digest_hmac(DIGEST_SHA256, secret, strlen(secret), &part, 1, mac);
    for (size_t i = 0; i < 32; i++)
        buf_printf(&b, "%02x", mac[i]);
    return buf_take(&b);
}

static void test_lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lost); i++) {
        scoped(freep) char *mac = sign(SECRET, lost[i].signed_body);
        const struct vector v = { .headers = { { "X-Webhook-Signature", mac } } };
        scoped(examined_done) struct examined e;
        examine(&e, &v, lost[i].captured, strlen(lost[i].captured), SECRET);
        if (!e.r.scheme || e.r.change != lost[i].change)
            fail_msg("%s: %s", lost[i].name,
                     e.r.scheme ? body_change_words(e.r.change) : "nothing found");
    }
}

/* ---- readings of the secret ------------------------------------------------------------------ */

static const struct {
    const char *name, *signs_with, *file;
    enum doctor_reading reading;
    bool passes;
} readings[] = {
    { "as it is", "whsec_abc", "whsec_abc\n", READ_TEXT, true },
    { "whsec_ dropped", "abc-def-ghi", "whsec_abc-def-ghi\n", READ_TEXT_BARE, false },
    { "hex decoded", "\x01\x02\x03\xff", "010203ff\n", READ_HEX, true },
    { "base64 decoded", "\x01\x02\x03\xff", "AQID/w==\n", READ_BASE64, true },
    { "blanks around it", "secret-word", " secret-word \n", READ_TEXT_TRIMMED, false },
    { "two line breaks", "secret-word", "secret-word\n\n", READ_TEXT_TRIMMED, false },
    { "its line break signed too", "secret-word\n", "secret-word\n", READ_TEXT_WHOLE, false },
};

static void test_readings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(readings); i++) {
        scoped(freep) char *mac = sign(readings[i].signs_with, BODY);
        const struct vector v = { .headers = { { "x-sendkit-signature", mac } } };
        scoped(examined_done) struct examined e;
        examine(&e, &v, BODY, strlen(BODY), readings[i].file);
        if (!e.r.scheme || e.r.reading != readings[i].reading ||
            doctor_passes(&e.r) != readings[i].passes)
            fail_msg("%s: %s", readings[i].name,
                     e.r.scheme ? doctor_reading_words(e.r.reading) : "nothing found");
    }
}

/* ---- schemes of one's own ----------------------------------------------------------------------
 */

static const struct {
    const char *name, *signs, *header, *before; /* the signature behind `before` */
    struct http_header more[2];
    const char *yaml;
} own[] = {
    { "a prefix",
      BODY,
      "X-Cal-Signature",
      "sha256=",
      { { NULL, NULL } },
      "webhook: {header: 'X-Cal-Signature', prefix: 'sha256=', signed: '{body}', encoding: hex, "
      "secrets: [{file: 's'}]}" },
    { "a time beside it",
      "1700000000." BODY,
      "X-Sig",
      "",
      { { "X-Time", "1700000000" } },
      "webhook: {header: 'X-Sig', timestamp_header: 'X-Time', signed: '{timestamp}.{body}', "
      "encoding: hex, secrets: [{file: 's'}]}" },
    { "fields and a comma",
      "1700000000," BODY,
      "X-Convoy-Signature",
      "t=1700000000,v1=",
      { { NULL, NULL } },
      "webhook: {header: 'X-Convoy-Signature', header_form: fields, time_field: 't', "
      "signature_field: 'v1', signed: '{timestamp},{body}', encoding: hex, secrets: [{file: "
      "'s'}]}" },
    { "standard under other names",
      "e7.1700000000." BODY,
      "X-Sig",
      "v1,",
      { { "X-Event-Id", "e7" }, { "X-Time", "1700000000" } },
      "webhook: {header: 'X-Sig', timestamp_header: 'X-Time', id_header: 'X-Event-Id', prefix: "
      "'v1,', signed: '{id}.{timestamp}.{body}', encoding: hex, secrets: [{file: 's'}]}" },
};

static void test_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        scoped(freep) char *mac = sign(SECRET, own[i].signs);
        scoped(freep) char *value = xasprintf("%s%s", own[i].before, mac);
        const struct vector v = { .headers = {
                                      { own[i].header, value }, own[i].more[0], own[i].more[1] } };
        scoped(examined_done) struct examined e;
        scoped(buf_free) struct buf yaml = BUF_INIT;
        examine(&e, &v, BODY, strlen(BODY), SECRET);
        if (!doctor_passes(&e.r))
            fail_msg("%s: not found", own[i].name);
        webhook_yaml(&yaml, &e.r, "s");
        assert_string_equal(buf_str(&yaml), own[i].yaml);
    }
}

/* ---- nothing fits
 * --------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    struct http_header headers[3];
    const char *words; /* in one of the notes */
} nothing[] = {
    { "another secret", { { "X-Hub-Signature-256", "sha256=" HEX } }, "secret is another one" },
    { "no signature", { { "Content-Type", "application/json" } }, "no header looks like" },
    { "cut",
      { { "X-Hub-Signature-256", "sha256=74100a6da0ce5372ff5d0b221398343f" } },
      "ends with 32 hex digits" },
    { "no prefix", { { "X-Hub-Signature-256", HEX } }, "lacks the prefix" },
    { "no time", { { "X-Slack-Signature", "v0=" HEX } }, "X-Slack-Request-Timestamp is missing" },
    { "no id",
      { { "webhook-signature", "v1,N8Ud3MZmSqCrkPNp4aEy2ZboeyDWZyU9Q4EwIKPo8FE=" },
        { "webhook-timestamp", "1700000000" } },
      "webhook-id is missing" },
};

static void test_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
        struct vector v = { .name = NULL };
        memcpy(v.headers, nothing[i].headers, sizeof(v.headers));
        scoped(examined_done) struct examined e;
        examine(&e, &v, BODY, strlen(BODY), "nobody's secret");
        bool said = false;
        for (size_t k = 0; k < e.r.nnotes; k++)
            said = said || strstr(e.r.notes[k], nothing[i].words);
        if (e.r.scheme || !said)
            fail_msg("%s: %s", nothing[i].name, e.r.nnotes ? e.r.notes[0] : "no word");
    }
}

static void test_old(void **state)
{
    (void)state;
    const struct vector *v = &vectors[4];
    const struct doctor_request req = { .body = BODY,
                                        .len = strlen(BODY),
                                        .headers = v->headers,
                                        .nheaders = 1,
                                        .now_ms = now_ms + 3600 * 1000 };
    const struct doctor_secret secrets[] = { { "another", 7 }, { SECRET "\n", 21 } };
    scoped(examined_done) struct examined e;
    doctor_examine(&req, secrets, 2, &e.r);
    assert_true(doctor_passes(&e.r));
    assert_int_equal(e.r.secret, 1);
    assert_int_equal(e.r.time.class, VERIFY_TIME);
    assert_non_null(strstr(e.r.time.msg, "3600 s in the past"));
}

/* ---- captured requests
 * ------------------------------------------------------------------------------ */

static const struct {
    const char *name, *raw, *body, *words; /* body NULL: refused with words */
} requests[] = {
    { "LF", "POST / HTTP/1.1\nA: b\n\n{}\n", "{}\n", NULL },
    { "CR LF", "POST / HTTP/1.1\r\nA:b \r\n\r\n{}", "{}", NULL },
    { "ends at its length", "POST / HTTP/1.1\nA: b\nContent-Length: 2\n\n{}\n", "{}", NULL },
    { "no body", "POST / HTTP/1.1\nA: b\n\n", "", NULL },
    { "too short", "POST / HTTP/1.1\nA: b\nContent-Length: 9\n\n{}", NULL, "is 9, but only 2" },
    { "chunked", "POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n2\n", NULL, "decoded body" },
    { "no end of headers", "POST / HTTP/1.1\nA: b\n", NULL, "no empty line" },
    { "no colon", "POST / HTTP/1.1\nA: b\nnonsense\n\n", NULL, "line 3: a header is" },
    { "no request", "{}", NULL, "line 1: a request begins" },
    { "empty", "", NULL, "line 1: a request begins" },
};

static void test_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(requests); i++) {
        scoped(http_request_done) struct http_request r = { .nheaders = 0 };
        struct error err = ERROR_INIT;
        const int rc = http_request_parse(&r, requests[i].raw, strlen(requests[i].raw), &err);
        if (rc == 0 && requests[i].body) {
            assert_string_equal(buf_str(&r.body), requests[i].body);
            assert_string_equal(r.headers[0].name, "A");
            assert_string_equal(r.headers[0].value, "b");
        } else if (rc == 0 || requests[i].body || !strstr(err.msg, requests[i].words)) {
            fail_msg("%s: %s", requests[i].name, rc < 0 ? err.msg : "taken");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors), cmocka_unit_test(test_changed_bodies),
        cmocka_unit_test(test_lost),    cmocka_unit_test(test_readings),
        cmocka_unit_test(test_own),     cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_old),     cmocka_unit_test(test_requests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
