/* SPDX-License-Identifier: MIT
 *
 * One message, from its envelope to its trades (CONTRACT: "Submitting trades"). The order is: who speaks, which
 * numbers, which names, is what came before the same; only then is anything taken.
 */
#include "actors/gateway/inside.h"

/* Takes the rest of the message from the reader's place on. */
static void take_rest(struct tw_gateway *gateway, struct tw_source *source, struct tw_reader *reader, int64_t wall_ns)
{
    struct tw_read read;
    struct tw_row row;
    while (reader->row < reader->submission.count) {
        if (reader->submission.columnar) {
            tw_gateway_take_plain(gateway, source, reader, wall_ns);
            if (reader->row == reader->submission.count)
                break;
        }
        uint32_t at = reader->row;
        tw_gateway_read(reader, &read);
        if (tw_gateway_take(gateway, source, reader, &read, wall_ns, &row) && reader->submission.columnar)
            tw_gateway_columns_learn(reader, at, &row);
    }
}

/* Names of the columnar form, before anything else of the message is taken. */
static enum tw_code take_names(struct tw_source *source, const struct tw_submission *submission,
                               char why[TW_WHY_BYTES_MAX])
{
    if (!submission->columnar)
        return TW_OK;
    enum tw_code code = tw_local_names_check(source->names, submission, why);
    if (code == TW_OK)
        tw_local_names_merge(&source->names, submission);
    return code;
}

/* ---- push ---- */

/* The publisher's current incarnation for this message; NULL if the message was answered already. */
static struct tw_source *admit(struct tw_gateway *gateway, struct tw_publisher *publisher,
                               const struct tw_submission *submission)
{
    bool hello = submission->count == 0, added;
    struct tw_source *current = publisher->source == 0 ? NULL : gateway->sources[publisher->source];
    if (current != NULL && submission->incarnation == current->incarnation)
        return current;
    if (current != NULL && submission->incarnation < current->incarnation) {
        tw_gateway_hold(gateway, publisher, submission->incarnation, TW_HOLD_STALE_INCARNATION, submission->seq, NULL);
        return NULL;
    }
    if (current != NULL && !hello) {
        tw_gateway_hold(gateway, publisher, submission->incarnation, TW_HOLD_HELLO_REQUIRED, submission->seq, NULL);
        return NULL;
    }
    struct tw_source *source = tw_gateway_source(gateway, publisher, submission->incarnation, &added);
    if (source == NULL) {
        tw_gateway_hold(gateway, publisher, submission->incarnation, TW_HOLD_TOO_MANY_PUBLISHERS, submission->seq,
                        NULL);
        return NULL;
    }
    if (current == NULL)
        tw_gateway_begin(gateway, publisher, source);
    else
        tw_gateway_fence(gateway, publisher, source);
    return source;
}

/* Whether the message's numbers can be taken now; if not, the publisher hears of a gap at once. */
static bool in_reach(struct tw_gateway *gateway, struct tw_publisher *publisher, struct tw_source *source,
                     const struct tw_submission *submission)
{
    uint64_t end = submission->seq + submission->count;
    uint64_t credit = gateway->disk_held ? 0 : gateway->settings.credit_trades;
    if (submission->seq > source->next)
        gateway->counters.gaps++;
    else if (end > source->next && end - 1 > source->durable + credit)
        gateway->counters.beyond_credit++;
    else
        return true;
    source->gap++;
    tw_gateway_due(gateway, publisher);
    return false;
}

/* Compares what lies below `next` with what was taken; the reader stands behind it then. */
static bool equals_past(struct tw_gateway *gateway, const struct tw_source *source, struct tw_reader *reader,
                        uint64_t *differing)
{
    const struct tw_submission *submission = &reader->submission;
    uint64_t seq = submission->seq;
    struct tw_read read;
    for (; reader->row < submission->count && seq < source->next; seq++) {
        tw_gateway_read(reader, &read);
        if (!tw_gateway_sent_before(gateway, source, seq, reader, &read)) {
            *differing = seq;
            return false;
        }
    }
    return true;
}

void tw_gateway_push(struct tw_gateway *gateway, struct tw_publisher *publisher, const struct tw_submission *submission,
                     int64_t wall_ns)
{
    struct tw_source *source = admit(gateway, publisher, submission);
    if (source == NULL)
        return;
    if (submission->count == 0) {
        gateway->counters.hellos++;
        tw_gateway_unhold(publisher);
        publisher->hello = true;
        tw_gateway_due(gateway, publisher);
    } else if (!in_reach(gateway, publisher, source, submission)) {
        return;
    }
    char why[TW_WHY_BYTES_MAX];
    enum tw_code code = take_names(source, submission, why);
    if (code != TW_OK) {
        tw_gateway_hold(gateway, publisher, submission->incarnation, code, submission->seq, why);
        return;
    }
    if (submission->count == 0)
        return;
    struct tw_reader reader = tw_gateway_reader(submission, source->names);
    uint64_t differing = 0, next = source->next;
    if (!equals_past(gateway, source, &reader, &differing)) {
        tw_gateway_hold(gateway, publisher, submission->incarnation, TW_HOLD_SEQUENCE_REUSED, differing, NULL);
        return;
    }
    gateway->counters.duplicates += reader.row;
    take_rest(gateway, source, &reader, wall_ns);
    const struct tw_hold *hold = publisher->hold;
    if (hold != NULL && hold->code != TW_HOLD_SEQUENCE_REUSED && source->next > next && source->next > hold->seq)
        tw_gateway_unhold(publisher);
}

/* ---- feeds: nobody resends, so a gap is recorded and the feed goes on ---- */

static struct tw_source *admit_feed(struct tw_gateway *gateway, struct tw_publisher *publisher,
                                    const struct tw_submission *submission)
{
    bool added;
    struct tw_source *current = publisher->source == 0 ? NULL : gateway->sources[publisher->source];
    if (current != NULL && submission->incarnation == current->incarnation)
        return current;
    if (current != NULL && submission->incarnation < current->incarnation) {
        gateway->counters.duplicates += submission->count;
        return NULL;
    }
    struct tw_source *source = tw_gateway_source(gateway, publisher, submission->incarnation, &added);
    if (source == NULL)
        tw_gateway_complain(gateway, "a feed message was dropped: no place for one more publisher");
    else if (current == NULL)
        tw_gateway_promote(gateway, publisher, source);
    else
        tw_gateway_fence(gateway, publisher, source);
    return source;
}

static void record_gap(struct tw_gateway *gateway, struct tw_source *source, uint64_t seq, int64_t wall_ns)
{
    uint64_t missing = seq - source->next;
    struct tw_text name = tw_gateway_publisher_name(gateway, gateway->publishers[source->publisher]);
    tw_gateway_complain(gateway, "feed %.*s: %llu trades are missing from number %llu on", (int)name.length, name.bytes,
                        (unsigned long long)missing, (unsigned long long)source->next);
    tw_gateway_stage_control(gateway, (struct tw_control){.kind = TW_CONTROL_FEED_GAP,
                                                          .ts_ns = wall_ns,
                                                          .number = source->next,
                                                          .number2 = missing,
                                                          .source = source->id});
    source->next = seq;
    gateway->counters.feed_gaps++;
}

void tw_gateway_feed(struct tw_gateway *gateway, struct tw_publisher *publisher, const struct tw_submission *submission,
                     int64_t wall_ns)
{
    struct tw_source *source = admit_feed(gateway, publisher, submission);
    if (source == NULL)
        return;
    char why[TW_WHY_BYTES_MAX];
    if (take_names(source, submission, why) != TW_OK) {
        gateway->counters.unreadable++;
        tw_gateway_complain(gateway, "a message of feed %.*s was dropped: %s", (int)submission->publisher.length,
                            submission->publisher.bytes, why);
        return;
    }
    if (submission->count == 0)
        return;
    struct tw_reader reader = tw_gateway_reader(submission, source->names);
    if (submission->seq > source->next)
        record_gap(gateway, source, submission->seq, wall_ns);
    struct tw_read read;
    for (uint64_t seq = submission->seq; reader.row < submission->count && seq < source->next; seq++) {
        tw_gateway_read(&reader, &read);
        gateway->counters.duplicates++;
    }
    take_rest(gateway, source, &reader, wall_ns);
}

/* ---- anonymous: taken once at most, never answered ---- */

void tw_gateway_anonymous(struct tw_gateway *gateway, const struct tw_submission *submission, int64_t wall_ns)
{
    if (submission->count == 0)
        return;
    if (gateway->anonymous == NULL) {
        bool added;
        struct tw_publisher *publisher = tw_gateway_publisher(gateway, (struct tw_text){"_anon", 5});
        if (publisher != NULL)
            gateway->anonymous = tw_gateway_source(gateway, publisher, (uint32_t)gateway->boot, &added);
        if (gateway->anonymous == NULL) {
            tw_gateway_complain(gateway, "an anonymous message was dropped: no place for one more publisher");
            return;
        }
    }
    struct tw_source *source = gateway->anonymous;
    char why[TW_WHY_BYTES_MAX];
    tw_local_names_free(&source->names); /* each message brings its own */
    if (take_names(source, submission, why) != TW_OK) {
        gateway->counters.unreadable++;
        tw_gateway_complain(gateway, "an anonymous message was dropped: %s", why);
        return;
    }
    struct tw_reader reader = tw_gateway_reader(submission, source->names);
    take_rest(gateway, source, &reader, wall_ns);
}
