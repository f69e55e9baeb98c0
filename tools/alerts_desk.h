/* SPDX-License-Identifier: MIT
 *
 * `tapewarden alerts` with a word behind it: alerts looked at and acted on.
 */
#ifndef TW_TOOLS_ALERTS_DESK_H
#define TW_TOOLS_ALERTS_DESK_H

#include <stdbool.h>

bool tw_alerts_desk_has(const char *word); /* ack, assign, close, note, show or list */
int tw_alerts_desk_main(int argc, char **argv);

#endif
