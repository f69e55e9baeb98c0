/* SPDX-License-Identifier: MIT
 *
 * Execution ids. Most end in a number that counts: such ids are a text from a short list, and a column of numbers,
 * whose digits fill what the text leaves of the id's length. Ids that are otherwise (random ones, say) stand as they
 * are.
 */
#include "store/packed.h"

enum form { FORM_PLAIN, FORM_NUMBERED };
#define TEXTS_MAX 16u
#define DIGITS_MAX 18u

struct texts {
    uint32_t count, last; /* last: the one that was used last */
    struct tw_text list[TEXTS_MAX];
};

/* One row for each id: rows without one are left out. */
struct numbered {
    struct texts texts;
    uint32_t count;
    uint8_t text[TW_BLOCK_TRADES_MAX];
    uint64_t number[TW_BLOCK_TRADES_MAX];
};

/* ---- writing ---- */

/* The number at the id's end; *text_length is what stands before it. */
static uint64_t number_of(const uint8_t *id, uint32_t length, uint32_t *text_length)
{
    uint64_t number = 0, unit = 1;
    uint32_t at = length, until = length > DIGITS_MAX ? length - DIGITS_MAX : 0;
    for (; at > until && id[at - 1] >= '0' && id[at - 1] <= '9'; at--, unit *= 10u)
        number += (uint64_t)(id[at - 1] - '0') * unit;
    *text_length = at;
    return number;
}

static bool same_text(struct tw_text text, const uint8_t *bytes, uint32_t length)
{
    return text.length == length && memcmp(text.bytes, bytes, length) == 0;
}

/* False: there are too many of them. */
static bool find_text(struct texts *texts, const uint8_t *bytes, uint32_t length)
{
    if (texts->count > 0 && same_text(texts->list[texts->last], bytes, length))
        return true;
    for (uint32_t i = 0; i < texts->count; i++)
        if (same_text(texts->list[i], bytes, length)) {
            texts->last = i;
            return true;
        }
    if (texts->count == TEXTS_MAX)
        return false;
    texts->last = texts->count++;
    texts->list[texts->last] = (struct tw_text){(const char *)bytes, length};
    return true;
}

static bool split(struct numbered *numbered, const uint8_t *ids, const uint8_t *lengths, uint32_t count)
{
    numbered->count = numbered->texts.count = 0;
    for (uint32_t row = 0; row < count; row++) {
        uint32_t text_length = 0;
        if (lengths[row] == 0)
            continue;
        numbered->number[numbered->count] = number_of(ids, lengths[row], &text_length);
        if (!find_text(&numbered->texts, ids, text_length))
            return false;
        numbered->text[numbered->count++] = (uint8_t)numbered->texts.last;
        ids += lengths[row];
    }
    return true;
}

static void put_byte(struct tw_buffer *out, uint32_t value)
{
    uint8_t byte = (uint8_t)value;
    tw_buffer_append(out, &byte, 1);
}

static void put_numbered(struct tw_buffer *out, const struct numbered *numbered)
{
    const struct texts *texts = &numbered->texts;
    put_byte(out, FORM_NUMBERED);
    put_byte(out, texts->count);
    for (uint32_t i = 0; i < texts->count; i++) {
        put_byte(out, texts->list[i].length);
        tw_buffer_append(out, texts->list[i].bytes, texts->list[i].length);
    }
    if (texts->count > 1)
        tw_packed_put_column(out, numbered->text, numbered->count, 1);
    tw_packed_put_column(out, (const uint8_t *)numbered->number, numbered->count, 8);
}

void tw_packed_put_ids(struct tw_buffer *out, const uint8_t *ids, uint32_t ids_bytes, const uint8_t *lengths,
                       uint32_t count)
{
    struct numbered numbered;
    const size_t before = out->length;
    if (split(&numbered, ids, lengths, count)) {
        put_numbered(out, &numbered);
        if (out->length - before <= ids_bytes)
            return;
        out->length = before;
    }
    put_byte(out, FORM_PLAIN);
    tw_buffer_append(out, ids, ids_bytes);
}

/* ---- reading ---- */

static bool take_byte(struct tw_packed_reader *reader, uint8_t *byte)
{
    if (reader->at == reader->end)
        return false;
    *byte = *reader->at++;
    return true;
}

static bool take_texts(struct tw_packed_reader *reader, struct texts *texts)
{
    uint8_t count = 0, length = 0;
    if (!take_byte(reader, &count) || count == 0 || count > TEXTS_MAX)
        return false;
    texts->count = count;
    for (uint32_t i = 0; i < count; i++) {
        if (!take_byte(reader, &length) || reader->end - reader->at < length)
            return false;
        texts->list[i] = (struct tw_text){(const char *)reader->at, length};
        reader->at += length;
    }
    return true;
}

static bool put_id(uint8_t *id, uint32_t length, struct tw_text text, uint64_t number)
{
    if (text.length > length || length - text.length > DIGITS_MAX)
        return false;
    memcpy(id, text.bytes, text.length);
    for (uint32_t at = length; at > text.length; at--, number /= 10u)
        id[at - 1] = (uint8_t)('0' + number % 10u);
    return number == 0;
}

/* Adds one to the number at the id's end. False: the digits do not suffice. */
static bool count_up(uint8_t *id, uint32_t length, uint32_t text_length)
{
    for (uint32_t at = length; at > text_length; at--) {
        if (id[at - 1] != '9') {
            id[at - 1]++;
            return true;
        }
        id[at - 1] = '0';
    }
    return false;
}

/* A memcpy of some bytes of no known number is a loop of the processor's own, 25 cycles before its first byte. */
static void copy_id(uint8_t *to, const uint8_t *from, uint32_t length)
{
    if (length < 8) {
        for (uint32_t at = 0; at < length; at++)
            to[at] = from[at];
        return;
    }
    for (uint32_t at = 0; at + 8 < length; at += 8)
        memcpy(to + at, from + at, 8);
    memcpy(to + length - 8, from + length - 8, 8);
}

/* Ids that count up, up to ten of which differ in the last digit only: those are copied from the first of them. From
 * the one right before, a processor would wait for each: it cannot load a word, one byte of which it has just stored.
 */
struct counting {
    const uint8_t *first;
    uint32_t length;
    uint8_t digit; /* the last id's; '9': the next one is not copied from `first` */
};

static void begin_counting(struct counting *counting, const uint8_t *id, uint32_t length, uint32_t text_length)
{
    *counting = (struct counting){id, length, length > text_length ? id[length - 1] : (uint8_t)'9'};
}

/* The next id, of as many bytes and the same text. Quicker than putting it together. False: the digits do not suffice.
 */
static bool put_next(struct counting *counting, uint8_t *id, uint32_t text_length)
{
    const uint32_t length = counting->length;
    if (counting->digit != '9') {
        copy_id(id, counting->first, length);
        id[length - 1] = ++counting->digit;
        return true;
    }
    copy_id(id, id - length, length);
    bool fits = count_up(id, length, text_length);
    begin_counting(counting, id, length, text_length);
    return fits;
}

static bool put_all(const struct numbered *numbered, uint8_t *ids, const uint8_t *lengths, uint32_t count)
{
    struct counting counting = {.length = 0};
    for (uint32_t row = 0, at = 0; row < count; row++) {
        if (lengths[row] == 0)
            continue;
        if (numbered->text[at] >= numbered->texts.count)
            return false;
        struct tw_text text = numbered->texts.list[numbered->text[at]];
        if (lengths[row] == counting.length && numbered->text[at] == numbered->text[at - 1] &&
            numbered->number[at] == numbered->number[at - 1] + 1u) {
            if (!put_next(&counting, ids, text.length))
                return false;
        } else {
            if (!put_id(ids, lengths[row], text, numbered->number[at]))
                return false;
            begin_counting(&counting, ids, lengths[row], text.length);
        }
        ids += lengths[row];
        at++;
    }
    return true;
}

static bool take_numbered(struct tw_packed_reader *reader, uint8_t *ids, const uint8_t *lengths, uint32_t count)
{
    struct numbered numbered;
    numbered.count = 0;
    for (uint32_t row = 0; row < count; row++)
        numbered.count += lengths[row] != 0;
    memset(numbered.text, 0, numbered.count);
    if (!take_texts(reader, &numbered.texts) ||
        (numbered.texts.count > 1 && !tw_packed_take_column(reader, numbered.text, numbered.count, 1)) ||
        !tw_packed_take_column(reader, (uint8_t *)numbered.number, numbered.count, 8))
        return false;
    return put_all(&numbered, ids, lengths, count);
}

bool tw_packed_take_ids(struct tw_packed_reader *reader, uint8_t *ids, uint32_t ids_bytes, const uint8_t *lengths,
                        uint32_t count)
{
    uint8_t form = 0;
    if (!take_byte(reader, &form) || form > FORM_NUMBERED)
        return false;
    if (form == FORM_NUMBERED)
        return take_numbered(reader, ids, lengths, count);
    if ((size_t)(reader->end - reader->at) < ids_bytes)
        return false;
    memcpy(ids, reader->at, ids_bytes);
    reader->at += ids_bytes;
    return true;
}
