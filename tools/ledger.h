/* SPDX-License-Identifier: MIT
 *
 * Deliveries as they are recorded (actors/delivery/listing_actor.h), read by a command page by page: of a directory
 * that is not in use, or through the daemon that has it. Main thread; blocks.
 */
#ifndef TW_TOOLS_LEDGER_H
#define TW_TOOLS_LEDGER_H

#include "actors/delivery/listing_actor.h"

/* Lines of JSON, ended by NUL. */
typedef void (*tw_ledger_visit)(void *context, const char *lines);
/* Attempts from from_ns (wall clock) on, then what is pending, then dead letters, as `listing` wants it. */
bool tw_ledger_read(const char *directory, const struct tw_listing *listing, int64_t from_ns, tw_ledger_visit visit,
                    void *context, struct tw_store_error *error);

#endif
