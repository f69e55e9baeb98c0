/* SPDX-License-Identifier: MIT
 *
 * Standard Webhooks (github.com/standard-webhooks): the alert's JSON, signed with every key there is, so that a
 * receiver can change from one to the next.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/delivery/digest.h"
#include "actors/delivery/render.h"
#include "protocol/check.h"

#define KEY_PREFIX "whsec_"

void tw_signing_key_read(const char *text, size_t length, struct tw_signing_key *out)
{
    size_t prefix = strlen(KEY_PREFIX);
    uint8_t bytes[sizeof out->bytes + 4];
    size_t padding = (size_t)(text[length - 1] == '=') + (size_t)(text[length - 2] == '=');
    TW_ASSERT(length > prefix && (length - prefix) / 4 * 3 <= sizeof bytes);
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)text + prefix, (int)(length - prefix));
    TW_ASSERT(decoded > (int)padding && (size_t)decoded - padding <= sizeof out->bytes);
    out->length = (size_t)decoded - padding; /* OpenSSL counts what the padding stands for */
    memcpy(out->bytes, bytes, out->length);
}

void tw_webhook_sign(const struct tw_signing_key *key, const char *id, int64_t seconds, const void *body, size_t length,
                     char out[TW_SIGNATURE_BYTES])
{
    struct tw_buffer signed_text = {0};
    uint8_t hash[32];
    unsigned hash_length = 0;
    tw_append_format(&signed_text, "%s.%" PRId64 ".", id, seconds);
    tw_buffer_append(&signed_text, body, length);
    TW_ASSERT(HMAC(EVP_sha256(), key->bytes, (int)key->length, signed_text.bytes, signed_text.length, hash,
                   &hash_length) != NULL);
    memcpy(out, "v1,", 3);
    TW_ASSERT(EVP_EncodeBlock((unsigned char *)out + 3, hash, (int)hash_length) + 4 <= (int)TW_SIGNATURE_BYTES);
    tw_buffer_free(&signed_text);
}

void tw_webhook_head(const struct tw_receiver *receiver, const char *key, int64_t wall_ns, struct tw_request *request)
{
    char signatures[TW_WEBHOOK_KEYS_MAX * TW_SIGNATURE_BYTES] = "";
    size_t at = 0;
    int64_t seconds = wall_ns / TW_NS_PER_SECOND;
    tw_request_header(request, "content-type: application/json");
    tw_request_header(request, "webhook-id: %s", key);
    tw_request_header(request, "webhook-timestamp: %" PRId64, seconds);
    for (uint32_t i = 0; i < receiver->key_count; i++) {
        char one[TW_SIGNATURE_BYTES];
        tw_webhook_sign(&receiver->keys[i], key, seconds, request->body.bytes, request->body.length, one);
        at += (size_t)snprintf(signatures + at, sizeof signatures - at, "%s%s", i > 0 ? " " : "", one);
    }
    if (receiver->key_count > 0)
        tw_request_header(request, "webhook-signature: %s", signatures);
}

static void render(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                   struct tw_request *request)
{
    tw_request_clear(request);
    tw_letter_json(&request->body, letter);
    tw_webhook_head(receiver, letter->key, wall_ns, request);
}

/* 400 and its like are about this one message. What speaks of the receiver (401, 404, 5xx) may be set right, and the
 * message is tried again until its deadline. */
enum tw_delivery_verdict tw_judge_http(const struct tw_answer *answer)
{
    static const int32_t about_the_message[] = {400, 413, 414, 415, 422};
    if (!answer->answered)
        return TW_VERDICT_RETRY;
    if (answer->status >= 200 && answer->status < 300)
        return TW_VERDICT_DELIVERED;
    for (size_t i = 0; i < sizeof about_the_message / sizeof *about_the_message; i++)
        if (answer->status == about_the_message[i])
            return TW_VERDICT_REJECTED;
    return TW_VERDICT_RETRY;
}

/* {"digest":{"count","first_n","last_n","counts":{TYPE:{SEVERITY:n}},"group","repeat"},"alerts":[the latest of the most
 * severe]} */
static void render_digest(const struct tw_receiver *receiver, const struct tw_digest_letter *letter, int64_t wall_ns,
                          struct tw_request *request)
{
    const struct tw_digest *digest = letter->digest;
    struct tw_buffer *out = &request->body;
    tw_request_clear(request);
    tw_append_format(out,
                     "{\"digest\":{\"count\":%" PRIu32 ",\"first_n\":%" PRIu64 ",\"last_n\":%" PRIu64 ",\"counts\":{",
                     digest->count, digest->first_n, digest->last_n);
    tw_digest_counts_json(out, digest);
    tw_append_format(out, "}");
    tw_digest_group_json(out, digest);
    tw_append_format(out, "},\"alerts\":[");
    for (uint32_t i = 0, shown = 0; i < digest->shown_count; i++) {
        struct tw_alert_view view;
        if (!tw_digest_view(digest, i, &view))
            continue;
        tw_append_format(out, "%s", shown++ > 0 ? "," : "");
        tw_render_json(out, &view);
    }
    tw_append_format(out, "]}");
    tw_webhook_head(receiver, letter->key, wall_ns, request);
}

const struct tw_receiver_kind tw_webhook = {.name = "webhook",
                                            .transport = TW_TRANSPORT_HTTP,
                                            .path = "",
                                            .pace = {.under_way_max = TW_DELIVERIES_UNDER_WAY_MAX},
                                            .render = render,
                                            .judge = tw_judge_http,
                                            .render_digest = render_digest};
