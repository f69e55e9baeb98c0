/* SPDX-License-Identifier: MIT */
#include "actors/keeper/keeper_actor.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "actors/delivery/listing_actor.h"
#include "actors/keeper/backup_actor.h"
#include "actors/keeper/control_actor.h"
#include "actors/lifecycle/desk_actor.h"
#include "actors/runtime/cell.h"
#include "actors/runtime/lane.h"
#include "actors/runtime/lanes.h"
#include "actors/runtime/log.h"
#include "actors/runtime/saver.h"
#include "protocol/action_text.h"
#include "protocol/check.h"

#define REPORT_NS TW_NS_PER_SECOND   /* the report is said again: what was said before the gateway listened is lost */
#define DURABLE_NS INT64_C(10000000) /* how often a snapshot or an action looks whether its record is durable */
/* Bytes a second. The disk has the log to write, too, whose fsync waits for what is before it, and nobody waits for a
 * snapshot. But what a start reads again grows with the work that is done while one is taken: so 16 MiB for a second of
 * the process's processor time, and a large state faster, so that it takes no longer than LONGEST_SECONDS. */
#define PACE_MIN (UINT64_C(16) << 20)
#define PACE_WORK (UINT64_C(16) << 20)
#define PACE_WORK_MAX (UINT64_C(64) << 20)
#define LONGEST_SECONDS 20u
#define PATIENCE_NS                                                                                                    \
    (5 * TW_NS_PER_SECOND)        /* for an action to become durable: on a full disk others have questions, too */
#define AHEAD_NS INT64_C(2000000) /* how far it may run ahead of that pace: poll's grain, twice */

struct tw_keeper_actor {
    struct tw_keeper *core;
    struct tw_store *store;
    struct tw_keeper_actor_settings settings;
    zsock_t *slices, *actions;
    struct tw_cell *gateway; /* the report */
    struct tw_control_door *door;
    struct tw_backup_job *backup;      /* NULL: none is under way */
    struct tw_snapshot_writer *writer; /* of the snapshot under way */
    int64_t begun_ns, paced_ns;        /* when it began; up to when the slices taken may keep us busy */
    int64_t work_ns;                   /* the process's processor time when it began */
    uint64_t bytes, bytes_before;      /* of its rows; of the one before */
    int64_t report_due_ns;
    int64_t snapshot_retry_ns, drop_retry_ns; /* not before */
    uint64_t done;                            /* as the gateway knows it */
    uint64_t sent_h;                          /* of the newest action that the gateway was given */
    int64_t patience_ns;                      /* until when the author of the one under way waits */
    uint64_t awaited_h; /* the action under way, whose author waits until it is durable; 0: none */
    bool stopping;
};

struct tw_keeper_actor *tw_keeper_actor_new(struct tw_store *store, const struct tw_keeper_actor_settings *settings)
{
    struct tw_keeper_actor *actor = tw_alloc_zero(1, sizeof *actor);
    actor->core = tw_keeper_new(&settings->keeper);
    actor->store = store;
    actor->settings = *settings;
    return actor;
}

void tw_keeper_actor_free(struct tw_keeper_actor **actor_pointer)
{
    struct tw_keeper_actor *actor = *actor_pointer;
    if (actor == NULL)
        return;
    tw_keeper_free(&actor->core);
    free(actor);
    *actor_pointer = NULL;
}

/* ---- start and end ---- */

static void remove_snapshot(struct tw_keeper_actor *actor, uint64_t lsn)
{
    struct tw_store_error error;
    if (!tw_store_snapshot_remove(actor->store, lsn, &error))
        tw_log(TW_LOG_WARNING, "keeper", "%s", error.text);
}

/* Recovery has named what was damaged; it must not push out one that is whole. */
static void look_around(struct tw_keeper_actor *actor)
{
    uint64_t found[TW_SNAPSHOTS_KEPT], before = UINT64_MAX;
    uint32_t count = 0;
    struct tw_snapshot_info info = {0};
    struct tw_store_error error;
    for (int status; (status = tw_store_snapshot_find(actor->store, before, &info, &error)) != 0; before = info.lsn) {
        if (status < 0 && info.lsn == 0)
            break; /* the directory cannot be read: recovery has said so */
        if (status < 0 || info.lsn > actor->settings.started_from || count == TW_SNAPSHOTS_KEPT) {
            tw_log(TW_LOG_INFO, "keeper", "removes the snapshot lsn=%" PRIu64, info.lsn);
            remove_snapshot(actor, info.lsn);
        } else {
            found[count++] = info.lsn;
        }
    }
    while (count > 0)
        tw_keeper_found(actor->core, found[--count]);
}

static bool start(void *self, char failure[512])
{
    struct tw_keeper_actor *actor = self;
    (void)failure;
    setpriority(PRIO_PROCESS, 0, 10); /* of this thread alone, on Linux */
    actor->slices = tw_lane_pull_sized(TW_LANE_KEEPER, TW_KEEPER_HWM);
    actor->gateway = tw_cell_open(TW_CELL_KEEPER_GATEWAY, sizeof(struct tw_keeper_report));
    actor->actions = tw_lane_push(TW_LANE_ACTIONS);
    actor->sent_h = tw_store_last_action(actor->store);
    actor->door = tw_control_door_open(actor->settings.directory);
    look_around(actor);
    return true;
}

static void close_sockets(void *self)
{
    struct tw_keeper_actor *actor = self;
    tw_backup_job_wait(&actor->backup, actor->door);
    tw_store_snapshot_abandon(&actor->writer);
    tw_control_door_close(&actor->door);
    zsock_destroy(&actor->slices);
    tw_cell_close(&actor->gateway);
    zsock_destroy(&actor->actions);
}

/* ---- waiting ---- */

static bool may_take(const struct tw_keeper_actor *actor, int64_t now_ns)
{
    return actor->paced_ns - now_ns < AHEAD_NS;
}

static int wait_for(void *self, zmq_pollitem_t items[TW_AGENT_SOCKETS_MAX], int64_t *deadline_ns)
{
    struct tw_keeper_actor *actor = self;
    int64_t now_ns = tw_now_ns();
    int count = 0;
    zsock_t *door = tw_control_door_socket(actor->door);
    *deadline_ns = actor->report_due_ns;
    if (door != NULL && actor->awaited_h == 0)
        items[count++] = (zmq_pollitem_t){zsock_resolve(door), 0, ZMQ_POLLIN, 0};
    if (may_take(actor, now_ns))
        items[count++] = (zmq_pollitem_t){zsock_resolve(actor->slices), 0, ZMQ_POLLIN, 0};
    else
        *deadline_ns = actor->paced_ns;
    bool looks = tw_keeper_whole(actor->core, UINT64_MAX) || actor->awaited_h != 0 || actor->backup != NULL;
    if (looks && now_ns + DURABLE_NS < *deadline_ns)
        *deadline_ns = now_ns + DURABLE_NS;
    return count;
}

/* ---- slices ---- */

/* All actors have saved in vain, so the next one is not tried at once. */
static void give_up(struct tw_keeper_actor *actor, const struct tw_store_error *error)
{
    if (tw_store_write_failed(actor->store, NULL))
        return; /* there is no later */
    tw_log(TW_LOG_WARNING, "keeper", "gives up the snapshot lsn=%" PRIu64 ", the next is tried later: %s",
           tw_keeper_under_way(actor->core).lsn, error->text);
    tw_store_snapshot_abandon(&actor->writer);
    tw_keeper_give_up(actor->core);
    actor->snapshot_retry_ns = tw_now_ns() + actor->settings.retry_ns;
}

static int64_t process_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * TW_NS_PER_SECOND + used.tv_nsec;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* Bytes a second, by what was done since the snapshot under way began. */
static uint64_t pace_of(const struct tw_keeper_actor *actor, int64_t now_ns)
{
    int64_t past_ns = now_ns - actor->begun_ns;
    uint64_t work = past_ns <= 0 ? 0 : PACE_WORK / 1000 * (uint64_t)(1000 * (process_ns() - actor->work_ns) / past_ns);
    if (work > PACE_WORK_MAX)
        work = PACE_WORK_MAX;
    return larger(larger(PACE_MIN, work), actor->bytes_before / LONGEST_SECONDS);
}

static void take_slice(struct tw_keeper_actor *actor, const struct tw_slice *slice, int64_t now_ns)
{
    struct tw_store_error error;
    const struct tw_keeper_slice *about = &slice->about;
    enum tw_keeper_turn turn = tw_keeper_take(actor->core, about);
    if (turn == TW_KEEPER_BEGINS) {
        actor->begun_ns = now_ns;
        actor->work_ns = process_ns();
        actor->bytes = 0;
        actor->writer =
            tw_store_snapshot_begin(actor->store, about->lsn, about->seq, actor->settings.keeper.shards, &error);
    }
    int64_t cost_ns = (int64_t)(slice->rows.length * (uint64_t)TW_NS_PER_SECOND / pace_of(actor, now_ns));
    actor->paced_ns = (actor->paced_ns > now_ns ? actor->paced_ns : now_ns) + cost_ns;
    if (turn == TW_KEEPER_IGNORES)
        return;
    actor->bytes += slice->rows.length;
    if (actor->writer == NULL ||
        !tw_store_snapshot_add(actor->writer, about->part, about->index, slice->rows.bytes, slice->rows.length, &error))
        give_up(actor, &error);
}

/* True if there was one. */
static bool take_message(struct tw_keeper_actor *actor, int64_t now_ns)
{
    zmq_msg_t message;
    if (!may_take(actor, now_ns) || !tw_lane_receive(actor->slices, &message))
        return false;
    const struct tw_slice *slice = zmq_msg_data(&message);
    if (slice->recorded_seq != 0)
        tw_keeper_recorded(actor->core, slice->recorded_seq, slice->recorded_lsn);
    else
        take_slice(actor, slice, now_ns);
    zmq_msg_close(&message);
    return true;
}

/* ---- retention ---- */

static bool reaches(const struct tw_record *record, int64_t horizon_ns)
{
    if (record->kind != TW_RECORD_BLOCK)
        return false;
    for (uint32_t row = 0; row < record->block.count; row++)
        if (tw_load_i64(record->block.ts, row) >= horizon_ns)
            return true;
    return false;
}

/* All before the first block that reaches the horizon. The index by time says where to look, and may lag: from there on
 * the log itself is read, or half a day would go. */
static void before(void *context, int64_t horizon_ns, uint64_t *last_seq, uint64_t *last_lsn)
{
    struct tw_store *store = context;
    struct tw_record record;
    uint64_t seq = tw_store_seq_at(store, horizon_ns), retained = tw_store_retained(store).seq;
    struct tw_store_cursor *cursor = tw_store_read(store, seq > retained ? seq : retained + 1, NULL);
    bool more = cursor != NULL;
    *last_seq = *last_lsn = 0;
    while (more && (more = tw_store_next(cursor, &record, NULL) > 0))
        if (reaches(&record, horizon_ns)) {
            *last_seq = tw_record_follows(&record);
            *last_lsn = tw_record_lsn(&record) - 1;
            break;
        }
    tw_store_cursor_free(&cursor);
    if (*last_seq <= retained)
        *last_seq = *last_lsn = 0;
}

static void look_for_days(struct tw_keeper_actor *actor)
{
    const struct tw_keeper_settings *settings = &actor->settings.keeper;
    struct tw_store_stats stats;
    if ((settings->retain_days == 0 && settings->retain_bytes == 0) || !tw_store_stats(actor->store, &stats, NULL))
        return;
    struct tw_keeper_tape tape = {.first_ns = stats.first_ts_ns,
                                  .clock_ns = stats.last_ts_ns,
                                  .retained_seq = tw_store_retained(actor->store).seq,
                                  .last_seq = tw_store_last_seq(actor->store),
                                  .bytes = stats.bytes_on_disk - stats.bytes_dropped};
    struct tw_keeper_days days = {actor->store, before};
    if (tw_keeper_look(actor->core, &tape, &days))
        actor->report_due_ns = 0; /* at once */
}

static void drop_days(struct tw_keeper_actor *actor, int64_t now_ns)
{
    struct tw_store_error error;
    const struct tw_retention *gone = tw_keeper_droppable(actor->core, tw_store_last_lsn(actor->store));
    if (gone == NULL || now_ns < actor->drop_retry_ns)
        return;
    if (!tw_store_retain(actor->store, gone->last_seq, gone->last_lsn, &error)) {
        if (tw_store_write_failed(actor->store, NULL))
            return;
        tw_log(TW_LOG_WARNING, "keeper", "retention is tried again later: %s", error.text);
        actor->drop_retry_ns = now_ns + actor->settings.retry_ns;
        return;
    }
    tw_log(TW_LOG_INFO, "keeper", "dropped the trades up to %" PRIu64 " ms=%" PRId64, gone->last_seq,
           (tw_now_ns() - now_ns) / 1000000);
    tw_keeper_dropped(actor->core);
    look_for_days(actor); /* more may go by now, and no trade may come that brings the next snapshot */
}

/* ---- a whole snapshot ---- */

static void finish(struct tw_keeper_actor *actor)
{
    struct tw_store_error error;
    struct tw_keeper_barrier barrier = tw_keeper_under_way(actor->core);
    if (!tw_store_snapshot_finish(&actor->writer, barrier.last_alert, &error)) {
        give_up(actor, &error);
        return;
    }
    tw_keeper_finished(actor->core);
    actor->bytes_before = actor->bytes;
    tw_log(TW_LOG_INFO, "keeper",
           "snapshot lsn=%" PRIu64 " trades=%" PRIu64 " alerts=%" PRIu64 " bytes=%" PRIu64 " ms=%" PRId64, barrier.lsn,
           barrier.seq, barrier.last_alert, actor->bytes, (tw_now_ns() - actor->begun_ns) / 1000000);
    look_for_days(actor);
}

/* A backup may be copying what is old. */
static void tidy(struct tw_keeper_actor *actor, int64_t now_ns)
{
    bool under_way = actor->backup != NULL && !tw_backup_job_ended(&actor->backup, actor->door);
    if (under_way && !tw_backup_job_has_snapshots(actor->backup))
        return;
    for (uint64_t old; (old = tw_keeper_surplus(actor->core)) != 0;) {
        remove_snapshot(actor, old);
        tw_keeper_removed(actor->core, old);
    }
    if (!under_way)
        drop_days(actor, now_ns);
}

/* ---- commands ---- */

static void answer_with(struct tw_keeper_actor *actor, bool done, struct tw_buffer *answer,
                        const struct tw_store_error *error)
{
    if (done)
        tw_control_door_answer_with(actor->door, answer->bytes, answer->length);
    else
        tw_control_door_fail(actor->door, error);
    tw_buffer_free(answer);
}

static void answer_deliveries(struct tw_keeper_actor *actor, const char *request)
{
    struct tw_store_error error;
    struct tw_buffer answer = {0};
    bool done = tw_listing_command(actor->store, request, tw_wall_ns(), &answer, &error);
    answer_with(actor, done, &answer, &error);
}

static void answer_desk(struct tw_keeper_actor *actor, const char *request)
{
    struct tw_store_error error;
    struct tw_buffer answer = {0};
    bool done = tw_desk_command(actor->store, request, tw_wall_ns(), &answer, &error);
    answer_with(actor, done, &answer, &error);
}

/* The gateway takes them in this order, and nobody else makes any: so the number is known before it is given. */
static void act(struct tw_keeper_actor *actor, const char *request)
{
    struct tw_store_error error;
    struct tw_buffer action = {0};
    if (tw_desk_prepare(actor->store, request, &action, &error)) {
        struct tw_frame *frame = tw_frame_new(action.length);
        memcpy(frame->bytes, action.bytes, action.length);
        frame->length = action.length;
        if (tw_lane_send_frame(actor->actions, frame, false)) {
            actor->awaited_h = ++actor->sent_h;
            actor->patience_ns = tw_now_ns() + PATIENCE_NS;
        } else {
            tw_control_door_answer(actor->door, "nothing is recorded while the disk is full, and others wait already");
        }
        tw_frame_drop(&frame);
    } else {
        tw_control_door_fail(actor->door, &error);
    }
    tw_buffer_free(&action);
}

static bool print_action(void *context, const struct tw_store_action *action)
{
    struct tw_action_message message;
    if (tw_action_message_decode(action->bytes, action->length, &message))
        tw_action_print_json(context, &message);
    return false;
}

/* Its author hears of it when it is durable. */
static void answer_author(struct tw_keeper_actor *actor)
{
    struct tw_store_error error;
    char *text = NULL;
    size_t length = 0;
    if (actor->awaited_h == 0)
        return;
    if (tw_store_last_action(actor->store) < actor->awaited_h) {
        if (tw_now_ns() > actor->patience_ns) {
            tw_control_door_answer(actor->door,
                                   "it is not recorded yet: the disk is full, or the daemon hangs behind it. "
                                   "It will be when there is room, unless the daemon ends before");
            actor->awaited_h = 0;
        }
        return;
    }
    FILE *out = open_memstream(&text, &length);
    TW_ASSERT(out != NULL);
    bool read = tw_store_actions(actor->store, actor->awaited_h - 1, print_action, out, &error);
    TW_ASSERT(fclose(out) == 0);
    if (read)
        tw_control_door_answer_with(actor->door, text, length);
    else
        tw_control_door_answer(actor->door, error.text);
    free(text);
    actor->awaited_h = 0;
}

static void hear_command(struct tw_keeper_actor *actor)
{
    static const char backup[] = "backup ", deliveries[] = "deliveries ", desk[] = "desk ", acts[] = "act ";
    char request[TW_CONTROL_REQUEST_BYTES];
    if (!tw_control_door_hear(actor->door, request))
        return;
    if (strncmp(request, deliveries, sizeof deliveries - 1) == 0) {
        answer_deliveries(actor, request + sizeof deliveries - 1);
        return;
    }
    if (strncmp(request, desk, sizeof desk - 1) == 0) {
        answer_desk(actor, request + sizeof desk - 1);
        return;
    }
    if (strncmp(request, acts, sizeof acts - 1) == 0) {
        act(actor, request + sizeof acts - 1);
        return;
    }
    const char *directory = request + sizeof backup - 1;
    if (strncmp(request, backup, sizeof backup - 1) != 0 || directory[0] != '/') {
        tw_control_door_answer(
            actor->door, "the commands are: backup DIRECTORY, with its whole path; deliveries ...; desk ...; act ...");
        return;
    }
    if (actor->backup != NULL) {
        tw_control_door_answer(actor->door, "a backup is under way; try again when it has ended");
        return;
    }
    struct tw_control_asker asker = tw_control_door_asker(actor->door);
    actor->backup = tw_backup_job_start(actor->store, directory, &asker);
}

/* ---- the turn ---- */

/* The gateway stages no snapshot before it hears that the last one is done: that is how a retry waits. */
static void report(struct tw_keeper_actor *actor, int64_t now_ns)
{
    uint64_t done = tw_keeper_done(actor->core);
    bool news = done != actor->done && now_ns >= actor->snapshot_retry_ns;
    if (!news && now_ns < actor->report_due_ns)
        return;
    if (news)
        actor->done = done;
    const struct tw_retention *wish = tw_keeper_wish(actor->core);
    struct tw_keeper_report report = {
        .done_lsn = actor->done, .hurries = tw_keeper_hurries(actor->core), .has_wish = wish != NULL};
    if (wish != NULL)
        report.wish = *wish;
    tw_cell_write(actor->gateway, &report);
    actor->report_due_ns = now_ns + REPORT_NS;
}

static enum tw_agent_progress work(void *self, char failure[512])
{
    struct tw_keeper_actor *actor = self;
    int64_t now_ns = tw_now_ns();
    struct tw_store_error error;
    if (actor->stopping) /* what is not whole now is of no use: the next start goes on from the one before */
        return TW_AGENT_FINISHED;
    answer_author(actor);
    if (actor->awaited_h == 0)
        hear_command(actor);
    bool took = take_message(actor, now_ns);
    if (tw_keeper_whole(actor->core, tw_store_last_lsn(actor->store)))
        finish(actor);
    tidy(actor, now_ns);
    /* A snapshot whose own file fails is given up. But when it was the log nothing can be recorded any more, and
     * perhaps nobody writes, and would meet that, before morning. */
    if (tw_store_write_failed(actor->store, &error)) {
        snprintf(failure, 512, "%s", error.text);
        return TW_AGENT_FAILED;
    }
    report(actor, now_ns);
    return took ? TW_AGENT_CONTINUES : TW_AGENT_WAITS;
}

static void stop(void *self)
{
    ((struct tw_keeper_actor *)self)->stopping = true;
}

struct tw_agent tw_keeper_actor_agent(struct tw_keeper_actor *actor)
{
    return (struct tw_agent){"keeper", actor, start, wait_for, work, stop, close_sockets};
}
