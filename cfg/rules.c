/* SPDX-License-Identifier: MIT
 *
 * From the canonical text to typed rules. The text stands in the log and its hash in every alert, so exactly one text
 * is right for given settings: every key, in byte order, in canonical form.
 */
#include "cfg/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/value.h"
#include "protocol/check.h"
#include "protocol/digest.h"

#define WHY_BYTES 160u

static void assign_level(struct tw_level_settings *level, enum tw_key_id id, int64_t number)
{
    switch (id) {
    case TW_KEY_ID_CLIENT_EXPOSURE_ENABLED:
    case TW_KEY_ID_SYMBOL_EXPOSURE_ENABLED:
    case TW_KEY_ID_VELOCITY_ENABLED:
        level->enabled = number != 0;
        return;
    case TW_KEY_ID_CLIENT_EXPOSURE_THRESHOLD:
    case TW_KEY_ID_SYMBOL_EXPOSURE_THRESHOLD:
    case TW_KEY_ID_VELOCITY_THRESHOLD:
        level->threshold = number;
        return;
    case TW_KEY_ID_CLIENT_EXPOSURE_CRITICAL:
    case TW_KEY_ID_SYMBOL_EXPOSURE_CRITICAL:
        level->critical_e4 = (uint32_t)number;
        return;
    case TW_KEY_ID_CLIENT_EXPOSURE_REARM:
    case TW_KEY_ID_SYMBOL_EXPOSURE_REARM:
    case TW_KEY_ID_VELOCITY_REARM:
        level->rearm_e4 = (uint32_t)number;
        return;
    default:
        TW_UNREACHABLE("a key that is not of a level rule");
    }
}

static void assign_anomaly(struct tw_rules *rules, enum tw_key_id id, int64_t number)
{
    switch (id) {
    case TW_KEY_ID_ANOMALY_ENABLED:
        rules->anomaly_enabled = number != 0;
        return;
    case TW_KEY_ID_ANOMALY_KEY:
        rules->anomaly_key = (enum tw_statistics_key)number;
        return;
    case TW_KEY_ID_ANOMALY_WINDOW:
        rules->anomaly_window = (uint32_t)number;
        return;
    case TW_KEY_ID_ANOMALY_MINIMUM:
        rules->anomaly_minimum = (uint32_t)number;
        return;
    case TW_KEY_ID_ANOMALY_MEDIUM:
        rules->anomaly_medium_e3 = (uint32_t)number;
        return;
    case TW_KEY_ID_ANOMALY_HIGH:
        rules->anomaly_high_e3 = (uint32_t)number;
        return;
    case TW_KEY_ID_ANOMALY_QUIET:
        rules->anomaly_quiet_ns = number * TW_NS_PER_SECOND;
        return;
    default:
        TW_UNREACHABLE("a key that is not of the anomaly rule");
    }
}

static void assign(struct tw_rules *rules, enum tw_key_id id, const struct tw_value *value)
{
    switch (id) {
    case TW_KEY_ID_EXPOSURE_MEASURE:
        rules->measure = (enum tw_measure)value->number;
        return;
    case TW_KEY_ID_EXPOSURE_REMARK:
        rules->remark_seconds = (uint32_t)value->number;
        return;
    case TW_KEY_ID_EXPOSURE_CURRENCY:
        snprintf(rules->currency, sizeof rules->currency, "%.8s", value->text);
        return;
    case TW_KEY_ID_LARGE_TRADE_ENABLED:
        rules->large_trade_enabled = value->number != 0;
        return;
    case TW_KEY_ID_LARGE_TRADE_THRESHOLD:
        rules->large_trade_threshold_e8 = value->number;
        return;
    case TW_KEY_ID_VELOCITY_WINDOW:
        rules->velocity_window_ns = value->number * TW_NS_PER_SECOND;
        return;
    case TW_KEY_ID_VELOCITY_CLIENT:
        rules->velocity_client = value->number != 0;
        return;
    case TW_KEY_ID_VELOCITY_SYMBOL:
        rules->velocity_symbol = value->number != 0;
        return;
    case TW_KEY_ID_SESSION_ROLL:
        rules->session_roll_seconds = (uint32_t)value->number;
        return;
    case TW_KEY_ID_SESSION_ZONE:
        snprintf(rules->session_zone, sizeof rules->session_zone, "%.64s", value->text);
        return;
    default:
        break;
    }
    if (id >= TW_KEY_ID_CLIENT_EXPOSURE_ENABLED && id <= TW_KEY_ID_CLIENT_EXPOSURE_REARM)
        assign_level(&rules->client_exposure, id, value->number);
    else if (id >= TW_KEY_ID_SYMBOL_EXPOSURE_ENABLED && id <= TW_KEY_ID_SYMBOL_EXPOSURE_REARM)
        assign_level(&rules->symbol_exposure, id, value->number);
    else if (id >= TW_KEY_ID_VELOCITY_ENABLED && id <= TW_KEY_ID_VELOCITY_REARM)
        assign_level(&rules->velocity, id, value->number);
    else
        assign_anomaly(rules, id, value->number);
}

static enum tw_override_rule override_rule(enum tw_key_id id)
{
    switch (id) {
    case TW_KEY_ID_LARGE_TRADE_THRESHOLD:
        return TW_OVERRIDE_LARGE_TRADE;
    case TW_KEY_ID_CLIENT_EXPOSURE_THRESHOLD:
        return TW_OVERRIDE_CLIENT_EXPOSURE;
    case TW_KEY_ID_SYMBOL_EXPOSURE_THRESHOLD:
        return TW_OVERRIDE_SYMBOL_EXPOSURE;
    case TW_KEY_ID_VELOCITY_THRESHOLD:
        return TW_OVERRIDE_VELOCITY;
    default:
        TW_UNREACHABLE("a key without exceptions by name");
    }
}

/* ---- overrides ---- */

static int compare_names(const char *a, size_t a_length, const char *b, size_t b_length)
{
    int order = memcmp(a, b, a_length < b_length ? a_length : b_length);
    if (order != 0)
        return order;
    return a_length == b_length ? 0 : a_length < b_length ? -1 : 1;
}

static int compare_overrides(const void *left, const void *right)
{
    const struct tw_override *a = left, *b = right;
    if (a->rule != b->rule)
        return a->rule < b->rule ? -1 : 1;
    return compare_names(a->name, a->name_length, b->name, b->name_length);
}

struct reader {
    struct tw_rules *rules;
    uint32_t override_capacity;
    bool seen[TW_KEY_COUNT];
    char *why;
};

static bool add_override(struct reader *reader, const struct tw_key_match *match, int64_t threshold)
{
    struct tw_rules *rules = reader->rules;
    struct tw_override entry = {.rule = override_rule((enum tw_key_id)(match->key - tw_keys)), .threshold = threshold};
    char canonical[3 * sizeof entry.name + 1];
    const char *fault = "";
    int length = tw_key_name_decode(match->suffix, match->suffix_length, entry.name, sizeof entry.name);
    if (length < 0 || !tw_key_name_valid(match->key, entry.name, (size_t)length, &fault)) {
        snprintf(reader->why, WHY_BYTES, "'%.*s' names neither a symbol nor an account", (int)match->suffix_length,
                 match->suffix);
        return false;
    }
    tw_key_name_encode(entry.name, (size_t)length, canonical, sizeof canonical);
    if (strlen(canonical) != match->suffix_length || memcmp(canonical, match->suffix, match->suffix_length) != 0) {
        snprintf(reader->why, WHY_BYTES, "name '%.*s' is not in canonical form", (int)match->suffix_length,
                 match->suffix);
        return false;
    }
    entry.name_length = (uint8_t)length;
    if (rules->override_count == TW_OVERRIDES_MAX) {
        snprintf(reader->why, WHY_BYTES, "more than %u thresholds by name", TW_OVERRIDES_MAX);
        return false;
    }
    if (rules->override_count == reader->override_capacity) {
        reader->override_capacity = reader->override_capacity == 0 ? 16 : reader->override_capacity * 2;
        rules->overrides = tw_realloc(rules->overrides, reader->override_capacity * sizeof entry);
    }
    rules->overrides[rules->override_count++] = entry;
    return true;
}

/* ---- the text ---- */

static bool read_line(struct reader *reader, const char *key_text, size_t key_length, const char *text, size_t length)
{
    struct tw_key_match match;
    struct tw_value value;
    char fault[TW_VALUE_WHY_BYTES];
    int shown = key_length > 80 ? 80 : (int)key_length;
    if (tw_key_find(key_text, key_length, &match) != TW_KEY_FOUND || (match.key->flags & TW_KEY_ALERT) == 0) {
        snprintf(reader->why, WHY_BYTES, "unknown key '%.*s': these settings are of a newer version", shown, key_text);
        return false;
    }
    if (!tw_value_read(match.key, text, length, &value, fault)) {
        snprintf(reader->why, WHY_BYTES, "%.*s %.70s", shown, key_text, fault);
        return false;
    }
    if (strlen(value.text) != length || memcmp(value.text, text, length) != 0) {
        snprintf(reader->why, WHY_BYTES, "%.*s: value is not in canonical form", shown, key_text);
        return false;
    }
    if (match.suffix != NULL)
        return add_override(reader, &match, value.number);
    reader->seen[match.key - tw_keys] = true;
    assign(reader->rules, (enum tw_key_id)(match.key - tw_keys), &value);
    return true;
}

static bool read_lines(struct reader *reader, const char *text, size_t length)
{
    const char *previous = "", *end = text + length;
    size_t previous_length = 0;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *equals = line_end == NULL ? NULL : memchr(text, '=', (size_t)(line_end - text));
        if (equals == NULL) {
            snprintf(reader->why, WHY_BYTES, "a line is not key=value with a line feed");
            return false;
        }
        size_t key_length = (size_t)(equals - text);
        if (compare_names(previous, previous_length, text, key_length) >= 0) {
            snprintf(reader->why, WHY_BYTES, "'%.*s' is not in byte order", key_length > 80 ? 80 : (int)key_length,
                     text);
            return false;
        }
        if (!read_line(reader, text, key_length, equals + 1, (size_t)(line_end - equals - 1)))
            return false;
        previous = text;
        previous_length = key_length;
        text = line_end + 1;
    }
    return true;
}

static bool check_whole(const struct reader *reader)
{
    const struct tw_rules *rules = reader->rules;
    for (size_t i = 0; i < TW_KEY_COUNT; i++)
        if ((tw_keys[i].flags & TW_KEY_ALERT) != 0 && !reader->seen[i]) {
            snprintf(reader->why, WHY_BYTES, "%s is missing", tw_keys[i].name);
            return false;
        }
    if (rules->anomaly_minimum > rules->anomaly_window || rules->anomaly_high_e3 < rules->anomaly_medium_e3) {
        snprintf(reader->why, WHY_BYTES, "rules/anomaly: minimum is above window, or high below medium");
        return false;
    }
    return true;
}

bool tw_rules_parse(const char *text, size_t length, struct tw_rules *out, char *why)
{
    struct reader reader = {.rules = out, .why = why};
    memset(out, 0, sizeof *out);
    if (length > TW_SETTINGS_BYTES_MAX) {
        snprintf(why, WHY_BYTES, "settings of more than %u bytes", TW_SETTINGS_BYTES_MAX);
        return false;
    }
    if (!read_lines(&reader, text, length) || !check_whole(&reader)) {
        tw_rules_clear(out);
        return false;
    }
    if (out->override_count > 0)
        qsort(out->overrides, out->override_count, sizeof *out->overrides, compare_overrides);
    tw_sha256(text, length, out->hash);
    return true;
}

void tw_rules_clear(struct tw_rules *rules)
{
    free(rules->overrides);
    memset(rules, 0, sizeof *rules);
}

const struct tw_override *tw_rules_override(const struct tw_rules *rules, enum tw_override_rule rule,
                                            struct tw_text name)
{
    uint32_t low = 0, high = rules->override_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct tw_override *entry = &rules->overrides[middle];
        int order = entry->rule != rule ? (entry->rule < rule ? -1 : 1)
                                        : compare_names(entry->name, entry->name_length, name.bytes, name.length);
        if (order == 0)
            return entry;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
