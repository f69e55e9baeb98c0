/* SPDX-License-Identifier: MIT
 *
 * Where the router's evidence comes from: what is kept of the blocks that passed lately, and the store behind them.
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
/* A record passes; what evidence needs of it is copied (64 MiB at most in all, the oldest go first). */
void tw_evidence_source_add(struct tw_evidence_source *source, const struct tw_record *record);
struct tw_evidence tw_evidence_source_port(struct tw_evidence_source *source);

#endif
