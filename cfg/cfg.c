/* SPDX-License-Identifier: MIT
 *
 * Loading: the sources one after the other, then the whole.
 */
#include "cfg/cfg.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cfg/settings.h"
#include "protocol/check.h"
#include "protocol/status.h"

static struct tw_cfg *new_with_defaults(void)
{
    struct tw_cfg *cfg = tw_alloc_zero(1, sizeof *cfg);
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        const struct tw_key *key = &tw_keys[i];
        struct tw_value value = {0};
        char why[TW_VALUE_WHY_BYTES];
        if (key->standard[0] != '\0')
            TW_ASSERT(tw_value_read(key, key->standard, strlen(key->standard), &value, why));
        cfg->plain[i] = (struct tw_setting){
            .key = key,
            .text = tw_strndup(value.text, strlen(value.text)),
            .number = value.number,
            .source = TW_SOURCE_DEFAULT,
            .place = tw_strndup("default", 7),
        };
    }
    return cfg;
}

static bool unreadable(struct tw_cfg_error *error, const char *path, const char *reason)
{
    struct tw_place place = {TW_SOURCE_FILE, path, 0};
    tw_cfg_fail(error, &place, "cannot be read: %s", reason);
    error->exit_code = TW_EXIT_UNREACHABLE;
    return false;
}

static char *read_whole(FILE *file, size_t *length)
{
    struct tw_buffer buffer = {0};
    size_t got = 0;
    do {
        tw_buffer_reserve(&buffer, 65536);
        got = fread(buffer.bytes + buffer.length, 1, 65536, file);
        buffer.length += got;
    } while (got > 0 && buffer.length <= TW_SETTINGS_BYTES_MAX);
    *length = buffer.length;
    return (char *)buffer.bytes;
}

static bool put_file(struct tw_cfg *cfg, const char *path, struct tw_cfg_error *error)
{
    struct stat status;
    size_t length = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return unreadable(error, path, strerror(errno));
    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
        fclose(file);
        return unreadable(error, path, "it is a directory");
    }
    char *text = read_whole(file, &length);
    bool failed = ferror(file) != 0;
    fclose(file);
    bool good =
        failed ? unreadable(error, path, "reading failed") : tw_cfg_put_file_text(cfg, path, text, length, error);
    free(text);
    return good;
}

static bool put_flags(struct tw_cfg *cfg, const struct tw_cfg_sources *sources, struct tw_cfg_error *error)
{
    struct tw_place place = {TW_SOURCE_FLAG, "--set", 0};
    for (size_t i = 0; i < sources->set_count; i++) {
        const char *set = sources->sets[i];
        const char *equals = strchr(set, '=');
        if (equals == NULL || equals == set)
            return tw_cfg_fail(error, &place, "'%.60s' is not section/key=value", set);
        if (!tw_cfg_put(cfg, &place, set, (size_t)(equals - set), equals + 1, strlen(equals + 1), error))
            return false;
    }
    place.name = "--data";
    const char *directory = sources->data_directory;
    return directory == NULL ||
           tw_cfg_put(cfg, &place, "data/directory", strlen("data/directory"), directory, strlen(directory), error);
}

struct tw_cfg *tw_cfg_load(const struct tw_cfg_sources *sources, struct tw_cfg_error *error)
{
    struct tw_cfg *cfg = new_with_defaults();
    *error = (struct tw_cfg_error){.exit_code = TW_EXIT_USAGE};
    if ((sources->file == NULL || put_file(cfg, sources->file, error)) &&
        tw_cfg_put_environment(cfg, sources->environ_, error) && put_flags(cfg, sources, error) &&
        tw_cfg_settle(cfg, false, NULL, error) && tw_cfg_read_secrets(cfg, error) &&
        tw_cfg_settle(cfg, false, NULL, error) && tw_cfg_check_whole(cfg, error) && tw_cfg_read_sheets(cfg, error))
        return cfg;
    tw_cfg_free(&cfg);
    return NULL;
}

static void free_setting(struct tw_setting *setting)
{
    free(setting->name);
    free(setting->text);
    free(setting->place);
}

void tw_cfg_free(struct tw_cfg **cfg)
{
    struct tw_cfg *self = *cfg;
    *cfg = NULL;
    if (self == NULL)
        return;
    for (size_t i = 0; i < TW_KEY_COUNT; i++)
        free_setting(&self->plain[i]);
    for (size_t i = 0; i < self->named_count; i++)
        free_setting(&self->named[i]);
    free(self->named);
    for (size_t i = 0; i < self->warning_count; i++)
        free(self->warnings[i]);
    free(self->warnings);
    for (int i = 0; i < TW_SHEET_COUNT; i++)
        tw_sheet_free(&self->sheets[i]);
    free(self);
}

/* ---- reading ---- */

size_t tw_cfg_warning_count(const struct tw_cfg *cfg)
{
    return cfg->warning_count;
}

const char *tw_cfg_warning(const struct tw_cfg *cfg, size_t index)
{
    TW_ASSERT(index < cfg->warning_count);
    return cfg->warnings[index];
}

static const struct tw_setting *plain(const struct tw_cfg *cfg, const char *name)
{
    const struct tw_key *key = tw_key_by_name(name);
    TW_ASSERT(key != NULL && (key->flags & TW_KEY_NAMED) == 0);
    return &cfg->plain[key - tw_keys];
}

const char *tw_cfg_text(const struct tw_cfg *cfg, const char *key)
{
    return plain(cfg, key)->text;
}

int64_t tw_cfg_integer(const struct tw_cfg *cfg, const char *key)
{
    const struct tw_setting *setting = plain(cfg, key);
    enum tw_key_type type = setting->key->type;
    TW_ASSERT(type == TW_TYPE_INTEGER || type == TW_TYPE_SWITCH || type == TW_TYPE_CHOICE || type == TW_TYPE_CLOCK ||
              type == TW_TYPE_DECIMAL_E8 || type == TW_TYPE_DECIMAL_E4 || type == TW_TYPE_DECIMAL_E3);
    return setting->number;
}

void tw_cfg_each(const struct tw_cfg *cfg, const char *section,
                 void (*visit)(void *context, const char *name, const char *value), void *context)
{
    size_t length = strlen(section);
    for (size_t i = 0; i < cfg->named_count; i++) {
        const struct tw_setting *setting = &cfg->named[i];
        if ((setting->key->flags & TW_KEY_NAMED) != 0 && strncmp(setting->key->name, section, length) == 0 &&
            setting->key->name[length] == '/')
            visit(context, setting->name, setting->text);
    }
}

const char *tw_cfg_named(const struct tw_cfg *cfg, const char *section, const char *name)
{
    size_t length = strlen(section);
    for (size_t i = 0; i < cfg->named_count; i++) {
        const struct tw_setting *setting = &cfg->named[i];
        if ((setting->key->flags & TW_KEY_NAMED) != 0 && strncmp(setting->key->name, section, length) == 0 &&
            setting->key->name[length] == '/' && strcmp(setting->name, name) == 0)
            return setting->text;
    }
    return NULL;
}

/* ---- the canonical text ---- */

struct line {
    char key[TW_KEY_BYTES_MAX];
    const char *value;
};

static int compare_lines(const void *left, const void *right)
{
    const struct line *a = left, *b = right;
    return strcmp(a->key, b->key);
}

static size_t collect(struct line *lines, const struct tw_setting *settings, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if ((settings[i].key->flags & TW_KEY_ALERT) == 0)
            continue;
        tw_setting_key(&settings[i], lines[used].key);
        lines[used++].value = settings[i].text;
    }
    return used;
}

void tw_cfg_rules_text(const struct tw_cfg *cfg, struct tw_buffer *out)
{
    struct line *lines = tw_alloc((TW_KEY_COUNT + cfg->named_count) * sizeof *lines);
    size_t count = collect(lines, cfg->plain, TW_KEY_COUNT);
    count += collect(lines + count, cfg->named, cfg->named_count);
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; i < count; i++) {
        tw_buffer_append(out, lines[i].key, strlen(lines[i].key));
        tw_buffer_append(out, "=", 1);
        tw_buffer_append(out, lines[i].value, strlen(lines[i].value));
        tw_buffer_append(out, "\n", 1);
    }
    free(lines);
}

static const char *variable_among(const struct tw_setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((settings[i].key->flags & TW_KEY_ALERT) != 0 && tw_source_is_variable(settings[i].source))
            return settings[i].place + strlen("env ");
    return NULL;
}

const char *tw_cfg_rules_variable(const struct tw_cfg *cfg)
{
    const char *variable = variable_among(cfg->plain, TW_KEY_COUNT);
    return variable != NULL ? variable : variable_among(cfg->named, cfg->named_count);
}
