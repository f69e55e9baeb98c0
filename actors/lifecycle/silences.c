/* SPDX-License-Identifier: MIT */
#include "actors/lifecycle/silences.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/hours.h"

struct silence {
    uint64_t h;
    struct tw_matchers *matchers;
    struct tw_hours hours; /* count 0: always */
    int64_t starts_ns, ends_ns;
};

struct tw_silences {
    struct silence list[TW_SILENCES_MAX];
    uint32_t count;
};

struct tw_silences *tw_silences_new(void)
{
    return tw_alloc_zero(1, sizeof(struct tw_silences));
}

void tw_silences_free(struct tw_silences **silences)
{
    if (*silences == NULL)
        return;
    for (uint32_t i = 0; i < (*silences)->count; i++)
        tw_matchers_free(&(*silences)->list[i].matchers);
    free(*silences);
    *silences = NULL;
}

static void drop(struct tw_silences *silences, uint32_t place)
{
    tw_matchers_free(&silences->list[place].matchers);
    silences->count--;
    memmove(&silences->list[place], &silences->list[place + 1], (silences->count - place) * sizeof silences->list[0]);
}

static void drop_ended(struct tw_silences *silences, int64_t at_ns)
{
    for (uint32_t i = silences->count; i > 0; i--)
        if (silences->list[i - 1].ends_ns <= at_ns)
            drop(silences, i - 1);
}

static bool read_hours(struct tw_text text, struct tw_hours *out)
{
    char words[TW_SILENCE_HOURS_BYTES_MAX + 1];
    *out = (struct tw_hours){.count = 0};
    snprintf(words, sizeof words, "%.*s", (int)text.length, text.length > 0 ? text.bytes : "");
    return text.length == 0 || tw_hours_read(words, out);
}

static struct tw_matchers *read_matchers(struct tw_text text, char why[TW_MATCHER_WHY_BYTES])
{
    char words[TW_SILENCE_MATCH_BYTES_MAX + 1];
    snprintf(words, sizeof words, "%.*s", (int)text.length, text.bytes);
    return tw_matchers_read(words, why);
}

const char *tw_silence_fault(const struct tw_action *action, char why[TW_MATCHER_WHY_BYTES])
{
    struct tw_hours hours;
    struct tw_matchers *matchers = read_matchers(action->match, why);
    bool readable = matchers != NULL;
    tw_matchers_free(&matchers);
    if (!readable)
        return why;
    return read_hours(action->hours, &hours) ? NULL : "the hours are not like Mon-Fri 22:00-06:00, Sat-Sun";
}

/* Blanks, which were taken once, mean everything: a record goes on meaning what it did. */
static struct tw_matchers *read_recorded(struct tw_text text, char why[TW_MATCHER_WHY_BYTES])
{
    uint32_t blanks = 0;
    while (blanks < text.length && text.bytes[blanks] == ' ')
        blanks++;
    return blanks == text.length ? tw_matchers_read("", why) : read_matchers(text, why);
}

static bool add(struct tw_silences *silences, const struct tw_action_message *message)
{
    char why[TW_MATCHER_WHY_BYTES];
    struct silence silence = {
        .h = message->h, .starts_ns = message->action.starts_ns, .ends_ns = message->action.ends_ns};
    if (silences->count == TW_SILENCES_MAX || !read_hours(message->action.hours, &silence.hours))
        return false;
    silence.matchers = read_recorded(message->action.match, why);
    if (silence.matchers == NULL)
        return false;
    silences->list[silences->count++] = silence;
    return true;
}

bool tw_silences_take(struct tw_silences *silences, const struct tw_action_message *message)
{
    if (tw_action_is_of_alert(message->action.verb))
        return true;
    drop_ended(silences, message->at_ns);
    if (message->action.verb == TW_ACTION_SILENCE)
        return add(silences, message);
    for (uint32_t i = 0; i < silences->count; i++)
        if (silences->list[i].h == message->action.silence) {
            drop(silences, i);
            break;
        }
    return true;
}

uint32_t tw_silences_count(const struct tw_silences *silences)
{
    return silences->count;
}

uint64_t tw_silences_hide(const struct tw_silences *silences, const struct tw_labels *labels, int64_t at_ns,
                          int64_t local_s)
{
    for (uint32_t i = 0; i < silences->count; i++) {
        const struct silence *silence = &silences->list[i];
        bool in_time = at_ns >= silence->starts_ns && at_ns < silence->ends_ns &&
                       (silence->hours.count == 0 || tw_hours_contain(&silence->hours, local_s));
        if (in_time && tw_matchers_against(silence->matchers, labels) == NULL)
            return silence->h;
    }
    return 0;
}
