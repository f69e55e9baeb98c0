/* SPDX-License-Identifier: MIT
 *
 * Any names into a dictionary, beside a plain list. Held to: both say the same; texts stay where they are; the limit
 * holds. And what counts as UTF-8 is what a decoder written apart can decode.
 *
 * Input: names with a length in front; its upper bits are the tag.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/limits.h"
#include "protocol/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LIMIT 300u

struct known {
    struct tw_text given, kept;
    uint32_t tag;
};

/* By code points, where the code under test goes by ranges of bytes. */
static bool reference_valid(struct tw_text name, uint32_t bytes_max)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    if (name.length == 0 || name.length > bytes_max)
        return false;
    for (uint32_t at = 0; at < name.length;) {
        uint8_t first = (uint8_t)name.bytes[at++];
        uint32_t more = first < 0x80 ? 0 : (first >> 5) == 6 ? 1 : (first >> 4) == 14 ? 2 : (first >> 3) == 30 ? 3 : 9;
        uint32_t code = more == 0 ? first : first & (0x3fu >> more);
        if (more == 9 || name.length - at < more)
            return false;
        for (uint32_t i = 0; i < more; i++) {
            uint8_t byte = (uint8_t)name.bytes[at++];
            if ((byte >> 6) != 2)
                return false;
            code = code << 6 | (byte & 0x3fu);
        }
        if (code < smallest[more] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) || code < 0x20 ||
            (code >= 0x7f && code <= 0x9f))
            return false;
    }
    return true;
}

static void check_valid(struct tw_text name)
{
    bool symbol = name.length >= 1 && name.length <= TW_SYMBOL_BYTES_MAX;
    for (uint32_t i = 0; i < name.length; i++)
        symbol = symbol && (uint8_t)name.bytes[i] > 0x20 && (uint8_t)name.bytes[i] < 0x7f;
    TW_ASSERT(tw_name_symbol_valid(name) == symbol);
    TW_ASSERT(tw_name_account_valid(name) == reference_valid(name, TW_ACCOUNT_BYTES_MAX));
    TW_ASSERT(tw_name_party_valid(name) == reference_valid(name, TW_PARTY_BYTES_MAX));
    TW_ASSERT(tw_name_id_valid(name) == reference_valid(name, TW_EXECUTION_ID_BYTES_MAX));
    TW_ASSERT(!tw_name_publisher_valid(name) || (tw_name_topic_valid(name) && symbol));
}

static uint32_t find(const struct known *known, uint32_t count, struct tw_text name, uint32_t tag)
{
    for (uint32_t i = 0; i < count; i++)
        if (known[i].tag == tag && known[i].given.length == name.length &&
            (name.length == 0 || memcmp(known[i].given.bytes, name.bytes, name.length) == 0))
            return i + 1;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct known known[LIMIT];
    struct tw_dictionary *dictionary = tw_dictionary_new(LIMIT);
    uint32_t count = 0;
    for (size_t at = 0; at < size;) {
        uint32_t tag = data[at] >> 7, length = data[at] & 127;
        at++;
        length = length > size - at ? (uint32_t)(size - at) : length;
        struct tw_text name = {(const char *)data + at, length};
        at += length;
        check_valid(name);
        bool added;
        uint32_t expected = find(known, count, name, tag);
        TW_ASSERT(tw_dictionary_find(dictionary, name, tag) == expected);
        uint32_t id = tw_dictionary_intern(dictionary, name, tag, &added);
        if (expected == 0 && count < LIMIT) {
            TW_ASSERT(added && id == count + 1);
            known[count++] = (struct known){name, tw_dictionary_name(dictionary, id), tag};
        } else {
            TW_ASSERT(!added && id == expected);
        }
    }
    TW_ASSERT(tw_dictionary_count(dictionary) == count);
    for (uint32_t i = 0; i < count; i++) {
        struct tw_text name = tw_dictionary_name(dictionary, i + 1);
        TW_ASSERT(name.bytes == known[i].kept.bytes && name.length == known[i].given.length);
        TW_ASSERT(name.length == 0 || memcmp(name.bytes, known[i].given.bytes, name.length) == 0);
        TW_ASSERT(tw_dictionary_tag(dictionary, i + 1) == known[i].tag);
    }
    tw_dictionary_free(&dictionary);
    return 0;
}
