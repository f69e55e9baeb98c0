/* SPDX-License-Identifier: MIT
 *
 * Acks: a latest value per publisher. Whatever happens marks the publisher due; asking for the next ack drains that
 * list. A publisher that was heard lately is due again and again, so that a lost ack costs nothing.
 */
#include "actors/gateway/inside.h"
#include "actors/judging/planted.h"

#include <stdio.h>
#include <stdlib.h>

static void enqueue(struct tw_gateway *gateway, struct tw_publisher *publisher)
{
    if (publisher->queued)
        return;
    publisher->queued = true;
    if (gateway->queue_first > 0 && gateway->queue_count == gateway->queue_capacity) {
        gateway->queue_count -= gateway->queue_first;
        memmove(gateway->queue, gateway->queue + gateway->queue_first, gateway->queue_count * sizeof *gateway->queue);
        gateway->queue_first = 0;
    }
    gateway->queue =
        tw_gateway_grow(gateway->queue, gateway->queue_count, &gateway->queue_capacity, sizeof *gateway->queue);
    gateway->queue[gateway->queue_count++] = publisher->id;
}

void tw_gateway_due(struct tw_gateway *gateway, struct tw_publisher *publisher)
{
    if (!publisher->active || publisher->source == 0) /* a feed, or nobody who would listen */
        return;
    publisher->due = true;
    enqueue(gateway, publisher);
}

void tw_gateway_heard(struct tw_gateway *gateway, struct tw_publisher *publisher, int64_t now_ns)
{
    publisher->heard_ns = now_ns;
    if (!publisher->active) {
        publisher->active = true;
        publisher->acked_ns = now_ns;
        gateway->active =
            tw_gateway_grow(gateway->active, gateway->active_count, &gateway->active_capacity, sizeof *gateway->active);
        gateway->active[gateway->active_count++] = publisher->id;
    }
    if (gateway->cadence_ns > now_ns + TW_GATEWAY_ACK_BUSY_NS)
        gateway->cadence_ns = now_ns + TW_GATEWAY_ACK_BUSY_NS;
}

static void fill_in(struct tw_hold *hold, enum tw_code code, uint32_t incarnation, uint64_t seq, const char *why)
{
    *hold = (struct tw_hold){.code = code, .incarnation = incarnation, .seq = seq};
    snprintf(hold->why, sizeof hold->why, "%s", why == NULL ? tw_code_meaning(code) : why);
}

void tw_gateway_hold(struct tw_gateway *gateway, struct tw_publisher *publisher, uint32_t incarnation,
                     enum tw_code code, uint64_t seq, const char *why)
{
    bool current = publisher->speaks != TW_SPEAKS_BY_FEED && publisher->source != 0 &&
                   gateway->sources[publisher->source]->incarnation == incarnation;
    struct tw_hold **place = current ? &publisher->hold : &publisher->answer;
    if (*place == NULL)
        *place = tw_alloc(sizeof **place);
    fill_in(*place, code, incarnation, seq, why);
    gateway->counters.holds++;
    if (current)
        tw_gateway_due(gateway, publisher);
    else
        enqueue(gateway, publisher);
}

/* A name has one answer, the newest. */
static struct tw_stranger *place_for_stranger(struct tw_gateway *gateway, struct tw_text name)
{
    for (uint32_t i = 0; i < gateway->stranger_count; i++) {
        struct tw_stranger *known = &gateway->strangers[(gateway->stranger_first + i) % TW_GATEWAY_STRANGERS_MAX];
        if (tw_text_equal((struct tw_text){known->name, known->name_length}, name))
            return known;
    }
    if (gateway->stranger_count == TW_GATEWAY_STRANGERS_MAX)
        gateway->stranger_first = (gateway->stranger_first + 1) % TW_GATEWAY_STRANGERS_MAX;
    else
        gateway->stranger_count++;
    uint32_t newest = (gateway->stranger_first + gateway->stranger_count - 1) % TW_GATEWAY_STRANGERS_MAX;
    return &gateway->strangers[newest];
}

void tw_gateway_hold_stranger(struct tw_gateway *gateway, const struct tw_submission *submission, enum tw_code code,
                              const char *why)
{
    struct tw_text name = submission->publisher;
    struct tw_stranger *stranger = place_for_stranger(gateway, name);
    TW_ASSERT(name.length <= sizeof stranger->name);
    memcpy(stranger->name, name.bytes, name.length);
    stranger->name_length = name.length;
    fill_in(&stranger->hold, code, submission->incarnation, submission->seq, why);
    gateway->counters.holds++;
}

void tw_gateway_unhold(struct tw_publisher *publisher)
{
    free(publisher->hold);
    publisher->hold = NULL;
}

void tw_gateway_hold_disk(struct tw_gateway *gateway, bool hold)
{
    if (gateway->disk_held == hold)
        return;
    gateway->disk_held = hold;
    for (uint32_t i = 0; i < gateway->active_count; i++)
        tw_gateway_due(gateway, gateway->publishers[gateway->active[i]]);
}

/* ---- cadence ---- */

static bool under_way(const struct tw_gateway *gateway, const struct tw_publisher *publisher)
{
    const struct tw_source *source = publisher->source == 0 ? NULL : gateway->sources[publisher->source];
    return source != NULL && source->next - 1 > source->durable;
}

/* When the publisher is to be acked again though nothing happens; INT64_MAX when nobody waits for it any more. Who is
 * held by the disk was told to send nothing: its silence does not mean that it has gone. */
static int64_t next_ack_ns(const struct tw_gateway *gateway, struct tw_publisher *publisher, int64_t now_ns)
{
    if (gateway->disk_held)
        publisher->heard_ns = now_ns;
    if (under_way(gateway, publisher))
        return publisher->acked_ns + TW_GATEWAY_ACK_BUSY_NS;
    if (now_ns - publisher->heard_ns < TW_GATEWAY_HEARD_NS)
        return publisher->acked_ns + TW_GATEWAY_ACK_QUIET_NS;
    return INT64_MAX;
}

void tw_gateway_ack_cadence(struct tw_gateway *gateway, int64_t now_ns)
{
    if (now_ns < gateway->cadence_ns)
        return;
    gateway->cadence_ns = INT64_MAX;
    for (uint32_t i = 0; i < gateway->active_count;) {
        struct tw_publisher *publisher = gateway->publishers[gateway->active[i]];
        int64_t due_ns = next_ack_ns(gateway, publisher, now_ns);
        if (due_ns == INT64_MAX) {
            publisher->active = false;
            gateway->active[i] = gateway->active[--gateway->active_count];
            continue;
        }
        if (due_ns <= now_ns) {
            tw_gateway_due(gateway, publisher);
            due_ns = now_ns + TW_GATEWAY_ACK_BUSY_NS;
        }
        if (due_ns < gateway->cadence_ns)
            gateway->cadence_ns = due_ns;
        i++;
    }
}

/* ---- the ack itself ---- */

static struct tw_text text_of(const char *chars)
{
    return (struct tw_text){chars, (uint32_t)strlen(chars)};
}

static void fill_hold(struct tw_ack *out, enum tw_code code, uint64_t seq, const char *why)
{
    out->has_hold = true;
    out->hold_code = text_of(tw_code_name(code));
    out->hold_why = text_of(why);
    out->hold_seq = seq;
}

/* To a message of an incarnation that is not the current one, or under a feed's name: whose numbers mean nothing to
 * who pushes, so they are not told. */
static void fill_answer(struct tw_gateway *gateway, struct tw_publisher *publisher, struct tw_ack *out)
{
    struct tw_hold *answer = publisher->answer;
    struct tw_text name = tw_gateway_publisher_name(gateway, publisher);
    uint32_t id = tw_dictionary_find(gateway->sources_by_name, name, answer->incarnation);
    const struct tw_source *source = id == 0 || publisher->speaks == TW_SPEAKS_BY_FEED ? NULL : gateway->sources[id];
    out->publisher = name;
    out->incarnation = answer->incarnation;
    out->durable = source == NULL ? 0 : source->durable;
    out->next = source == NULL ? 1 : source->next;
    out->gap = source == NULL ? 0 : source->gap;
    out->refused_total = source == NULL ? 0 : source->refused_total;
    fill_hold(out, answer->code, answer->seq, answer->why);
    gateway->spent_answer = answer;
    publisher->answer = NULL;
}

static void fill_answer_to_stranger(struct tw_gateway *gateway, struct tw_ack *out)
{
    const struct tw_stranger *stranger = &gateway->strangers[gateway->stranger_first];
    memset(out, 0, sizeof *out);
    out->publisher = (struct tw_text){stranger->name, stranger->name_length};
    out->incarnation = stranger->hold.incarnation;
    out->next = 1;
    fill_hold(out, stranger->hold.code, stranger->hold.seq, stranger->hold.why);
    gateway->stranger_first = (gateway->stranger_first + 1) % TW_GATEWAY_STRANGERS_MAX;
    gateway->stranger_count--;
}

static void fill_refusals(const struct tw_source *source, struct tw_ack *out)
{
    out->refused_total = source->refused_total;
    out->refused_count = source->known_count;
    for (uint32_t i = 0; i < source->known_count; i++) {
        const struct tw_known_refusal *known = &source->known[(source->known_first + i) % TW_ACK_REFUSALS_MAX];
        out->refused[i] =
            (struct tw_ack_refusal){known->pseq, {known->code, known->code_length}, {known->why, known->why_length}};
    }
}

static void fill_ack(const struct tw_gateway *gateway, struct tw_publisher *publisher, struct tw_ack *out)
{
    const struct tw_source *source = gateway->sources[publisher->source];
    out->publisher = tw_gateway_publisher_name(gateway, publisher);
    out->incarnation = source->incarnation;
    out->durable = TW_PLANTED(ACK_BEFORE_FSYNC) ? source->next - 1 : source->durable;
    out->next = source->next;
    out->gap = source->gap;
    out->credit = gateway->disk_held ? 0 : gateway->settings.credit_trades;
    out->names = source->names == NULL ? 0 : source->names->count;
    fill_refusals(source, out);
    if (publisher->hold != NULL)
        fill_hold(out, publisher->hold->code, publisher->hold->seq, publisher->hold->why);
    else if (gateway->disk_held)
        fill_hold(out, TW_HOLD_DISK, source->next, tw_code_meaning(TW_HOLD_DISK));
    /* Told until the first trade of the new incarnation, and whenever asked: the answer to a hello may get lost. */
    if (publisher->previous != 0 && (publisher->hello || source->next == 1)) {
        out->has_previous = true;
        out->previous_incarnation = gateway->sources[publisher->previous]->incarnation;
        out->previous_durable = gateway->sources[publisher->previous]->durable;
    }
}

/* The log keeps lower incarnations out for good. But a newcomer hears of a full disk all the same: that tells him to
 * wait, and nothing of how things stand. */
static bool may_hear(const struct tw_gateway *gateway, const struct tw_publisher *publisher)
{
    return publisher->fence_lsn <= gateway->durable_lsn || (gateway->disk_held && publisher->previous == 0) ||
           TW_PLANTED(ACK_BEFORE_FENCE);
}

/* One ack of the publisher at the front of the queue; false if it turns out to have none now. */
static bool serve(struct tw_gateway *gateway, struct tw_publisher *publisher, int64_t now_ns, struct tw_ack *out)
{
    memset(out, 0, sizeof *out);
    if (publisher->answer != NULL) {
        fill_answer(gateway, publisher, out);
        return true;
    }
    bool due = publisher->due && may_hear(gateway, publisher);
    publisher->due = false;
    if (!due) /* that record's becoming durable makes it due again */
        return false;
    fill_ack(gateway, publisher, out);
    publisher->hello = false;
    publisher->acked_ns = now_ns;
    return true;
}

bool tw_gateway_next_ack(struct tw_gateway *gateway, int64_t now_ns, struct tw_ack *out)
{
    free(gateway->spent_answer);
    gateway->spent_answer = NULL;
    tw_gateway_ack_cadence(gateway, now_ns);
    if (gateway->stranger_count > 0) { /* first: a name may have become known by a message behind that one */
        fill_answer_to_stranger(gateway, out);
        return true;
    }
    while (gateway->queue_first < gateway->queue_count) {
        struct tw_publisher *publisher = gateway->publishers[gateway->queue[gateway->queue_first]];
        bool served = serve(gateway, publisher, now_ns, out);
        if (!publisher->due) {
            publisher->queued = false;
            gateway->queue_first++;
        }
        if (served)
            return true;
    }
    gateway->queue_first = gateway->queue_count = 0;
    return false;
}
