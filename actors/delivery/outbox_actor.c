/* SPDX-License-Identifier: MIT */
#include "actors/delivery/outbox_actor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/delivery/digest.h"
#include "actors/delivery/evidence_actor.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"
#include "protocol/digest.h"

#define FULL_RETRY_NS INT64_C(250000000)
#define CACHE_ALERTS 512u /* of 0.5 to 1 KiB, at most 8, and as much again of JSON: 8 MiB at the worst */
#define CACHE_RUN 32u     /* read at a time */

struct note {
    struct tw_store_attempt attempt;
    char said[TW_ANSWER_BYTES_MAX];
};

struct cached { /* an alert's record; n 0: none */
    uint64_t n;
    struct tw_buffer bytes, json; /* json: empty until somebody wants it */
    bool readable;
    struct tw_alert_view view; /* into `bytes` */
};

struct tw_outbox {
    struct tw_store *store;
    struct tw_delivery *core;
    const struct tw_receivers *receivers;
    char log_id[33];
    struct note *notes;
    uint32_t note_count, note_capacity;
    struct tw_store_attempt *batch; /* of note_capacity */
    int64_t retry_ns;
    uint64_t retries;
    struct cached cache[CACHE_ALERTS]; /* at n modulo its size */
};

struct tw_outbox *tw_outbox_new(struct tw_store *store, struct tw_delivery *core, const struct tw_receivers *receivers)
{
    struct tw_outbox *outbox = tw_alloc_zero(1, sizeof *outbox);
    uint8_t log_id[16];
    outbox->store = store;
    outbox->core = core;
    outbox->receivers = receivers;
    tw_store_log_id(store, log_id);
    tw_hex(log_id, sizeof log_id, outbox->log_id);
    outbox->retries = tw_store_retries(store);
    return outbox;
}

void tw_outbox_free(struct tw_outbox **outbox)
{
    if (*outbox == NULL)
        return;
    for (uint32_t i = 0; i < CACHE_ALERTS; i++)
        tw_buffer_free(&(*outbox)->cache[i].bytes), tw_buffer_free(&(*outbox)->cache[i].json);
    free((*outbox)->notes);
    free((*outbox)->batch);
    free(*outbox);
    *outbox = NULL;
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

/* ---- receivers that are gone ---- */

struct orphans {
    const struct tw_outbox *outbox;
    char name[TW_RECEIVER_BYTES_MAX + 1];
    uint64_t count;
};

static void say_orphan(const struct orphans *orphans)
{
    if (orphans->count > 0)
        tw_log(TW_LOG_WARNING, "delivery", "%" PRIu64 " deliveries wait for %s, which is not configured",
               orphans->count, orphans->name);
}

static bool count_orphan(void *context, const struct tw_store_delivery *delivery)
{
    struct orphans *orphans = context;
    char name[TW_RECEIVER_BYTES_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)delivery->receiver.length, delivery->receiver.bytes);
    for (uint32_t i = 0; i < orphans->outbox->receivers->count; i++)
        if (strcmp(orphans->outbox->receivers->list[i].name, name) == 0)
            return true;
    if (strcmp(name, orphans->name) != 0) {
        say_orphan(orphans);
        memcpy(orphans->name, name, sizeof name);
        orphans->count = 0;
    }
    orphans->count++;
    return true;
}

void tw_outbox_say_orphans(struct tw_outbox *outbox)
{
    struct orphans orphans = {.outbox = outbox};
    if (tw_store_deliveries(outbox->store, TW_DELIVERY_PENDING, (struct tw_text){NULL, 0}, 0, count_orphan, &orphans,
                            NULL))
        say_orphan(&orphans);
}

/* ---- windows ---- */

struct found {
    struct tw_pending list[TW_DELIVERY_WINDOW];
    uint32_t count, room;
};

static bool find(void *context, const struct tw_store_delivery *delivery)
{
    struct found *found = context;
    found->list[found->count++] = (struct tw_pending){.n = delivery->n,
                                                      .queued_ns = delivery->queued_ns,
                                                      .not_before_ns = delivery->at_ns,
                                                      .attempts = delivery->attempts};
    return found->count < found->room;
}

/* ---- alerts' records ---- */

/* Into the cache, a run of them: receivers that keep up ask for the same ones, and for the next. */
struct run {
    struct tw_outbox *outbox;
    uint32_t left;
};
static bool keep(void *context, const struct tw_store_alert *alert)
{
    struct run *run = context;
    struct cached *cached = &run->outbox->cache[alert->n % CACHE_ALERTS];
    cached->n = alert->n;
    cached->bytes.length = cached->json.length = 0;
    tw_buffer_append(&cached->bytes, alert->bytes, alert->length);
    cached->readable = tw_alert_decode(cached->bytes.bytes, cached->bytes.length, &cached->view);
    return --run->left > 0;
}

/* Good until the next is read. NULL: it is not there, or not readable. */
static struct cached *read_alert(struct tw_outbox *outbox, uint64_t n)
{
    struct cached *cached = &outbox->cache[n % CACHE_ALERTS];
    struct run run = {outbox, CACHE_RUN};
    if (n == 0)
        return NULL;
    if (cached->n != n) {
        cached->n = 0;
        (void)tw_store_alerts(outbox->store, n - 1, keep, &run, NULL); /* damage further on is no matter here */
    }
    return cached->n == n && cached->readable ? cached : NULL;
}

static bool fill_window(struct tw_outbox *outbox, uint32_t receiver, const struct tw_delivery_wish *wish,
                        struct tw_store_error *error)
{
    struct found found = {.room = wish->room};
    if (!tw_store_deliveries(outbox->store, TW_DELIVERY_PENDING, name_of(outbox, receiver), wish->after, find, &found,
                             error))
        return false;
    for (uint32_t i = 0; i < found.count; i++) {
        const struct cached *alert = read_alert(outbox, found.list[i].n);
        /* An alert that cannot be read is an episode of its own; the attempt says so. */
        if (alert != NULL)
            memcpy(found.list[i].episode, alert->view.id.bytes, sizeof found.list[i].episode);
        else
            memcpy(found.list[i].episode, &found.list[i].n, sizeof found.list[i].n);
        tw_delivery_offer(outbox->core, receiver, &found.list[i]);
    }
    if (found.count < wish->room)
        tw_delivery_read_all(outbox->core, receiver, wish->until);
    return true;
}

bool tw_outbox_fill(struct tw_outbox *outbox, char failure[512])
{
    struct tw_store_error error;
    struct tw_delivery_wish wish;
    for (uint32_t i = 0; i < outbox->receivers->count; i++)
        if (tw_delivery_wants(outbox->core, i, &wish) && !fill_window(outbox, i, &wish, &error)) {
            snprintf(failure, 512, "%s", error.text);
            return false;
        }
    return true;
}

bool tw_outbox_render(struct tw_outbox *outbox, struct tw_attempt *attempt)
{
    static const char why[] = "the alert's record cannot be read";
    char key[64];
    struct cached *alert = read_alert(outbox, attempt->n);
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

/* ---- a digest ---- */

/* What is pending up to `until`: the alerts' numbers, and what their rows say. */
struct covering {
    struct tw_store_delivery *list; /* its texts are not kept */
    uint32_t count, capacity;
    uint64_t until;
};

static bool cover(void *context, const struct tw_store_delivery *delivery)
{
    struct covering *covering = context;
    if (delivery->n > covering->until || covering->count == TW_DIGEST_ALERTS_MAX)
        return false;
    if (covering->count == covering->capacity) {
        covering->capacity = covering->capacity == 0 ? 256 : covering->capacity * 2;
        covering->list = tw_realloc(covering->list, covering->capacity * sizeof *covering->list);
    }
    covering->list[covering->count++] = *delivery;
    return true;
}

static bool read_covered(struct tw_outbox *outbox, uint32_t receiver, uint64_t until, struct covering *covering,
                         struct tw_store_error *error)
{
    *covering = (struct covering){.until = until};
    return tw_store_deliveries(outbox->store, TW_DELIVERY_PENDING, name_of(outbox, receiver), 0, cover, covering,
                               error);
}

/* The alerts behind them, in one walk over those of the store. */
struct gathering {
    const struct covering *covering;
    struct tw_digest *digest;
    uint32_t next;
};

static bool gather(void *context, const struct tw_store_alert *alert)
{
    struct gathering *gathering = context;
    if (alert->n == gathering->covering->list[gathering->next].n) {
        tw_digest_add(gathering->digest, alert->n, alert->bytes, alert->length);
        gathering->next++;
    }
    return gathering->next < gathering->covering->count;
}

static void write_digest(struct tw_outbox *outbox, struct tw_attempt *attempt, const struct covering *covering)
{
    struct tw_digest digest = {0};
    struct gathering gathering = {covering, &digest, 0};
    char key[80];
    /* Damage further on hides alerts from the digest's list, not from its count. */
    (void)tw_store_alerts(outbox->store, covering->list[0].n - 1, gather, &gathering, NULL);
    for (; gathering.next < covering->count; gathering.next++)
        tw_digest_add(&digest, covering->list[gathering.next].n, NULL, 0);
    snprintf(key, sizeof key, "%s-%" PRIu64 "-%" PRIu32, outbox->log_id, attempt->n, digest.count);
    struct tw_digest_letter letter = {&digest, outbox->log_id, key};
    attempt->receiver->kind->render_digest(attempt->receiver, &letter, attempt->began_wall_ns, &attempt->request);
    tw_digest_clear(&digest);
}

bool tw_outbox_render_digest(struct tw_outbox *outbox, struct tw_attempt *attempt, char failure[512])
{
    struct covering covering;
    struct tw_store_error error;
    bool read = read_covered(outbox, attempt->number, attempt->digest_until, &covering, &error);
    if (!read)
        snprintf(failure, 512, "%s", error.text);
    attempt->digest_count = read ? covering.count : 0;
    if (attempt->digest_count > 0) {
        attempt->n = attempt->digest_until = covering.list[covering.count - 1].n;
        write_digest(outbox, attempt, &covering);
    }
    free(covering.list);
    return attempt->digest_count > 0;
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
    memcpy(note->said, attempt->said, attempt->said_length);
    note->attempt = (struct tw_store_attempt){
        .receiver = name_of(outbox, attempt->number),
        .n = attempt->n,
        .outcome = outcome_of(effect->end),
        .reason = reason_of(effect->end),
        .attempts = effect->pending.attempts,
        .queued_ns = effect->pending.queued_ns,
        .next_ns = effect->end == TW_END_AGAIN ? effect->pending.not_before_ns : attempt->began_wall_ns,
        .began_ns = attempt->began_wall_ns,
        .latency_us = latency_us > UINT32_MAX ? UINT32_MAX : (uint32_t)latency_us,
        .status = attempt->answer.status,
        .answer = {NULL, attempt->said_length},
    };
}

/* A digest that failed is noted once, under the last of its alerts; what was done with it, for each. */
void tw_outbox_note_digest(struct tw_outbox *outbox, const struct tw_attempt *attempt,
                           const struct tw_delivery_effect *effect, int64_t now_ns)
{
    struct covering covering;
    struct tw_store_error error;
    struct tw_attempt each = *attempt;
    if (!read_covered(outbox, attempt->number, attempt->digest_until, &covering, &error))
        tw_log(TW_LOG_ERROR, "delivery", "%s", error.text); /* they stay pending, and go once more */
    for (uint32_t i = effect->end == TW_END_AGAIN && covering.count > 0 ? covering.count - 1 : 0; i < covering.count;
         i++) {
        struct tw_delivery_effect one = *effect;
        one.pending.queued_ns = covering.list[i].queued_ns;
        each.n = covering.list[i].n;
        if (each.n != attempt->n) {
            char said[TW_ANSWER_BYTES_MAX];
            int length = snprintf(said, sizeof said, "in a digest of %" PRIu32 ", under alert %" PRIu64,
                                  attempt->digest_count, attempt->n);
            memcpy(each.said, said, (size_t)length);
            each.said_length = (uint32_t)length;
        } else {
            memcpy(each.said, attempt->said, attempt->said_length);
            each.said_length = attempt->said_length;
        }
        tw_outbox_note(outbox, &each, &one, now_ns);
    }
    free(covering.list);
}

void tw_outbox_note_expired(struct tw_outbox *outbox, const struct tw_delivery_job *job, int64_t core_now_ns)
{
    static const char why[] = "the deadline passed";
    struct note *note = new_note(outbox);
    memcpy(note->said, why, sizeof why - 1);
    note->attempt = (struct tw_store_attempt){
        .receiver = name_of(outbox, job->receiver),
        .n = job->pending.n,
        .outcome = TW_DELIVERY_GIVEN_UP,
        .reason = TW_REASON_DEADLINE,
        .attempts = job->pending.attempts,
        .queued_ns = job->pending.queued_ns,
        .next_ns = core_now_ns,
        .began_ns = core_now_ns,
        .answer = {NULL, sizeof why - 1},
    };
    tw_log(TW_LOG_WARNING, "delivery", "alert %" PRIu64 " is a dead letter of %s: the deadline passed", job->pending.n,
           outbox->receivers->list[job->receiver].name);
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
    }
    enum tw_store_status status = tw_store_put_attempts(outbox->store, outbox->batch, outbox->note_count, &error);
    if (status == TW_STORE_OK) {
        outbox->note_count = 0;
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
    outbox->retries = tw_store_retries(outbox->store);
    return outbox->retries != before;
}

void tw_outbox_cut_ledger(struct tw_outbox *outbox, int64_t before_wall_ns)
{
    (void)tw_store_ledger_drop(outbox->store, before_wall_ns, NULL); /* on a full disk it stays for now */
}
