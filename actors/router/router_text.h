/* SPDX-License-Identifier: MIT
 *
 * The words of an alert: its entity's name and the one sentence for a person.
 */
#ifndef TW_ROUTER_ROUTER_TEXT_H
#define TW_ROUTER_ROUTER_TEXT_H

#include "actors/judging/event.h"
#include "cfg/rules.h"
#include "protocol/messages.h"
#include "protocol/names.h"

struct tw_router_names {
    struct tw_dictionary *symbols, *accounts, *sources;
};

/* The entity's name as in topic and record: an account, a symbol, `account/symbol`, `pub/inc/pseq`, a publisher, `*`.
 * Returns its length; `out` holds TW_TOPIC_BYTES_MAX. */
uint32_t tw_router_entity(const struct tw_router_names *names, const struct tw_event *event,
                          char out[TW_TOPIC_BYTES_MAX]);

/* What the trade that caused the event was, where the block has it. */
struct tw_router_trade {
    bool known;
    uint8_t side;
    int64_t qty_e8, price_e8;
    struct tw_text symbol, account;
};
uint32_t tw_router_sentence(const struct tw_event *event, struct tw_text entity, const struct tw_router_trade *trade,
                            const struct tw_rules *rules, char out[TW_ALERT_MESSAGE_BYTES_MAX]);

#endif
