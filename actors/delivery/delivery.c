/* SPDX-License-Identifier: MIT */
#include "actors/delivery/delivery.h"

#include <stdlib.h>
#include <string.h>

#include "actors/delivery/due.h"
#include "protocol/check.h"

#define DOUBLINGS_MAX 40u /* 1 ns doubled so often is more than any longest wait */

struct entry {
    struct tw_pending pending;
    bool under_way;
};

struct receiver {
    struct tw_delivery_pace pace;
    struct entry window[TW_DELIVERY_WINDOW]; /* in order of n */
    uint32_t count, under_way;
    uint64_t read_to; /* all pending ones up to it are in the window, left out for now, or no longer pending */
    int64_t pause_until_ns, next_begin_ns;
    enum tw_breaker breaker;
    uint32_t failures, trips; /* in a row; openings since it was last well */
    int64_t open_until_ns;
    int64_t empty_ns; /* the bucket was empty then, and fills since */
    bool no_digest;   /* before the next: there was nothing to say in one */
    struct {
        uint64_t until; /* 0: there is none to be made or tried again */
        bool under_way;
        uint32_t attempts;
        int64_t not_before_ns;
    } digest;
};

struct tw_delivery {
    struct tw_delivery_policy policy;
    struct receiver *receivers[TW_RECEIVERS_MAX];
    uint32_t count, turn;
    uint64_t last; /* alert */
};

struct tw_delivery *tw_delivery_new(const struct tw_delivery_policy *policy)
{
    struct tw_delivery *delivery = tw_alloc_zero(1, sizeof *delivery);
    TW_ASSERT(policy->retry_first_ns > 0 && policy->retry_max_ns >= policy->retry_first_ns);
    TW_ASSERT(policy->deadline_ns > 0 && policy->breaker_failures > 0);
    delivery->policy = *policy;
    return delivery;
}

void tw_delivery_free(struct tw_delivery **delivery)
{
    if (*delivery == NULL)
        return;
    for (uint32_t i = 0; i < (*delivery)->count; i++)
        free((*delivery)->receivers[i]);
    free(*delivery);
    *delivery = NULL;
}

uint32_t tw_delivery_add(struct tw_delivery *delivery, const struct tw_delivery_pace *pace)
{
    TW_ASSERT(delivery->count < TW_RECEIVERS_MAX && pace->under_way_max > 0);
    struct receiver *receiver = tw_alloc_zero(1, sizeof *receiver);
    receiver->pace = *pace;
    receiver->empty_ns = INT64_MIN / 2;
    delivery->receivers[delivery->count] = receiver;
    return delivery->count++;
}

/* ---- of which alerts a message is ---- */

/* An id is a digest's bytes: any of its bits are as good as others. */
static uint32_t mark_of(const uint8_t episode[16])
{
    return ((uint32_t)episode[0] << 8 | episode[1]) % TW_PENDING_MARKS;
}

static void mark(struct tw_pending *pending, const uint8_t episode[16])
{
    uint32_t at = mark_of(episode);
    pending->marks[at / 64] |= UINT64_C(1) << at % 64;
}

void tw_pending_add(struct tw_pending *pending, const uint8_t episode[16])
{
    if (memcmp(pending->episode, episode, sizeof pending->episode) == 0)
        return;
    if (!pending->several)
        mark(pending, pending->episode);
    pending->several = true;
    mark(pending, episode);
}

void tw_pending_add_any(struct tw_pending *pending)
{
    pending->several = true;
    memset(pending->marks, 0xff, sizeof pending->marks);
}

static bool has_mark(const struct tw_pending *pending, const uint8_t episode[16])
{
    uint32_t at = mark_of(episode);
    return (pending->marks[at / 64] >> at % 64 & 1u) != 0;
}

/* Whether they have an alert in common, as far as marks tell. */
static bool may_share(const struct tw_pending *a, const struct tw_pending *b)
{
    if (!a->several && !b->several)
        return memcmp(a->episode, b->episode, sizeof a->episode) == 0;
    if (!a->several || !b->several)
        return a->several ? has_mark(a, b->episode) : has_mark(b, a->episode);
    for (uint32_t i = 0; i < sizeof a->marks / sizeof a->marks[0]; i++)
        if ((a->marks[i] & b->marks[i]) != 0)
            return true;
    return false;
}

/* ---- the window ---- */

void tw_delivery_news(struct tw_delivery *delivery, uint64_t last)
{
    if (last > delivery->last)
        delivery->last = last;
}

bool tw_delivery_wants(const struct tw_delivery *delivery, uint32_t receiver, struct tw_delivery_wish *wish)
{
    const struct receiver *it = delivery->receivers[receiver];
    *wish = (struct tw_delivery_wish){it->read_to, delivery->last, TW_DELIVERY_WINDOW - it->count};
    /* By halves, so that the store is not asked for each delivery that is done. */
    return it->read_to < delivery->last && it->count <= TW_DELIVERY_WINDOW / 2;
}

void tw_delivery_offer(struct tw_delivery *delivery, uint32_t receiver, const struct tw_pending *pending,
                       int64_t now_ns)
{
    struct receiver *it = delivery->receivers[receiver];
    uint32_t place = it->count;
    if (pending->n > it->read_to)
        it->read_to = pending->n;
    while (place > 0 && it->window[place - 1].pending.n > pending->n)
        place--;
    if (place > 0 && it->window[place - 1].pending.n == pending->n) /* it is under way since before a rewind */
        return;
    TW_ASSERT(it->count < TW_DELIVERY_WINDOW);
    memmove(&it->window[place + 1], &it->window[place], (it->count - place) * sizeof it->window[0]);
    it->window[place] = (struct entry){*pending, false};
    struct tw_pending *kept = &it->window[place].pending;
    kept->queued_ns = tw_due_at(kept->queued_ns, 0, now_ns);
    kept->not_before_ns = tw_due_at(kept->not_before_ns, delivery->policy.retry_max_ns, now_ns);
    it->count++;
}

void tw_delivery_read_all(struct tw_delivery *delivery, uint32_t receiver, uint64_t until)
{
    struct receiver *it = delivery->receivers[receiver];
    if (until > it->read_to)
        it->read_to = until;
}

void tw_delivery_rewind_one(struct tw_delivery *delivery, uint32_t receiver)
{
    struct receiver *it = delivery->receivers[receiver];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < it->count; i++)
        if (it->window[i].under_way)
            it->window[kept++] = it->window[i];
    it->count = kept;
    it->read_to = 0;
}

void tw_delivery_rewind(struct tw_delivery *delivery)
{
    for (uint32_t i = 0; i < delivery->count; i++)
        tw_delivery_rewind_one(delivery, i);
}

static void drop(struct receiver *it, uint32_t place)
{
    it->count--;
    memmove(&it->window[place], &it->window[place + 1], (it->count - place) * sizeof it->window[0]);
}

/* ---- the bucket ---- */

static int64_t empty_at(const struct receiver *it, int64_t now_ns)
{
    int64_t full = now_ns - (int64_t)it->pace.burst * it->pace.refill_ns; /* it was empty no later, if it is full now */
    return it->empty_ns > full ? it->empty_ns : full;
}

static int64_t tokens(const struct receiver *it, int64_t now_ns)
{
    return it->pace.burst == 0 ? INT64_MAX : (now_ns - empty_at(it, now_ns)) / it->pace.refill_ns;
}

static void take_token(struct receiver *it, int64_t now_ns)
{
    if (it->pace.burst > 0)
        it->empty_ns = empty_at(it, now_ns) + it->pace.refill_ns;
}

/* What has not arrived has cost nobody a look. */
static void give_token_back(struct receiver *it)
{
    if (it->pace.burst > 0)
        it->empty_ns -= it->pace.refill_ns;
}

/* Whether what waits is too much for the tokens that are there. */
static bool calls_for_digest(const struct receiver *it, int64_t now_ns)
{
    return it->digest.until != 0 || (!it->no_digest && it->count - it->under_way > 1 && tokens(it, now_ns) <= 1);
}

/* ---- what is due ---- */

/* Whether an event of the same episode goes before it, or a message that has one. */
static bool has_elder(const struct receiver *it, uint32_t place)
{
    for (uint32_t i = 0; i < place; i++)
        if (may_share(&it->window[place].pending, &it->window[i].pending))
            return true;
    return false;
}

/* From when on the receiver as a whole takes another; INT64_MAX: when a result has come. */
static int64_t opens_at(const struct receiver *it)
{
    int64_t at = it->pause_until_ns > it->next_begin_ns ? it->pause_until_ns : it->next_begin_ns;
    if (it->breaker == TW_BREAKER_CLOSED)
        return it->under_way < it->pace.under_way_max ? at : INT64_MAX;
    if (it->under_way > 0) /* one is enough to find out */
        return INT64_MAX;
    return it->open_until_ns > at ? it->open_until_ns : at;
}

/* A probe of a receiver that seemed dead does not wait for its own turn. */
static int64_t entry_at(const struct receiver *it, uint32_t place)
{
    return it->breaker == TW_BREAKER_CLOSED ? it->window[place].pending.not_before_ns : INT64_MIN;
}

static void begun(struct receiver *it, int64_t now_ns)
{
    it->under_way++;
    it->next_begin_ns = now_ns + it->pace.spacing_ns;
    if (it->breaker == TW_BREAKER_OPEN)
        it->breaker = TW_BREAKER_HALF_OPEN;
    take_token(it, now_ns);
}

/* Nothing else is under way beside it: so events of an episode stay in order. */
static bool begin_digest(const struct tw_delivery *delivery, struct receiver *it, int64_t now_ns,
                         struct tw_delivery_job *job)
{
    bool waits = it->breaker == TW_BREAKER_CLOSED && it->digest.not_before_ns > now_ns;
    if (it->under_way > 0 || it->count == 0 || waits)
        return false;
    if (it->digest.until == 0)
        it->digest.until = delivery->last;
    it->digest.under_way = true;
    begun(it, now_ns);
    job->pending = it->window[0].pending;
    job->pending.attempts = it->digest.attempts;
    job->digest_until = it->digest.until;
    return true;
}

static bool begin_one(const struct tw_delivery *delivery, struct receiver *it, int64_t now_ns,
                      struct tw_delivery_job *job)
{
    job->digest_until = 0;
    if (opens_at(it) > now_ns || tokens(it, now_ns) < 1)
        return false;
    if (calls_for_digest(it, now_ns))
        return begin_digest(delivery, it, now_ns, job);
    for (uint32_t i = 0; i < it->count; i++) {
        if (it->window[i].under_way || entry_at(it, i) > now_ns || has_elder(it, i))
            continue;
        it->window[i].under_way = true;
        it->no_digest = false;
        begun(it, now_ns);
        job->pending = it->window[i].pending;
        return true;
    }
    return false;
}

static bool expire_one(const struct tw_delivery *delivery, struct receiver *it, int64_t now_ns, struct tw_pending *out)
{
    if (it->digest.under_way)
        return false;
    for (uint32_t i = 0; i < it->count; i++) {
        if (it->window[i].under_way || now_ns - it->window[i].pending.queued_ns < delivery->policy.deadline_ns)
            continue;
        *out = it->window[i].pending;
        drop(it, i);
        return true;
    }
    return false;
}

/* Receivers take turns. */
enum tw_delivery_step tw_delivery_next(struct tw_delivery *delivery, int64_t now_ns, struct tw_delivery_job *job)
{
    for (uint32_t i = 0; i < delivery->count; i++) {
        uint32_t number = (delivery->turn + i) % delivery->count;
        struct receiver *it = delivery->receivers[number];
        job->receiver = number;
        if (expire_one(delivery, it, now_ns, &job->pending))
            return TW_DELIVERY_EXPIRE;
        if (begin_one(delivery, it, now_ns, job)) {
            delivery->turn = number + 1;
            return TW_DELIVERY_ATTEMPT;
        }
    }
    return TW_DELIVERY_NOTHING;
}

/* When a digest begins; or, while others are under way, there are tokens enough to do without. */
static int64_t digest_due(const struct receiver *it, int64_t opens_ns, int64_t now_ns)
{
    int64_t at = it->breaker == TW_BREAKER_CLOSED ? it->digest.not_before_ns : INT64_MIN;
    if (it->under_way > 0)
        return it->digest.until != 0 || it->pace.burst < 2 ? INT64_MAX : empty_at(it, now_ns) + 2 * it->pace.refill_ns;
    return at > opens_ns ? at : opens_ns;
}

static int64_t receiver_due(const struct tw_delivery *delivery, const struct receiver *it, int64_t now_ns)
{
    int64_t due = INT64_MAX, opens = opens_at(it);
    if (it->digest.under_way)
        return INT64_MAX;
    if (tokens(it, now_ns) < 1 && empty_at(it, now_ns) + it->pace.refill_ns > opens)
        opens = empty_at(it, now_ns) + it->pace.refill_ns;
    bool digest = it->count > 0 && calls_for_digest(it, now_ns);
    if (digest)
        due = digest_due(it, opens, now_ns);
    for (uint32_t i = 0; i < it->count; i++) {
        const struct entry *entry = &it->window[i];
        if (entry->under_way)
            continue;
        int64_t expires = entry->pending.queued_ns + delivery->policy.deadline_ns, at = entry_at(it, i);
        if (expires < due)
            due = expires;
        at = at > opens ? at : opens;
        if (!digest && at < due && !has_elder(it, i))
            due = at;
    }
    return due;
}

int64_t tw_delivery_due(const struct tw_delivery *delivery, int64_t now_ns)
{
    int64_t due = INT64_MAX;
    for (uint32_t i = 0; i < delivery->count; i++) {
        int64_t at = receiver_due(delivery, delivery->receivers[i], now_ns);
        due = at < due ? at : due;
    }
    return due > now_ns ? due : now_ns;
}

/* ---- what came of it ---- */

/* Half of the wait is fixed, half is chance: what failed together does not come back together. */
static int64_t backoff(const struct tw_delivery_policy *policy, uint32_t failures, uint64_t seed)
{
    int64_t wait = policy->retry_first_ns;
    for (uint32_t i = 1; i < failures && i < DOUBLINGS_MAX && wait < policy->retry_max_ns; i++)
        wait *= 2;
    wait = wait < policy->retry_max_ns ? wait : policy->retry_max_ns;
    return wait - wait / 2 + (int64_t)(seed % (uint64_t)(wait / 2 + 1));
}

static void is_well(struct receiver *it, int64_t now_ns)
{
    if (it->breaker != TW_BREAKER_CLOSED) /* what failed meanwhile need not wait longer */
        for (uint32_t i = 0; i < it->count; i++)
            if (it->window[i].pending.not_before_ns > now_ns)
                it->window[i].pending.not_before_ns = now_ns;
    it->breaker = TW_BREAKER_CLOSED;
    it->failures = it->trips = 0;
}

static void has_failed(const struct tw_delivery_policy *policy, struct receiver *it, uint64_t seed, int64_t now_ns)
{
    it->failures++;
    bool trips = it->breaker == TW_BREAKER_HALF_OPEN ||
                 (it->breaker == TW_BREAKER_CLOSED && it->failures >= policy->breaker_failures);
    if (!trips)
        return;
    it->breaker = TW_BREAKER_OPEN;
    it->open_until_ns = now_ns + backoff(policy, ++it->trips, seed);
}

/* It may have arrived only now: what the receiver sees is what must be apart. */
static void keep_distance(struct receiver *it, int64_t now_ns)
{
    if (it->pace.spacing_ns > 0 && now_ns + it->pace.spacing_ns > it->next_begin_ns)
        it->next_begin_ns = now_ns + it->pace.spacing_ns;
}

static uint32_t place_of(const struct receiver *it, uint64_t n)
{
    for (uint32_t i = 0; i < it->count; i++)
        if (it->window[i].pending.n == n) {
            TW_ASSERT(it->window[i].under_way);
            return i;
        }
    TW_UNREACHABLE("a result of what is not under way");
}

static void put_off(const struct tw_delivery_policy *policy, struct receiver *it, struct tw_pending *pending,
                    int64_t retry_after_ns, uint64_t seed, int64_t now_ns)
{
    if (retry_after_ns > 0) { /* it answers, so it is well */
        is_well(it, now_ns);
        pending->not_before_ns = now_ns + retry_after_ns;
        if (pending->not_before_ns > it->pause_until_ns)
            it->pause_until_ns = pending->not_before_ns;
    } else {
        pending->not_before_ns = now_ns + backoff(policy, pending->attempts, seed);
        has_failed(policy, it, seed, now_ns);
    }
}

void tw_delivery_result(struct tw_delivery *delivery, uint32_t receiver, uint64_t n, enum tw_delivery_verdict verdict,
                        int64_t retry_after_ns, uint64_t seed, int64_t now_ns, struct tw_delivery_effect *effect)
{
    struct receiver *it = delivery->receivers[receiver];
    uint32_t place = place_of(it, n);
    struct entry *entry = &it->window[place];
    it->under_way--;
    keep_distance(it, now_ns);
    entry->under_way = false;
    entry->pending.attempts++;
    if (verdict == TW_VERDICT_RETRY) {
        give_token_back(it);
        put_off(&delivery->policy, it, &entry->pending, retry_after_ns, seed, now_ns);
        bool late = now_ns - entry->pending.queued_ns >= delivery->policy.deadline_ns;
        *effect = (struct tw_delivery_effect){late ? TW_END_GIVEN_UP : TW_END_AGAIN, entry->pending};
    } else {
        is_well(it, now_ns);
        *effect = (struct tw_delivery_effect){verdict == TW_VERDICT_DELIVERED ? TW_END_DONE : TW_END_REJECTED,
                                              entry->pending};
    }
    if (effect->end != TW_END_AGAIN)
        drop(it, place);
}

void tw_delivery_digest_result(struct tw_delivery *delivery, uint32_t receiver, uint64_t until,
                               enum tw_delivery_verdict verdict, int64_t retry_after_ns, uint64_t seed, int64_t now_ns,
                               struct tw_delivery_effect *effect)
{
    struct receiver *it = delivery->receivers[receiver];
    TW_ASSERT(it->digest.under_way && until <= it->digest.until);
    it->under_way--;
    keep_distance(it, now_ns);
    it->digest.under_way = false;
    *effect = (struct tw_delivery_effect){.pending = {.n = until, .attempts = ++it->digest.attempts}};
    if (verdict == TW_VERDICT_RETRY) {
        give_token_back(it);
        put_off(&delivery->policy, it, &effect->pending, retry_after_ns, seed, now_ns);
        effect->end = TW_END_AGAIN;
        it->digest.until = until;
        it->digest.not_before_ns = effect->pending.not_before_ns;
        return;
    }
    is_well(it, now_ns);
    effect->end = verdict == TW_VERDICT_DELIVERED ? TW_END_DONE : TW_END_REJECTED;
    while (it->count > 0 && it->window[0].pending.n <= until)
        drop(it, 0);
    if (until > it->read_to)
        it->read_to = until;
    memset(&it->digest, 0, sizeof it->digest);
}

void tw_delivery_digest_is_empty(struct tw_delivery *delivery, uint32_t receiver)
{
    struct receiver *it = delivery->receivers[receiver];
    TW_ASSERT(it->digest.under_way);
    it->under_way--;
    if (it->breaker == TW_BREAKER_HALF_OPEN) /* nothing was found out */
        it->breaker = TW_BREAKER_OPEN;
    give_token_back(it);
    memset(&it->digest, 0, sizeof it->digest);
    it->no_digest = true;
    tw_delivery_rewind_one(delivery, receiver);
}

uint64_t tw_delivery_digest_until(const struct tw_delivery *delivery, uint32_t receiver)
{
    const struct receiver *it = delivery->receivers[receiver];
    return it->count > 0 ? it->digest.until : 0; /* one whose alerts have all expired is none */
}

enum tw_breaker tw_delivery_breaker(const struct tw_delivery *delivery, uint32_t receiver)
{
    return delivery->receivers[receiver]->breaker;
}

uint32_t tw_delivery_under_way(const struct tw_delivery *delivery)
{
    uint32_t under_way = 0;
    for (uint32_t i = 0; i < delivery->count; i++)
        under_way += delivery->receivers[i]->under_way;
    return under_way;
}
