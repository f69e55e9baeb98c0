/* SPDX-License-Identifier: MIT
 *
 * The log of a replay, in memory: what the gateway and the router look up in the store otherwise. Blocks are kept by
 * reference, about 70 bytes a trade. The index by execution id is made when a first bust asks for it.
 *
 * One publisher, one owner, one thread.
 */
#ifndef TW_TOOLS_MEMORY_LOG_H
#define TW_TOOLS_MEMORY_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "actors/gateway/gateway.h"
#include "protocol/frame.h"
#include "protocol/log.h"

struct tw_memory_log;
struct tw_memory_log *tw_memory_log_new(void);
void tw_memory_log_free(struct tw_memory_log **log);
/* The next record; blocks are shared, other records are nothing to it. */
void tw_memory_log_add(struct tw_memory_log *log, struct tw_frame *frame, const struct tw_record *record);
/* Port of the gateway. */
struct tw_history tw_memory_log_history(struct tw_memory_log *log);
/* Port of evidence: the block that holds `seq`, shared. */
bool tw_memory_log_fetch(void *log, uint64_t seq, struct tw_frame **frame, struct tw_record *record);

#endif
