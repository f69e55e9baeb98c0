/* SPDX-License-Identifier: MIT */
#include "actors/judging/window.h"

#include <string.h>

#include "protocol/check.h"

#define REMOVED_BIT (UINT64_C(1) << 63)
#define REMOVED_LATE_BIT (UINT64_C(1) << 62) /* and it was in when it became late */
#define SEQ_MASK (REMOVED_LATE_BIT - 1)
#define CAPACITY_MIN 16u

static struct tw_window_entry *entry_at(const struct tw_window *window, uint32_t index)
{
    return &window->ring[(window->first + index) & (window->capacity - 1)];
}

void tw_window_free(struct tw_window *window, struct tw_area *area)
{
    tw_area_give(area, window->ring, window->capacity * sizeof *window->ring);
    memset(window, 0, sizeof *window);
}

static void resize(struct tw_window *window, struct tw_area *area, uint32_t capacity)
{
    struct tw_window_entry *ring = tw_area_take(area, capacity * sizeof *ring);
    for (uint32_t i = 0; i < window->count; i++)
        ring[i] = *entry_at(window, i);
    tw_area_give(area, window->ring, window->capacity * sizeof *ring);
    window->ring = ring;
    window->first = 0;
    window->capacity = capacity;
}

/* Dropping entries one by one as they expire would cost a cache miss a trade: they go together, when the ring is full,
 * and it grows if hardly any did. */
static void make_room(struct tw_window *window, struct tw_area *area, int64_t horizon_ns)
{
    tw_window_evict(window, area, horizon_ns);
    if (window->count > window->capacity - window->capacity / 8 || window->count == window->capacity)
        resize(window, area, window->capacity == 0 ? CAPACITY_MIN : window->capacity * 2);
}

void tw_window_add(struct tw_window *window, struct tw_area *area, int64_t t_ns, uint64_t seq, int64_t horizon_ns)
{
    if (window->count == window->capacity)
        make_room(window, area, horizon_ns);
    *entry_at(window, window->count) = (struct tw_window_entry){t_ns, seq};
    window->count++;
}

static void forget_late(struct tw_window *window, uint32_t evicted)
{
    if (tw_window_late(window) == 0)
        return;
    TW_ASSERT(evicted <= window->late_from); /* those that go were written before */
    window->late_from -= evicted;
    window->late_until -= evicted;
}

void tw_window_evict(struct tw_window *window, struct tw_area *area, int64_t horizon_ns)
{
    uint32_t before = window->count;
    while (window->count > 0) {
        const struct tw_window_entry *entry = entry_at(window, 0);
        if (entry->t_ns > horizon_ns)
            break;
        if ((entry->seq & REMOVED_BIT) != 0)
            window->removed--;
        window->first = (window->first + 1) & (window->capacity - 1);
        window->count--;
    }
    forget_late(window, before - window->count);
    /* A burst is over: give most of its memory back, but leave room so that a steady flow does not resize. */
    if (window->capacity > 4 * CAPACITY_MIN && window->count < window->capacity / 16)
        resize(window, area, window->capacity / 4);
}

bool tw_window_remove(struct tw_window *window, uint64_t seq)
{
    uint32_t low = 0, high = window->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((entry_at(window, middle)->seq & SEQ_MASK) < seq)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == window->count || entry_at(window, low)->seq != seq)
        return false;
    bool is_late = low >= window->late_from && low < window->late_until;
    entry_at(window, low)->seq |= is_late ? REMOVED_BIT | REMOVED_LATE_BIT : REMOVED_BIT;
    window->removed++;
    return true;
}

uint32_t tw_window_count_after(const struct tw_window *window, int64_t horizon_ns)
{
    uint32_t low = 0, high = window->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (entry_at(window, middle)->t_ns <= horizon_ns)
            low = middle + 1;
        else
            high = middle;
    }
    uint32_t count = window->count - low;
    if (window->removed > 0)
        for (uint32_t i = low; i < window->count; i++)
            if ((entry_at(window, i)->seq & REMOVED_BIT) != 0)
                count--;
    return count;
}

bool tw_window_holds(const struct tw_window *window, uint32_t count, int64_t horizon_ns)
{
    if (window->removed > 0)
        return tw_window_count_after(window, horizon_ns) >= count;
    return count == 0 || (window->count >= count && entry_at(window, window->count - count)->t_ns > horizon_ns);
}

void tw_window_latest(const struct tw_window *window, uint32_t count, uint64_t *out)
{
    uint32_t left = count;
    for (uint32_t i = window->count; left > 0; i--) {
        uint64_t seq = entry_at(window, i - 1)->seq;
        if ((seq & REMOVED_BIT) == 0)
            out[--left] = seq;
    }
}

struct tw_window_entry tw_window_entry(const struct tw_window *window, uint32_t index)
{
    return *entry_at(window, index);
}

bool tw_window_restore(struct tw_window *window, struct tw_area *area, int64_t t_ns, uint64_t seq)
{
    if ((seq & REMOVED_LATE_BIT) != 0)
        return false;
    if (window->count > 0) {
        const struct tw_window_entry *last = entry_at(window, window->count - 1);
        if (last->t_ns > t_ns || (last->seq & SEQ_MASK) >= (seq & SEQ_MASK))
            return false;
    }
    tw_window_add(window, area, t_ns, seq, INT64_MIN);
    window->removed += (seq & REMOVED_BIT) != 0;
    return true;
}

void tw_window_late_begin(struct tw_window *window)
{
    window->late_from = 0;
    window->late_until = window->count;
}

bool tw_window_late_before(const struct tw_window *window, int64_t horizon_ns)
{
    return tw_window_late(window) > 0 && entry_at(window, window->late_from)->t_ns <= horizon_ns;
}

struct tw_window_entry tw_window_late_take(struct tw_window *window)
{
    TW_ASSERT(tw_window_late(window) > 0);
    struct tw_window_entry *entry = entry_at(window, window->late_from++), taken = *entry;
    if ((taken.seq & REMOVED_LATE_BIT) != 0)
        taken.seq &= SEQ_MASK;
    entry->seq &= ~REMOVED_LATE_BIT;
    return taken;
}

/* What is older takes its place, one after the other, so that the oldest place is free. */
void tw_latest_remove(struct tw_latest *latest, uint64_t seq)
{
    uint64_t at = latest->next;
    for (uint32_t i = 0; i < TW_EXPOSURE_TRADES_MAX; i++) {
        uint64_t entry = latest->seq[(latest->next + i) % TW_EXPOSURE_TRADES_MAX];
        if (entry == seq)
            at = (latest->next + i) % TW_EXPOSURE_TRADES_MAX;
    }
    if (latest->seq[at] != seq)
        return;
    for (; at != latest->next; at = (at + TW_EXPOSURE_TRADES_MAX - 1) % TW_EXPOSURE_TRADES_MAX)
        latest->seq[at] = latest->seq[(at + TW_EXPOSURE_TRADES_MAX - 1) % TW_EXPOSURE_TRADES_MAX];
    latest->seq[latest->next] = 0;
}

uint32_t tw_latest_list(const struct tw_latest *latest, uint64_t out[TW_EXPOSURE_TRADES_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < TW_EXPOSURE_TRADES_MAX; i++) {
        uint64_t seq = latest->seq[(latest->next + i) % TW_EXPOSURE_TRADES_MAX];
        if (seq != 0)
            out[count++] = seq;
    }
    return count;
}
