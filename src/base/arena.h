/* arena.h - memory that is released all at once: for trees that are built, then only read.
 *
 * Blocks are zeroed and aligned for any type. Never returns NULL (alloc.h). Not
 * shared between threads while growing. */
#ifndef AUTOMARK_BASE_ARENA_H
#define AUTOMARK_BASE_ARENA_H

#include <stddef.h>

struct arena;

struct arena *arena_new(void);
/* NULL is fine. */
void arena_free(struct arena *a);
void arena_freep(struct arena **a);

void *arena_alloc(struct arena *a, size_t bytes);
/* An overflow of count * bytes aborts. */
void *arena_array(struct arena *a, size_t count, size_t bytes);
/* Copies len bytes and ends them with a NUL. */
char *arena_text(struct arena *a, const char *s, size_t len);
/* NULL stays NULL. */
char *arena_strdup(struct arena *a, const char *s);
/* Room for one element more: old holds count elements; the result may be old itself.
 * Capacities are powers of two, so count alone says when to grow. */
void *arena_grow(struct arena *a, void *old, size_t count, size_t bytes);

#endif
