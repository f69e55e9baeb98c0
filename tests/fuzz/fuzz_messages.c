/* SPDX-License-Identifier: MIT
 *
 * Any bytes as each of the messages that daemon and clients exchange besides submissions. Held to: no read out of
 * bounds; and what is decoded and encoded again is the same from then on.
 */
#include <stdint.h>
#include <string.h>

#include "protocol/action.h"
#include "protocol/check.h"
#include "protocol/messages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct tw_buffer first, second;

static void assert_stable(void)
{
    TW_ASSERT(first.length == second.length && memcmp(first.bytes, second.bytes, first.length) == 0);
}

static void fuzz_ack(const uint8_t *data, size_t size)
{
    struct tw_ack ack, again;
    if (!tw_ack_decode(data, size, &ack))
        return;
    tw_ack_encode(&first, &ack);
    TW_ASSERT(tw_ack_decode(first.bytes, first.length, &again));
    tw_ack_encode(&second, &again);
    assert_stable();
}

static void fuzz_alert(const uint8_t *data, size_t size)
{
    struct tw_alert_view view;
    struct tw_alert_trade trade;
    struct tw_text name;
    double value;
    if (!tw_alert_decode(data, size, &view))
        return;
    for (uint32_t i = 0; i < view.trades_listed; i++)
        TW_ASSERT(tw_alert_next_trade(&view, &trade));
    for (uint32_t i = 0; i < view.feature_count; i++)
        TW_ASSERT(tw_alert_next_feature(&view, &name, &value));
    TW_ASSERT(view.id.length == 32);
}

static void fuzz_head(const uint8_t *data, size_t size)
{
    struct tw_head_view view;
    if (!tw_head_decode(data, size, &view))
        return;
    for (uint32_t type = 0; type < view.type_count; type++) {
        struct tw_text name;
        uint32_t severities;
        uint64_t count;
        TW_ASSERT(tw_unpack_text(&view.counts, &name) && tw_unpack_map(&view.counts, &severities));
        for (uint32_t i = 0; i < severities; i++)
            TW_ASSERT(tw_unpack_text(&view.counts, &name) && tw_unpack_u64(&view.counts, &count));
    }
}

static void fuzz_action(const uint8_t *data, size_t size)
{
    struct tw_action_message message, again;
    if (!tw_action_message_decode(data, size, &message))
        return;
    TW_ASSERT(tw_action_fault(&message.action) == NULL);
    tw_action_message_encode(&first, &message);
    TW_ASSERT(tw_action_message_decode(first.bytes, first.length, &again));
    tw_action_message_encode(&second, &again);
    assert_stable();
}

static void fuzz_catchup(const uint8_t *data, size_t size)
{
    struct tw_catchup request, again;
    const char *why;
    if (!tw_catchup_decode(data, size, &request, &why)) {
        TW_ASSERT(why != NULL);
        return;
    }
    TW_ASSERT(request.limit >= 1 && request.limit <= TW_CATCHUP_LIMIT_MAX);
    tw_catchup_encode(&first, &request);
    TW_ASSERT(tw_catchup_decode(first.bytes, first.length, &again, &why));
    tw_catchup_encode(&second, &again);
    assert_stable();
}

static void fuzz_end(const uint8_t *data, size_t size)
{
    struct tw_catchup_end end;
    if (!tw_catchup_end_decode(data, size, &end))
        return;
    tw_catchup_end_encode(&first, end.after, end.last, end.more, NULL);
    TW_ASSERT(tw_catchup_end_decode(first.bytes, first.length, &end));
}

static void fuzz_refusal(const uint8_t *data, size_t size)
{
    struct tw_refusal_message refusal, again;
    if (!tw_refusal_decode(data, size, &refusal))
        return;
    tw_refusal_encode(&first, &refusal);
    TW_ASSERT(tw_refusal_decode(first.bytes, first.length, &again));
    tw_refusal_encode(&second, &again);
    assert_stable();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const decoders[])(const uint8_t *, size_t) = {fuzz_ack, fuzz_alert,   fuzz_head,  fuzz_catchup,
                                                                fuzz_end, fuzz_refusal, fuzz_action};
    for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++) {
        first.length = 0;
        second.length = 0;
        decoders[i](data, size);
    }
    return 0;
}
