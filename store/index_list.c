/* SPDX-License-Identifier: MIT
 *
 * Lists in index rows: ascending sequences, as differences of variable length.
 */
#include "store/index.h"

struct tw_index_list tw_index_list_open(uint64_t first, const uint8_t *value, size_t length)
{
    return (struct tw_index_list){.at = value, .end = value + length, .seq = first, .first = true};
}

int tw_index_list_next(struct tw_index_list *list, uint32_t *member, uint64_t *seq)
{
    if (list->at == list->end)
        return list->first ? -1 : 0;
    uint64_t entry = 0;
    if (!tw_get_varint(&list->at, list->end, &entry))
        return -1;
    uint64_t difference = entry >> TW_INDEX_GROUP_BITS;
    if ((difference == 0) != list->first || difference > UINT64_MAX - list->seq)
        return -1;
    list->first = false;
    *member = (uint32_t)entry & TW_INDEX_MEMBER_MASK;
    *seq = list->seq += difference;
    return 1;
}

struct tw_index_ids tw_index_ids_open(uint64_t last, const uint8_t *value, size_t length)
{
    return (struct tw_index_ids){.at = value, .end = value + length, .last = last, .first = true};
}

int tw_index_ids_next(struct tw_index_ids *ids, uint64_t *seq, uint32_t *kept)
{
    if (ids->at == ids->end)
        return !ids->first && ids->seq == ids->last ? 0 : -1;
    uint64_t difference = 0;
    if (!tw_get_varint(&ids->at, ids->end, &difference) || ids->end - ids->at < (ptrdiff_t)TW_INDEX_KEPT_BYTES)
        return -1;
    if (ids->first) { /* counted back from the last one, which the key tells */
        if (difference >= ids->last)
            return -1;
        ids->seq = ids->last - difference;
        ids->first = false;
    } else {
        if (difference == 0 || difference > ids->last - ids->seq)
            return -1;
        ids->seq += difference;
    }
    *kept = (uint32_t)ids->at[0] | (uint32_t)ids->at[1] << 8 | (uint32_t)ids->at[2] << 16;
    ids->at += TW_INDEX_KEPT_BYTES;
    *seq = ids->seq;
    return 1;
}
