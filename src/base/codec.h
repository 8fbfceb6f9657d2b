/* codec.h - bytes written in hex or base64. Pure. */
#ifndef AUTOMARK_BASE_CODEC_H
#define AUTOMARK_BASE_CODEC_H

#include <stdbool.h>
#include <stddef.h>

/* Both write at most max bytes and are false when text is malformed or stands for more.
 * Either case of hex. */
bool hex_decode(const char *text, size_t len, unsigned char *out, size_t max, size_t *out_len);
/* RFC 4648, the usual and the URL alphabet; the padding may be missing, but not be wrong. */
bool base64_decode(const char *text, size_t len, unsigned char *out, size_t max, size_t *out_len);

#endif
