/* SPDX-License-Identifier: MIT
 *
 * A column of integers in groups of 128. What all values of a group have in common is written once: a power of ten that
 * divides them (amounts are 1e-8, times often whole milliseconds), then the smallest value or, where values follow each
 * other closely, the first one and the smallest difference. What is left of each value takes as many bits as the
 * largest of them needs.
 */
#include "store/packed.h"

#define GROUP_VALUES 128u
#define DIFFERENCES 0x80u /* in a group's head, over the number of bits */
#define BITS_MAX 64u
#define POWER_MAX 18u
#define GROUP_HEAD_BYTES_MAX (2u + 2u * TW_VARINT_BYTES_MAX)
#define INVERSE_OF_5 UINT64_C(0xcccccccccccccccd) /* modulo 2^64 */

/* ---- powers of ten ---- */

/* A value is divisible by 10^exponent exactly if its product with the inverse of 5^exponent, rotated right by the
 * exponent, is at most `most`; that is the quotient then. */
struct power {
    uint32_t exponent;
    uint64_t ten, inverse, most;
};

static struct power power_of(uint32_t exponent)
{
    struct power power = {exponent, 1, 1, 0};
    for (uint32_t i = 0; i < exponent; i++) {
        power.ten *= 10u;
        power.inverse *= INVERSE_OF_5;
    }
    power.most = UINT64_MAX / power.ten;
    return power;
}

static inline uint64_t divided(uint64_t value, const struct power *by)
{
    uint64_t product = value * by->inverse;
    return product >> by->exponent | product << ((64u - by->exponent) & 63u);
}

static uint32_t decimal_zeros(uint64_t value, uint32_t at_most)
{
    uint32_t zeros = 0;
    for (; zeros < at_most && value % 10u == 0; zeros++)
        value /= 10u;
    return zeros;
}

/* Divides all by the largest power of ten that divides them; returns its exponent. */
static uint32_t divide_by_ten(uint64_t *values, uint32_t count)
{
    struct power power = power_of(decimal_zeros(values[0], POWER_MAX));
    for (uint32_t i = 1; i < count && power.exponent > 0; i++)
        if (divided(values[i], &power) > power.most)
            power = power_of(decimal_zeros(values[i], power.exponent - 1u));
    for (uint32_t i = 0; i < count && power.exponent > 0; i++)
        values[i] = divided(values[i], &power);
    return power.exponent;
}

/* ---- bits ---- */

static uint32_t bits_of(uint64_t value)
{
    return value == 0 ? 0 : BITS_MAX - (uint32_t)__builtin_clzll(value);
}

static size_t packed_bytes(uint32_t count, uint32_t bits)
{
    return ((size_t)count * bits + 7u) / 8u;
}

/* Writes the low bits of each value less `least`, lowest bit first. Up to seven bytes behind them are overwritten. */
static uint8_t *put_bits(uint8_t *to, const uint64_t *values, uint32_t count, uint64_t least, uint32_t bits)
{
    uint8_t *const end = to + packed_bytes(count, bits);
    uint64_t waiting = 0;
    uint32_t have = 0;
    for (uint32_t i = 0; i < count && bits > 0; i++) {
        uint64_t value = values[i] - least;
        waiting |= value << have;
        have += bits;
        if (have >= 64u) {
            memcpy(to, &waiting, sizeof waiting);
            to += sizeof waiting;
            have -= 64u;
            waiting = have == 0 ? 0 : value >> (bits - have);
        }
    }
    if (have > 0)
        memcpy(to, &waiting, sizeof waiting);
    return end;
}

static bool take_bits(struct tw_packed_reader *reader, uint64_t *values, uint32_t count, uint64_t least, uint32_t bits)
{
    uint8_t bytes[GROUP_VALUES * 8u + 16u]; /* reading goes in steps of 16 */
    size_t length = packed_bytes(count, bits);
    if ((size_t)(reader->end - reader->at) < length)
        return false;
    memcpy(bytes, reader->at, length);
    memset(bytes + length, 0, 16);
    reader->at += length;
    const uint64_t mask = bits == 0 ? 0 : UINT64_MAX >> (64u - bits);
    if (bits <= 56u) /* with a byte's worth of other bits before them they still lie in eight */
        for (uint32_t i = 0, bit = 0; i < count; i++, bit += bits) {
            uint64_t window;
            memcpy(&window, bytes + bit / 8u, sizeof window);
            values[i] = (window >> (bit & 7u) & mask) + least;
        }
    else
        for (uint32_t i = 0, bit = 0; i < count; i++, bit += bits) {
            unsigned __int128 window;
            memcpy(&window, bytes + bit / 8u, sizeof window);
            values[i] = ((uint64_t)(window >> (bit & 7u)) & mask) + least;
        }
    return true;
}

/* ---- differences ---- */

static uint64_t zigzag(uint64_t difference)
{
    return difference << 1 ^ (0u - (difference >> 63));
}
static uint64_t unzigzag(uint64_t value)
{
    return value >> 1 ^ (0u - (value & 1u));
}

struct range {
    uint64_t least, most; /* of the values */
    int64_t down, up;     /* of the differences between neighbours: the smallest, the largest */
};

static struct range range_of(const uint64_t *values, uint32_t count)
{
    struct range range = {values[0], values[0], count > 1 ? INT64_MAX : 0, count > 1 ? INT64_MIN : 0};
    for (uint32_t i = 1; i < count; i++) {
        int64_t difference = (int64_t)(values[i] - values[i - 1]);
        range.least = values[i] < range.least ? values[i] : range.least;
        range.most = values[i] > range.most ? values[i] : range.most;
        range.down = difference < range.down ? difference : range.down;
        range.up = difference > range.up ? difference : range.up;
    }
    return range;
}

/* ---- a group ---- */

static uint8_t *put_group(uint8_t *to, uint64_t *values, uint32_t count, uint32_t width)
{
    uint32_t exponent = width == 8u ? divide_by_ten(values, count) : 0;
    struct range range = range_of(values, count);
    uint32_t bits = bits_of(range.most - range.least);
    uint32_t difference_bits = bits_of((uint64_t)range.up - (uint64_t)range.down);
    bool differences = count * bits > (count - 1u) * difference_bits + 8u; /* they take a byte more to begin */
    *to++ = (uint8_t)(differences ? difference_bits | DIFFERENCES : bits);
    if (width == 8u)
        *to++ = (uint8_t)exponent;
    if (!differences) {
        to = tw_put_varint(to, range.least);
        return put_bits(to, values, count, range.least, bits);
    }
    to = tw_put_varint(to, values[0]);
    to = tw_put_varint(to, zigzag((uint64_t)range.down));
    for (uint32_t i = count - 1u; i > 0; i--)
        values[i] -= values[i - 1u];
    return put_bits(to, values + 1, count - 1u, (uint64_t)range.down, difference_bits);
}

static bool take_group(struct tw_packed_reader *reader, uint64_t *values, uint32_t count, uint32_t width)
{
    const uint32_t head_bytes = width == 8u ? 2u : 1u;
    if ((size_t)(reader->end - reader->at) < head_bytes)
        return false;
    uint32_t bits = reader->at[0] & ~DIFFERENCES, exponent = width == 8u ? reader->at[1] : 0;
    bool differences = (reader->at[0] & DIFFERENCES) != 0;
    uint64_t first = 0, down = 0;
    reader->at += head_bytes;
    if (bits > BITS_MAX || exponent > POWER_MAX || !tw_get_varint(&reader->at, reader->end, &first))
        return false;
    if (!differences && !take_bits(reader, values, count, first, bits))
        return false;
    if (differences) {
        values[0] = first;
        if (!tw_get_varint(&reader->at, reader->end, &down) ||
            !take_bits(reader, values + 1, count - 1u, unzigzag(down), bits))
            return false;
        for (uint32_t i = 1; i < count; i++)
            values[i] += values[i - 1u];
    }
    const uint64_t ten = power_of(exponent).ten;
    for (uint32_t i = 0; i < count && exponent > 0; i++)
        values[i] *= ten;
    return true;
}

/* ---- the column ---- */

static void load(uint64_t *values, const uint8_t *column, uint32_t count, uint32_t width)
{
    if (width == 8u)
        memcpy(values, column, count * sizeof *values);
    else if (width == 4u)
        for (uint32_t i = 0; i < count; i++)
            values[i] = tw_load_u32(column, i);
    else
        for (uint32_t i = 0; i < count; i++)
            values[i] = column[i];
}

/* False: a value is too large for the column. */
static bool save(const uint64_t *values, uint8_t *column, uint32_t count, uint32_t width)
{
    uint64_t all = 0;
    if (width == 8u) {
        memcpy(column, values, count * sizeof *values);
        return true;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t value = (uint32_t)values[i];
        all |= values[i];
        if (width == 4u)
            memcpy(column + (size_t)i * 4u, &value, sizeof value);
        else
            column[i] = (uint8_t)value;
    }
    return all >> (8u * width) == 0;
}

void tw_packed_put_column(struct tw_buffer *out, const uint8_t *column, uint32_t count, uint32_t width)
{
    uint64_t values[GROUP_VALUES];
    if (count == 0)
        return;
    const uint32_t groups = (count + GROUP_VALUES - 1u) / GROUP_VALUES;
    tw_buffer_reserve(out, (size_t)groups * (GROUP_HEAD_BYTES_MAX + 8u) + (size_t)count * 8u);
    uint8_t *to = out->bytes + out->length;
    for (uint32_t from = 0; from < count; from += GROUP_VALUES) {
        uint32_t size = count - from < GROUP_VALUES ? count - from : GROUP_VALUES;
        load(values, column + (size_t)from * width, size, width);
        to = put_group(to, values, size, width);
    }
    out->length = (size_t)(to - out->bytes);
}

bool tw_packed_take_column(struct tw_packed_reader *reader, uint8_t *column, uint32_t count, uint32_t width)
{
    uint64_t values[GROUP_VALUES];
    for (uint32_t from = 0; from < count; from += GROUP_VALUES) {
        uint32_t size = count - from < GROUP_VALUES ? count - from : GROUP_VALUES;
        if (!take_group(reader, values, size, width) || !save(values, column + (size_t)from * width, size, width))
            return false;
    }
    return true;
}
