/* SPDX-License-Identifier: MIT
 *
 * Hashes of (publisher, execution id). A publisher's incarnations share its ids.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

#include "store/index.h"

uint64_t tw_publisher_hash(struct tw_text publisher)
{
    uint64_t hash = XXH3_64bits(publisher.bytes, publisher.length);
    return hash == 0 ? 1 : hash; /* 0 says "not known yet" */
}

uint64_t tw_publisher_hash_of(struct tw_publisher_hashes *publishers, struct tw_store *store, uint32_t source,
                              struct tw_store_error *error)
{
    if (source < publishers->capacity && publishers->hashes[source] != 0)
        return publishers->hashes[source];
    if (source > TW_SOURCES_MAX || !tw_store_name(store, TW_NAME_SOURCE, source, &publishers->name, NULL)) {
        tw_store_fail(error, TW_STORE_DAMAGED, "%s is damaged: the name of publisher %" PRIu32 " is missing",
                      store->directory, source);
        return 0;
    }
    if (source >= publishers->capacity) {
        uint32_t capacity = publishers->capacity == 0 ? 64 : publishers->capacity;
        while (capacity <= source)
            capacity *= 2;
        publishers->hashes = tw_realloc(publishers->hashes, capacity * sizeof *publishers->hashes);
        memset(publishers->hashes + publishers->capacity, 0,
               (capacity - publishers->capacity) * sizeof *publishers->hashes);
        publishers->capacity = capacity;
    }
    struct tw_text name = {(const char *)publishers->name.bytes, (uint32_t)publishers->name.length};
    return publishers->hashes[source] = tw_publisher_hash(name);
}

void tw_publisher_hashes_free(struct tw_publisher_hashes *publishers)
{
    free(publishers->hashes);
    tw_buffer_free(&publishers->name);
    *publishers = (struct tw_publisher_hashes){0};
}

uint64_t tw_index_id_hash(uint64_t publisher_hash, struct tw_text id)
{
    return XXH3_64bits_withSeed(id.bytes, id.length, publisher_hash);
}
