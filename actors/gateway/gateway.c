/* SPDX-License-Identifier: MIT
 *
 * The gateway's API: making and freeing one, and what to do with one message.
 */
#include "actors/gateway/gateway.h"
#include "actors/gateway/inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct tw_gateway *tw_gateway_new(const struct tw_gateway_settings *settings, const struct tw_history *history)
{
    TW_ASSERT(settings->block_trades_max >= 1 && settings->block_trades_max <= TW_BLOCK_TRADES_MAX);
    TW_ASSERT(settings->next_roll != NULL && settings->reporting_currency != NULL);
    struct tw_gateway *gateway = tw_alloc_zero(1, sizeof *gateway);
    gateway->settings = *settings;
    if (settings->sources_max == 0)
        gateway->settings.sources_max = TW_SOURCES_MAX;
    gateway->history = *history;
    size_t length = strlen(settings->reporting_currency);
    gateway->reporting_currency = (struct tw_text){tw_strndup(settings->reporting_currency, length), (uint32_t)length};
    gateway->symbols = tw_dictionary_new(TW_SYMBOLS_MAX);
    gateway->accounts = tw_dictionary_new(TW_ACCOUNTS_MAX);
    gateway->sources_by_name = tw_dictionary_new(gateway->settings.sources_max);
    gateway->parties = tw_dictionary_new(TW_PARTIES_MAX);
    gateway->publishers_by_name = tw_dictionary_new(gateway->settings.sources_max);
    gateway->cadence_ns = INT64_MAX;
    gateway->frames = tw_frame_pool_new();
    tw_gateway_open_new(gateway);
    return gateway;
}

static void free_publishers(struct tw_gateway *gateway)
{
    for (uint32_t id = 1; id <= tw_dictionary_count(gateway->sources_by_name); id++)
        tw_source_free(&gateway->sources[id]);
    for (uint32_t id = 1; id <= tw_dictionary_count(gateway->publishers_by_name); id++) {
        tw_gateway_unhold(gateway->publishers[id]);
        free(gateway->publishers[id]->answer);
        free(gateway->publishers[id]);
    }
    free(gateway->sources);
    free(gateway->publishers);
    free(gateway->active);
    free(gateway->queue);
    free(gateway->spent_answer);
}

void tw_gateway_free(struct tw_gateway **gateway)
{
    struct tw_gateway *gone = *gateway;
    if (gone == NULL)
        return;
    free_publishers(gone);
    for (uint32_t i = 0; i < gone->flight_count; i++)
        tw_flight_clear(gone, &gone->flights[gone->flight_first + i]);
    free(gone->flights);
    tw_flight_spares_free(gone);
    tw_frame_pool_close(&gone->frames);
    tw_gateway_open_free(gone);
    tw_busted_free(&gone->busted);
    tw_dictionary_free(&gone->symbols);
    tw_dictionary_free(&gone->accounts);
    tw_dictionary_free(&gone->sources_by_name);
    tw_dictionary_free(&gone->parties);
    tw_dictionary_free(&gone->publishers_by_name);
    tw_buffer_free(&gone->settings_text);
    tw_saving_free(&gone->saving);
    tw_buffer_free(&gone->raw);
    free((char *)(uintptr_t)gone->reporting_currency.bytes);
    free(gone);
    *gateway = NULL;
}

void tw_gateway_complain(struct tw_gateway *gateway, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(gateway->complaint, sizeof gateway->complaint, format, arguments);
    va_end(arguments);
    gateway->complained = true;
}

const char *tw_gateway_complaint(struct tw_gateway *gateway)
{
    if (!gateway->complained)
        return NULL;
    gateway->complained = false;
    return gateway->complaint;
}

/* ---- one message ---- */

/* No room, so that the message has to wait: it goes whole into one block unless it is larger than any. */
static bool must_wait(const struct tw_gateway *gateway, uint32_t count)
{
    uint32_t rows_max = gateway->settings.block_trades_max;
    return gateway->last_lsn - gateway->cut_lsn >= TW_GATEWAY_STAGED_MAX ||
           gateway->open.position_count >= TW_BLOCK_TRADES_MAX ||
           (count <= rows_max && count > rows_max - tw_gateway_places_used(gateway));
}

static void unreadable(struct tw_gateway *gateway, enum tw_lane lane, size_t length, const char *why)
{
    gateway->counters.unreadable++;
    tw_gateway_complain(gateway, "an unreadable %s message of %zu bytes was dropped: %s",
                        lane == TW_LANE_FEED ? "feed" : "pushed", length, why == NULL ? "not MessagePack" : why);
}

/* The name is taken by the other kind. A publisher is told; its client stops. */
static void refuse_name(struct tw_gateway *gateway, struct tw_publisher *publisher, enum tw_lane lane,
                        uint32_t incarnation, uint64_t seq)
{
    struct tw_text name = tw_gateway_publisher_name(gateway, publisher);
    if (lane == TW_LANE_PUSH) {
        tw_gateway_hold(gateway, publisher, incarnation, TW_HOLD_NAME_OF_A_FEED, seq, NULL);
        return;
    }
    gateway->counters.unreadable++;
    tw_gateway_complain(gateway, "a feed message was dropped: publisher %.*s sends by PUSH itself", (int)name.length,
                        name.bytes);
}

/* A publisher is told; its client stops. */
static void refuse_newcomer(struct tw_gateway *gateway, enum tw_lane lane, const struct tw_submission *submission)
{
    tw_gateway_complain(gateway, "a message was dropped: no place for one more publisher");
    if (lane == TW_LANE_PUSH)
        tw_gateway_hold_stranger(gateway, submission, TW_HOLD_TOO_MANY_PUBLISHERS, NULL);
}

static void take_named(struct tw_gateway *gateway, enum tw_lane lane, const struct tw_submission *submission,
                       int64_t wall_ns, int64_t now_ns)
{
    struct tw_publisher *publisher = tw_gateway_publisher(gateway, submission->publisher);
    if (publisher == NULL) {
        refuse_newcomer(gateway, lane, submission);
    } else if (!tw_gateway_may_speak(gateway, publisher, lane)) {
        refuse_name(gateway, publisher, lane, submission->incarnation, submission->seq);
    } else if (lane == TW_LANE_FEED) {
        tw_gateway_feed(gateway, publisher, submission, wall_ns);
    } else {
        tw_gateway_heard(gateway, publisher, now_ns);
        tw_gateway_push(gateway, publisher, submission, wall_ns);
    }
}

/* What has no number keeps its order: a smaller message does not go where a larger one had no room. */
static bool waits_behind_others(const struct tw_gateway *gateway, enum tw_lane lane,
                                const struct tw_submission *submission)
{
    return gateway->disk_held && gateway->open.refused_room && tw_gateway_staged(gateway) &&
           (lane == TW_LANE_FEED || submission->anonymous);
}

/* There is no room for it, and none may come for long. A publisher that is known, in its incarnation or an older one,
 * is answered all the same: without credit nothing of it is taken, so nothing has to be recorded. Another one would
 * need a name or a fence in the log; it asks again until there is room. */
static bool answer_held(struct tw_gateway *gateway, enum tw_lane lane, const struct tw_submission *submission,
                        int64_t wall_ns, int64_t now_ns)
{
    if (!gateway->disk_held || lane != TW_LANE_PUSH || submission->anonymous)
        return false;
    struct tw_publisher *publisher = tw_gateway_known(gateway, submission->publisher);
    if (publisher == NULL || publisher->speaks != TW_SPEAKS_BY_PUSH || publisher->source == 0 ||
        submission->incarnation > gateway->sources[publisher->source]->incarnation) {
        gateway->counters.turned_away++;
        return true;
    }
    tw_gateway_heard(gateway, publisher, now_ns);
    tw_gateway_push(gateway, publisher, submission, wall_ns);
    return true;
}

/* A name that is not known stays so: nothing of the message goes into the log, which bounds how many there are. */
static void hold_unacceptable(struct tw_gateway *gateway, const struct tw_submission *submission, enum tw_code code,
                              const char *why, int64_t now_ns)
{
    struct tw_publisher *publisher = tw_gateway_known(gateway, submission->publisher);
    if (publisher == NULL) {
        tw_gateway_hold_stranger(gateway, submission, code, why);
    } else if (publisher->speaks == TW_SPEAKS_BY_FEED) {
        refuse_name(gateway, publisher, TW_LANE_PUSH, submission->incarnation, submission->seq);
    } else {
        tw_gateway_heard(gateway, publisher, now_ns);
        tw_gateway_hold(gateway, publisher, submission->incarnation, code, submission->seq, why);
    }
}

enum tw_taken tw_gateway_submit(struct tw_gateway *gateway, enum tw_lane lane, const void *bytes, size_t length,
                                int64_t wall_ns, int64_t now_ns)
{
    TW_ASSERT(gateway->started);
    struct tw_submission submission;
    enum tw_code code = TW_OK;
    const char *why = NULL;
    enum tw_envelope envelope = tw_submission_decode(bytes, length, &submission, &code, &why);
    bool waits = envelope == TW_ENVELOPE_OK &&
                 (must_wait(gateway, submission.count) || waits_behind_others(gateway, lane, &submission));
    if (waits) {
        if (answer_held(gateway, lane, &submission, wall_ns, now_ns))
            return TW_TAKEN;
        gateway->open.refused_room = true;
        return TW_TAKEN_LATER;
    }
    if (envelope == TW_ENVELOPE_UNREADABLE || (envelope == TW_ENVELOPE_HOLD && lane == TW_LANE_FEED)) {
        unreadable(gateway, lane, length, why);
        return TW_TAKEN;
    }
    if (envelope == TW_ENVELOPE_HOLD) {
        hold_unacceptable(gateway, &submission, code, why, now_ns);
        return TW_TAKEN;
    }
    uint64_t before = gateway->last_seq;
    if (submission.anonymous)
        tw_gateway_anonymous(gateway, &submission, wall_ns);
    else
        take_named(gateway, lane, &submission, wall_ns, now_ns);
    if (gateway->last_seq != before) {
        gateway->accepted_ns = now_ns;
        gateway->heard_time = true;
    }
    return TW_TAKEN;
}

/* ---- to look at ---- */

struct tw_gateway_counters tw_gateway_counters(const struct tw_gateway *gateway)
{
    return gateway->counters;
}
uint64_t tw_gateway_last_seq(const struct tw_gateway *gateway)
{
    return gateway->last_seq;
}
uint64_t tw_gateway_last_lsn(const struct tw_gateway *gateway)
{
    return gateway->cut_lsn;
}
uint64_t tw_gateway_actions(const struct tw_gateway *gateway)
{
    return gateway->actions;
}

uint64_t tw_gateway_boot(const struct tw_gateway *gateway)
{
    return gateway->boot;
}
