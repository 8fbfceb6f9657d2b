#include <ctype.h>
#include <string.h>

#include "base/yaml.h"

#define NAME_MAX_LEN 40

/* '-' and '_' and both cases are one to a person who mistypes. */
static int plain(char c)
{
    return c == '_' ? '-' : tolower((unsigned char)c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Optimal string alignment: insert, delete, replace, swap neighbours. */
static size_t distance(const char *a, size_t alen, const char *b, size_t blen)
{
    size_t d[NAME_MAX_LEN + 1][NAME_MAX_LEN + 1];
    for (size_t i = 0; i <= alen; i++)
        d[i][0] = i;
    for (size_t j = 0; j <= blen; j++)
        d[0][j] = j;
    for (size_t i = 1; i <= alen; i++) {
        for (size_t j = 1; j <= blen; j++) {
            const size_t differ = plain(a[i - 1]) != plain(b[j - 1]);
            d[i][j] = least(least(d[i - 1][j], d[i][j - 1]) + 1, d[i - 1][j - 1] + differ);
            if (i > 1 && j > 1 && plain(a[i - 1]) == plain(b[j - 2]) &&
                plain(a[i - 2]) == plain(b[j - 1]))
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[alen][blen];
}

const char *yaml_nearest(const char *written, const char *const *names, size_t count)
{
    const size_t len = strlen(written);
    if (len == 0 || len > NAME_MAX_LEN)
        return NULL;
    const char *best = NULL;
    size_t best_distance = len / 3 + 1; /* one slip for short names, more for long ones */
    for (size_t i = 0; i < count; i++) {
        const size_t name_len = strlen(names[i]);
        if (name_len == 0 || name_len > NAME_MAX_LEN)
            continue;
        const size_t got = distance(written, len, names[i], name_len);
        if (got < name_len && (got < best_distance || (!best && got == best_distance))) {
            best = names[i];
            best_distance = got;
        }
    }
    return best;
}
