/* SPDX-License-Identifier: MIT
 *
 * Secrets that stand in files of their own: what a key <secret>_file names becomes the secret's value.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/settings.h"
#include "protocol/check.h"
#include "protocol/status.h"

#define FILE_WORD "_file"

/* "mail/password_file" of "mail/password", "webhook_file" and a star of "webhook" and a star; NULL: it has none. */
static const struct tw_key *file_key_of(const struct tw_key *secret)
{
    char name[TW_KEY_BYTES_MAX];
    bool named = (secret->flags & TW_KEY_NAMED) != 0;
    int length = (int)strlen(secret->name) - (named ? 2 : 0);
    snprintf(name, sizeof name, "%.*s" FILE_WORD "%s", length, secret->name, named ? "/*" : "");
    return tw_key_by_name(name);
}

/* The one line of a file, without its end. */
static bool read_line(const struct tw_setting *file, char text[TW_SECRET_BYTES_MAX + 2], size_t *length,
                      struct tw_cfg_error *error)
{
    struct tw_place place = {TW_SOURCE_FILE, file->text, 0};
    FILE *in = fopen(file->text, "re");
    *length = in == NULL ? 0 : fread(text, 1, TW_SECRET_BYTES_MAX + 1, in);
    bool good = in != NULL && ferror(in) == 0;
    int number = errno;
    if (in != NULL)
        fclose(in);
    if (!good) {
        tw_cfg_fail(error, &place, "%s (%s) cannot be read: %s", file->key->name, file->place, strerror(number));
        error->exit_code = TW_EXIT_UNREACHABLE;
        return false;
    }
    while (*length > 0 && (text[*length - 1] == '\n' || text[*length - 1] == '\r' || text[*length - 1] == ' '))
        (*length)--;
    return true;
}

/* Whether the file decides: the stronger source does, and two of the same strength contradict each other. */
static bool file_decides(const struct tw_setting *file, const struct tw_setting *secret, bool *decides,
                         struct tw_cfg_error *error)
{
    *decides = file->source != TW_SOURCE_DEFAULT && (secret == NULL || secret->source < file->source);
    if (file->source == TW_SOURCE_DEFAULT || secret == NULL || secret->source != file->source)
        return true;
    struct tw_place place = {TW_SOURCE_FILE, file->place, 0};
    return tw_cfg_fail(error, &place, "%s and %s are both set; one is enough", file->key->name, secret->key->name);
}

static bool take_plain(struct tw_cfg *cfg, const struct tw_key *key, const struct tw_key *file_key,
                       struct tw_cfg_error *error)
{
    const struct tw_setting *file = &cfg->plain[file_key - tw_keys];
    struct tw_setting *secret = &cfg->plain[key - tw_keys];
    char text[TW_SECRET_BYTES_MAX + 2];
    size_t length = 0;
    bool decides = false;
    if (!file_decides(file, secret, &decides, error))
        return false;
    if (!decides)
        return true;
    secret->source = TW_SOURCE_DEFAULT; /* it is replaced, not doubled */
    struct tw_place place = {TW_SOURCE_FILE, file->text, 1};
    struct tw_key_match match = {.key = key};
    return read_line(file, text, &length, error) && tw_cfg_put_match(cfg, &place, &match, text, length, error);
}

static const struct tw_setting *named_secret(const struct tw_cfg *cfg, size_t count, const struct tw_key *key,
                                             const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (cfg->named[i].key == key && strcmp(cfg->named[i].name, name) == 0)
            return &cfg->named[i];
    return NULL;
}

static bool take_named(struct tw_cfg *cfg, const struct tw_key *key, const struct tw_key *file_key,
                       struct tw_cfg_error *error)
{
    size_t count = cfg->named_count; /* what is put comes behind, and may move them all */
    for (size_t i = 0; i < count; i++) {
        char text[TW_SECRET_BYTES_MAX + 2], name[TW_KEY_BYTES_MAX];
        size_t length = 0;
        bool decides = false;
        const struct tw_setting *file = &cfg->named[i];
        if (file->key != file_key)
            continue;
        if (!file_decides(file, named_secret(cfg, count, key, file->name), &decides, error))
            return false;
        if (!decides)
            continue;
        if (!read_line(file, text, &length, error))
            return false;
        tw_key_name_encode(file->name, strlen(file->name), name, sizeof name);
        char *path = tw_strndup(file->text, strlen(file->text));
        struct tw_place place = {TW_SOURCE_FILE, path, 1};
        struct tw_key_match match = {.key = key, .suffix = name, .suffix_length = strlen(name)};
        bool good = tw_cfg_put_match(cfg, &place, &match, text, length, error);
        free(path);
        if (!good)
            return false;
    }
    return true;
}

bool tw_cfg_read_secrets(struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        const struct tw_key *key = &tw_keys[i];
        const struct tw_key *file = (key->flags & TW_KEY_SECRET) == 0 ? NULL : file_key_of(key);
        if (file == NULL || (key->flags & TW_KEY_LATER) != 0)
            continue;
        bool named = (key->flags & TW_KEY_NAMED) != 0;
        if (named ? !take_named(cfg, key, file, error) : !take_plain(cfg, key, file, error))
            return false;
    }
    return true;
}
