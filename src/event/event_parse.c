/* event_parse.c - a verified JSON body -> struct event. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/json.h"
#include "event/event.h"
#include "event/event_priv.h"

#define CONVERSATION_MAX 128

struct parse {
    struct event *ev;
    const struct json_object *root;
    const struct field_map *map;
    struct error *err;
    bool name_from_header;
};

static const char *const kind_names[] = {
    [JSON_NULL] = "null",        [JSON_BOOL] = "a boolean",  [JSON_INT] = "a number",
    [JSON_DOUBLE] = "a number",  [JSON_STRING] = "a string", [JSON_ARRAY] = "an array",
    [JSON_OBJECT] = "an object",
};

/* At the top, id and _id are the conversation's only where the names of data stand there
 * as well; beside data they are the delivery's. */
static bool skip_pointer(const struct parse *p, enum field f, const char *pointer)
{
    const bool delivery_id = strcmp(pointer, "/id") == 0 || strcmp(pointer, "/_id") == 0;
    return f == FIELD_CONVERSATION && delivery_id && !p->map->field[f].own &&
           json_get(p->root, "data");
}

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s);
    const size_t m = strlen(end);
    return n >= m && strcasecmp(s + n - m, end) == 0;
}

/* ---- ids and the event's name --------------------------------------------------------- */

static void append_tried(struct buf *out, const struct parse *p, enum field f)
{
    const struct field_pointers *list = &p->map->field[f];
    for (size_t i = 0; i < list->count; i++)
        if (!skip_pointer(p, f, list->list[i]))
            buf_printf(out, "%s%s", out->len ? ", " : "", list->list[i]);
}

static int check_conversation(const struct parse *p, const char *pointer, const char *s, size_t len)
{
    if (len == 0)
        return error_set(p->err, ERR_INPUT, "the conversation id at %s is empty", pointer);
    if (len > CONVERSATION_MAX)
        return error_set(p->err, ERR_INPUT,
                         "the conversation id at %s has %zu characters, at most %d are allowed",
                         pointer, len, CONVERSATION_MAX);
    for (size_t i = 0; i < len; i++)
        if (s[i] <= 0x20 || s[i] >= 0x7F)
            return error_set(p->err, ERR_INPUT,
                             "the conversation id at %s must be visible ASCII characters; number "
                             "%zu is none",
                             pointer, i + 1);
    return 0;
}

/* An id of a wrong kind is a mistake, and never a reason to take the next pointer's: that
 * might be the id of something else. Objects are fine where the id may be inside. */
static int read_id(struct parse *p, enum field f, const char *what)
{
    const struct field_pointers *list = &p->map->field[f];
    for (size_t i = 0; i < list->count; i++) {
        const char *pointer = list->list[i];
        const struct json_object *v = json_at(p->root, pointer);
        const bool inside = json_kind(v) == JSON_OBJECT && ends_with(pointer, "/conversation");
        size_t len;
        const char *s = json_str(v, &len);
        if (!v || inside || skip_pointer(p, f, pointer))
            continue;
        if (!s)
            return error_set(p->err, ERR_INPUT, "the %s id at %s is %s; it must be a string", what,
                             pointer, kind_names[json_kind(v)]);
        if (f == FIELD_CONVERSATION && check_conversation(p, pointer, s, len) < 0)
            return -1;
        if (len > 0) {
            event_set(p->ev, f, s, len);
            return 0;
        }
    }
    return 0;
}

static int read_conversation(struct parse *p)
{
    if (read_id(p, FIELD_CONVERSATION, "conversation") < 0)
        return -1;
    if (event_str(p->ev, FIELD_CONVERSATION))
        return 0;
    scoped(buf_free) struct buf tried = BUF_INIT;
    append_tried(&tried, p, FIELD_CONVERSATION);
    return error_set(p->err, ERR_INPUT, "the conversation id is missing; tried %s",
                     buf_str(&tried));
}

/* From the body, or else from the header. */
static int read_name(struct parse *p, const char *header_event)
{
    const struct field_pointers *list = &p->map->field[FIELD_EVENT];
    for (size_t i = 0; i < list->count; i++) {
        const struct json_object *v = json_at(p->root, list->list[i]);
        scoped(buf_free) struct buf name = BUF_INIT;
        if (!v || json_kind(v) == JSON_OBJECT)
            continue;
        if (json_kind(v) != JSON_STRING)
            return error_set(p->err, ERR_INPUT, "the event's name at %s is %s; it must be a string",
                             list->list[i], kind_names[json_kind(v)]);
        if (scalar_text(&name, v)) {
            event_set(p->ev, FIELD_EVENT, buf_str(&name), name.len);
            return 0;
        }
    }
    p->name_from_header = header_event && *header_event;
    if (p->name_from_header)
        event_set(p->ev, FIELD_EVENT, header_event, strlen(header_event));
    return 0;
}

/* "email.positive_reply", "EMAIL_REPLIED", "reply-received": blanks, dots, dashes and
 * underlines count alike. What only mentions a reply (email.reply_sent) is none: an
 * event that is not understood is left alone. */
static bool names_reply(const char *name)
{
    static const char *const ends[] = { "replied", "reply", "reply.received" };
    scoped(buf_free) struct buf plain = BUF_INIT;
    for (const char *c = name; *c; c++)
        buf_putc(&plain, strchr("-_ :/", *c) ? '.' : *c);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++)
        if (ends_with(buf_str(&plain), ends[i]))
            return true;
    return false;
}

static bool names_test(const char *name)
{
    return name && (strcasecmp(name, "test") == 0 || ends_with(name, ".test") ||
                    strncasecmp(name, "test.", 5) == 0);
}

/* ---- the other fields ------------------------------------------------------------------ */

/* An item of tags[] may be {"name": "interested"}. */
static const struct json_object *item_value(const struct json_object *item)
{
    static const char *const keys[] = { "name", "label", "tag", "email", "address" };
    if (json_kind(item) != JSON_OBJECT)
        return item;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (json_kind(json_get(item, keys[i])) == JSON_STRING)
            return json_get(item, keys[i]);
    return NULL;
}

/* tags may come as "a, b". */
static bool store_tags(struct event *ev, const char *tags)
{
    scoped(freep) char *copy = xstrdup(tags);
    char *rest = copy;
    for (char *one = strsep(&rest, ","); one; one = strsep(&rest, ","))
        if (one[strspn(one, " ")])
            event_set(ev, FIELD_TAGS, one + strspn(one, " "), strlen(one + strspn(one, " ")));
    return true;
}

/* False when the text is not what the field is made of: a sender without an address. */
static bool store_text(struct event *ev, enum field f, const struct buf *text, const char *pointer)
{
    scoped(buf_free) struct buf address = BUF_INIT;
    if (f == FIELD_FROM && !mail_address(&address, buf_str(text)))
        return false;
    if (f == FIELD_TAGS)
        return store_tags(ev, buf_str(text));
    if (f == FIELD_REPLY)
        event_set_body(ev, buf_str(text), text->len,
                       strcasestr(pointer, "html") ? TEXT_HTML : TEXT_GUESS);
    else if (f == FIELD_TAG)
        event_add(ev, f, buf_str(text), text->len);
    else
        event_set(ev, f, buf_str(text), text->len);
    return true;
}

/* The values of a list: all for tags, otherwise the first that will do. */
static bool take_list(struct event *ev, enum field f, const struct json_object *list,
                      const char *pointer)
{
    const bool all = f == FIELD_TAG || f == FIELD_TAGS;
    bool any = false;
    for (size_t i = 0; i < json_count(list) && (all || !any); i++) {
        scoped(buf_free) struct buf text = BUF_INIT;
        if (scalar_text(&text, item_value(json_item(list, i))))
            any |= store_text(ev, f, &text, pointer);
    }
    return any;
}

/* "/a /b": the values that are there, with a blank between them. */
static bool take_joined(struct event *ev, enum field f, const struct json_object *root,
                        const char *pointers)
{
    scoped(freep) char *copy = xstrdup(pointers);
    scoped(buf_free) struct buf all = BUF_INIT;
    char *rest = copy;
    for (char *one = strsep(&rest, " "); one; one = strsep(&rest, " ")) {
        scoped(buf_free) struct buf text = BUF_INIT;
        if (!scalar_text(&text, json_at(root, one)))
            continue;
        if (all.len)
            buf_putc(&all, ' ');
        buf_append(&all, text.data, text.len);
    }
    return all.len > 0 && store_text(ev, f, &all, pointers);
}

static bool take(struct event *ev, enum field f, const struct json_object *root,
                 const char *pointer)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    if (strchr(pointer, ' '))
        return take_joined(ev, f, root, pointer);
    const struct json_object *v = json_at(root, pointer);
    if (json_kind(v) == JSON_ARRAY)
        return f != FIELD_REPLY && take_list(ev, f, v, pointer);
    return scalar_text(&text, v) && store_text(ev, f, &text, pointer);
}

static const char *read_field(struct parse *p, enum field f)
{
    const struct field_pointers *list = &p->map->field[f];
    for (size_t i = 0; i < list->count; i++)
        if (take(p->ev, f, p->root, list->list[i]))
            return list->list[i];
    return NULL;
}

/* The body first: what a workspace says of signature, quoted and text overrides the split.
 * domain before from, which sets it otherwise. */
/* A number where the reply's text should stand is a sender's mistake that nobody would
 * notice: rules would see no text, and the reply would silently stay unread. */
static int check_reply_text(const struct parse *p)
{
    const struct field_pointers *list = &p->map->field[FIELD_REPLY];
    for (size_t i = 0; i < list->count; i++) {
        const enum json_kind kind = json_kind(json_at(p->root, list->list[i]));
        if (kind == JSON_INT || kind == JSON_DOUBLE || kind == JSON_BOOL)
            return error_set(p->err, ERR_INPUT, "the reply's text at %s is %s; it must be a string",
                             list->list[i], kind_names[kind]);
        if (kind == JSON_STRING)
            break;
    }
    return 0;
}

static void read_fields(struct parse *p)
{
    static const enum field order[] = {
        FIELD_REPLY,       FIELD_SIGNATURE, FIELD_QUOTED, FIELD_TEXT,    FIELD_SUBJECT,
        FIELD_DOMAIN,      FIELD_FROM,      FIELD_NAME,   FIELD_COMPANY, FIELD_CAMPAIGN,
        FIELD_CAMPAIGN_ID, FIELD_TAG,       FIELD_TAGS,   FIELD_MAILBOX, FIELD_AUTO_REPLY,
    };
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        read_field(p, order[i]);
    const char *pointer = read_field(p, FIELD_RECEIVED_AT);
    p->ev->time_of_delivery = pointer && strcmp(pointer, "/timestamp") == 0;
}

/* ---- dedupe ---------------------------------------------------------------------------- */

/* Parts are told apart by their lengths. */
static void add_part(struct buf *out, const char *s)
{
    if (s)
        buf_printf(out, "%zu:%s", strlen(s), s);
    else
        buf_putc(out, '-');
}

/* A header is not signed: whoever repeats a captured body under other names there must
 * not get a new decision for each. */
static const char *name_for_dedupe(const struct parse *p)
{
    const char *name = event_str(p->ev, FIELD_EVENT);
    if (!p->name_from_header)
        return name;
    return strcasestr(name, "positive") ? "email.positive_reply" : "email.replied";
}

static void set_dedupe(const struct parse *p)
{
    static const enum field rest[] = { FIELD_FROM, FIELD_RECEIVED_AT, FIELD_SUBJECT, FIELD_REPLY };
    struct event *ev = p->ev;
    scoped(buf_free) struct buf all = BUF_INIT;
    const char *message = event_str(ev, FIELD_MESSAGE);
    buf_puts(&all, message ? "message " : "content ");
    add_part(&all, name_for_dedupe(p));
    add_part(&all, event_str(ev, FIELD_CONVERSATION));
    if (message)
        add_part(&all, message);
    for (size_t i = 0; i < ARRAY_LEN(rest) && !message; i++) {
        /* may change when the delivery is repeated */
        const bool unsteady = rest[i] == FIELD_RECEIVED_AT && ev->time_of_delivery;
        add_part(&all, unsteady ? NULL : event_str(ev, rest[i]));
    }
    digest_sha256_hex(buf_str(&all), all.len, ev->dedupe);
}

/* ---- all of it --------------------------------------------------------------------------- */

/* A delivery without any name counts as a reply when it has what a reply has. */
static enum event_kind kind_of(const struct parse *p, const char *header_event)
{
    const char *name = event_str(p->ev, FIELD_EVENT);
    if (names_test(name) || names_test(header_event))
        return EVENT_TEST;
    if (!name)
        return event_str(p->ev, FIELD_TEXT) ? EVENT_REPLY : EVENT_OTHER;
    return names_reply(name) ? EVENT_REPLY : EVENT_OTHER;
}

static int parse_event(struct parse *p, const char *header_event)
{
    if (json_kind(p->root) != JSON_OBJECT)
        return error_set(p->err, ERR_INPUT, "the body is %s; a JSON object was expected",
                         kind_names[json_kind(p->root)]);
    if (read_name(p, header_event) < 0)
        return -1;
    read_fields(p);
    p->ev->kind = kind_of(p, header_event);
    const bool nameless = !event_str(p->ev, FIELD_EVENT);
    if (p->ev->kind != EVENT_REPLY && !nameless)
        return 0;
    if (read_conversation(p) < 0)
        return nameless ? error_prefix(p->err, "the event has no name (tried event, type, "
                                               "eventType, X-Webhook-Event), and ")
                        : -1;
    if (read_id(p, FIELD_MESSAGE, "message") < 0 || check_reply_text(p) < 0)
        return -1;
    set_dedupe(p);
    return 0;
}

struct event *event_parse(const char *body, size_t len, const char *header_event,
                          const char *workspace, const struct field_map *map, struct error *err)
{
    struct json_object *root = json_parse(body, len, err);
    if (!root)
        return NULL;
    struct event *ev = event_new();
    ev->body = root;
    event_set(ev, FIELD_WORKSPACE, workspace, strlen(workspace));
    struct parse p = { .ev = ev, .root = root, .map = map, .err = err };
    if (parse_event(&p, header_event) == 0)
        return ev;
    event_free(ev);
    return NULL;
}
