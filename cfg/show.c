/* SPDX-License-Identifier: MIT
 *
 * The settings in force, for people and for programs.
 */
#include "cfg/cfg.h"

#include <string.h>

#include "cfg/settings.h"

struct shown { /* one line of `config show` */
    const struct tw_key *key;
    char name[TW_KEY_BYTES_MAX];
    const char *value, *source;
};

typedef void (*visit_shown)(void *context, const struct shown *line);

static const char *value_of(const struct tw_setting *setting)
{
    bool hidden = (setting->key->flags & TW_KEY_SECRET) != 0 && setting->text[0] != '\0';
    return hidden ? "***" : setting->text;
}

static void visit_setting(const struct tw_setting *setting, visit_shown visit, void *context)
{
    bool later = (setting->key->flags & TW_KEY_LATER) != 0;
    struct shown line = {
        .key = setting->key,
        .value = value_of(setting),
        .source = later ? "not available in this build" : setting->place,
    };
    tw_setting_key(setting, line.name);
    visit(context, &line);
}

/* In the order of the table; a key's named settings follow it. */
static void visit_all(const struct tw_cfg *cfg, visit_shown visit, void *context)
{
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        size_t first = 0, count = 0;
        for (size_t j = 0; j < cfg->named_count; j++) {
            if (cfg->named[j].key != &tw_keys[i])
                continue;
            first = count == 0 ? j : first;
            count++;
        }
        if ((tw_keys[i].flags & TW_KEY_NAMED) == 0 || count == 0)
            visit_setting(&cfg->plain[i], visit, context);
        for (size_t j = first; j < first + count; j++)
            visit_setting(&cfg->named[j], visit, context);
    }
}

/* ---- for people ---- */

struct table {
    FILE *out;
    int key_width, value_width, source_width, unit_width;
};

static int width(const char *text)
{
    int characters = 0;
    for (; *text != '\0'; text++)
        characters += ((unsigned char)*text & 0xc0u) != 0x80u ? 1 : 0;
    return characters;
}

static const char *or_dash(const char *text)
{
    return text[0] == '\0' ? "-" : text;
}

static void widen(int *column, const char *text)
{
    int wanted = width(or_dash(text));
    *column = wanted > *column ? wanted : *column;
}

static void measure(void *context, const struct shown *line)
{
    struct table *table = context;
    widen(&table->key_width, line->name);
    widen(&table->value_width, line->value);
    widen(&table->source_width, line->source);
    widen(&table->unit_width, line->key->unit);
}

static void print_cell(FILE *out, const char *text, int column)
{
    fputs(or_dash(text), out);
    fprintf(out, "%*s", column - width(or_dash(text)) + 2, "");
}

static void print_line(void *context, const struct shown *line)
{
    struct table *table = context;
    print_cell(table->out, line->name, table->key_width);
    print_cell(table->out, line->value, table->value_width);
    print_cell(table->out, line->source, table->source_width);
    print_cell(table->out, line->key->unit, table->unit_width);
    fprintf(table->out, "%s\n", line->key->meaning);
}

/* ---- for programs ---- */

static void print_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

static void print_member(FILE *out, const char *name, const char *text)
{
    fprintf(out, "\"%s\":", name);
    print_string(out, text);
    fputc(',', out);
}

static void print_object(void *context, const struct shown *line)
{
    FILE *out = ((struct table *)context)->out;
    fputc('{', out);
    print_member(out, "key", line->name);
    print_member(out, "value", line->value);
    print_member(out, "source", line->source);
    print_member(out, "default", line->key->standard);
    print_member(out, "unit", line->key->unit);
    print_member(out, "meaning", line->key->meaning);
    fprintf(out, "\"alert\":%s,\"available\":%s}\n", (line->key->flags & TW_KEY_ALERT) != 0 ? "true" : "false",
            (line->key->flags & TW_KEY_LATER) != 0 ? "false" : "true");
}

void tw_cfg_show(const struct tw_cfg *cfg, FILE *out, bool json)
{
    struct table table = {.out = out, .key_width = 3, .value_width = 5, .source_width = 6, .unit_width = 4};
    if (json) {
        visit_all(cfg, print_object, &table);
        return;
    }
    visit_all(cfg, measure, &table);
    print_cell(out, "KEY", table.key_width);
    print_cell(out, "VALUE", table.value_width);
    print_cell(out, "SOURCE", table.source_width);
    print_cell(out, "UNIT", table.unit_width);
    fputs("MEANING\n", out);
    visit_all(cfg, print_line, &table);
}
