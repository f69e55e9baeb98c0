/* SPDX-License-Identifier: MIT
 *
 * `tapewarden deliveries totals`: how many of which kind each receiver has.
 */
#ifndef TW_TOOLS_DELIVERIES_TOTALS_H
#define TW_TOOLS_DELIVERIES_TOTALS_H

#include <stdio.h>

#include "tools/ledger.h"

/* False: *error says why. A table for people, or an object a line. */
bool tw_deliveries_totals(const char *directory, const char *receiver, bool json, FILE *out,
                          struct tw_store_error *error);

#endif
