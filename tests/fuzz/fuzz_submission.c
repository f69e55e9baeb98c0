/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a submission. Held to: no read out of bounds, as many trades as announced, every refusal with a
 * sentence; and an accepted trade, encoded again, comes back with the same content.
 */
#include <stdint.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_trade(const struct tw_trade *trade)
{
    static struct tw_buffer bytes;
    struct tw_submission again;
    struct tw_trade back;
    struct tw_text raw;
    enum tw_code hold;
    const char *complaint;
    char why[TW_WHY_BYTES_MAX];
    TW_ASSERT(tw_trade_check(trade, why) == TW_OK);
    bytes.length = 0;
    tw_submission_encode_rows(&bytes, (struct tw_text){"p", 1}, 0, 1, trade, 1);
    TW_ASSERT(tw_submission_decode(bytes.bytes, bytes.length, &again, &hold, &complaint) == TW_ENVELOPE_OK);
    TW_ASSERT(tw_submission_next_trade(&again, &back, &raw, why) == TW_OK);
    TW_ASSERT(tw_trade_content_hash(&back) == tw_trade_content_hash(trade));
}

static void read_rows(struct tw_submission *submission, const uint8_t *data, size_t size)
{
    for (uint32_t i = 0; i < submission->count; i++) {
        struct tw_trade trade;
        struct tw_text raw;
        char why[TW_WHY_BYTES_MAX];
        const enum tw_code code = tw_submission_next_trade(submission, &trade, &raw, why);
        TW_ASSERT((const uint8_t *)raw.bytes >= data && (const uint8_t *)raw.bytes + raw.length <= data + size);
        TW_ASSERT(code < TW_CODE_COUNT && memchr(why, '\0', sizeof why) != NULL);
        if (code == TW_OK)
            check_trade(&trade);
        else
            TW_ASSERT(why[0] != '\0');
    }
}

static void sum(uint64_t *total, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; bytes != NULL && i < length; i++)
        *total += bytes[i];
}

/* Touches every byte that a reader of the columns may touch. */
static void read_columns(const struct tw_submission *submission)
{
    uint64_t total = 0, ids = 0, refs = 0;
#define COLUMN_SUM(member, key, width, required) sum(&total, submission->member, (size_t)submission->count *width);
    TW_SUBMISSION_COLUMNS(COLUMN_SUM)
#undef COLUMN_SUM
    sum(&ids, submission->id_length, submission->count);
    sum(&refs, submission->ref_length, submission->count);
    TW_ASSERT(ids == submission->ids_bytes && refs == submission->refs_bytes);
    sum(&total, submission->ids, submission->ids_bytes);
    sum(&total, submission->refs, submission->refs_bytes);
    TW_ASSERT(submission->count == 0 ||
              (submission->symbol != NULL && submission->qty != NULL && submission->price != NULL));
    struct tw_unpacker cursor = submission->names;
    for (uint32_t i = 0; i < submission->name_count; i++) {
        struct tw_text name;
        TW_ASSERT(tw_unpack_text(&cursor, &name) && name.length >= 1 && name.length <= TW_NAME_BYTES_MAX);
        sum(&total, (const uint8_t *)name.bytes, name.length);
    }
    volatile uint64_t sink = total;
    (void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_submission submission;
    enum tw_code hold;
    const char *why;
    switch (tw_submission_decode(data, size, &submission, &hold, &why)) {
    case TW_ENVELOPE_OK:
        TW_ASSERT(submission.count <= TW_SUBMISSION_TRADES_MAX && size <= TW_SUBMISSION_BYTES_MAX);
        TW_ASSERT(submission.anonymous == (submission.publisher.length == 0));
        TW_ASSERT(submission.anonymous || submission.seq + submission.count <= UINT64_C(1) << 63);
        if (submission.columnar)
            read_columns(&submission);
        else
            read_rows(&submission, data, size);
        break;
    case TW_ENVELOPE_HOLD:
        TW_ASSERT(hold != TW_OK && why[0] != '\0' && submission.publisher.length > 0);
        break;
    case TW_ENVELOPE_UNREADABLE:
        TW_ASSERT(hold == TW_OK && why[0] != '\0');
        break;
    }
    return 0;
}
