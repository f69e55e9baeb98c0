/* SPDX-License-Identifier: MIT */
#include "tests/sim/crowd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/crowd_inside.h"
#include "tests/sim/net.h"

#define HELLO_EVERY_NS (300 * SIM_MS)
#define RESEND_NS SIM_SECOND

static struct process *add_process(struct crowd *crowd, uint32_t publisher, uint32_t incarnation, int variant)
{
    struct sim *sim = crowd->sim;
    struct process *process = &crowd->processes[crowd->process_count++];
    *process = (struct process){.publisher = publisher,
                                .incarnation = incarnation,
                                .variant = variant,
                                .alive = true,
                                .next = 1,
                                .credit = sim->plan.credit,
                                .ack_next = 1};
    process->quota = 1 + sim_below(&sim->random, 2 * sim->plan.trades_each);
    process->due_ns = sim->now_ns + sim_about(&sim->random, sim->plan.trade_every_ns);
    process->columnar = sim_chance(&sim->random, sim->plan.columnar_pm) && !crowd->publishers[publisher].has_twin;
    if (crowd->publishers[publisher].newest < incarnation)
        crowd->publishers[publisher].newest = incarnation;
    return process;
}

struct crowd *crowd_new(struct sim *sim)
{
    struct crowd *crowd = tw_alloc_zero(1, sizeof *crowd);
    const struct sim_plan *plan = &sim->plan;
    crowd->sim = sim;
    for (uint32_t i = 0; i < plan->publishers + plan->feeds + plan->anonymous; i++) {
        struct publisher *publisher = &crowd->publishers[crowd->publisher_count++];
        publisher->character = i < plan->publishers ? PUSHES : i < plan->publishers + plan->feeds ? FEEDS : ANONYMOUS;
        snprintf(publisher->name, sizeof publisher->name, publisher->character == FEEDS ? "feed-%u" : "desk-%u", i);
        struct process *process = add_process(crowd, i, 0, 0);
        /* A first incarnation may do without a hello. */
        process->greeted = publisher->character != PUSHES || sim_chance(&sim->random, 500);
    }
    return crowd;
}

void crowd_free(struct crowd **crowd_pointer)
{
    struct crowd *crowd = *crowd_pointer;
    for (uint32_t i = 0; i < crowd->publisher_count; i++)
        for (int k = 0; k < INCARNATIONS_MAX; k++)
            for (int variant = 0; variant < 2; variant++)
                free(crowd->publishers[i].numbers[k][variant].list);
    for (uint32_t i = 0; i < crowd->process_count; i++)
        tw_columns_free(&crowd->processes[i].columns);
    free(crowd);
    *crowd_pointer = NULL;
}

/* ---- sending ---- */

static struct tw_text name_of(const struct crowd *crowd, const struct process *process)
{
    const struct publisher *publisher = &crowd->publishers[process->publisher];
    return publisher->character == ANONYMOUS ? (struct tw_text){NULL, 0}
                                             : (struct tw_text){publisher->name, (uint32_t)strlen(publisher->name)};
}

static void post(struct crowd *crowd, const struct process *process, const struct tw_buffer *bytes)
{
    enum character character = crowd->publishers[process->publisher].character;
    bool feed = character == FEEDS || process->astray;
    net_send(crowd->sim->net, feed ? NET_FEED : NET_TRADES, (uint32_t)(process - crowd->processes),
             character == ANONYMOUS, bytes->bytes, bytes->length);
}

static void say_hello(struct crowd *crowd, struct process *process)
{
    struct tw_buffer bytes = {0};
    sim_tell(crowd->sim, crowd->publishers[process->publisher].name, "hello under incarnation %u",
             process->incarnation);
    tw_submission_encode_rows(&bytes, name_of(crowd, process), process->incarnation, process->next, NULL, 0);
    post(crowd, process, &bytes);
    tw_buffer_free(&bytes);
}

static void encode_columns(struct crowd *crowd, struct process *process, uint64_t first, const struct tw_trade *trades,
                           uint32_t count, struct tw_buffer *out)
{
    /* A feed or an anonymous message cannot be asked for names: each brings all that it uses. */
    bool alone = crowd->publishers[process->publisher].character != PUSHES;
    if (alone)
        tw_columns_free(&process->columns);
    if (process->columns == NULL) {
        process->columns = tw_columns_new(name_of(crowd, process), process->incarnation);
        if (process->names_known > 0)
            tw_columns_start_after(process->columns, process->names_known);
    }
    for (uint32_t i = 0; i < count; i++)
        TW_ASSERT(tw_columns_add(process->columns, &trades[i]));
    uint64_t known = process->names_known < tw_columns_names_written(process->columns)
                         ? process->names_known
                         : tw_columns_names_written(process->columns);
    tw_columns_finish(process->columns, first, alone ? 0 : known, out);
}

static void send(struct crowd *crowd, struct process *process, uint64_t first, uint32_t count)
{
    struct tw_trade trades[64];
    struct tw_buffer bytes = {0};
    for (uint32_t i = 0; i < count; i++)
        crowd_make(crowd, process, first + i);
    for (uint32_t i = 0; i < count; i++) /* only now: making one may move the others */
        trades[i] = crowd_make(crowd, process, first + i)->trade;
    bool columnar = process->columnar && crowd->publishers[process->publisher].character == PUSHES;
    if (columnar)
        encode_columns(crowd, process, first, trades, count, &bytes);
    else
        tw_submission_encode_rows(&bytes, name_of(crowd, process), process->incarnation, first, trades, count);
    sim_tell(crowd->sim, crowd->publishers[process->publisher].name, "sends %u.%llu to %llu%s", process->incarnation,
             (unsigned long long)first, (unsigned long long)(first + count - 1), columnar ? " in columns" : "");
    post(crowd, process, &bytes);
    tw_buffer_free(&bytes);
}

static void send_next(struct crowd *crowd, struct process *process)
{
    struct sim *sim = crowd->sim;
    bool pushes = crowd->publishers[process->publisher].character == PUSHES;
    uint64_t limit = process->durable + process->credit;
    uint64_t last = process->ready < limit || !pushes ? process->ready : limit;
    if (process->next > last)
        return;
    uint32_t count = 1 + sim_below(&sim->random, 24);
    if (count > last - process->next + 1)
        count = (uint32_t)(last - process->next + 1);
    send(crowd, process, process->next, count);
    process->next += count;
}

/* What CONTRACT.md says not to do: an old message again, one that leaves a gap; or one that comes as a feed's, whose
 * gaps would be believed: who pushes is not heard there. */
static void misbehave(struct crowd *crowd, struct process *process)
{
    struct sim *sim = crowd->sim;
    if (process->ready < 3)
        return;
    uint64_t first = 1 + sim_below(&sim->random, (uint32_t)process->ready);
    uint64_t count = 1 + sim_below(&sim->random, 12);
    if (first + count - 1 > process->ready)
        count = process->ready - first + 1;
    process->astray = process->durable > 0 && sim_chance(&sim->random, 300);
    send(crowd, process, first, (uint32_t)count);
    process->astray = false;
}

static void act(struct crowd *crowd, struct process *process)
{
    struct sim *sim = crowd->sim;
    enum character character = crowd->publishers[process->publisher].character;
    process->due_ns = sim->now_ns + sim_about(&sim->random, sim->plan.trade_every_ns);
    if (!process->greeted) {
        process->due_ns = sim->now_ns + HELLO_EVERY_NS;
        say_hello(crowd, process);
        return;
    }
    if (process->ready < process->quota)
        process->ready += 1 + (sim_chance(&sim->random, 100) ? sim_below(&sim->random, 30) : 0);
    if (process->ready > process->quota)
        process->ready = process->quota;
    if (character == PUSHES && process->durable < process->ready && sim->now_ns - process->progress_ns >= RESEND_NS) {
        process->progress_ns = sim->now_ns;
        bool heard = sim->now_ns - process->heard_ns < RESEND_NS;
        process->next = heard && process->ack_next <= process->ready ? process->ack_next : process->durable + 1;
        if (!heard)
            say_hello(crowd, process);
    }
    if (character == PUSHES && sim->faults && sim_chance(&sim->random, 20))
        misbehave(crowd, process);
    if (!process->held)
        send_next(crowd, process);
}

int64_t crowd_act(struct crowd *crowd)
{
    int64_t next_ns = SIM_NEVER;
    for (uint32_t i = 0; i < crowd->process_count; i++) {
        struct process *process = &crowd->processes[i];
        if (!process->alive || process->stopped)
            continue;
        if (process->due_ns <= crowd->sim->now_ns)
            act(crowd, process);
        if (process->due_ns < next_ns)
            next_ns = process->due_ns;
    }
    return next_ns;
}

/* ---- hearing ---- */

bool crowd_listens(const struct crowd *crowd, uint32_t process, struct tw_text publisher)
{
    const struct process *listener = &crowd->processes[process];
    struct tw_text name = name_of(crowd, listener);
    return listener->alive && name.length == publisher.length && name.length > 0 &&
           memcmp(name.bytes, publisher.bytes, name.length) == 0;
}

static void stop(struct crowd *crowd, struct process *process, const char *why)
{
    sim_tell(crowd->sim, crowd->publishers[process->publisher].name, "incarnation %u stops: %s", process->incarnation,
             why);
    process->stopped = true;
}

static void tell_said(struct crowd *crowd, const struct process *process, uint64_t pseq)
{
    const struct said *said = crowd_number(&crowd->publishers[process->publisher], process->incarnation, pseq, 0);
    if (said == NULL)
        return;
    const struct tw_trade *trade = &said->trade;
    sim_tell(crowd->sim, crowd->publishers[process->publisher].name,
             "%u.%llu was: kind %u side %u %.*s %.*s qty %lld price %lld ts %lld (%d) id %s ref %s ccy %.*s flaw %d",
             process->incarnation, (unsigned long long)pseq, trade->kind, trade->side, (int)trade->symbol.length,
             trade->symbol.length > 0 ? trade->symbol.bytes : "", (int)trade->account.length,
             trade->account.length > 0 ? trade->account.bytes : "", (long long)trade->qty_e8,
             (long long)trade->price_e8, (long long)trade->ts_ns, trade->has_ts, said->id, said->ref,
             (int)trade->ccy.length, trade->ccy.length > 0 ? trade->ccy.bytes : "", (int)said->flaw);
}

/* True: go on with the ack. */
static bool hear_hold(struct crowd *crowd, struct process *process, const struct tw_ack *ack)
{
    struct publisher *publisher = &crowd->publishers[process->publisher];
    process->held = false;
    if (!ack->has_hold)
        return true;
    if (tw_text_is(ack->hold_code, "disk")) {
        process->held = true;
    } else if (tw_text_is(ack->hold_code, "sequence_reused")) {
        tell_said(crowd, process, ack->hold_seq);
        SIM_CHECK(crowd->sim, publisher->has_twin, "%s is told that it reused %u.%llu, which it never did",
                  publisher->name, process->incarnation, (unsigned long long)ack->hold_seq);
        stop(crowd, process, "its numbers were used by somebody else");
        return false;
    } else if (tw_text_is(ack->hold_code, "stale_incarnation")) {
        SIM_CHECK(crowd->sim, publisher->newest > process->incarnation, "%s: incarnation %u is called stale",
                  publisher->name, process->incarnation);
        stop(crowd, process, "a newer incarnation is in force");
        return false;
    } else if (tw_text_is(ack->hold_code, "hello_required")) {
        process->greeted = false;
    } else if (tw_text_is(ack->hold_code, "bad_names")) { /* somebody else's: begin anew behind them */
        tw_columns_free(&process->columns);
        process->names_known = ack->names;
        process->next = ack->next;
    } else if (tw_text_is(ack->hold_code, "unknown_name")) {
        process->names_known = ack->names;
        process->next = ack->next;
    } else {
        sim_fail(crowd->sim, "%s is held: %.*s (%.*s)", publisher->name, (int)ack->hold_code.length,
                 ack->hold_code.bytes, (int)ack->hold_why.length, ack->hold_why.bytes);
    }
    return true;
}

void crowd_hear(struct crowd *crowd, uint32_t index, const void *bytes, size_t length)
{
    struct sim *sim = crowd->sim;
    struct process *process = &crowd->processes[index];
    struct tw_ack ack;
    SIM_CHECK(sim, tw_ack_decode(bytes, length, &ack), "an ack that cannot be read");
    if (!process->alive || process->stopped)
        return;
    if (ack.incarnation > process->incarnation) {
        stop(crowd, process, "a newer incarnation is acked");
        return;
    }
    if (ack.incarnation != process->incarnation || !hear_hold(crowd, process, &ack))
        return;
    process->heard_ns = sim->now_ns;
    process->ack_next = ack.next;
    process->credit = ack.credit;
    process->names_known = ack.names;
    if (!process->greeted) {
        process->greeted = true;
        process->next = ack.next;
        process->ready = process->ready < ack.next - 1 ? ack.next - 1 : process->ready;
        process->quota = process->quota < process->ready ? process->ready : process->quota;
        process->durable = ack.durable;
        process->progress_ns = sim->now_ns;
    }
    if (ack.durable > process->durable) {
        process->durable = ack.durable;
        process->progress_ns = sim->now_ns;
    }
    if (ack.gap > process->gap && ack.next <= process->ready + 1)
        process->next = ack.next;
    process->gap = ack.gap;
    if (process->next <= process->durable)
        process->next = process->durable + 1;
    if (process->ready < process->durable) /* a twin was faster */
        process->ready = process->quota = process->durable;
}

void crowd_reconnect(struct crowd *crowd)
{
    for (uint32_t i = 0; i < crowd->process_count; i++) {
        crowd->processes[i].gap = 0;
        if (crowd->publishers[crowd->processes[i].publisher].character == PUSHES)
            crowd->processes[i].greeted = crowd->processes[i].greeted && sim_chance(&crowd->sim->random, 300);
    }
}

/* ---- faults ---- */

uint32_t crowd_processes(const struct crowd *crowd)
{
    return crowd->process_count;
}

void crowd_cut(struct crowd *crowd)
{
    uint32_t index = sim_below(&crowd->sim->random, crowd->process_count);
    net_cut(crowd->sim->net, NET_TRADES, index);
    net_cut(crowd->sim->net, NET_FEED, index);
    net_cut(crowd->sim->net, NET_ACKS, index);
}

void crowd_restart(struct crowd *crowd)
{
    struct sim *sim = crowd->sim;
    uint32_t index = sim_below(&sim->random, crowd->process_count);
    struct process *process = &crowd->processes[index];
    struct publisher *publisher = &crowd->publishers[process->publisher];
    if (!process->alive || process->stopped || publisher->character == ANONYMOUS ||
        crowd->process_count + 1 >= CROWD_PROCESSES_MAX || publisher->newest + 1 >= INCARNATIONS_MAX)
        return;
    uint32_t dice = sim_below(&sim->random, 3);
    if (publisher->character == FEEDS)
        dice = 0;
    if (dice == 0) { /* a new incarnation; the old process may linger */
        sim_tell(sim, publisher->name, "a new process under incarnation %u", publisher->newest + 1);
        process->alive = publisher->character == PUSHES && sim_chance(&sim->random, 300);
        struct process *next = add_process(crowd, process->publisher, publisher->newest + 1, 0);
        next->greeted = publisher->character != PUSHES;
    } else if (dice == 1) { /* the same again: it has lost everything but its trades */
        sim_tell(sim, publisher->name, "comes back under incarnation %u", process->incarnation);
        uint64_t quota = process->quota;
        process->alive = false;
        struct process *next = add_process(crowd, process->publisher, process->incarnation, process->variant);
        next->quota = next->ready = quota;
        /* In rows: an ack may speak of names before the old process's last messages are read, and name numbers of the
         * two are told apart by nothing. */
        next->columnar = false;
        next->ready = crowd->publishers[process->publisher].numbers[process->incarnation][process->variant].count;
    } else if (sim->plan.twins && !publisher->has_twin) {
        sim_tell(sim, publisher->name, "a twin appears under incarnation %u", process->incarnation);
        publisher->has_twin = true;
        add_process(crowd, process->publisher, process->incarnation, 1);
        /* In rows: two processes that both send names under one incarnation take each other's for their own. */
        for (uint32_t i = 0; i < crowd->process_count; i++)
            if (crowd->processes[i].publisher == process->publisher)
                crowd->processes[i].columnar = false;
        net_cut(sim->net, NET_TRADES, index);
    }
}

/* ---- for the ledger ---- */

static const struct publisher *find(const struct crowd *crowd, struct tw_text name)
{
    for (uint32_t i = 0; i < crowd->publisher_count; i++)
        if (crowd->publishers[i].character != ANONYMOUS && strlen(crowd->publishers[i].name) == name.length &&
            memcmp(crowd->publishers[i].name, name.bytes, name.length) == 0)
            return &crowd->publishers[i];
    return NULL;
}

const struct said *crowd_said(const struct crowd *crowd, struct tw_text publisher, uint32_t incarnation, uint64_t pseq,
                              int variant)
{
    const struct publisher *found = find(crowd, publisher);
    return found == NULL ? NULL : crowd_number(found, incarnation, pseq, variant);
}

const struct said *crowd_anonymous(const struct crowd *crowd, struct tw_text id)
{
    char text[41];
    unsigned incarnation;
    unsigned long long pseq;
    snprintf(text, sizeof text, "%.*s", (int)id.length, id.bytes);
    if (sscanf(text, "an-%u-%llu", &incarnation, &pseq) != 2)
        return NULL;
    for (uint32_t i = 0; i < crowd->publisher_count; i++)
        if (crowd->publishers[i].character == ANONYMOUS)
            return crowd_number(&crowd->publishers[i], incarnation, pseq, 0);
    return NULL;
}

bool crowd_is_feed(const struct crowd *crowd, struct tw_text publisher)
{
    const struct publisher *found = find(crowd, publisher);
    return found != NULL && found->character == FEEDS;
}

bool crowd_has_twin(const struct crowd *crowd, struct tw_text publisher)
{
    const struct publisher *found = find(crowd, publisher);
    return found != NULL && found->has_twin;
}

bool crowd_satisfied(const struct crowd *crowd, char why[256])
{
    for (uint32_t i = 0; i < crowd->process_count; i++) {
        const struct process *process = &crowd->processes[i];
        const struct publisher *publisher = &crowd->publishers[process->publisher];
        bool done =
            process->ready == process->quota &&
            (publisher->character == PUSHES ? process->durable >= process->quota : process->next > process->quota);
        if (!process->alive || process->stopped || done)
            continue;
        snprintf(why, 256, "%s.%u: made %llu of %llu, next %llu, durable %llu%s", publisher->name, process->incarnation,
                 (unsigned long long)process->ready, (unsigned long long)process->quota,
                 (unsigned long long)process->next, (unsigned long long)process->durable,
                 process->greeted ? "" : ", not greeted");
        return false;
    }
    return true;
}
