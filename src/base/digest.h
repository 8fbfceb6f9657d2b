/* digest.h - the one door to OpenSSL: hashes, HMAC, and comparison in constant time.
 *
 * Pure and thread-safe. Nothing here can fail but for lack of memory, which stops the
 * process as everywhere. */
#ifndef AUTOMARK_BASE_DIGEST_H
#define AUTOMARK_BASE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

enum digest_hash { DIGEST_SHA256, DIGEST_SHA512, DIGEST_SHA1 };

#define DIGEST_MAX 64 /* bytes of the longest */
#define DIGEST_SHA256_HEX 65

size_t digest_size(enum digest_hash hash);
/* Lower case hex, ended by NUL. */
void digest_sha256_hex(const void *data, size_t len, char out[DIGEST_SHA256_HEX]);

/* Bytes that are hashed one behind the other, without joining them first. */
struct digest_part {
    const void *data;
    size_t len;
};

/* RFC 2104. Writes digest_size(hash) bytes. */
void digest_hmac(enum digest_hash hash, const void *key, size_t key_len,
                 const struct digest_part *parts, size_t nparts, unsigned char out[DIGEST_MAX]);

/* Takes the same time wherever the first difference stands. */
bool digest_equal(const void *a, const void *b, size_t len);

#endif
