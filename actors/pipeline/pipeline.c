/* SPDX-License-Identifier: MIT */
#include "actors/pipeline/pipeline.h"

#include <stdlib.h>

#include "protocol/check.h"

struct tw_pipeline {
    uint32_t shards;
    struct tw_shard *shard[TW_SHARDS_MAX];
    struct tw_shard_answer answer[TW_SHARDS_MAX];
    struct tw_shard_answer *answers[TW_SHARDS_MAX];
    struct tw_exposure *exposure;
    struct tw_scorer *scorer;
    struct tw_router *router;
    struct tw_events events;
};

struct tw_pipeline *tw_pipeline_new(uint32_t shards, const struct tw_evidence *evidence)
{
    TW_ASSERT(shards >= 1 && shards <= TW_SHARDS_MAX);
    struct tw_pipeline *pipeline = tw_alloc_zero(1, sizeof *pipeline);
    pipeline->shards = shards;
    for (uint32_t i = 0; i < shards; i++) {
        pipeline->shard[i] = tw_shard_new(i, shards);
        pipeline->answers[i] = &pipeline->answer[i];
    }
    pipeline->exposure = tw_exposure_new(shards);
    pipeline->scorer = tw_scorer_new();
    pipeline->router = tw_router_new(evidence);
    return pipeline;
}

void tw_pipeline_free(struct tw_pipeline **pipeline_pointer)
{
    struct tw_pipeline *pipeline = *pipeline_pointer;
    if (pipeline == NULL)
        return;
    for (uint32_t i = 0; i < pipeline->shards; i++) {
        tw_shard_free(&pipeline->shard[i]);
        tw_shard_answer_free(&pipeline->answer[i]);
    }
    tw_exposure_free(&pipeline->exposure);
    tw_scorer_free(&pipeline->scorer);
    tw_router_free(&pipeline->router);
    tw_events_free(&pipeline->events);
    free(pipeline);
    *pipeline_pointer = NULL;
}

void tw_pipeline_keep_on(struct tw_pipeline *pipeline, tw_make_shelf make, void *context)
{
    for (uint32_t i = 0; i < pipeline->shards; i++)
        tw_shard_keep_on(pipeline->shard[i], make(context));
    tw_exposure_keep_on(pipeline->exposure, make(context));
    tw_scorer_keep_on(pipeline->scorer, make(context));
}

void tw_pipeline_feed(struct tw_pipeline *pipeline, const struct tw_record *record, tw_pipeline_alert visit,
                      void *context)
{
    tw_events_clear(&pipeline->events);
    for (uint32_t i = 0; i < pipeline->shards; i++)
        tw_shard_step(pipeline->shard[i], record, &pipeline->answer[i]);
    for (uint32_t i;
         (i = tw_exposure_step(pipeline->exposure, record, pipeline->answers, &pipeline->events)) != TW_EXPOSURE_DONE;)
        tw_shard_step(pipeline->shard[i], record, &pipeline->answer[i]);
    tw_scorer_step(pipeline->scorer, record, &pipeline->events);
    tw_router_step(pipeline->router, record, &pipeline->events, visit, context);
}

void tw_pipeline_pin_settings(struct tw_pipeline *pipeline, struct tw_text settings_text)
{
    for (uint32_t i = 0; i < pipeline->shards; i++)
        tw_shard_pin_settings(pipeline->shard[i], settings_text);
    tw_exposure_pin_settings(pipeline->exposure, settings_text);
    tw_scorer_pin_settings(pipeline->scorer, settings_text);
    tw_router_pin_settings(pipeline->router, settings_text);
}

bool tw_pipeline_load(struct tw_pipeline *pipeline, enum tw_snapshot_part part, struct tw_row_reader *row)
{
    switch (part) {
    case TW_PART_SHARD: /* its symbols may now be another shard's */
        for (uint32_t i = 0; i < pipeline->shards; i++) {
            struct tw_row_reader own = *row;
            if (!tw_shard_load(pipeline->shard[i], &own))
                return false;
        }
        return true;
    case TW_PART_EXPOSURE:
        return tw_exposure_load(pipeline->exposure, row);
    case TW_PART_SCORER:
        return tw_scorer_load(pipeline->scorer, row);
    case TW_PART_ROUTER:
        return tw_router_load(pipeline->router, row);
    case TW_PART_GATEWAY:
    case TW_PART_COUNT:
        break;
    }
    TW_UNREACHABLE("no part of the pipeline");
}

static bool load_term(void *exposure, uint32_t account, tw_i128 term_e8)
{
    return tw_exposure_load_term(exposure, account, term_e8);
}

bool tw_pipeline_load_end(struct tw_pipeline *pipeline)
{
    for (uint32_t i = 0; i < pipeline->shards; i++)
        if (!tw_shard_load_end(pipeline->shard[i]) ||
            !tw_shard_terms(pipeline->shard[i], load_term, pipeline->exposure))
            return false;
    return tw_exposure_load_end(pipeline->exposure) && tw_scorer_load_end(pipeline->scorer) &&
           tw_router_load_end(pipeline->router);
}

const struct tw_router *tw_pipeline_router(const struct tw_pipeline *pipeline)
{
    return pipeline->router;
}

struct tw_pipeline_cores tw_pipeline_release(struct tw_pipeline **pipeline_pointer)
{
    struct tw_pipeline *pipeline = *pipeline_pointer;
    struct tw_pipeline_cores cores = {.shards = pipeline->shards,
                                      .exposure = pipeline->exposure,
                                      .scorer = pipeline->scorer,
                                      .router = pipeline->router};
    for (uint32_t i = 0; i < pipeline->shards; i++) {
        cores.shard[i] = pipeline->shard[i];
        pipeline->shard[i] = NULL;
    }
    pipeline->exposure = NULL;
    pipeline->scorer = NULL;
    pipeline->router = NULL;
    tw_pipeline_free(pipeline_pointer);
    return cores;
}
