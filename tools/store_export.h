/* SPDX-License-Identifier: MIT
 *
 * The trades of a log as text, one a line in sequence order: JSON or CSV, all of them or some.
 */
#ifndef TW_TOOLS_STORE_EXPORT_H
#define TW_TOOLS_STORE_EXPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "store/store.h"

struct tw_store_export {
    const char *account, *symbol; /* NULL: all */
    uint64_t from_seq, to_seq;
    bool json; /* otherwise CSV with a header */
    FILE *out;
};

enum tw_store_exported {
    TW_STORE_EXPORTED,
    TW_STORE_NO_SUCH_NAME, /* *error says which */
    TW_STORE_NOT_READABLE  /* *error */
};
enum tw_store_exported tw_store_export_trades(struct tw_store *store, const struct tw_store_export *what,
                                              struct tw_store_error *error);

#endif
