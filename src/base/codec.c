#include "base/codec.h"

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool hex_decode(const char *text, size_t len, unsigned char *out, size_t max, size_t *out_len)
{
    if (len % 2 || len / 2 > max)
        return false;
    for (size_t i = 0; i < len; i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return false;
        out[i / 2] = (unsigned char)(high << 4 | low);
    }
    *out_len = len / 2;
    return true;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* False when padding is there and does not fill the last four characters. */
static bool drop_padding(const char *text, size_t *len)
{
    const size_t whole = *len;
    while (*len > 0 && whole - *len < 2 && text[*len - 1] == '=')
        --*len;
    return whole == *len || whole % 4 == 0;
}

bool base64_decode(const char *text, size_t len, unsigned char *out, size_t max, size_t *out_len)
{
    unsigned bits = 0;
    unsigned nbits = 0;
    size_t n = 0;
    if (!drop_padding(text, &len) || len % 4 == 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        const int digit = base64_digit(text[i]);
        if (digit < 0)
            return false;
        bits = (bits << 6 | (unsigned)digit) & 0xFFFF;
        nbits += 6;
        if (nbits < 8)
            continue;
        nbits -= 8;
        if (n == max)
            return false;
        out[n++] = (unsigned char)(bits >> nbits & 0xFF);
    }
    *out_len = n;
    return (bits & ((1u << nbits) - 1)) == 0; /* bits beyond the last byte are zero */
}
