/* SPDX-License-Identifier: MIT */
#include "tools/replay_compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/messages.h"
#include "protocol/pack.h"

#define READ_AHEAD 256u /* records */

struct kept {
    size_t offset;
    uint32_t length;
    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES];
};

struct tw_compare {
    struct tw_store *store;
    uint64_t last;  /* n of the newest recorded one */
    uint64_t first; /* n of the first one in `kept` */
    uint32_t kept_count;
    struct kept kept[READ_AHEAD];
    struct tw_buffer bytes;
    uint64_t count;
    struct tw_difference difference;
};

struct tw_compare *tw_compare_new(struct tw_store *store)
{
    struct tw_compare *compare = tw_alloc_zero(1, sizeof *compare);
    compare->store = store;
    compare->last = tw_store_last_alert(store);
    return compare;
}

void tw_compare_free(struct tw_compare **compare)
{
    if (*compare == NULL)
        return;
    tw_buffer_free(&(*compare)->bytes);
    free(*compare);
    *compare = NULL;
}

uint64_t tw_compare_count(const struct tw_compare *compare)
{
    return compare->count;
}
const struct tw_difference *tw_compare_first(const struct tw_compare *compare)
{
    return &compare->difference;
}

/* ---- values as text ---- */

struct line {
    char *to;
    size_t length;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *line, const char *format, ...)
{
    size_t room = TW_DIFFERENCE_TEXT_BYTES - line->length;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->to + line->length, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        line->length = (size_t)length < room ? line->length + (size_t)length : TW_DIFFERENCE_TEXT_BYTES - 1;
}

/* One value, children included; false if it is not readable. */
static bool add_value(struct line *line, struct tw_unpacker *cursor, unsigned depth)
{
    struct tw_pack_value value = tw_unpack_next(cursor);
    switch (value.type) {
    case TW_PACK_NIL:
        add(line, "null");
        return true;
    case TW_PACK_BOOL:
        add(line, value.boolean ? "true" : "false");
        return true;
    case TW_PACK_UINT:
        add(line, "%" PRIu64, value.uint);
        return true;
    case TW_PACK_INT:
        add(line, "%" PRId64, value.sint);
        return true;
    case TW_PACK_FLOAT:
        add(line, "%.17g", value.real);
        return true;
    case TW_PACK_STR:
        add(line, "%.*s", (int)value.text.length, value.text.bytes);
        return true;
    case TW_PACK_ARRAY:
    case TW_PACK_MAP:
        break;
    default:
        add(line, "(not readable)");
        return false;
    }
    bool map = value.type == TW_PACK_MAP;
    add(line, map ? "{" : "[");
    for (uint32_t i = 0; i < value.count; i++) {
        if (i > 0)
            add(line, ", ");
        if (depth >= TW_NESTING_MAX || !add_value(line, cursor, depth + 1))
            return false;
        if (map)
            add(line, ": ");
        if (map && !add_value(line, cursor, depth + 1))
            return false;
    }
    add(line, map ? "}" : "]");
    return true;
}

static void print_value(char out[TW_DIFFERENCE_TEXT_BYTES], const uint8_t *bytes, size_t length)
{
    struct line line = {out, 0};
    struct tw_unpacker cursor = tw_unpacker_over(bytes, length);
    out[0] = '\0';
    add_value(&line, &cursor, 0);
}

/* ---- two records ---- */

/* Both cursors stand at a key. True if key and value are the same; else *out says how they differ. */
static bool same_field(struct tw_unpacker *recorded, struct tw_unpacker *derived, struct tw_difference *out)
{
    struct tw_pack_value key = tw_unpack_next(derived), its_key = tw_unpack_next(recorded);
    snprintf(out->field, sizeof out->field, "record");
    if (key.type != TW_PACK_STR || its_key.type != TW_PACK_STR || key.text.length != its_key.text.length ||
        memcmp(key.text.bytes, its_key.text.bytes, key.text.length) != 0)
        return false;
    size_t at = derived->offset, its_at = recorded->offset;
    if (!tw_unpack_skip(derived) || !tw_unpack_skip(recorded))
        return false;
    size_t length = derived->offset - at, its_length = recorded->offset - its_at;
    if (length == its_length && memcmp(derived->bytes + at, recorded->bytes + its_at, length) == 0)
        return true;
    snprintf(out->field, sizeof out->field, "%.*s", (int)key.text.length, key.text.bytes);
    print_value(out->recorded, recorded->bytes + its_at, its_length);
    print_value(out->derived, derived->bytes + at, length);
    return false;
}

void tw_compare_records(struct tw_text recorded, struct tw_text derived, struct tw_difference *out)
{
    struct tw_unpacker its = tw_unpacker_over(recorded.bytes, recorded.length),
                       ours = tw_unpacker_over(derived.bytes, derived.length);
    struct tw_pack_value its_map = tw_unpack_next(&its), map = tw_unpack_next(&ours);
    out->field[0] = out->recorded[0] = out->derived[0] = '\0';
    bool same = its_map.type == TW_PACK_MAP && map.type == TW_PACK_MAP;
    for (uint32_t i = 0; same && i < map.count && i < its_map.count; i++)
        same = same_field(&its, &ours, out);
    if (!same && out->recorded[0] != '\0')
        return;
    snprintf(out->field, sizeof out->field, "record"); /* not the same fields */
    print_value(out->recorded, (const uint8_t *)recorded.bytes, recorded.length);
    print_value(out->derived, (const uint8_t *)derived.bytes, derived.length);
}

/* ---- reading along ---- */

static bool keep(void *context, const struct tw_store_alert *alert)
{
    struct tw_compare *compare = context;
    struct kept *kept = &compare->kept[compare->kept_count++];
    kept->offset = compare->bytes.length;
    kept->length = alert->length;
    memcpy(kept->digest, alert->digest, sizeof kept->digest);
    memcpy(kept->record_digest, alert->record_digest, sizeof kept->record_digest);
    tw_buffer_append(&compare->bytes, alert->bytes, alert->length);
    return compare->kept_count < READ_AHEAD;
}

static bool read_from(struct tw_compare *compare, uint64_t n, struct tw_store_error *error)
{
    compare->first = n;
    compare->kept_count = 0;
    compare->bytes.length = 0;
    if (!tw_store_alerts(compare->store, n - 1, keep, compare, error))
        return false;
    if (compare->kept_count > 0)
        return true;
    error->status = TW_STORE_DAMAGED;
    snprintf(error->text, sizeof error->text, "alert %" PRIu64 " is missing: there should be %" PRIu64, n,
             compare->last);
    return false;
}

static void note_digest(struct tw_difference *out, const char *field, const uint8_t *recorded, const uint8_t *derived)
{
    snprintf(out->field, sizeof out->field, "%s", field);
    tw_hex(recorded, TW_SHA256_BYTES, out->recorded);
    tw_hex(derived, TW_SHA256_BYTES, out->derived);
}

static void compare_one(struct tw_compare *compare, const struct tw_router_alert *alert, const struct kept *kept)
{
    struct tw_difference *out = &compare->difference;
    struct tw_text recorded = {(const char *)compare->bytes.bytes + kept->offset, kept->length},
                   derived = {(const char *)alert->bytes, alert->length};
    bool comparable = recorded.length > TW_ALERT_DETECTED_BYTES && derived.length > TW_ALERT_DETECTED_BYTES;
    size_t compared = derived.length - TW_ALERT_DETECTED_BYTES;
    if (!comparable || recorded.length != derived.length || memcmp(recorded.bytes, derived.bytes, compared) != 0)
        tw_compare_records(recorded, derived, out);
    else if (memcmp(kept->digest, alert->digest, TW_SHA256_BYTES) != 0)
        note_digest(out, "digest", kept->digest, alert->digest);
    else if (memcmp(kept->record_digest, alert->record_digest, TW_SHA256_BYTES) != 0)
        note_digest(out, "record_digest", kept->record_digest, alert->record_digest);
    else
        return;
    out->n = alert->n;
}

bool tw_compare_take(struct tw_compare *compare, const struct tw_router_alert *alert, struct tw_store_error *error)
{
    if (alert->n > compare->last || compare->difference.n != 0)
        return true;
    if ((alert->n < compare->first || alert->n >= compare->first + compare->kept_count) &&
        !read_from(compare, alert->n, error))
        return false;
    compare_one(compare, alert, &compare->kept[alert->n - compare->first]);
    compare->count++;
    return true;
}
