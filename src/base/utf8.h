/* utf8.h - strict UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing
 * above U+10FFFF. Pure. */
#ifndef AUTOMARK_BASE_UTF8_H
#define AUTOMARK_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Length of the sequence at s (1 to 4), or 0 when it is not well formed within
 * len bytes. *cp receives the code point; may be NULL. */
size_t utf8_decode(const char *s, size_t len, uint32_t *cp);
void utf8_encode(struct buf *out, uint32_t cp);
/* True when all is well formed; else *bad_at (may be NULL) is the first bad byte. */
bool utf8_valid(const char *s, size_t len, size_t *bad_at);
/* Appends s to out, every byte that is not part of a well formed sequence
 * replaced by U+FFFD. */
void utf8_repair(struct buf *out, const char *s, size_t len);
/* Characters in the first len bytes of well formed text. */
size_t utf8_count(const char *s, size_t len);
/* The largest length <= max at which well formed text can be cut. */
size_t utf8_cut(const char *s, size_t len, size_t max);

#endif
