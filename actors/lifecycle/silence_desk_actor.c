/* SPDX-License-Identifier: MIT */
#include "actors/lifecycle/silence_desk_actor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/lifecycle/desk_actor.h"
#include "actors/lifecycle/silences.h"
#include "protocol/action_text.h"
#include "protocol/check.h"

#define MUTED_RULES_MAX 256u /* that ever muted anything; what others did is not counted */

/* ---- may it be? ---- */

/* Silences as they stand: what is recorded of them, taken in order. */
struct standing {
    struct tw_silences *silences;
    uint64_t h; /* that is asked after */
    bool met, ended;
};

static bool stand(void *context, const struct tw_store_action *stored)
{
    struct standing *standing = context;
    struct tw_action_message message;
    if (!tw_action_message_decode(stored->bytes, stored->length, &message))
        return true;
    (void)tw_silences_take(standing->silences, &message);
    standing->met |= message.action.verb == TW_ACTION_SILENCE && message.h == standing->h;
    standing->ended |= message.action.verb == TW_ACTION_UNSILENCE && message.action.silence == standing->h;
    return true;
}

static bool has_lines(struct tw_text text)
{
    return text.length > 0 && memchr(text.bytes, '\n', text.length) != NULL;
}

/* Whether a silence can be added, or that one ended. */
bool tw_silence_desk_may(struct tw_store *store, const struct tw_action *action, struct tw_store_error *error)
{
    struct standing standing = {.silences = tw_silences_new(), .h = action->silence};
    char why[TW_MATCHER_WHY_BYTES];
    bool ok = tw_store_actions(store, 0, stand, &standing, error);
    bool silences = action->verb == TW_ACTION_SILENCE;
    const char *fault = ok && silences ? tw_silence_fault(action, why) : NULL;
    const struct tw_text *at = fault == why ? &action->match : &action->hours;
    if (ok && silences && (has_lines(action->match) || has_lines(action->hours)))
        ok = tw_desk_refuse(error, TW_STORE_REFUSED, "matchers and hours stand in one line each");
    else if (ok && fault != NULL)
        ok = tw_desk_refuse(error, TW_STORE_REFUSED, "%.*s: %.240s", (int)(at->length < 200 ? at->length : 200),
                            at->bytes, fault);
    else if (ok && action->verb == TW_ACTION_SILENCE && tw_silences_count(standing.silences) == TW_SILENCES_MAX)
        ok = tw_desk_refuse(error, TW_STORE_MISSING, "there are %u silences already; expire some", TW_SILENCES_MAX);
    else if (ok && action->verb == TW_ACTION_UNSILENCE && (!standing.met || standing.ended))
        ok = tw_desk_refuse(error, TW_STORE_MISSING,
                            standing.met ? "silence %llu has been ended before" : "there is no silence %llu",
                            (unsigned long long)action->silence);
    tw_silences_free(&standing.silences);
    return ok;
}

/* ---- the list ---- */

struct silences {
    struct tw_store *store;
    struct tw_store_error *error;
    FILE *out;
    uint64_t *ended; /* h of those that were ended early */
    size_t ended_count;
    int64_t now_ns;
    bool ok;
};

static bool note_ended(void *context, const struct tw_store_action *stored)
{
    struct silences *silences = context;
    struct tw_action_message message;
    if (tw_action_message_decode(stored->bytes, stored->length, &message) &&
        message.action.verb == TW_ACTION_UNSILENCE) {
        silences->ended = tw_realloc(silences->ended, (silences->ended_count + 1) * sizeof *silences->ended);
        silences->ended[silences->ended_count++] = message.action.silence;
    }
    return true;
}

static bool count_hidden(void *context, uint64_t silence, uint64_t n)
{
    (void)silence, (void)n;
    ++*(uint64_t *)context;
    return true;
}

static const char *silence_state(const struct silences *silences, const struct tw_action_message *message)
{
    for (size_t i = 0; i < silences->ended_count; i++)
        if (silences->ended[i] == message->h)
            return "ended";
    if (silences->now_ns >= message->action.ends_ns)
        return "expired";
    return silences->now_ns < message->action.starts_ns ? "pending" : "active";
}

static bool print_one(void *context, const struct tw_store_action *stored)
{
    struct silences *silences = context;
    struct tw_action_message message;
    uint64_t hidden = 0;
    if (!tw_action_message_decode(stored->bytes, stored->length, &message) || message.action.verb != TW_ACTION_SILENCE)
        return true;
    silences->ok = tw_store_silenced(silences->store, message.h, count_hidden, &hidden, silences->error);
    fprintf(silences->out, "{\"h\":%" PRIu64 ",\"at\":%" PRId64 ",\"state\":\"%s\",\"hidden\":%" PRIu64, message.h,
            message.at_ns, silence_state(silences, &message), hidden);
    tw_action_print_members(silences->out, &message.action);
    fputs("}\n", silences->out);
    return silences->ok;
}

bool tw_silence_desk_list(struct tw_store *store, int64_t now_ns, struct tw_buffer *out, struct tw_store_error *error)
{
    char *text = NULL;
    size_t length = 0;
    struct silences silences = {
        .store = store, .error = error, .out = open_memstream(&text, &length), .now_ns = now_ns, .ok = true};
    TW_ASSERT(silences.out != NULL);
    bool ok = tw_store_actions(store, 0, note_ended, &silences, error) &&
              tw_store_actions(store, 0, print_one, &silences, error) && silences.ok;
    TW_ASSERT(fclose(silences.out) == 0);
    if (ok)
        tw_buffer_append(out, text, length);
    free(text);
    free(silences.ended);
    return ok;
}

/* ---- what inhibition muted ---- */

struct muted_counts {
    struct tw_store *store;
    struct tw_store_error *error;
    bool ok;
    struct {
        char rule[TW_RECEIVER_BYTES_MAX + 1];
        uint64_t muted, told, last_n;
    } list[MUTED_RULES_MAX];
    uint32_t count;
};

static bool count_muted(void *context, const struct tw_store_muted *muted)
{
    struct muted_counts *counts = context;
    char rule[TW_RECEIVER_BYTES_MAX + 1];
    uint32_t at = 0;
    uint64_t silence = 0; /* that hid it when nothing muted it any longer */
    counts->ok = muted->told == 0 || tw_store_silence_of(counts->store, muted->n, &silence, counts->error);
    snprintf(rule, sizeof rule, "%.*s", (int)muted->rule.length, muted->rule.bytes);
    while (at < counts->count && strcmp(counts->list[at].rule, rule) != 0)
        at++;
    if (at == MUTED_RULES_MAX)
        return counts->ok;
    if (at == counts->count)
        memcpy(counts->list[counts->count++].rule, rule, sizeof rule);
    counts->list[at].muted++;
    counts->list[at].told += muted->told != 0 && silence == 0;
    counts->list[at].last_n = muted->n;
    return counts->ok;
}

bool tw_silence_desk_muted(struct tw_store *store, struct tw_buffer *out, struct tw_store_error *error)
{
    struct muted_counts *counts = tw_alloc_zero(1, sizeof *counts);
    counts->store = store;
    counts->error = error;
    counts->ok = true;
    bool ok = tw_store_muted(store, 0, count_muted, counts, error) && counts->ok;
    for (uint32_t i = 0; ok && i < counts->count; i++) {
        char line[160];
        int length = snprintf(
            line, sizeof line, "{\"rule\":\"%s\",\"muted\":%" PRIu64 ",\"told\":%" PRIu64 ",\"last_n\":%" PRIu64 "}\n",
            counts->list[i].rule, counts->list[i].muted, counts->list[i].told, counts->list[i].last_n);
        tw_buffer_append(out, line, (size_t)length);
    }
    free(counts);
    return ok;
}
