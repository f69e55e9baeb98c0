/* SPDX-License-Identifier: MIT
 *
 * Which bug is planted; only in the library that has them.
 */
#include "actors/judging/planted.h"

#ifdef TW_PLANT
enum tw_plant tw_planted = TW_PLANT_NOTHING;

const char *tw_plant_name(enum tw_plant plant)
{
    static const char *const names[] = {
#define TW_PLANT_TEXT(symbol, name) name,
        TW_PLANTS(TW_PLANT_TEXT)
#undef TW_PLANT_TEXT
    };
    return names[plant];
}
#endif
