/* SPDX-License-Identifier: MIT */
#include "tools/store_backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/check.h"
#include "tools/control.h"

/* ---- of a running daemon ---- */

/* A path that means the same in the daemon's working directory. */
static char *absolute(const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    size_t bytes = strlen(path) + (here == NULL ? 0 : strlen(here)) + 2;
    char *whole = tw_alloc(bytes);
    snprintf(whole, bytes, "%s%s%s", here == NULL ? "" : here, here == NULL ? "" : "/", path);
    free(here);
    return whole;
}

/* *error says that the directory is in use; it stays so if nobody can be asked. */
static bool ask_the_daemon(const char *data, const char *target, struct tw_store_error *error)
{
    char *whole = absolute(target);
    size_t bytes = strlen(whole) + sizeof "backup ";
    char *request = tw_alloc(bytes);
    struct tw_buffer answer = {0};
    snprintf(request, bytes, "backup %s", whole);
    enum tw_control_end end = tw_control_ask(data, request, "made the backup", &answer, error);
    tw_buffer_free(&answer);
    free(request);
    free(whole);
    return end == TW_CONTROL_DONE;
}

/* ---- */

/* Opens the copy as a tool would: its end is checked, and says what it has. */
static bool look_at(const char *target, struct tw_backup_made *out, struct tw_store_error *error)
{
    struct tw_store *store = tw_store_open(target, TW_STORE_READ, error);
    if (store == NULL)
        return false;
    out->records = tw_store_last_lsn(store) - tw_store_retained(store).lsn;
    out->trades = tw_store_last_seq(store) - tw_store_retained(store).seq;
    out->alerts = tw_store_last_alert(store);
    tw_store_close(&store);
    return true;
}

bool tw_backup_make(const char *data, const char *target, struct tw_backup_made *out, struct tw_store_error *error)
{
    *out = (struct tw_backup_made){.running = false};
    struct tw_store *store = tw_store_open(data, TW_STORE_READ, error);
    if (store == NULL && error->status != TW_STORE_LOCKED)
        return false;
    out->running = store == NULL;
    bool made = store == NULL ? ask_the_daemon(data, target, error) : tw_store_backup(store, target, error);
    tw_store_close(&store);
    return made && look_at(target, out, error);
}

bool tw_backup_restore(const char *backup, const char *target,
                       void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
                       struct tw_backup_made *out, struct tw_store_error *error)
{
    *out = (struct tw_backup_made){.running = false};
    struct tw_store *store = tw_store_open(backup, TW_STORE_READ, error);
    if (store == NULL)
        return false;
    bool restored = tw_store_verify(store, progress, context, error) && tw_store_backup(store, target, error);
    tw_store_close(&store);
    return restored && look_at(target, out, error);
}
