/* SPDX-License-Identifier: MIT
 *
 * Part of the keeper's shell: a backup under way, on a thread of its own, since to another file system it takes as long
 * as it is large. Meanwhile snapshots are finished and people are answered; what is old stays where it is.
 *
 * Thread: the keeper's.
 */
#ifndef TW_KEEPER_BACKUP_ACTOR_H
#define TW_KEEPER_BACKUP_ACTOR_H

#include "actors/keeper/control_actor.h"
#include "store/store.h"

struct tw_backup_job; /* NULL: none is under way */
struct tw_backup_job *tw_backup_job_start(struct tw_store *store, const char *directory,
                                          const struct tw_control_asker *asker);
bool tw_backup_job_has_snapshots(const struct tw_backup_job *job); /* then old ones may go */
/* True once it has ended: it has been logged, who asked has his answer, and *job is NULL. */
bool tw_backup_job_ended(struct tw_backup_job **job, struct tw_control_door *door);
void tw_backup_job_wait(struct tw_backup_job **job, struct tw_control_door *door); /* until it ends; NULL is fine */

#endif
