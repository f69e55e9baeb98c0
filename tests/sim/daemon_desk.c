/* SPDX-License-Identifier: MIT
 *
 * The keeper's desk: people's requests, one at a time; the gateway gets them as actions, their author hears of it when
 * it is durable.
 */
#include <string.h>

#include "actors/judging/planted.h"
#include "actors/lifecycle/lifecycle.h"
#include "protocol/check.h"
#include "tests/sim/daemon.h"
#include "tests/sim/ledger.h"

#define PATIENCE_NS (5 * SIM_SECOND)

static struct tw_text text_of(const char *word)
{
    return (struct tw_text){word, (uint32_t)strlen(word)};
}

static void id_of(const struct disk *disk, uint64_t n, uint8_t id[TW_ALERT_ID_BYTES])
{
    TW_ASSERT(tw_alert_id_of(disk->alerts[n].bytes, disk->alerts[n].length, id));
}

static struct tw_action_message stored_action(const struct disk *disk, uint64_t h)
{
    struct tw_action_message message;
    TW_ASSERT(tw_action_message_decode(disk->actions[h].bytes, disk->actions[h].length, &message));
    return message;
}

/* All that is stored of one alert, in order. */
static struct tw_case gather(const struct disk *disk, const uint8_t id[TW_ALERT_ID_BYTES])
{
    struct tw_case alert = {0};
    uint8_t own[TW_ALERT_ID_BYTES];
    for (uint64_t n = 1; n <= disk->last_alert; n++) {
        struct tw_alert_view view;
        id_of(disk, n, own);
        if (memcmp(own, id, sizeof own) != 0)
            continue;
        TW_ASSERT(tw_alert_decode(disk->alerts[n].bytes, disk->alerts[n].length, &view));
        tw_case_take_event(&alert, &view);
    }
    for (uint64_t h = 1; h <= disk->last_action; h++) {
        struct tw_action_message message = stored_action(disk, h);
        if (tw_action_is_of_alert(message.action.verb) && tw_alert_id_read(message.action.id, own) &&
            memcmp(own, id, sizeof own) == 0)
            tw_case_take_action(&alert, &message);
    }
    return alert;
}

/* ---- may it be done? ---- */

static bool may_unsilence(const struct disk *disk, uint64_t silence)
{
    bool met = false, ended = false;
    for (uint64_t h = 1; h <= disk->last_action; h++) {
        struct tw_action action = stored_action(disk, h).action;
        met |= h == silence && action.verb == TW_ACTION_SILENCE;
        ended |= action.verb == TW_ACTION_UNSILENCE && action.silence == silence;
    }
    return met && !ended;
}

/* `digits` gets the text of the alert's id. */
static bool prepare(const struct disk *disk, const struct wish *wish, struct tw_action *action, char digits[33])
{
    uint8_t id[TW_ALERT_ID_BYTES];
    char why[160];
    *action = (struct tw_action){.who = text_of(wish->who),
                                 .why = text_of(wish->why),
                                 .to = text_of(wish->to),
                                 .verdict = text_of(wish->verdict),
                                 .match = text_of(wish->match),
                                 .starts_ns = wish->starts_ns,
                                 .ends_ns = wish->ends_ns};
    TW_ASSERT(tw_action_verb_of(text_of(wish->verb), &action->verb));
    if (!tw_action_is_of_alert(action->verb)) {
        action->silence = action->verb == TW_ACTION_UNSILENCE ? wish->of : 0;
        return tw_action_fault(action) == NULL &&
               (action->verb == TW_ACTION_SILENCE || may_unsilence(disk, action->silence));
    }
    if (wish->of > disk->last_alert)
        return false;
    id_of(disk, wish->of, id);
    struct tw_case alert = gather(disk, id);
    tw_hex(id, sizeof id, digits);
    action->id = (struct tw_text){digits, 2 * TW_ALERT_ID_BYTES};
    action->n = alert.last_n;
    return tw_action_fault(action) == NULL && tw_case_refuses(&alert, action->verb, why) == NULL;
}

/* ---- turns ---- */

bool daemon_ask(struct daemon *daemon, struct wish *wish)
{
    if (daemon->asked_count == DAEMON_INTAKE_MAX)
        return false;
    daemon->asked[daemon->asked_count++] = wish;
    return true;
}

bool desk_may(const struct daemon *daemon)
{
    const struct sim *sim = daemon->sim;
    if (daemon->awaited != NULL)
        return sim->disk->last_action >= daemon->awaited_h || sim->now_ns >= daemon->patience_ns ||
               TW_PLANTED(ACTION_BEFORE_FSYNC);
    return daemon->asked_count > 0 && !daemon->stopping;
}

static void hear(struct daemon *daemon)
{
    struct sim *sim = daemon->sim;
    struct wish *wish = daemon->asked[0];
    struct tw_action action;
    char digits[33];
    memmove(daemon->asked, daemon->asked + 1, (--daemon->asked_count) * sizeof(struct wish *));
    if (!prepare(sim->disk, wish, &action, digits)) {
        ledger_decided(sim->ledger, wish, NULL);
        sim_tell(sim, "desk", "refuses %s", wish->why);
        people_hear(sim->people, wish);
        return;
    }
    ledger_decided(sim->ledger, wish, &action);
    if (!lane_has_room(&daemon->actions_lane)) { /* nothing is recorded while the disk is full */
        wish->refused = true;
        people_hear(sim->people, wish);
        return;
    }
    struct item item = {0};
    tw_action_encode(&item.payload, &action);
    lane_push(&daemon->actions_lane, item);
    daemon->awaited = wish;
    daemon->awaited_h = ++daemon->sent_h;
    daemon->patience_ns = sim->now_ns + PATIENCE_NS;
}

static void answer(struct daemon *daemon)
{
    struct sim *sim = daemon->sim;
    uint64_t h = daemon->awaited_h;
    const struct disk_action none = {0}, *action = h <= sim->disk->last_action ? &sim->disk->actions[h] : &none;
    if (sim->now_ns < daemon->patience_ns || sim->disk->last_action >= h) {
        sim_tell(sim, "desk", "%s is action %llu", daemon->awaited->why, (unsigned long long)h);
        ledger_answered(sim->ledger, daemon->awaited, h, action->bytes, action->length);
    }
    people_hear(sim->people, daemon->awaited);
    daemon->awaited = NULL;
}

void desk_work(struct daemon *daemon)
{
    if (daemon->awaited != NULL)
        answer(daemon);
    else
        hear(daemon);
}

void desk_show_all(const struct daemon *daemon)
{
    const struct disk *disk = daemon->sim->disk;
    for (uint64_t n = 1; n <= disk->last_alert; n++) {
        uint8_t id[TW_ALERT_ID_BYTES];
        id_of(disk, n, id);
        struct tw_case alert = gather(disk, id);
        if (alert.first_n == n)
            ledger_state(daemon->sim->ledger, id, tw_case_state_name(tw_case_state_now(&alert)), alert.assigned_to,
                         alert.verdict);
    }
}
