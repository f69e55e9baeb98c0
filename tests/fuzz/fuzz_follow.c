/* SPDX-License-Identifier: MIT
 *
 * Alerts, heads and ends in any order into a subscriber's half of the conversation. Held to: what is handed out is
 * dense, in order and the right one, whatever came; and once the daemon answers as it should, nothing is missing,
 * unless it was found to have lost something before.
 *
 * Input: one byte of options, then steps of three bytes: what, and a number of 16 bits.
 */
#include <stdint.h>
#include <string.h>

#include "protocol/check.h"
#include "tools/client/follow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LAST_MAX 4096u
#define MS INT64_C(1000000)

struct reader {
    struct tw_follow follow;
    bool began;
    uint64_t given; /* the newest number handed out */
    int64_t now_ns;
};

static void take(struct reader *reader, uint64_t n)
{
    TW_ASSERT(!reader->began || n == reader->given + 1);
    TW_ASSERT(n == reader->follow.last);
    reader->began = true;
    reader->given = n;
}

static void take_due(struct reader *reader)
{
    for (const struct tw_buffer *due; (due = tw_follow_due(&reader->follow)) != NULL;) {
        uint64_t n;
        TW_ASSERT(due->length == sizeof n);
        memcpy(&n, due->bytes, sizeof n);
        take(reader, n);
    }
    TW_ASSERT(reader->follow.waiting_count <= TW_FOLLOW_WAITING_MAX);
}

static void hear(struct reader *reader, uint64_t n, bool answer)
{
    if (tw_follow_alert(&reader->follow, n, &n, sizeof n, answer, reader->now_ns))
        take(reader, n);
    take_due(reader);
}

static void step(struct reader *reader, unsigned what, uint64_t number)
{
    uint64_t after;
    uint32_t limit;
    switch (what % 6) {
    case 0:
    case 1:
        hear(reader, number, what % 6 == 1);
        break;
    case 2:
        tw_follow_head(&reader->follow, number, reader->now_ns);
        break;
    case 3:
        tw_follow_end(
            &reader->follow,
            &(struct tw_catchup_end){.after = reader->follow.asked_after, .last = number, .more = (what & 64) != 0},
            reader->now_ns);
        break;
    case 4:
        if (tw_follow_ask(&reader->follow, reader->now_ns, &after, &limit))
            TW_ASSERT(after + reader->follow.probing == reader->follow.last && limit >= 1 &&
                      limit <= TW_CATCHUP_LIMIT_MAX);
        break;
    case 5:
        reader->now_ns += (int64_t)number * MS;
        break;
    }
}

/* A daemon that has `last` alerts and loses nothing. */
static void answer(struct reader *reader, uint64_t last)
{
    uint64_t after;
    uint32_t limit;
    tw_follow_head(&reader->follow, last, reader->now_ns);
    for (unsigned turns = 0; reader->follow.last < last && !reader->follow.done && !reader->follow.lost; turns++) {
        TW_ASSERT(turns < 1000);
        if (!tw_follow_ask(&reader->follow, reader->now_ns, &after, &limit)) {
            TW_ASSERT(tw_follow_deadline(&reader->follow) < INT64_MAX);
            reader->now_ns += 100 * MS;
            continue;
        }
        uint64_t to = after + limit < last ? after + limit : last;
        for (uint64_t n = after + 1; n <= to; n++)
            hear(reader, n, true);
        tw_follow_end(&reader->follow, &(struct tw_catchup_end){.after = after, .last = to, .more = to < last},
                      reader->now_ns);
    }
    TW_ASSERT(reader->follow.done || reader->follow.lost || reader->follow.last >= last);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader reader = {.now_ns = 1000 * MS};
    uint64_t last = 0;
    if (size == 0)
        return 0;
    bool from_now = (data[0] & 1) != 0; /* which means to go on live */
    tw_follow_init(&reader.follow, data[0] >> 2, from_now, from_now || (data[0] & 2) != 0);
    if (!from_now) {
        reader.began = true;
        reader.given = data[0] >> 2;
    }
    for (size_t at = 1; at + 3 <= size; at += 3) {
        uint64_t number = (data[at + 1] | (uint64_t)data[at + 2] << 8) % LAST_MAX;
        last = number > last ? number : last;
        step(&reader, data[at], number);
    }
    answer(&reader, last);
    tw_follow_clear(&reader.follow);
    return 0;
}
