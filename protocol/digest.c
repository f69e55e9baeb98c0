/* SPDX-License-Identifier: MIT
 *
 * SHA-256 by OpenSSL, the log's chain by XXH3-128.
 */
#include "protocol/digest.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#define XXH_STATIC_LINKING_ONLY /* a state on the stack */
#include <xxhash.h>

#include "protocol/check.h"

/* SHA-256 cannot fail short of missing memory or a crippled OpenSSL; neither lets the daemon go on. */
struct tw_hasher {
    EVP_MD_CTX *context;
};

struct tw_hasher *tw_hasher_new(void)
{
    struct tw_hasher *hasher = tw_alloc_zero(1, sizeof *hasher);
    hasher->context = EVP_MD_CTX_new();
    TW_ASSERT(hasher->context != NULL);
    TW_ASSERT(EVP_DigestInit_ex(hasher->context, EVP_sha256(), NULL) == 1);
    return hasher;
}

void tw_hasher_free(struct tw_hasher **hasher_pointer)
{
    if (*hasher_pointer != NULL)
        EVP_MD_CTX_free((*hasher_pointer)->context);
    free(*hasher_pointer);
    *hasher_pointer = NULL;
}

static void add(struct tw_hasher *hasher, const void *bytes, size_t length)
{
    if (length > 0)
        TW_ASSERT(EVP_DigestUpdate(hasher->context, bytes, length) == 1);
}

/* Ready for the next one behind it. */
static void end(struct tw_hasher *hasher, uint8_t out[TW_SHA256_BYTES])
{
    unsigned length = 0;
    TW_ASSERT(EVP_DigestFinal_ex(hasher->context, out, &length) == 1 && length == TW_SHA256_BYTES);
    TW_ASSERT(EVP_DigestInit_ex(hasher->context, NULL, NULL) == 1);
}

void tw_sha256(const void *bytes, size_t length, uint8_t out[TW_SHA256_BYTES])
{
    struct tw_hasher *hasher = tw_hasher_new();
    add(hasher, bytes, length);
    end(hasher, out);
    tw_hasher_free(&hasher);
}

void tw_hex(const uint8_t *bytes, size_t length, char *out)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = DIGITS[bytes[i] >> 4];
        out[2 * i + 1] = DIGITS[bytes[i] & 15u];
    }
    out[2 * length] = '\0';
}

void tw_digest_extend(struct tw_hasher *hasher, uint8_t digest[TW_SHA256_BYTES], const void *bytes, size_t length)
{
    add(hasher, digest, TW_SHA256_BYTES);
    add(hasher, bytes, length);
    end(hasher, digest);
}

static void store_big_endian(uint64_t value, uint8_t out[8])
{
    for (int i = 7; i >= 0; i--, value >>= 8)
        out[i] = (uint8_t)(value & 0xffu);
}

void tw_alert_id(struct tw_hasher *hasher, const char *type, const char *entity_type, struct tw_text entity,
                 struct tw_text publisher, uint64_t incarnation, uint64_t pseq, uint8_t out[16])
{
    uint8_t numbers[16], digest[TW_SHA256_BYTES];
    store_big_endian(incarnation, numbers);
    store_big_endian(pseq, numbers + 8);
    add(hasher, type, strlen(type) + 1);
    add(hasher, entity_type, strlen(entity_type) + 1);
    add(hasher, entity.bytes, entity.length);
    add(hasher, "", 1);
    add(hasher, publisher.bytes, publisher.length);
    add(hasher, "", 1);
    add(hasher, numbers, sizeof numbers);
    end(hasher, digest);
    memcpy(out, digest, 16);
}

struct tw_chain tw_chain_next(struct tw_chain previous, const void *record, size_t length)
{
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    TW_ASSERT(XXH3_128bits_reset(&state) == XXH_OK);
    TW_ASSERT(XXH3_128bits_update(&state, previous.bytes, sizeof previous.bytes) == XXH_OK);
    if (length > 0)
        TW_ASSERT(XXH3_128bits_update(&state, record, length) == XXH_OK);
    XXH128_canonical_t canonical; /* big-endian: the same bytes on every machine */
    XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(&state));
    struct tw_chain next;
    _Static_assert(sizeof canonical.digest == sizeof next.bytes, "16 bytes each");
    memcpy(next.bytes, canonical.digest, sizeof next.bytes);
    return next;
}
