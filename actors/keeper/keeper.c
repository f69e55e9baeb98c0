/* SPDX-License-Identifier: MIT */
#include "actors/keeper/keeper.h"

#include <stdlib.h>

#include "protocol/check.h"

#define DAY_NS (INT64_C(86400) * TW_NS_PER_SECOND)

enum state { IDLE, TAKING, GIVEN_UP };
enum retention { NOTHING, WISHED, RECORDED };

struct tw_keeper {
    struct tw_keeper_settings settings;
    enum state state;
    struct tw_keeper_barrier barrier; /* of the snapshot under way */
    bool ended[TW_PART_COUNT];        /* all parts but the shards' */
    bool shard_ended[TW_SHARDS_MAX];
    uint64_t done;
    uint64_t *kept; /* ascending; many, while a slow backup lets none go */
    uint32_t kept_count, kept_capacity;
    enum retention retention;
    struct tw_retention wish;
    uint64_t record_lsn; /* of the wish */
};

struct tw_keeper *tw_keeper_new(const struct tw_keeper_settings *settings)
{
    struct tw_keeper *keeper = tw_alloc_zero(1, sizeof *keeper);
    TW_ASSERT(settings->shards > 0 && settings->shards <= TW_SHARDS_MAX);
    keeper->settings = *settings;
    return keeper;
}

void tw_keeper_free(struct tw_keeper **keeper)
{
    if (*keeper != NULL)
        free((*keeper)->kept);
    free(*keeper);
    *keeper = NULL;
}

/* ---- the snapshot under way ---- */

/* One missing part would be a state that never was: nothing else in here matters as much. */
static bool all_parts_ended(const struct tw_keeper *keeper)
{
    for (uint32_t i = 0; i < keeper->settings.shards; i++)
        if (!keeper->shard_ended[i])
            return false;
    for (int part = 0; part < TW_PART_COUNT; part++)
        if (part != TW_PART_SHARD && !keeper->ended[part])
            return false;
    return true;
}

static void begin(struct tw_keeper *keeper, const struct tw_keeper_slice *slice)
{
    keeper->state = TAKING;
    keeper->barrier = (struct tw_keeper_barrier){slice->lsn, slice->seq, 0};
    for (int part = 0; part < TW_PART_COUNT; part++)
        keeper->ended[part] = false;
    for (uint32_t i = 0; i < TW_SHARDS_MAX; i++)
        keeper->shard_ended[i] = false;
}

static void end(struct tw_keeper *keeper)
{
    keeper->done = keeper->barrier.lsn;
    keeper->state = IDLE;
    keeper->barrier = (struct tw_keeper_barrier){0, 0, 0};
}

enum tw_keeper_turn tw_keeper_take(struct tw_keeper *keeper, const struct tw_keeper_slice *slice)
{
    enum tw_keeper_turn turn = keeper->state == GIVEN_UP ? TW_KEEPER_IGNORES : TW_KEEPER_ADDS;
    if (keeper->state == IDLE) {
        TW_ASSERT(slice->lsn > keeper->done);
        begin(keeper, slice);
        turn = TW_KEEPER_BEGINS;
    }
    /* The gateway stages the next one only when nothing more comes of this one. */
    TW_ASSERT(slice->lsn == keeper->barrier.lsn && slice->seq == keeper->barrier.seq);
    TW_ASSERT(slice->part < TW_PART_COUNT && slice->index < keeper->settings.shards);
    bool *ended = slice->part == TW_PART_SHARD ? &keeper->shard_ended[slice->index] : &keeper->ended[slice->part];
    TW_ASSERT(!*ended);
    *ended = slice->last;
    if (slice->last && slice->part == TW_PART_ROUTER)
        keeper->barrier.last_alert = slice->last_alert;
    if (keeper->state == GIVEN_UP && all_parts_ended(keeper))
        end(keeper);
    return turn;
}

bool tw_keeper_whole(const struct tw_keeper *keeper, uint64_t durable_lsn)
{
    return keeper->state == TAKING && durable_lsn >= keeper->barrier.lsn && all_parts_ended(keeper);
}

struct tw_keeper_barrier tw_keeper_under_way(const struct tw_keeper *keeper)
{
    return keeper->barrier;
}

void tw_keeper_finished(struct tw_keeper *keeper)
{
    TW_ASSERT(keeper->state == TAKING && all_parts_ended(keeper));
    tw_keeper_found(keeper, keeper->barrier.lsn);
    end(keeper);
}

void tw_keeper_give_up(struct tw_keeper *keeper)
{
    if (keeper->state != TAKING)
        return;
    keeper->state = GIVEN_UP;
    if (all_parts_ended(keeper))
        end(keeper);
}

uint64_t tw_keeper_done(const struct tw_keeper *keeper)
{
    return keeper->done;
}

/* ---- the snapshots that are kept ---- */

void tw_keeper_found(struct tw_keeper *keeper, uint64_t lsn)
{
    TW_ASSERT(keeper->kept_count == 0 || lsn > keeper->kept[keeper->kept_count - 1]);
    if (keeper->kept_count == keeper->kept_capacity) {
        keeper->kept_capacity = keeper->kept_capacity == 0 ? 16 : keeper->kept_capacity * 2;
        keeper->kept = tw_realloc(keeper->kept, keeper->kept_capacity * sizeof *keeper->kept);
    }
    keeper->kept[keeper->kept_count++] = lsn;
}

uint64_t tw_keeper_surplus(const struct tw_keeper *keeper)
{
    return keeper->kept_count > TW_SNAPSHOTS_KEPT ? keeper->kept[0] : 0;
}

void tw_keeper_removed(struct tw_keeper *keeper, uint64_t lsn)
{
    TW_ASSERT(keeper->kept_count > 0 && keeper->kept[0] == lsn);
    keeper->kept_count--;
    for (uint32_t i = 0; i < keeper->kept_count; i++)
        keeper->kept[i] = keeper->kept[i + 1];
}

/* The older of the two that stay; 0 while there are not that many. */
static uint64_t oldest_kept(const struct tw_keeper *keeper)
{
    return keeper->kept_count < TW_SNAPSHOTS_KEPT ? 0 : keeper->kept[keeper->kept_count - TW_SNAPSHOTS_KEPT];
}

/* ---- retention ---- */

static int64_t day_of(int64_t ts_ns)
{
    return ts_ns / DAY_NS;
}

/* What would go if all before the day went. */
static struct tw_retention before_day(const struct tw_keeper_days *days, int64_t day, bool by_size)
{
    struct tw_retention retention = {.horizon_ns = day * DAY_NS, .by_size = by_size};
    days->before(days->context, retention.horizon_ns, &retention.last_seq, &retention.last_lsn);
    return retention;
}

/* Bytes that would stay, by the share of the trades. */
static uint64_t bytes_behind(const struct tw_keeper_tape *tape, uint64_t last_seq)
{
    uint64_t there = tape->last_seq - tape->retained_seq;
    uint64_t gone = last_seq > tape->retained_seq ? last_seq - tape->retained_seq : 0;
    return there == 0 ? 0 : (uint64_t)((tw_u128)tape->bytes * (there - gone) / there);
}

/* The day before which all may go by age; the history of so many times 24 hours stays. */
static int64_t day_by_age(const struct tw_keeper *keeper, const struct tw_keeper_tape *tape)
{
    int64_t kept_ns = (int64_t)keeper->settings.retain_days * DAY_NS;
    return keeper->settings.retain_days == 0 || kept_ns > tape->clock_ns ? 0 : day_of(tape->clock_ns - kept_ns);
}

/* The first day before which all must go so that the rest is small enough; the current day if it never is. */
static int64_t day_by_size(const struct tw_keeper *keeper, const struct tw_keeper_tape *tape,
                           const struct tw_keeper_days *days)
{
    int64_t low = day_of(tape->first_ns), high = day_of(tape->clock_ns);
    if (keeper->settings.retain_bytes == 0 || tape->bytes <= keeper->settings.retain_bytes)
        return 0;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (bytes_behind(tape, before_day(days, middle, true).last_seq) > keeper->settings.retain_bytes)
            low = middle + 1;
        else
            high = middle;
    }
    return high;
}

/* The last day, at most `day`, before which nothing lies beyond the oldest kept snapshot. */
static int64_t day_within(const struct tw_keeper *keeper, const struct tw_keeper_tape *tape,
                          const struct tw_keeper_days *days, int64_t day)
{
    int64_t low = day_of(tape->first_ns), high = day;
    while (low < high) {
        int64_t middle = high - (high - low) / 2;
        if (before_day(days, middle, false).last_lsn >= oldest_kept(keeper))
            high = middle - 1;
        else
            low = middle;
    }
    return low;
}

bool tw_keeper_look(struct tw_keeper *keeper, const struct tw_keeper_tape *tape, const struct tw_keeper_days *days)
{
    if (keeper->retention != NOTHING)
        return keeper->retention == WISHED;
    if (oldest_kept(keeper) == 0 || tape->last_seq == tape->retained_seq)
        return false;
    int64_t age = day_by_age(keeper, tape), size = day_by_size(keeper, tape, days);
    int64_t day = age > size ? age : size;
    if (day > day_of(tape->clock_ns))
        day = day_of(tape->clock_ns);
    if (day <= day_of(tape->first_ns))
        return false;
    keeper->wish = before_day(days, day_within(keeper, tape, days, day), size > age);
    if (keeper->wish.last_seq <= tape->retained_seq || keeper->wish.last_lsn >= oldest_kept(keeper))
        return false;
    keeper->retention = WISHED;
    return true;
}

const struct tw_retention *tw_keeper_wish(const struct tw_keeper *keeper)
{
    return keeper->retention == WISHED ? &keeper->wish : NULL;
}

void tw_keeper_recorded(struct tw_keeper *keeper, uint64_t last_seq, uint64_t lsn)
{
    if (keeper->retention != WISHED || keeper->wish.last_seq != last_seq)
        return; /* said twice */
    keeper->retention = RECORDED;
    keeper->record_lsn = lsn;
}

const struct tw_retention *tw_keeper_droppable(const struct tw_keeper *keeper, uint64_t durable_lsn)
{
    bool may =
        keeper->retention == RECORDED && durable_lsn >= keeper->record_lsn && oldest_kept(keeper) > keeper->record_lsn;
    return may ? &keeper->wish : NULL;
}

void tw_keeper_dropped(struct tw_keeper *keeper)
{
    TW_ASSERT(keeper->retention == RECORDED);
    keeper->retention = NOTHING;
}

bool tw_keeper_hurries(const struct tw_keeper *keeper)
{
    return keeper->retention == RECORDED && keeper->state == IDLE && oldest_kept(keeper) <= keeper->record_lsn;
}
