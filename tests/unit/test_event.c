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
#include "base/json.h"
#include "event/event.h"

static struct event *parse_with(const struct field_map *map, const char *body, const char *header,
                                struct error *err)
{
    return event_parse(body, strlen(body), header, "acme", map, err);
}

static struct event *parse(const char *body, const char *header, struct error *err)
{
    scoped(field_map_freep) struct field_map *map = field_map_new();
    return parse_with(map, body, header, err);
}

static void check(const char *name, const struct event *ev, enum field f, const char *want)
{
    const char *got = event_str(ev, f);
    if (!got != !want || (got && strcmp(got, want) != 0))
        fail_msg("%s: %s is '%s', want '%s'", name, field_name(f), got ? got : "(absent)",
                 want ? want : "(absent)");
}

/* Every shape of a delivery that was seen or is plausible. All describe the same reply. */
static const struct {
    const char *name, *header, *body;
} shapes[] = {
    { "as published", NULL,
      "{\"event\":\"email.replied\",\"timestamp\":\"2026-08-01T12:00:00Z\",\"data\":{"
      "\"conversationId\":\"c_1\",\"leadId\":\"l_1\",\"leadEmail\":\"ada@example.org\","
      "\"messageId\":\"m_1\",\"replyText\":\"Please call me.\",\"subject\":\"Hi\"}}" },
    { "snake case", NULL,
      "{\"event\":\"email.replied\",\"data\":{\"conversation_id\":\"c_1\",\"lead_email\":"
      "\"Ada <Ada@Example.org>\",\"message_id\":\"m_1\",\"reply_text\":\"Please call me.\","
      "\"subject\":\"Hi\"}}" },
    { "type for event", NULL,
      "{\"type\":\"email.replied\",\"data\":{\"conversationId\":\"c_1\",\"leadEmail\":"
      "\"ada@example.org\",\"messageId\":\"m_1\",\"replyText\":\"Please call me.\",\"subject\":"
      "\"Hi\"}}" },
    { "eventType for event", NULL,
      "{\"eventType\":\"email.replied\",\"data\":{\"conversationId\":\"c_1\",\"leadEmail\":"
      "\"ada@example.org\",\"messageId\":\"m_1\",\"replyText\":\"Please call me.\",\"subject\":"
      "\"Hi\"}}" },
    { "name in the header", "email.replied",
      "{\"data\":{\"conversationId\":\"c_1\",\"leadEmail\":\"ada@example.org\",\"messageId\":"
      "\"m_1\",\"replyText\":\"Please call me.\",\"subject\":\"Hi\"}}" },
    { "no name at all", NULL,
      "{\"data\":{\"conversationId\":\"c_1\",\"leadEmail\":\"ada@example.org\",\"messageId\":"
      "\"m_1\",\"replyText\":\"Please call me.\",\"subject\":\"Hi\"}}" },
    { "flat", NULL,
      "{\"event\":\"email.replied\",\"conversationId\":\"c_1\",\"leadEmail\":\"ada@example.org\","
      "\"messageId\":\"m_1\",\"replyText\":\"Please call me.\",\"subject\":\"Hi\"}" },
    { "flat with _id", NULL,
      "{\"event\":\"email.replied\",\"_id\":\"c_1\",\"lead\":{\"email\":\"ada@example.org\"},"
      "\"reply\":{\"_id\":\"m_1\",\"body\":\"Please call me.\",\"subject\":\"Hi\"}}" },
    { "conversation object", NULL,
      "{\"event\":\"email.replied\",\"data\":{\"conversation\":{\"_id\":\"c_1\",\"subject\":"
      "\"Hi\"},\"lead\":{\"email\":\"ada@example.org\"},\"message\":{\"_id\":\"m_1\","
      "\"content\":\"Please call me.\"}}}" },
    { "conversation object with id", NULL,
      "{\"event\":\"email.replied\",\"data\":{\"conversation\":{\"id\":\"c_1\"},\"from\":"
      "\"ada@example.org\",\"reply\":{\"id\":\"m_1\",\"content\":\"Please call me.\",\"subject\":"
      "\"Hi\"}}}" },
    { "data is the conversation", NULL,
      "{\"id\":\"delivery_9\",\"event\":\"email.replied\",\"data\":{\"_id\":\"c_1\",\"from\":"
      "{\"email\":\"ADA@example.org\",\"name\":\"Ada\"},\"message\":{\"id\":\"m_1\",\"body\":"
      "\"Please call me.\",\"subject\":\"Hi\"}}}" },
    { "data id", NULL,
      "{\"event\":\"email.replied\",\"data\":{\"id\":\"c_1\",\"leadEmail\":\"ada@example.org\","
      "\"messageId\":\"m_1\",\"content\":\"Please call me.\",\"subject\":\"Hi\"}}" },
    { "text in body", NULL,
      "{\"event\":\"email.replied\",\"data\":{\"conversationId\":\"c_1\",\"leadEmail\":"
      "\"ada@example.org\",\"messageId\":\"m_1\",\"body\":\"Please call me.\",\"subject\":"
      "\"Hi\"}}" },
    { "text, nulls and empties", NULL,
      "{\"event\":\"email.replied\",\"data\":{\"conversationId\":\"c_1\",\"leadEmail\":null,"
      "\"lead\":{\"email\":\"ada@example.org\"},\"messageId\":\"m_1\",\"replyText\":\" \","
      "\"text\":\"Please call me.\",\"subject\":\"\",\"message\":{\"subject\":\"Hi\"}}}" },
};

static void test_shapes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        struct error err = ERROR_INIT;
        scoped(event_freep) struct event *ev = parse(shapes[i].body, shapes[i].header, &err);
        const char *name = shapes[i].name;
        if (!ev)
            fail_msg("%s: %s", name, err.msg);
        if (ev->kind != EVENT_REPLY)
            fail_msg("%s: not a reply", name);
        check(name, ev, FIELD_WORKSPACE, "acme");
        check(name, ev, FIELD_CONVERSATION, "c_1");
        check(name, ev, FIELD_MESSAGE, "m_1");
        check(name, ev, FIELD_REPLY, "Please call me.");
        check(name, ev, FIELD_TEXT, "Please call me.");
        check(name, ev, FIELD_SUBJECT, "Hi");
        check(name, ev, FIELD_FROM, "ada@example.org");
        check(name, ev, FIELD_DOMAIN, "example.org");
    }
}

/* One field each, at every place where it may stand. */
static const struct {
    enum field field;
    const char *data, *want;
} fields[] = {
    { FIELD_NAME, "\"leadName\":\"Ada L\"", "Ada L" },
    { FIELD_NAME, "\"lead\":{\"firstName\":\"Ada\",\"lastName\":\"L\"}", "Ada L" },
    { FIELD_NAME, "\"lead\":{\"first_name\":\"Ada\",\"last_name\":\"L\"}", "Ada L" },
    { FIELD_NAME, "\"lead\":{\"firstName\":\"Ada\",\"lastName\":null}", "Ada" },
    { FIELD_NAME, "\"lead\":{\"name\":\"Ada L\"}", "Ada L" },
    { FIELD_COMPANY, "\"lead\":{\"companyName\":\"Acme\"}", "Acme" },
    { FIELD_COMPANY, "\"company\":\"Acme\"", "Acme" },
    { FIELD_CAMPAIGN, "\"campaignName\":\"Q3\"", "Q3" },
    { FIELD_CAMPAIGN, "\"campaign\":{\"name\":\"Q3\",\"_id\":\"k\"}", "Q3" },
    { FIELD_CAMPAIGN_ID, "\"campaign\":{\"name\":\"Q3\",\"_id\":\"k\"}", "k" },
    { FIELD_CAMPAIGN_ID, "\"campaignId\":17", "17" },
    { FIELD_TAG, "\"aiTag\":\"interested\"", "interested" },
    { FIELD_TAG, "\"ai_tag\":\"interested\"", "interested" },
    { FIELD_TAG, "\"tag\":\"interested\"", "interested" },
    { FIELD_TAG, "\"aiTag\":null,\"tags\":[\"interested\"]", "interested" },
    { FIELD_TAGS, "\"tags\":[{\"name\":\"vip\"}]", "vip" },
    { FIELD_TAGS, "\"tags\":\"vip\"", "vip" },
    { FIELD_TAGS, "\"tags\":[]", NULL },
    { FIELD_MAILBOX, "\"to\":[\"sales@us.example\"]", "sales@us.example" },
    { FIELD_AUTO_REPLY, "\"isAutoReply\":true", "true" },
    { FIELD_AUTO_REPLY, "\"reply\":{\"isAutoReply\":false}", "false" },
    { FIELD_AUTO_REPLY, "\"message\":{\"is_auto_reply\":\"True\"}", "true" },
    { FIELD_AUTO_REPLY, "\"isAutoReply\":1", "true" },
    { FIELD_AUTO_REPLY, "\"isAutoReply\":null", NULL },
    { FIELD_RECEIVED_AT, "\"receivedAt\":\"2026-08-01T12:00:00Z\"", "2026-08-01T12:00:00.000Z" },
    { FIELD_RECEIVED_AT, "\"received_at\":1785585600", "2026-08-01T12:00:00.000Z" },
    { FIELD_RECEIVED_AT, "\"received_at\":\"1785585600000\"", "2026-08-01T12:00:00.000Z" },
    { FIELD_RECEIVED_AT, "\"message\":{\"receivedAt\":1785585600000}", "2026-08-01T12:00:00.000Z" },
    { FIELD_RECEIVED_AT, "\"repliedAt\":\"yesterday\"", "yesterday" },
    { FIELD_FROM, "\"from\":\"\\\"Ada @ Acme\\\" <Ada@Example.org>\"", "ada@example.org" },
    { FIELD_FROM, "\"from\":\"lead\",\"email\":\"ada@example.org\"", "ada@example.org" },
    { FIELD_FROM, "\"from\":[{\"address\":\"ada@example.org\"}]", "ada@example.org" },
    { FIELD_FROM, "\"from\":\"Ada\"", NULL },
    { FIELD_DOMAIN, "\"from\":\"ada@Mail.Example.org\"", "mail.example.org" },
    { FIELD_REPLY, "\"reply\":{\"htmlContent\":\"<p>html</p>\",\"content\":\"plain\"}", "plain" },
    { FIELD_REPLY, "\"replyText\":\"own\",\"content\":\"other\"", "own" },
    { FIELD_REPLY, "\"replyText\":{\"x\":1},\"body\":\"b\"", "b" },
    { FIELD_REPLY, "\"message\":\"hello\"", "hello" },
    { FIELD_REPLY, "\"x\":1", NULL },
    { FIELD_SUBJECT, "\"subject\":\"Re:\\u00a0It\\u2019s\\u200b here\"", "Re: It's here" },
};

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        for (int flat = 0; flat <= 1; flat++) {
            struct error err = ERROR_INIT;
            scoped(freep) char *body =
                xasprintf("{\"event\":\"email.replied\",%s\"conversationId\":\"c\",%s%s}",
                          flat ? "" : "\"data\":{", fields[i].data, flat ? "" : "}");
            scoped(event_freep) struct event *ev = parse(body, NULL, &err);
            if (!ev)
                fail_msg("%s: %s", body, err.msg);
            check(body, ev, fields[i].field, fields[i].want);
        }
    }
}

/* What we had written, footer and all, is not the lead's word, plain or HTML. */
static const char *const quoting[] = {
    "\"replyText\":\"Please call me.\\n\\nOn Mon, 3 Aug 2026 at 10:00, Us <us@us.example> wrote:\\n"
    "> Hello\\n> Click here to unsubscribe\\n\"",
    "\"replyHtml\":\"<p>Please&nbsp;call me.</p><div class=\\\"gmail_quote\\\">On Mon Us wrote:"
    "<blockquote>Click here to unsubscribe</blockquote></div>\"",
};

static void test_quoting(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(quoting); i++) {
        struct error err = ERROR_INIT;
        scoped(freep) char *body = xasprintf(
            "{\"event\":\"email.replied\",\"data\":{\"conversationId\":\"c\",%s}}", quoting[i]);
        scoped(event_freep) struct event *ev = parse(body, NULL, &err);
        if (!ev)
            fail_msg("%s", err.msg);
        const char *reply = event_str(ev, FIELD_REPLY);
        if (strncmp(reply, "Please call me.", 15) != 0 || strstr(reply, "unsubscribe"))
            fail_msg("reply is '%s'", reply);
        assert_non_null(strstr(event_str(ev, FIELD_QUOTED), "unsubscribe"));
        assert_non_null(strstr(event_str(ev, FIELD_TEXT), "unsubscribe"));
    }
}

static const struct {
    const char *name, *header;
    enum event_kind kind;
} kinds[] = {
    { "email.replied", NULL, EVENT_REPLY },
    { "email.positive_reply", NULL, EVENT_REPLY },
    { "EMAIL_REPLIED", NULL, EVENT_REPLY },
    { "lead.replied", NULL, EVENT_REPLY },
    { "reply.received", NULL, EVENT_REPLY },
    { "reply_received", NULL, EVENT_REPLY },
    { "email.reply_sent", NULL, EVENT_OTHER },
    { "reply.template.changed", NULL, EVENT_OTHER },
    { "email.opened", NULL, EVENT_OTHER },
    { "email.bounced", "email.replied", EVENT_OTHER },
    { "test", NULL, EVENT_TEST },
    { "webhook.test", NULL, EVENT_TEST },
    { "email.replied", "test", EVENT_TEST },
    { NULL, "email.replied", EVENT_REPLY },
    { NULL, "email.opened", EVENT_OTHER },
    { NULL, "test", EVENT_TEST },
    { NULL, "", EVENT_REPLY },
};

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        const char *name = kinds[i].name;
        struct error err = ERROR_INIT;
        scoped(freep) char *body =
            xasprintf("{%s%s%s\"data\":{\"conversationId\":\"c\",\"replyText\":\"x\"}}",
                      name ? "\"event\":\"" : "", name ? name : "", name ? "\"," : "");
        scoped(event_freep) struct event *ev = parse(body, kinds[i].header, &err);
        if (!ev || ev->kind != kinds[i].kind)
            fail_msg("%s with header %s", body, kinds[i].header);
    }
    struct event *ev = parse("{\"event\":\"email.opened\"}", NULL, NULL);
    assert_int_equal(ev->kind, EVENT_OTHER); /* and needs no conversation */
    event_free(ev);
    ev = parse("{\"data\":{\"conversationId\":\"c\"}}", NULL, NULL);
    assert_int_equal(ev->kind, EVENT_OTHER); /* neither name nor text */
    event_free(ev);
}

#define REPLIED "{\"event\":\"email.replied\",\"data\":{\"replyText\":\"x\","
#define LONG_ID                                                                                    \
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"  \
    "12345678901234567890123456789012345678"

static const struct {
    const char *body, *words;
} bad[] = {
    { "", "offset 0: the text is empty" },
    { "{", "JSON offset 1" },
    { "[]", "the body is an array; a JSON object was expected" },
    { "17", "the body is a number" },
    { "null", "null stands there alone" },
    { "{}", "the event has no name (tried event, type, eventType, X-Webhook-Event), and the "
            "conversation id is missing" },
    { REPLIED "\"x\":1}}", "the conversation id is missing; tried /data/conversationId, "
                           "/data/conversation_id, /data/conversation/_id" },
    { REPLIED "\"conversationId\":null}}", "the conversation id is missing" },
    { REPLIED "\"conversationId\":17}}",
      "the conversation id at /data/conversationId is a number; it must be a string" },
    { REPLIED "\"conversationId\":[\"c\"]}}", "is an array" },
    { REPLIED "\"conversationId\":{\"$oid\":\"c\"},\"id\":\"d\"}}", "is an object" },
    { REPLIED "\"conversationId\":\"\",\"id\":\"d\"}}", "at /data/conversationId is empty" },
    { REPLIED "\"conversationId\":\"a b\"}}", "visible ASCII characters; number 2 is none" },
    { REPLIED "\"conversationId\":\"a\\u0000\"}}", "number 2 is none" },
    { REPLIED "\"conversationId\":\"\xC3\xA4\"}}", "number 1 is none" },
    { "{\"event\":\"email.replied\",\"data\":{\"conversationId\":\"c\",\"replyText\":5}}",
      "text at /data/replyText is a number" },
    { REPLIED "\"conversationId\":\"" LONG_ID "\"}}", "has 129 characters, at most 128" },
    { REPLIED "\"conversationId\":\"c\",\"messageId\":17}}", "the message id at /data/messageId" },
    { REPLIED "\"conversationId\":\"c\",\"conversationId\":\"d\"}}", "duplicate key" },
    { "{\"event\":17,\"data\":{\"conversationId\":\"c\"}}", "the event's name at /event is a" },
    /* the id of the delivery is not that of the conversation */
    { "{\"id\":\"evt_1\",\"event\":\"email.replied\",\"data\":{\"replyText\":\"x\"}}",
      "the conversation id is missing" },
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct error err = ERROR_INIT;
        scoped(event_freep) struct event *ev = parse(bad[i].body, NULL, &err);
        if (ev || !strstr(err.msg, bad[i].words))
            fail_msg("%s: got '%s', want '%s'", bad[i].body, err.msg, bad[i].words);
        assert_int_equal(err.kind, ERR_INPUT);
    }
    struct event *ev = parse(REPLIED "\"conversationId\":\"!~\"}}", NULL, NULL);
    assert_non_null(ev);
    event_free(ev);
}

/* Pairs of deliveries: the same event, or not. */
#define REPLY(name, data) "{\"event\":\"" name "\",\"data\":{\"conversationId\":\"c\"," data "}}"
static const struct {
    const char *name, *one, *one_header, *two, *two_header;
    bool same;
} pairs[] = {
    { "sent again", REPLY("email.replied", "\"messageId\":\"m\""), NULL,
      "{\"data\":{\"messageId\":\"m\",\"conversationId\":\"c\"},\"event\":\"email.replied\"}", NULL,
      true },
    { "another message", REPLY("email.replied", "\"messageId\":\"m\""), NULL,
      REPLY("email.replied", "\"messageId\":\"n\""), NULL, false },
    { "another event of the message", REPLY("email.replied", "\"messageId\":\"m\""), NULL,
      REPLY("email.positive_reply", "\"messageId\":\"m\""), NULL, false },
    { "another event, no message id", REPLY("email.replied", "\"replyText\":\"x\""), NULL,
      REPLY("email.positive_reply", "\"replyText\":\"x\""), NULL, false },
    { "no message id, same", REPLY("email.replied", "\"replyText\":\"x\",\"subject\":\"s\""), NULL,
      REPLY("email.replied", "\"subject\":\"s\",\"replyText\":\"x\""), NULL, true },
    { "no message id, other text", REPLY("email.replied", "\"replyText\":\"x\""), NULL,
      REPLY("email.replied", "\"replyText\":\"y\""), NULL, false },
    { "no message id, other time",
      REPLY("email.replied", "\"replyText\":\"x\",\"receivedAt\":\"2026-08-01\""), NULL,
      REPLY("email.replied", "\"replyText\":\"x\",\"receivedAt\":\"2026-08-02\""), NULL, false },
    { "no message id, sent at another time",
      "{\"event\":\"email.replied\",\"timestamp\":1785585600,\"data\":{\"conversationId\":\"c\","
      "\"replyText\":\"x\"}}",
      NULL,
      "{\"event\":\"email.replied\",\"timestamp\":1785585699,\"data\":{\"conversationId\":\"c\","
      "\"replyText\":\"x\"}}",
      NULL, true },
    { "words moved from subject to reply",
      REPLY("email.replied", "\"subject\":\"ab\",\"replyText\":\"c\""), NULL,
      REPLY("email.replied", "\"subject\":\"a\",\"replyText\":\"bc\""), NULL, false },
    { "named by the header", "{\"data\":{\"conversationId\":\"c\",\"messageId\":\"m\"}}",
      "email.replied", "{\"data\":{\"conversationId\":\"c\",\"messageId\":\"m\"}}",
      "email.positive_reply", false },
    { "an invented name in the header", "{\"data\":{\"conversationId\":\"c\",\"messageId\":\"m\"}}",
      "email.replied", "{\"data\":{\"conversationId\":\"c\",\"messageId\":\"m\"}}", "xyz.reply",
      true },
};

static void test_dedupe(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        scoped(event_freep) struct event *one = parse(pairs[i].one, pairs[i].one_header, NULL);
        scoped(event_freep) struct event *two = parse(pairs[i].two, pairs[i].two_header, NULL);
        assert_non_null(one);
        assert_non_null(two);
        assert_int_equal(strlen(one->dedupe), 64);
        if ((strcmp(one->dedupe, two->dedupe) == 0) != pairs[i].same)
            fail_msg("%s", pairs[i].name);
    }
}

static void test_overrides(void **state)
{
    (void)state;
    static const char body[] = "{\"event\":\"email.replied\",\"id\":\"c_1\",\"data\":{\"body\":{"
                               "\"plain\":\"mine\"},\"content\":\"theirs\",\"a\":\"x\",\"b\":"
                               "\"y\"}}";
    static const char *const reply[] = { "/data/nothing", "/data/body/plain" };
    static const char *const conversation[] = { "/id" }, *const name[] = { "/data/a /data/b" };
    static const char *const wrong[] = { "data/x" };
    struct error err = ERROR_INIT;
    scoped(field_map_freep) struct field_map *map = field_map_new();
    assert_int_equal(field_map_set(map, FIELD_REPLY, reply, 2, &err), 0);
    assert_int_equal(field_map_set(map, FIELD_CONVERSATION, conversation, 1, &err), 0);
    assert_int_equal(field_map_set(map, FIELD_NAME, name, 1, &err), 0);
    assert_int_equal(field_map_set(map, FIELD_NAME, wrong, 1, &err), -1);
    assert_non_null(strstr(err.msg, "'data/x' is no JSON pointer"));
    assert_int_equal(field_map_set(map, FIELD_WORKSPACE, name, 1, &err), -1);
    scoped(event_freep) struct event *ev = parse_with(map, body, NULL, &err);
    assert_non_null(ev);
    check("override", ev, FIELD_REPLY, "mine");
    check("override", ev, FIELD_CONVERSATION, "c_1");
    check("override", ev, FIELD_NAME, "x y");
}

static void test_pointer_values(void **state)
{
    (void)state;
    scoped(event_freep) struct event *ev =
        parse(REPLIED "\"conversationId\":\"c\",\"custom\":{\"plan\":\"Pro\\u2019s\",\"n\":5,"
                      "\"yes\":true,\"list\":[\"a\",7,null,{\"x\":1}]}}}",
              NULL, NULL);
    struct field_value v;
    event_pointer(ev, "/data/custom/plan", &v);
    assert_int_equal(v.presence, PRESENT);
    assert_string_equal(v.items[0].data, "Pro's");
    field_value_done(&v);
    event_pointer(ev, "/data/custom/n", &v);
    assert_string_equal(v.items[0].data, "5");
    field_value_done(&v);
    event_pointer(ev, "/data/custom/yes", &v);
    assert_string_equal(v.items[0].data, "true");
    field_value_done(&v);
    event_pointer(ev, "/data/custom/list", &v);
    assert_int_equal(v.count, 2);
    assert_string_equal(v.items[1].data, "7");
    field_value_done(&v);
    event_pointer(ev, "/data/custom", &v);
    assert_int_equal(v.presence, ABSENT);
    event_set_pointer(ev, "/data/custom/n", "9", 1);
    event_pointer(ev, "/data/custom/n", &v);
    assert_string_equal(v.items[0].data, "9");
    field_value_done(&v);
}

static void test_limits(void **state)
{
    (void)state;
    scoped(buf_free) struct buf body = BUF_INIT;
    buf_puts(&body, REPLIED "\"conversationId\":\"c\",\"subject\":\"");
    for (int i = 0; i < TEXT_MAX_SHORT; i++)
        buf_puts(&body, "\xC3\xA9");
    buf_puts(&body, "\",\"tags\":[\"t\"");
    for (int i = 0; i < 100; i++)
        buf_puts(&body, ",\"t\"");
    buf_puts(&body, "]}}");
    struct error err = ERROR_INIT;
    scoped(event_freep) struct event *ev = parse(buf_str(&body), NULL, &err);
    assert_non_null(ev);
    assert_true(ev->field[FIELD_SUBJECT].cut);
    assert_int_equal(ev->field[FIELD_SUBJECT].items[0].len, TEXT_MAX_SHORT);
    assert_true(ev->field[FIELD_TAGS].cut);
    assert_true(ev->field[FIELD_TAGS].count < 100);
    assert_false(ev->field[FIELD_REPLY].cut);
}

static void test_by_hand(void **state)
{
    (void)state;
    scoped(event_freep) struct event *ev = event_new();
    assert_int_equal(ev->kind, EVENT_REPLY);
    assert_null(event_str(ev, FIELD_REPLY));
    event_set(ev, FIELD_FROM, "Ada <ADA@x.org>", 15);
    event_set(ev, FIELD_TAGS, "a", 1);
    event_set(ev, FIELD_TAGS, "b", 1);
    event_set(ev, FIELD_SUBJECT, "one", 3);
    event_set(ev, FIELD_SUBJECT, "two", 3);
    event_set_unknown(ev, FIELD_TAG);
    check("by hand", ev, FIELD_FROM, "ada@x.org");
    check("by hand", ev, FIELD_DOMAIN, "x.org");
    check("by hand", ev, FIELD_SUBJECT, "two");
    assert_int_equal(ev->field[FIELD_TAGS].count, 2);
    assert_int_equal(ev->field[FIELD_TAG].presence, UNKNOWN);
    assert_null(event_str(ev, FIELD_TAG));
    event_set(ev, FIELD_TAG, "x", 1);
    check("by hand", ev, FIELD_TAG, "x");
    for (enum field f = 0; f < FIELD_COUNT; f++)
        assert_int_equal(field_by_name(field_name(f)), f);
    assert_int_equal(field_by_name("replies"), FIELD_COUNT);
}

/* RFC 4231, test case 2; RFC 6234. */
static void test_digest(void **state)
{
    (void)state;
    char hex[DIGEST_SHA256_HEX];
    unsigned char mac[DIGEST_MAX];
    static const unsigned char want[] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf, 0x60, 0x75, 0x4e,
                                          0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75, 0xc7,
                                          0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83,
                                          0x9d, 0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43 };
    digest_sha256_hex("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const struct digest_part parts[] = { { "what do ya want ", 16 }, { "for nothing?", 12 } };
    digest_hmac(DIGEST_SHA256, "Jefe", 4, parts, 2, mac);
    assert_memory_equal(mac, want, sizeof(want));
    assert_true(digest_equal(mac, want, 32));
    mac[31] ^= 1;
    assert_false(digest_equal(mac, want, 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),    cmocka_unit_test(test_fields),
        cmocka_unit_test(test_kinds),     cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_bad),       cmocka_unit_test(test_dedupe),
        cmocka_unit_test(test_overrides), cmocka_unit_test(test_pointer_values),
        cmocka_unit_test(test_limits),    cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
