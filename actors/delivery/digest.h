/* SPDX-License-Identifier: MIT
 *
 * What would be too many messages for a person, as one: how many alert events of which type and severity, and the
 * latest of the most severe in words. Private to actors/delivery. Pure; memory does not depend on how many there are.
 */
#ifndef TW_DELIVERY_DIGEST_H
#define TW_DELIVERY_DIGEST_H

#include "actors/judging/event.h"
#include "protocol/messages.h"

#define TW_DIGEST_SHOWN 10u

struct tw_digest {
    uint32_t count, unreadable; /* unreadable ones are counted in both */
    uint64_t first_n, last_n;
    struct tw_text group; /* its name, if they are one; borrowed */
    uint32_t repeat;      /* how often it was told before: what is open still */
    uint32_t by[TW_RULE_COUNT][TW_SEVERITY_CRITICAL + 1];
    struct tw_digest_event { /* most severe first, the latest of them first */
        struct tw_buffer bytes;
        uint64_t n;
        int severity;
    } shown[TW_DIGEST_SHOWN];
    uint32_t shown_count;
};

/* In order of n. `bytes` is the event's record; it is copied if it is shown. */
void tw_digest_add(struct tw_digest *digest, uint64_t n, const void *bytes, size_t length);
void tw_digest_clear(struct tw_digest *digest); /* frees */

/* "20 CRITICAL, 100 HIGH", of that type. */
void tw_digest_severities(struct tw_buffer *out, const struct tw_digest *digest, enum tw_rule rule);
/* "HIGH_SYMBOL_EXPOSURE":{"CRITICAL":20,"HIGH":100},... */
void tw_digest_counts_json(struct tw_buffer *out, const struct tw_digest *digest);
/* ,"group":"desk{}" and ,"repeat":2 if they are one, and told again. */
void tw_digest_group_json(struct tw_buffer *out, const struct tw_digest *digest);
/* A shown event; false: it cannot be read. */
bool tw_digest_view(const struct tw_digest *digest, uint32_t at, struct tw_alert_view *view);

#endif
