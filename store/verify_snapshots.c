/* SPDX-License-Identifier: MIT
 *
 * Snapshots: every byte, every row's bounds, all parts, and that each is one of a record of this log and of alerts that
 * are there.
 */
#include <inttypes.h>

#include "store/verify.h"

static bool rows_whole(struct tw_verify *verify, uint64_t lsn)
{
    struct tw_snapshot_reader *reader = tw_store_snapshot_open(verify->store, lsn, verify->error);
    int more = reader == NULL ? -1 : 1;
    while (more > 0) {
        enum tw_snapshot_part part;
        uint32_t index;
        struct tw_row_reader row;
        more = tw_store_snapshot_next(reader, &part, &index, &row, verify->error);
    }
    tw_store_snapshot_close(&reader);
    return more == 0;
}

static bool of_this_log(struct tw_verify *verify, const struct tw_snapshot_info *info)
{
    struct tw_store_cursor *cursor = tw_store_read_after(verify->store, info, verify->error);
    bool is = cursor != NULL;
    tw_store_cursor_free(&cursor);
    if (is && info->last_alert > tw_store_last_alert(verify->store))
        return tw_verify_damaged(verify,
                                 "the snapshot of record %" PRIu64 " knows alert %" PRIu64 ", there are %" PRIu64,
                                 info->lsn, info->last_alert, tw_store_last_alert(verify->store));
    return is;
}

bool tw_verify_snapshots(struct tw_verify *verify)
{
    struct tw_snapshot_info info = {.lsn = UINT64_MAX};
    int found;
    bool ok = true, any = false;
    while (ok && (found = tw_store_snapshot_find(verify->store, info.lsn, &info, verify->error)) != 0) {
        ok = found > 0 && rows_whole(verify, info.lsn) && of_this_log(verify, &info);
        any = true;
    }
    if (ok && !any && verify->retained.lsn != 0)
        return tw_verify_damaged(verify,
                                 "the log begins behind record %" PRIu64 ", and there is no snapshot to start from",
                                 verify->retained.lsn);
    return ok;
}
