/* SPDX-License-Identifier: MIT
 *
 * Where the router's evidence comes from: the blocks that passed lately, kept by reference, and the store behind them.
 * One owner, one thread; a look-up beyond the kept blocks reads the disk.
 */
#ifndef TW_ROUTER_EVIDENCE_H
#define TW_ROUTER_EVIDENCE_H

#include "actors/router/router.h"
#include "protocol/frame.h"

struct tw_evidence_source;
/* Port to older blocks: true with the frame (one reference for the caller) that holds `seq`. */
typedef bool (*tw_evidence_fetch)(void *context, uint64_t seq, struct tw_frame **frame, struct tw_record *record);

struct tw_evidence_source *tw_evidence_source_new(tw_evidence_fetch fetch, void *context);
void tw_evidence_source_free(struct tw_evidence_source **source);
/* A block passes: it is kept until newer ones crowd it out (1,024 blocks or 64 MiB). Shares the frame. */
void tw_evidence_source_add(struct tw_evidence_source *source, struct tw_frame *frame);
struct tw_evidence tw_evidence_source_port(struct tw_evidence_source *source);

#endif
