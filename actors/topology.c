/* SPDX-License-Identifier: MIT */
#include "actors/topology.h"

#include <czmq.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/catchup/catchup_actor.h"
#include "actors/delivery/delivery_actor.h"
#include "actors/exposure/exposure_actor.h"
#include "actors/gateway/gateway_actor.h"
#include "actors/gateway/history_actor.h"
#include "actors/indexer/indexer_actor.h"
#include "actors/journal/journal_actor.h"
#include "actors/judging/shelf_actor.h"
#include "actors/keeper/keeper_actor.h"
#include "actors/recovery/recovery_actor.h"
#include "actors/router/inhibition_actor.h"
#include "actors/router/router_actor.h"
#include "actors/runtime/log.h"
#include "actors/runtime/session.h"
#include "actors/runtime/slice.h"
#include "actors/scorer/scorer_actor.h"
#include "actors/shard/shard_actor.h"
#include "protocol/check.h"

#define ACTORS_MAX (TW_SHARDS_MAX + 10)

struct running {
    zactor_t *actor;
    const char *name;
    bool finished;
};

struct tw_topology {
    const struct tw_cfg *cfg;
    uint32_t shards;
    struct tw_store *store;
    struct tw_store_history history;
    struct tw_session session;
    struct tw_receivers receivers;
    struct tw_routing routing;
    struct tw_silences *silences;
    struct tw_inhibitor *inhibitor;
    struct tw_routes *routes;
    struct tw_pool *answers, *events, *slices;
    struct tw_gateway_actor *gateway;
    struct tw_journal_actor *journal;
    struct tw_indexer_actor *indexer;
    struct tw_backlog unjudged; /* on its way from the gateway to exposure's judgement */
    struct tw_backlog judged;   /* on its way from exposure to the router */
    struct tw_shard_actor *shard[TW_SHARDS_MAX];
    struct tw_exposure_actor *exposure;
    struct tw_scorer_actor *scorer;
    struct tw_router_actor *router;
    struct tw_delivery_actor *delivery;
    struct tw_catchup_actor *catchup;
    struct tw_keeper_actor *keeper;
    struct running running[ACTORS_MAX]; /* in the order of their start: downstream first */
    uint32_t running_count;
    bool failed; /* an actor has, and the caller was told why */
};

/* ---- making the cores, recovery ---- */

static uint32_t shards_of(const struct tw_cfg *cfg)
{
    int64_t shards = tw_cfg_integer(cfg, "pipeline/shards");
    if (shards == 0)
        shards = sysconf(_SC_NPROCESSORS_ONLN) - 1;
    if (shards < 1)
        shards = 1;
    return shards > TW_SHARDS_MAX ? TW_SHARDS_MAX : (uint32_t)shards;
}

static struct tw_gateway_settings gateway_settings(struct tw_topology *topology)
{
    const struct tw_cfg *cfg = topology->cfg;
    return (struct tw_gateway_settings){
        .block_trades_max = (uint32_t)tw_cfg_integer(cfg, "pipeline/block"),
        .credit_trades = (uint32_t)tw_cfg_integer(cfg, "limits/credit"),
        .future_ns = tw_cfg_integer(cfg, "limits/future") * TW_NS_PER_SECOND,
        .reporting_currency = tw_cfg_text(cfg, "exposure/currency"),
        .next_roll = tw_session_next_roll,
        .next_roll_context = &topology->session,
        .idle_clock = true,
        .tick_keys_max = tw_cfg_integer(cfg, "exposure/remark") == 0 ? 0 : TW_TICK_KEYS_MAX,
    };
}

static enum tw_exit exit_of(enum tw_store_status status)
{
    return status == TW_STORE_OK ? TW_EXIT_OK : TW_EXIT_UNREACHABLE;
}

static void add_feed(void *context, const char *name, const char *value)
{
    struct tw_gateway_actor_settings *settings = context;
    (void)name;
    if (settings->feed_count < TW_FEEDS_MAX)
        settings->feeds[settings->feed_count++] = value;
}

static struct tw_barrier_settings barrier_settings(struct tw_topology *topology, uint64_t snapshot_lsn)
{
    struct tw_snapshot_info info = {0};
    if (snapshot_lsn == 0 || tw_store_snapshot_find(topology->store, snapshot_lsn + 1, &info, NULL) <= 0)
        info.seq = 0;
    return (struct tw_barrier_settings){
        .slices = topology->slices,
        .snapshot_trades = (uint64_t)tw_cfg_integer(topology->cfg, "store/snapshot_trades"),
        .snapshot_ns = tw_cfg_integer(topology->cfg, "store/snapshot_seconds") * TW_NS_PER_SECOND,
        .snapshot_work_ns = tw_cfg_integer(topology->cfg, "store/snapshot_work") * TW_NS_PER_SECOND,
        .started_from = info.seq,
    };
}

static struct tw_keeper_actor *make_keeper(struct tw_topology *topology, uint64_t snapshot_lsn)
{
    const struct tw_cfg *cfg = topology->cfg;
    struct tw_keeper_actor_settings settings = {
        .keeper = {.shards = topology->shards,
                   .retain_days = (uint32_t)tw_cfg_integer(cfg, "store/retain_days"),
                   .retain_bytes = (uint64_t)tw_cfg_integer(cfg, "store/retain_bytes")},
        .directory = tw_cfg_text(cfg, "data/directory"),
        .retry_ns = 60 * TW_NS_PER_SECOND,
        .started_from = snapshot_lsn,
    };
    return tw_keeper_actor_new(topology->store, &settings);
}

/* Before any alert is stored: whom the store's outbox and the router know. */
static void make_receivers(struct tw_topology *topology)
{
    struct tw_routing *routing = &topology->routing;
    tw_receivers_from(topology->cfg, &topology->receivers);
    for (uint32_t i = 0; i < topology->receivers.count; i++)
        tw_routing_add(routing, topology->receivers.list[i].name, topology->receivers.list[i].minimum);
    routing->groupable = tw_receivers_groupable(&topology->receivers);
    topology->routes = tw_routes_from(topology->cfg, routing->names, routing->count);
    routing->routes = topology->routes;
    routing->local_seconds = tw_session_local_seconds;
    tw_store_set_receivers(topology->store, routing->names, routing->count);
}

static bool take_action(void *silences, const struct tw_store_action *stored)
{
    struct tw_action_message message;
    if (tw_action_message_decode(stored->bytes, stored->length, &message))
        (void)tw_silences_take(silences, &message); /* what could not be taken was said when it was recorded */
    return true;
}

/* All that people did so far, and what is muted now: recovery stores alerts behind it. */
static bool make_quiet(struct tw_topology *topology, char why[512])
{
    struct tw_store_error error;
    topology->silences = tw_silences_new();
    topology->routing.silences = topology->silences;
    if (tw_store_actions(topology->store, 0, take_action, topology->silences, &error) &&
        tw_inhibitor_restore(topology->cfg, topology->store, &topology->inhibitor, &error)) {
        topology->routing.inhibitor = topology->inhibitor;
        return true;
    }
    snprintf(why, 512, "%s", error.text);
    return false;
}

/* The cores go to their actors. */
static void make_actors(struct tw_topology *topology, struct tw_recovered *recovered)
{
    const struct tw_cfg *cfg = topology->cfg;
    struct tw_pipeline_cores cores = tw_pipeline_release(&recovered->pipeline);
    struct tw_gateway_actor_settings doors = {.trades = tw_cfg_text(cfg, "bind/trades"),
                                              .acks = tw_cfg_text(cfg, "bind/acks"),
                                              .shards = topology->shards,
                                              .store = topology->store,
                                              .barrier = barrier_settings(topology, recovered->snapshot_lsn),
                                              .unjudged = &topology->unjudged};
    struct tw_router_actor_settings routes = {.alerts = tw_cfg_text(cfg, "bind/alerts"),
                                              .live = tw_cfg_text(cfg, "bind/live"),
                                              .live_rate = (uint32_t)tw_cfg_integer(cfg, "live/rate"),
                                              .slices = topology->slices,
                                              .judged = &topology->judged,
                                              .silences = topology->silences,
                                              .routing = &topology->routing};
    tw_cfg_each(cfg, "feeds", add_feed, &doors);
    topology->gateway = tw_gateway_actor_new(&recovered->gateway, &doors);
    topology->journal = tw_journal_actor_new(topology->store);
    topology->indexer = tw_indexer_actor_new(topology->store, (uint32_t)tw_cfg_integer(cfg, "store/index_run"));
    for (uint32_t i = 0; i < topology->shards; i++)
        topology->shard[i] = tw_shard_actor_new(&cores.shard[i], i, topology->answers, topology->slices);
    topology->exposure = tw_exposure_actor_new(&cores.exposure, topology->shards, topology->events, topology->slices,
                                               &topology->unjudged, &topology->judged);
    topology->scorer = tw_scorer_actor_new(&cores.scorer, topology->slices);
    topology->router = tw_router_actor_new(&cores.router, &recovered->evidence, topology->store, &routes);
    topology->delivery = tw_delivery_actor_new(topology->store, cfg, &topology->receivers, topology->routes);
    topology->catchup = tw_catchup_actor_new(topology->store, tw_cfg_text(cfg, "bind/requests"));
    topology->keeper = make_keeper(topology, recovered->snapshot_lsn);
}

static bool recover(struct tw_topology *topology, bool (*stop_requested)(void), enum tw_exit *exit_code, char why[512])
{
    struct tw_buffer text = {0};
    struct tw_recovered recovered;
    topology->history.store = topology->store;
    struct tw_history history = tw_store_history_port(&topology->history);
    struct tw_gateway_settings gateway = gateway_settings(topology);
    struct tw_recovery_settings settings = {.gateway = &gateway,
                                            .history = &history,
                                            .shards = topology->shards,
                                            .make_shelf = tw_shelf_on_disk,
                                            .shelf_context = topology->store};
    make_receivers(topology);
    if (!make_quiet(topology, why)) {
        *exit_code = TW_EXIT_UNREACHABLE;
        return false;
    }
    enum tw_recovery_end end =
        tw_recovery_from_store(topology->store, &settings, &topology->routing, stop_requested, &recovered, why);
    if (end != TW_RECOVERY_DONE) {
        *exit_code = end == TW_RECOVERY_STOPPED ? TW_EXIT_OK : TW_EXIT_UNREACHABLE;
        return false;
    }
    tw_cfg_rules_text(topology->cfg, &text);
    tw_gateway_start(recovered.gateway, TW_VERSION, (struct tw_text){(const char *)text.bytes, (uint32_t)text.length},
                     tw_wall_ns());
    tw_buffer_free(&text);
    make_actors(topology, &recovered);
    return true;
}

/* ---- starting ---- */

static bool start_agent(struct tw_topology *topology, struct tw_agent agent, char why[512])
{
    zactor_t *actor = tw_agent_start(&agent, why);
    if (actor == NULL)
        return false;
    topology->running[topology->running_count++] = (struct running){actor, agent.name, false};
    return true;
}

/* Downstream first; the gateway's doors open last. */
static bool start_all(struct tw_topology *topology, char why[512])
{
    bool started = start_agent(topology, tw_indexer_actor_agent(topology->indexer), why) &&
                   start_agent(topology, tw_delivery_actor_agent(topology->delivery), why) &&
                   start_agent(topology, tw_router_actor_agent(topology->router), why) &&
                   start_agent(topology, tw_catchup_actor_agent(topology->catchup), why) &&
                   start_agent(topology, tw_scorer_actor_agent(topology->scorer), why) &&
                   start_agent(topology, tw_exposure_actor_agent(topology->exposure), why);
    for (uint32_t i = 0; started && i < topology->shards; i++)
        started = start_agent(topology, tw_shard_actor_agent(topology->shard[i]), why);
    return started && start_agent(topology, tw_keeper_actor_agent(topology->keeper), why) &&
           start_agent(topology, tw_journal_actor_agent(topology->journal), why) &&
           start_agent(topology, tw_gateway_actor_agent(topology->gateway), why);
}

/* Ends all actors at once, the upstream ones first, and frees everything. */
static void end_all(struct tw_topology **topology_pointer)
{
    struct tw_topology *topology = *topology_pointer;
    while (topology->running_count > 0)
        tw_agent_end(&topology->running[--topology->running_count].actor);
    tw_gateway_actor_free(&topology->gateway);
    tw_journal_actor_free(&topology->journal);
    tw_indexer_actor_free(&topology->indexer);
    for (uint32_t i = 0; i < topology->shards; i++)
        tw_shard_actor_free(&topology->shard[i]);
    tw_exposure_actor_free(&topology->exposure);
    tw_scorer_actor_free(&topology->scorer);
    tw_router_actor_free(&topology->router);
    tw_delivery_actor_free(&topology->delivery);
    tw_catchup_actor_free(&topology->catchup);
    tw_keeper_actor_free(&topology->keeper);
    zsys_shutdown(); /* what lingers in sockets goes out or is given up; messages return their objects to the pools */
    tw_pool_free(&topology->answers);
    tw_pool_free(&topology->events);
    tw_pool_free(&topology->slices);
    tw_store_history_clear(&topology->history);
    tw_store_close(&topology->store);
    tw_routes_free(&topology->routes);
    tw_silences_free(&topology->silences);
    tw_inhibitor_free(&topology->inhibitor);
    free(topology);
    *topology_pointer = NULL;
}

static void clean_answer(void *object)
{
    tw_shard_answer_free(object);
}
static void clean_events(void *object)
{
    tw_events_free(object);
}

/* libzmq starts its threads with the first socket. */
static void start_network_threads(void)
{
    tw_slice_short();
    zsock_t *first = zsock_new(ZMQ_PAIR);
    zsock_destroy(&first);
    tw_slice_usual();
}

struct tw_topology *tw_topology_start(const struct tw_cfg *cfg, bool (*stop_requested)(void), enum tw_exit *exit_code,
                                      char why[512])
{
    struct tw_store_error error = {TW_STORE_OK, ""};
    struct tw_topology *topology = tw_alloc_zero(1, sizeof *topology);
    zsys_handler_set(NULL); /* signals are main's alone */
    zsys_init();
    start_network_threads();
    topology->cfg = cfg;
    topology->shards = shards_of(cfg);
    topology->answers = tw_pool_new(sizeof(struct tw_shard_answer), clean_answer);
    topology->events = tw_pool_new(sizeof(struct tw_events), clean_events);
    topology->slices = tw_slices_new();
    topology->unjudged.most = TW_UNJUDGED_BYTES_MAX;
    topology->unjudged.least = TW_LANE_HWM;
    topology->judged.most = TW_JUDGED_BYTES_MAX;
    tw_session_init(&topology->session, tw_cfg_text(cfg, "session/zone"), tw_cfg_integer(cfg, "session/roll"));
    topology->store = tw_store_open(tw_cfg_text(cfg, "data/directory"), TW_STORE_WRITE, &error);
    if (topology->store == NULL) {
        *exit_code = exit_of(error.status);
        snprintf(why, 512, "%s", error.text);
    } else if (recover(topology, stop_requested, exit_code, why)) {
        if (start_all(topology, why))
            return topology;
        *exit_code = TW_EXIT_UNREACHABLE;
    }
    end_all(&topology);
    return NULL;
}

void tw_topology_describe(const struct tw_topology *topology, char out[1024])
{
    snprintf(out, 1024, "ready trades=%s acks=%s alerts=%s live=%s requests=%s shards=%u data=%s",
             tw_gateway_actor_trades(topology->gateway), tw_gateway_actor_acks(topology->gateway),
             tw_router_actor_alerts(topology->router), tw_router_actor_live(topology->router),
             tw_catchup_actor_requests(topology->catchup), topology->shards,
             tw_cfg_text(topology->cfg, "data/directory"));
}

/* ---- running and stopping ---- */

/* Looks at the actors' reports. False: one failed. */
static bool hear_reports(struct tw_topology *topology, char why[512])
{
    for (uint32_t i = 0; i < topology->running_count; i++) {
        char failure[512];
        int report = tw_agent_report(topology->running[i].actor, failure);
        if (report > 0)
            topology->running[i].finished = true;
        if (report < 0) {
            snprintf(why, 512, "%.480s (%s)", failure, topology->running[i].name);
            topology->running[i].finished = true;
            return false;
        }
    }
    return true;
}

bool tw_topology_wait(struct tw_topology *topology, int descriptor, char why[512])
{
    topology->failed = true; /* until it is known better */
    for (;;) {
        zmq_pollitem_t items[ACTORS_MAX + 1] = {{NULL, descriptor, ZMQ_POLLIN, 0}};
        for (uint32_t i = 0; i < topology->running_count; i++)
            items[i + 1] = (zmq_pollitem_t){zsock_resolve(topology->running[i].actor), 0, ZMQ_POLLIN, 0};
        if (zmq_poll(items, (int)topology->running_count + 1, -1) < 0)
            continue;
        if (!hear_reports(topology, why))
            return false;
        if ((items[0].revents & ZMQ_POLLIN) != 0) {
            topology->failed = false;
            return true;
        }
    }
}

static bool all_finished(const struct tw_topology *topology)
{
    for (uint32_t i = 0; i < topology->running_count; i++)
        if (!topology->running[i].finished)
            return false;
    return true;
}

static void say_unfinished(const struct tw_topology *topology)
{
    char names[256] = "";
    size_t length = 0;
    for (uint32_t i = 0; i < topology->running_count && length < sizeof names; i++)
        if (!topology->running[i].finished)
            length += (size_t)snprintf(names + length, sizeof names - length, " %s", topology->running[i].name);
    if (names[0] != '\0')
        tw_log(topology->failed ? TW_LOG_INFO : TW_LOG_WARNING, "main",
               "not all was finished in time; the next start goes on from the log; still at work:%s", names);
}

bool tw_topology_stop(struct tw_topology **topology_pointer, int limit_ms)
{
    struct tw_topology *topology = *topology_pointer;
    int64_t until_ns = tw_now_ns() + (int64_t)limit_ms * 1000000;
    char why[512];
    bool sound = true;
    /* The gateway closes its door and says the end to its lanes; each actor finishes when the end has reached it. Those
     * beside the lanes (indexer, catch-up, keeper) just stop. */
    for (uint32_t i = 0; i < topology->running_count; i++)
        tw_agent_stop(topology->running[i].actor);
    while (sound && !all_finished(topology) && tw_now_ns() < until_ns) {
        zmq_pollitem_t items[ACTORS_MAX];
        int count = 0;
        for (uint32_t i = 0; i < topology->running_count; i++)
            if (!topology->running[i].finished)
                items[count++] = (zmq_pollitem_t){zsock_resolve(topology->running[i].actor), 0, ZMQ_POLLIN, 0};
        zmq_poll(items, count, (long)((until_ns - tw_now_ns()) / 1000000 + 1));
        sound = hear_reports(topology, why);
    }
    /* One failure is said once: what fails after it (on the same disk, mostly) is its consequence. */
    if (!sound)
        tw_log(topology->failed ? TW_LOG_INFO : TW_LOG_ERROR, "main", "%s", why);
    say_unfinished(topology);
    end_all(topology_pointer);
    return sound;
}
