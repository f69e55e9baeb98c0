/* SPDX-License-Identifier: MIT */
#include "actors/delivery/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "actors/delivery/render.h"
#include "protocol/alert_text.h"
#include "protocol/check.h"
#include "protocol/digest.h"

static void hash_hex(const void *bytes, size_t length, char out[2 * TW_SHA256_BYTES + 1])
{
    uint8_t hash[TW_SHA256_BYTES];
    tw_sha256(bytes, length, hash);
    tw_hex(hash, sizeof hash, out);
}

static void hmac(const void *key, size_t key_length, const char *text, uint8_t out[TW_SHA256_BYTES])
{
    unsigned length = 0;
    TW_ASSERT(HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text, strlen(text), out, &length) !=
              NULL);
}

/* "2015-08-30T12:36:00Z" without its marks. */
static void format_date(int64_t wall_ns, char date[TW_SIGV4_DATE_BYTES])
{
    char time[TW_TIME_TEXT_MAX];
    size_t length = 0;
    tw_time_format(wall_ns / TW_NS_PER_SECOND * TW_NS_PER_SECOND, time);
    for (const char *c = time; *c != '\0' && length + 1 < TW_SIGV4_DATE_BYTES; c++)
        if (*c != '-' && *c != ':')
            date[length++] = *c;
    date[length] = '\0';
}

static const char *signed_headers(const struct tw_sigv4 *what)
{
    return what->session_token[0] != '\0' ? "content-type;host;x-amz-date;x-amz-security-token"
                                          : "content-type;host;x-amz-date";
}

static void hash_request(const struct tw_sigv4 *what, const void *body, size_t length, const char *date,
                         char out[2 * TW_SHA256_BYTES + 1])
{
    struct tw_buffer request = {0};
    char body_hash[2 * TW_SHA256_BYTES + 1];
    hash_hex(body, length, body_hash);
    tw_append_format(&request, "POST\n/\n\ncontent-type:%s\nhost:%s\nx-amz-date:%s\n", what->content_type, what->host,
                     date);
    if (what->session_token[0] != '\0') { /* longer than what is formatted elsewhere */
        tw_append_format(&request, "x-amz-security-token:");
        tw_buffer_append(&request, what->session_token, strlen(what->session_token));
        tw_append_format(&request, "\n");
    }
    tw_append_format(&request, "\n%s\n%s", signed_headers(what), body_hash);
    hash_hex(request.bytes, request.length, out);
    tw_buffer_free(&request);
}

static void derive_key(const struct tw_sigv4 *what, const char *day, uint8_t key[TW_SHA256_BYTES])
{
    char secret[256];
    TW_ASSERT(snprintf(secret, sizeof secret, "AWS4%s", what->secret_access_key) < (int)sizeof secret);
    hmac(secret, strlen(secret), day, key);
    hmac(key, TW_SHA256_BYTES, what->region, key);
    hmac(key, TW_SHA256_BYTES, what->service, key);
    hmac(key, TW_SHA256_BYTES, "aws4_request", key);
}

void tw_sigv4_sign(const struct tw_sigv4 *what, const void *body, size_t length, int64_t wall_ns,
                   char date[TW_SIGV4_DATE_BYTES], char authorization[TW_SIGV4_AUTHORIZATION_BYTES])
{
    char day[9], scope[128], hash[2 * TW_SHA256_BYTES + 1], text[512], signature[2 * TW_SHA256_BYTES + 1];
    uint8_t key[TW_SHA256_BYTES];
    format_date(wall_ns, date);
    snprintf(day, sizeof day, "%.8s", date);
    snprintf(scope, sizeof scope, "%s/%s/%s/aws4_request", day, what->region, what->service);
    hash_request(what, body, length, date, hash);
    snprintf(text, sizeof text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, hash);
    derive_key(what, day, key);
    hmac(key, sizeof key, text, key);
    tw_hex(key, sizeof key, signature);
    TW_ASSERT(snprintf(authorization, TW_SIGV4_AUTHORIZATION_BYTES,
                       "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", what->access_key_id, scope,
                       signed_headers(what), signature) < (int)TW_SIGV4_AUTHORIZATION_BYTES);
}
