/* SPDX-License-Identifier: MIT
 *
 * The desk (actors/lifecycle/desk_actor.h) asked by a command: of a directory that is not in use, or through the daemon
 * that has it. Main thread; blocks.
 */
#ifndef TW_TOOLS_DESK_H
#define TW_TOOLS_DESK_H

#include "protocol/pack.h"
#include "store/store.h"
#include "tools/rows.h"

/* `answer` gets lines of JSON, ended by NUL. */
bool tw_desk_ask(const char *directory, const char *command, struct tw_buffer *answer, struct tw_store_error *error);
/* Says the sentence; returns the exit code: 1 if what was asked for is not there or may not be done. */
int tw_desk_failed(const struct tw_cli *cli, const struct tw_store_error *error);

/* Puts a text of the command line into an action. NULL: nothing. What is not UTF-8 tw_desk_act says, and records
 * nothing.
 */
void tw_desk_put(json_t *action, const char *key, const char *text);
/* Asks the daemon to record what `action` says (taken over), done by `by` or else the user, and shows what was
 * recorded. Returns the exit code. */
int tw_desk_act(const struct tw_cli *cli, const char *directory, json_t *action, const char *by, tw_row_print print);

#endif
