#include "base/utf8.h"

#include "base/buf.h"

static bool tail(const char *s, size_t at)
{
    return ((unsigned char)s[at] & 0xC0) == 0x80;
}

size_t utf8_decode(const char *s, size_t len, uint32_t *cp)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    if (len == 0)
        return 0;
    const unsigned char c = (unsigned char)s[0];
    const size_t n = c < 0x80 ? 1 : c < 0xC2 ? 0 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : c < 0xF5 ? 4 : 0;
    if (n == 0 || n > len)
        return 0;
    uint32_t value = n == 1 ? c : c & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if (!tail(s, i))
            return 0;
        value = value << 6 | ((unsigned char)s[i] & 0x3Fu);
    }
    if (value < least[n] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    if (cp)
        *cp = value;
    return n;
}

void utf8_encode(struct buf *out, uint32_t cp)
{
    char b[4];
    size_t n;
    if (cp < 0x80) {
        b[0] = (char)cp;
        n = 1;
    } else if (cp < 0x800) {
        b[0] = (char)(0xC0 | cp >> 6);
        n = 2;
    } else if (cp < 0x10000) {
        b[0] = (char)(0xE0 | cp >> 12);
        n = 3;
    } else {
        b[0] = (char)(0xF0 | cp >> 18);
        n = 4;
    }
    for (size_t i = 1; i < n; i++)
        b[i] = (char)(0x80 | ((cp >> (6 * (n - 1 - i))) & 0x3F));
    buf_append(out, b, n);
}

bool utf8_valid(const char *s, size_t len, size_t *bad_at)
{
    for (size_t at = 0; at < len;) {
        const size_t n = utf8_decode(s + at, len - at, NULL);
        if (n == 0) {
            if (bad_at)
                *bad_at = at;
            return false;
        }
        at += n;
    }
    return true;
}

void utf8_repair(struct buf *out, const char *s, size_t len)
{
    buf_reserve(out, len);
    for (size_t at = 0; at < len;) {
        const size_t n = utf8_decode(s + at, len - at, NULL);
        if (n)
            buf_append(out, s + at, n);
        else
            buf_puts(out, "\xEF\xBF\xBD");
        at += n ? n : 1;
    }
}

size_t utf8_count(const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += !tail(s, i);
    return n;
}

size_t utf8_cut(const char *s, size_t len, size_t max)
{
    if (len <= max)
        return len;
    size_t at = max;
    while (at > 0 && tail(s, at))
        at--;
    return at;
}
