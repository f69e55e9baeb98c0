/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a tape: it ends; lines count upwards; what is read can be sent; a problem is told when there is one.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "protocol/check.h"
#include "tools/client/batch.h"
#include "tools/tape.h"

#define TRADES_MAX 8190u

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void send(struct tw_batch *batch, const struct tw_trade *trade)
{
    struct tw_flow_message message = {.first = 0};
    TW_ASSERT(tw_batch_fault(trade) == NULL);
    if (!tw_batch_add(batch, trade)) {
        tw_batch_cut(batch, 1, &message);
        tw_buffer_free(&message.bytes);
        TW_ASSERT(tw_batch_add(batch, trade));
    }
}

/* What the gateway gets of it is a message that it can read. */
static void check_message(struct tw_batch *batch)
{
    static struct tw_submission submission;
    struct tw_flow_message message = {.first = 0};
    enum tw_code hold = TW_OK;
    const char *why = NULL;
    if (tw_batch_count(batch) > 0) {
        tw_batch_cut(batch, 1, &message);
        TW_ASSERT(tw_submission_decode(message.bytes.bytes, message.bytes.length, &submission, &hold, &why) ==
                  TW_ENVELOPE_OK);
        tw_buffer_free(&message.bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct tw_tape *tape = tw_tape_new(tw_tape_input_over(bytes, length), "tape");
    struct tw_batch batch;
    struct tw_trade trade;
    enum tw_tape_result result;
    uint64_t line = 0;
    tw_batch_init(&batch, (struct tw_text){"desk-7", 6}, 0, TRADES_MAX, length % 2 == 0);
    do {
        result = tw_tape_next(tape, &trade);
        if (result == TW_TAPE_TRADE)
            send(&batch, &trade);
        else if (result != TW_TAPE_END)
            TW_ASSERT(tw_tape_problem(tape)[0] != '\0');
        if (result == TW_TAPE_TRADE || result == TW_TAPE_BAD) {
            TW_ASSERT(tw_tape_line(tape) > line);
            line = tw_tape_line(tape);
        }
    } while (result == TW_TAPE_TRADE || result == TW_TAPE_BAD);
    TW_ASSERT(tw_tape_next(tape, &trade) == result);
    check_message(&batch);
    tw_batch_clear(&batch);
    tw_tape_free(&tape);
    return 0;
}
