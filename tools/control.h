/* SPDX-License-Identifier: MIT
 *
 * Asking the daemon that has a data directory, through the socket `control` in it (actors/keeper/control_actor.h).
 */
#ifndef TW_TOOLS_CONTROL_H
#define TW_TOOLS_CONTROL_H

#include "protocol/pack.h"
#include "store/store.h"

#define TW_CONTROL_SILENCE_S 10

enum tw_control_end {
    TW_CONTROL_NOBODY, /* no daemon that could be asked; *error is as it was */
    TW_CONTROL_FAILED, /* *error says why; MISSING: the daemon does not have what was asked for */
    TW_CONTROL_DONE    /* `answer` holds what came behind "ok " */
};
/* Waits as long as the daemon answers something within TW_CONTROL_SILENCE_S twice: it is asked meanwhile whether it is
 * there, so a long backup is waited for, and a stopped process is not. `what` it may not have done ends the sentence of
 * one that died: "made the backup".
 */
enum tw_control_end tw_control_ask(const char *data, const char *request, const char *what, struct tw_buffer *answer,
                                   struct tw_store_error *error);

#endif
