/* SPDX-License-Identifier: MIT
 *
 * The judging cores, saved in slices while they go on and loaded again, over the log of a world (gateway_world.h); and
 * their alerts, to be compared to the byte.
 */
#ifndef TEST_SAVING_WORLD_H
#define TEST_SAVING_WORLD_H

#include "actors/pipeline/pipeline.h"
#include "gateway_world.h"

/* ---- alerts, to be compared ---- */
struct alerts {
    struct tw_buffer bytes;
    uint64_t *first; /* [n]: where alert n begins in bytes */
    uint64_t count, capacity, base;
};
void alerts_hear(void *alerts, const struct tw_router_alert *alert); /* a tw_pipeline_alert */
void alerts_free(struct alerts *alerts);
/* Alerts after n `base` are those of the whole. */
void alerts_expect_same_end(const struct alerts *whole, const struct alerts *end);
void reference(struct world *world, struct alerts *whole); /* of the log, by one shard that is never saved */

/* ---- cores that save themselves while they go on ---- */
struct savers {
    struct tw_pipeline_cores cores;
    struct tw_shard_answer answer[TW_SHARDS_MAX];
    struct tw_shard_answer *answers[TW_SHARDS_MAX];
    struct tw_events events;
    bool begun;
    struct tw_buffer parts[TW_PART_COUNT][TW_SHARDS_MAX];
};
/* In groups of a few, so that most of what has ended lies on its shelf. */
struct tw_pipeline *small_pipeline(struct world *world, uint32_t shards);
void savers_step(struct savers *savers, const struct tw_record *record, struct alerts *alerts);
void savers_begin(struct savers *savers);
bool savers_go_on(struct savers *savers, size_t bytes); /* true when all parts are whole */
void savers_load(struct tw_pipeline *pipeline, const struct savers *savers);
void savers_free(struct savers *savers);

#define ROW_ENDED_OPENINGS 5
#define ROW_OBJECT 17 /* a symbol, an account */
#define ROW_SHARD_WINDOW 20
#define ROW_EXPOSURE_WINDOW 19
uint32_t savers_count_rows(const struct savers *savers, enum tw_snapshot_part part, uint8_t kind);
/* Sums over all rows, whatever their order: what was saved, as one shard that stands still saves it; what so many
 * shards are that stand still behind record `at`. */
void state_of(struct world *world, const struct savers *saved, uint64_t sums[TW_PART_COUNT]);
void state_at(struct world *world, uint32_t at, uint32_t shards, uint64_t sums[TW_PART_COUNT]);

char *settings_of(const char *const *assignments, size_t count); /* their canonical text; free it */

#endif
