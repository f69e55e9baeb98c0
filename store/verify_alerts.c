/* SPDX-License-Identifier: MIT
 *
 * Alert records: dense, whole, and with the digests that they give; and the runs of rows by id, which have each event
 * once and no others, as far as they say they reach.
 */
#include <inttypes.h>

#include "protocol/messages.h"
#include "store/alert_ids.h"
#include "store/verify.h"

struct walk {
    struct tw_verify *verify;
    struct tw_hasher *hasher;
    uint64_t n;
    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES];
    uint64_t buckets[TW_ALERT_ID_BUCKETS]; /* sums of hashes: the rows' less the alerts' must come to 0 */
    bool ok;
};

/* ---- the digest's value, from the record (RULES: "the digest's value") ---- */

#define VALUE_BYTES 64u

/* A decimal of at most 8 places becomes an integer of 1e-8: the point goes, zeros fill up. */
static bool value_of_decimal(struct tw_text text, char out[VALUE_BYTES])
{
    uint32_t length = 0, decimals = 0;
    bool point = false, leading = true;
    for (uint32_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (c == '-' && i == 0) {
            out[length++] = c;
        } else if (c == '.' && !point) {
            point = true;
        } else if (c >= '0' && c <= '9' && length < VALUE_BYTES - 10) {
            decimals += point ? 1u : 0u;
            leading = leading && c == '0';
            if (!leading)
                out[length++] = c;
        } else {
            return false;
        }
    }
    if (decimals > 8)
        return false;
    for (; decimals < 8 && !leading; decimals++)
        out[length++] = '0';
    if (leading) {
        length = 0;
        out[length++] = '0';
    }
    out[length] = '\0';
    return true;
}

/* x of an ANOMALY_DETECTED, the notional in whole cents. Its float64 tells the 1e-8 exactly up to 2^51 of them; above,
 * rounding may go to either of two cents: `*low` to `*high`. */
static bool cents_of_notional(struct tw_alert_view *view, tw_i128 *low, tw_i128 *high)
{
    struct tw_unpacker cursor = view->features;
    for (uint32_t i = 0; i < view->feature_count; i++) {
        struct tw_text name;
        if (!tw_unpack_text(&cursor, &name))
            return false;
        struct tw_pack_value value = tw_unpack_next(&cursor);
        if (value.type != TW_PACK_FLOAT)
            return false;
        if (!tw_text_is(name, "notional"))
            continue;
        double e8 = value.real * 1e8;
        if (!(e8 >= 0 && e8 < 1e19))
            return false;
        tw_i128 amount = (tw_i128)(e8 + 0.5), slack = amount >> 51;
        *low = tw_divide_half_even(amount - slack, 1000000);
        *high = tw_divide_half_even(amount + slack, 1000000);
        return true;
    }
    return false;
}

/* ---- rows by id ---- */

static uint64_t hash_of(uint64_t n, const uint8_t kept[TW_ALERT_ID_KEPT_BYTES])
{
    uint32_t bytes;
    memcpy(&bytes, kept, sizeof bytes);
    return tw_verify_mix(n, bytes);
}

static bool check_ids(struct walk *walk)
{
    struct tw_verify *verify = walk->verify;
    struct tw_alert_id_entries entries;
    uint8_t bucket = 0;
    const uint8_t *kept;
    uint64_t n;
    int more = 0;
    rocksdb_iterator_t *iterator = tw_store_iterate(verify->store, TW_FAMILY_META);
    for (tw_alert_id_seek(iterator, 0); more == 0 && tw_alert_id_row(iterator, &bucket, &entries);
         rocksdb_iter_next(iterator))
        while ((more = tw_alert_id_next(&entries, &n, &kept)) > 0)
            walk->buckets[bucket] += hash_of(n, kept);
    bool ok =
        more == 0 || tw_verify_damaged(verify, "a row by id of alerts that begin with %02x is not readable", bucket);
    ok = ok && tw_iterator_ok(verify->store, iterator, "read", verify->error);
    rocksdb_iter_destroy(iterator);
    for (uint32_t i = 0; ok && i < TW_ALERT_ID_BUCKETS; i++)
        ok = walk->buckets[i] == 0 ||
             tw_verify_damaged(verify, "the rows by id of alerts that begin with %02x are not those of the alerts", i);
    return ok;
}

/* ---- one alert ---- */

static void extend(struct walk *walk, const struct tw_alert_view *view, const char *value)
{
    char line[512];
    int length = snprintf(line, sizeof line, "%" PRIu64 " %.*s %.*s %.*s %.*s %" PRIu64 " %s\n", view->n,
                          (int)view->event.length, view->event.bytes, (int)view->type.length, view->type.bytes,
                          (int)view->severity.length, view->severity.bytes, (int)view->entity.length,
                          view->entity.bytes, view->seq, value);
    tw_digest_extend(walk->hasher, walk->digest, line, length > 0 && (size_t)length < sizeof line ? (size_t)length : 0);
}

/* Extends the digest; where two values are possible, by the one that the stored digest agrees with. */
static bool extend_by_view(struct walk *walk, struct tw_alert_view *view, const uint8_t *stored)
{
    char value[VALUE_BYTES] = "0";
    tw_i128 low = 0, high = 0;
    switch (view->value.type) {
    case TW_PACK_STR:
        if (!value_of_decimal(view->value.text, value))
            return false;
        break;
    case TW_PACK_UINT:
        snprintf(value, sizeof value, "%" PRIu64, view->value.uint);
        break;
    case TW_PACK_INT:
        snprintf(value, sizeof value, "%" PRId64, view->value.sint);
        break;
    case TW_PACK_FLOAT:
        if (!tw_text_is(view->event, "resolve") && !cents_of_notional(view, &low, &high))
            return false;
        tw_i128_format(low, value);
        break;
    default:
        return false;
    }
    uint8_t before[TW_SHA256_BYTES];
    memcpy(before, walk->digest, sizeof before);
    extend(walk, view, value);
    if (low != high && memcmp(walk->digest, stored, TW_SHA256_BYTES) != 0) {
        memcpy(walk->digest, before, sizeof before);
        tw_i128_format(high, value);
        extend(walk, view, value);
    }
    return true;
}

static bool check_alert(void *context, const struct tw_store_alert *alert)
{
    struct walk *walk = context;
    struct tw_verify *verify = walk->verify;
    struct tw_alert_view view;
    uint8_t id[TW_ALERT_ID_BYTES];
    walk->n = alert->n;
    walk->ok = false;
    if (alert->length <= TW_ALERT_DETECTED_BYTES || !tw_alert_decode(alert->bytes, alert->length, &view) ||
        view.n != alert->n || !tw_alert_id_of(alert->bytes, alert->length, id))
        return tw_verify_damaged(verify, "alert %" PRIu64 " is not readable", alert->n);
    if (view.seq > verify->head.seq)
        return tw_verify_damaged(verify, "alert %" PRIu64 " names trade %" PRIu64 ", the log ends at %" PRIu64,
                                 alert->n, view.seq, verify->head.seq);
    if (!extend_by_view(walk, &view, alert->digest))
        return tw_verify_damaged(verify, "alert %" PRIu64 " has no readable value", alert->n);
    tw_digest_extend(walk->hasher, walk->record_digest, alert->bytes, alert->length - TW_ALERT_DETECTED_BYTES);
    if (memcmp(walk->digest, alert->digest, TW_SHA256_BYTES) != 0)
        return tw_verify_damaged(verify, "the digest after alert %" PRIu64 " is not what the alerts give", alert->n);
    if (memcmp(walk->record_digest, alert->record_digest, TW_SHA256_BYTES) != 0)
        return tw_verify_damaged(verify, "the record digest after alert %" PRIu64 " is not what the records give",
                                 alert->n);
    if (alert->n <= verify->store->ids.reached)
        walk->buckets[id[0]] -= hash_of(alert->n, id + 1);
    walk->ok = true;
    return true;
}

bool tw_verify_alerts(struct tw_verify *verify)
{
    uint64_t until = tw_store_last_alert(verify->store);
    struct walk walk = {.verify = verify, .hasher = tw_hasher_new(), .ok = true};
    bool walked = tw_store_alerts(verify->store, 0, check_alert, &walk, verify->error) && walk.ok;
    tw_hasher_free(&walk.hasher);
    if (!walked)
        return false;
    if (walk.n < until)
        return tw_verify_damaged(verify, "alert %" PRIu64 " is missing: there should be %" PRIu64, walk.n + 1, until);
    return check_ids(&walk);
}
