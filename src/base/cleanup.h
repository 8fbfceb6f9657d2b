/* cleanup.h - scoped variables, and the little macros that every file needs.
 *
 * scoped(f) runs f(&variable) when the variable goes out of scope (GCC manual,
 * "Common Variable Attributes": cleanup). By convention f accepts zeroed input;
 * functions for pointers are called xxx_freep and take the pointer's address. */
#ifndef AUTOMARK_BASE_CLEANUP_H
#define AUTOMARK_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define scoped(f) __attribute__((cleanup(f)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* For char * and other plain heap memory: scoped(freep) char *s. */
static inline void freep(void *p)
{
    free(*(void **)p);
}

static inline void fclosep(FILE **f)
{
    if (*f)
        fclose(*f);
}

/* A descriptor that is not open is -1. */
static inline void closep(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#endif
