/* SPDX-License-Identifier: MIT
 *
 * The openings of alerts that have ended. There may be millions an hour, and hardly any is ever asked for: only a bust
 * of its trade does, and a trade is busted once. So they lie on a shelf (shelf.h), in their short form, in blocks of at
 * most 4 KiB; in memory is, for each block, of which trades it is.
 *
 * Trades are parted into ranges by their number. A block is of one range: so a look-up reads the few blocks of one
 * range in which its trade may be, however long the history is, and retention drops whole ranges. Blocks never change.
 *
 * Pure. One owner.
 */
#ifndef TW_JUDGING_ARCHIVE_H
#define TW_JUDGING_ARCHIVE_H

#include "actors/judging/opening.h"
#include "actors/judging/shelf.h"
#include "protocol/snapshot.h"

struct tw_archive_block {
    uint64_t first;       /* the first trade of which it has openings */
    uint32_t span;        /* the last one, from there */
    uint32_t place;       /* on the shelf */
    uint32_t length, sum; /* of its bytes */
};
_Static_assert(sizeof(struct tw_archive_block) == 24, "for some hundred alerts");

struct tw_archive {
    struct tw_shelf shelf; /* no put yet: in memory, as soon as it is needed */
    struct tw_archive_range {
        uint64_t number; /* of its trades, without their last bits */
        struct tw_archive_block *blocks;
        uint32_t count, capacity;
        uint32_t late; /* blocks at its front that a snapshot may still have to write */
    } * ranges;        /* by number */
    uint32_t count, capacity;
    uint64_t forgotten; /* retention has dropped the trades up to it; a snapshot's blocks stay until it has them */
    struct {
        bool on;
        uint64_t range; /* the next block to be written */
        uint32_t block;
    } late;
    struct {
        struct tw_opening *list; /* of one range; loaded, not in blocks yet */
        uint32_t count;
    } loading;
};

/* Where to keep the blocks, before there are any; taken over. */
void tw_archive_keep_on(struct tw_archive *archive, struct tw_shelf shelf);
const struct tw_shelf_sizes *tw_archive_sizes(struct tw_archive *archive);
static inline uint64_t tw_archive_range(const struct tw_archive *archive, uint64_t seq)
{
    return seq >> archive->shelf.sizes.range;
}
/* A block of openings of one range. */
void tw_archive_put(struct tw_archive *archive, const struct tw_packed_openings *packed);

/* What a look-up finds: those that trade `seq` opened, of a rule and key in the order in which they came. */
struct tw_found_openings {
    struct tw_opening *list;
    uint32_t count, capacity;
};
void tw_archive_find(const struct tw_archive *archive, uint64_t seq, struct tw_found_openings *found);
typedef bool (*tw_opening_visit)(const void *context, const struct tw_opening *opening);
/* All of them; false as soon as the visit says so. */
bool tw_archive_each(const struct tw_archive *archive, tw_opening_visit visit, const void *context);

/* Ranges that are wholly of trades up to last_seq go: now, or when the snapshot under way has them. */
void tw_archive_forget(struct tw_archive *archive, uint64_t last_seq);

/* A snapshot will write the blocks that there are now. */
void tw_archive_late_begin(struct tw_archive *archive);
/* The next one's bytes (TW_PACKED_BYTES_MAX have room); their length, or 0: that was all. */
uint32_t tw_archive_late_take(struct tw_archive *archive, uint8_t *bytes);
/* Loading takes blocks as they were written, and of them what is `mine`; the blocks become new ones. False: these bytes
 * are none. */
bool tw_archive_load(struct tw_archive *archive, struct tw_row_reader *row, tw_opening_visit mine, const void *context);
void tw_archive_load_end(struct tw_archive *archive);

void tw_archive_free(struct tw_archive *archive);

#endif
