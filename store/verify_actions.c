/* SPDX-License-Identifier: MIT
 *
 * What people did to alerts: dense, readable, of alerts that are there, chained by their digests, and what the log says
 * as far as it still has it. And their rows by alert: one for each that is about an alert, and no others.
 */
#include <inttypes.h>

#include "protocol/action.h"
#include "store/verify.h"

/* ---- the log's records, while it is walked ---- */

struct stored {
    uint64_t h;
    const struct tw_buffer *expected;
    bool same;
};

static bool compare(void *context, const struct tw_store_action *action)
{
    struct stored *stored = context;
    stored->same = action->h == stored->h && action->length == stored->expected->length &&
                   memcmp(action->bytes, stored->expected->bytes, action->length) == 0;
    return false;
}

bool tw_verify_action_take(struct tw_verify *verify, const struct tw_control *control)
{
    struct tw_action_message message = {.h = control->number, .at_ns = control->ts_ns};
    struct tw_buffer expected = {0};
    const char *why = NULL;
    if (verify->actions_met == 0 && verify->retained.lsn != 0) /* those before it were dropped with their records */
        verify->actions_met = message.h - 1;
    if (message.h != ++verify->actions_met)
        return tw_verify_damaged(verify, "record %" PRIu64 " is action %" PRIu64 ", and should be %" PRIu64,
                                 control->lsn, message.h, verify->actions_met);
    TW_ASSERT(tw_action_decode(control->text.bytes, control->text.length, &message.action, &why));
    tw_action_message_encode(&expected, &message);
    struct stored stored = {message.h, &expected, false};
    bool ok = tw_store_actions(verify->store, message.h - 1, compare, &stored, verify->error);
    tw_buffer_free(&expected);
    if (ok && !stored.same)
        ok = tw_verify_damaged(verify, "the row of action %" PRIu64 " does not say what the log says", message.h);
    return ok;
}

/* ---- the rows ---- */

struct walk {
    struct tw_verify *verify;
    struct tw_hasher *hasher;
    uint64_t of_alerts;
    uint8_t digest[TW_SHA256_BYTES];
    bool ok;
};

static bool has_row(struct tw_verify *verify, const uint8_t id[TW_ALERT_ID_BYTES], uint64_t h)
{
    uint8_t key[26];
    tw_store_alert_key(key, id, h);
    int found = tw_store_get_exact(verify->store, TW_FAMILY_META, key, sizeof key, NULL, 0, verify->error);
    return found > 0 ||
           (found == 0 && tw_verify_damaged(verify, "the row by alert of action %" PRIu64 " is missing", h));
}

struct event {
    uint64_t n;
    const uint8_t *id;
    bool same;
};

static bool compare_id(void *context, const struct tw_store_alert *alert)
{
    struct event *event = context;
    uint8_t id[TW_ALERT_ID_BYTES];
    event->same = alert->n == event->n && tw_alert_id_of(alert->bytes, alert->length, id) &&
                  memcmp(id, event->id, sizeof id) == 0;
    return false;
}

/* The event that somebody saw when he did it is one of the alert that he did it to. */
static bool is_of_alert(struct tw_verify *verify, const uint8_t id[TW_ALERT_ID_BYTES], uint64_t h, uint64_t n)
{
    struct event event = {n, id, false};
    return tw_store_alerts(verify->store, n - 1, compare_id, &event, verify->error) &&
           (event.same ||
            tw_verify_damaged(verify, "action %" PRIu64 " names alert event %" PRIu64 ", which is of another alert", h,
                              n));
}

static bool check_action(void *context, const struct tw_store_action *action)
{
    struct walk *walk = context;
    struct tw_verify *verify = walk->verify;
    struct tw_action_message message;
    uint8_t id[TW_ALERT_ID_BYTES];
    walk->ok = false;
    if (!tw_action_message_decode(action->bytes, action->length, &message) || message.h != action->h)
        return tw_verify_damaged(verify, "action %" PRIu64 " is not readable", action->h);
    tw_digest_extend(walk->hasher, walk->digest, action->bytes, action->length);
    if (memcmp(walk->digest, action->digest, sizeof walk->digest) != 0)
        return tw_verify_damaged(verify, "the digest after action %" PRIu64 " is not what the actions give", action->h);
    if (message.action.n > tw_store_last_alert(verify->store))
        return tw_verify_damaged(verify, "action %" PRIu64 " names alert %" PRIu64 "; there are %" PRIu64, action->h,
                                 message.action.n, tw_store_last_alert(verify->store));
    if (!tw_action_is_of_alert(message.action.verb))
        return walk->ok = true;
    walk->of_alerts++;
    TW_ASSERT(tw_alert_id_read(message.action.id, id));
    return walk->ok = has_row(verify, id, action->h) && is_of_alert(verify, id, action->h, message.action.n);
}

/* All that should be are there; so there are others if there are more. */
static bool no_others(struct tw_verify *verify, uint64_t expected)
{
    const uint8_t from[2] = {'A', 'a'};
    uint64_t rows = 0;
    rocksdb_iterator_t *iterator = tw_store_iterate(verify->store, TW_FAMILY_META);
    for (rocksdb_iter_seek(iterator, (const char *)from, sizeof from); rocksdb_iter_valid(iterator);
         rocksdb_iter_next(iterator)) {
        size_t length = 0;
        const uint8_t *key = tw_iterator_key(iterator, &length);
        if (length < sizeof from || memcmp(key, from, sizeof from) != 0)
            break;
        rows++;
    }
    bool ok = tw_iterator_ok(verify->store, iterator, "read", verify->error);
    rocksdb_iter_destroy(iterator);
    return ok && (rows == expected ||
                  tw_verify_damaged(verify, "there are %" PRIu64 " rows by alert of actions, and should be %" PRIu64,
                                    rows, expected));
}

/* ---- what silences hid ---- */

static bool check_hidden(void *context, uint64_t silence, uint64_t n)
{
    struct walk *walk = context;
    uint64_t by = 0;
    if (silence > tw_store_last_action(walk->verify->store) || n == 0 || n > tw_store_last_alert(walk->verify->store))
        return walk->ok = tw_verify_damaged(walk->verify, "alert %" PRIu64 " is said to be hidden by action %" PRIu64,
                                            n, silence);
    walk->ok = tw_store_silence_of(walk->verify->store, n, &by, walk->verify->error);
    if (walk->ok && by != silence)
        walk->ok = tw_verify_damaged(walk->verify, "the row that says what hid alert %" PRIu64 " is missing", n);
    return walk->ok;
}

static bool check_silenced(struct tw_verify *verify)
{
    struct walk walk = {.verify = verify, .ok = true};
    return tw_store_silenced(verify->store, 0, check_hidden, &walk, verify->error) && walk.ok;
}

/* What mutes an open alert may end while something later mutes it too: then that one is in its place. */
static bool may_mute(const struct tw_store_muted *muted)
{
    return muted->by < muted->n || (muted->told != 0 && muted->by < muted->told);
}

static bool check_one_muted(void *context, const struct tw_store_muted *muted)
{
    struct walk *walk = context;
    uint64_t last = tw_store_last_alert(walk->verify->store);
    walk->ok =
        (muted->n >= 1 && muted->n <= last && may_mute(muted) && muted->told <= last) ||
        tw_verify_damaged(walk->verify, "alert %" PRIu64 " is said to be muted by %" PRIu64, muted->n, muted->by);
    return walk->ok;
}

static bool check_muted(struct tw_verify *verify)
{
    struct walk walk = {.verify = verify, .ok = true};
    return tw_store_muted(verify->store, 0, check_one_muted, &walk, verify->error) && walk.ok;
}

bool tw_verify_actions(struct tw_verify *verify)
{
    struct walk walk = {.verify = verify, .ok = true};
    uint64_t last = tw_store_last_action(verify->store);
    if (verify->retained.lsn == 0 && verify->actions_met != last)
        return tw_verify_damaged(verify, "there are %" PRIu64 " actions, and the log has %" PRIu64, last,
                                 verify->actions_met);
    walk.hasher = tw_hasher_new();
    bool walked = tw_store_actions(verify->store, 0, check_action, &walk, verify->error) && walk.ok;
    tw_hasher_free(&walk.hasher);
    return walked && no_others(verify, walk.of_alerts) && check_silenced(verify) && check_muted(verify);
}
