/* SPDX-License-Identifier: MIT
 *
 * What no row alone can see: one key against another, and the time zone against this machine.
 */
#include <stdlib.h>
#include <string.h>

#include "cfg/settings.h"
#include "protocol/check.h"
#include "protocol/status.h"

#define ZONE_DIRECTORY "/usr/share/zoneinfo"

static bool fail_at(struct tw_cfg_error *error, const struct tw_setting *setting, const char *rest)
{
    snprintf(error->text, sizeof error->text, "%.200s: %s = %.60s: %s", setting->place, setting->key->name,
             setting->text, rest);
    error->exit_code = TW_EXIT_USAGE;
    return false;
}

/* Of two settings that contradict each other the one that was set is to blame, not a default. */
static const struct tw_setting *culprit(const struct tw_setting *a, const struct tw_setting *b)
{
    return a->source >= b->source ? a : b;
}

static bool check_minimum(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *minimum = &cfg->plain[TW_KEY_ID_ANOMALY_MINIMUM];
    const struct tw_setting *window = &cfg->plain[TW_KEY_ID_ANOMALY_WINDOW];
    char rest[200];
    if (minimum->number <= window->number)
        return true;
    snprintf(rest, sizeof rest, "rules/anomaly/minimum (%s) must be at most rules/anomaly/window (%s)", minimum->text,
             window->text);
    return fail_at(error, culprit(minimum, window), rest);
}

/* A higher medium tier takes an unset high one with it: ANOMALY_DETECTION_THRESHOLD=5 alone makes sense. */
static bool check_tiers(struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *medium = &cfg->plain[TW_KEY_ID_ANOMALY_MEDIUM];
    struct tw_setting *high = &cfg->plain[TW_KEY_ID_ANOMALY_HIGH];
    char rest[200];
    if (high->number >= medium->number)
        return true;
    if (high->source == TW_SOURCE_DEFAULT) {
        free(high->text);
        high->text = tw_strndup(medium->text, strlen(medium->text));
        high->number = medium->number;
        return true;
    }
    snprintf(rest, sizeof rest, "rules/anomaly/high (%s) must be at least rules/anomaly/medium (%s)", high->text,
             medium->text);
    return fail_at(error, culprit(high, medium), rest);
}

static bool ephemeral(const char *endpoint)
{
    const char *port = strrchr(endpoint, ':');
    return strcmp(port, ":0") == 0 || strcmp(port, ":*") == 0 || strcmp(endpoint, "ipc://*") == 0;
}

static bool check_binds(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    for (size_t i = 0; i < TW_KEY_COUNT; i++)
        for (size_t j = i + 1; j < TW_KEY_COUNT; j++) {
            const struct tw_setting *a = &cfg->plain[i], *b = &cfg->plain[j];
            char rest[200];
            if (a->key->type != TW_TYPE_BIND || b->key->type != TW_TYPE_BIND || strcmp(a->text, b->text) != 0 ||
                ephemeral(a->text))
                continue;
            snprintf(rest, sizeof rest, "%s and %s cannot be the same endpoint", a->key->name, b->key->name);
            return fail_at(error, culprit(b, a), rest);
        }
    return true;
}

static bool check_zone(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *zone = &cfg->plain[TW_KEY_ID_SESSION_ZONE];
    char path[sizeof ZONE_DIRECTORY + 66];
    char magic[4];
    if (strcmp(zone->text, "UTC") == 0)
        return true;
    snprintf(path, sizeof path, "%s/%.64s", ZONE_DIRECTORY, zone->text);
    FILE *file = fopen(path, "re");
    bool good = file != NULL && fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "TZif", 4) == 0;
    if (file != NULL)
        fclose(file);
    return good || fail_at(error, zone, "this machine knows no such zone (see " ZONE_DIRECTORY ", package tzdata)");
}

bool tw_cfg_check_whole(struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    return check_minimum(cfg, error) && check_tiers(cfg, error) && check_binds(cfg, error) && check_zone(cfg, error);
}
