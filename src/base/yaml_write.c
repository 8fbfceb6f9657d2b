#include "base/yaml_write.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

/* YAML 1.2, 5.1: not printable, or a line break to some reader; the byte order mark, too. */
static bool needs_escape(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x2028 || cp == 0x2029 || cp == 0xFEFF ||
           (cp & 0xFFFE) == 0xFFFE;
}

static void put_escape(struct buf *out, uint32_t cp)
{
    if (cp == '\n')
        buf_puts(out, "\\n");
    else if (cp == '\t')
        buf_puts(out, "\\t");
    else if (cp < 0x100)
        buf_printf(out, "\\x%02X", cp);
    else if (cp < 0x10000)
        buf_printf(out, "\\u%04X", cp);
    else
        buf_printf(out, "\\U%08X", cp);
}

static void double_quoted(struct buf *out, const char *s, size_t len)
{
    buf_putc(out, '"');
    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        const size_t n = utf8_decode(s + i, len - i, &cp);
        if (n == 0)
            cp = 0xFFFD;
        if (n > 0 && needs_escape(cp))
            put_escape(out, cp);
        else if (cp == '"' || cp == '\\')
            buf_printf(out, "\\%c", (char)cp);
        else
            utf8_encode(out, cp);
        i += n > 0 ? n : 1;
    }
    buf_putc(out, '"');
}

static void single_quoted(struct buf *out, const char *s, size_t len)
{
    buf_putc(out, '\'');
    for (size_t i = 0; i < len; i++) {
        if (s[i] == '\'')
            buf_putc(out, '\'');
        buf_putc(out, s[i]);
    }
    buf_putc(out, '\'');
}

static bool fits_single(const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        const size_t n = utf8_decode(s + i, len - i, &cp);
        if (n == 0 || needs_escape(cp))
            return false;
        i += n;
    }
    if (memmem(s, len, "''", 2)) /* libfyaml 0.7.12 reads four quotes in a row wrongly */
        return false;
    /* "I'm away" is read more easily than 'I''m away' */
    return !memchr(s, '\'', len) || memchr(s, '"', len) || memchr(s, '\\', len);
}

void yaml_write_text(struct buf *out, const char *s, size_t len)
{
    if (fits_single(s, len))
        single_quoted(out, s, len);
    else
        double_quoted(out, s, len);
}

static bool is_word(const char *s, size_t len)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (len == 0 || !strchr(letters, s[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!s[i] || (!strchr(letters, s[i]) && !strchr("0123456789_-", s[i])))
            return false;
    return true;
}

void yaml_write_word(struct buf *out, const char *s, size_t len)
{
    if (is_word(s, len))
        buf_append(out, s, len);
    else
        yaml_write_text(out, s, len);
}
