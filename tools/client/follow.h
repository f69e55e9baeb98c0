/* SPDX-License-Identifier: MIT
 *
 * A subscriber's half of the conversation (protocol/README.md, "What a subscriber does") as a pure step: alerts, heads,
 * ends and time come in; what to hand out and what to ask for comes out. No socket, clock or thread. One owner.
 *
 * Every n is handed out once and in order. What lies behind a hole waits in a bounded list while catch-up fills it;
 * what finds no place there is asked for again.
 *
 * A head that knows less than was handed out is an old one, sent again while alerts waited, or another history's. So
 * the daemon is asked for what was handed out last; it is lost if two heads in a row were confirmed (one may have been
 * by an old end).
 */
#ifndef TW_CLIENT_FOLLOW_H
#define TW_CLIENT_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/messages.h"
#include "protocol/pack.h"

#define TW_FOLLOW_WAITING_MAX 1024u
#define TW_FOLLOW_LIMIT 500u                        /* answers of one request: half of a default high-water mark */
#define TW_FOLLOW_PROBE_EVERY_NS INT64_C(100000000) /* until a first answer proves the subscription */
#define TW_FOLLOW_PATIENCE_NS INT64_C(1000000000)   /* without an answer, then ask again */
#define TW_FOLLOW_UNDER_WAY_NS INT64_C(500000000)   /* what a head knows may still be coming */

struct tw_follow {
    bool follow;   /* goes on live behind the catch-up */
    bool based;    /* `last` is known; false: from now on, so the first head or alert says */
    bool done;     /* does not follow, and all that is recorded was handed out */
    bool proven;   /* an answer has come: the subscription stands */
    bool wanted;   /* something is missing */
    bool asking;   /* a request is under way */
    bool doubted;  /* a head knew less than was handed out; until a probe has ended */
    bool probing;  /* the request under way asks for what was handed out last */
    bool lost;     /* the daemon does not have it: what it raises from now on is not what comes next */
    uint64_t last; /* handed out up to here */
    uint64_t asked_after;
    int64_t ask_again_ns;
    uint64_t newest; /* what the last head said */
    uint32_t denied; /* probes in a row that found nothing there */
    uint64_t behind; /* n that an earlier one knew, missing if above `last` at behind_ns */
    int64_t behind_ns;
    struct tw_buffer *waiting; /* alerts behind a hole: n = waiting_n, waiting_n + 1 ...; a ring */
    uint64_t waiting_n;
    uint32_t waiting_first, waiting_count;
};

void tw_follow_init(struct tw_follow *follow, uint64_t after, bool from_now, bool live);
void tw_follow_clear(struct tw_follow *follow);

/* An alert came. True: hand it out now. False: it was dropped or kept waiting. */
bool tw_follow_alert(struct tw_follow *follow, uint64_t n, const void *bytes, size_t length, bool answer,
                     int64_t now_ns);
/* An alert that waited and is due now, or NULL. Valid until the next call. */
const struct tw_buffer *tw_follow_due(struct tw_follow *follow);
void tw_follow_head(struct tw_follow *follow, uint64_t last, int64_t now_ns);
void tw_follow_end(struct tw_follow *follow, const struct tw_catchup_end *end, int64_t now_ns);

/* Whether to ask for alerts after *after now. It counts as asked. */
bool tw_follow_ask(struct tw_follow *follow, int64_t now_ns, uint64_t *after, uint32_t *limit);
/* When tw_follow_ask is worth calling again though nothing happened; INT64_MAX: never. */
int64_t tw_follow_deadline(const struct tw_follow *follow);

#endif
