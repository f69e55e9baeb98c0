/* SPDX-License-Identifier: MIT
 *
 * Names, positions, publishers' numbers and refusals, compared with the log.
 */
#include <inttypes.h>

#include "store/verify.h"

/* The row must be there and say exactly this. */
static bool expect(struct tw_verify *verify, enum tw_family family, const uint8_t *key, size_t key_length,
                   const void *value, size_t value_length, const char *what, uint64_t number)
{
    uint8_t there[4 + TW_NAME_BYTES_MAX];
    TW_ASSERT(value_length <= sizeof there);
    int found = tw_store_get_exact(verify->store, family, key, key_length, there, value_length, verify->error);
    if (found < 0 && verify->error->status != TW_STORE_DAMAGED)
        return false;
    if (found == 0)
        return tw_verify_damaged(verify, "the row of %s %" PRIu64 " is missing", what, number);
    if (found < 0 || memcmp(there, value, value_length) != 0)
        return tw_verify_damaged(verify, "the row of %s %" PRIu64 " does not say what the log says", what, number);
    return true;
}

static bool take_names(struct tw_verify *verify, const struct tw_block *block)
{
    static const char *const kinds[] = {"", "symbol", "account", "publisher", "party"};
    uint32_t counts[4], offset = 0;
    memcpy(counts, verify->head.names, sizeof counts);
    struct tw_new_name name;
    while (tw_block_next_name(block, &offset, &name)) {
        bool *met = &verify->names_met[name.kind - 1];
        if (!*met && verify->retained.lsn != 0) /* those before it were named by what was dropped */
            counts[name.kind - 1] = verify->head.names[name.kind - 1] = name.id - 1;
        *met = true;
        if (name.id != ++counts[name.kind - 1])
            return tw_verify_damaged(verify, "record %" PRIu64 " names %s %" PRIu32 " out of turn", block->lsn,
                                     kinds[name.kind], name.id);
        uint8_t key[5] = {(uint8_t)name.kind}, value[4 + TW_NAME_BYTES_MAX];
        tw_put_u32_be(key + 1, name.id);
        memcpy(value, &name.incarnation, 4);
        memcpy(value + 4, name.name.bytes, name.name.length);
        if (!expect(verify, TW_FAMILY_NAMES, key, sizeof key, value, 4u + name.name.length, kinds[name.kind], name.id))
            return false;
    }
    return true;
}

static bool take_sources(struct tw_verify *verify, const struct tw_block *block)
{
    const uint64_t place[2] = {block->follows, block->lsn};
    uint64_t known = verify->retained.lsn == 0 ? verify->head.names[TW_NAME_SOURCE - 1] + (uint64_t)block->name_count
                                               : verify->until.names[TW_NAME_SOURCE - 1];
    tw_block_sources_collect(verify->sources, block);
    for (uint32_t i = 0; i < verify->sources->count; i++) {
        const struct tw_block_source *source = &verify->sources->list[i];
        if (source->source > known)
            return tw_verify_damaged(verify, "record %" PRIu64 " has trades of publisher %" PRIu32 ", who has no name",
                                     block->lsn, source->source);
        uint8_t key[13] = {'b'};
        tw_put_u32_be(key + 1, source->source);
        tw_put_u64_be(key + 5, source->first_pseq);
        if (!expect(verify, TW_FAMILY_SOURCES, key, sizeof key, place, sizeof place,
                    "the publishers' numbers of record", block->lsn))
            return false;
        verify->place_rows++;
    }
    return true;
}

static bool take_refusals(struct tw_verify *verify, const struct tw_block *block)
{
    struct tw_refusal refusal;
    uint32_t offset = 0;
    if (!tw_block_next_refusal(block, &offset, &refusal))
        return true;
    if (!verify->refusals_met && verify->retained.lsn != 0)
        verify->head.refusals = refusal.number - 1;
    verify->refusals_met = true;
    if (refusal.number != verify->head.refusals + 1) /* within the block they are dense: decoding checks that */
        return tw_verify_damaged(verify, "refusal %" PRIu64 " is missing in the log", verify->head.refusals + 1);
    const uint64_t place[2] = {block->follows, block->lsn};
    uint8_t key[8];
    tw_put_u64_be(key, refusal.number);
    verify->refusal_rows++;
    return expect(verify, TW_FAMILY_REFUSALS, key, sizeof key, place, sizeof place, "refusal", refusal.number);
}

static bool take_position(struct tw_verify *verify, uint32_t source, uint64_t next, uint64_t lsn)
{
    tw_verify_reach(&verify->next, &verify->next_capacity, source);
    if (next < verify->next[source])
        return tw_verify_damaged(verify, "record %" PRIu64 " sets publisher %" PRIu32 " back", lsn, source);
    verify->next[source] = next;
    return true;
}

bool tw_verify_rows_take(struct tw_verify *verify, const struct tw_record *record)
{
    if (record->kind == TW_RECORD_CONTROL) {
        const struct tw_control *control = &record->control;
        verify->retention_met |= tw_retention_allows(record, &verify->retained);
        if (control->kind == TW_CONTROL_ACTION)
            return tw_verify_action_take(verify, control);
        return control->kind != TW_CONTROL_FEED_GAP ||
               take_position(verify, control->source, control->number + control->number2, control->lsn);
    }
    const struct tw_block *block = &record->block;
    if (!take_names(verify, block) || !take_sources(verify, block) || !take_refusals(verify, block))
        return false;
    struct tw_position position;
    uint32_t offset = 0;
    while (tw_block_next_position(block, &offset, &position))
        if (!take_position(verify, position.source, position.next, block->lsn))
            return false;
    return true;
}

/* ---- the end ---- */

static bool positions_agree(struct tw_verify *verify)
{
    for (uint32_t source = 1; source < verify->next_capacity; source++) {
        if (verify->next[source] == 0)
            continue;
        uint8_t key[5] = {'p'};
        tw_put_u32_be(key + 1, source);
        if (!expect(verify, TW_FAMILY_SOURCES, key, sizeof key, &verify->next[source], sizeof verify->next[source],
                    "the position of publisher", source))
            return false;
        verify->position_rows++;
    }
    return true;
}

/* Names are dense by kind, as many as the head says; those of dropped trades stay, and only look like names. */
static bool names_dense(struct tw_verify *verify)
{
    uint32_t counts[4] = {0};
    bool ok = true;
    rocksdb_iterator_t *iterator = tw_store_iterate(verify->store, TW_FAMILY_NAMES);
    for (rocksdb_iter_seek_to_first(iterator); ok && rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        size_t key_length = 0, value_length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &key_length);
        tw_iterator_value(iterator, &value_length);
        ok = key_length == 5 && key[0] >= TW_NAME_SYMBOL && key[0] <= TW_NAME_PARTY && value_length > 4 &&
             value_length <= 4 + TW_NAME_BYTES_MAX && tw_get_u32_be(key + 1) == ++counts[key[0] - 1];
    }
    bool read = tw_iterator_ok(verify->store, iterator, "read", verify->error);
    rocksdb_iter_destroy(iterator);
    if (!read)
        return false;
    return (ok && memcmp(counts, verify->until.names, sizeof counts) == 0) ||
           tw_verify_damaged(verify, "the rows of names are not those that the log makes");
}

/* All expected rows are there; so there are others if there are more. Rows of dropped trades may still be there. */
static bool no_others(struct tw_verify *verify, enum tw_family family, uint64_t places, uint64_t others,
                      const char *what)
{
    rocksdb_iterator_t *iterator = tw_store_iterate(verify->store, family);
    uint64_t place_rows = 0, other_rows = 0;
    for (rocksdb_iter_seek_to_first(iterator); rocksdb_iter_valid(iterator); rocksdb_iter_next(iterator)) {
        uint64_t place[2];
        size_t length = 0;
        const uint8_t *value = tw_iterator_value(iterator, &length);
        if (length != sizeof place) {
            other_rows++;
            continue;
        }
        memcpy(place, value, sizeof place);
        place_rows += place[1] > verify->retained.lsn;
    }
    bool ok = tw_iterator_ok(verify->store, iterator, "read", verify->error);
    rocksdb_iter_destroy(iterator);
    if (ok && (place_rows != places || (verify->retained.lsn == 0 ? other_rows != others : other_rows < others)))
        ok = tw_verify_damaged(verify, "there are %" PRIu64 " rows of %s, and the log makes %" PRIu64,
                               place_rows + other_rows, what, places + others);
    return ok;
}

bool tw_verify_rows_end(struct tw_verify *verify)
{
    return positions_agree(verify) && names_dense(verify) &&
           no_others(verify, TW_FAMILY_SOURCES, verify->place_rows, verify->position_rows, "publishers' numbers") &&
           no_others(verify, TW_FAMILY_REFUSALS, verify->refusal_rows, 0, "refusals");
}
