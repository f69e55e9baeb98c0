/* SPDX-License-Identifier: MIT
 *
 * Trades being gathered into one message, in either form. Whatever is added is copied; adding allocates nothing once
 * the arrays have grown. One owner.
 */
#ifndef TW_CLIENT_BATCH_H
#define TW_CLIENT_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/submission.h"
#include "tools/client/flow.h"

struct tw_batch {
    struct tw_text publisher; /* borrowed */
    uint32_t incarnation, trades_max;
    struct tw_columns *columns; /* NULL: row form */
    struct tw_trade *trades;    /* row form: their texts lie in `texts` */
    uint32_t trade_count;
    struct tw_buffer texts;
    size_t encoded_max; /* of the row form: at most so many bytes */
};

void tw_batch_init(struct tw_batch *batch, struct tw_text publisher, uint32_t incarnation, uint32_t trades_max,
                   bool rows);
void tw_batch_clear(struct tw_batch *batch);
/* Names that the daemon has from an earlier life of this publisher. Before anything is added. */
void tw_batch_start_after(struct tw_batch *batch, uint64_t names);

uint32_t tw_batch_count(const struct tw_batch *batch);
/* NULL, or why this trade cannot be encoded at all (a static sentence). Whether it is good is for the daemon to say. */
const char *tw_batch_fault(const struct tw_trade *trade);
/* False: full; cut it first. The trade must have no fault. */
bool tw_batch_add(struct tw_batch *batch, const struct tw_trade *trade);
/* Writes the message with the first trade's number and empties the batch, which must not be empty. */
void tw_batch_cut(struct tw_batch *batch, uint64_t first, struct tw_flow_message *message);

/* A hello (row form). */
void tw_batch_hello(const struct tw_batch *batch, struct tw_buffer *out);
/* A hello with names from `known` + 1 on; returns how many are known after it. */
uint64_t tw_batch_names(struct tw_batch *batch, uint64_t known, struct tw_buffer *out);
/* One trade that nobody takes: its number is too high. */
void tw_batch_probe(const struct tw_batch *batch, uint64_t number, struct tw_buffer *out);

#endif
