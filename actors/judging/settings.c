/* SPDX-License-Identifier: MIT */
#include "actors/judging/settings.h"

#include <string.h>

#include "protocol/check.h"
#include "protocol/limits.h"

static void replace(struct tw_settings *settings, struct tw_text text)
{
    char why[512];
    struct tw_rules fresh;
    if (!tw_rules_parse(text.bytes, text.length, &fresh, why))
        tw_check_failed(why, __FILE__, __LINE__, __func__);
    if (settings->known)
        tw_rules_clear(&settings->rules);
    settings->rules = fresh;
    settings->known = true;
}

bool tw_settings_take(struct tw_settings *settings, const struct tw_control *control)
{
    if (control->kind != TW_CONTROL_SETTINGS || settings->pinned)
        return false;
    replace(settings, control->text);
    return true;
}

void tw_settings_pin(struct tw_settings *settings, struct tw_text text)
{
    replace(settings, text);
    settings->pinned = true;
}

void tw_settings_free(struct tw_settings *settings)
{
    if (settings->known)
        tw_rules_clear(&settings->rules);
    memset(settings, 0, sizeof *settings);
}

int64_t tw_settings_threshold(const struct tw_settings *settings, enum tw_override_rule rule, struct tw_text name,
                              int64_t standard)
{
    const struct tw_override *override = tw_rules_override(&settings->rules, rule, name);
    return override == NULL ? standard : override->threshold;
}
