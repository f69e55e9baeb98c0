/* SPDX-License-Identifier: MIT
 *
 * The router's part of a snapshot: where numbers and digests stand, and the names that alerts are written with. All of
 * it but the names is small, and names never change.
 */
#include <string.h>

#include "actors/router/router_state.h"
#include "protocol/check.h"

enum row { ROW_HEAD = TW_ROW_OWN, ROW_COUNT };

/* ---- saving ---- */

static struct tw_saving_names names_of(const struct tw_dictionary *dictionary, enum tw_name_kind kind)
{
    return (struct tw_saving_names){dictionary, kind, 1, tw_dictionary_count(dictionary)};
}

void tw_router_save_begin(struct tw_router *router)
{
    tw_saving_begin(&router->saving);
    struct tw_buffer *out = &router->saving.rows;
    tw_save_settings(out, &router->settings);
    size_t began = tw_row_begin(out, ROW_HEAD);
    tw_put_u64(out, router->last_alert);
    tw_put_u64(out, router->last_seq);
    tw_put_u64(out, router->forgotten_seq);
    tw_put_bytes(out, router->digest, sizeof router->digest);
    tw_put_bytes(out, router->record_digest, sizeof router->record_digest);
    tw_row_end(out, began);
    for (uint32_t rule = 0; rule < TW_RULE_COUNT; rule++)
        for (uint32_t severity = 0; severity < TW_ROUTER_SEVERITIES; severity++) {
            if (router->counts[rule][severity] == 0)
                continue;
            began = tw_row_begin(out, ROW_COUNT);
            tw_put_u8(out, tw_rule_code((enum tw_rule)rule));
            tw_put_u8(out, (uint8_t)severity);
            tw_put_u64(out, router->counts[rule][severity]);
            tw_row_end(out, began);
        }
    router->saving_names[0] = names_of(router->names.symbols, TW_NAME_SYMBOL);
    router->saving_names[1] = names_of(router->names.accounts, TW_NAME_ACCOUNT);
    router->saving_names[2] = names_of(router->names.sources, TW_NAME_SOURCE);
}

bool tw_router_saving(const struct tw_router *router)
{
    return tw_saving_left(&router->saving);
}

bool tw_router_save(struct tw_router *router, struct tw_buffer *out, size_t bytes)
{
    struct tw_saving *saving = &router->saving;
    while (saving->active && tw_saving_waiting(saving) < bytes) {
        if (!tw_save_names(&saving->rows, &router->saving_names[saving->cursor]))
            saving->active = ++saving->cursor < sizeof router->saving_names / sizeof router->saving_names[0];
    }
    return tw_saving_hand_out(saving, out, bytes);
}

/* ---- loading ---- */

static bool load_head(struct tw_router *router, struct tw_row_reader *row)
{
    router->last_alert = tw_get_u64(row);
    router->last_seq = tw_get_u64(row);
    router->forgotten_seq = tw_get_u64(row);
    tw_get_bytes(row, router->digest, sizeof router->digest);
    tw_get_bytes(row, router->record_digest, sizeof router->record_digest);
    router->loaded = true;
    return tw_row_whole(row);
}

static bool load_count(struct tw_router *router, struct tw_row_reader *row)
{
    enum tw_rule rule = tw_rule_from_code(tw_get_u8(row));
    uint8_t severity = tw_get_u8(row);
    uint64_t count = tw_get_u64(row);
    if (!tw_row_whole(row) || rule == TW_RULE_COUNT || severity >= TW_ROUTER_SEVERITIES)
        return false;
    router->counts[rule][severity] = count;
    return true;
}

bool tw_router_load(struct tw_router *router, struct tw_row_reader *row)
{
    struct tw_dictionary *const dictionaries[TW_NAME_PARTY + 1] = {[TW_NAME_SYMBOL] = router->names.symbols,
                                                                   [TW_NAME_ACCOUNT] = router->names.accounts,
                                                                   [TW_NAME_SOURCE] = router->names.sources};
    switch (row->kind) {
    case TW_ROW_SETTINGS:
        return tw_load_settings(row, &router->settings);
    case TW_ROW_NAMES:
        return tw_load_names(row, dictionaries);
    case ROW_HEAD:
        return load_head(router, row);
    case ROW_COUNT:
        return load_count(router, row);
    default:
        return false;
    }
}

bool tw_router_load_end(struct tw_router *router)
{
    uint64_t counted = 0;
    for (uint32_t rule = 0; rule < TW_RULE_COUNT; rule++)
        for (uint32_t severity = 0; severity < TW_ROUTER_SEVERITIES; severity++)
            counted += router->counts[rule][severity];
    if (router->settings.known)
        tw_hex(router->settings.rules.hash, TW_SHA256_BYTES, router->config);
    return router->loaded && counted == router->last_alert;
}
