#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *p)
{
    if (!p) {
        static const char words[] =
            "automark: out of memory, stopping; nothing acknowledged is lost\n";
        const ssize_t n = write(STDERR_FILENO, words, sizeof(words) - 1);
        (void)n;
        abort();
    }
    return p;
}

void *xmalloc(size_t bytes)
{
    return checked(malloc(bytes ? bytes : 1));
}

void *xcalloc(size_t count, size_t bytes)
{
    return checked(calloc(count ? count : 1, bytes ? bytes : 1));
}

void *xreallocarray(void *old, size_t count, size_t bytes)
{
    return checked(reallocarray(old, count ? count : 1, bytes ? bytes : 1));
}

char *xstrdup(const char *s)
{
    return checked(strdup(s));
}

char *xmemdup0(const char *s, size_t len)
{
    char *copy = xmalloc(len + 1);
    if (len)
        memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *s = NULL;
    if (vasprintf(&s, fmt, ap) < 0)
        s = NULL;
    va_end(ap);
    return checked(s);
}
