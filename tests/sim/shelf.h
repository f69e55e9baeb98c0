/* SPDX-License-Identifier: MIT
 *
 * Where the simulated daemon keeps what it knows of ended alerts: in groups of a few, so that each seed moves, looks
 * up, saves, loads and drops some; and a shelf that notices who asks for what is not there.
 */
#ifndef TW_SIM_SHELF_H
#define TW_SIM_SHELF_H

#include "actors/judging/shelf.h"

struct tw_shelf sim_shelf(void *sim); /* a tw_make_shelf; of struct sim */

#endif
