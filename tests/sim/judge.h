/* SPDX-License-Identifier: MIT
 *
 * A second opinion on what the log's alerts are, written from RULES.md (and the readings in tests/oracle/README.md)
 * without a line of actors/: own data structures, arrays to walk instead of anything clever, 128-bit integers.
 */
#ifndef TW_SIM_JUDGE_H
#define TW_SIM_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/log.h"

#define JUDGE_EVIDENCE_MAX 64

struct judge_event {
    uint64_t n;
    const char *event, *type, *severity, *entity_type;
    char entity[128];
    uint64_t seq;
    int64_t ts_ns;
    __int128 value;
    uint64_t trades[JUDGE_EVIDENCE_MAX]; /* oldest first */
    uint32_t trade_count;
    uint64_t counted; /* how many trades it was, listed or not */
    char line[512];   /* of the digest */
    uint8_t digest[32];
};

struct judge;
struct judge *judge_new(void);
void judge_free(struct judge **judge);
/* Takes the next record of the log. False with *why: the record itself breaks a rule (ticks, rolls, originals). */
bool judge_take(struct judge *judge, const struct tw_record *record, char why[256]);
uint64_t judge_events(const struct judge *judge);
const struct judge_event *judge_event(const struct judge *judge, uint64_t n);

#endif
