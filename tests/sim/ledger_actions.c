/* SPDX-License-Identifier: MIT
 *
 * What people do, held against what they asked for; how alerts stand and what silences hide, worked out once more.
 */
#include <stdio.h>
#include <string.h>

#include "protocol/action.h"
#include "protocol/check.h"
#include "tests/sim/disk.h"
#include "tests/sim/ledger_inside.h"

#define U(number) ((unsigned long long)(number))

static bool is_verb(const struct wish *wish, const char *verb)
{
    return strcmp(wish->verb, verb) == 0;
}

static bool is_of_alert(const struct wish *wish)
{
    return !is_verb(wish, "silence") && !is_verb(wish, "unsilence");
}

/* ---- how an alert stands ---- */

struct standing {
    const char *state;
    const struct wish *closing, *attending; /* NULL: nobody has */
    uint64_t newest;                        /* of its events; 0: there is none */
};

/* By events up to last_n and actions up to last_h. What was over by itself is over even if it was assigned; an alert
 * that has grown since somebody looked at it waits again, and what he looked at is what there was when he did. */
static struct standing stand(const struct ledger *ledger, const uint8_t id[TW_ALERT_ID_BYTES], uint64_t last_n,
                             uint64_t last_h)
{
    struct standing out = {.state = "open"};
    uint64_t grown = 0, seen = 0;
    bool retracted = false, over = false;
    for (uint64_t n = 1; n <= last_n; n++) {
        const struct known_alert *alert = &ledger->alerts[n];
        if (memcmp(alert->id, id, sizeof alert->id) != 0)
            continue;
        out.newest = n;
        over = alert->event[0] == 'r' && strcmp(alert->event, "resolve") == 0;
        retracted |= strcmp(alert->event, "retract") == 0;
        grown = strcmp(alert->event, "escalate") == 0 ? n : grown;
    }
    for (uint64_t h = 1; h <= last_h; h++) {
        const struct wish *wish = ledger->done[h].wish;
        if (!is_of_alert(wish) || memcmp(wish->id, id, sizeof wish->id) != 0 || is_verb(wish, "note"))
            continue;
        if (is_verb(wish, "close")) {
            out.closing = wish;
        } else {
            out.attending = wish;
            seen = wish->n;
        }
    }
    if (out.attending != NULL)
        out.state = is_verb(out.attending, "assign") ? "assigned" : "acknowledged";
    if (grown > seen)
        out.state = "escalated";
    if (over)
        out.state = "resolved";
    if (out.closing != NULL)
        out.state = "closed";
    if (retracted)
        out.state = "retracted";
    return out;
}

void ledger_state(struct ledger *ledger, const uint8_t id[TW_ALERT_ID_BYTES], const char *state, const char *to,
                  const char *verdict)
{
    struct standing must = stand(ledger, id, ledger->sim->disk->last_alert, ledger->action_count);
    const char *must_to = must.attending == NULL ? "" : must.attending->to;
    const char *must_verdict = must.closing == NULL ? "" : must.closing->verdict;
    SIM_CHECK(ledger->sim,
              strcmp(state, must.state) == 0 && strcmp(to, must_to) == 0 && strcmp(verdict, must_verdict) == 0,
              "the alert of event %llu is %s (%s %s); by what is durable it is %s (%s %s)", U(must.newest), state, to,
              verdict, must.state, must_to, must_verdict);
}

/* ---- what the desk says ---- */

static bool silence_stands(const struct ledger *ledger, uint64_t silence)
{
    bool stands = false;
    for (uint64_t h = 1; h <= ledger->action_count; h++) {
        const struct wish *wish = ledger->done[h].wish;
        if (h == silence)
            stands = is_verb(wish, "silence");
        if (is_verb(wish, "unsilence") && wish->of == silence)
            stands = false;
    }
    return stands;
}

void ledger_decided(struct ledger *ledger, struct wish *wish, const struct tw_action *action)
{
    struct sim *sim = ledger->sim;
    const struct disk *disk = sim->disk;
    bool may = is_verb(wish, "silence") || (is_verb(wish, "unsilence") && silence_stands(ledger, wish->of));
    if (is_of_alert(wish) && wish->of <= disk->last_alert) {
        const struct known_alert *alert = &ledger->alerts[wish->of];
        struct standing now = stand(ledger, alert->id, disk->last_alert, ledger->action_count);
        may = is_verb(wish, "note") || (now.closing == NULL && strcmp(now.state, "retracted") != 0);
        memcpy(wish->id, alert->id, sizeof wish->id);
        wish->n = now.newest;
    }
    SIM_CHECK(sim, may == (action != NULL), "%s (%s of %llu) is %s", wish->why, wish->verb, U(wish->of),
              may ? "refused, and may be done" : "let pass, and must be refused");
    wish->refused = action == NULL;
    wish->decided = action != NULL;
}

/* ---- what is recorded ---- */

static bool is_as_wished(const struct tw_action *action, const struct wish *wish)
{
    uint8_t id[TW_ALERT_ID_BYTES];
    bool aims = is_of_alert(wish) ? tw_alert_id_read(action->id, id) && memcmp(id, wish->id, sizeof id) == 0
                                  : action->id.length == 0;
    return aims && action->n == wish->n && strcmp(tw_action_verb_name(action->verb), wish->verb) == 0 &&
           tw_text_is(action->who, wish->who) && tw_text_is(action->why, wish->why) &&
           tw_text_is(action->to, wish->to) && tw_text_is(action->verdict, wish->verdict) &&
           tw_text_is(action->match, wish->match) && action->hours.length == 0 &&
           action->starts_ns == wish->starts_ns && action->ends_ns == wish->ends_ns &&
           action->silence == (is_verb(wish, "unsilence") ? wish->of : 0);
}

void ledger_take_action(struct ledger *ledger, const struct tw_control *control)
{
    struct sim *sim = ledger->sim;
    struct tw_action action;
    const char *why = "";
    uint64_t h = ledger->action_count + 1;
    SIM_CHECK(sim, control->number == h, "action %llu stands in the log behind action %llu", U(control->number),
              U(h - 1));
    SIM_CHECK(sim, tw_action_decode(control->text.bytes, control->text.length, &action, &why), "action %llu: %s", U(h),
              why);
    struct wish *wish = people_said(sim->people, action.why);
    SIM_CHECK(sim, wish != NULL && wish->decided && !wish->refused, "action %llu is recorded, and nobody is to do it",
              U(h));
    SIM_CHECK(sim, wish->h == 0, "%s is recorded twice, as action %llu and %llu", wish->why, U(wish->h), U(h));
    SIM_CHECK(sim, is_as_wished(&action, wish), "action %llu is not what was asked for: %s", U(h), wish->why);
    SIM_CHECK(sim, control->ts_ns <= sim->wall_max_ns, "action %llu is of a time that has not come", U(h));
    wish->h = h;
    ledger->done = ledger_grow(ledger->done, h, &ledger->done_capacity, sizeof *ledger->done);
    ledger->done[h] = (struct done){wish, control->ts_ns};
    ledger->action_count = h;
}

/* Whoever tells of action h: it must be durable, and as it is in the log. */
static void compare(struct ledger *ledger, const void *bytes, size_t length, uint64_t h, const char *where)
{
    struct sim *sim = ledger->sim;
    struct tw_action_message message;
    SIM_CHECK(sim, h > 0 && h <= ledger->action_count, "action %llu is %s; durable are %llu", U(h), where,
              U(ledger->action_count));
    SIM_CHECK(sim, tw_action_message_decode(bytes, length, &message), "action %llu is %s and cannot be read", U(h),
              where);
    SIM_CHECK(sim,
              message.h == h && message.at_ns == ledger->done[h].at_ns &&
                  is_as_wished(&message.action, ledger->done[h].wish),
              "action %llu is %s as another than the log has", U(h), where);
}

void ledger_answered(struct ledger *ledger, struct wish *wish, uint64_t h, const void *bytes, size_t length)
{
    compare(ledger, bytes, length, h, "answered");
    SIM_CHECK(ledger->sim, ledger->done[h].wish == wish, "%s is answered by action %llu, which is %s", wish->why, U(h),
              ledger->done[h].wish->why);
    wish->answered = true;
}

void ledger_published(struct ledger *ledger, struct tw_text topic, const void *bytes, size_t length)
{
    char must[TW_TOPIC_BYTES_MAX];
    uint64_t h = ledger->published + 1;
    compare(ledger, bytes, length, h, "published");
    snprintf(must, sizeof must, "action.%s.", ledger->done[h].wish->verb);
    SIM_CHECK(ledger->sim, tw_text_is(topic, must), "action %llu is published under %.*s", U(h), (int)topic.length,
              topic.bytes);
    ledger->published = h;
}

void ledger_action_seen(struct ledger *ledger, uint64_t h, const void *bytes, size_t length)
{
    compare(ledger, bytes, length, h, "seen by a subscriber");
}

/* ---- what is hidden ---- */

static bool matches(const char *match, const struct tw_alert_view *alert)
{
    if (strcmp(match, "severity=HIGH") == 0)
        return tw_text_is(alert->severity, "HIGH");
    if (strcmp(match, "type=LARGE_TRADE") == 0)
        return tw_text_is(alert->type, "LARGE_TRADE");
    if (strcmp(match, "entity_type=CLIENT event!=open") == 0)
        return tw_text_is(alert->entity_type, "CLIENT") && !tw_text_is(alert->event, "open");
    if (strcmp(match, "type!=ANOMALY_DETECTED severity=CRITICAL") == 0)
        return !tw_text_is(alert->type, "ANOMALY_DETECTED") && tw_text_is(alert->severity, "CRITICAL");
    TW_ASSERT(strcmp(match, "event=resolve") == 0);
    return tw_text_is(alert->event, "resolve");
}

/* Ended by somebody, or over by the clock when another silence was recorded or ended: the clock may step back. */
static bool has_ended(const struct ledger *ledger, uint64_t silence, uint64_t last_h)
{
    for (uint64_t h = silence + 1; h <= last_h; h++) {
        const struct done *later = &ledger->done[h];
        if (!is_of_alert(later->wish) && (later->at_ns >= ledger->done[silence].wish->ends_ns ||
                                          (is_verb(later->wish, "unsilence") && later->wish->of == silence)))
            return true;
    }
    return false;
}

static uint64_t hidden_by(const struct ledger *ledger, const struct tw_alert_view *alert, uint64_t last_h,
                          int64_t at_ns)
{
    for (uint64_t h = 1; h <= last_h; h++) {
        const struct wish *wish = ledger->done[h].wish;
        if (is_verb(wish, "silence") && at_ns >= wish->starts_ns && at_ns < wish->ends_ns &&
            matches(wish->match, alert) && !has_ended(ledger, h, last_h))
            return h;
    }
    return 0;
}

void ledger_hidden(struct ledger *ledger, uint64_t n)
{
    const struct disk_hiding *hiding = &ledger->sim->disk->alerts[n].hiding;
    struct tw_alert_view view;
    TW_ASSERT(tw_alert_decode(ledger->alerts[n].bytes, ledger->alerts[n].length, &view));
    uint64_t known = hiding->recovered > 0 ? hiding->recovered : ledger->alerts[n].actions_before;
    uint64_t must = hidden_by(ledger, &view, known, hiding->at_ns);
    SIM_CHECK(ledger->sim, hiding->silence == must, "alert %llu is stored as hidden by silence %llu; it is %llu", U(n),
              U(hiding->silence), U(must));
}
