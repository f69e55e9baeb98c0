/* SPDX-License-Identifier: MIT
 *
 * The publishers: processes that make up trades, send them as CONTRACT.md tells a publisher to (and now and then as it
 * tells it not to), hear acks, resend, die, come back, go on under a new incarnation, meet a twin under their own name.
 * They share no code with tools/client. What they ever said under a number is remembered: the ledger compares with it.
 */
#ifndef TW_SIM_CROWD_H
#define TW_SIM_CROWD_H

#include "protocol/messages.h"
#include "protocol/trade.h"
#include "tests/sim/sim.h"

#define CROWD_PROCESSES_MAX 60

/* What is wrong with a trade, so that it must be refused whatever happens. */
enum flaw { FLAW_NONE, FLAW_SIDE, FLAW_IMPLAUSIBLE, FLAW_FUTURE, FLAW_RANGE, FLAW_CCY };

struct said {              /* one trade, as somebody sent it */
    struct tw_trade trade; /* texts borrow from below and from constants */
    char id[40], ref[40];
    enum flaw flaw;
    bool there;
};

struct crowd;
struct crowd *crowd_new(struct sim *sim);
void crowd_free(struct crowd **crowd);

uint32_t crowd_processes(const struct crowd *crowd);
bool crowd_listens(const struct crowd *crowd, uint32_t process, struct tw_text publisher);
void crowd_hear(struct crowd *crowd, uint32_t process, const void *bytes, size_t length);
/* Lets everybody act whose time has come; returns when the next one's comes. */
int64_t crowd_act(struct crowd *crowd);
void crowd_cut(struct crowd *crowd);       /* one process loses its connections */
void crowd_restart(struct crowd *crowd);   /* one process dies, or is replaced, or gets a twin */
void crowd_reconnect(struct crowd *crowd); /* the daemon is back */

/* What `publisher` said under this number; variant 1 is what its twin said. NULL: nothing. */
const struct said *crowd_said(const struct crowd *crowd, struct tw_text publisher, uint32_t incarnation, uint64_t pseq,
                              int variant);
const struct said *crowd_anonymous(const struct crowd *crowd, struct tw_text id);
bool crowd_is_feed(const struct crowd *crowd, struct tw_text publisher);
bool crowd_has_twin(const struct crowd *crowd, struct tw_text publisher);
/* Nothing that a living publisher sent waits for its ack. */
bool crowd_satisfied(const struct crowd *crowd, char why[256]);

#endif
