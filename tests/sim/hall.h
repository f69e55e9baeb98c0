/* SPDX-License-Identifier: MIT
 *
 * The subscribers: each takes alerts as they come, sees holes by the numbers and by the heads, and asks for what it
 * missed as CONTRACT.md says. In the end each must have every alert, and some every refusal.
 */
#ifndef TW_SIM_HALL_H
#define TW_SIM_HALL_H

#include "tests/sim/sim.h"

struct hall;
struct hall *hall_new(struct sim *sim);
void hall_free(struct hall **hall);
bool hall_wants(const struct hall *hall, uint32_t subscriber, const char *topic, uint32_t topic_length);
void hall_hear(struct hall *hall, uint32_t subscriber, const char *topic, uint32_t topic_length, const void *bytes,
               size_t length);
int64_t hall_act(struct hall *hall);
void hall_cut(struct hall *hall);
bool hall_satisfied(const struct hall *hall, char why[256]);

#endif
