/* SPDX-License-Identifier: MIT
 *
 * A snapshot's file, shared by who writes, reads and verifies it. README.md has it byte by byte.
 */
#ifndef TW_STORE_SNAPSHOT_H
#define TW_STORE_SNAPSHOT_H

#include <xxhash.h>

#include "store/inside.h"

#define TW_SNAPSHOT_DIRECTORY "snapshots"
#define TW_SNAPSHOT_MAGIC "twsnap\r\n" /* 8 bytes */
/* 1 had every velocity window in its object's row, up to 2 rows of accounts' money, up to 3 no rows of ended openings
 * but all of them in full; all are read. */
#define TW_SNAPSHOT_VERSION 4u
#define TW_SNAPSHOT_NAME_DIGITS 20
#define TW_SNAPSHOT_NEW_ENDING ".new" /* being written, or left by a crash */
/* "snapshots/<20 digits>.new" */
#define TW_SNAPSHOT_PATH_BYTES (sizeof TW_SNAPSHOT_DIRECTORY + TW_SNAPSHOT_NAME_DIGITS + sizeof TW_SNAPSHOT_NEW_ENDING)

struct tw_snapshot_head {
    uint8_t magic[8];
    uint32_t version, shards;
    uint8_t log_id[16];
    uint64_t lsn, seq;
};
_Static_assert(sizeof(struct tw_snapshot_head) == 48, "written as it is; see README.md");

/* Before the rows of a chunk: part u8, index u8, length of the rows u32. */
#define TW_SNAPSHOT_CHUNK_HEAD_BYTES 6u

struct tw_snapshot_trailer {
    struct tw_chain chain;
    uint64_t last_alert, chunks, chunk_bytes; /* with their heads */
    uint8_t hash[16];                         /* XXH3-128 of all before it: the head, the chunks and this trailer */
    uint64_t check;                           /* XXH3-64 of the head and of this trailer before it */
};
_Static_assert(sizeof(struct tw_snapshot_trailer) == 64, "written as it is; see README.md");

#define TW_SNAPSHOT_HASHED_TRAILER_BYTES offsetof(struct tw_snapshot_trailer, hash)

/* Which parts have been met: a bit for each, and one for each shard. */
struct tw_snapshot_parts {
    uint64_t shards;
    uint32_t parts;
};
/* False: a snapshot of so many shards has no such part. */
bool tw_snapshot_parts_add(struct tw_snapshot_parts *parts, uint32_t shards, uint32_t part, uint32_t index);
/* NULL if all are there, else the name of one that is missing. */
const char *tw_snapshot_parts_missing(const struct tw_snapshot_parts *parts, uint32_t shards);

/* The name says which record; false for anything that is not a snapshot's. */
bool tw_snapshot_read_name(const char *name, uint64_t *lsn);
void tw_snapshot_path(char path[TW_SNAPSHOT_PATH_BYTES], uint64_t lsn, const char *ending);
uint64_t tw_snapshot_check(const struct tw_snapshot_head *head, const struct tw_snapshot_trailer *trailer);
void tw_snapshot_hash(XXH3_state_t *state, uint8_t out[16]);
/* Always false: names the file. */
bool tw_snapshot_damaged(const struct tw_store *store, uint64_t lsn, const char *why, struct tw_store_error *error);

#endif
