/* SPDX-License-Identifier: MIT
 *
 * Sliding windows of trades: by time (velocity) and the latest few (evidence).
 */
#ifndef TW_JUDGING_WINDOW_H
#define TW_JUDGING_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/judging/area.h"
#include "protocol/limits.h"

#define TW_WINDOW_EVIDENCE_MAX 64u

struct tw_window_entry {
    int64_t t_ns; /* the key's clock when the trade entered; ascending */
    uint64_t seq; /* ascending; the top bit marks an entry that a bust took out, the next one window.c's own */
};

/* The trades of one key in a span of its clock, and some that have left it: whoever asks says from when on it counts.
 * Zero-initialised: empty. Grows by doubling, shrinks when a burst is over. */
struct tw_window {
    struct tw_window_entry *ring;
    uint32_t first, count, capacity; /* capacity is a power of two, or 0 */
    uint32_t removed;                /* entries among `count` that busts took out */
    /* The late ones are those in [late_from, late_until), counted from the oldest: a snapshot still has to write them,
     * as they were when they became late. While one is loaded, late_until is the number of those to come. */
    uint32_t late_from, late_until;
};
void tw_window_free(struct tw_window *window, struct tw_area *area); /* every function gets the same area */
/* Entries with t <= horizon will not be asked for any more: they may make room. */
void tw_window_add(struct tw_window *window, struct tw_area *area, int64_t t_ns, uint64_t seq, int64_t horizon_ns);
/* Drops entries with t <= horizon. */
void tw_window_evict(struct tw_window *window, struct tw_area *area, int64_t horizon_ns);
/* Takes the trade out if it is still in. */
bool tw_window_remove(struct tw_window *window, uint64_t seq);
/* Entries with t > horizon that no bust took out; and if they are so many at least, which a look at one entry tells
 * unless there were busts. */
uint32_t tw_window_count_after(const struct tw_window *window, int64_t horizon_ns);
bool tw_window_holds(const struct tw_window *window, uint32_t count, int64_t horizon_ns);
/* Asks into the cache where the next tw_window_add writes. */
static inline void tw_window_expect(const struct tw_window *window)
{
    if (window->capacity != 0)
        __builtin_prefetch(&window->ring[(window->first + window->count) & (window->capacity - 1)], 1);
}
/* Time of the entry that is the `count`th from the newest, 1 <= count <= how many there are; no bust took any out. */
static inline int64_t tw_window_time(const struct tw_window *window, uint32_t count)
{
    return window->ring[(window->first + window->count - count) & (window->capacity - 1)].t_ns;
}
/* The latest `count` sequences that no bust took out, oldest first, into out. There are so many. */
void tw_window_latest(const struct tw_window *window, uint32_t count, uint64_t *out);

/* ---- for snapshots ---- */
/* Entry `index` from the oldest, with the mark of one that was taken out; and an entry as that gave it, behind those
 * that are there (false: it cannot stand there). */
struct tw_window_entry tw_window_entry(const struct tw_window *window, uint32_t index);
bool tw_window_restore(struct tw_window *window, struct tw_area *area, int64_t t_ns, uint64_t seq);
/* All entries become late. Until they are taken, none of them may be evicted. */
void tw_window_late_begin(struct tw_window *window);
static inline uint32_t tw_window_late(const struct tw_window *window)
{
    return window->late_until - window->late_from;
}
/* True if there is a late entry with t <= horizon. */
bool tw_window_late_before(const struct tw_window *window, int64_t horizon_ns);
/* The oldest late entry, as it was when it became late; it is so no more. */
struct tw_window_entry tw_window_late_take(struct tw_window *window);

/* The latest TW_EXPOSURE_TRADES_MAX unbusted trades of a key. Zero-initialised: empty. */
struct tw_latest {
    uint64_t next; /* where the next one goes, in place of the oldest: the others stand before it, around the ring */
    uint64_t seq[TW_EXPOSURE_TRADES_MAX]; /* 0: none */
};
static inline void tw_latest_add(struct tw_latest *latest, uint64_t seq)
{
    latest->seq[latest->next] = seq;
    latest->next = (latest->next + 1) % TW_EXPOSURE_TRADES_MAX;
}
void tw_latest_remove(struct tw_latest *latest, uint64_t seq); /* a busted trade, if it is among them */
/* Asks into the cache where the next tw_latest_add writes. */
static inline void tw_latest_expect(const struct tw_latest *latest)
{
    __builtin_prefetch(&latest->seq[latest->next], 1);
}
uint32_t tw_latest_list(const struct tw_latest *latest, uint64_t out[TW_EXPOSURE_TRADES_MAX]); /* oldest first */

#endif
