/* SPDX-License-Identifier: MIT
 *
 * The cores judge trades in a process that has neither libzmq nor RocksDB nor libcurl nor a thread. That this file
 * links is the proof; that what links also works is shown by the worked example of the rules, from the publisher's
 * bytes to the digest on the page of the wire.
 */
#include <stdio.h>
#include <string.h>

#include "actors/gateway/gateway.h"
#include "actors/pipeline/pipeline.h"
#include "cfg/cfg.h"
#include "protocol/check.h"
#include "protocol/pack.h"

#define TS_NS (INT64_C(1381190400) * TW_NS_PER_SECOND)
static const char expected[] = "00e9e0b3f23ccb119989da88fef2afbd65c10526995fdc8fc222ac593bb2bc07";

static bool find_evidence(void *context, uint64_t seq, uint32_t *source, uint64_t *pseq, struct tw_text *id)
{
    (void)context;
    *source = 1;
    *pseq = seq;
    *id = (struct tw_text){NULL, 0};
    return true;
}

static int64_t never(void *context, int64_t ts_ns)
{
    (void)context;
    (void)ts_ns;
    return INT64_MAX;
}

static void pack_trade(struct tw_buffer *out, const char *side, uint64_t qty)
{
    tw_pack_map(out, 6);
    tw_pack_str(out, "symbol");
    tw_pack_str(out, "X");
    tw_pack_str(out, "side");
    tw_pack_str(out, side);
    tw_pack_str(out, "qty");
    tw_pack_u64(out, qty);
    tw_pack_str(out, "price");
    tw_pack_str(out, "150.00");
    tw_pack_str(out, "ts");
    tw_pack_i64(out, TS_NS);
    tw_pack_str(out, "account");
    tw_pack_str(out, "A");
}

static void pack_example(struct tw_buffer *out)
{
    tw_pack_map(out, 4);
    tw_pack_str(out, "v");
    tw_pack_u64(out, 1);
    tw_pack_str(out, "pub");
    tw_pack_str(out, "desk-7");
    tw_pack_str(out, "seq");
    tw_pack_u64(out, 1);
    tw_pack_str(out, "trades");
    tw_pack_array(out, 3);
    pack_trade(out, "B", 4000);
    pack_trade(out, "B", 3000);
    pack_trade(out, "S", 1000);
}

static void count_alert(void *context, const struct tw_router_alert *alert)
{
    (void)alert;
    (*(unsigned *)context)++;
}

static unsigned judge(struct tw_gateway *gateway, struct tw_pipeline *pipeline)
{
    unsigned alerts = 0;
    for (struct tw_frame *frame; (frame = tw_gateway_cut(gateway)) != NULL;) {
        struct tw_record record;
        const char *why = "";
        if (!tw_record_decode(frame->bytes, frame->length, &record, &why))
            tw_check_failed(why, __FILE__, __LINE__, __func__);
        tw_pipeline_feed(pipeline, &record, count_alert, &alerts);
        tw_gateway_durable(gateway, tw_record_lsn(&record));
        tw_frame_drop(&frame);
    }
    return alerts;
}

int main(void)
{
    struct tw_cfg_error error;
    struct tw_cfg_sources sources = {.sets = (const char *const[]){"exposure/remark=0"}, .set_count = 1};
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    TW_ASSERT(cfg != NULL);
    struct tw_buffer rules = {0}, message = {0};
    tw_cfg_rules_text(cfg, &rules);
    pack_example(&message);

    struct tw_gateway_settings settings = {.block_trades_max = 2,
                                           .credit_trades = TW_CREDIT_TRADES,
                                           .future_ns = 5 * TW_NS_PER_SECOND,
                                           .reporting_currency = "USD",
                                           .next_roll = never};
    struct tw_history history = {0};
    struct tw_evidence evidence = {.find = find_evidence};
    struct tw_gateway *gateway = tw_gateway_new(&settings, &history);
    struct tw_pipeline *pipeline = tw_pipeline_new(3, &evidence);
    tw_gateway_start(gateway, "test", (struct tw_text){(const char *)rules.bytes, (uint32_t)rules.length}, TS_NS);
    unsigned alerts = judge(gateway, pipeline);
    while (tw_gateway_submit(gateway, TW_LANE_PUSH, message.bytes, message.length, TS_NS, TS_NS) == TW_TAKEN_LATER)
        alerts += judge(gateway, pipeline);
    alerts += judge(gateway, pipeline);

    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES];
    char text[2 * TW_SHA256_BYTES + 1] = "";
    tw_router_digests(tw_pipeline_router(pipeline), digest, record_digest);
    for (size_t i = 0; i < TW_SHA256_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    printf("%u alerts, digest %s\n", alerts, text);

    tw_pipeline_free(&pipeline);
    tw_gateway_free(&gateway);
    tw_buffer_free(&message);
    tw_buffer_free(&rules);
    tw_cfg_free(&cfg);
    return alerts == 4 && strcmp(text, expected) == 0 ? 0 : 1;
}
