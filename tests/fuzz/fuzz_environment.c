/* SPDX-License-Identifier: MIT
 *
 * Any lines as --set flags, and the same as variables of the environment. Held to: no leak; a refusal has its sentence;
 * both are taken or both are refused, and then they mean the same; and what was taken, given again as flags in the
 * words of `config show`, is the same settings.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/settings.h"
#include "protocol/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LINES_MAX 64u

struct lines {
    char *text[LINES_MAX + 1]; /* NULL at the end */
    size_t count;
};

static void clear(struct lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->text[i]);
    lines->count = 0;
}

static struct lines split(const uint8_t *data, size_t size)
{
    struct lines lines = {.count = 0};
    for (size_t at = 0; at < size && lines.count < LINES_MAX;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t length = end == NULL ? size - at : (size_t)(end - data) - at;
        lines.text[lines.count++] = tw_strndup((const char *)data + at, length);
        at += length + 1;
    }
    return lines;
}

/* "section/key@NAME=value" as a variable; NULL where a variable cannot say it. */
static char *variable_of(const char *set)
{
    const char *equals = strchr(set, '='), *at = strchr(set, '@');
    char *variable = tw_alloc(2 * strlen(set) + 16), *out = variable + sprintf(variable, "TAPEWARDEN_");
    const char *exact = at != NULL && at < equals ? at : equals;
    bool can = equals != NULL && equals > set && equals - set < 200;
    for (const char *c = set; can && c < exact; c++) {
        bool beside = c > set && (*c == '_' || *c == '/') && (c[-1] == '_' || c[-1] == '/');
        can = !beside && (islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_' || *c == '/');
        if (*c == '/')
            *out++ = '_';
        *out++ = *c == '/' ? '_' : (char)toupper((unsigned char)*c);
    }
    if (!can) {
        free(variable);
        return NULL;
    }
    strcpy(out, exact);
    return variable;
}

static struct tw_cfg *load(const struct lines *lines, bool environment)
{
    struct tw_cfg_error error = {.text = ""};
    struct tw_cfg_sources sources = {0};
    if (environment) {
        sources.environ_ = (const char *const *)lines->text;
    } else {
        sources.sets = (const char *const *)lines->text;
        sources.set_count = lines->count;
    }
    struct tw_cfg *cfg = tw_cfg_load(&sources, &error);
    TW_ASSERT(cfg != NULL || error.text[0] != '\0');
    return cfg;
}

static void assert_same(const struct tw_cfg *a, const struct tw_cfg *b)
{
    TW_ASSERT(a->named_count == b->named_count);
    for (size_t i = 0; i < TW_KEY_COUNT; i++)
        TW_ASSERT(strcmp(a->plain[i].text, b->plain[i].text) == 0 && a->plain[i].number == b->plain[i].number);
    for (size_t i = 0; i < a->named_count; i++)
        TW_ASSERT(a->named[i].key == b->named[i].key && strcmp(a->named[i].name, b->named[i].name) == 0 &&
                  strcmp(a->named[i].text, b->named[i].text) == 0 && a->named[i].number == b->named[i].number);
}

static void check_again(const struct tw_cfg *cfg)
{
    struct lines again = {.count = 0};
    char key[TW_KEY_BYTES_MAX], line[4096];
    for (size_t i = 0; i < cfg->named_count && again.count < LINES_MAX; i++) {
        if (cfg->named[i].source == TW_SOURCE_FILE) /* a secret whose file is named, and read again */
            continue;
        tw_setting_key(&cfg->named[i], key);
        int length = snprintf(line, sizeof line, "%s=%s", key, cfg->named[i].text);
        again.text[again.count++] = tw_strndup(line, (size_t)length);
    }
    for (size_t i = 0; i < TW_KEY_COUNT && again.count < LINES_MAX; i++) {
        if (cfg->plain[i].source == TW_SOURCE_DEFAULT || cfg->plain[i].source == TW_SOURCE_FILE)
            continue;
        tw_setting_key(&cfg->plain[i], key);
        int length = snprintf(line, sizeof line, "%s=%s", key, cfg->plain[i].text);
        TW_ASSERT((size_t)length < sizeof line);
        again.text[again.count++] = tw_strndup(line, (size_t)length);
    }
    struct tw_cfg *second = load(&again, false);
    TW_ASSERT(second != NULL);
    assert_same(cfg, second);
    tw_cfg_free(&second);
    clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lines raw, variables = {.count = 0}, flags = {.count = 0};
    if (size > 3000)
        return 0;
    raw = split(data, size);
    struct tw_cfg *cfg = load(&raw, true); /* variables of any name and form */
    tw_cfg_free(&cfg);
    for (size_t i = 0; i < raw.count; i++) {
        char *variable = variable_of(raw.text[i]);
        if (variable == NULL)
            continue;
        variables.text[variables.count++] = variable;
        flags.text[flags.count++] = tw_strndup(raw.text[i], strlen(raw.text[i]));
    }
    struct tw_cfg *by_flags = load(&flags, false), *by_variables = load(&variables, true);
    TW_ASSERT((by_flags == NULL) == (by_variables == NULL));
    if (by_flags != NULL) {
        assert_same(by_flags, by_variables);
        check_again(by_flags);
    }
    tw_cfg_free(&by_flags);
    tw_cfg_free(&by_variables);
    clear(&raw);
    clear(&variables);
    clear(&flags);
    return 0;
}
