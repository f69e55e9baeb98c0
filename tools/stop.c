/* SPDX-License-Identifier: MIT
 *
 * SIGINT and SIGTERM ask a command to finish.
 */
#include "tools/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t asked;

static void on_signal(int number)
{
    (void)number;
    asked = 1;
}

void tw_stop_listen(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    action.sa_flags = (int)SA_RESETHAND; /* not SA_RESTART: a wait is to end */
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool tw_stop_asked(void)
{
    return asked != 0;
}
