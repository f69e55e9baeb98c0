/* SPDX-License-Identifier: MIT
 *
 * Any bytes as the canonical text of the rules. Held to: no read out of bounds, no leak; and there is one text for
 * given settings: its lines, given as flags, make it again byte for byte.
 */
#include <stdlib.h>
#include <string.h>

#include "cfg/cfg.h"
#include "cfg/rules.h"
#include "protocol/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_overrides(const struct tw_rules *rules)
{
    for (uint32_t i = 0; i < rules->override_count; i++) {
        const struct tw_override *entry = &rules->overrides[i];
        struct tw_text name = {entry->name, entry->name_length};
        TW_ASSERT(tw_rules_override(rules, entry->rule, name) == entry);
    }
}

static void check_text(const char *text, size_t size)
{
    struct tw_cfg_error error;
    struct tw_buffer again = {0};
    char *lines = tw_strndup(text, size);
    const char **sets = tw_alloc((size + 1) * sizeof *sets);
    size_t count = 0;
    for (char *line = lines; *line != '\0'; count++) {
        char *end = strchr(line, '\n');
        sets[count] = line;
        *end = '\0';
        line = end + 1;
    }
    struct tw_cfg *cfg = tw_cfg_load(&(struct tw_cfg_sources){.sets = sets, .set_count = count}, &error);
    /* The reader of the text does not ask whether this machine knows the zone. */
    TW_ASSERT(cfg != NULL || strstr(error.text, "knows no such zone") != NULL);
    if (cfg != NULL) {
        tw_cfg_rules_text(cfg, &again);
        TW_ASSERT(again.length == size && memcmp(again.bytes, text, size) == 0);
    }
    tw_cfg_free(&cfg);
    tw_buffer_free(&again);
    free((void *)sets);
    free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tw_rules rules;
    char why[160] = "";
    if (!tw_rules_parse((const char *)data, size, &rules, why)) {
        TW_ASSERT(why[0] != '\0');
        return 0;
    }
    check_overrides(&rules);
    check_text((const char *)data, size);
    tw_rules_clear(&rules);
    return 0;
}
