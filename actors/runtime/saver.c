/* SPDX-License-Identifier: MIT */
#include "actors/runtime/saver.h"

#include <stdlib.h>
#include <string.h>

#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "protocol/check.h"

struct tw_saver {
    struct tw_saved saved;
    struct tw_pool *slices;
    struct tw_keeper_slice about; /* of every slice */
    bool saving;
    struct tw_slice *waiting; /* made, not sent: the keeper has ended */
    zsock_t *keeper;
};

static void clean_slice(void *object)
{
    tw_buffer_free(&((struct tw_slice *)object)->rows);
}

struct tw_pool *tw_slices_new(void)
{
    return tw_pool_new(sizeof(struct tw_slice), clean_slice);
}

struct tw_saver *tw_saver_new(enum tw_snapshot_part part, uint32_t index, const struct tw_saved *saved,
                              struct tw_pool *slices)
{
    struct tw_saver *saver = tw_alloc_zero(1, sizeof *saver);
    saver->saved = *saved;
    saver->slices = slices;
    saver->about.part = part;
    saver->about.index = index;
    return saver;
}

void tw_saver_free(struct tw_saver **saver)
{
    free(*saver);
    *saver = NULL;
}

void tw_saver_open(struct tw_saver *saver)
{
    if (saver->slices != NULL)
        saver->keeper = tw_lane_push_sized(TW_LANE_KEEPER, TW_KEEPER_HWM);
}

void tw_saver_close(struct tw_saver *saver)
{
    if (saver->waiting != NULL)
        tw_pool_give(saver->waiting, saver->slices);
    saver->waiting = NULL;
    zsock_destroy(&saver->keeper);
}

void tw_saver_begin(struct tw_saver *saver, uint64_t lsn, uint64_t seq, uint64_t last_alert)
{
    if (saver->slices == NULL)
        return;
    TW_ASSERT(!saver->saving); /* the gateway waits until the keeper has all of the one before */
    saver->about.lsn = lsn;
    saver->about.seq = seq;
    saver->about.last_alert = last_alert;
    saver->saving = true;
    saver->saved.begin(saver->saved.core);
}

void tw_saver_meet(struct tw_saver *saver, const struct tw_record *record, uint64_t last_alert)
{
    if (record->kind == TW_RECORD_CONTROL && record->control.kind == TW_CONTROL_SNAPSHOT)
        tw_saver_begin(saver, record->control.lsn, record->control.follows, last_alert);
}

static bool has_room(struct tw_saver *saver)
{
    return saver->waiting == NULL && (zsock_events(saver->keeper) & ZMQ_POLLOUT) != 0;
}

/* There was room a moment ago; only the keeper's end can come between. */
static void send_slice(struct tw_saver *saver, struct tw_slice *slice)
{
    if (!tw_lane_send_object(saver->keeper, slice, sizeof *slice, tw_pool_give, saver->slices))
        saver->waiting = slice;
}

static struct tw_slice *take_slice(struct tw_saver *saver)
{
    struct tw_slice *slice = tw_pool_take(saver->slices);
    slice->about = saver->about;
    slice->about.last = false;
    slice->rows.length = 0;
    slice->recorded_seq = slice->recorded_lsn = 0;
    return slice;
}

enum tw_agent_progress tw_saver_turn(struct tw_saver *saver, enum tw_agent_progress progress)
{
    if (!saver->saving || progress == TW_AGENT_FINISHED || progress == TW_AGENT_FAILED || !has_room(saver))
        return progress;
    struct tw_slice *slice = take_slice(saver);
    slice->about.last = saver->saved.save(saver->saved.core, &slice->rows, TW_SNAPSHOT_SLICE_BYTES);
    saver->saving = !slice->about.last;
    send_slice(saver, slice);
    return TW_AGENT_CONTINUES;
}

int tw_saver_wait_for(struct tw_saver *saver, zmq_pollitem_t *items, int count)
{
    if (saver->saving && saver->waiting == NULL)
        items[count++] = (zmq_pollitem_t){zsock_resolve(saver->keeper), 0, ZMQ_POLLOUT, 0};
    return count;
}

bool tw_saver_say_recorded(struct tw_saver *saver, uint64_t seq, uint64_t lsn)
{
    if (saver->slices == NULL || !has_room(saver))
        return false;
    struct tw_slice *slice = take_slice(saver);
    slice->recorded_seq = seq;
    slice->recorded_lsn = lsn;
    send_slice(saver, slice);
    return true;
}
