/* SPDX-License-Identifier: MIT */
#include "actors/delivery/outbox_actor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/delivery/covering_actor.h"
#include "actors/delivery/digest.h"
#include "actors/delivery/evidence_actor.h"
#include "actors/delivery/held.h"
#include "actors/delivery/records_actor.h"
#include "actors/runtime/agent.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"
#include "protocol/digest.h"

#define FULL_RETRY_NS INT64_C(250000000)
#define NOTES_GATHERED 64u
#define READS_PER_TURN 8u /* for a receiver: of a window each, some ten microseconds a row */

struct note {
    struct tw_store_attempt attempt;
    char said[TW_ANSWER_BYTES_MAX], group[TW_GROUP_BYTES_MAX];
};

struct tw_outbox {
    struct tw_store *store;
    struct tw_records *records;
    struct tw_delivery *core;
    const struct tw_receivers *receivers;
    const struct tw_routes *routes; /* NULL: none */
    char log_id[33];
    struct note *notes;
    uint32_t note_count, note_capacity;
    bool at_once;                   /* the store is going to be asked about what the notes change */
    struct tw_store_attempt *batch; /* of note_capacity */
    int64_t core_ns, behind_ns;     /* the core's time; how far the wall clock, whose times are stored, is behind it */
    int64_t retry_ns;
    uint64_t retries;
    bool held_back; /* something was left out of a window, and is looked at again */
    bool ended;     /* when something has ended since: that may be what it waits for */
    bool reads_on;  /* the last filling was not through */
    struct tw_held held[TW_RECEIVERS_MAX];
};

struct tw_outbox *tw_outbox_new(struct tw_store *store, struct tw_delivery *core, const struct tw_receivers *receivers,
                                const struct tw_routes *routes)
{
    struct tw_outbox *outbox = tw_alloc_zero(1, sizeof *outbox);
    uint8_t log_id[16];
    outbox->store = store;
    outbox->records = tw_records_new(store);
    outbox->core = core;
    outbox->receivers = receivers;
    outbox->routes = routes;
    tw_store_log_id(store, log_id);
    tw_hex(log_id, sizeof log_id, outbox->log_id);
    outbox->retries = tw_store_retries(store);
    return outbox;
}

void tw_outbox_free(struct tw_outbox **outbox)
{
    if (*outbox == NULL)
        return;
    tw_records_free(&(*outbox)->records);
    free((*outbox)->notes);
    free((*outbox)->batch);
    free(*outbox);
    *outbox = NULL;
}

void tw_outbox_clocks(struct tw_outbox *outbox, int64_t core_ns, int64_t wall_ns)
{
    outbox->core_ns = core_ns;
    outbox->behind_ns = core_ns > wall_ns ? core_ns - wall_ns : 0;
}

uint64_t tw_outbox_last_alert(const struct tw_outbox *outbox)
{
    return tw_store_last_alert(outbox->store);
}

static struct tw_text name_of(const struct tw_outbox *outbox, uint32_t receiver)
{
    const char *name = outbox->receivers->list[receiver].name;
    return (struct tw_text){name, (uint32_t)strlen(name)};
}

/* ---- windows ---- */

struct found {
    struct tw_pending list[TW_DELIVERY_WINDOW];
    uint32_t count, room;
    int64_t behind_ns;
};

static bool find(void *context, const struct tw_store_delivery *delivery)
{
    struct found *found = context;
    found->list[found->count++] = (struct tw_pending){.n = delivery->n,
                                                      .queued_ns = delivery->queued_ns + found->behind_ns,
                                                      .not_before_ns = delivery->at_ns + found->behind_ns,
                                                      .attempts = delivery->attempts,
                                                      .group = delivery->group.length > 0};
    return found->count < found->room;
}

/* ---- what goes now ---- */

/* An older event of the same alert may wait in a group: it goes first, alone. Or be in a group's message that stands
 * behind this one, or cannot be made now, or be held back itself: this one waits. False: it does not go now. */
static bool is_next(struct tw_outbox *outbox, uint32_t receiver, const struct tw_kept *alert, bool *changed,
                    struct tw_store_error *error)
{
    struct tw_store_waiting elder;
    uint8_t id[TW_ALERT_ID_BYTES];
    error->status = TW_STORE_OK;
    if (alert == NULL || !tw_routes_group(outbox->routes) || !tw_alert_id_read(alert->view.id, id))
        return true;
    if (tw_held_before(&outbox->held[receiver], id, alert->n))
        return false;
    if (!tw_store_elder(outbox->store, name_of(outbox, receiver), id, alert->n, alert->n - 1, &elder, error))
        return false;
    if (elder.n == 0)
        return true;
    if (elder.lead != 0)
        tw_held_add(&outbox->held[receiver], id, elder.lead);
    else
        error->status =
            tw_store_make_group(outbox->store, name_of(outbox, receiver), elder.hash, elder.n,
                                tw_delivery_digest_until(outbox->core, receiver), tw_wall_ns(), changed, error);
    return false;
}

struct naming {
    struct tw_pending *pending;
    uint32_t count;
    struct tw_held *held;
    bool all, waits; /* `all`: something is held back, and may be of any of them */
};
static bool name_alert(void *context, const struct tw_store_waiting *member)
{
    struct naming *naming = context;
    if (++naming->count > TW_PENDING_ALERTS_MAX)
        tw_pending_add_any(naming->pending);
    else
        tw_pending_add(naming->pending, member->id);
    naming->waits = naming->waits || tw_held_before(naming->held, member->id, naming->pending->n);
    return naming->count <= TW_PENDING_ALERTS_MAX || naming->all;
}

static bool hold_member(void *context, const struct tw_store_waiting *member)
{
    struct naming *naming = context;
    tw_held_add(naming->held, member->id, naming->pending->n);
    return true;
}

/* Of which alerts a group's message is. False: it does not go now, or is taken apart, since the receiver takes one
 * alert at a time by now. */
static bool name_alerts(struct tw_outbox *outbox, uint32_t receiver, struct tw_pending *pending, bool *changed,
                        struct tw_store_error *error)
{
    struct naming naming = {pending, 0, &outbox->held[receiver], outbox->held_back, false};
    error->status = TW_STORE_FAILED;
    if (!tw_store_members(outbox->store, name_of(outbox, receiver), pending->n, name_alert, &naming, error))
        return false;
    error->status = TW_STORE_OK;
    if (naming.count > 1 && !tw_receiver_takes_many(&outbox->receivers->list[receiver])) {
        error->status = tw_store_take_apart(outbox->store, name_of(outbox, receiver), pending->n, error);
        *changed = error->status == TW_STORE_OK;
        return false;
    }
    if (naming.waits &&
        !tw_store_members(outbox->store, name_of(outbox, receiver), pending->n, hold_member, &naming, error))
        error->status = TW_STORE_FAILED;
    return !naming.waits;
}

/* *changed: something else became pending, and all is to be read from the front. */
static enum tw_store_status fill_window(struct tw_outbox *outbox, uint32_t receiver,
                                        const struct tw_delivery_wish *wish, bool *changed,
                                        struct tw_store_error *error)
{
    struct found found = {.room = wish->room, .behind_ns = outbox->behind_ns};
    if (wish->after == 0)
        memset(&outbox->held[receiver], 0, sizeof outbox->held[receiver]);
    if (!tw_store_deliveries(outbox->store, TW_DELIVERY_PENDING, name_of(outbox, receiver), wish->after, find, &found,
                             error))
        return TW_STORE_FAILED;
    for (uint32_t i = 0; i < found.count; i++) {
        struct tw_pending *pending = &found.list[i];
        const struct tw_kept *alert = tw_records_read(outbox->records, pending->n);
        /* An alert that cannot be read is an episode of its own; the attempt says so. */
        if (alert == NULL || !tw_alert_id_read(alert->view.id, pending->episode))
            memcpy(pending->episode, &pending->n, sizeof pending->n);
        if (pending->group ? name_alerts(outbox, receiver, pending, changed, error)
                           : is_next(outbox, receiver, alert, changed, error)) {
            tw_delivery_offer(outbox->core, receiver, pending, outbox->core_ns);
        } else if (error->status != TW_STORE_OK || *changed) {
            return error->status;
        } else { /* what it waits for may stand behind it */
            outbox->held_back = true;
            tw_delivery_read_all(outbox->core, receiver, pending->n);
        }
    }
    if (found.count < wish->room)
        tw_delivery_read_all(outbox->core, receiver, wish->until);
    return TW_STORE_OK;
}

/* What is held back takes no room, so there may be very much to read: some of it in a turn. */
static enum tw_store_status read_on(struct tw_outbox *outbox, uint32_t receiver, struct tw_store_error *error)
{
    enum tw_store_status status = TW_STORE_OK;
    struct tw_delivery_wish wish;
    for (uint32_t i = 0; status == TW_STORE_OK && tw_delivery_wants(outbox->core, receiver, &wish); i++) {
        bool changed = false;
        if (i == READS_PER_TURN) {
            outbox->reads_on = true;
            break;
        }
        status = fill_window(outbox, receiver, &wish, &changed, error);
        if (changed)
            tw_delivery_rewind_one(outbox->core, receiver);
    }
    return status;
}

bool tw_outbox_fill(struct tw_outbox *outbox, char failure[512])
{
    struct tw_store_error error;
    outbox->reads_on = false;
    for (uint32_t i = 0; i < outbox->receivers->count; i++) {
        enum tw_store_status status = read_on(outbox, i, &error);
        if (status != TW_STORE_OK && status != TW_STORE_FULL) {
            snprintf(failure, 512, "%s", error.text);
            return false;
        }
    }
    return true;
}

bool tw_outbox_reads_on(const struct tw_outbox *outbox)
{
    return outbox->reads_on;
}

bool tw_outbox_render(struct tw_outbox *outbox, struct tw_attempt *attempt)
{
    static const char why[] = "the alert's record cannot be read";
    char key[64];
    struct tw_kept *alert = tw_records_read(outbox->records, attempt->n);
    if (alert != NULL) {
        struct tw_letter letter = {.view = &alert->view, .log_id = outbox->log_id, .key = key, .json = &alert->json};
        struct tw_evidence evidence = {.png = {0}};
        snprintf(key, sizeof key, "%s-%" PRIu64, outbox->log_id, attempt->n);
        if (attempt->receiver->kind->wants_trades)
            tw_evidence_look_up(outbox->store, &letter, &evidence);
        if (attempt->receiver->kind->wants_picture)
            tw_evidence_draw(&letter, &evidence);
        attempt->receiver->kind->render(attempt->receiver, &letter, attempt->began_wall_ns, &attempt->request);
        tw_evidence_free(&evidence);
    } else {
        tw_attempt_say(attempt, why, sizeof why - 1);
    }
    return alert != NULL;
}

/* ---- many in one ---- */

/* The alerts behind them, in one walk over those of the store. */
struct gathering {
    const struct tw_covering *covering;
    struct tw_digest *digest;
    uint32_t next;
};

static bool gather(void *context, const struct tw_store_alert *alert)
{
    struct gathering *gathering = context;
    const struct tw_covering *covering = gathering->covering;
    while (gathering->next < covering->count && alert->n == covering->list[gathering->next].n) {
        tw_digest_add(gathering->digest, alert->n, alert->bytes, alert->length);
        gathering->next++;
    }
    return gathering->next < gathering->covering->count;
}

/* `digest` says what they have in common, if anything; it is cleared. */
static void write_digest(struct tw_outbox *outbox, struct tw_attempt *attempt, const struct tw_covering *covering,
                         struct tw_digest *digest)
{
    struct gathering gathering = {covering, digest, 0};
    char key[96], again[16] = "";
    uint32_t repeat = 0; /* a key of its own, whatever else is in it */
    for (uint32_t i = 0; i < covering->count; i++)
        repeat = covering->list[i].repeat > repeat ? covering->list[i].repeat : repeat;
    /* Damage further on hides alerts from the digest's list, not from its count. */
    (void)tw_store_alerts(outbox->store, covering->list[0].n - 1, gather, &gathering, NULL);
    for (; gathering.next < covering->count; gathering.next++)
        tw_digest_add(digest, covering->list[gathering.next].n, NULL, 0);
    if (repeat > 0)
        snprintf(again, sizeof again, "-r%" PRIu32, repeat);
    snprintf(key, sizeof key, "%s-%" PRIu64 "-%" PRIu32 "%s", outbox->log_id, attempt->n, digest->count, again);
    struct tw_digest_letter letter = {digest, outbox->log_id, key};
    attempt->receiver->kind->render_digest(attempt->receiver, &letter, attempt->began_wall_ns, &attempt->request);
    tw_digest_clear(digest);
}

bool tw_outbox_render_digest(struct tw_outbox *outbox, struct tw_attempt *attempt, char failure[512])
{
    struct tw_covering *covering = &attempt->covering;
    struct tw_digest digest = {.count = 0};
    struct tw_store_error error;
    bool read = tw_covering_pending(outbox->store, name_of(outbox, attempt->number), attempt->digest_until,
                                    tw_routes_group(outbox->routes), covering, &error);
    if (!read)
        snprintf(failure, 512, "%s", error.text);
    attempt->digest_count = read ? covering->count : 0;
    if (attempt->digest_count > 0) {
        attempt->n = attempt->digest_until = covering->list[covering->count - 1].n;
        write_digest(outbox, attempt, covering, &digest);
    }
    return attempt->digest_count > 0;
}

/* How often all of them were told before. */
static uint32_t repeats_of(const struct tw_covering *covering)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < covering->count; i++) {
        if (covering->list[i].repeat == 0)
            return 0;
        most = covering->list[i].repeat > most ? covering->list[i].repeat : most;
    }
    return most;
}

bool tw_outbox_render_group(struct tw_outbox *outbox, struct tw_attempt *attempt, char failure[512])
{
    struct tw_covering *covering = &attempt->covering;
    struct tw_store_error error;
    bool ok = tw_covering_group(outbox->store, name_of(outbox, attempt->number), attempt->n, covering, &error);
    if (!ok)
        snprintf(failure, 512, "%s", error.text);
    attempt->digest_count = ok ? covering->count : 0;
    bool many = tw_receiver_takes_many(attempt->receiver);
    TW_ASSERT(many || covering->count <= 1); /* what is noted of it is noted of each */
    if (ok && (!many || (covering->count <= 1 && repeats_of(covering) == 0))) {
        ok = tw_outbox_render(outbox, attempt);
    } else if (ok) {
        const struct tw_covered *last = &covering->list[covering->count - 1];
        struct tw_digest digest = {.group = {last->group, last->group_length}, .repeat = repeats_of(covering)};
        write_digest(outbox, attempt, covering, &digest);
    }
    return ok;
}

/* ---- what came of it ---- */

static struct note *new_note(struct tw_outbox *outbox)
{
    if (outbox->note_count == outbox->note_capacity) {
        outbox->note_capacity = outbox->note_capacity == 0 ? 64 : outbox->note_capacity * 2;
        outbox->notes = tw_realloc(outbox->notes, outbox->note_capacity * sizeof *outbox->notes);
        outbox->batch = tw_realloc(outbox->batch, outbox->note_capacity * sizeof *outbox->batch);
    }
    return &outbox->notes[outbox->note_count++];
}

static enum tw_store_outcome outcome_of(enum tw_delivery_end end)
{
    switch (end) {
    case TW_END_DONE:
        return TW_DELIVERY_DONE;
    case TW_END_AGAIN:
        return TW_DELIVERY_AGAIN;
    case TW_END_REJECTED:
        return TW_DELIVERY_REJECTED;
    case TW_END_GIVEN_UP:
        return TW_DELIVERY_GIVEN_UP;
    }
    TW_UNREACHABLE("an end without an outcome");
}

static enum tw_store_reason reason_of(enum tw_delivery_end end)
{
    return end == TW_END_REJECTED ? TW_REASON_REJECTED : end == TW_END_GIVEN_UP ? TW_REASON_DEADLINE : TW_REASON_NONE;
}

void tw_outbox_note(struct tw_outbox *outbox, const struct tw_attempt *attempt, const struct tw_delivery_effect *effect,
                    int64_t now_ns)
{
    struct note *note = new_note(outbox);
    int64_t latency_us = (now_ns - attempt->began_ns) / 1000;
    outbox->at_once = outbox->at_once || attempt->receiver->pace.burst > 0; /* a digest asks what is pending */
    outbox->ended = outbox->ended || effect->end != TW_END_AGAIN;
    memcpy(note->said, attempt->said, attempt->said_length);
    note->attempt = (struct tw_store_attempt){
        .receiver = name_of(outbox, attempt->number),
        .n = attempt->n,
        .outcome = outcome_of(effect->end),
        .reason = reason_of(effect->end),
        .attempts = effect->pending.attempts,
        .queued_ns = effect->pending.queued_ns - outbox->behind_ns,
        .next_ns =
            effect->end == TW_END_AGAIN ? effect->pending.not_before_ns - outbox->behind_ns : attempt->began_wall_ns,
        .began_ns = attempt->began_wall_ns,
        .latency_us = latency_us > UINT32_MAX ? UINT32_MAX : (uint32_t)latency_us,
        .status = attempt->answer.status,
        .answer = {NULL, attempt->said_length},
    };
}

/* What the note made last says of a group's message that it was in. */
static void note_member(struct tw_outbox *outbox, const struct tw_covered *it)
{
    struct note *note = &outbox->notes[outbox->note_count - 1];
    struct tw_store_attempt *attempt = &note->attempt;
    int64_t repeat_ns = tw_routes_grouping(outbox->routes, (struct tw_text){it->group, it->group_length}).repeat_ns;
    memcpy(note->group, it->group, it->group_length);
    memcpy(attempt->id, it->id, sizeof attempt->id);
    attempt->lead = it->lead;
    attempt->group = (struct tw_text){NULL, it->group_length};
    attempt->repeat = it->repeat;
    attempt->repeat_at_ns = repeat_ns > 0 ? attempt->began_ns + repeat_ns : 0;
}

static void say_for(const struct tw_attempt *attempt, const struct tw_covered *it, struct tw_attempt *each)
{
    char said[TW_ANSWER_BYTES_MAX] = "";
    int length = 0;
    if (attempt->group)
        length = snprintf(said, sizeof said, "in the group %.*s of %" PRIu32 ", under alert %" PRIu64 "%s",
                          (int)it->group_length, it->group, attempt->digest_count, attempt->n,
                          it->n == attempt->n && attempt->said_length > 0 ? ": " : "");
    else if (it->n != attempt->n)
        length = snprintf(said, sizeof said, "in a digest of %" PRIu32 ", under alert %" PRIu64, attempt->digest_count,
                          attempt->n);
    size_t begun = (size_t)length < sizeof said ? (size_t)length : sizeof said - 1, room = sizeof said - begun;
    size_t rest = it->n != attempt->n ? 0 : attempt->said_length < room ? attempt->said_length : room;
    memcpy(each->said, said, begun);
    memcpy(each->said + begun, attempt->said, rest);
    each->said_length = (uint32_t)(begun + rest);
}

/* One that failed is noted once, under the last of its alerts; what was done with it, for each. */
void tw_outbox_note_digest(struct tw_outbox *outbox, const struct tw_attempt *attempt,
                           const struct tw_delivery_effect *effect, int64_t now_ns)
{
    const struct tw_covering *covering = &attempt->covering;
    struct tw_attempt each = *attempt;
    outbox->at_once = true;
    for (uint32_t i = effect->end == TW_END_AGAIN && covering->count > 0 ? covering->count - 1 : 0; i < covering->count;
         i++) {
        const struct tw_covered *it = &covering->list[i];
        struct tw_delivery_effect one = *effect;
        if (!attempt->group)
            one.pending.queued_ns = it->queued_ns + outbox->behind_ns;
        each.n = it->n;
        say_for(attempt, it, &each);
        tw_outbox_note(outbox, &each, &one, now_ns);
        if (it->lead != 0)
            note_member(outbox, it);
    }
}

static void note_expired(struct tw_outbox *outbox, const struct tw_delivery_job *job, uint64_t n, int64_t core_now_ns)
{
    static const char why[] = "the deadline passed";
    struct note *note = new_note(outbox);
    memcpy(note->said, why, sizeof why - 1);
    note->attempt = (struct tw_store_attempt){
        .receiver = name_of(outbox, job->receiver),
        .n = n,
        .outcome = TW_DELIVERY_GIVEN_UP,
        .reason = TW_REASON_DEADLINE,
        .attempts = job->pending.attempts,
        .queued_ns = job->pending.queued_ns - outbox->behind_ns,
        .next_ns = core_now_ns - outbox->behind_ns,
        .began_ns = core_now_ns - outbox->behind_ns,
        .answer = {NULL, sizeof why - 1},
    };
    tw_log(TW_LOG_WARNING, "delivery", "alert %" PRIu64 " is a dead letter of %s: the deadline passed", n,
           outbox->receivers->list[job->receiver].name);
}

void tw_outbox_note_expired(struct tw_outbox *outbox, const struct tw_delivery_job *job, int64_t core_now_ns)
{
    struct tw_covering covering = {.list = NULL};
    struct tw_store_error error;
    outbox->at_once = outbox->ended = true;
    if (!job->pending.group) {
        note_expired(outbox, job, job->pending.n, core_now_ns);
        return;
    }
    if (!tw_covering_group(outbox->store, name_of(outbox, job->receiver), job->pending.n, &covering, &error))
        tw_log(TW_LOG_ERROR, "delivery", "%s", error.text);
    for (uint32_t i = 0; i < covering.count; i++) {
        note_expired(outbox, job, covering.list[i].n, core_now_ns);
        note_member(outbox, &covering.list[i]);
    }
    tw_covering_free(&covering);
}

enum tw_store_status tw_outbox_commit(struct tw_outbox *outbox, int64_t core_now_ns, char failure[512])
{
    struct tw_store_error error;
    if (outbox->note_count == 0)
        return TW_STORE_OK;
    if (core_now_ns < outbox->retry_ns)
        return TW_STORE_FULL;
    for (uint32_t i = 0; i < outbox->note_count; i++) { /* the notes may have moved since they were made */
        outbox->batch[i] = outbox->notes[i].attempt;
        outbox->batch[i].answer.bytes = outbox->notes[i].said;
        outbox->batch[i].group.bytes = outbox->notes[i].group;
    }
    enum tw_store_status status = tw_store_put_attempts(outbox->store, outbox->batch, outbox->note_count, &error);
    if (status == TW_STORE_OK) {
        outbox->note_count = 0;
        outbox->at_once = false;
        outbox->retry_ns = 0;
    } else if (status == TW_STORE_FULL) {
        if (outbox->retry_ns == 0)
            tw_log(TW_LOG_ERROR, "delivery", "%s; deliveries wait until then", error.text);
        outbox->retry_ns = core_now_ns + FULL_RETRY_NS;
    } else {
        snprintf(failure, 512, "%s", error.text);
    }
    return status;
}

static bool will_read(const struct tw_outbox *outbox)
{
    struct tw_delivery_wish wish;
    for (uint32_t i = 0; i < outbox->receivers->count; i++)
        if (tw_delivery_wants(outbox->core, i, &wish))
            return true;
    return false;
}

bool tw_outbox_gathers(const struct tw_outbox *outbox)
{
    return outbox->note_count > 0 && outbox->note_count < NOTES_GATHERED && outbox->retry_ns == 0 && !outbox->at_once &&
           !will_read(outbox);
}

bool tw_outbox_has_notes(const struct tw_outbox *outbox)
{
    return outbox->note_count > 0;
}

int64_t tw_outbox_retry_ns(const struct tw_outbox *outbox)
{
    return outbox->retry_ns;
}

bool tw_outbox_was_retried(struct tw_outbox *outbox)
{
    uint64_t before = outbox->retries;
    bool again = outbox->held_back && outbox->ended && !outbox->reads_on;
    outbox->retries = tw_store_retries(outbox->store);
    if (again)
        outbox->held_back = outbox->ended = false;
    return outbox->retries != before || again;
}

void tw_outbox_cut_ledger(struct tw_outbox *outbox, int64_t before_wall_ns)
{
    (void)tw_store_groups_forget(outbox->store, before_wall_ns, NULL);
    (void)tw_store_ledger_drop(outbox->store, before_wall_ns, NULL); /* on a full disk it stays for now */
}
