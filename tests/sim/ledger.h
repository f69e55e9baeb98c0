/* SPDX-License-Identifier: MIT
 *
 * The checkers. The ledger keeps every record that ever became durable, whatever the simulated store forgets, and holds
 * everything that the daemon says against it. It decodes the log by protocol/ and shares nothing else with the product;
 * what the log's alerts are it has from the judge (judge.h) and, byte for byte, from a run of the cores over the same
 * records that never crashes and knows no snapshot.
 */
#ifndef TW_SIM_LEDGER_H
#define TW_SIM_LEDGER_H

#include "protocol/action.h"
#include "protocol/messages.h"
#include "tests/sim/people.h"
#include "tests/sim/sim.h"

struct ledger;
struct ledger *ledger_new(struct sim *sim);
void ledger_free(struct ledger **ledger);

/* An fsync is done. */
void ledger_synced(struct ledger *ledger);
/* The daemon is up again: the log goes on from what was durable, its alerts are those of the log. */
void ledger_recovered(struct ledger *ledger, uint64_t last_alert);
/* Retention takes the front away. */
void ledger_dropped(struct ledger *ledger, uint64_t last_seq, uint64_t last_lsn);

/* ---- what leaves the daemon ---- */
void ledger_ack(struct ledger *ledger, const struct tw_ack *ack);
void ledger_stored(struct ledger *ledger, uint64_t n);
void ledger_seen(struct ledger *ledger, uint64_t n, const void *bytes, size_t length);
void ledger_head(struct ledger *ledger, uint64_t last, struct tw_text digest);
void ledger_refusal_seen(struct ledger *ledger, const struct tw_refusal_message *refusal);

/* ---- what people do ---- */
/* The desk lets the request pass as this action; NULL: it refuses it. */
void ledger_decided(struct ledger *ledger, struct wish *wish, const struct tw_action *action);
void ledger_answered(struct ledger *ledger, struct wish *wish, uint64_t h, const void *bytes, size_t length);
void ledger_published(struct ledger *ledger, struct tw_text topic, const void *bytes, size_t length);
void ledger_action_seen(struct ledger *ledger, uint64_t h, const void *bytes, size_t length);
/* How the daemon says that an alert stands, by all that is stored now. */
void ledger_state(struct ledger *ledger, const uint8_t id[TW_ALERT_ID_BYTES], const char *state, const char *to,
                  const char *verdict);

uint64_t ledger_alerts(const struct ledger *ledger);
uint64_t ledger_refusals(const struct ledger *ledger);
uint64_t ledger_trades(const struct ledger *ledger);
uint64_t ledger_actions(const struct ledger *ledger);
/* Everything has come to rest: nothing is missing anywhere. */
void ledger_close(struct ledger *ledger);

#endif
