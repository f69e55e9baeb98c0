/* SPDX-License-Identifier: MIT
 *
 * The last few blocks that look-ups read, verified and decoded: evidence, resends and busts ask for the same one again
 * and again. Entries share their frame with whoever asked, so dropping one never pulls bytes from under a reader.
 */
#include "store/inside.h"

void tw_block_cache_init(struct tw_block_cache *cache)
{
    memset(cache, 0, sizeof *cache);
    pthread_mutex_init(&cache->lock, NULL);
}

void tw_block_cache_clear(struct tw_block_cache *cache)
{
    for (uint32_t i = 0; i < TW_STORE_CACHE_BLOCKS; i++)
        tw_frame_drop(&cache->blocks[i].frame);
}

/* Hands a share of the entry out. The lock is held. */
static void hand_out(struct tw_block_cache *cache, struct tw_cached_block *entry, struct tw_frame **frame,
                     struct tw_record *record)
{
    entry->used = ++cache->uses;
    *frame = tw_frame_share(entry->frame);
    *record = entry->record;
}

static struct tw_cached_block *find_lsn(struct tw_block_cache *cache, uint64_t lsn)
{
    for (uint32_t i = 0; i < TW_STORE_CACHE_BLOCKS; i++)
        if (cache->blocks[i].frame != NULL && cache->blocks[i].record.block.lsn == lsn)
            return &cache->blocks[i];
    return NULL;
}

bool tw_block_cache_by_seq(struct tw_block_cache *cache, uint64_t seq, struct tw_frame **frame,
                           struct tw_record *record)
{
    bool found = false;
    pthread_mutex_lock(&cache->lock);
    for (uint32_t i = 0; i < TW_STORE_CACHE_BLOCKS && !found; i++) {
        struct tw_cached_block *entry = &cache->blocks[i];
        const struct tw_block *block = &entry->record.block;
        if (entry->frame == NULL || seq <= block->follows || seq > block->follows + block->count)
            continue;
        hand_out(cache, entry, frame, record);
        found = true;
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

bool tw_block_cache_by_lsn(struct tw_block_cache *cache, uint64_t lsn, struct tw_frame **frame,
                           struct tw_record *record)
{
    pthread_mutex_lock(&cache->lock);
    struct tw_cached_block *entry = find_lsn(cache, lsn);
    if (entry != NULL)
        hand_out(cache, entry, frame, record);
    pthread_mutex_unlock(&cache->lock);
    return entry != NULL;
}

void tw_block_cache_add(struct tw_block_cache *cache, struct tw_frame *frame, const struct tw_record *record)
{
    TW_ASSERT(record->kind == TW_RECORD_BLOCK);
    pthread_mutex_lock(&cache->lock);
    struct tw_cached_block *entry = find_lsn(cache, record->block.lsn); /* another thread read it, too */
    if (entry == NULL) {
        entry = &cache->blocks[0];
        for (uint32_t i = 1; i < TW_STORE_CACHE_BLOCKS; i++)
            if (cache->blocks[i].used < entry->used)
                entry = &cache->blocks[i];
        tw_frame_drop(&entry->frame);
        entry->frame = tw_frame_share(frame);
        entry->record = *record;
    }
    entry->used = ++cache->uses;
    pthread_mutex_unlock(&cache->lock);
}

bool tw_block_cache_next_pseq(struct tw_block_cache *cache, uint32_t source, uint64_t pseq, struct tw_frame **frame,
                              struct tw_record *record, uint32_t *row)
{
    bool found = false;
    pthread_mutex_lock(&cache->lock);
    if (cache->found_source == source && cache->found_pseq + 1 == pseq) {
        struct tw_cached_block *entry = find_lsn(cache, cache->found_lsn);
        uint32_t next = cache->found_row + 1;
        if (entry != NULL && next < entry->record.block.count &&
            tw_load_u32(entry->record.block.source, next) == source &&
            tw_load_u64(entry->record.block.pseq, next) == pseq) {
            hand_out(cache, entry, frame, record);
            *row = cache->found_row = next;
            cache->found_pseq = pseq;
            found = true;
        }
    }
    pthread_mutex_unlock(&cache->lock);
    return found;
}

void tw_block_cache_found(struct tw_block_cache *cache, uint64_t lsn, uint32_t source, uint64_t pseq, uint32_t row)
{
    pthread_mutex_lock(&cache->lock);
    cache->found_lsn = lsn;
    cache->found_source = source;
    cache->found_pseq = pseq;
    cache->found_row = row;
    pthread_mutex_unlock(&cache->lock);
}

uint32_t tw_block_cache_refusal(struct tw_block_cache *cache, uint64_t lsn)
{
    pthread_mutex_lock(&cache->lock);
    uint32_t offset = cache->refusal_lsn == lsn ? cache->refusal_offset : 0;
    pthread_mutex_unlock(&cache->lock);
    return offset;
}

void tw_block_cache_found_refusal(struct tw_block_cache *cache, uint64_t lsn, uint32_t offset)
{
    pthread_mutex_lock(&cache->lock);
    cache->refusal_lsn = lsn;
    cache->refusal_offset = offset;
    pthread_mutex_unlock(&cache->lock);
}
