/* SPDX-License-Identifier: MIT
 *
 * Rules of inhibition in the configuration: put together from their keys, filled in from presets, and checked.
 */
#include <string.h>

#include "cfg/settings.h"
#include "protocol/check.h"
#include "protocol/status.h"

#define HOLD_S 300

static const struct preset {
    const char *name, *source, *target, *equal;
} presets[] = {{"critical", "severity=CRITICAL", "severity=HIGH", "entity_type entity"},
               {"feed_gap", "type=FEED_GAP", "type!=FEED_GAP type!=LARGE_TRADE", "publisher"}};

static const struct preset *preset_of(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i].name, name) == 0)
            return &presets[i];
    TW_UNREACHABLE("a preset that is none");
}

static bool is_of_inhibition(const struct tw_setting *setting)
{
    enum tw_key_id id = (enum tw_key_id)(setting->key - tw_keys);
    return id >= TW_KEY_ID_INHIBIT_PRESET && id <= TW_KEY_ID_INHIBIT_HOLD;
}

static struct tw_cfg_inhibition *place_of(struct tw_cfg_inhibition *list, uint32_t *count, const char *name)
{
    uint32_t at = 0;
    while (at < *count && strcmp(list[at].name, name) < 0)
        at++;
    if (at < *count && strcmp(list[at].name, name) == 0)
        return &list[at];
    if (*count == TW_INHIBITIONS_MAX)
        return NULL;
    memmove(&list[at + 1], &list[at], (*count - at) * sizeof list[0]);
    list[at] = (struct tw_cfg_inhibition){.name = name};
    ++*count;
    return &list[at];
}

static void take_preset(struct tw_cfg_inhibition *out, const struct preset *preset)
{
    out->source = out->source == NULL ? preset->source : out->source;
    out->target = out->target == NULL ? preset->target : out->target;
    out->equal = out->equal == NULL ? preset->equal : out->equal;
}

static void take_own(struct tw_cfg_inhibition *out, const struct tw_setting *setting)
{
    if (setting->key == &tw_keys[TW_KEY_ID_INHIBIT_SOURCE])
        out->source = setting->text;
    else if (setting->key == &tw_keys[TW_KEY_ID_INHIBIT_TARGET])
        out->target = setting->text;
    else if (setting->key == &tw_keys[TW_KEY_ID_INHIBIT_EQUAL])
        out->equal = setting->text;
    else if (setting->key == &tw_keys[TW_KEY_ID_INHIBIT_HOLD])
        out->hold_s = setting->number;
}

/* *beyond: a key of one rule too many; NULL: there is none. */
static uint32_t gather(const struct tw_cfg *cfg, struct tw_cfg_inhibition out[TW_INHIBITIONS_MAX],
                       const struct tw_setting **beyond)
{
    uint32_t count = 0;
    *beyond = NULL;
    for (size_t i = 0; i < cfg->named_count; i++) {
        struct tw_cfg_inhibition *rule = NULL;
        if (!is_of_inhibition(&cfg->named[i]))
            continue;
        rule = place_of(out, &count, cfg->named[i].name);
        if (rule != NULL)
            take_own(rule, &cfg->named[i]);
        else
            *beyond = &cfg->named[i];
    }
    for (size_t i = 0; i < cfg->named_count; i++)
        if (cfg->named[i].key == &tw_keys[TW_KEY_ID_INHIBIT_PRESET] && *beyond == NULL)
            take_preset(place_of(out, &count, cfg->named[i].name), preset_of(cfg->named[i].text));
    for (uint32_t i = 0; i < count; i++)
        out[i].hold_s = out[i].hold_s == 0 ? HOLD_S : out[i].hold_s;
    return count;
}

uint32_t tw_cfg_inhibitions(const struct tw_cfg *cfg, struct tw_cfg_inhibition out[TW_INHIBITIONS_MAX])
{
    const struct tw_setting *beyond;
    return gather(cfg, out, &beyond);
}

/* ---- checks ---- */

static const struct tw_setting *setting_of(const struct tw_cfg *cfg, const char *name)
{
    for (size_t i = 0; i < cfg->named_count; i++)
        if (is_of_inhibition(&cfg->named[i]) && strcmp(cfg->named[i].name, name) == 0)
            return &cfg->named[i];
    TW_UNREACHABLE("a rule without a key");
}

bool tw_cfg_check_inhibitions(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    struct tw_cfg_inhibition rules[TW_INHIBITIONS_MAX];
    const struct tw_setting *beyond;
    uint32_t count = gather(cfg, rules, &beyond);
    if (beyond != NULL)
        return tw_setting_fail(error, beyond, "there are more than 16 rules of inhibition");
    for (uint32_t i = 0; i < count; i++) {
        const struct tw_setting *setting = setting_of(cfg, rules[i].name);
        if (rules[i].source == NULL || rules[i].target == NULL)
            return tw_setting_fail(error, setting, "this rule has no source or no target, nor a preset");
        if (rules[i].equal != NULL && (strcmp(rules[i].equal, "all") == 0 || strcmp(rules[i].equal, "none") == 0))
            return tw_setting_fail(error, setting, "equal takes labels, neither all nor none");
    }
    return true;
}
