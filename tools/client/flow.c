/* SPDX-License-Identifier: MIT
 *
 * A publisher's half of the conversation.
 *
 * Two kinds of trades are under way. New ones lie at or above the daemon's `next`: they settle when `durable` passes
 * them. Old ones lie below the `next` of the first ack (the publisher starts again from 1): the daemon compares them
 * and says nothing if they are equal. So behind them goes a probe, a trade too far ahead: it is dropped and raises
 * `gap`, and that ack comes after everything before it was compared. Only then may anything new go out. What was equal
 * settles like new trades: as long as it is not durable a crash may take it, and it has to be sent again.
 */
#include "tools/client/flow.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

void tw_flow_init(struct tw_flow *flow, struct tw_text publisher, uint32_t incarnation)
{
    *flow = (struct tw_flow){.publisher = publisher, .incarnation = incarnation, .patience_ns = TW_FLOW_PATIENCE_NS};
}

void tw_flow_clear(struct tw_flow *flow)
{
    for (uint32_t i = 0; i < flow->ring_capacity; i++)
        tw_buffer_free(&flow->ring[i].bytes);
    free(flow->ring);
    flow->ring = NULL;
    flow->ring_capacity = flow->ring_count = 0;
}

/* ---- the ring ---- */

static struct tw_flow_message *message_at(const struct tw_flow *flow, uint32_t index)
{
    return &flow->ring[(flow->ring_first + index) % flow->ring_capacity];
}

static uint64_t last_of(const struct tw_flow_message *message)
{
    return message->first + message->count - 1;
}

static bool is_old(const struct tw_flow *flow, const struct tw_flow_message *message)
{
    return last_of(message) < flow->next_at_start && last_of(message) > flow->compared;
}

static void grow(struct tw_flow *flow)
{
    uint32_t capacity = flow->ring_capacity == 0 ? 16 : flow->ring_capacity * 2;
    struct tw_flow_message *ring = tw_alloc_zero(capacity, sizeof *ring);
    for (uint32_t i = 0; i < flow->ring_count; i++)
        ring[i] = *message_at(flow, i);
    free(flow->ring);
    flow->ring = ring;
    flow->ring_capacity = capacity;
    flow->ring_first = 0;
}

struct tw_flow_message *tw_flow_queue(struct tw_flow *flow)
{
    if (flow->ring_count == flow->ring_capacity)
        grow(flow);
    struct tw_flow_message *message = message_at(flow, flow->ring_count++);
    message->bytes.length = 0;
    return message;
}

static void drop_first(struct tw_flow *flow)
{
    flow->ring_first = (flow->ring_first + 1) % flow->ring_capacity;
    flow->ring_count--;
    flow->sent -= flow->sent > 0;
}

uint64_t tw_flow_unsettled(const struct tw_flow *flow)
{
    if (flow->ring_count == 0)
        return 0;
    return last_of(message_at(flow, flow->ring_count - 1)) + 1 - message_at(flow, 0)->first;
}

bool tw_flow_settled(const struct tw_flow *flow)
{
    return flow->started && flow->ring_count == 0 && flow->durable >= flow->others;
}

/* ---- resending ---- */

/* Back to the first message that the daemon has not taken; old ones that are not compared yet, all of them. */
static void resend(struct tw_flow *flow, int64_t now_ns)
{
    uint32_t to = 0;
    while (to < flow->sent && !is_old(flow, message_at(flow, to)) && last_of(message_at(flow, to)) < flow->next)
        to++;
    if (to < flow->sent)
        flow->resends++;
    flow->sent = to;
    flow->compared_trades = 0;
    flow->late += flow->probes;
    flow->probes = 0;
    flow->gap_pending = false;
    flow->names_sent = flow->names;
    flow->resent_ns = flow->progress_ns = now_ns;
}

/* ---- acks ---- */

static void copy_text(char *to, size_t room, struct tw_text from)
{
    size_t length = from.length < room ? from.length : room - 1;
    if (length > 0)
        memcpy(to, from.bytes, length);
    to[length] = '\0';
}

/* What the standing says, whatever it means for us. */
static void note_standing(struct tw_flow *flow, const struct tw_ack *ack)
{
    flow->durable = ack->durable;
    flow->next = ack->next;
    flow->gap = ack->gap;
    flow->credit = ack->credit;
    flow->names = ack->names;
    flow->refused_total = ack->refused_total;
    flow->disk_hold = ack->has_hold && tw_text_is(ack->hold_code, tw_code_name(TW_HOLD_DISK));
    if (ack->has_previous) {
        flow->has_previous = true;
        flow->previous_incarnation = ack->previous_incarnation;
        flow->previous_durable = ack->previous_durable;
    }
}

/* A hold that an earlier message earned is lifted by the hello; one of these is the hello's own. */
static bool answers_hello(const struct tw_ack *ack)
{
    return !ack->has_hold || tw_text_is(ack->hold_code, tw_code_name(TW_HOLD_DISK)) ||
           tw_text_is(ack->hold_code, tw_code_name(TW_HOLD_STALE_INCARNATION)) ||
           tw_text_is(ack->hold_code, tw_code_name(TW_HOLD_NAME_OF_A_FEED)) ||
           tw_text_is(ack->hold_code, tw_code_name(TW_HOLD_TOO_MANY_PUBLISHERS));
}

/* False if the hold ends it all. */
static bool take_hold(struct tw_flow *flow, const struct tw_ack *ack, int64_t now_ns)
{
    if (!ack->has_hold || flow->disk_hold)
        return true;
    if (tw_text_is(ack->hold_code, tw_code_name(TW_HOLD_UNKNOWN_NAME))) {
        if (now_ns - flow->resent_ns >= TW_FLOW_RESEND_PAUSE_NS)
            resend(flow, now_ns);
        return true;
    }
    if (tw_text_is(ack->hold_code, tw_code_name(TW_HOLD_HELLO_REQUIRED))) {
        tw_flow_reconnected(flow, now_ns);
        return true;
    }
    bool stale = tw_text_is(ack->hold_code, tw_code_name(TW_HOLD_STALE_INCARNATION));
    copy_text(flow->hold_code, sizeof flow->hold_code, ack->hold_code);
    copy_text(flow->hold_why, sizeof flow->hold_why, ack->hold_why);
    flow->hold_seq = ack->hold_seq;
    flow->state = stale ? TW_FLOW_FENCED : TW_FLOW_HELD;
    return false;
}

static void settle(struct tw_flow *flow)
{
    while (flow->ring_count > 0 && !is_old(flow, message_at(flow, 0)) &&
           last_of(message_at(flow, 0)) <= flow->durable && last_of(message_at(flow, 0)) < flow->next)
        drop_first(flow);
}

/* Everything that was sent before the probe has been compared. */
static void note_compared(struct tw_flow *flow)
{
    if (flow->sent > 0)
        flow->compared = last_of(message_at(flow, flow->sent - 1));
    flow->compared_trades = 0;
    flow->late += flow->probes;
    flow->probes = 0;
}

/* `gap` rose by so much: true if that is not all of earlier probes. *answered: a probe of now is among it. */
static bool hear_gap(struct tw_flow *flow, uint64_t rise, bool *answered)
{
    uint64_t late = rise < flow->late ? rise : flow->late;
    flow->late -= late;
    rise -= late;
    *answered = rise > 0 && flow->probes > 0;
    flow->probes -= rise < flow->probes ? (uint32_t)rise : flow->probes;
    return rise > 0;
}

static void take_answer(struct tw_flow *flow, const struct tw_ack *ack, int64_t now_ns)
{
    if (!flow->started) {
        flow->next_at_start = ack->next;
        flow->refused_at_start = ack->refused_total;
        flow->started = true;
    }
    flow->state = TW_FLOW_STREAMING;
    flow->patience_ns = TW_FLOW_PATIENCE_NS;
    resend(flow, now_ns);
    flow->late = 0; /* the connection may be another one: what was on its way was lost with the last */
}

bool tw_flow_ack(struct tw_flow *flow, const struct tw_ack *ack, int64_t now_ns)
{
    if (ack->publisher.length != flow->publisher.length ||
        memcmp(ack->publisher.bytes, flow->publisher.bytes, flow->publisher.length) != 0)
        return false;
    if (ack->incarnation < flow->incarnation || flow->state > TW_FLOW_STREAMING)
        return false;
    if (ack->incarnation > flow->incarnation) {
        flow->state = TW_FLOW_FENCED;
        return true;
    }
    flow->heard_ns = now_ns;
    bool greeting = flow->state == TW_FLOW_GREETING;
    if (greeting && !answers_hello(ack))
        return true;
    bool stale = ack->has_hold && tw_text_is(ack->hold_code, tw_code_name(TW_HOLD_STALE_INCARNATION));
    if (!stale && flow->started && ack->durable < flow->durable) {
        flow->state = TW_FLOW_LOST;
        return true;
    }
    bool back = ack->next < flow->next || ack->gap < flow->gap; /* the daemon was restarted */
    bool taken = ack->next > flow->next;
    bool progress = taken || ack->durable > flow->durable;
    bool answered, gap = hear_gap(flow, back ? 0 : ack->gap - flow->gap, &answered);
    bool disk_over = flow->disk_hold && ack->credit > 0;
    note_standing(flow, ack);
    if (!take_hold(flow, ack, now_ns) || (!greeting && flow->state == TW_FLOW_GREETING))
        return true;
    if (back && ack->next < flow->next_at_start)
        flow->next_at_start = ack->next; /* some of what was there is not any more: it counts as new */
    if (greeting)
        take_answer(flow, ack, now_ns);
    else if (back || (disk_over && flow->sent > 0))
        resend(flow, now_ns);
    else if (answered)
        note_compared(flow);
    else if (gap || taken)
        flow->gap_pending = gap; /* what is taken behind a gap shows that the resend works */
    if (progress) {
        flow->progress_ns = now_ns;
        flow->patience_ns = TW_FLOW_PATIENCE_NS;
    }
    settle(flow);
    if (flow->next <= flow->others)
        flow->state = TW_FLOW_LOST;
    return true;
}

void tw_flow_reconnected(struct tw_flow *flow, int64_t now_ns)
{
    if (flow->state != TW_FLOW_STREAMING)
        return;
    flow->state = TW_FLOW_GREETING;
    flow->hello_ns = now_ns;
}

/* ---- what to do ---- */

/* Trades under way: sent, and not durable. While some are compared the probe waits for the answer. */
static bool under_way(const struct tw_flow *flow)
{
    return flow->sent > 0 && flow->compared_trades == 0;
}

static enum tw_flow_action next_probe(const struct tw_flow *flow, int64_t now_ns)
{
    return flow->probes == 0 || now_ns >= flow->probe_ns ? TW_FLOW_SEND_PROBE : TW_FLOW_NOTHING;
}

static enum tw_flow_action next_message(struct tw_flow *flow, int64_t now_ns)
{
    if (flow->probes > 0) /* what comes after the probe must not count as compared */
        return next_probe(flow, now_ns);
    if (flow->sent == flow->ring_count)
        return flow->finishing && flow->compared_trades > 0 ? next_probe(flow, now_ns) : TW_FLOW_NOTHING;
    const struct tw_flow_message *message = message_at(flow, flow->sent);
    if (flow->disk_hold)
        return TW_FLOW_NOTHING;
    if (is_old(flow, message)) {
        if (flow->compared_trades + message->count > TW_FLOW_COMPARED_TRADES_MAX)
            return next_probe(flow, now_ns);
    } else if (flow->compared_trades > 0) {
        return next_probe(flow, now_ns);
    } else if (last_of(message) > flow->durable + flow->credit) {
        return TW_FLOW_NOTHING;
    }
    return message->names_before > flow->names_sent ? TW_FLOW_SEND_NAMES : TW_FLOW_SEND_MESSAGE;
}

enum tw_flow_action tw_flow_next(struct tw_flow *flow, int64_t now_ns)
{
    if (flow->state == TW_FLOW_GREETING)
        return now_ns >= flow->hello_ns ? TW_FLOW_SEND_HELLO : TW_FLOW_NOTHING;
    if (flow->state != TW_FLOW_STREAMING)
        return TW_FLOW_NOTHING;
    if (flow->gap_pending && now_ns - flow->resent_ns >= TW_FLOW_RESEND_PAUSE_NS)
        resend(flow, now_ns);
    if (under_way(flow) && !flow->disk_hold && now_ns - flow->progress_ns >= flow->patience_ns) {
        bool heard = flow->heard_ns > flow->resent_ns;
        resend(flow, now_ns);
        if (!heard && flow->patience_ns < TW_FLOW_PATIENCE_MAX_NS)
            flow->patience_ns *= 2;
    }
    return next_message(flow, now_ns);
}

const struct tw_flow_message *tw_flow_message(const struct tw_flow *flow)
{
    TW_ASSERT(flow->sent < flow->ring_count);
    return message_at(flow, flow->sent);
}

/* Not just behind what is ours: a message of an earlier process of this name may still be on its way, and what it
 * brings must not reach the probe, which would be compared with a trade then, or taken for one. */
uint64_t tw_flow_probe_number(const struct tw_flow *flow)
{
    TW_ASSERT(flow->next < TW_FLOW_PROBE_NUMBER);
    return TW_FLOW_PROBE_NUMBER;
}

void tw_flow_sent(struct tw_flow *flow, enum tw_flow_action action, uint64_t names_after, int64_t now_ns)
{
    if (action == TW_FLOW_SEND_HELLO) {
        flow->hello_ns = now_ns + TW_FLOW_HELLO_EVERY_NS;
    } else if (action == TW_FLOW_SEND_NAMES) {
        TW_ASSERT(names_after > flow->names_sent);
        flow->names_sent = names_after;
    } else if (action == TW_FLOW_SEND_PROBE) {
        flow->probes++;
        flow->probe_ns = now_ns + TW_FLOW_PATIENCE_NS;
    } else if (action == TW_FLOW_SEND_MESSAGE) {
        const struct tw_flow_message *message = message_at(flow, flow->sent);
        if (!under_way(flow))
            flow->progress_ns = now_ns;
        if (is_old(flow, message))
            flow->compared_trades += message->count;
        if (message->names_after > flow->names_sent)
            flow->names_sent = message->names_after;
        flow->sent++;
    }
}

int64_t tw_flow_deadline(const struct tw_flow *flow)
{
    if (flow->state == TW_FLOW_GREETING)
        return flow->hello_ns;
    if (flow->state != TW_FLOW_STREAMING)
        return INT64_MAX;
    int64_t deadline_ns = INT64_MAX;
    if (flow->probes > 0)
        deadline_ns = flow->probe_ns;
    if (under_way(flow) && !flow->disk_hold)
        deadline_ns = flow->progress_ns + flow->patience_ns;
    if (flow->gap_pending && flow->resent_ns + TW_FLOW_RESEND_PAUSE_NS < deadline_ns)
        deadline_ns = flow->resent_ns + TW_FLOW_RESEND_PAUSE_NS;
    return deadline_ns;
}
