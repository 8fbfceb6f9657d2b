/* Our own way through HTML: a tokenizer that measures what gumbo would be up against,
 * and a stripper for what gumbo should not see. Linear, no recursion; what is broken
 * becomes text, never nothing. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/utf8.h"
#include "event/html_emit.h"

#define TAG_MAX 64
#define VALUE_LIMIT (64 * 1024) /* bytes of a quoted value; beyond, the quote is broken */

/* ---- tokens ---- */

enum token_kind { TOKEN_END, TOKEN_TEXT, TOKEN_OPEN, TOKEN_CLOSE, TOKEN_COMMENT, TOKEN_OTHER };

struct token {
    enum token_kind kind;
    struct span whole;
    struct element el; /* el.tag points into name */
    char name[TAG_MAX];
    unsigned attrs; /* written, also those not kept */
    bool broken;    /* not closed before the end: taken for nothing */
};

struct scanner {
    const char *s;
    size_t len, at;
    bool no_comment_end; /* none follows any more */
    bool no_raw_end;
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static size_t read_name(struct token *t, const struct scanner *sc, size_t at)
{
    size_t n = 0;
    for (; at < sc->len && !is_space(sc->s[at]) && sc->s[at] != '>' && sc->s[at] != '/'; at++)
        if (n < TAG_MAX)
            t->name[n++] = lower(sc->s[at]);
    t->el.tag = (struct span){ t->name, n };
    return at;
}

static void keep_attr(struct token *t, struct span name, struct span value)
{
    t->attrs++;
    for (size_t i = 0; i < ATTR_COUNT; i++)
        if (!t->el.attr[i].s && name.len == strlen(html_attr_names[i]) &&
            strncasecmp(name.s, html_attr_names[i], name.len) == 0)
            t->el.attr[i] = value;
}

static size_t read_value(const struct scanner *sc, size_t at, struct span *value)
{
    const char quote = sc->s[at];
    if (quote == '"' || quote == '\'') {
        const size_t room = sc->len - at - 1 < VALUE_LIMIT ? sc->len - at - 1 : VALUE_LIMIT;
        const char *end = memchr(sc->s + at + 1, quote, room);
        if (end) {
            *value = (struct span){ sc->s + at + 1, (size_t)(end - (sc->s + at + 1)) };
            return (size_t)(end - sc->s) + 1;
        }
    }
    const size_t from = at;
    while (at < sc->len && !is_space(sc->s[at]) && sc->s[at] != '>')
        at++;
    *value = (struct span){ sc->s + from, at - from };
    return at;
}

/* Attributes up to and with the >; the place behind it, or 0 when there is none. */
static size_t read_attrs(struct token *t, const struct scanner *sc, size_t at)
{
    while (at < sc->len) {
        while (at < sc->len && (is_space(sc->s[at]) || sc->s[at] == '/'))
            at++;
        if (at >= sc->len || sc->s[at] == '>')
            break;
        const size_t from = at++;
        while (at < sc->len && !is_space(sc->s[at]) && !strchr("=>/", sc->s[at]))
            at++;
        const struct span name = { sc->s + from, at - from };
        struct span value = { "", 0 };
        while (at < sc->len && is_space(sc->s[at]))
            at++;
        if (at < sc->len && sc->s[at] == '=') {
            for (at++; at < sc->len && is_space(sc->s[at]); at++)
                ;
            if (at < sc->len)
                at = read_value(sc, at, &value);
        }
        keep_attr(t, name, value);
    }
    return at < sc->len ? at + 1 : 0;
}

static size_t comment_end(struct scanner *sc, size_t at)
{
    if (at < sc->len && sc->s[at] == '>')
        return at + 1;
    if (sc->no_comment_end)
        return 0;
    const char *end = memmem(sc->s + at, sc->len - at, "-->", 3);
    sc->no_comment_end = !end;
    return end ? (size_t)(end - sc->s) + 3 : 0;
}

static size_t read_markup(struct scanner *sc, struct token *t)
{
    const size_t at = sc->at;
    const size_t left = sc->len - at;
    if (left >= 4 && memcmp(sc->s + at, "<!--", 4) == 0) {
        const size_t end = comment_end(sc, at + 4);
        t->kind = TOKEN_COMMENT;
        t->broken = end == 0;
        return end ? end : at + 4;
    }
    if (left >= 2 && (sc->s[at + 1] == '!' || sc->s[at + 1] == '?')) {
        const char *end = memchr(sc->s + at, '>', left);
        t->kind = end ? TOKEN_OTHER : TOKEN_TEXT;
        return end ? (size_t)(end - sc->s) + 1 : sc->len;
    }
    const bool closes = left >= 2 && sc->s[at + 1] == '/';
    const size_t name = at + 1 + closes;
    if (name >= sc->len || !is_letter(sc->s[name]))
        return 0;
    const size_t behind = read_name(t, sc, name);
    const size_t end = read_attrs(t, sc, behind);
    const bool cut = closes && behind == sc->len; /* "</di", where the mail was cut */
    t->kind = cut ? TOKEN_OTHER : end == 0 ? TOKEN_TEXT : closes ? TOKEN_CLOSE : TOKEN_OPEN;
    t->broken = end == 0;
    return end ? end : sc->len;
}

static void next_token(struct scanner *sc, struct token *t)
{
    memset(t, 0, sizeof(*t));
    if (sc->at >= sc->len)
        return;
    size_t end = sc->s[sc->at] == '<' ? read_markup(sc, t) : 0;
    if (end == 0) {
        t->kind = TOKEN_TEXT;
        const char *next = memchr(sc->s + sc->at + 1, '<', sc->len - sc->at - 1);
        end = next ? (size_t)(next - sc->s) : sc->len;
    }
    t->whole = (struct span){ sc->s + sc->at, end - sc->at };
    sc->at = end;
}

/* Skips what is inside a style, script or title; false when nothing closes it. */
static bool skip_raw(struct scanner *sc, struct span tag)
{
    for (size_t at = sc->at; !sc->no_raw_end && at < sc->len; at++) {
        const char *lt = memchr(sc->s + at, '<', sc->len - at);
        if (!lt)
            break;
        at = (size_t)(lt - sc->s);
        if (sc->len - at > tag.len + 2 && sc->s[at + 1] == '/' &&
            strncasecmp(sc->s + at + 2, tag.s, tag.len) == 0) {
            sc->at = at;
            return true;
        }
    }
    sc->no_raw_end = true;
    return false;
}

/* ---- what gumbo may see ---- */

#define TAME_DEPTH 250    /* its clean-up recurses; later versions end the tree at 400 */
#define TAME_NODES 200000 /* it reopens each unclosed <b> in every paragraph */
#define TAME_ATTRS 64     /* it compares each attribute of an element with all others */
#define TAME_NAMES 64     /* different elements, to count them one by one */

struct tally {
    struct {
        char name[TAG_MAX];
        size_t len;
        unsigned open;
    } tag[TAME_NAMES];
    size_t names;
    unsigned depth, formatting;
    size_t nodes;
};

static bool is_formatting(struct span tag)
{
    static const char *const names[] = { "a", "b",     "big",    "code",   "em", "font", "i",
                                         "s", "small", "strike", "strong", "tt", "u",    "nobr" };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_is(tag, names[i]))
            return true;
    return false;
}

/* Elements that the next of their kind closes by itself. */
static bool is_self_closing(struct span tag)
{
    return span_is(tag, "p") || span_is(tag, "li") || span_is(tag, "tr") || span_is(tag, "td") ||
           span_is(tag, "th") || span_is(tag, "dt") || span_is(tag, "dd") || span_is(tag, "option");
}

/* How much deeper the tree gets: tables bring a body, rows and cells along. */
static unsigned depth_of(struct span tag)
{
    return span_is(tag, "table") ? 4 : span_is(tag, "ul") || span_is(tag, "ol") ? 2 : 1;
}

static unsigned *tally_tag(struct tally *y, struct span tag)
{
    for (size_t i = 0; i < y->names; i++)
        if (y->tag[i].len == tag.len && memcmp(y->tag[i].name, tag.s, tag.len) == 0)
            return &y->tag[i].open;
    if (y->names == TAME_NAMES)
        return NULL;
    memcpy(y->tag[y->names].name, tag.s, tag.len);
    y->tag[y->names].len = tag.len;
    return &y->tag[y->names++].open;
}

static bool tally_add(struct tally *y, const struct token *t)
{
    const bool formatting = is_formatting(t->el.tag);
    y->nodes += 1 + y->formatting;
    if (t->attrs > TAME_ATTRS || y->nodes > TAME_NODES)
        return false;
    if (html_is_void(t->el.tag) || is_self_closing(t->el.tag))
        return true;
    unsigned *open = tally_tag(y, t->el.tag);
    if (!open)
        return false;
    if (t->kind == TOKEN_OPEN) {
        ++*open;
        y->depth += depth_of(t->el.tag);
        y->formatting += formatting;
    } else if (*open > 0) {
        --*open;
        y->depth -= depth_of(t->el.tag);
        y->formatting -= formatting;
    }
    return y->depth <= TAME_DEPTH;
}

/* HTML5 gives their text away. */
static bool drops_text(struct span tag)
{
    return span_is(tag, "frameset") || span_is(tag, "plaintext") || span_is(tag, "select") ||
           span_is(tag, "textarea") || span_is(tag, "noscript");
}

bool html_is_tame(const char *html, size_t len)
{
    struct scanner sc = { .s = html, .len = len };
    struct tally *y = xcalloc(1, sizeof(*y));
    struct token t;
    bool tame = true;
    for (next_token(&sc, &t); tame && t.kind != TOKEN_END; next_token(&sc, &t)) {
        tame = !t.broken;
        if (t.kind == TOKEN_OPEN || t.kind == TOKEN_CLOSE)
            tame = !drops_text(t.el.tag) && tally_add(y, &t);
        if (tame && t.kind == TOKEN_OPEN && html_is_raw(t.el.tag))
            tame = skip_raw(&sc, t.el.tag);
    }
    free(y);
    return tame;
}

/* ---- stripping ---- */

#define STACK_MAX 256 /* open elements that are remembered */
#define CLOSE_MAX 64  /* how far down a closing tag is looked for */

struct open_element {
    struct element el;
    char name[TAG_MAX];
};

struct stripper {
    struct emitter *em;
    struct open_element *stack;
    size_t depth;
    size_t above; /* elements opened beyond the stack */
};

static void put_utf8(struct emitter *em, uint32_t cp)
{
    scoped(buf_free) struct buf b = BUF_INIT;
    const bool valid = cp > 0 && cp <= 0x10FFFF && !(cp >= 0xD800 && cp <= 0xDFFF);
    utf8_encode(&b, valid ? cp : 0xFFFD);
    emit_text(em, (struct span){ b.data, b.len });
}

/* &amp; &#39; &#x2019; and the few names that matter; bytes used, 0 when it is none. */
static size_t put_entity(struct emitter *em, struct span s)
{
    static const struct {
        const char *name;
        uint32_t cp;
    } names[] = { { "&amp;", '&' },      { "&lt;", '<' },       { "&gt;", '>' },
                  { "&quot;", '"' },     { "&apos;", '\'' },    { "&nbsp;", 0xA0 },
                  { "&rsquo;", 0x2019 }, { "&lsquo;", 0x2018 }, { "&ldquo;", 0x201C },
                  { "&rdquo;", 0x201D }, { "&ndash;", 0x2013 }, { "&mdash;", 0x2014 },
                  { "&auml;", 0xE4 },    { "&ouml;", 0xF6 },    { "&uuml;", 0xFC },
                  { "&szlig;", 0xDF },   { "&eacute;", 0xE9 },  { "&egrave;", 0xE8 },
                  { "&agrave;", 0xE0 },  { "&ccedil;", 0xE7 },  { "&ntilde;", 0xF1 },
                  { "&oacute;", 0xF3 },  { "&iacute;", 0xED },  { "&aacute;", 0xE1 },
                  { "&shy;", 0xAD },     { "&zwnj;", 0x200C } };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (span_begins(s, names[i].name)) {
            put_utf8(em, names[i].cp);
            return strlen(names[i].name);
        }
    if (s.len < 4 || s.s[1] != '#')
        return 0;
    const bool hex = lower(s.s[2]) == 'x';
    uint32_t cp = 0;
    size_t at = hex ? 3 : 2;
    const size_t first = at;
    for (; at < s.len && at < 12; at++) {
        const char c = lower(s.s[at]);
        const uint32_t digit = c >= '0' && c <= '9'          ? (uint32_t)(c - '0')
                               : hex && c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                                                             : 99;
        if (digit == 99)
            break;
        cp = cp > 0x10FFFF ? cp : cp * (hex ? 16 : 10) + digit;
    }
    if (at == first)
        return 0;
    put_utf8(em, cp);
    return at + (at < s.len && s.s[at] == ';');
}

static void strip_text(struct emitter *em, struct span s)
{
    while (s.len > 0) {
        const char *amp = memchr(s.s, '&', s.len);
        const size_t plain = amp ? (size_t)(amp - s.s) : s.len;
        emit_text(em, (struct span){ s.s, plain });
        s = span_from(s, plain);
        const size_t used = s.len > 0 ? put_entity(em, s) : 0;
        if (s.len > 0 && used == 0)
            emit_text(em, (struct span){ s.s, 1 });
        s = span_from(s, used ? used : s.len > 0);
    }
}

static void pop(struct stripper *st)
{
    struct open_element *top = &st->stack[--st->depth];
    top->el.tag.s = top->name;
    emit_close(st->em, &top->el);
}

static void strip_open(struct stripper *st, const struct token *t)
{
    if (is_self_closing(t->el.tag) && st->above == 0 && st->depth > 0 &&
        st->stack[st->depth - 1].el.tag.len == t->el.tag.len &&
        memcmp(st->stack[st->depth - 1].name, t->name, t->el.tag.len) == 0)
        pop(st);
    if (html_is_void(t->el.tag)) {
        emit_open(st->em, &t->el);
    } else if (st->depth < STACK_MAX) {
        struct open_element *top = &st->stack[st->depth++];
        top->el = t->el;
        memcpy(top->name, t->name, TAG_MAX);
        emit_open(st->em, &t->el);
    } else { /* so deep that ends are not tracked: a quotation lasts */
        const char *mark = NULL;
        const enum zone_kind kind = html_container(&t->el, &mark);
        st->above++;
        if (kind == ZONE_QUOTED || kind == ZONE_MAYBE || kind == ZONE_REST)
            emit_rest(st->em, mark);
        emit_text(st->em, (struct span){ " ", 1 });
    }
}

static void strip_close(struct stripper *st, const struct token *t)
{
    if (st->above > 0) {
        st->above--;
        return;
    }
    for (size_t n = 0; n < CLOSE_MAX && n < st->depth; n++) {
        const struct open_element *e = &st->stack[st->depth - 1 - n];
        if (e->el.tag.len != t->el.tag.len || memcmp(e->name, t->name, t->el.tag.len) != 0)
            continue;
        for (size_t k = 0; k <= n; k++)
            pop(st);
        return;
    }
}

static void strip_token(struct stripper *st, struct scanner *sc, const struct token *t)
{
    if (t->kind == TOKEN_TEXT) {
        strip_text(st->em, t->whole);
    } else if (t->kind == TOKEN_COMMENT && !t->broken && t->whole.len >= 7) {
        emit_comment(st->em, (struct span){ t->whole.s + 4, t->whole.len - 7 });
    } else if (t->kind == TOKEN_CLOSE) {
        strip_close(st, t);
    } else if (t->kind == TOKEN_OPEN && html_is_text_tag(t->el.tag, t->whole)) {
        emit_text(st->em, t->whole);
    } else if (t->kind == TOKEN_OPEN && html_is_raw(t->el.tag)) {
        skip_raw(sc, t->el.tag);
    } else if (t->kind == TOKEN_OPEN) {
        strip_open(st, t);
    }
}

void html_strip(struct emitter *em, const char *html, size_t len)
{
    struct scanner sc = { .s = html, .len = len };
    struct stripper st = { .em = em, .stack = xcalloc(STACK_MAX, sizeof(*st.stack)) };
    struct token t;
    for (next_token(&sc, &t); t.kind != TOKEN_END; next_token(&sc, &t))
        strip_token(&st, &sc, &t);
    free(st.stack);
}
