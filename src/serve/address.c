#include "serve/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"

/* Splits at the last colon; brackets around an IPv6 host are dropped. */
static bool split(const char *text, char host[64], char port[8])
{
    const char *colon = strrchr(text, ':');
    const size_t digits = colon ? strspn(colon + 1, "0123456789") : 0;
    if (!colon || colon == text || digits == 0 || digits > 5 || colon[1 + digits])
        return false;
    if (strtoul(colon + 1, NULL, 10) > 65535) /* getaddrinfo would take it modulo 65536 */
        return false;
    size_t len = (size_t)(colon - text);
    if (text[0] == '[' && text[len - 1] == ']') {
        text++;
        len -= 2;
    } else if (memchr(text, ':', len)) {
        return false;
    }
    if (len == 0 || len >= 64)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    snprintf(port, 8, "%s", colon + 1);
    return true;
}

static struct addrinfo *resolve(const char *text, struct error *err)
{
    char host[64], port[8];
    if (!split(text, host, port)) {
        error_set(err, ERR_INPUT, "'%s' is no address: 127.0.0.1:8085 or [::1]:8085 would be right",
                  text);
        return NULL;
    }
    const char *name = strcmp(host, "localhost") == 0 ? "127.0.0.1" : host;
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
    };
    struct addrinfo *found = NULL;
    const int rc = getaddrinfo(name, port, &hints, &found);
    if (rc == 0)
        return found;
    error_set(err, ERR_INPUT, "'%s' is no numeric address and port: %s", text, gai_strerror(rc));
    return NULL;
}

int address_check(const char *text, struct error *err)
{
    struct addrinfo *found = resolve(text, err);
    if (!found)
        return -1;
    freeaddrinfo(found);
    return 0;
}

bool address_is_loopback(const char *text)
{
    struct addrinfo *found = resolve(text, NULL);
    if (!found)
        return false;
    bool loopback = false;
    if (found->ai_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, found->ai_addr, sizeof(in));
        loopback = (ntohl(in.sin_addr.s_addr) >> 24) == 127;
    } else if (found->ai_family == AF_INET6) {
        struct sockaddr_in6 in6;
        memcpy(&in6, found->ai_addr, sizeof(in6));
        loopback = IN6_IS_ADDR_LOOPBACK(&in6.sin6_addr);
    }
    freeaddrinfo(found);
    return loopback;
}

static void describe_bound(int fd, char bound[ADDRESS_TEXT])
{
    struct sockaddr_storage at = { .ss_family = AF_UNSPEC };
    socklen_t len = sizeof(at);
    char host[64] = "?", port[8] = "?";
    if (getsockname(fd, (struct sockaddr *)&at, &len) == 0)
        getnameinfo((struct sockaddr *)&at, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV);
    snprintf(bound, ADDRESS_TEXT, at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}

int address_listen(const char *text, char bound[ADDRESS_TEXT], struct error *err)
{
    struct addrinfo *at = resolve(text, err);
    if (!at)
        return -1;
    const int one = 1;
    const int fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool ok = fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
              bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, 1024) == 0;
    const int why = errno;
    freeaddrinfo(at);
    if (ok) {
        describe_bound(fd, bound);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return error_sys(err, why, "listening on %s", text);
}

/* True when somebody accepts connections there. */
static bool is_alive(const struct sockaddr_un *at)
{
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return true;
    const bool alive = connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;
    close(fd);
    return alive;
}

static int make_room(const struct sockaddr_un *at, struct error *err)
{
    struct stat st;
    if (lstat(at->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : error_sys(err, errno, "looking at %s", at->sun_path);
    if (!S_ISSOCK(st.st_mode))
        return error_set(err, ERR_INPUT, "%s is in the way: not a socket", at->sun_path);
    if (is_alive(at))
        return error_set(err, ERR_INPUT, "%s is in use by another process", at->sun_path);
    if (unlink(at->sun_path) < 0)
        return error_sys(err, errno, "removing the stale socket %s", at->sun_path);
    return 0;
}

static int give_group(const char *path, const char *group, struct error *err)
{
    const struct group *g = getgrnam(group);
    if (!g)
        return error_set(err, ERR_INPUT, "admin.group: there is no group '%s'", group);
    if (chown(path, (uid_t)-1, g->gr_gid) < 0)
        return error_sys(err, errno, "giving %s to group %s", path, group);
    return 0;
}

int address_listen_unix(const char *path, const char *group, struct error *err)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(at.sun_path))
        return error_set(err, ERR_INPUT,
                         "the socket path %s is longer than %zu bytes; name a shorter one with "
                         "admin: {socket: PATH} or --socket",
                         path, sizeof(at.sun_path) - 1);
    snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
    if (make_room(&at, err) < 0)
        return -1;
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_sys(err, errno, "making a socket for %s", path);
    const mode_t old = umask(0117);
    const bool bound = bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0;
    const int why = errno;
    umask(old);
    if (!bound)
        error_sys(err, why, "binding %s", path);
    else if (group && give_group(path, group, err) < 0)
        unlink(path);
    else if (listen(fd, 64) == 0)
        return fd;
    else
        error_sys(err, errno, "listening on %s", path);
    close(fd);
    return -1;
}
