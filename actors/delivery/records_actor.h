/* SPDX-License-Identifier: MIT
 *
 * Alerts' records, some of them kept: receivers that keep up ask for the same ones. The delivery's thread; reads the
 * disk. Private to actors/delivery.
 */
#ifndef TW_DELIVERY_RECORDS_ACTOR_H
#define TW_DELIVERY_RECORDS_ACTOR_H

#include "protocol/messages.h"
#include "store/store.h"

struct tw_kept {
    uint64_t n;                   /* 0: none */
    struct tw_buffer bytes, json; /* json: empty until somebody wants it */
    bool readable;
    struct tw_alert_view view; /* into `bytes` */
};

struct tw_records;
struct tw_records *tw_records_new(struct tw_store *store);
void tw_records_free(struct tw_records **records);
/* Good until the next is read. NULL: it is not there, or not readable. */
struct tw_kept *tw_records_read(struct tw_records *records, uint64_t n);

#endif
