/* SPDX-License-Identifier: MIT
 *
 * SIGINT and SIGTERM ask a command to finish what it is at: waits end early, and a flag says why.
 */
#ifndef TW_TOOLS_STOP_H
#define TW_TOOLS_STOP_H

#include <stdbool.h>

void tw_stop_listen(void); /* from now on the two signals only set the flag; a second one ends the process */
bool tw_stop_asked(void);

#endif
