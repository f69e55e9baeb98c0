/* SPDX-License-Identifier: MIT
 *
 * A world around the store for its tests: a data directory of its own under TMPDIR, a gateway's place taken by a feed
 * that makes records, and a plain memory of every trade and refusal that was fed, which the store is compared with.
 */
#ifndef TEST_STORE_WORLD_H
#define TEST_STORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "store/store.h"

#define NOON (INT64_C(1381233600) * TW_NS_PER_SECOND)

struct fed_trade { /* of sequence index + 1 */
    uint64_t lsn, pseq, original_seq;
    uint32_t symbol, account, source, row;
    uint8_t kind;
    int64_t ts_ns;
    char id[24];
};
struct fed_refusal { /* of number index + 1 */
    uint32_t source;
    uint64_t pseq, content_hash;
};

struct feed {
    uint64_t lsn, seq;
    struct fed_trade *trades;
    size_t trade_capacity;
    struct fed_refusal *refusals;
    uint64_t refusal_count;
    size_t refusal_capacity;
    uint64_t next[16]; /* [source]: its next number */
    uint32_t names[5]; /* so far, by kind */
    uint64_t random;
    int64_t clock_ns;
    uint64_t alerts, actions;
    uint8_t alert_id[TW_ALERT_ID_BYTES]; /* of the next alert; the test's to set */
    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES];
};

struct world {
    char directory[128];
    struct tw_store *store;
    struct tw_store_error error;
    struct feed feed;
};

struct world *world_new(void);        /* with an open store */
void world_free(struct world *world); /* closes it and removes the directory */
void world_open(struct world *world); /* must succeed */
void world_close(struct world *world);
void world_reopen(struct world *world);
/* Opens and expects the status; the sentence stays in world->error. */
void world_open_fails(struct world *world, enum tw_store_mode mode, enum tw_store_status status);
void world_append(struct world *world, struct tw_frame **frames, uint32_t count); /* must succeed; drops them */
/* Appends a SNAPSHOT record and makes its snapshot, a row for each part. */
void world_snapshot(struct world *world);
/* A snapshot, the record that drops what is up to there, and the drop. */
void world_retain(struct world *world, uint64_t last_seq, uint64_t last_lsn);
char *world_path(const struct world *world, const char *name); /* free() it */
void world_remove(const char *directory);
/* Every file of the database whose name ends so; the test changes them. */
typedef void (*world_file_visit)(void *context, const char *path);
void world_files(const struct world *world, const char *ending, world_file_visit visit, void *context);
void world_flip_bit(const char *path, int64_t offset);

/* Sources are 1 to 4 (desk-1 and desk-2 with incarnation 0, desk-1 with incarnation 1, _anon); symbols and accounts are
 * enough for several groups of the index. All are named by the first block that is made. */
#define FEED_SOURCES 4u
#define FEED_SYMBOLS 150u
#define FEED_ACCOUNTS 200u
const char *feed_publisher(uint32_t source);
/* A block of `count` trades and `refusals` refused ones in random order of sources; some trades have ids, few are busts
 * or corrections, market prints among them. */
struct tw_frame *feed_block(struct feed *feed, uint32_t count, uint32_t refusals);
struct tw_frame *feed_control(struct feed *feed, enum tw_control_kind kind);
struct tw_frame *feed_retention(struct feed *feed, uint64_t last_seq, uint64_t last_lsn);
/* Somebody's note about the newest alert event, if its id is zeros. */
struct tw_frame *feed_action(struct feed *feed);
/* The next alert event, digests continued; free alert->bytes. */
void feed_alert(struct feed *feed, struct tw_store_alert *alert);
void feed_forget(struct feed *feed); /* frees */

uint64_t feed_random(struct feed *feed, uint64_t below);

#endif
