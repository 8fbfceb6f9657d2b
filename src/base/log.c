#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/utf8.h"

#define VALUE_BYTES_MAX 256

static struct {
    enum log_format format;
    enum log_level least;
} setup = { .format = LOG_LOGFMT, .least = LOG_LEVEL_INFO };

static const char *const level_names[] = { "debug", "info", "warn", "error" };

void log_setup(enum log_format format, enum log_level least)
{
    setup.format = format;
    setup.least = least;
}

/* The text within quotes, escaped as JSON strings are (RFC 8259), which logfmt readers
 * understand too. */
static void put_escaped(struct buf *b, const char *s, size_t len)
{
    for (size_t at = 0; at < len;) {
        uint32_t cp = 0;
        const size_t n = utf8_decode(s + at, len - at, &cp);
        if (n == 0)
            buf_puts(b, "\\ufffd");
        else if (cp == '"' || cp == '\\')
            buf_printf(b, "\\%c", (char)cp);
        else if (cp == '\n')
            buf_puts(b, "\\n");
        else if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029)
            buf_printf(b, "\\u%04x", (unsigned)cp);
        else
            buf_append(b, s + at, n);
        at += n ? n : 1;
    }
}

/* A bare word needs no quotes in logfmt. */
static bool is_bare(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] <= ' ' || (unsigned char)s[i] >= 0x7F || strchr("\"\\=", s[i]))
            return false;
    return len > 0;
}

static void put_str(struct buf *b, const char *s)
{
    size_t len = strnlen(s, VALUE_BYTES_MAX + 1);
    const bool cut = len > VALUE_BYTES_MAX;
    if (cut)
        len = utf8_cut(s, len, VALUE_BYTES_MAX - 3);
    if (setup.format == LOG_LOGFMT && !cut && is_bare(s, len)) {
        buf_append(b, s, len);
        return;
    }
    buf_putc(b, '"');
    put_escaped(b, s, len);
    if (cut)
        buf_puts(b, "...");
    buf_putc(b, '"');
}

static void put_key(struct buf *b, const char *key)
{
    if (setup.format == LOG_JSON)
        buf_printf(b, "%s\"%s\":", b->len > 1 ? "," : "", key);
    else
        buf_printf(b, "%s%s=", b->len ? " " : "", key);
}

static void put_field(struct buf *b, const struct log_field *f)
{
    if (f->type == LOG_FIELD_STR && !f->str)
        return;
    put_key(b, f->key);
    if (f->type == LOG_FIELD_STR)
        put_str(b, f->str);
    else if (f->type == LOG_FIELD_INT)
        buf_printf(b, "%lld", (long long)f->num);
    else
        buf_puts(b, f->num ? "true" : "false");
}

static void write_all(const char *s, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(STDERR_FILENO, s, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nowhere to complain about a broken stderr */
        s += n;
        len -= (size_t)n;
    }
}

void log_write(enum log_level level, const char *msg, const struct log_field *fields)
{
    if (level < setup.least)
        return;
    scoped(buf_free) struct buf b = BUF_INIT;
    char now[CLOCK_TEXT];
    clock_format(clock_wall_ms(), now);
    if (setup.format == LOG_JSON)
        buf_putc(&b, '{');
    put_field(&b, &(struct log_field)LOG_STR("time", now));
    put_field(&b, &(struct log_field)LOG_STR("level", level_names[level]));
    put_field(&b, &(struct log_field)LOG_STR("msg", msg));
    for (; fields->key; fields++)
        put_field(&b, fields);
    buf_puts(&b, setup.format == LOG_JSON ? "}\n" : "\n");
    write_all(b.data, b.len);
}
