/* SPDX-License-Identifier: MIT
 *
 * The daemon's shelf: pages on the disk (tw_store_scratch); what the disk has no room for stays in memory.
 */
#ifndef TW_JUDGING_SHELF_ACTOR_H
#define TW_JUDGING_SHELF_ACTOR_H

#include "actors/judging/shelf.h"

struct tw_shelf tw_shelf_on_disk(void *store); /* struct tw_store; outlives it. A tw_make_shelf */

#endif
