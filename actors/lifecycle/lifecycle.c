/* SPDX-License-Identifier: MIT */
#include "actors/lifecycle/lifecycle.h"

#include <stdio.h>
#include <string.h>

#include "actors/judging/planted.h"
#include "protocol/check.h"

static const char *const state_names[TW_CASE_STATE_COUNT] = {
#define TW_CASE_NAME(symbol, name) name,
    TW_CASE_STATES(TW_CASE_NAME)
#undef TW_CASE_NAME
};

const char *tw_case_state_name(enum tw_case_state state)
{
    TW_ASSERT((uint32_t)state < TW_CASE_STATE_COUNT);
    return state_names[state];
}

bool tw_case_state_of(const char *name, enum tw_case_state *out)
{
    for (uint32_t i = 0; i < TW_CASE_STATE_COUNT; i++)
        if (strcmp(state_names[i], name) == 0) {
            *out = (enum tw_case_state)i;
            return true;
        }
    return false;
}

static void copy(char *to, size_t room, struct tw_text from)
{
    size_t length = from.length < room ? from.length : room - 1;
    if (length > 0)
        memcpy(to, from.bytes, length);
    to[length] = '\0';
}

void tw_case_take_event(struct tw_case *alert, const struct tw_alert_view *event)
{
    TW_ASSERT(event->n > alert->last_n);
    alert->first_n = alert->first_n == 0 ? event->n : alert->first_n;
    alert->last_n = event->n;
    alert->resolved = tw_text_is(event->event, "resolve");
    alert->retracted = alert->retracted || tw_text_is(event->event, "retract");
    if (tw_text_is(event->event, "escalate"))
        alert->escalated_n = event->n;
}

void tw_case_take_action(struct tw_case *alert, const struct tw_action_message *message)
{
    const struct tw_action *action = &message->action;
    TW_ASSERT(message->h > alert->last_h);
    alert->last_h = message->h;
    switch (action->verb) {
    case TW_ACTION_ACK:
    case TW_ACTION_ASSIGN:
        alert->attended_h = message->h;
        alert->attended_n = TW_PLANTED(ACTION_MEANS_WHAT_CAME_LATER) ? alert->last_n : action->n;
        copy(alert->attended_by, sizeof alert->attended_by, action->who);
        copy(alert->assigned_to, sizeof alert->assigned_to, action->to);
        return;
    case TW_ACTION_CLOSE:
        alert->closed_h = message->h;
        copy(alert->closed_by, sizeof alert->closed_by, action->who);
        copy(alert->verdict, sizeof alert->verdict, action->verdict);
        return;
    case TW_ACTION_NOTE:
        return;
    case TW_ACTION_SILENCE: /* of no single alert */
    case TW_ACTION_UNSILENCE:
    case TW_ACTION_VERB_COUNT:
        break;
    }
    TW_UNREACHABLE("a verb that is none");
}

enum tw_case_state tw_case_state_now(const struct tw_case *alert)
{
    if (alert->retracted)
        return TW_CASE_RETRACTED;
    if (alert->closed_h != 0)
        return TW_CASE_CLOSED;
    if (alert->resolved)
        return TW_CASE_RESOLVED;
    if (alert->escalated_n > alert->attended_n)
        return TW_CASE_ESCALATED;
    if (alert->attended_h == 0)
        return TW_CASE_OPEN;
    return alert->assigned_to[0] != '\0' ? TW_CASE_ASSIGNED : TW_CASE_ACKNOWLEDGED;
}

const char *tw_case_refuses(const struct tw_case *alert, enum tw_action_verb verb, char why[160])
{
    if (verb == TW_ACTION_NOTE)
        return NULL;
    if (alert->retracted)
        snprintf(why, 160, "the alert is retracted: its trades were busted; it takes notes only");
    else if (alert->closed_h != 0)
        snprintf(why, 160, "the alert is closed as %s by %s (action %llu); it takes notes only", alert->verdict,
                 alert->closed_by, (unsigned long long)alert->closed_h);
    else
        return NULL;
    return why;
}
