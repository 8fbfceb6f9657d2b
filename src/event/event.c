#include "event/event.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/utf8.h"
#include "event/event_priv.h"

struct event_pointer_value {
    char *pointer;
    struct field_value value;
};

/* ---- values ------------------------------------------------------------------------ */

void field_value_done(struct field_value *v)
{
    for (size_t i = 0; i < v->count; i++)
        free(v->items[i].data);
    free(v->items);
    *v = (struct field_value){ .presence = ABSENT };
}

/* s is well formed. */
static void value_add(struct field_value *v, const char *s, size_t len, size_t max)
{
    if (v->count >= EVENT_ITEMS_MAX) {
        v->cut = true;
        return;
    }
    const size_t kept = utf8_cut(s, len, max);
    v->cut |= kept < len;
    v->presence = PRESENT;
    v->items = xreallocarray(v->items, v->count + 1, sizeof(*v->items));
    v->items[v->count++] = (struct field_text){ .data = xmemdup0(s, kept), .len = kept };
}

static void value_add_folded(struct field_value *v, const char *s, size_t len, size_t max)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    text_fold(&text, s, len);
    value_add(v, buf_str(&text), text.len, max);
}

static void value_add_raw(struct field_value *v, const char *s, size_t len)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    utf8_repair(&text, s, len);
    value_add(v, buf_str(&text), text.len, TEXT_MAX_SHORT);
}

static size_t field_cap(enum field f)
{
    return f == FIELD_TEXT || f == FIELD_QUOTED ? TEXT_MAX_LONG : TEXT_MAX_SHORT;
}

/* Ids are compared and sent back as they came. */
static bool is_id(enum field f)
{
    return f == FIELD_WORKSPACE || f == FIELD_CONVERSATION || f == FIELD_MESSAGE;
}

/* ---- what is in a text -------------------------------------------------------------- */

static bool in_address(char c)
{
    return c && !strchr(" \t\n,;<>()[]\"'", c);
}

/* The run of address characters around the at sign. */
static bool address_around(struct buf *out, const char *start, const char *at, const char *end)
{
    const char *from = at;
    const char *to = at + 1;
    while (from > start && in_address(from[-1]))
        from--;
    while (to < end && in_address(*to))
        to++;
    if (from == at || to == at + 1)
        return false;
    for (const char *p = from; p < to; p++)
        buf_putc(out, (char)tolower((unsigned char)*p));
    return true;
}

bool mail_address(struct buf *out, const char *s)
{
    const char *open = strrchr(s, '<');
    const char *close = open ? strchr(open, '>') : NULL;
    if (close) {
        const char *at = memrchr(open, '@', (size_t)(close - open));
        if (at && address_around(out, open, at, close))
            return true;
    }
    const char *at = strchr(s, '@');
    return at && address_around(out, s, at, s + strlen(s));
}

#define SECONDS_BELOW INT64_C(100000000000) /* in milliseconds that is March 1973 */

bool event_time(const char *s, int64_t *at_ms)
{
    if (clock_parse(s, at_ms))
        return true;
    const size_t digits = strspn(s, "0123456789");
    if (digits == 0 || digits > 15 || (s[digits] && s[digits] != '.') ||
        strspn(s, "0123456789.") != strlen(s))
        return false;
    const int64_t n = strtoll(s, NULL, 10);
    *at_ms = n < SECONDS_BELOW ? n * 1000 : n;
    return n > 0;
}

/* true, yes and 1 are "true"; false, no and 0 "false"; all else stays, and is no flag. */
static const char *flag_text(const char *s)
{
    static const char *const yes[] = { "true", "yes", "1" }, *const no[] = { "false", "no", "0" };
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (strcasecmp(s, yes[i]) == 0)
            return "true";
        if (strcasecmp(s, no[i]) == 0)
            return "false";
    }
    return s;
}

bool scalar_text(struct buf *out, const struct json_object *v)
{
    size_t len = 0;
    const char *s = json_str(v, &len);
    switch (json_kind(v)) {
    case JSON_STRING:
        buf_append(out, s, len);
        return strspn(s, " \t\r\n") < len;
    case JSON_BOOL:
    case JSON_INT:
    case JSON_DOUBLE:
        json_write(out, v, JSON_COMPACT);
        return true;
    case JSON_NULL:
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return false;
}

/* ---- setting ------------------------------------------------------------------------ */

struct event *event_new(void)
{
    struct event *ev = xcalloc(1, sizeof(*ev));
    ev->kind = EVENT_REPLY;
    ev->text = (struct reply_text)REPLY_TEXT_INIT;
    return ev;
}

static void set_domain(struct event *ev, const char *address)
{
    const char *at = strrchr(address, '@');
    if (at && ev->field[FIELD_DOMAIN].presence == ABSENT)
        value_add(&ev->field[FIELD_DOMAIN], at + 1, strlen(at + 1), TEXT_MAX_SHORT);
}

static void set_from(struct event *ev, const char *s, size_t len)
{
    scoped(buf_free) struct buf folded = BUF_INIT;
    scoped(buf_free) struct buf address = BUF_INIT;
    text_fold(&folded, s, len);
    if (!mail_address(&address, buf_str(&folded)))
        buf_append(&address, buf_str(&folded), folded.len);
    value_add(&ev->field[FIELD_FROM], buf_str(&address), address.len, TEXT_MAX_SHORT);
    if (strchr(buf_str(&address), '@'))
        set_domain(ev, buf_str(&address));
}

static void set_flag(struct event *ev, enum field f, const char *s, size_t len)
{
    scoped(freep) char *text = xmemdup0(s, len);
    const char *flag = flag_text(text);
    value_add_folded(&ev->field[f], flag, strlen(flag), TEXT_MAX_SHORT);
}

static void set_received_at(struct event *ev, const char *s, size_t len)
{
    char text[CLOCK_TEXT] = "";
    scoped(freep) char *copy = xmemdup0(s, len);
    ev->received_at_ms = 0;
    if (event_time(copy, &ev->received_at_ms))
        clock_format(ev->received_at_ms, text);
    const char *shown = text[0] ? text : copy;
    value_add_folded(&ev->field[FIELD_RECEIVED_AT], shown, strlen(shown), TEXT_MAX_SHORT);
}

void event_set(struct event *ev, enum field f, const char *s, size_t len)
{
    struct field_value *v = &ev->field[f];
    if (f != FIELD_TAGS || v->presence == UNKNOWN)
        field_value_done(v);
    event_add(ev, f, s, len);
}

void event_add(struct event *ev, enum field f, const char *s, size_t len)
{
    struct field_value *v = &ev->field[f];
    if (f == FIELD_FROM)
        set_from(ev, s, len);
    else if (f == FIELD_AUTO_REPLY)
        set_flag(ev, f, s, len);
    else if (f == FIELD_RECEIVED_AT)
        set_received_at(ev, s, len);
    else if (is_id(f))
        value_add_raw(v, s, len);
    else
        value_add_folded(v, s, len, field_cap(f));
}

void event_set_unknown(struct event *ev, enum field f)
{
    field_value_done(&ev->field[f]);
    ev->field[f].presence = UNKNOWN;
}

struct field_value *event_pointer_new(struct event *ev, const char *pointer)
{
    ev->pointers = xreallocarray(ev->pointers, ev->npointers + 1, sizeof(*ev->pointers));
    struct event_pointer_value *p = &ev->pointers[ev->npointers++];
    *p = (struct event_pointer_value){ .pointer = xstrdup(pointer) };
    return &p->value;
}

void event_set_pointer(struct event *ev, const char *pointer, const char *s, size_t len)
{
    value_add_folded(event_pointer_new(ev, pointer), s, len, TEXT_MAX_SHORT);
}

struct field_value *event_pointer_restored(struct event *ev, const char *pointer)
{
    for (size_t i = 0; i < ev->npointers; i++)
        if (strcmp(ev->pointers[i].pointer, pointer) == 0)
            return &ev->pointers[i].value;
    return NULL;
}

const char *event_pointer_at(const struct event *ev, size_t i)
{
    return ev->pointers[i].pointer;
}

void field_value_restore(struct field_value *v, const char *s, size_t len)
{
    value_add(v, s, len, TEXT_MAX_LONG);
}

static void set_part(struct event *ev, enum field f, const struct buf *part, bool cut)
{
    struct field_value *v = &ev->field[f];
    field_value_done(v);
    value_add(v, buf_str(part), part->len, field_cap(f));
    v->cut |= cut;
}

void event_set_body(struct event *ev, const char *body, size_t len, enum text_kind kind)
{
    struct reply_text *t = &ev->text;
    reply_text_done(t);
    *t = (struct reply_text)REPLY_TEXT_INIT;
    reply_text_prepare(t, body, len, kind, NULL);
    set_part(ev, FIELD_REPLY, &t->reply, t->reply_cut);
    set_part(ev, FIELD_SIGNATURE, &t->signature, t->signature_cut);
    set_part(ev, FIELD_QUOTED, &t->quoted, t->quoted_cut);
    set_part(ev, FIELD_TEXT, &t->text, t->text_cut);
}

/* ---- reading ------------------------------------------------------------------------ */

const char *event_str(const struct event *ev, enum field f)
{
    const struct field_value *v = &ev->field[f];
    return v->presence == PRESENT ? v->items[0].data : NULL;
}

static void value_copy(struct field_value *out, const struct field_value *v)
{
    for (size_t i = 0; i < v->count; i++)
        value_add(out, v->items[i].data, v->items[i].len, v->items[i].len);
    out->cut = v->cut;
}

static void add_scalar(struct field_value *out, const struct json_object *v)
{
    scoped(buf_free) struct buf text = BUF_INIT;
    if (scalar_text(&text, v))
        value_add_folded(out, buf_str(&text), text.len, TEXT_MAX_SHORT);
}

void event_pointer(const struct event *ev, const char *pointer, struct field_value *out)
{
    *out = (struct field_value){ .presence = ABSENT };
    for (size_t i = 0; i < ev->npointers; i++)
        if (strcmp(ev->pointers[i].pointer, pointer) == 0)
            value_copy(out, &ev->pointers[i].value);
    if (out->presence != ABSENT)
        return;
    const struct json_object *v = json_at(ev->body, pointer);
    if (json_kind(v) != JSON_ARRAY)
        add_scalar(out, v);
    for (size_t i = 0; i < json_count(v); i++)
        add_scalar(out, json_item(v, i));
}

void event_free(struct event *ev)
{
    if (!ev)
        return;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        field_value_done(&ev->field[i]);
    for (size_t i = 0; i < ev->npointers; i++) {
        free(ev->pointers[i].pointer);
        field_value_done(&ev->pointers[i].value);
    }
    free(ev->pointers);
    reply_text_done(&ev->text);
    json_free(ev->body);
    free(ev);
}

void event_freep(struct event **ev)
{
    event_free(*ev);
}
