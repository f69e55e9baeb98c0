/* SPDX-License-Identifier: MIT */
#include "actors/delivery/delivery_actor.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "actors/delivery/carriage_actor.h"
#include "actors/delivery/escalation_actor.h"
#include "actors/delivery/groups_actor.h"
#include "actors/delivery/orphans_actor.h"
#include "actors/delivery/outbox_actor.h"
#include "actors/runtime/cell.h"
#include "actors/runtime/lanes.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"

#define STEPS_PER_TURN 64
#define LOOK_NS TW_NS_PER_SECOND            /* how often somebody may have asked for dead letters to be tried again */
#define LEDGER_NS (3600 * TW_NS_PER_SECOND) /* how often the ledger's end is cut off */
#define STOP_NS (TW_NS_PER_SECOND * 4 / 10) /* what is under way at a stop may take so long */

struct tw_delivery_actor {
    const struct tw_receivers *receivers;
    struct tw_store *store;
    struct tw_outbox *outbox;
    struct tw_groups groups;
    struct tw_delivery *core;
    struct tw_carriage *carriage;
    struct tw_cell *stored;                                             /* the router's word how far alerts are */
    struct tw_attempt *attempts[TW_RECEIVERS_MAX * TW_DELIVERY_WINDOW]; /* under way */
    uint32_t attempt_count;
    struct tw_attempt *spare; /* used again: each has 9 KiB of headers and a body */
    int64_t offset_ns; /* wall clock less CLOCK_MONOTONIC at the start: a clock near the wall's that never steps */
    int64_t look_ns, ledger_ns, ledger_due_ns, stop_ns;
    bool stopping;
    bool alarmed[TW_RECEIVERS_MAX]; /* its breaker was said to be open */
    char failure[512];              /* what is pending could not be read */
    uint64_t seed;
};

static int64_t setting_ns(const struct tw_cfg *cfg, const char *key)
{
    return tw_cfg_integer(cfg, key) * TW_NS_PER_SECOND;
}

struct tw_delivery_actor *tw_delivery_actor_new(struct tw_store *store, const struct tw_cfg *cfg,
                                                const struct tw_receivers *receivers, const struct tw_routes *routes)
{
    struct tw_delivery_actor *actor = tw_alloc_zero(1, sizeof *actor);
    struct tw_delivery_policy policy = {.retry_first_ns = setting_ns(cfg, "delivery/retry_first"),
                                        .retry_max_ns = setting_ns(cfg, "delivery/retry_max"),
                                        .deadline_ns = setting_ns(cfg, "delivery/deadline"),
                                        .breaker_failures = (uint32_t)tw_cfg_integer(cfg, "delivery/breaker")};
    TW_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    actor->receivers = receivers;
    actor->store = store;
    actor->core = tw_delivery_new(&policy);
    actor->outbox = tw_outbox_new(store, actor->core, receivers, routes);
    actor->groups = (struct tw_groups){.store = store, .receivers = receivers, .routes = routes, .core = actor->core};
    actor->carriage = tw_carriage_new(cfg, receivers);
    actor->ledger_ns = tw_cfg_integer(cfg, "delivery/ledger_days") * 86400 * TW_NS_PER_SECOND;
    for (uint32_t i = 0; i < receivers->count; i++)
        tw_delivery_add(actor->core, &receivers->list[i].pace);
    return actor;
}

static void free_attempt(struct tw_attempt *attempt)
{
    tw_covering_free(&attempt->covering);
    tw_buffer_free(&attempt->request.body);
    free(attempt);
}

static struct tw_attempt *take_spare(struct tw_delivery_actor *actor)
{
    struct tw_attempt *attempt = actor->spare;
    if (attempt == NULL)
        return tw_alloc_zero(1, sizeof *attempt);
    actor->spare = attempt->next;
    attempt->next = NULL;
    attempt->ended = false;
    attempt->answer = (struct tw_answer){.answered = false};
    attempt->said_length = 0;
    return attempt;
}

static void put_away(struct tw_delivery_actor *actor, struct tw_attempt *attempt)
{
    tw_covering_free(&attempt->covering);
    attempt->next = actor->spare;
    actor->spare = attempt;
}

void tw_delivery_actor_free(struct tw_delivery_actor **actor_pointer)
{
    struct tw_delivery_actor *actor = *actor_pointer;
    if (actor == NULL)
        return;
    tw_carriage_free(&actor->carriage); /* it borrows the attempts */
    while (actor->attempt_count > 0)
        free_attempt(actor->attempts[--actor->attempt_count]);
    while (actor->spare != NULL)
        free_attempt(take_spare(actor));
    tw_outbox_free(&actor->outbox);
    tw_delivery_free(&actor->core);
    curl_global_cleanup();
    free(actor);
    *actor_pointer = NULL;
}

/* ---- time and chance ---- */

static int64_t core_now(const struct tw_delivery_actor *actor, int64_t now_ns)
{
    return now_ns + actor->offset_ns;
}

static uint64_t next_seed(struct tw_delivery_actor *actor)
{
    uint64_t z = actor->seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool start(void *self, char failure[512])
{
    struct tw_delivery_actor *actor = self;
    (void)failure;
    actor->stored = tw_cell_open(TW_CELL_STORED_DELIVERY, sizeof(uint64_t));
    actor->offset_ns = tw_wall_ns() - tw_now_ns();
    if (getrandom(&actor->seed, sizeof actor->seed, 0) != (ssize_t)sizeof actor->seed)
        actor->seed = (uint64_t)actor->offset_ns;
    tw_delivery_news(actor->core, tw_outbox_last_alert(actor->outbox));
    tw_orphans_say(actor->store, actor->receivers);
    return true;
}

static void stop(void *self)
{
    struct tw_delivery_actor *actor = self;
    actor->stopping = true;
    actor->stop_ns = tw_now_ns() + STOP_NS;
}

static void close_sockets(void *self)
{
    tw_cell_close(&((struct tw_delivery_actor *)self)->stored);
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_delivery_actor *actor = self;
    int count = 0;
    int64_t now_ns = tw_now_ns();
    items[count++] = tw_cell_item(actor->stored);
    *deadline_ns = actor->look_ns;
    if (actor->stopping && actor->stop_ns < *deadline_ns)
        *deadline_ns = actor->stop_ns;
    int64_t due_ns = tw_outbox_retry_ns(actor->outbox);
    if (due_ns == 0 && !actor->stopping)
        due_ns = tw_delivery_due(actor->core, core_now(actor, now_ns));
    if (due_ns != INT64_MAX && due_ns - actor->offset_ns < *deadline_ns)
        *deadline_ns = due_ns - actor->offset_ns;
    return tw_carriage_wait_for(actor->carriage, items, count, deadline_ns);
}

/* ---- beginning ---- */

static void note(struct tw_delivery_actor *actor, const struct tw_attempt *attempt,
                 const struct tw_delivery_effect *effect, int64_t now_ns)
{
    if (attempt->covering.count > 0)
        tw_outbox_note_digest(actor->outbox, attempt, effect, now_ns);
    else
        tw_outbox_note(actor->outbox, attempt, effect, now_ns);
}

/* Fills the request. False: there is nothing to be sent, and that has been noted. */
static bool render(struct tw_delivery_actor *actor, struct tw_attempt *attempt, int64_t now_ns)
{
    struct tw_delivery_effect effect;
    if (attempt->digest_until != 0) {
        bool any = tw_outbox_render_digest(actor->outbox, attempt, actor->failure);
        if (!any)
            tw_delivery_digest_is_empty(actor->core, attempt->number);
        return any;
    }
    if (attempt->group ? tw_outbox_render_group(actor->outbox, attempt, actor->failure)
                       : tw_outbox_render(actor->outbox, attempt))
        return true;
    tw_delivery_result(actor->core, attempt->number, attempt->n, TW_VERDICT_REJECTED, 0, 0, core_now(actor, now_ns),
                       &effect);
    note(actor, attempt, &effect, now_ns);
    return false;
}

static void begin(struct tw_delivery_actor *actor, const struct tw_delivery_job *job, int64_t now_ns)
{
    struct tw_attempt *attempt = take_spare(actor);
    attempt->receiver = &actor->receivers->list[job->receiver];
    attempt->number = job->receiver;
    attempt->n = job->pending.n;
    attempt->began_ns = now_ns;
    attempt->began_wall_ns = tw_wall_ns();
    attempt->digest_until = job->digest_until;
    attempt->group = job->digest_until == 0 && job->pending.group;
    if (!render(actor, attempt, now_ns)) {
        put_away(actor, attempt);
        return;
    }
    TW_ASSERT(actor->attempt_count < TW_RECEIVERS_MAX * TW_DELIVERY_WINDOW);
    actor->attempts[actor->attempt_count++] = attempt;
    tw_carriage_begin(actor->carriage, attempt);
}

/* True: there may be more at once. */
static bool begin_some(struct tw_delivery_actor *actor, int64_t now_ns)
{
    struct tw_delivery_job job;
    for (int i = 0; i < STEPS_PER_TURN; i++) {
        switch (tw_delivery_next(actor->core, core_now(actor, now_ns), &job)) {
        case TW_DELIVERY_NOTHING:
            return false;
        case TW_DELIVERY_ATTEMPT:
            begin(actor, &job, now_ns);
            break;
        case TW_DELIVERY_EXPIRE:
            tw_outbox_note_expired(actor->outbox, &job, core_now(actor, now_ns));
            break;
        }
    }
    return true;
}

/* ---- ending ---- */

/* Said once when a receiver is given up for now, and once when it is well again. */
static void say_breaker(struct tw_delivery_actor *actor, const struct tw_attempt *attempt)
{
    bool open = tw_delivery_breaker(actor->core, attempt->number) != TW_BREAKER_CLOSED;
    if (open == actor->alarmed[attempt->number])
        return;
    actor->alarmed[attempt->number] = open;
    if (open)
        tw_log(TW_LOG_WARNING, "delivery", "%s does not take alerts, they wait: status=%d answer=%.*s",
               attempt->receiver->name, (int)attempt->answer.status, (int)attempt->said_length, attempt->said);
    else
        tw_log(TW_LOG_INFO, "delivery", "%s takes alerts again", attempt->receiver->name);
}

static void forget(struct tw_delivery_actor *actor, struct tw_attempt *attempt)
{
    for (uint32_t i = 0; i < actor->attempt_count; i++)
        if (actor->attempts[i] == attempt) {
            actor->attempts[i] = actor->attempts[--actor->attempt_count];
            break;
        }
    put_away(actor, attempt);
}

static void conclude(struct tw_delivery_actor *actor, struct tw_attempt *attempt, int64_t now_ns)
{
    struct tw_delivery_effect effect;
    attempt->answer.said = (struct tw_text){attempt->said, attempt->said_length};
    enum tw_delivery_verdict verdict = attempt->receiver->kind->judge(&attempt->answer);
    int64_t pause_s = attempt->answer.retry_after_s;
    if (pause_s > TW_RETRY_AFTER_MAX_S)
        pause_s = TW_RETRY_AFTER_MAX_S;
    if (attempt->digest_until != 0) {
        tw_delivery_digest_result(actor->core, attempt->number, attempt->digest_until, verdict,
                                  pause_s * TW_NS_PER_SECOND, next_seed(actor), core_now(actor, now_ns), &effect);
        if (effect.end != TW_END_AGAIN) /* what became pending meanwhile with a lower number is not to be missed */
            tw_delivery_rewind(actor->core);
    } else {
        tw_delivery_result(actor->core, attempt->number, attempt->n, verdict, pause_s * TW_NS_PER_SECOND,
                           next_seed(actor), core_now(actor, now_ns), &effect);
    }
    note(actor, attempt, &effect, now_ns);
    if (effect.end == TW_END_REJECTED || effect.end == TW_END_GIVEN_UP)
        tw_log(TW_LOG_WARNING, "delivery", "alert %" PRIu64 " is a dead letter of %s: status=%d answer=%.*s",
               attempt->n, attempt->receiver->name, (int)attempt->answer.status, (int)attempt->said_length,
               attempt->said);
    say_breaker(actor, attempt);
    forget(actor, attempt);
}

static bool conclude_all(struct tw_delivery_actor *actor, int64_t now_ns)
{
    struct tw_ended ended = {NULL, NULL};
    ended.last = &ended.first;
    tw_carriage_work(actor->carriage, now_ns, &ended);
    bool any = ended.first != NULL;
    for (struct tw_attempt *attempt = ended.first, *next; attempt != NULL; attempt = next) {
        next = attempt->next;
        conclude(actor, attempt, tw_now_ns());
    }
    return any;
}

/* ---- the turn ---- */

/* On a full disk they wait. */
static void escalate(struct tw_delivery_actor *actor)
{
    struct tw_store_error error;
    bool more = false;
    enum tw_store_status status = tw_escalations_work(actor->store, actor->groups.routes, tw_wall_ns(), &more, &error);
    if (more)
        actor->look_ns = 0; /* with the next turn, when others have had theirs */
    if (status != TW_STORE_OK && status != TW_STORE_FULL)
        snprintf(actor->failure, sizeof actor->failure, "%s", error.text);
}

/* What of groups is due becomes pending, with lower numbers than what is behind it. */
static void gather_groups(struct tw_delivery_actor *actor)
{
    struct tw_store_error error;
    bool made = false, more = false;
    enum tw_store_status status = tw_groups_work(&actor->groups, tw_wall_ns(), &made, &more, &error);
    if (made)
        tw_delivery_rewind(actor->core);
    if (more)
        actor->look_ns = 0;
    if (status != TW_STORE_OK && status != TW_STORE_FULL)
        snprintf(actor->failure, sizeof actor->failure, "%s", error.text);
}

static void hear_news(struct tw_delivery_actor *actor, int64_t now_ns)
{
    uint64_t last_alert;
    while (tw_cell_read(actor->stored, &last_alert))
        tw_delivery_news(actor->core, last_alert);
    if (now_ns < actor->look_ns)
        return;
    actor->look_ns = now_ns + LOOK_NS;
    if (!actor->stopping) {
        escalate(actor);
        gather_groups(actor);
    }
    if (tw_outbox_was_retried(actor->outbox))
        tw_delivery_rewind(actor->core);
    if (now_ns >= actor->ledger_due_ns) {
        tw_outbox_cut_ledger(actor->outbox, tw_wall_ns() - actor->ledger_ns);
        actor->ledger_due_ns = now_ns + LEDGER_NS;
    }
}

/* While answers come, what came of them gathers: a write for each ten cost 5 % of the processor time of a delivery. */
static enum tw_store_status write_down(struct tw_delivery_actor *actor, bool may_wait, int64_t now_ns,
                                       char failure[512])
{
    if (may_wait && !actor->stopping && tw_outbox_gathers(actor->outbox))
        return TW_STORE_OK;
    return tw_outbox_commit(actor->outbox, core_now(actor, now_ns), failure);
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_delivery_actor *actor = self;
    int64_t now_ns = tw_now_ns();
    tw_outbox_clocks(actor->outbox, core_now(actor, now_ns), tw_wall_ns());
    /* A look may find the same delivery wanted once more: what came of the first is not to end it. */
    enum tw_store_status status = write_down(actor, now_ns < actor->look_ns, now_ns, failure);
    hear_news(actor, now_ns);
    bool busy = conclude_all(actor, now_ns);
    if (status == TW_STORE_OK)
        status = write_down(actor, busy, now_ns, failure);
    if (status != TW_STORE_OK && status != TW_STORE_FULL)
        return TW_AGENT_FAILED;
    if (actor->stopping)
        return tw_delivery_under_way(actor->core) == 0 || now_ns >= actor->stop_ns ? TW_AGENT_FINISHED : TW_AGENT_WAITS;
    if (status == TW_STORE_FULL) /* what came of attempts is written down before others are begun */
        return TW_AGENT_WAITS;
    if (!tw_outbox_fill(actor->outbox, failure))
        return TW_AGENT_FAILED;
    busy = begin_some(actor, now_ns) || busy;
    if (actor->failure[0] != '\0') {
        snprintf(failure, 512, "%s", actor->failure);
        return TW_AGENT_FAILED;
    }
    busy = busy || tw_outbox_has_notes(actor->outbox) || tw_outbox_reads_on(actor->outbox) ||
           tw_carriage_has_work(actor->carriage);
    return busy ? TW_AGENT_CONTINUES : TW_AGENT_WAITS;
}

struct tw_agent tw_delivery_actor_agent(struct tw_delivery_actor *actor)
{
    return (struct tw_agent){"delivery", actor, start, wait_for, work, stop, close_sockets};
}
