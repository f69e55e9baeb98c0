/* SPDX-License-Identifier: MIT
 *
 * What people did, as JSON for programs.
 */
#ifndef TW_PROTOCOL_ACTION_TEXT_H
#define TW_PROTOCOL_ACTION_TEXT_H

#include <stdio.h>

#include "protocol/action.h"

/* A line: {"h","at","verb",...}. */
void tw_action_print_json(FILE *out, const struct tw_action_message *message);
/* What follows the verb: ,"id":...,"n":...,"who":... and so on, those that it has. */
void tw_action_print_members(FILE *out, const struct tw_action *action);

#endif
