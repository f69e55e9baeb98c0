/* SPDX-License-Identifier: MIT
 *
 * What is held back of a receiver, since what is pending was read from the front: of which alerts, and for which
 * group's message. What comes behind that message waits too, or it would go first. Alerts that share a place hold each
 * other back, until the next reading: that costs time, never the order. Pure.
 */
#ifndef TW_DELIVERY_HELD_H
#define TW_DELIVERY_HELD_H

#include <stdbool.h>
#include <stdint.h>

#define TW_HELD_PLACES 1024u

struct tw_held {
    uint64_t leads[TW_HELD_PLACES]; /* the first for which one of these alerts is held back; 0: none is */
};
/* Something of the alert waits for the message of this lead. */
void tw_held_add(struct tw_held *held, const uint8_t episode[16], uint64_t lead);
/* Whether something of the alert that waits goes before n. */
bool tw_held_before(const struct tw_held *held, const uint8_t episode[16], uint64_t n);

#endif
