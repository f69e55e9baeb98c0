/* SPDX-License-Identifier: MIT
 *
 * Everything read and compared. The cursor checks bytes, chain and order of the log; the rest is compared with it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "store/verify.h"

#define PROGRESS_RECORDS 64u

bool tw_verify_damaged(const struct tw_verify *verify, const char *format, ...)
{
    char what[384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    tw_store_fail(verify->error, TW_STORE_DAMAGED, "%.100s is damaged: %s", verify->store->directory, what);
    return false;
}

void tw_verify_reach(uint64_t **array, uint32_t *capacity, uint32_t id)
{
    if (id < *capacity)
        return;
    uint32_t larger = *capacity == 0 ? 1024 : *capacity;
    while (larger <= id)
        larger *= 2;
    *array = tw_realloc(*array, larger * sizeof **array);
    memset(*array + *capacity, 0, (larger - *capacity) * sizeof **array);
    *capacity = larger;
}

static bool take_record(struct tw_verify *verify, const struct tw_record *record, struct tw_chain chain)
{
    if (!tw_verify_rows_take(verify, record))
        return false;
    if (record->kind == TW_RECORD_BLOCK && record->block.count > 0 && tw_record_last(record) <= verify->indexed.seq &&
        !tw_verify_index_take(verify, &record->block))
        return false;
    tw_store_head_take(&verify->head, record, chain);
    return true;
}

/* What a log that begins later cannot tell is taken from the end; it must only not be less than what was met. */
static bool complete_head(struct tw_verify *verify)
{
    struct tw_store_head *head = &verify->head;
    const struct tw_store_head *until = &verify->until;
    if (verify->retained.lsn == 0)
        return true;
    if (!verify->retention_met)
        return tw_verify_damaged(verify,
                                 "the trades up to %" PRIu64 " are gone, and no record of the log says they may be",
                                 verify->retained.seq);
    if (head->blocks > until->blocks || head->clock_ns > until->clock_ns)
        return tw_verify_damaged(verify, "the head says less than the log has (blocks, times)");
    head->blocks = until->blocks;
    head->clock_ns = until->clock_ns;
    head->first_ts_ns = until->first_ts_ns;
    head->refusals = verify->refusals_met ? head->refusals : until->refusals;
    for (size_t kind = 0; kind < sizeof head->names / sizeof head->names[0]; kind++)
        head->names[kind] = verify->names_met[kind] ? head->names[kind] : until->names[kind];
    return true;
}

static bool walk(struct tw_verify *verify, void (*progress)(void *context, uint64_t done, uint64_t total),
                 void *context)
{
    struct tw_store_cursor *cursor = tw_store_read(verify->store, 1, verify->error);
    int more = cursor == NULL ? -1 : 1;
    struct tw_record record;
    while (more > 0 && (more = tw_store_next(cursor, &record, verify->error)) > 0) {
        if (!take_record(verify, &record, tw_store_cursor_chain(cursor)))
            more = -1;
        else if (progress != NULL &&
                 (verify->head.lsn % PROGRESS_RECORDS == 0 || verify->head.lsn == verify->until.lsn))
            progress(context, verify->head.seq, verify->until.seq);
    }
    tw_store_cursor_free(&cursor);
    if (more < 0 || !complete_head(verify))
        return false;
    if (memcmp(&verify->head, &verify->until, sizeof verify->until) != 0)
        return tw_verify_damaged(verify,
                                 "the head does not say what the log has (records, trades, refusals, names, times)");
    return true;
}

bool tw_store_verify(struct tw_store *store, void (*progress)(void *context, uint64_t done, uint64_t total),
                     void *context, struct tw_store_error *error)
{
    struct tw_store_error own;
    struct tw_verify *verify = tw_alloc_zero(1, sizeof *verify);
    verify->store = store;
    verify->error = error == NULL ? &own : error;
    verify->sources = tw_alloc_zero(1, sizeof *verify->sources);
    verify->indexed = tw_store_indexed_now(store);
    verify->until = tw_store_head_now(store);
    verify->retained = tw_store_retained(store);
    verify->head.lsn = verify->retained.lsn;
    verify->head.seq = verify->retained.seq;
    verify->head.chain = verify->retained.chain;
    bool ok = walk(verify, progress, context) && tw_verify_rows_end(verify) && tw_verify_index_end(verify) &&
              tw_verify_alerts(verify) && tw_verify_deliveries(verify) && tw_verify_snapshots(verify) &&
              tw_verify_actions(verify);
    if (verify->time_rows != NULL)
        rocksdb_iter_destroy(verify->time_rows);
    tw_publisher_hashes_free(&verify->publishers);
    free(verify->sources);
    free(verify->next);
    free(verify->accounts);
    free(verify->symbols);
    free(verify);
    return ok;
}
