/* SPDX-License-Identifier: MIT */
#include "actors/keeper/backup_actor.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "actors/runtime/agent.h"
#include "actors/runtime/log.h"
#include "protocol/check.h"

struct tw_backup_job {
    pthread_t thread;
    struct tw_store *store;
    struct tw_control_asker asker;
    int64_t begun_ns;
    atomic_bool has_snapshots, ended; /* ended: before it is the thread's, behind it the keeper's */
    bool done;
    struct tw_store_error error;
    char directory[TW_CONTROL_REQUEST_BYTES];
};

static void take_note(void *context)
{
    atomic_store(&((struct tw_backup_job *)context)->has_snapshots, true);
}

static void *run(void *context)
{
    struct tw_backup_job *job = context;
    setpriority(PRIO_PROCESS, 0, 10); /* of this thread alone, on Linux */
    job->done = tw_store_backup_watched(job->store, job->directory, take_note, job, &job->error);
    atomic_store(&job->ended, true);
    return NULL;
}

struct tw_backup_job *tw_backup_job_start(struct tw_store *store, const char *directory,
                                          const struct tw_control_asker *asker)
{
    struct tw_backup_job *job = tw_alloc_zero(1, sizeof *job);
    job->store = store;
    job->asker = *asker;
    job->begun_ns = tw_now_ns();
    snprintf(job->directory, sizeof job->directory, "%s", directory);
    TW_ASSERT(pthread_create(&job->thread, NULL, run, job) == 0);
    return job;
}

void tw_backup_job_wait(struct tw_backup_job **job_pointer, struct tw_control_door *door)
{
    struct tw_backup_job *job = *job_pointer;
    if (job == NULL)
        return;
    TW_ASSERT(pthread_join(job->thread, NULL) == 0);
    tw_control_door_answer_later(door, &job->asker, job->done ? NULL : job->error.text);
    if (job->done)
        tw_log(TW_LOG_INFO, "keeper", "backup directory=%s ms=%" PRId64, job->directory,
               (tw_now_ns() - job->begun_ns) / 1000000);
    else
        tw_log(TW_LOG_WARNING, "keeper", "no backup: %s", job->error.text);
    free(job);
    *job_pointer = NULL;
}

bool tw_backup_job_has_snapshots(const struct tw_backup_job *job)
{
    return atomic_load(&job->has_snapshots);
}

bool tw_backup_job_ended(struct tw_backup_job **job, struct tw_control_door *door)
{
    if (!atomic_load(&(*job)->ended))
        return false;
    tw_backup_job_wait(job, door);
    return true;
}
