/* SPDX-License-Identifier: MIT */
#include "tests/sim/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/disk.h"
#include "tests/sim/ledger_inside.h"

#define U(number) ((unsigned long long)(number))

void *ledger_grow(void *list, uint64_t needed, uint64_t *capacity, size_t element)
{
    uint64_t before = *capacity;
    if (needed < before)
        return list;
    while (*capacity <= needed)
        *capacity = *capacity == 0 ? 64 : *capacity * 2;
    list = tw_realloc(list, *capacity * element);
    memset((uint8_t *)list + before * element, 0, (*capacity - before) * element);
    return list;
}

bool ledger_same(struct tw_text a, struct tw_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

struct ledger *ledger_new(struct sim *sim)
{
    struct ledger *ledger = tw_alloc_zero(1, sizeof *ledger);
    ledger->sim = sim;
    ledger->judge = judge_new();
    ledger->reference = reference_new(ledger);
    return ledger;
}

void ledger_free(struct ledger **ledger_pointer)
{
    struct ledger *ledger = *ledger_pointer;
    judge_free(&ledger->judge);
    reference_free(&ledger->reference);
    for (uint64_t lsn = 1; lsn <= ledger->last_lsn; lsn++)
        tw_frame_drop(&ledger->frames[lsn]);
    for (uint64_t n = 1; n <= ledger->alert_count; n++)
        free(ledger->alerts[n].bytes);
    free(ledger->frames);
    free(ledger->sources);
    free(ledger->rows);
    free(ledger->refused);
    free(ledger->alerts);
    free(ledger->done);
    free(ledger);
    *ledger_pointer = NULL;
}

struct source *ledger_source(struct ledger *ledger, struct tw_text publisher, uint32_t incarnation)
{
    for (uint32_t id = 1; id <= ledger->name_count[TW_NAME_SOURCE]; id++)
        if (ledger->sources[id].incarnation == incarnation && ledger_same(ledger->sources[id].publisher, publisher))
            return &ledger->sources[id];
    return NULL;
}

/* ---- the log ---- */

static void take_new(struct ledger *ledger)
{
    struct disk *disk = ledger->sim->disk;
    while (ledger->last_lsn < disk->last_lsn) {
        uint64_t lsn = ledger->last_lsn + 1;
        const struct tw_record *record = &disk->log[lsn].record;
        ledger->frames = ledger_grow(ledger->frames, lsn, &ledger->frame_capacity, sizeof *ledger->frames);
        ledger->frames[lsn] = tw_frame_share(disk->log[lsn].frame);
        ledger_take(ledger, record);
        ledger_judge(ledger, record);
    }
}

void ledger_synced(struct ledger *ledger)
{
    take_new(ledger);
}

void ledger_recovered(struct ledger *ledger, uint64_t last_alert)
{
    struct sim *sim = ledger->sim;
    struct disk *disk = sim->disk;
    SIM_CHECK(sim, disk->last_lsn >= ledger->last_lsn, "the log ends at %llu; %llu was durable", U(disk->last_lsn),
              U(ledger->last_lsn));
    for (uint64_t lsn = 1; lsn <= ledger->last_lsn; lsn++)
        SIM_CHECK(sim, disk->log[lsn].frame == ledger->frames[lsn], "record %llu is another than was durable", U(lsn));
    take_new(ledger);
    SIM_CHECK(sim, last_alert == ledger->alert_count && disk->last_alert == last_alert,
              "after recovery there are %llu alerts, %llu stored; the log gives %llu", U(last_alert),
              U(disk->last_alert), U(ledger->alert_count));
    for (uint64_t n = 1; n <= disk->last_alert; n++)
        ledger_stored(ledger, n);
    SIM_CHECK(sim, disk->last_action == ledger->action_count, "%llu actions are stored; the log has %llu",
              U(disk->last_action), U(ledger->action_count));
    ledger->published = ledger->action_count;
}

void ledger_dropped(struct ledger *ledger, uint64_t last_seq, uint64_t last_lsn)
{
    struct sim *sim = ledger->sim;
    uint32_t behind = 0;
    SIM_CHECK(sim, last_seq == ledger->forgotten_seq && ledger->retention_lsn > last_lsn,
              "trades up to %llu go; the log says %llu", U(last_seq), U(ledger->forgotten_seq));
    for (uint32_t i = 0; i < sim->disk->snapshot_count; i++)
        behind += sim->disk->snapshots[i].lsn > ledger->retention_lsn;
    SIM_CHECK(sim, behind == sim->disk->snapshot_count && behind >= 2,
              "records up to %llu go, and %u snapshots of %u lie behind that", U(last_lsn), behind,
              sim->disk->snapshot_count);
}

/* ---- acks ---- */

static void check_refused(struct ledger *ledger, const struct tw_ack *ack, const struct source *source)
{
    for (uint32_t i = 0; i < ack->refused_count; i++) {
        uint64_t number = 1;
        for (; number <= ledger->refused_count; number++)
            if (&ledger->sources[ledger->refused[number].source] == source &&
                ledger->refused[number].pseq == ack->refused[i].seq)
                break;
        SIM_CHECK(ledger->sim,
                  number <= ledger->refused_count && ledger_same(ledger->refused[number].code, ack->refused[i].code),
                  "an ack says that %llu was refused; that is not durable", U(ack->refused[i].seq));
    }
}

static void check_previous(struct ledger *ledger, const struct tw_ack *ack, const struct source *source)
{
    struct sim *sim = ledger->sim;
    struct source *previous = ledger_source(ledger, ack->publisher, ack->previous_incarnation);
    SIM_CHECK(sim, source != NULL && source->fence, "incarnation %u is acked before its fence is durable",
              ack->incarnation);
    uint64_t durable = previous == NULL ? 0 : previous->next - 1;
    SIM_CHECK(sim, ack->previous_durable == durable,
              "incarnation %u is said to have ended at %llu; the log has it to %llu", ack->previous_incarnation,
              U(ack->previous_durable), U(durable));
    if (previous != NULL)
        previous->closed = true;
}

void ledger_ack(struct ledger *ledger, const struct tw_ack *ack)
{
    struct sim *sim = ledger->sim;
    struct source *source = ledger_source(ledger, ack->publisher, ack->incarnation);
    uint64_t durable = source == NULL ? 0 : source->next - 1;
    sim_tell(sim, "gateway", "acks %.*s.%u: durable %llu, next %llu, gap %llu%s%.*s", (int)ack->publisher.length,
             ack->publisher.bytes, ack->incarnation, U(ack->durable), U(ack->next), U(ack->gap),
             ack->has_hold ? ", hold " : "", ack->has_hold ? (int)ack->hold_code.length : 0,
             ack->has_hold ? ack->hold_code.bytes : "");
    SIM_CHECK(sim, ack->durable <= durable, "%.*s.%u: acked up to %llu; durable is %llu", (int)ack->publisher.length,
              ack->publisher.bytes, ack->incarnation, U(ack->durable), U(durable));
    SIM_CHECK(sim, ack->next > ack->durable, "an ack expects %llu and has %llu", U(ack->next), U(ack->durable));
    SIM_CHECK(sim, source != NULL || ack->incarnation == 0 || ack->credit == 0,
              "%.*s.%u: acked before the log keeps lower incarnations out", (int)ack->publisher.length,
              ack->publisher.bytes, ack->incarnation);
    check_refused(ledger, ack, source);
    if (ack->has_previous)
        check_previous(ledger, ack, source);
    if (source != NULL && ack->durable > source->acked)
        source->acked = ack->durable;
}

/* ---- alerts ---- */

void ledger_stored(struct ledger *ledger, uint64_t n)
{
    const struct disk_alert *stored = &ledger->sim->disk->alerts[n];
    ledger_compare(ledger, n, stored->bytes, stored->length, "stored");
    SIM_CHECK(ledger->sim,
              memcmp(stored->digest, ledger->alerts[n].digest, TW_SHA256_BYTES) == 0 &&
                  memcmp(stored->record_digest, ledger->alerts[n].record_digest, TW_SHA256_BYTES) == 0,
              "alert %llu is stored with another digest", U(n));
    ledger_hidden(ledger, n);
}

void ledger_seen(struct ledger *ledger, uint64_t n, const void *bytes, size_t length)
{
    ledger_compare(ledger, n, bytes, length, "seen by a subscriber");
}

void ledger_head(struct ledger *ledger, uint64_t last, struct tw_text digest)
{
    char hex[2 * TW_SHA256_BYTES + 1];
    static const uint8_t none[TW_SHA256_BYTES];
    SIM_CHECK(ledger->sim, last <= ledger->alert_count, "a head says %llu alerts; what is durable makes %llu", U(last),
              U(ledger->alert_count));
    tw_hex(last == 0 ? none : ledger->alerts[last].digest, TW_SHA256_BYTES, hex);
    SIM_CHECK(ledger->sim, tw_text_is(digest, hex), "a head has another digest after alert %llu", U(last));
}

void ledger_refusal_seen(struct ledger *ledger, const struct tw_refusal_message *refusal)
{
    SIM_CHECK(ledger->sim, refusal->number > 0 && refusal->number <= ledger->refused_count, "refusal %llu is not there",
              U(refusal->number));
    const struct refused *kept = &ledger->refused[refusal->number];
    const struct source *source = &ledger->sources[kept->source];
    SIM_CHECK(ledger->sim,
              kept->pseq == refusal->seq && ledger_same(kept->code, refusal->code) &&
                  ledger_same(source->publisher, refusal->publisher) && source->incarnation == refusal->incarnation,
              "refusal %llu is told as another", U(refusal->number));
}

uint64_t ledger_alerts(const struct ledger *ledger)
{
    return ledger->alert_count;
}

uint64_t ledger_refusals(const struct ledger *ledger)
{
    return ledger->refused_count;
}

uint64_t ledger_actions(const struct ledger *ledger)
{
    return ledger->action_count;
}

uint64_t ledger_trades(const struct ledger *ledger)
{
    return ledger->last_seq;
}

void ledger_close(struct ledger *ledger)
{
    struct sim *sim = ledger->sim;
    for (uint32_t id = 1; id <= ledger->name_count[TW_NAME_SOURCE]; id++)
        SIM_CHECK(sim, ledger->sources[id].next > ledger->sources[id].acked, "what was acked is gone");
    for (uint64_t n = 1; n <= ledger->alert_count; n++) {
        const uint8_t *digest = ledger->alerts[n].digest;
        for (uint32_t i = 0; i < TW_SHA256_BYTES; i += 8) {
            uint64_t word;
            memcpy(&word, digest + i, sizeof word);
            sim_mix(sim, word);
        }
    }
}
