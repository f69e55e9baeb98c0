/* SPDX-License-Identifier: MIT */
#include "tools/ledger.h"

#include <stdio.h>

#include "tools/control.h"

#define PART_END TW_LISTING_END

static bool read_directory(struct tw_store *store, const struct tw_listing *listing, struct tw_listing_place *place,
                           tw_ledger_visit visit, void *context, struct tw_store_error *error)
{
    struct tw_buffer lines = {0};
    bool ok = true;
    while (ok && place->part < PART_END) {
        lines.length = 0;
        ok = tw_listing_page(store, listing, place, &lines, error);
        tw_buffer_append(&lines, "", 1);
        if (ok)
            visit(context, (const char *)lines.bytes);
    }
    tw_buffer_free(&lines);
    return ok;
}

/* Of the daemon. `error` says that the directory is in use. */
static bool read_running(const char *directory, const struct tw_listing *listing, struct tw_listing_place *place,
                         tw_ledger_visit visit, void *context, struct tw_store_error *error)
{
    struct tw_buffer answer = {0};
    bool ok = true;
    while (ok && place->part < PART_END) {
        char request[TW_LISTING_COMMAND_BYTES];
        const char *lines = NULL;
        tw_listing_ask(listing, place, request);
        ok = tw_control_ask(directory, request, "answered", &answer, error) == TW_CONTROL_DONE;
        if (ok && !tw_listing_read((const char *)answer.bytes, place, &lines)) {
            snprintf(error->text, sizeof error->text, "the daemon's answer is not readable; is it of another version?");
            error->status = TW_STORE_FAILED;
            ok = false;
        }
        if (ok)
            visit(context, lines);
    }
    tw_buffer_free(&answer);
    return ok;
}

bool tw_ledger_read(const char *directory, const struct tw_listing *listing, int64_t from_ns, tw_ledger_visit visit,
                    void *context, struct tw_store_error *error)
{
    struct tw_listing_place place = {.ns = from_ns};
    struct tw_store *store = tw_store_open(directory, TW_STORE_READ, error);
    if (store == NULL)
        return error->status == TW_STORE_LOCKED && read_running(directory, listing, &place, visit, context, error);
    bool ok = read_directory(store, listing, &place, visit, context, error);
    tw_store_close(&store);
    return ok;
}
