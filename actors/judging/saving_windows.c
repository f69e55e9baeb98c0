/* SPDX-License-Identifier: MIT
 *
 * Velocity windows in a snapshot.
 */
#include "actors/judging/saving.h"

#define ENTRIES_WITH_KEY 16u /* a window of no more is written with its key */
#define ENTRIES_PER_ROW 64u

static void save_entry(struct tw_buffer *out, struct tw_window_entry entry)
{
    tw_put_bytes(out, &entry, sizeof entry);
}
_Static_assert(sizeof(struct tw_window_entry) == 16, "time i64, seq u64");

void tw_save_velocity(struct tw_buffer *out, struct tw_velocity_key *velocity, struct tw_area *area)
{
    struct tw_window *window = &velocity->window;
    tw_window_evict(window, area, velocity->horizon_ns);
    tw_save_episode(out, &velocity->episode);
    tw_put_i64(out, velocity->clock_ns);
    tw_put_u32(out, window->count);
    if (window->count > ENTRIES_WITH_KEY) {
        tw_window_late_begin(window);
        return;
    }
    for (uint32_t i = 0; i < window->count; i++)
        save_entry(out, tw_window_entry(window, i));
}

bool tw_save_late_window(struct tw_saving *saving, struct tw_window_rows rows, struct tw_window *window)
{
    uint32_t count = tw_window_late(window);
    if (count == 0)
        return false;
    if (count > ENTRIES_PER_ROW)
        count = ENTRIES_PER_ROW;
    size_t began = tw_row_begin(&saving->rows, rows.kind);
    tw_put_u32(&saving->rows, rows.id);
    for (uint32_t i = 0; i < count; i++)
        save_entry(&saving->rows, tw_window_late_take(window));
    tw_row_end(&saving->rows, began);
    return true;
}

void tw_save_before_clock(struct tw_saving *saving, struct tw_window_rows rows, struct tw_velocity_key *velocity,
                          int64_t window_ns, int64_t ts_ns)
{
    int64_t horizon_ns = tw_velocity_horizon(velocity, window_ns, ts_ns);
    while (tw_window_late_before(&velocity->window, horizon_ns))
        tw_save_late_window(saving, rows, &velocity->window);
}

static bool load_entry(struct tw_row_reader *row, struct tw_window *window, struct tw_area *area)
{
    int64_t t_ns = tw_get_i64(row);
    uint64_t seq = tw_get_u64(row);
    if (row->bad || tw_window_late(window) == 0 || !tw_window_restore(window, area, t_ns, seq))
        return false;
    window->late_until--;
    return true;
}

bool tw_load_velocity(struct tw_row_reader *row, struct tw_velocity_key *velocity, struct tw_area *area)
{
    bool sound = tw_load_episode(row, &velocity->episode);
    velocity->clock_ns = tw_get_i64(row);
    velocity->horizon_ns = INT64_MIN; /* what left the window is not in the row */
    velocity->window.late_until = tw_get_u32(row);
    return sound && !row->bad && tw_load_window(row, &velocity->window, area);
}

bool tw_load_window(struct tw_row_reader *row, struct tw_window *window, struct tw_area *area)
{
    while (row->at < row->end)
        if (!load_entry(row, window, area))
            return false;
    return true;
}
