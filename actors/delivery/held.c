/* SPDX-License-Identifier: MIT */
#include "actors/delivery/held.h"

/* An id is a digest's bytes: any of its bits are as good as others. */
static uint32_t place_of(const uint8_t episode[16])
{
    return ((uint32_t)episode[0] << 8 | episode[1]) % TW_HELD_PLACES;
}

void tw_held_add(struct tw_held *held, const uint8_t episode[16], uint64_t lead)
{
    uint64_t *place = &held->leads[place_of(episode)];
    if (*place == 0 || lead < *place)
        *place = lead;
}

bool tw_held_before(const struct tw_held *held, const uint8_t episode[16], uint64_t n)
{
    uint64_t lead = held->leads[place_of(episode)];
    return lead != 0 && lead < n;
}
