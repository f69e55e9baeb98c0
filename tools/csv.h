/* SPDX-License-Identifier: MIT
 *
 * One field of CSV (RFC 4180), quoted if it has to be.
 */
#ifndef TW_TOOLS_CSV_H
#define TW_TOOLS_CSV_H

#include <stdio.h>

#include "protocol/pack.h"

void tw_csv_text(FILE *out, struct tw_text text);

#endif
