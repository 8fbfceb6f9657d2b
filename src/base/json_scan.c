#include "base/json_scan.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"

#define NUMBER_MAX 128 /* characters of a number */

/* All keys of the text in one table; a key is a duplicate when it equals one of the same
 * object, compared decoded. The seed keeps senders from choosing collisions. */
struct key {
    uint64_t hash;
    size_t object;  /* serial number, from 1; 0 is a free slot */
    size_t at, len; /* in names */
};

struct keys {
    struct key *slots;
    size_t cap, used;
    struct buf names;
    uint64_t seed;
};

struct scan {
    const char *text;
    size_t len, at;
    size_t nodes, nodes_max, objects;
    unsigned depth;
    struct keys keys;
    struct error *err;
};

static void keys_done(struct keys *k)
{
    free(k->slots);
    buf_free(&k->names);
}

/* ---- complaints ------------------------------------------------------------------- */

static int fail(struct scan *s, size_t at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct scan *s, size_t at, const char *fmt, ...)
{
    char words[384];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
    return error_set(s->err, ERR_INPUT, "JSON offset %zu: %s", at, words);
}

/* What stands at the offset, for people: 'x', byte 0x07, or the end. */
static const char *found(const struct scan *s, char out[24])
{
    if (s->at >= s->len)
        return "the end of the text";
    const unsigned char c = (unsigned char)s->text[s->at];
    const size_t n = utf8_decode(s->text + s->at, s->len - s->at, NULL);
    if (c < 0x20 || c == 0x7F || n == 0)
        snprintf(out, 24, "byte 0x%02X", c);
    else
        snprintf(out, 24, "'%.*s'", n > 4 ? 4 : (int)n, s->text + s->at);
    return out;
}

static bool next_is(const struct scan *s, const char *word)
{
    const size_t n = strlen(word);
    return s->len - s->at >= n && memcmp(s->text + s->at, word, n) == 0;
}

/* Slips that people and other languages' printers make, each with what to do about it. */
static const struct {
    const char *start, *words;
} slips[] = {
    { "NaN", "NaN is no JSON number" },
    { "nan", "NaN is no JSON number" },
    { "Infinity", "Infinity is no JSON number" },
    { "inf", "Infinity is no JSON number" },
    { "True", "JSON writes true and false in lower case" },
    { "False", "JSON writes true and false in lower case" },
    { "TRUE", "JSON writes true and false in lower case" },
    { "FALSE", "JSON writes true and false in lower case" },
    { "None", "JSON has no None, null is meant" },
    { "undefined", "JSON has no undefined, null is meant" },
    { "NULL", "JSON writes null in lower case" },
    { "'", "JSON strings stand in double quotes" },
    { "//", "JSON has no comments" },
    { "/*", "JSON has no comments" },
    { "+", "a JSON number begins with a digit or '-'" },
    { ".", "a JSON number begins with a digit or '-'" },
    { "\xEF\xBB\xBF", "a byte order mark is not allowed in JSON" },
};

static int fail_unexpected(struct scan *s, const char *wanted)
{
    for (size_t i = 0; i < ARRAY_LEN(slips); i++)
        if (next_is(s, slips[i].start))
            return fail(s, s->at, "%s", slips[i].words);
    char what[24];
    return fail(s, s->at, "%s was expected, not %s", wanted, found(s, what));
}

/* ---- small steps ------------------------------------------------------------------ */

static char peek(const struct scan *s)
{
    return s->at < s->len ? s->text[s->at] : '\0';
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->len && strchr(" \t\r\n", s->text[s->at]) && s->text[s->at])
        s->at++;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_digits(struct scan *s)
{
    while (is_digit(peek(s)))
        s->at++;
}

/* ---- strings ---------------------------------------------------------------------- */

static bool read_hex4(const struct scan *s, size_t at, uint32_t *unit)
{
    if (s->len - at < 4)
        return false;
    *unit = 0;
    for (size_t i = 0; i < 4; i++) {
        const char c = s->text[at + i];
        const char lower = (char)(c | 0x20);
        if (is_digit(c))
            *unit = *unit << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            *unit = *unit << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return false;
    }
    return true;
}

/* s->at stands behind "\u". A high surrogate needs its low one right behind it. */
static int scan_unicode(struct scan *s, struct buf *out)
{
    const size_t start = s->at - 2;
    uint32_t cp, low;
    if (!read_hex4(s, s->at, &cp))
        return fail(s, start, "\\u needs four hexadecimal digits");
    s->at += 4;
    if (cp >= 0xDC00 && cp <= 0xDFFF)
        return fail(s, start, "\\u%04X is the second half of a surrogate pair, alone",
                    (unsigned)cp);
    if (cp >= 0xD800 && cp <= 0xDBFF) {
        if (!next_is(s, "\\u") || !read_hex4(s, s->at + 2, &low) || low < 0xDC00 || low > 0xDFFF)
            return fail(s, start, "\\u%04X is the first half of a surrogate pair, alone",
                        (unsigned)cp);
        s->at += 6;
        cp = 0x10000 + ((cp - 0xD800) << 10) + (low - 0xDC00);
    }
    if (out)
        utf8_encode(out, cp);
    return 0;
}

/* s->at stands at the backslash. */
static int scan_escape(struct scan *s, struct buf *out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const size_t start = s->at++;
    const char c = peek(s);
    if (s->at >= s->len)
        return fail(s, start, "the text ends inside a string, after a backslash");
    s->at++;
    if (c == 'u')
        return scan_unicode(s, out);
    const char *hit = c ? strchr(names, c) : NULL;
    if (!hit) {
        s->at--;
        char what[24];
        return fail(s, start, "a backslash before %s means nothing in JSON", found(s, what));
    }
    if (out)
        buf_putc(out, values[hit - names]);
    return 0;
}

static int fail_control(struct scan *s, const char *within)
{
    const unsigned char c = (unsigned char)s->text[s->at];
    if (c == '\n' || c == '\r')
        return fail(s, s->at, "a raw line break in %s: write \\n (is the closing quote missing?)",
                    within);
    return fail(s, s->at, "the raw control character 0x%02X in %s: write \\u%04X", c, within, c);
}

/* A string with its quotes. out (may be NULL) receives it decoded. */
static int scan_string(struct scan *s, struct buf *out)
{
    const size_t start = s->at++;
    while (s->at < s->len && s->text[s->at] != '"') {
        const unsigned char c = (unsigned char)s->text[s->at];
        if (c < 0x20)
            return fail_control(s, "a string");
        if (c == '\\') {
            if (scan_escape(s, out) < 0)
                return -1;
            continue;
        }
        if (out)
            buf_putc(out, (char)c);
        s->at++;
    }
    if (s->at >= s->len)
        return fail(s, s->len, "the text ends inside the string that begins at offset %zu", start);
    s->at++;
    return 0;
}

/* ---- keys ------------------------------------------------------------------------- */

static uint64_t key_hash(const struct keys *k, size_t object, const char *name, size_t len)
{
    uint64_t h = k->seed ^ (object * UINT64_C(0x9E3779B97F4A7C15));
    for (size_t i = 0; i < len; i++)
        h = (h ^ (unsigned char)name[i]) * UINT64_C(0x100000001B3);
    return h ^ h >> 32;
}

static struct key *key_slot(const struct keys *k, const struct key *wanted)
{
    const char *names = buf_str(&k->names);
    for (size_t i = wanted->hash & (k->cap - 1);; i = (i + 1) & (k->cap - 1)) {
        struct key *slot = &k->slots[i];
        if (slot->object == 0)
            return slot;
        if (slot->hash == wanted->hash && slot->object == wanted->object &&
            slot->len == wanted->len &&
            memcmp(names + slot->at, names + wanted->at, wanted->len) == 0)
            return slot;
    }
}

static void keys_grow(struct keys *k)
{
    struct key *old = k->slots;
    const size_t old_cap = k->cap;
    k->cap = old_cap ? old_cap * 2 : 64;
    k->slots = xcalloc(k->cap, sizeof(*k->slots));
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].object)
            *key_slot(k, &old[i]) = old[i];
    free(old);
}

/* The name stands at the end of names, from `at`. False when the object has it already. */
static bool keys_add(struct keys *k, size_t object, size_t at)
{
    if ((k->used + 1) * 2 > k->cap)
        keys_grow(k);
    struct key key = { .object = object, .at = at, .len = k->names.len - at };
    key.hash = key_hash(k, object, buf_str(&k->names) + at, key.len);
    struct key *slot = key_slot(k, &key);
    if (slot->object)
        return false;
    *slot = key;
    k->used++;
    return true;
}

static int scan_key(struct scan *s, size_t object)
{
    const size_t start = s->at;
    const size_t name_at = s->keys.names.len;
    buf_reserve(&s->keys.names, 1);
    if (peek(s) != '"')
        return fail_unexpected(s, peek(s) == '}' ? "another key (there is a comma too many)"
                                                 : "a key in double quotes");
    if (scan_string(s, &s->keys.names) < 0)
        return -1;
    const char *name = buf_str(&s->keys.names) + name_at;
    const size_t len = s->keys.names.len - name_at;
    if (memchr(name, '\0', len))
        return fail(s, start, "a key must not contain \\u0000");
    if (!keys_add(&s->keys, object, name_at))
        return fail(s, start, "duplicate key \"%.*s\"", (int)utf8_cut(name, len, 64), name);
    return 0;
}

/* ---- values ----------------------------------------------------------------------- */

static int scan_value(struct scan *s);

static int count_node(struct scan *s)
{
    if (++s->nodes > s->nodes_max)
        return fail(s, s->at, "more than %zu values in one text", s->nodes_max);
    return 0;
}

static int scan_digits(struct scan *s, size_t start, const char *behind)
{
    if (!is_digit(peek(s)))
        return fail(s, start, "a digit must follow %s", behind);
    skip_digits(s);
    return 0;
}

/* (\.[0-9]+)?([eE][-+]?[0-9]+)? */
static int scan_fraction(struct scan *s, size_t start)
{
    if (peek(s) == '.') {
        s->at++;
        if (scan_digits(s, start, "the decimal point of a number") < 0)
            return -1;
    }
    if (peek(s) != 'e' && peek(s) != 'E')
        return 0;
    s->at++;
    if (peek(s) == '-' || peek(s) == '+')
        s->at++;
    return scan_digits(s, start, "the exponent sign of a number");
}

/* -?(0|[1-9][0-9]*) and a fraction, and not too large for a double. */
static int scan_number(struct scan *s)
{
    const size_t start = s->at;
    if (peek(s) == '-')
        s->at++;
    if (next_is(s, "Infinity"))
        return fail_unexpected(s, "a digit");
    const bool zero = peek(s) == '0';
    const size_t digits = s->at;
    if (scan_digits(s, start, "'-'") < 0)
        return -1;
    if (zero && s->at > digits + 1)
        return fail(s, start, "a number must not begin with a superfluous 0");
    if (scan_fraction(s, start) < 0)
        return -1;
    if (s->at - start > NUMBER_MAX)
        return fail(s, start, "a number of more than %d characters", NUMBER_MAX);
    char copy[NUMBER_MAX + 1] = "";
    memcpy(copy, s->text + start, s->at - start);
    return isinf(strtod(copy, NULL)) ? fail(s, start, "a number that is too large") : 0;
}

static int scan_word(struct scan *s)
{
    static const char *const words[] = { "true", "false", "null" };
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (!next_is(s, words[i]))
            continue;
        s->at += strlen(words[i]);
        return 0;
    }
    return fail_unexpected(s, "a value");
}

static int enter(struct scan *s)
{
    if (++s->depth > JSON_DEPTH_MAX)
        return fail(s, s->at, "nested more than %d levels deep", JSON_DEPTH_MAX);
    s->at++;
    skip_blanks(s);
    return 0;
}

static void leave(struct scan *s)
{
    s->depth--;
    s->at++;
}

/* Behind an item: true when another one follows, and s->at stands at it. */
static int scan_comma(struct scan *s, char close, bool *more)
{
    skip_blanks(s);
    *more = peek(s) == ',';
    if (!*more)
        return peek(s) == close ? 0
                                : fail_unexpected(s, close == '}' ? "',' or '}'" : "',' or ']'");
    s->at++;
    skip_blanks(s);
    if (peek(s) == ']' && close == ']')
        return fail(s, s->at, "another value was expected (there is a comma too many)");
    return 0;
}

static int scan_array(struct scan *s)
{
    if (enter(s) < 0)
        return -1;
    bool more = peek(s) != ']';
    while (more)
        if (scan_value(s) < 0 || scan_comma(s, ']', &more) < 0)
            return -1;
    leave(s);
    return 0;
}

static int scan_member(struct scan *s, size_t object)
{
    if (scan_key(s, object) < 0)
        return -1;
    skip_blanks(s);
    if (peek(s) != ':')
        return fail_unexpected(s, "':' after the key");
    s->at++;
    skip_blanks(s);
    return scan_value(s);
}

static int scan_object(struct scan *s)
{
    const size_t object = ++s->objects;
    if (enter(s) < 0)
        return -1;
    bool more = peek(s) != '}';
    while (more)
        if (scan_member(s, object) < 0 || scan_comma(s, '}', &more) < 0)
            return -1;
    leave(s);
    return 0;
}

static int scan_value(struct scan *s)
{
    if (count_node(s) < 0)
        return -1;
    const char c = peek(s);
    if (c == '{')
        return scan_object(s);
    if (c == '[')
        return scan_array(s);
    if (c == '"')
        return scan_string(s, NULL);
    if (c == '-' || is_digit(c))
        return scan_number(s);
    return scan_word(s);
}

static int check_encoding(struct scan *s)
{
    size_t bad;
    if (utf8_valid(s->text, s->len, &bad))
        return 0;
    return fail(s, bad, "byte 0x%02X is not well formed UTF-8", (unsigned char)s->text[bad]);
}

int json_scan(const char *text, size_t len, size_t nodes_max, struct json_extent *out,
              struct error *err)
{
    struct scan s = { .text = text, .len = len, .nodes_max = nodes_max, .err = err };
    if (len == 0)
        return error_set(err, ERR_INPUT, "JSON offset 0: the text is empty");
    if (check_encoding(&s) < 0)
        return -1;
    if (getrandom(&s.keys.seed, sizeof(s.keys.seed), GRND_NONBLOCK) < 0)
        s.keys.seed = (uintptr_t)&s;

    skip_blanks(&s);
    const size_t start = s.at;
    const int rc = scan_value(&s);
    const size_t end = s.at;
    keys_done(&s.keys);
    if (rc < 0)
        return -1;
    skip_blanks(&s);
    char what[24];
    if (s.at < len)
        return fail(&s, s.at, "nothing may follow the value, but %s does", found(&s, what));
    *out = (struct json_extent){ .start = start, .end = end };
    return 0;
}
