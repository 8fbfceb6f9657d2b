#include "base/digest.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t size;
} hashes[] = {
    [DIGEST_SHA256] = { "SHA256", 32 },
    [DIGEST_SHA512] = { "SHA512", 64 },
    [DIGEST_SHA1] = { "SHA1", 20 },
};

/* OpenSSL refuses only for lack of memory, or when its own set-up lacks the algorithm:
 * without a hash nothing can be checked, so there is nothing to go on with. */
static void must(bool ok)
{
    static const char words[] = "automark: OpenSSL failed to hash, stopping\n";
    if (ok)
        return;
    const ssize_t n = write(STDERR_FILENO, words, sizeof(words) - 1);
    (void)n;
    abort();
}

size_t digest_size(enum digest_hash hash)
{
    return hashes[hash].size;
}

void digest_sha256_hex(const void *data, size_t len, char out[DIGEST_SHA256_HEX])
{
    static const char hex[] = "0123456789abcdef";
    unsigned char bytes[EVP_MAX_MD_SIZE];
    must(EVP_Digest(data, len, bytes, NULL, EVP_sha256(), NULL) == 1);
    for (size_t i = 0; i < 32; i++) {
        out[2 * i] = hex[bytes[i] >> 4];
        out[2 * i + 1] = hex[bytes[i] & 15];
    }
    out[64] = '\0';
}

void digest_hmac(enum digest_hash hash, const void *key, size_t key_len,
                 const struct digest_part *parts, size_t nparts, unsigned char out[DIGEST_MAX])
{
    char *name = (char *)(uintptr_t)hashes[hash].name; /* only read */
    const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                  OSSL_PARAM_construct_end() };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    size_t len = 0;
    must(ctx && EVP_MAC_init(ctx, key, key_len, params) == 1);
    for (size_t i = 0; i < nparts; i++)
        must(EVP_MAC_update(ctx, parts[i].data, parts[i].len) == 1);
    must(EVP_MAC_final(ctx, out, &len, DIGEST_MAX) == 1 && len == hashes[hash].size);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
}

bool digest_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
