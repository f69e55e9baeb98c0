/* SPDX-License-Identifier: MIT
 *
 * The settings in force, as each judging core keeps them: from the log's settings records, or pinned ("what if").
 */
#ifndef TW_JUDGING_SETTINGS_H
#define TW_JUDGING_SETTINGS_H

#include <stdbool.h>

#include "cfg/rules.h"
#include "protocol/log.h"
#include "protocol/pack.h"

struct tw_settings {
    struct tw_rules rules;
    struct tw_buffer text; /* their canonical text */
    bool known;            /* some are in force */
    bool pinned;           /* records of the log change nothing */
};
/* True if the settings changed. A text that does not parse cannot stand in a checked log: that aborts. */
bool tw_settings_take(struct tw_settings *settings, const struct tw_control *control);
/* The same from a text that may be damaged: false with *why, and nothing changes. */
bool tw_settings_set(struct tw_settings *settings, struct tw_text text, char why[512]);
void tw_settings_pin(struct tw_settings *settings, struct tw_text text);
void tw_settings_free(struct tw_settings *settings);

/* The threshold of a name: its own if it has one, else the rule's. */
int64_t tw_settings_threshold(const struct tw_settings *settings, enum tw_override_rule rule, struct tw_text name,
                              int64_t standard);

#endif
