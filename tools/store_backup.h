/* SPDX-License-Identifier: MIT
 *
 * `tapewarden store backup` and `restore`: what stands behind them. A directory in use is copied by the daemon that has
 * it, asked through the socket `control` in the directory (actors/keeper): a request `backup DIRECTORY` is answered by
 * `ok` when it is done, or by `error` and a sentence.
 */
#ifndef TW_TOOLS_STORE_BACKUP_H
#define TW_TOOLS_STORE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/* What a backup has, read from the copy itself. */
struct tw_backup_made {
    bool running; /* made by the daemon */
    uint64_t records, trades, alerts;
};

/* Makes a backup of the directory, in use or not. May wait as long as the daemon lives and works on it. */
bool tw_backup_make(const char *data, const char *target, struct tw_backup_made *out, struct tw_store_error *error);

/* Verifies the backup completely, then copies it. progress may be NULL. */
bool tw_backup_restore(const char *backup, const char *target,
                       void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
                       struct tw_backup_made *out, struct tw_store_error *error);

#endif
