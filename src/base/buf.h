/* buf.h - a growing string of bytes, always ended by a NUL that len does not count.
 *
 * data is never NULL after the first append; buf_str() is never NULL at all.
 * Memory is the struct's own: release with buf_free(), or take it with buf_take(). */
#ifndef AUTOMARK_BASE_BUF_H
#define AUTOMARK_BASE_BUF_H

#include <stddef.h>

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

#define BUF_INIT                                                                                   \
    {                                                                                              \
        .data = NULL                                                                               \
    }

void buf_append(struct buf *b, const char *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Makes room for len bytes more, so that appending that much does not move data. */
void buf_reserve(struct buf *b, size_t len);
void buf_truncate(struct buf *b, size_t len);
/* "" when empty; valid until the next change. */
const char *buf_str(const struct buf *b);
/* The caller owns the result (never NULL); b is empty afterwards. */
char *buf_take(struct buf *b);
void buf_free(struct buf *b);
/* Reads all of a descriptor, at most max bytes. 0, or -1 with errno set (EFBIG
 * when there is more than max). */
int buf_read_fd(struct buf *b, int fd, size_t max);

#endif
