/* SPDX-License-Identifier: MIT
 *
 * Any bytes as a configuration file. Held to: no read out of bounds, no leak; what the reader took, written plainly and
 * read again, is the same; and settings that load have a canonical text that reads back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/rules.h"
#include "cfg/settings.h"
#include "cfg/zpl.h"
#include "protocol/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Quotes that do not occur in the value; a value with both came without, and goes so. */
static const char *quotes_for(const char *value)
{
    if (strchr(value, '"') == NULL)
        return "\"";
    return strchr(value, '\'') == NULL ? "'" : "";
}

static char *written(const struct tw_zpl *zpl, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);
    TW_ASSERT(out != NULL);
    for (size_t i = 0; i < zpl->count; i++) {
        const struct tw_zpl_entry *entry = &zpl->entries[i];
        const char *quote = entry->value == NULL ? "" : quotes_for(entry->value);
        fprintf(out, "%s%s%s%s%s\n", entry->key, entry->value == NULL ? "" : "=", quote,
                entry->value == NULL ? "" : entry->value, quote);
    }
    fclose(out);
    return text;
}

static void check_reading(const struct tw_zpl *zpl)
{
    struct tw_zpl again;
    struct tw_zpl_error error;
    size_t length = 0;
    char *text = written(zpl, &length);
    TW_ASSERT(tw_zpl_parse(text, length, &again, &error));
    TW_ASSERT(again.count == zpl->count);
    for (size_t i = 0; i < zpl->count; i++) {
        const char *a = zpl->entries[i].value, *b = again.entries[i].value;
        TW_ASSERT(strcmp(zpl->entries[i].key, again.entries[i].key) == 0);
        TW_ASSERT((a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0));
    }
    tw_zpl_clear(&again);
    free(text);
}

static void check_settings(const struct tw_cfg *cfg)
{
    struct tw_buffer text = {0};
    struct tw_rules rules;
    char why[160], *shown = NULL;
    size_t shown_length = 0;
    FILE *out = open_memstream(&shown, &shown_length);
    TW_ASSERT(out != NULL);
    tw_cfg_show(cfg, out, true);
    fclose(out);
    free(shown);
    tw_cfg_rules_text(cfg, &text);
    TW_ASSERT(tw_rules_parse((const char *)text.bytes, text.length, &rules, why));
    tw_rules_clear(&rules);
    tw_buffer_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct tw_zpl zpl;
    struct tw_zpl_error fault;
    struct tw_cfg_error error;
    if (!tw_zpl_parse(text, size, &zpl, &fault)) {
        TW_ASSERT(fault.why[0] != '\0');
        return 0;
    }
    check_reading(&zpl);
    tw_zpl_clear(&zpl);
    struct tw_cfg *cfg = tw_cfg_load(&(struct tw_cfg_sources){0}, &error);
    TW_ASSERT(cfg != NULL);
    if (tw_cfg_put_file_text(cfg, "fuzz.zpl", text, size, &error) && tw_cfg_check_whole(cfg, &error))
        check_settings(cfg);
    else
        TW_ASSERT(error.text[0] != '\0');
    tw_cfg_free(&cfg);
    return 0;
}
