/* SPDX-License-Identifier: MIT
 *
 * A subscriber's half of the conversation.
 */
#include "tools/client/follow.h"

#include <stdlib.h>

#include "protocol/check.h"

void tw_follow_init(struct tw_follow *follow, uint64_t after, bool from_now, bool live)
{
    *follow = (struct tw_follow){.follow = live, .based = !from_now, .wanted = !from_now, .last = after};
    follow->waiting = tw_alloc_zero(TW_FOLLOW_WAITING_MAX, sizeof *follow->waiting);
}

void tw_follow_clear(struct tw_follow *follow)
{
    for (uint32_t i = 0; follow->waiting != NULL && i < TW_FOLLOW_WAITING_MAX; i++)
        tw_buffer_free(&follow->waiting[i]);
    free(follow->waiting);
    follow->waiting = NULL;
}

/* What does not continue the list is dropped: catch-up will bring it. */
static void keep_waiting(struct tw_follow *follow, uint64_t n, const void *bytes, size_t length)
{
    if (follow->waiting_count == 0)
        follow->waiting_n = n;
    if (n != follow->waiting_n + follow->waiting_count || follow->waiting_count == TW_FOLLOW_WAITING_MAX)
        return;
    uint32_t place = (follow->waiting_first + follow->waiting_count++) % TW_FOLLOW_WAITING_MAX;
    follow->waiting[place].length = 0;
    tw_buffer_append(&follow->waiting[place], bytes, length);
}

static const struct tw_buffer *drop_waiting(struct tw_follow *follow)
{
    const struct tw_buffer *first = &follow->waiting[follow->waiting_first];
    follow->waiting_first = (follow->waiting_first + 1) % TW_FOLLOW_WAITING_MAX;
    follow->waiting_n++;
    follow->waiting_count--;
    return first;
}

bool tw_follow_alert(struct tw_follow *follow, uint64_t n, const void *bytes, size_t length, bool answer,
                     int64_t now_ns)
{
    if (answer && follow->asking) {
        follow->proven = true;
        follow->ask_again_ns = now_ns + TW_FOLLOW_PATIENCE_NS;
    }
    if (!follow->based && n > 0) {
        follow->based = true;
        follow->last = n - 1;
    }
    if (follow->lost || n <= follow->last)
        return false;
    if (n == follow->last + 1) {
        follow->last = n;
        return true;
    }
    follow->wanted = true;
    keep_waiting(follow, n, bytes, length);
    return false;
}

const struct tw_buffer *tw_follow_due(struct tw_follow *follow)
{
    while (follow->waiting_count > 0 && follow->waiting_n <= follow->last)
        drop_waiting(follow);
    if (follow->waiting_count == 0 || follow->waiting_n != follow->last + 1)
        return NULL;
    follow->last++;
    return drop_waiting(follow);
}

/* What the newest head knows may take its time, from when there was nothing else to wait for. */
static void expect_newest(struct tw_follow *follow, int64_t now_ns)
{
    if (follow->behind > follow->last || follow->newest <= follow->last)
        return;
    follow->behind = follow->newest;
    follow->behind_ns = now_ns + TW_FOLLOW_UNDER_WAY_NS;
}

void tw_follow_head(struct tw_follow *follow, uint64_t last, int64_t now_ns)
{
    if (!follow->based) {
        follow->based = true;
        follow->last = last;
    }
    if (!follow->follow)
        return;
    follow->newest = last;
    if (last < follow->last)
        follow->doubted = true;
    else
        follow->denied = 0;
    expect_newest(follow, now_ns);
}

static void end_probe(struct tw_follow *follow, const struct tw_catchup_end *end)
{
    bool there = end->more || end->last > end->after || end->error.length > 0;
    follow->probing = follow->doubted = false;
    follow->denied = there ? 0 : follow->denied + 1;
    follow->lost = follow->denied >= 2;
}

void tw_follow_end(struct tw_follow *follow, const struct tw_catchup_end *end, int64_t now_ns)
{
    (void)now_ns;
    if (!follow->asking || end->after != follow->asked_after)
        return; /* of a request that was given up */
    follow->asking = false;
    follow->proven = true;
    if (follow->probing) {
        end_probe(follow, end);
        return;
    }
    /* Answers may have been lost on the way, and others may wait behind a hole. */
    bool hole = follow->waiting_count > 0 && follow->waiting_n > follow->last + 1;
    follow->wanted = end->more || end->last > follow->last || hole;
    follow->done = !follow->follow && !follow->wanted;
}

bool tw_follow_ask(struct tw_follow *follow, int64_t now_ns, uint64_t *after, uint32_t *limit)
{
    expect_newest(follow, now_ns);
    if (follow->behind > follow->last && now_ns >= follow->behind_ns) {
        follow->behind = 0;
        follow->wanted = true;
    }
    bool open = !follow->done && !follow->lost && (follow->wanted || follow->doubted);
    if (!open || (follow->asking && now_ns < follow->ask_again_ns))
        return false;
    follow->asking = true;
    follow->probing = follow->doubted;
    follow->asked_after = *after = follow->last - follow->probing;
    follow->ask_again_ns = now_ns + (follow->proven ? TW_FOLLOW_PATIENCE_NS : TW_FOLLOW_PROBE_EVERY_NS);
    /* The first one asks whether anything comes back at all. */
    *limit = follow->proven && !follow->probing ? TW_FOLLOW_LIMIT : 1;
    return true;
}

int64_t tw_follow_deadline(const struct tw_follow *follow)
{
    if (follow->done || follow->lost)
        return INT64_MAX;
    if (follow->asking)
        return follow->ask_again_ns;
    if (follow->wanted || follow->doubted)
        return 0;
    if (follow->behind > follow->last)
        return follow->behind_ns;
    return follow->newest > follow->last ? 0 : INT64_MAX;
}
