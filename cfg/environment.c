/* SPDX-License-Identifier: MIT
 *
 * The environment: TAPEWARDEN_<SECTION>__<KEY> for every key, and the bare names that people know.
 */
#include <ctype.h>
#include <string.h>

#include "cfg/settings.h"

#define PREFIX "TAPEWARDEN_"
#define PREFIX_BYTES (sizeof PREFIX - 1)

static const struct {
    const char *name;
    enum tw_key_id id;
} bare_names[] = {
#define TW_BARE(name, id) {name, TW_KEY_ID_##id},
#include "cfg/keys.def"
};

/* "TAPEWARDEN_RULES__VELOCITY__WINDOW" as "rules/velocity/window"; what follows an '@' stays as it is. */
static size_t key_of(const char *name, size_t length, char out[TW_KEY_BYTES_MAX])
{
    size_t used = 0;
    bool exact = false;
    for (size_t i = PREFIX_BYTES; i < length && used + 1 < TW_KEY_BYTES_MAX; i++) {
        exact = exact || name[i] == '@';
        if (!exact && name[i] == '_' && i + 1 < length && name[i + 1] == '_') {
            out[used++] = '/';
            i++;
        } else {
            out[used++] = exact ? name[i] : (char)tolower((unsigned char)name[i]);
        }
    }
    out[used] = '\0';
    return used;
}

static bool lower_case(const char *name, size_t length)
{
    for (size_t i = 0; i < length && name[i] != '@'; i++)
        if (islower((unsigned char)name[i]))
            return true;
    return false;
}

/* The known variable most like the one that was set. */
static void nearest_variable(const char *key, size_t length, char out[TW_KEY_BYTES_MAX])
{
    char nearest[TW_KEY_BYTES_MAX];
    struct tw_key_match match;
    tw_key_nearest(key, length, nearest);
    (void)tw_key_find(nearest, strlen(nearest), &match);
    tw_key_environment_name(match.key, out);
    if (match.suffix == NULL)
        return;
    size_t used = strlen(out);
    if ((match.key->flags & TW_KEY_NAMED) == 0) {
        snprintf(out + used, TW_KEY_BYTES_MAX - used, "@%.*s", (int)match.suffix_length, match.suffix);
        return;
    }
    char *star = strchr(out, '*'), tail[64];
    snprintf(tail, sizeof tail, "%s", star + 1);
    used = (size_t)(star - out);
    snprintf(star, TW_KEY_BYTES_MAX - used, "%.*s%s", (int)match.suffix_length, match.suffix, tail);
    for (char *c = star; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
}

static bool put_variable(struct tw_cfg *cfg, const struct tw_place *place, const char *value,
                         struct tw_cfg_error *error)
{
    char key[TW_KEY_BYTES_MAX], nearest[TW_KEY_BYTES_MAX];
    struct tw_key_match match;
    size_t name_length = strlen(place->name);
    size_t length = key_of(place->name, name_length, key);
    bool found = name_length < TW_KEY_BYTES_MAX && !lower_case(place->name, name_length) &&
                 tw_key_find(key, length, &match) == TW_KEY_FOUND;
    if (found)
        return tw_cfg_put_match(cfg, place, &match, value, strlen(value), error);
    nearest_variable(key, length, nearest);
    return tw_cfg_fail(error, place, "no such setting; did you mean %s?", nearest);
}

static bool put_bare(struct tw_cfg *cfg, const struct tw_place *place, enum tw_key_id id, const char *value,
                     struct tw_cfg_error *error)
{
    struct tw_key_match match = {.key = &tw_keys[id]};
    if (value[0] == '\0') /* as good as unset: compose files write that */
        return true;
    if ((match.key->flags & TW_KEY_LATER) == 0)
        return tw_cfg_put_match(cfg, place, &match, value, strlen(value), error);
    tw_cfg_warn(cfg, "environment %s: this build cannot use it yet (%s is not available)", place->name,
                match.key->name);
    return true;
}

/* Calls put for every variable of one sort: the bare names first, so that TAPEWARDEN_* wins. */
static bool put_all(struct tw_cfg *cfg, const char *const *environ_, bool bare, struct tw_cfg_error *error)
{
    for (; *environ_ != NULL; environ_++) {
        char name[512];
        const char *equals = strchr(*environ_, '=');
        size_t length = equals == NULL ? 0 : (size_t)(equals - *environ_);
        if (length == 0 || length >= sizeof name)
            continue;
        memcpy(name, *environ_, length);
        name[length] = '\0';
        struct tw_place place = {bare ? TW_SOURCE_BARE : TW_SOURCE_ENVIRONMENT, name, 0};
        if (!bare && strncmp(name, PREFIX, PREFIX_BYTES) == 0 && !put_variable(cfg, &place, equals + 1, error))
            return false;
        for (size_t i = 0; bare && i < sizeof bare_names / sizeof *bare_names; i++)
            if (strcmp(bare_names[i].name, name) == 0 && !put_bare(cfg, &place, bare_names[i].id, equals + 1, error))
                return false;
    }
    return true;
}

bool tw_cfg_put_environment(struct tw_cfg *cfg, const char *const *environ_, struct tw_cfg_error *error)
{
    return environ_ == NULL || (put_all(cfg, environ_, true, error) && put_all(cfg, environ_, false, error));
}
