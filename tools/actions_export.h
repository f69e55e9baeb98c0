/* SPDX-License-Identifier: MIT
 *
 * What people did to alerts as text, one action a line in order of h: JSON, or CSV with a header.
 */
#ifndef TW_TOOLS_ACTIONS_EXPORT_H
#define TW_TOOLS_ACTIONS_EXPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "store/store.h"

/* False: *error says what cannot be read. */
bool tw_actions_export(struct tw_store *store, bool json, FILE *out, struct tw_store_error *error);

#endif
