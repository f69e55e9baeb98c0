/* SPDX-License-Identifier: MIT */
#include "actors/router/live_actor.h"

#include <czmq.h>
#include <stdlib.h>

#include "actors/runtime/agent.h"
#include "actors/runtime/endpoint.h"
#include "protocol/check.h"
#include "protocol/num.h"

struct tw_live {
    uint32_t rate;
    int64_t next_ns;
    zsock_t *socket;
    struct tw_buffer message;
};

struct tw_live *tw_live_new(uint32_t rate_per_second)
{
    struct tw_live *live = tw_alloc_zero(1, sizeof *live);
    live->rate = rate_per_second;
    return live;
}

bool tw_live_start(struct tw_live *live, const char *endpoint, char failure[512])
{
    live->socket = zsock_new(ZMQ_PUB);
    zsock_set_linger(live->socket, 0);
    zsock_set_sndhwm(live->socket, TW_LIVE_SEND_HWM);
    return tw_endpoint_bind(live->socket, "bind/live", endpoint, failure);
}

const char *tw_live_endpoint(const struct tw_live *live)
{
    return zsock_endpoint(live->socket);
}

static void pack_e8(struct tw_buffer *out, const char *key, tw_i128 value_e8)
{
    char text[TW_E8_TEXT_MAX];
    tw_e8_format(value_e8, text);
    tw_pack_str(out, key);
    tw_pack_str(out, text);
}

static void publish(struct tw_live *live, const char *prefix, struct tw_text name)
{
    char topic[TW_TOPIC_BYTES_MAX];
    int length = snprintf(topic, sizeof topic, "%s.%.*s", prefix, (int)name.length, name.bytes);
    void *socket = zsock_resolve(live->socket);
    zmq_send(socket, topic, (size_t)length, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(socket, live->message.bytes, live->message.length, ZMQ_DONTWAIT);
}

static void begin(struct tw_live *live, uint32_t pairs, const struct tw_block *block)
{
    struct tw_buffer *out = &live->message;
    out->length = 0;
    tw_pack_map(out, pairs);
    tw_pack_str(out, "v");
    tw_pack_u64(out, 1);
    tw_pack_str(out, "seq");
    tw_pack_u64(out, block->follows + block->count);
    tw_pack_str(out, "ts");
    tw_pack_i64(out, tw_load_i64(block->ts, block->count - 1));
}

static void publish_trade(struct tw_live *live, const struct tw_router *router, const struct tw_block *block)
{
    uint32_t row = block->count - 1, account = tw_load_u32(block->account, row);
    struct tw_text symbol = tw_router_symbol_name(router, tw_load_u32(block->symbol, row));
    enum tw_side side = TW_ATTR_SIDE(block->attrs[row]);
    struct tw_buffer *out = &live->message;
    begin(live, 7u + (account != 0), block);
    tw_pack_str(out, "symbol");
    tw_pack_text(out, symbol);
    tw_pack_str(out, "side");
    if (side == TW_SIDE_NONE)
        tw_pack_nil(out);
    else
        tw_pack_str(out, side == TW_SIDE_BUY ? "B" : "S");
    pack_e8(out, "qty", tw_load_i64(block->qty, row));
    pack_e8(out, "price", tw_load_i64(block->price, row));
    if (account != 0) {
        tw_pack_str(out, "account");
        tw_pack_text(out, tw_router_account_name(router, account));
    }
    publish(live, "trade", symbol);
}

static void publish_exposure(struct tw_live *live, const struct tw_router *router, const struct tw_block *block,
                             const struct tw_exposure_sample *sample)
{
    struct tw_text account = tw_router_account_name(router, sample->account);
    begin(live, 7, block);
    tw_pack_str(&live->message, "account");
    tw_pack_text(&live->message, account);
    pack_e8(&live->message, "exposure", sample->exposure_e8);
    pack_e8(&live->message, "gross", sample->gross_e8);
    pack_e8(&live->message, "net", sample->net_e8);
    publish(live, "exposure", account);
}

void tw_live_record(struct tw_live *live, const struct tw_router *router, const struct tw_record *record,
                    const struct tw_events *events)
{
    int64_t now_ns;
    if (live->rate == 0 || record->kind != TW_RECORD_BLOCK || record->block.count == 0 ||
        (now_ns = tw_now_ns()) < live->next_ns)
        return;
    int messages = 1;
    publish_trade(live, router, &record->block);
    if (events->sample.account != 0) {
        publish_exposure(live, router, &record->block, &events->sample);
        messages++;
    }
    live->next_ns = now_ns + messages * TW_NS_PER_SECOND / live->rate;
}

void tw_live_stop(struct tw_live *live)
{
    zsock_destroy(&live->socket);
}

void tw_live_free(struct tw_live **live)
{
    if (*live == NULL)
        return;
    tw_buffer_free(&(*live)->message);
    free(*live);
    *live = NULL;
}
