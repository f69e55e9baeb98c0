/* SPDX-License-Identifier: MIT */
#include "actors/judging/settings.h"

#include <string.h>

#include "protocol/check.h"
#include "protocol/limits.h"

bool tw_settings_set(struct tw_settings *settings, struct tw_text text, char why[512])
{
    struct tw_rules fresh;
    if (!tw_rules_parse(text.bytes, text.length, &fresh, why))
        return false;
    if (settings->known)
        tw_rules_clear(&settings->rules);
    settings->rules = fresh;
    settings->known = true;
    settings->text.length = 0;
    tw_buffer_append(&settings->text, text.bytes, text.length);
    return true;
}

static void replace(struct tw_settings *settings, struct tw_text text)
{
    char why[512];
    if (!tw_settings_set(settings, text, why))
        tw_check_failed(why, __FILE__, __LINE__, __func__);
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
    tw_buffer_free(&settings->text);
    memset(settings, 0, sizeof *settings);
}

int64_t tw_settings_threshold(const struct tw_settings *settings, enum tw_override_rule rule, struct tw_text name,
                              int64_t standard)
{
    const struct tw_override *override = tw_rules_override(&settings->rules, rule, name);
    return override == NULL ? standard : override->threshold;
}
