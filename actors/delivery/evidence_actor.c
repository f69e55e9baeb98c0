/* SPDX-License-Identifier: MIT */
#include "actors/delivery/evidence_actor.h"

#include <stdlib.h>
#include <string.h>

#include "actors/delivery/png_actor.h"
#include "protocol/check.h"

/* ---- trades ---- */

struct looking {
    struct tw_store *store;
    struct tw_frame *frame; /* of the block that was read last */
    struct tw_record record;
    struct tw_buffer name;
};

static void take_name(struct looking *looking, enum tw_name_kind kind, uint32_t id, char *out, size_t bytes)
{
    out[0] = '\0';
    if (id == 0 || !tw_store_name(looking->store, kind, id, &looking->name, NULL) || looking->name.length >= bytes)
        return;
    memcpy(out, looking->name.bytes, looking->name.length);
    out[looking->name.length] = '\0';
}

static bool find_block(struct looking *looking, uint64_t seq)
{
    const struct tw_block *block = &looking->record.block;
    if (looking->frame != NULL && seq > block->follows && seq <= block->follows + block->count)
        return true;
    tw_frame_drop(&looking->frame);
    return tw_store_block_of(looking->store, seq, &looking->frame, &looking->record);
}

static void take_trade(struct looking *looking, uint64_t seq, struct tw_letter_trade *out)
{
    memset(out, 0, sizeof *out);
    if (seq == 0 || !find_block(looking, seq))
        return;
    const struct tw_block *block = &looking->record.block;
    uint32_t row = (uint32_t)(seq - block->follows - 1);
    out->side = TW_ATTR_SIDE(block->attrs[row]);
    out->qty_e8 = tw_load_i64(block->qty, row);
    out->price_e8 = tw_load_i64(block->price, row);
    out->ts_ns = tw_load_i64(block->ts, row);
    take_name(looking, TW_NAME_SYMBOL, tw_load_u32(block->symbol, row), out->symbol, sizeof out->symbol);
    take_name(looking, TW_NAME_ACCOUNT, tw_load_u32(block->account, row), out->account, sizeof out->account);
}

static uint32_t take_trades(struct tw_store *store, const struct tw_alert_view *view, struct tw_evidence *evidence)
{
    struct looking looking = {.store = store};
    struct tw_alert_view own = *view; /* its trades are read on */
    struct tw_alert_trade trade;
    uint32_t count = 0;
    while (count < own.trades_listed && count < TW_ALERT_TRADES_MAX && tw_alert_next_trade(&own, &trade))
        take_trade(&looking, trade.seq, &evidence->trades[count++]);
    tw_frame_drop(&looking.frame);
    tw_buffer_free(&looking.name);
    return count;
}

/* ---- since when ---- */

static bool take_ts(void *context, const struct tw_store_alert *stored)
{
    int64_t *ns = context;
    struct tw_alert_view view;
    if (tw_alert_decode(stored->bytes, stored->length, &view))
        *ns = view.ts_ns;
    return false; /* the first opened it */
}

static int64_t since(struct tw_store *store, const struct tw_alert_view *view)
{
    uint8_t id[TW_ALERT_ID_BYTES];
    int64_t ns = 0;
    if (!tw_text_is(view->event, "open") && !tw_text_is(view->event, "fire") && tw_alert_id_read(view->id, id))
        (void)tw_store_events_of(store, id, take_ts, &ns, NULL);
    return ns;
}

void tw_evidence_look_up(struct tw_store *store, struct tw_letter *letter, struct tw_evidence *evidence)
{
    letter->since_ns = since(store, letter->view);
    letter->trade_count = take_trades(store, letter->view, evidence);
    letter->trades = evidence->trades;
}

void tw_evidence_draw(struct tw_letter *letter, struct tw_evidence *evidence)
{
    if (!tw_curve_of(letter, &evidence->curve))
        return;
    struct tw_picture *picture = tw_alloc(sizeof *picture);
    tw_picture_draw(&evidence->curve, picture);
    if (tw_png_encode(picture, &evidence->png)) {
        letter->picture = &evidence->png;
        letter->picture_title = evidence->curve.title;
    }
    free(picture);
}

void tw_evidence_free(struct tw_evidence *evidence)
{
    tw_buffer_free(&evidence->png);
}
