#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/cleanup.h"
#include "config_priv.h"
#include "serve/address.h"

#define SIZE_LIMIT ((int64_t)1 << 30)

int value_int(const char *s, int64_t min, int64_t max, int64_t *out, struct error *err)
{
    const size_t len = strlen(s);
    if (len == 0 || len > 15 || strspn(s, "0123456789") != len)
        return error_set(err, ERR_INPUT, "'%s' is no whole number", s);
    const int64_t n = strtoll(s, NULL, 10);
    if (n < min || n > max)
        return error_set(err, ERR_INPUT, "%s is out of range: %lld to %lld", s, (long long)min,
                         (long long)max);
    *out = n;
    return 0;
}

bool config_parse_size(const char *s, size_t *bytes)
{
    static const struct {
        const char *unit;
        int64_t bytes;
    } units[] = {
        { "", 1 },         { "B", 1 },         { "KiB", 1 << 10 }, { "K", 1 << 10 },
        { "kB", 1000 },    { "KB", 1000 },     { "MiB", 1 << 20 }, { "M", 1 << 20 },
        { "MB", 1000000 }, { "GiB", 1 << 30 },
    };
    const size_t digits = strspn(s, "0123456789");
    if (digits == 0 || digits > 10)
        return false;
    const int64_t n = strtoll(s, NULL, 10);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (strcmp(s + digits, units[i].unit) != 0)
            continue;
        if (n > SIZE_LIMIT / units[i].bytes)
            return false;
        *bytes = (size_t)(n * units[i].bytes);
        return true;
    }
    return false;
}

int value_store(const char *s, struct error *err)
{
    static const char scheme[] = "sqlite:";
    if (strncmp(s, scheme, strlen(scheme)) != 0)
        return error_set(err, ERR_INPUT,
                         "'%s' is no store: sqlite:/var/lib/automark/automark.db would be right",
                         s);
    const char *path = s + strlen(scheme);
    if (!*path || path[strlen(path) - 1] == '/' || path[0] == ':')
        return error_set(err, ERR_INPUT, "'%s' names no file", s);
    return 0;
}

static bool host_is_loopback(const char *host, size_t len)
{
    scoped(freep) char *text = xmemdup0(host, len);
    struct in_addr v4;
    if (inet_pton(AF_INET, text, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return strcasecmp(text, "localhost") == 0 || strcmp(text, "[::1]") == 0;
}

static bool host_valid(const char *host, size_t len)
{
    static const char name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
    scoped(freep) char *text = xmemdup0(host, len);
    if (text[0] != '[')
        return len > 0 && strspn(text, name) == len;
    struct in6_addr v6;
    if (len < 3 || text[len - 1] != ']')
        return false;
    text[len - 1] = '\0';
    return inet_pton(AF_INET6, text + 1, &v6) == 1;
}

static bool port_valid(const char *port, size_t len)
{
    scoped(freep) char *text = xmemdup0(port, len);
    int64_t n;
    return value_int(text, 1, 65535, &n, NULL) == 0;
}

/* https everywhere; http only where nobody else can listen. What a URL may hold besides
 * host, port and path (a user, a query) has no place here. */
int value_api_url(const char *s, struct error *err)
{
    const bool https = strncmp(s, "https://", 8) == 0;
    const bool http = strncmp(s, "http://", 7) == 0;
    if (!https && !http)
        return error_set(err, ERR_INPUT, "'%s' must begin with https://", s);
    const char *host = s + (https ? 8 : 7);
    const size_t whole = strcspn(host, "/?#");
    if (strchr(s, '@')) /* and its text, perhaps a password, is not repeated */
        return error_set(err, ERR_INPUT, "a user name has no place in the address");
    for (const char *c = host; *c; c++)
        if (*c <= ' ' || *c >= 0x7F || strchr("?#\\\"", *c))
            return error_set(err, ERR_INPUT, "'%s' must be https://HOST[:PORT][/PATH] and no more",
                             s);
    const char *bracket = host[0] == '[' ? memchr(host, ']', whole) : NULL;
    const char *from = bracket ? bracket : host;
    const char *colon = memchr(from, ':', whole - (size_t)(from - host));
    const size_t len = colon ? (size_t)(colon - host) : whole;
    if (!host_valid(host, len) || (colon && !port_valid(colon + 1, whole - len - 1)))
        return error_set(err, ERR_INPUT, "'%s' has no proper host and port", s);
    if (http && !host_is_loopback(host, len))
        return error_set(err, ERR_INPUT,
                         "'%s' must be https: the API key would cross the network in the clear "
                         "(http is for loopback alone)",
                         s);
    return 0;
}

const char *workspace_mode_name(enum workspace_mode m)
{
    static const char *const names[] = {
        [MODE_LIVE] = "live", [MODE_SHADOW] = "shadow", [MODE_PAUSED] = "paused"
    };
    return names[m];
}

int value_mode(const char *s, enum workspace_mode *out, struct error *err)
{
    for (enum workspace_mode m = MODE_LIVE; m <= MODE_PAUSED; m++) {
        if (strcmp(s, workspace_mode_name(m)) != 0)
            continue;
        *out = m;
        return 0;
    }
    return error_set(err, ERR_INPUT, "'%s' is none of live, shadow, paused", s);
}

int value_workspace_name(const char *s, struct error *err)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const size_t len = strlen(s);
    if (len == 0 || len > 64 || strspn(s, allowed) != len)
        return error_set(err, ERR_INPUT,
                         "'%s' is no name of a workspace: 1 to 64 letters, digits, '-' and '_'", s);
    return 0;
}

char *value_path(struct arena *a, const char *folder, const char *path)
{
    if (path[0] == '/' || !folder)
        return arena_strdup(a, path);
    scoped(freep) char *joined = xasprintf("%s/%s", folder, path);
    return arena_strdup(a, joined);
}

char *value_store_path(struct arena *a, const char *folder, const char *store)
{
    const char *path = strchr(store, ':') + 1;
    scoped(freep) char *joined =
        xasprintf("%.*s%s", (int)(path - store), store, value_path(a, folder, path));
    return arena_strdup(a, joined);
}
