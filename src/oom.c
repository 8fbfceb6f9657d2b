/* oom.c - running out of memory ends the process, in the libraries too.
 *
 * json-c 0.16, with one allocation failing, mostly returned wrong data or crashed, and
 * hardly ever an error. So the program's malloc family stands in front of the C
 * library's and never returns NULL (GNU C Library manual, "Replacing malloc"; calls of
 * __libc_malloc are the documented way back). Linked into the program, not into the
 * library that tests use; the sanitizers bring a malloc of their own. */
#ifndef AUTOMARK_SANITIZED

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))

void *__libc_malloc(size_t bytes);               /* NOLINT: the C library's names */
void *__libc_calloc(size_t count, size_t bytes); /* NOLINT */
void *__libc_realloc(void *old, size_t bytes);   /* NOLINT */

static void *there(void *p, size_t bytes)
{
    static const char words[] = "automark: out of memory, stopping; nothing acknowledged is lost\n";
    if (p || bytes == 0)
        return p;
    const ssize_t n = write(STDERR_FILENO, words, sizeof(words) - 1);
    (void)n;
    abort();
}

EXPORTED void *malloc(size_t bytes)
{
    return there(__libc_malloc(bytes), bytes);
}

EXPORTED void *calloc(size_t count, size_t bytes)
{
    return there(__libc_calloc(count, bytes), count && bytes);
}

EXPORTED void *realloc(void *old, size_t bytes)
{
    return there(__libc_realloc(old, bytes), bytes);
}

#endif

typedef int oom_is_empty_under_sanitizers; /* ISO C wants something here */
