/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "tests/sim/crowd_inside.h"

static const char *const symbols[] = {"AAPL", "MSFT", "X", "Y", "ZION", "GE", "IBM", "T", "KO", "F"};
static const char *const accounts[] = {"acme", "X", "carl", "dune", "echo", "fox", "gull", "hawk", "ibis", "jay"};
static const char *const venues[] = {"XNYS", "XNAS", "BATS"};

static struct tw_text text_of(const char *chars)
{
    return (struct tw_text){chars, (uint32_t)strlen(chars)};
}

const struct said *crowd_number(const struct publisher *publisher, uint32_t incarnation, uint64_t pseq, int variant)
{
    if (incarnation >= INCARNATIONS_MAX)
        return NULL;
    const struct numbers *numbers = &publisher->numbers[incarnation][variant];
    return pseq <= numbers->count && pseq > 0 && numbers->list[pseq].there ? &numbers->list[pseq] : NULL;
}

static struct said *room_for(struct numbers *numbers, uint64_t pseq)
{
    if (pseq >= numbers->capacity) {
        uint64_t capacity = numbers->capacity == 0 ? 64 : numbers->capacity;
        while (capacity <= pseq)
            capacity *= 2;
        struct said *list = tw_alloc_zero(capacity, sizeof *list);
        for (uint64_t i = 0; i < numbers->capacity; i++) {
            list[i] = numbers->list[i];
            list[i].trade.id.bytes = list[i].id; /* they moved */
            list[i].trade.ref.bytes = list[i].ref;
        }
        free(numbers->list);
        numbers->list = list;
        numbers->capacity = capacity;
    }
    if (pseq > numbers->count)
        numbers->count = pseq;
    return &numbers->list[pseq];
}

static int64_t make_ts(struct sim *sim)
{
    int64_t ts_ns = sim_wall(sim);
    if (sim_chance(&sim->random, sim->plan.late_pm))
        ts_ns -= sim_chance(&sim->random, 100) ? sim_between(&sim->random, 0, 5 * 3600 * SIM_SECOND)
                                               : sim_between(&sim->random, 0, 10 * SIM_SECOND);
    return ts_ns - ts_ns % sim->plan.quantum_ns;
}

static void make_amounts(struct crowd *crowd, struct said *said, uint32_t symbol)
{
    struct sim *sim = crowd->sim;
    int64_t *price = &crowd->prices_e8[symbol];
    if (*price == 0)
        *price = (10 + 7 * (int64_t)symbol) * 100000000;
    *price += sim_between(&sim->random, -3000000, 3000000);
    if (*price < 100000000)
        *price = 100000000;
    said->trade.price_e8 = *price;
    said->trade.qty_e8 = sim_between(&sim->random, 1, 900) * 100000000;
    if (sim_chance(&sim->random, 100)) /* dust, so that something has to be rounded */
        said->trade.qty_e8 += sim_between(&sim->random, 1, 99999999);
    if (sim_chance(&sim->random, sim->plan.big_pm))
        said->trade.qty_e8 *= sim_between(&sim->random, 5, 40);
}

static void make_parties(struct sim *sim, struct said *said)
{
    if (sim_chance(&sim->random, 100))
        said->trade.venue = text_of(venues[sim_below(&sim->random, 3)]);
    if (sim_chance(&sim->random, 50))
        said->trade.owner = text_of(accounts[sim_below(&sim->random, 10)]);
    if (sim_chance(&sim->random, 50))
        said->trade.ccy = text_of("USD");
}

static void make_flaw(struct sim *sim, struct said *said)
{
    said->flaw = (enum flaw)(1 + sim_below(&sim->random, 5));
    /* What is malformed in rows has no content but its bytes, so that it cannot come again in columns. */
    if ((said->flaw == FLAW_SIDE || said->flaw == FLAW_IMPLAUSIBLE) && sim->plan.columnar_pm != 0)
        said->flaw = FLAW_CCY;
    switch (said->flaw) {
    case FLAW_SIDE:
        said->trade.account = text_of(accounts[0]);
        said->trade.side = TW_SIDE_NONE;
        return;
    case FLAW_IMPLAUSIBLE:
        said->trade.has_ts = true;
        said->trade.ts_ns = 5;
        return;
    case FLAW_FUTURE:
        said->trade.has_ts = true;
        said->trade.ts_ns = sim_wall(sim) + 400 * SIM_DAY;
        return;
    case FLAW_RANGE:
        said->trade.qty_e8 = said->trade.price_e8 = INT64_MAX / 2;
        return;
    case FLAW_CCY:
        said->trade.ccy = text_of("EUR");
        return;
    case FLAW_NONE:
        return;
    }
}

/* What was reversed lately under this incarnation, if anything was: to be reversed again. */
static const struct said *reversal_before(const struct publisher *publisher, uint32_t incarnation, uint64_t last)
{
    for (uint64_t pseq = last; pseq > 0 && pseq + 30 > last; pseq--) {
        const struct said *said = crowd_number(publisher, incarnation, pseq, 0);
        if (said != NULL && said->ref[0] != '\0')
            return said;
    }
    return NULL;
}

/* One that is likely to have been a large trade, whose alert ended as it came. */
static const struct said *large_before(const struct publisher *publisher, uint32_t incarnation, uint64_t from)
{
    for (uint64_t pseq = from; pseq > 0; pseq--) {
        const struct said *said = crowd_number(publisher, incarnation, pseq, 0);
        if (said != NULL && said->trade.qty_e8 > 4000 * INT64_C(100000000))
            return said;
    }
    return NULL;
}

/* Of one of the publisher's last trades, of whatever incarnation; of a large one; of one that was reversed before; or
 * of none. */
static void make_ref(struct crowd *crowd, const struct process *process, struct said *said, uint64_t pseq)
{
    struct sim *sim = crowd->sim;
    const struct publisher *publisher = &crowd->publishers[process->publisher];
    uint32_t incarnation = process->incarnation;
    if (incarnation > 0 && sim_chance(&sim->random, 300))
        incarnation--;
    uint64_t last = incarnation == process->incarnation ? pseq - 1 : publisher->numbers[incarnation][0].count;
    uint64_t back = sim_below(&sim->random, sim_chance(&sim->random, 700) ? 12 : 400);
    const struct said *other = last > back ? crowd_number(publisher, incarnation, last - back, 0) : NULL;
    if (pseq % 2 == 0 && last > back)
        other = large_before(publisher, incarnation, last - back);
    const struct said *again = sim_chance(&sim->random, 300) ? reversal_before(publisher, incarnation, last) : NULL;
    if (again != NULL)
        snprintf(said->ref, sizeof said->ref, "%s", again->ref);
    else if (other != NULL && other->trade.id.length > 0)
        snprintf(said->ref, sizeof said->ref, "%s", other->id);
    else
        snprintf(said->ref, sizeof said->ref, "nothing");
    said->trade.ref = text_of(said->ref);
}

static void make_id(struct crowd *crowd, const struct process *process, struct said *said, uint64_t pseq)
{
    const char *name = crowd->publishers[process->publisher].name;
    uint32_t dice = sim_below(&crowd->sim->random, 10);
    if (crowd->publishers[process->publisher].character == ANONYMOUS)
        snprintf(said->id, sizeof said->id, "an-%u-%llu", process->incarnation, (unsigned long long)pseq);
    else if (dice == 0) /* the same id several times: the latest counts */
        snprintf(said->id, sizeof said->id, "%s.%u", name, sim_below(&crowd->sim->random, 4));
    else if (dice > 1)
        snprintf(said->id, sizeof said->id, "%s.%u.%llu%s", name, process->incarnation, (unsigned long long)pseq,
                 process->variant == 0 ? "" : "t");
    said->trade.id = (struct tw_text){said->id, (uint32_t)strlen(said->id)};
}

const struct said *crowd_make(struct crowd *crowd, struct process *process, uint64_t pseq)
{
    struct sim *sim = crowd->sim;
    const struct sim_plan *plan = &sim->plan;
    struct publisher *publisher = &crowd->publishers[process->publisher];
    const struct said *known = crowd_number(publisher, process->incarnation, pseq, process->variant);
    if (known != NULL)
        return known;
    struct said *said = room_for(&publisher->numbers[process->incarnation][process->variant], pseq);
    *said = (struct said){.there = true};
    uint32_t symbol = sim_below(&sim->random, plan->symbols);
    bool reverses = sim_chance(&sim->random, plan->bust_pm);
    said->trade.kind = !reverses ? TW_KIND_TRADE : sim_chance(&sim->random, 600) ? TW_KIND_BUST : TW_KIND_CORRECT;
    said->trade.has_ts = !sim_chance(&sim->random, 20);
    said->trade.ts_ns = said->trade.has_ts ? make_ts(sim) : 0;
    make_id(crowd, process, said, pseq);
    if (reverses)
        make_ref(crowd, process, said, pseq);
    if (said->trade.kind == TW_KIND_BUST) {
        if (sim_chance(&sim->random, 50))
            said->trade.symbol = text_of(symbols[symbol]); /* perhaps another than the original's */
        return said;
    }
    said->trade.symbol = text_of(symbols[symbol]);
    make_amounts(crowd, said, symbol);
    if (!sim_chance(&sim->random, 150)) {
        said->trade.account = text_of(accounts[sim_below(&sim->random, plan->accounts)]);
        said->trade.side = sim_chance(&sim->random, 550) ? TW_SIDE_BUY : TW_SIDE_SELL;
    }
    make_parties(sim, said);
    if (sim_chance(&sim->random, plan->bad_pm))
        make_flaw(sim, said);
    return said;
}
