/* SPDX-License-Identifier: MIT */
#include "actors/delivery/records_actor.h"

#include <stdlib.h>

#include "protocol/check.h"

#define KEPT 512u    /* of 0.5 to 1 KiB, at most 8, and as much again of JSON: 8 MiB at the worst */
#define READ_RUN 32u /* read at a time */

struct tw_records {
    struct tw_store *store;
    struct tw_kept list[KEPT]; /* at n modulo its size */
};

struct tw_records *tw_records_new(struct tw_store *store)
{
    struct tw_records *records = tw_alloc_zero(1, sizeof *records);
    records->store = store;
    return records;
}

void tw_records_free(struct tw_records **records)
{
    if (*records == NULL)
        return;
    for (uint32_t i = 0; i < KEPT; i++)
        tw_buffer_free(&(*records)->list[i].bytes), tw_buffer_free(&(*records)->list[i].json);
    free(*records);
    *records = NULL;
}

/* A run of them: receivers that keep up ask for the next. */
struct run {
    struct tw_records *records;
    uint32_t left;
};
static bool keep(void *context, const struct tw_store_alert *alert)
{
    struct run *run = context;
    struct tw_kept *record = &run->records->list[alert->n % KEPT];
    record->n = alert->n;
    record->bytes.length = record->json.length = 0;
    tw_buffer_append(&record->bytes, alert->bytes, alert->length);
    record->readable = tw_alert_decode(record->bytes.bytes, record->bytes.length, &record->view);
    return --run->left > 0;
}

struct tw_kept *tw_records_read(struct tw_records *records, uint64_t n)
{
    struct tw_kept *record = &records->list[n % KEPT];
    struct run run = {records, READ_RUN};
    if (n == 0)
        return NULL;
    if (record->n != n) {
        record->n = 0;
        (void)tw_store_alerts(records->store, n - 1, keep, &run, NULL); /* damage further on is no matter here */
    }
    return record->n == n && record->readable ? record : NULL;
}
