/* SPDX-License-Identifier: MIT
 *
 * The digests (RULES: "Digest") and the log's chain. SHA-256 is OpenSSL's, XXH3 is xxhash's.
 */
#ifndef TW_PROTOCOL_DIGEST_H
#define TW_PROTOCOL_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "protocol/trade.h"

#define TW_SHA256_BYTES 32u

void tw_sha256(const void *bytes, size_t length, uint8_t out[TW_SHA256_BYTES]);
void tw_hex(const uint8_t *bytes, size_t length, char *out); /* 2 x length + NUL */

/* What hashes one thing after the other. Making one takes as long as hashing half an alert. One owner. */
struct tw_hasher;
struct tw_hasher *tw_hasher_new(void);
void tw_hasher_free(struct tw_hasher **hasher);

/* d = SHA-256(d || bytes). Starts as zero bytes. */
void tw_digest_extend(struct tw_hasher *hasher, uint8_t digest[TW_SHA256_BYTES], const void *bytes, size_t length);

/* First 16 bytes of SHA-256 over type \0 entity_type \0 entity \0 pub \0 inc pseq (big-endian u64 each). An anonymous
 * trade has an empty pub, incarnation 0 and its global sequence as pseq. */
void tw_alert_id(struct tw_hasher *hasher, const char *type, const char *entity_type, struct tw_text entity,
                 struct tw_text publisher, uint64_t incarnation, uint64_t pseq, uint8_t out[16]);

/* The log's chain: XXH3-128(previous || record bytes). The first record's previous is 16 zero bytes. */
struct tw_chain {
    uint8_t bytes[16];
};
struct tw_chain tw_chain_next(struct tw_chain previous, const void *record, size_t length);

#endif
