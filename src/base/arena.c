#include "base/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define BLOCK_BYTES ((size_t)16 * 1024)

struct block {
    struct block *next;
    size_t used;
    size_t size;
    max_align_t data[];
};

struct arena {
    struct block *blocks; /* the first is the one being filled */
};

struct arena *arena_new(void)
{
    return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct block *b = a->blocks; b;) {
        struct block *const next = b->next;
        free(b);
        b = next;
    }
    free(a);
}

void arena_freep(struct arena **a)
{
    arena_free(*a);
    *a = NULL;
}

static struct block *block_new(size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        abort();
    const size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    struct block *b = xcalloc(1, sizeof(*b) + size);
    b->size = size;
    return b;
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    const size_t align = alignof(max_align_t);
    if (bytes > SIZE_MAX / 2)
        abort();
    const size_t need = (bytes + align - 1) / align * align;
    if (!a->blocks || a->blocks->size - a->blocks->used < need) {
        struct block *b = block_new(need);
        b->next = a->blocks;
        a->blocks = b;
    }
    char *const at = (char *)a->blocks->data + a->blocks->used;
    a->blocks->used += need;
    return at;
}

void *arena_array(struct arena *a, size_t count, size_t bytes)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, bytes, &total))
        abort();
    return arena_alloc(a, total);
}

char *arena_text(struct arena *a, const char *s, size_t len)
{
    char *copy = arena_alloc(a, len + 1);
    if (len > 0)
        memcpy(copy, s, len);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_text(a, s, strlen(s)) : NULL;
}

void *arena_grow(struct arena *a, void *old, size_t count, size_t bytes)
{
    const bool full = count == 0 || (count >= 4 && (count & (count - 1)) == 0);
    if (!full)
        return old;
    void *grown = arena_array(a, count == 0 ? 4 : count * 2, bytes);
    if (count > 0)
        memcpy(grown, old, count * bytes);
    return grown;
}
