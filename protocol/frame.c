/* SPDX-License-Identifier: MIT
 *
 * Frames: bytes shared by reference count.
 */
#include "protocol/frame.h"

#include <stdlib.h>

#include "protocol/check.h"

struct tw_frame *tw_frame_new(size_t capacity)
{
    TW_ASSERT(capacity <= SIZE_MAX - sizeof(struct tw_frame));
    struct tw_frame *frame = tw_alloc(sizeof *frame + capacity);
    atomic_init(&frame->references, 1u);
    frame->reserved = 0;
    frame->length = 0;
    frame->capacity = capacity;
    return frame;
}

struct tw_frame *tw_frame_share(struct tw_frame *frame)
{
    /* Whoever shares holds a reference already, so nothing needs to be ordered here. */
    unsigned before = atomic_fetch_add_explicit(&frame->references, 1u, memory_order_relaxed);
    TW_ASSERT(before > 0 && before < UINT32_MAX);
    return frame;
}

void tw_frame_drop(struct tw_frame **frame)
{
    struct tw_frame *dropped = *frame;
    *frame = NULL;
    if (dropped == NULL)
        return;
    /* Acquire and release: every holder's reads come before the last one's free. */
    unsigned before = atomic_fetch_sub_explicit(&dropped->references, 1u, memory_order_acq_rel);
    TW_ASSERT(before > 0);
    if (before == 1)
        free(dropped);
}
