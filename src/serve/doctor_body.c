#include "serve/doctor_body.h"

#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

#define BOM "\xEF\xBB\xBF"
#define NODES_MAX 200000 /* far more than a webhook has */

/* ---- JSON written in another style ------------------------------------------------------ */

/* How programs write JSON: what stands between its parts, and what they escape. */
static const struct json_form {
    const char *after_comma, *after_colon;
    unsigned indent;
    bool slashes; /* / as \/, as PHP does */
    bool ascii;   /* \u00e9 for é, as Python and PHP do */
} forms[BODY_CHANGES] = {
    [BODY_WAS_COMPACT] = { "", "", 0, false, false },
    [BODY_WAS_COMPACT_SLASHES] = { "", "", 0, true, false },
    [BODY_WAS_COMPACT_ASCII] = { "", "", 0, false, true },
    [BODY_WAS_COMPACT_ASCII_SLASHES] = { "", "", 0, true, true },
    [BODY_WAS_SPACED] = { " ", " ", 0, false, false },
    [BODY_WAS_SPACED_ASCII] = { " ", " ", 0, false, true },
    [BODY_WAS_PRETTY_2] = { "", " ", 2, false, false },
    [BODY_WAS_PRETTY_4] = { "", " ", 4, false, false },
};

/* Reads text that is known to be JSON, and writes the same tokens in another form: numbers
 * and the order of keys stay as they are, which a parser's tree would not promise. */
struct rewrite {
    const struct json_form *form;
    const char *at, *end;
    struct buf *out;
    unsigned depth;
};

static void break_line(struct rewrite *w)
{
    if (w->form->indent == 0)
        return;
    buf_putc(w->out, '\n');
    for (unsigned i = 0; i < w->depth * w->form->indent; i++)
        buf_putc(w->out, ' ');
}

static uint32_t read_hex4(const char *s)
{
    uint32_t n = 0;
    for (int i = 0; i < 4; i++) {
        const char c = s[i];
        n = n * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return n;
}

/* \uXXXX, with the second half of a pair; at stands behind the u. */
static uint32_t read_escape(struct rewrite *w)
{
    const uint32_t first = read_hex4(w->at);
    w->at += 4;
    if (first < 0xD800 || first > 0xDBFF)
        return first;
    const uint32_t second = read_hex4(w->at + 2);
    w->at += 6;
    return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
}

static void write_escape(struct buf *out, uint32_t cp)
{
    if (cp < 0x10000) {
        buf_printf(out, "\\u%04x", cp);
        return;
    }
    cp -= 0x10000;
    buf_printf(out, "\\u%04x\\u%04x", 0xD800 + (cp >> 10), 0xDC00 + (cp & 0x3FF));
}

static void write_char(struct rewrite *w, uint32_t cp)
{
    if (cp >= 0x80 && !w->form->ascii)
        utf8_encode(w->out, cp);
    else if (cp >= 0x80 || cp < 0x20 || cp == 0x7F)
        write_escape(w->out, cp);
    else if (cp == '/' && w->form->slashes)
        buf_puts(w->out, "\\/");
    else if (cp == '"' || cp == '\\')
        buf_printf(w->out, "\\%c", (char)cp);
    else
        buf_putc(w->out, (char)cp);
}

static void rewrite_backslash(struct rewrite *w)
{
    const char c = *w->at++;
    if (c == 'u')
        write_char(w, read_escape(w));
    else if (c == '/')
        write_char(w, '/');
    else
        buf_printf(w->out, "\\%c", c);
}

static void rewrite_string(struct rewrite *w)
{
    buf_putc(w->out, '"');
    for (w->at++; *w->at != '"';) {
        uint32_t cp = 0;
        if (*w->at == '\\') {
            w->at++;
            rewrite_backslash(w);
            continue;
        }
        w->at += utf8_decode(w->at, (size_t)(w->end - w->at), &cp);
        write_char(w, cp);
    }
    w->at++;
    buf_putc(w->out, '"');
}

static const char *skip_blanks(const struct rewrite *w, const char *at)
{
    while (at < w->end && strchr(" \t\r\n", *at) && *at)
        at++;
    return at;
}

static void rewrite_open(struct rewrite *w)
{
    const char *next = skip_blanks(w, w->at + 1);
    buf_putc(w->out, *w->at);
    w->at = next;
    if (*next == '}' || *next == ']') { /* an empty one stays on its line */
        buf_putc(w->out, *next);
        w->at++;
        return;
    }
    w->depth++;
    break_line(w);
}

static void rewrite_token(struct rewrite *w)
{
    switch (*w->at) {
    case '"':
        rewrite_string(w);
        return;
    case '{':
    case '[':
        rewrite_open(w);
        return;
    case '}':
    case ']':
        w->depth--;
        break_line(w);
        break;
    case ',':
        buf_putc(w->out, *w->at++);
        buf_puts(w->out, w->form->after_comma);
        break_line(w);
        return;
    case ':':
        buf_putc(w->out, *w->at++);
        buf_puts(w->out, w->form->after_colon);
        return;
    default:
        break;
    }
    buf_putc(w->out, *w->at++);
}

static bool rewrite(const struct json_form *form, const char *body, size_t len, struct buf *out)
{
    struct error err = ERROR_INIT;
    scoped(json_freep) struct json_object *tree = json_parse_max(body, len, NODES_MAX, &err);
    if (!tree)
        return false;
    struct rewrite w = { .form = form, .at = body, .end = body + len, .out = out };
    for (w.at = skip_blanks(&w, w.at); w.at < w.end; w.at = skip_blanks(&w, w.at))
        rewrite_token(&w);
    return true;
}

/* ---- line breaks and the like -------------------------------------------------------------- */

static bool ends_with(const char *body, size_t len, const char *end)
{
    const size_t n = strlen(end);
    return len >= n && memcmp(body + len - n, end, n) == 0;
}

static bool drop_end(const char *body, size_t len, const char *end, struct buf *out)
{
    if (!ends_with(body, len, end))
        return false;
    buf_append(out, body, len - strlen(end));
    return true;
}

static bool add_end(const char *body, size_t len, const char *end, struct buf *out)
{
    buf_append(out, body, len);
    buf_puts(out, end);
    return true;
}

static bool add_returns(const char *body, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len; i++) {
        if (body[i] == '\n' && (i == 0 || body[i - 1] != '\r'))
            buf_putc(out, '\r');
        buf_putc(out, body[i]);
    }
    return true;
}

static bool drop_returns(const char *body, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len; i++)
        if (!(body[i] == '\r' && i + 1 < len && body[i + 1] == '\n'))
            buf_putc(out, body[i]);
    return true;
}

static bool drop_bom(const char *body, size_t len, struct buf *out)
{
    if (len < strlen(BOM) || memcmp(body, BOM, strlen(BOM)) != 0)
        return false;
    buf_append(out, body + strlen(BOM), len - strlen(BOM));
    return true;
}

static bool undo(enum body_change change, const char *body, size_t len, struct buf *out)
{
    switch (change) {
    case BODY_AS_IS:
        buf_append(out, body, len);
        return true;
    case BODY_LF_ADDED:
        return drop_end(body, len, "\n", out);
    case BODY_CRLF_ADDED:
        return drop_end(body, len, "\r\n", out);
    case BODY_LF_LOST:
        return add_end(body, len, "\n", out);
    case BODY_CRLF_LOST:
        return add_end(body, len, "\r\n", out);
    case BODY_CR_LOST:
        return add_returns(body, len, out);
    case BODY_CR_ADDED:
        return drop_returns(body, len, out);
    case BODY_BOM_ADDED:
        return drop_bom(body, len, out);
    default:
        return rewrite(&forms[change], body, len, out);
    }
}

bool body_undo(enum body_change change, const char *body, size_t len, struct buf *out)
{
    if (!undo(change, body, len, out))
        return false;
    const bool same = out->len == len && memcmp(buf_str(out), body, len) == 0;
    return change == BODY_AS_IS || !same;
}

const char *body_change_words(enum body_change change)
{
    static const char *const words[BODY_CHANGES] = {
        [BODY_AS_IS] = "as it is",
        [BODY_LF_ADDED] = "a line break was added at its end (editors and `echo` do that)",
        [BODY_CRLF_ADDED] = "a line break (CR LF) was added at its end",
        [BODY_LF_LOST] = "the line break at its end was lost",
        [BODY_CRLF_LOST] = "the line break (CR LF) at its end was lost",
        [BODY_CR_LOST] = "its line breaks were CR LF and became LF",
        [BODY_CR_ADDED] = "its line breaks were LF and became CR LF",
        [BODY_BOM_ADDED] = "a byte order mark was put in front of it",
        [BODY_WAS_COMPACT] = "its JSON was written anew; signed was the compact form",
        [BODY_WAS_COMPACT_SLASHES] =
            "its JSON was written anew; signed was the compact form with \\/ for /",
        [BODY_WAS_COMPACT_ASCII] =
            "its JSON was written anew; signed was the compact form with \\uXXXX for what is "
            "not ASCII",
        [BODY_WAS_COMPACT_ASCII_SLASHES] =
            "its JSON was written anew; signed was the compact form with \\/ for / and \\uXXXX "
            "for what is not ASCII",
        [BODY_WAS_SPACED] = "its JSON was written anew; signed was the form with a blank behind "
                            "each comma and colon",
        [BODY_WAS_SPACED_ASCII] =
            "its JSON was written anew; signed was the form with a blank behind each comma and "
            "colon and \\uXXXX for what is not ASCII",
        [BODY_WAS_PRETTY_2] = "its JSON was written anew; signed was the form indented by two",
        [BODY_WAS_PRETTY_4] = "its JSON was written anew; signed was the form indented by four",
    };
    return words[change];
}
