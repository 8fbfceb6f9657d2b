/* alloc.h - memory that is always there.
 *
 * Running out of memory is fail-stop: the process says so and aborts, and the
 * next start recovers from the store. json-c 0.16 returns wrong data when an
 * allocation fails, so going on is not an option. All functions are thread-safe
 * and never return NULL; the caller owns the result and releases it with free(). */
#ifndef AUTOMARK_BASE_ALLOC_H
#define AUTOMARK_BASE_ALLOC_H

#include <stddef.h>

void *xmalloc(size_t bytes);
void *xcalloc(size_t count, size_t bytes);
/* An overflow of count * bytes aborts as well. */
void *xreallocarray(void *old, size_t count, size_t bytes);
char *xstrdup(const char *s);
/* Copies len bytes and ends them with a NUL. */
char *xmemdup0(const char *s, size_t len);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
