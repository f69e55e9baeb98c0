/* SPDX-License-Identifier: MIT
 *
 * The one place that knows all actors: recovers their state from the log, wires them, starts them from the downstream
 * end, opens the doors last, and stops them from the upstream end.
 */
#ifndef TW_ACTORS_TOPOLOGY_H
#define TW_ACTORS_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "cfg/cfg.h"
#include "protocol/status.h"

struct tw_topology;

/* Opens the data directory, re-reads the log, starts all actors. NULL with the exit code and one sentence if not.
 * Blocks for as long as the log takes. Main thread only, with signals blocked; *stop_requested (may be set by a signal)
 * is looked at while the log is read. */
struct tw_topology *tw_topology_start(const struct tw_cfg *cfg, bool (*stop_requested)(void), enum tw_exit *exit_code,
                                      char why[512]);

/* One line: where to reach what. */
void tw_topology_describe(const struct tw_topology *topology, char out[1024]);

/* Waits until something happens on `descriptor` (a signalfd) or an actor fails. True: the descriptor; false: a failure,
 * with its sentence. */
bool tw_topology_wait(struct tw_topology *topology, int descriptor, char why[512]);

/* Stops taking trades, finishes what was taken (at most `limit_ms`; what is left then is derived again from the log at
 * the next start), ends all actors, closes the store. False if an actor failed. */
bool tw_topology_stop(struct tw_topology **topology, int limit_ms);

#endif
