/* SPDX-License-Identifier: MIT
 *
 * Putting values: which row, is it available, is the value good, was it there before in the same file.
 */
#include "cfg/settings.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/zpl.h"
#include "protocol/check.h"
#include "protocol/status.h"

/* ---- sentences ---- */

static int begin_sentence(const struct tw_place *place, char *out, size_t bytes)
{
    if (place->source == TW_SOURCE_FILE && place->line > 0)
        return snprintf(out, bytes, "%.200s:%u: ", place->name, place->line);
    return snprintf(out, bytes, "%s%.200s: ", tw_source_is_variable(place->source) ? "environment " : "", place->name);
}

bool tw_cfg_fail(struct tw_cfg_error *error, const struct tw_place *place, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t used = (size_t)begin_sentence(place, error->text, sizeof error->text);
    vsnprintf(error->text + used, sizeof error->text - used, format, arguments);
    va_end(arguments);
    error->exit_code = TW_EXIT_USAGE;
    for (char *c = error->text; *c != '\0'; c++) /* it goes to a terminal */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    return false;
}

void tw_cfg_warn(struct tw_cfg *cfg, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cfg->warnings = tw_realloc(cfg->warnings, (cfg->warning_count + 1) * sizeof *cfg->warnings);
    cfg->warnings[cfg->warning_count++] = tw_strndup(text, strlen(text));
}

static char *describe_place(const struct tw_place *place)
{
    char text[300];
    if (place->source == TW_SOURCE_FILE)
        snprintf(text, sizeof text, "%.280s:%u", place->name, place->line);
    else if (tw_source_is_variable(place->source))
        snprintf(text, sizeof text, "env %.280s", place->name);
    else
        snprintf(text, sizeof text, "flag");
    return tw_strndup(text, strlen(text));
}

void tw_setting_key(const struct tw_setting *setting, char out[TW_KEY_BYTES_MAX])
{
    char encoded[3 * 32 + 1];
    if (setting->name == NULL) {
        snprintf(out, TW_KEY_BYTES_MAX, "%s", setting->key->name);
        return;
    }
    tw_key_name_encode(setting->name, strlen(setting->name), encoded, sizeof encoded);
    tw_key_with_name(setting->key, encoded, strlen(encoded), out);
}

bool tw_setting_fail(struct tw_cfg_error *error, const struct tw_setting *setting, const char *why)
{
    char key[TW_KEY_BYTES_MAX];
    tw_setting_key(setting, key);
    snprintf(error->text, sizeof error->text, "%.200s: %.120s = %.60s: %.100s", setting->place, key, setting->text,
             why);
    error->exit_code = TW_EXIT_USAGE;
    return false;
}

/* ---- putting ---- */

static bool doubled(const struct tw_place *place, const char *key, uint32_t first, struct tw_cfg_error *error)
{
    return tw_cfg_fail(error, place, "%s is set twice; it stands in line %u already", key, first);
}

static bool put_named(struct tw_cfg *cfg, const struct tw_place *place, const struct tw_key_match *match,
                      const struct tw_value *value, struct tw_cfg_error *error)
{
    char name[TW_KEY_BYTES_MAX];
    const char *why = "characters outside A-Za-z0-9_.-/ are written %XX there";
    int length = tw_key_name_decode(match->suffix, match->suffix_length, name, sizeof name);
    if (length < 0 || !tw_key_name_valid(match->key, name, (size_t)length, &why))
        return tw_cfg_fail(error, place, "%s for the name '%.*s': %s", match->key->name,
                           match->suffix_length > 100 ? 100 : (int)match->suffix_length, match->suffix, why);
    if (cfg->named_count == cfg->named_capacity) {
        cfg->named_capacity = cfg->named_capacity == 0 ? 64 : cfg->named_capacity * 2;
        cfg->named = tw_realloc(cfg->named, cfg->named_capacity * sizeof *cfg->named);
    }
    cfg->named[cfg->named_count] = (struct tw_setting){
        .key = match->key,
        .name = tw_strndup(name, (size_t)length),
        .text = tw_strndup(value->text, strlen(value->text)),
        .number = value->number,
        .source = place->source,
        .line = place->line,
        .place = describe_place(place),
        .order = cfg->named_count,
        .first = cfg->puts++,
    };
    cfg->named_count++;
    return true;
}

static bool put_plain(struct tw_cfg *cfg, const struct tw_place *place, const struct tw_key *key,
                      const struct tw_value *value, struct tw_cfg_error *error)
{
    struct tw_setting *setting = &cfg->plain[key - tw_keys];
    if (place->source == TW_SOURCE_FILE && setting->source == TW_SOURCE_FILE)
        return doubled(place, key->name, setting->line, error);
    free(setting->text);
    free(setting->place);
    setting->text = tw_strndup(value->text, strlen(value->text));
    setting->number = value->number;
    setting->source = place->source;
    setting->line = place->line;
    setting->place = describe_place(place);
    return true;
}

bool tw_cfg_put_match(struct tw_cfg *cfg, const struct tw_place *place, const struct tw_key_match *match,
                      const char *text, size_t length, struct tw_cfg_error *error)
{
    const struct tw_key *key = match->key;
    struct tw_value value;
    char why[TW_VALUE_WHY_BYTES], shown[TW_KEY_BYTES_MAX];
    if ((key->flags & TW_KEY_LATER) != 0)
        return tw_cfg_fail(error, place, "%s is known, but not available in this build; take it out", key->name);
    if (!tw_value_read(key, text, length, &value, why)) {
        bool secret = (key->flags & TW_KEY_SECRET) != 0;
        bool named = (key->flags & TW_KEY_NAMED) != 0 && match->suffix != NULL;
        if (named)
            tw_key_with_name(key, match->suffix, match->suffix_length > 40 ? 40 : match->suffix_length, shown);
        return tw_cfg_fail(error, place, "%s = %.*s%s: %s", named ? shown : key->name,
                           secret        ? 3
                           : length > 60 ? 60
                                         : (int)length,
                           secret ? "***" : text, !secret && length > 60 ? "..." : "", why);
    }
    return match->suffix != NULL ? put_named(cfg, place, match, &value, error)
                                 : put_plain(cfg, place, key, &value, error);
}

bool tw_cfg_put(struct tw_cfg *cfg, const struct tw_place *place, const char *key, size_t key_length, const char *value,
                size_t value_length, struct tw_cfg_error *error)
{
    struct tw_key_match match;
    char nearest[TW_KEY_BYTES_MAX];
    int shown = key_length > 100 ? 100 : (int)key_length;
    switch (tw_key_find(key, key_length, &match)) {
    case TW_KEY_FOUND:
        return tw_cfg_put_match(cfg, place, &match, value, value_length, error);
    case TW_KEY_NOT_OVERRIDABLE:
        return tw_cfg_fail(error, place, "%.*s: %s takes no value by name; only thresholds do", shown, key,
                           match.key->name);
    case TW_KEY_UNKNOWN:
        break;
    }
    if (tw_key_is_section(key, key_length))
        return tw_cfg_fail(error, place, "%.*s is a section and takes no value itself", shown, key);
    tw_key_nearest(key, key_length, nearest);
    return tw_cfg_fail(error, place, "unknown key %.*s; did you mean %s?", shown, key, nearest);
}

/* ---- a file ---- */

static bool put_entry(struct tw_cfg *cfg, const struct tw_place *place, const struct tw_zpl_entry *entry,
                      struct tw_cfg_error *error)
{
    struct tw_key_match match;
    size_t length = strlen(entry->key);
    if (entry->value != NULL)
        return tw_cfg_put(cfg, place, entry->key, length, entry->value, strlen(entry->value), error);
    if (tw_key_is_section(entry->key, length)) /* everything in it commented out */
        return true;
    if (tw_key_find(entry->key, length, &match) == TW_KEY_FOUND)
        return tw_cfg_fail(error, place, "%s has no value; write it behind a =", entry->key);
    char nearest[TW_KEY_BYTES_MAX];
    tw_key_nearest_section(entry->key, length, nearest);
    return tw_cfg_fail(error, place, "unknown section %s; did you mean %s?", entry->key, nearest);
}

bool tw_cfg_put_file_text(struct tw_cfg *cfg, const char *name, const char *text, size_t length,
                          struct tw_cfg_error *error)
{
    struct tw_zpl zpl;
    struct tw_zpl_error fault;
    struct tw_place place = {TW_SOURCE_FILE, name, 0};
    if (!tw_zpl_parse(text, length, &zpl, &fault)) {
        place.line = fault.line;
        return tw_cfg_fail(error, &place, "%s", fault.why);
    }
    bool good = true;
    for (size_t i = 0; good && i < zpl.count; i++) {
        place.line = zpl.entries[i].line;
        good = put_entry(cfg, &place, &zpl.entries[i], error);
    }
    tw_zpl_clear(&zpl);
    return good && tw_cfg_settle(cfg, true, name, error);
}

/* ---- named settings ---- */

static int compare_names(const struct tw_setting *a, const struct tw_setting *b)
{
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int compare_settings(const void *left, const void *right)
{
    const struct tw_setting *a = left, *b = right;
    int order = compare_names(a, b);
    return order != 0 ? order : a->order < b->order ? -1 : 1;
}

/* The doubled setting whose second line comes first in the file. */
static bool refuse_doubled(const struct tw_cfg *cfg, const char *file, struct tw_cfg_error *error)
{
    const struct tw_setting *worst = NULL;
    for (size_t i = 1; i < cfg->named_count; i++) {
        const struct tw_setting *setting = &cfg->named[i];
        if (compare_names(setting - 1, setting) == 0 && (worst == NULL || setting->line < worst->line))
            worst = setting;
    }
    if (worst == NULL)
        return true;
    char key[TW_KEY_BYTES_MAX];
    struct tw_place place = {TW_SOURCE_FILE, file, worst->line};
    tw_setting_key(worst, key);
    return doubled(&place, key, worst[-1].line, error);
}

bool tw_cfg_settle(struct tw_cfg *cfg, bool in_one_file, const char *file, struct tw_cfg_error *error)
{
    size_t kept = 0, exceptions = 0;
    if (cfg->named_count > 0)
        qsort(cfg->named, cfg->named_count, sizeof *cfg->named, compare_settings);
    if (in_one_file && !refuse_doubled(cfg, file, error))
        return false;
    for (size_t i = 0; i < cfg->named_count; i++) {
        if (i + 1 < cfg->named_count && compare_names(&cfg->named[i], &cfg->named[i + 1]) == 0) {
            free(cfg->named[i].name);
            free(cfg->named[i].text);
            free(cfg->named[i].place);
            if (cfg->named[i].first < cfg->named[i + 1].first) /* replaced, it stays where it stood first */
                cfg->named[i + 1].first = cfg->named[i].first;
            continue;
        }
        exceptions += (cfg->named[i].key->flags & TW_KEY_NAMED) == 0 ? 1u : 0u;
        cfg->named[kept] = cfg->named[i];
        cfg->named[kept].order = kept;
        kept++;
    }
    cfg->named_count = kept;
    struct tw_place place = {TW_SOURCE_FLAG, "configuration", 0};
    if (exceptions > TW_OVERRIDES_MAX)
        return tw_cfg_fail(error, &place, "%zu thresholds by name; at most %u are allowed", exceptions,
                           TW_OVERRIDES_MAX);
    return true;
}
