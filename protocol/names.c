/* SPDX-License-Identifier: MIT
 *
 * Names: what is allowed, and the dictionary from names to dense ids.
 */
#include "protocol/names.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "protocol/check.h"
#include "protocol/limits.h"

/* ---- what is allowed ---- */

static bool continues(uint8_t byte)
{
    return (byte & 0xc0u) == 0x80u;
}

/* Bytes of the character at `text` (of `left` bytes): strict UTF-8 (no overlong form, no surrogate, nothing above
 * U+10FFFF) and no control character; 0 if it is none. */
static size_t character_bytes(const uint8_t *text, size_t left)
{
    uint8_t first = text[0];
    if (first < 0x80)
        return first >= 0x20 && first != 0x7f ? 1 : 0;
    if (first < 0xc2 || left < 2 || !continues(text[1]))
        return 0;
    if (first < 0xe0)
        return first == 0xc2 && text[1] < 0xa0 ? 0 : 2; /* U+0080 to U+009F are controls */
    if (left < 3 || !continues(text[2]))
        return 0;
    if (first < 0xf0)
        return (first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f) ? 0 : 3;
    if (first > 0xf4 || left < 4 || !continues(text[3]))
        return 0;
    return (first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f) ? 0 : 4;
}

#define EACH_BYTE UINT64_C(0x0101010101010101)

/* ASCII without controls in each of the eight? A byte that is none sets a top bit: its own, or, below 0x80, that of
 * itself - 0x20 or + 1. */
static bool all_plain(uint64_t eight)
{
    return ((eight | (eight - EACH_BYTE * 0x20u) | (eight + EACH_BYTE)) & EACH_BYTE * 0x80u) == 0;
}

static uint64_t eight_at(const uint8_t *text)
{
    uint64_t eight;
    memcpy(&eight, text, sizeof eight);
    return eight;
}

static uint64_t four_at(const uint8_t *text)
{
    uint32_t four;
    memcpy(&four, text, sizeof four);
    return four;
}

/* How many bytes at the beginning are surely one character each. What is left of the last word is looked at with
 * bytes before it. */
static size_t plain_bytes(const uint8_t *text, size_t length)
{
    size_t at = 0;
    if (length < 8)
        return length >= 4 && all_plain(four_at(text) << 32 | four_at(text + length - 4)) ? length : 0;
    while (length - at >= 8 && all_plain(eight_at(text + at)))
        at += 8;
    return length - at < 8 && all_plain(eight_at(text + length - 8)) ? length : at;
}

static bool utf8_valid(struct tw_text name, uint32_t bytes_max)
{
    if (name.length == 0 || name.length > bytes_max)
        return false;
    const uint8_t *text = (const uint8_t *)name.bytes;
    for (size_t i = plain_bytes(text, name.length), step; i < name.length; i += step) {
        step = character_bytes(text + i, name.length - i);
        if (step == 0)
            return false;
    }
    return true;
}

static bool is_word(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static bool word_valid(struct tw_text name, uint32_t bytes_max)
{
    if (name.length == 0 || name.length > bytes_max)
        return false;
    for (uint32_t i = 0; i < name.length; i++)
        if (!is_word(name.bytes[i]))
            return false;
    return true;
}

bool tw_name_symbol_valid(struct tw_text name)
{
    if (name.length == 0 || name.length > TW_SYMBOL_BYTES_MAX)
        return false;
    for (uint32_t i = 0; i < name.length; i++)
        if (name.bytes[i] <= ' ' || name.bytes[i] > '~')
            return false;
    return true;
}

bool tw_name_account_valid(struct tw_text name)
{
    return utf8_valid(name, TW_ACCOUNT_BYTES_MAX);
}

bool tw_name_publisher_valid(struct tw_text name)
{
    return word_valid(name, TW_PUBLISHER_BYTES_MAX) && name.bytes[0] != '_';
}

bool tw_name_note_valid(struct tw_text note)
{
    if (note.length == 0 || note.length > TW_NOTE_BYTES_MAX)
        return false;
    const uint8_t *text = (const uint8_t *)note.bytes;
    for (size_t i = 0, step; i < note.length; i += step) {
        step = text[i] == '\n' ? 1 : character_bytes(text + i, note.length - i);
        if (step == 0)
            return false;
    }
    return true;
}

bool tw_name_id_valid(struct tw_text name)
{
    return utf8_valid(name, TW_EXECUTION_ID_BYTES_MAX);
}

bool tw_name_party_valid(struct tw_text name)
{
    return utf8_valid(name, TW_PARTY_BYTES_MAX);
}

bool tw_name_topic_valid(struct tw_text name)
{
    return word_valid(name, TW_CATCHUP_NAME_BYTES_MAX);
}

/* ---- the dictionary ---- */

/* Entries lie in chunks of 64, 128, 256 ... and names in an arena of blocks: neither ever moves, a small dictionary
 * stays small, and growing copies only the table of slots. */
#define FIRST_CHUNK_LOG2 6u
#define CHUNKS_MAX (32u - FIRST_CHUNK_LOG2)
#define ARENA_FIRST_BYTES 1024u
#define ARENA_BLOCK_BYTES_MAX (256u << 10)
#define SLOTS_FIRST 64u

struct entry {
    const char *bytes;
    uint32_t length, tag;
};

struct slot {
    uint32_t hash; /* low half of the hash: finds the place, and spares most looks at entries */
    uint32_t id;   /* 0: free */
};

struct arena_block {
    struct arena_block *before;
    char bytes[];
};

struct tw_dictionary {
    uint32_t limit, count;
    uint32_t slot_mask;
    struct slot *slots;
    struct entry *chunks[CHUNKS_MAX];
    struct arena_block *arena;
    size_t arena_used, arena_bytes;
};

struct tw_dictionary *tw_dictionary_new(uint32_t limit)
{
    TW_ASSERT(limit < UINT32_C(1) << 30); /* slots are counted in 32 bits and at most half full */
    struct tw_dictionary *dictionary = tw_alloc_zero(1, sizeof *dictionary);
    dictionary->limit = limit;
    dictionary->slot_mask = SLOTS_FIRST - 1;
    dictionary->slots = tw_alloc_zero(SLOTS_FIRST, sizeof *dictionary->slots);
    return dictionary;
}

void tw_dictionary_free(struct tw_dictionary **dictionary)
{
    struct tw_dictionary *freed = *dictionary;
    *dictionary = NULL;
    if (freed == NULL)
        return;
    for (struct arena_block *block = freed->arena, *before; block != NULL; block = before) {
        before = block->before;
        free(block);
    }
    for (uint32_t i = 0; i < CHUNKS_MAX; i++)
        free(freed->chunks[i]);
    free(freed->slots);
    free(freed);
}

/* Where entry number `id` lies: chunk k holds 2^(k + 6) of them. */
static uint32_t chunk_of(uint32_t id, uint32_t *place)
{
    uint32_t number = id - 1 + (1u << FIRST_CHUNK_LOG2);
    uint32_t top = 31u - (uint32_t)__builtin_clz(number);
    *place = number - (1u << top);
    return top - FIRST_CHUNK_LOG2;
}

static const struct entry *entry_of(const struct tw_dictionary *dictionary, uint32_t id)
{
    TW_ASSERT(id >= 1 && id <= dictionary->count);
    uint32_t place, chunk = chunk_of(id, &place);
    return &dictionary->chunks[chunk][place];
}

static uint32_t hash_of(struct tw_text name, uint32_t tag)
{
    return (uint32_t)XXH3_64bits_withSeed(name.bytes, name.length, tag);
}

static bool is_entry(const struct entry *entry, struct tw_text name, uint32_t tag)
{
    return entry->length == name.length && entry->tag == tag &&
           (name.length == 0 || memcmp(entry->bytes, name.bytes, name.length) == 0);
}

/* The name's slot, or the free one where it belongs. */
static struct slot *slot_for(const struct tw_dictionary *dictionary, struct tw_text name, uint32_t tag, uint32_t hash)
{
    for (uint32_t i = hash & dictionary->slot_mask;; i = (i + 1) & dictionary->slot_mask) {
        struct slot *slot = &dictionary->slots[i];
        if (slot->id == 0 || (slot->hash == hash && is_entry(entry_of(dictionary, slot->id), name, tag)))
            return slot;
    }
}

static void grow_slots(struct tw_dictionary *dictionary)
{
    uint32_t old_mask = dictionary->slot_mask, mask = old_mask * 2 + 1;
    struct slot *old = dictionary->slots, *slots = tw_alloc_zero((size_t)mask + 1, sizeof *slots);
    for (size_t i = 0; i <= old_mask; i++) {
        if (old[i].id == 0)
            continue;
        uint32_t place = old[i].hash & mask;
        while (slots[place].id != 0)
            place = (place + 1) & mask;
        slots[place] = old[i];
    }
    free(old);
    dictionary->slots = slots;
    dictionary->slot_mask = mask;
}

static const char *keep_text(struct tw_dictionary *dictionary, struct tw_text name)
{
    if (name.length == 0)
        return "";
    if (dictionary->arena_bytes - dictionary->arena_used < name.length) {
        size_t bytes = dictionary->arena_bytes == 0 ? ARENA_FIRST_BYTES : dictionary->arena_bytes * 2;
        bytes = bytes > ARENA_BLOCK_BYTES_MAX ? ARENA_BLOCK_BYTES_MAX : bytes;
        bytes = bytes < name.length ? name.length : bytes;
        struct arena_block *block = tw_alloc(sizeof *block + bytes);
        block->before = dictionary->arena;
        dictionary->arena = block;
        dictionary->arena_bytes = bytes;
        dictionary->arena_used = 0;
    }
    char *kept = dictionary->arena->bytes + dictionary->arena_used;
    memcpy(kept, name.bytes, name.length);
    dictionary->arena_used += name.length;
    return kept;
}

uint32_t tw_dictionary_find(const struct tw_dictionary *dictionary, struct tw_text name, uint32_t tag)
{
    return slot_for(dictionary, name, tag, hash_of(name, tag))->id;
}

uint32_t tw_dictionary_intern(struct tw_dictionary *dictionary, struct tw_text name, uint32_t tag, bool *added)
{
    uint32_t hash = hash_of(name, tag);
    struct slot *slot = slot_for(dictionary, name, tag, hash);
    *added = false;
    if (slot->id != 0)
        return slot->id;
    if (dictionary->count == dictionary->limit)
        return 0;
    uint32_t id = dictionary->count + 1, place, chunk = chunk_of(id, &place);
    if (dictionary->chunks[chunk] == NULL)
        dictionary->chunks[chunk] = tw_alloc((sizeof(struct entry) << FIRST_CHUNK_LOG2) << chunk);
    struct entry entry = {keep_text(dictionary, name), name.length, tag};
    dictionary->chunks[chunk][place] = entry;
    dictionary->count = id;
    slot->hash = hash;
    slot->id = id;
    if ((uint64_t)id * 2 > dictionary->slot_mask)
        grow_slots(dictionary);
    *added = true;
    return id;
}

struct tw_text tw_dictionary_name(const struct tw_dictionary *dictionary, uint32_t id)
{
    const struct entry *entry = entry_of(dictionary, id);
    struct tw_text name = {entry->bytes, entry->length};
    return name;
}

uint32_t tw_dictionary_tag(const struct tw_dictionary *dictionary, uint32_t id)
{
    return entry_of(dictionary, id)->tag;
}

uint32_t tw_dictionary_count(const struct tw_dictionary *dictionary)
{
    return dictionary->count;
}
