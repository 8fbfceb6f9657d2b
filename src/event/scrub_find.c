/* scrub_find.c - what stands at a place of a text: link, address, host, date, number, id. */
#include "event/scrub_priv.h"

#include <string.h>
#include <strings.h>

#include "base/utf8.h"

#define LOCAL_MAX 64
#define HOST_MAX 253
#define ID_MAX 128

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool ascii_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool alnum(char c)
{
    return digit(c) || ascii_letter(c);
}

static bool high(char c)
{
    return (unsigned char)c >= 0x80;
}

/* ---- words --------------------------------------------------------------------------------- */

bool scrub_letter(uint32_t cp)
{
    if (cp < 0x80)
        return ascii_letter((char)cp);
    if (cp < 0xC0)
        return cp == 0xAA || cp == 0xB5 || cp == 0xBA;
    const bool mark = (cp >= 0x2000 && cp < 0x2C00) || (cp >= 0x3000 && cp < 0x3005) ||
                      (cp >= 0x3007 && cp < 0x3040) || cp == 0xD7 || cp == 0xF7 || cp >= 0x1F000;
    return !mark && cp != 0xFFFD;
}

size_t scrub_word_at(const char *s, size_t len, size_t at)
{
    size_t i = at;
    while (i < len) {
        uint32_t cp = 0;
        const size_t n = utf8_decode(s + i, len - i, &cp);
        if (n == 0 || !scrub_letter(cp))
            break;
        i += n;
    }
    return i - at;
}

#define NO_BLANKS 0x2E80 /* from here on scripts put no blanks between words */

/* Length of the letter at this place that a word with blanks around it may hold. */
static size_t letter_at(const char *s, size_t len, size_t at)
{
    uint32_t cp = 0;
    const size_t n = at < len ? utf8_decode(s + at, len - at, &cp) : 0;
    return n > 0 && cp < NO_BLANKS && scrub_letter(cp) ? n : 0;
}

bool scrub_begins(const char *s, size_t at)
{
    size_t from = at;
    while (from > 0 && ((unsigned char)s[from - 1] & 0xC0) == 0x80)
        from--;
    return at == 0 || !(from == at ? alnum(s[at - 1]) : letter_at(s, at, from - (from > 0)));
}

/* ---- links and addresses --------------------------------------------------------------------- */

static size_t link_scheme(const char *s, size_t left)
{
    static const char *const schemes[] = { "https://", "http://", "www." };
    for (size_t i = 0; i < 3; i++)
        if (left > strlen(schemes[i]) && strncasecmp(s, schemes[i], strlen(schemes[i])) == 0)
            return i == 2 ? 0 : strlen(schemes[i]);
    return SIZE_MAX;
}

size_t scrub_link_at(const char *s, size_t len, size_t at, struct scrub_link *out)
{
    const size_t scheme = link_scheme(s + at, len - at);
    if (scheme == SIZE_MAX || !scrub_begins(s, at))
        return 0;
    size_t end = at;
    while (end < len && !strchr(" \n\t<>\"'()[]{}|", s[end]))
        end++;
    while (end > at && strchr(".,;:!?*_", s[end - 1]))
        end--;
    size_t host = at + scheme, stop = host;
    while (stop < end && !strchr("/?#", s[stop]))
        stop++;
    if (stop == host)
        return 0;
    *out = (struct scrub_link){ .host = scheme, .host_len = stop - host, .rest_len = end - stop };
    return end - at;
}

static size_t host_char(const char *s, size_t len, size_t at)
{
    return at < len && digit(s[at]) ? 1 : letter_at(s, len, at);
}

/* labels with dots between; *dots says how many */
static size_t host_run(const char *s, size_t len, size_t at, size_t *dots)
{
    size_t i = at;
    *dots = 0;
    while (i < len && i - at < HOST_MAX) {
        const size_t n = host_char(s, len, i);
        const bool inside = i > at && host_char(s, len, i + 1);
        if (n > 0)
            i += n;
        else if (inside && (s[i] == '-' || s[i] == '.')) {
            *dots += s[i] == '.';
            i++;
        } else {
            break;
        }
    }
    return i - at;
}

size_t scrub_address_at(const char *s, size_t len, size_t at, size_t *local_len)
{
    size_t i = at, dots = 0;
    if (!scrub_begins(s, at) || !host_char(s, len, at))
        return 0;
    while (i < len && i - at <= LOCAL_MAX) {
        const size_t n = strchr("._%+'=-", s[i]) ? 1 : host_char(s, len, i);
        if (n == 0)
            break;
        i += n;
    }
    if (i >= len || s[i] != '@')
        return 0;
    const size_t host = host_run(s, len, i + 1, &dots);
    *local_len = i - at;
    return host > 0 && dots > 0 ? i + 1 + host - at : 0;
}

size_t scrub_host_at(const char *s, size_t len, size_t at)
{
    size_t dots = 0;
    if (!scrub_begins(s, at) || (at > 0 && strchr("@.-/", s[at - 1])))
        return 0;
    const size_t n = host_run(s, len, at, &dots);
    return dots > 0 ? n : 0;
}

/* ---- numbers ------------------------------------------------------------------------------------
 */

static size_t digits_at(const char *s, size_t len, size_t at)
{
    size_t i = at;
    while (i < len && digit(s[i]))
        i++;
    return i - at;
}

/* A form: 1 one or two digits, 2 two, 4 four, Y two or four, else the character itself. */
static size_t form_at(const char *s, size_t len, size_t at, const char *form)
{
    size_t i = at;
    for (; *form; form++) {
        const size_t n = digits_at(s, len, i);
        bool fits = false;
        if (*form == '1')
            fits = n == 1 || n == 2;
        else if (*form == '2' || *form == '4')
            fits = n == (size_t)(*form - '0');
        else if (*form == 'Y')
            fits = n == 2 || n == 4;
        else
            fits = i < len && s[i] == *form;
        if (!fits)
            return 0;
        i += n > 0 ? n : 1;
    }
    return i - at;
}

/* Of a bounce: 5.1.1, 5.7.133 (RFC 3463). */
static size_t status_at(const char *s, size_t len, size_t at)
{
    size_t i = at + 1;
    if (!strchr("245", s[at]))
        return 0;
    for (int part = 0; part < 2; part++) {
        const size_t n = i < len && s[i] == '.' ? digits_at(s, len, i + 1) : 0;
        if (n < 1 || n > 3)
            return 0;
        i += 1 + n;
    }
    const bool more = i + 1 < len && s[i] == '.' && digit(s[i + 1]);
    return more || (i < len && digit(s[i])) ? 0 : i - at;
}

size_t scrub_date_at(const char *s, size_t len, size_t at)
{
    static const char *const forms[] = { "4-1-1", "4/1/1", "4.1.1", "1.1.Y", "1/1/Y", "1-1-Y",
                                         "1:2:2", "1:2",   "1.1.",  "1/1",   "1.2" };
    if (!scrub_begins(s, at) || !digit(s[at]))
        return 0;
    const size_t status = status_at(s, len, at);
    if (status)
        return status;
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        const size_t n = form_at(s, len, at, forms[i]);
        const char next = n && at + n < len ? s[at + n] : ' ';
        const bool more =
            strchr("./-", next) && at + n + 1 < len && digit(s[at + n + 1]) && next != '-';
        if (n && !digit(next) && !more)
            return n;
    }
    return 0;
}

static bool year(const char *s, size_t n)
{
    return n == 4 && (memcmp(s, "19", 2) == 0 || memcmp(s, "20", 2) == 0);
}

struct span {
    size_t digits, runs, years, longest;
};

static void count_run(struct span *p, const char *s, size_t n)
{
    p->digits += n;
    p->runs++;
    p->years += year(s, n);
    p->longest = n > p->longest ? n : p->longest;
}

/* Up to two of these between two runs of digits. */
static size_t separator_at(const char *s, size_t len, size_t at)
{
    size_t n = 0;
    while (n < 3 && at + n < len && strchr(" .-/()", s[at + n]))
        n++;
    return n > 0 && n < 3 && at + n < len && digit(s[at + n]) ? n : 0;
}

size_t scrub_number_at(const char *s, size_t len, size_t at, bool *whole)
{
    struct span p = { 0 };
    size_t i = at;
    const bool opened =
        i < len && s[i] == '(' && i + 1 < len && (digit(s[i + 1]) || s[i + 1] == '+');
    i += opened;
    const bool plus = i < len && s[i] == '+';
    i += plus;
    if (i >= len || !digit(s[i]) || !scrub_begins(s, at))
        return 0;
    const bool zero = s[i] == '0';
    for (size_t sep = 0;; i += sep) {
        const size_t n = digits_at(s, len, i);
        count_run(&p, s + i, n);
        i += n;
        sep = separator_at(s, len, i);
        const bool dot = sep == 1 && s[i] == '.'; /* inside, and no date's beginning */
        if (!sep || (!dot && scrub_date_at(s, len, i + sep)))
            break;
    }
    const bool years = p.years == p.runs;
    *whole = !years && ((p.digits >= 6 && (plus || zero)) || p.digits >= 7 || p.longest >= 5);
    return i - at;
}

size_t scrub_id_at(const char *s, size_t len, size_t at, bool *random)
{
    size_t i = at, digits = 0, letters = 0, run = 0, longest = 0;
    if (!scrub_begins(s, at) || !alnum(s[at]))
        return 0;
    while (i < len && i - at < ID_MAX && (alnum(s[i]) || s[i] == '_' || s[i] == '-')) {
        run = digit(s[i]) ? run + 1 : 0;
        longest = run > longest ? run : longest;
        digits += digit(s[i]);
        letters += ascii_letter(s[i]);
        i++;
    }
    const size_t n = i - at;
    if (!letters || (i < len && high(s[i])) || (longest < 5 && (digits < 4 || n < 8)))
        return 0;
    *random = digits + letters >= 16;
    return n;
}
