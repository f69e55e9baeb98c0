/* SPDX-License-Identifier: MIT
 *
 * What the router knows; shared by its files only.
 */
#ifndef TW_ROUTER_ROUTER_STATE_H
#define TW_ROUTER_ROUTER_STATE_H

#include "actors/judging/saving.h"
#include "actors/judging/settings.h"
#include "actors/router/router.h"
#include "actors/router/router_text.h"

#define TW_ROUTER_SEVERITIES (TW_SEVERITY_CRITICAL + 1)

/* An event with its entity's name, ready to be put in order. */
struct tw_router_entry {
    const struct tw_event *event;
    uint32_t entity_first, entity_length; /* in the arena */
    const char *arena;                    /* for the comparison only */
};

struct tw_router {
    struct tw_evidence evidence;
    struct tw_settings settings;
    char config[65];
    struct tw_router_names names;
    uint64_t last_alert, last_seq;
    uint64_t forgotten_seq; /* retention has dropped the trades up to here */
    struct tw_hasher *hasher;
    uint8_t digest[TW_SHA256_BYTES], record_digest[TW_SHA256_BYTES];
    uint64_t counts[TW_RULE_COUNT][TW_ROUTER_SEVERITIES];
    struct tw_head_count head_counts[TW_RULE_COUNT * TW_ROUTER_SEVERITIES];
    struct tw_router_entry *entries;
    uint32_t entry_capacity;
    struct tw_buffer arena, record;
    struct tw_saving saving;
    struct tw_saving_names saving_names[3];
    bool loaded; /* the head of a snapshot was there */
};

#endif
