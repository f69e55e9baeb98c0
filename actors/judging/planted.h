/* SPDX-License-Identifier: MIT
 *
 * Bugs to plant, so that the simulation can prove that it would find them (tests/sim). In the product TW_PLANTED is
 * false and the compiler drops what it guards; only the library that is built with TW_PLANT for the tests knows them,
 * and there one at a time is chosen while the program runs.
 */
#ifndef TW_JUDGING_PLANTED_H
#define TW_JUDGING_PLANTED_H

#include <stdbool.h>

#ifdef TW_PLANT

/* X(symbol, name) */
#define TW_PLANTS(X)                                                                                                   \
    X(NOTHING, "nothing")                                                                                              \
    X(ACK_BEFORE_FSYNC, "ack_before_fsync")                                                                            \
    X(POSITION_IN_ANOTHER_BATCH, "position_in_another_batch")                                                          \
    X(EMPTY_EPOCH_SKIPPED, "empty_epoch_skipped")                                                                      \
    X(ALERTS_RENUMBERED, "alerts_renumbered")                                                                          \
    X(WINDOW_OFF_BY_ONE, "window_off_by_one")                                                                          \
    X(SNAPSHOT_WITHOUT_SCORER, "snapshot_without_scorer")                                                              \
    X(SNAPSHOT_FORGETS_BUSTS, "snapshot_forgets_busts")                                                                \
    X(ACK_BEFORE_FENCE, "ack_before_fence")                                                                            \
    X(RESEND_OF_ANOTHER_INCARNATION, "resend_of_another_incarnation")                                                  \
    X(BUST_OF_YESTERDAY, "bust_of_yesterday")                                                                          \
    X(ACTION_BEFORE_FSYNC, "action_before_fsync")                                                                      \
    X(ACTION_NUMBER_REUSED, "action_number_reused")                                                                    \
    X(ACTION_MEANS_WHAT_CAME_LATER, "action_means_what_came_later")                                                    \
    X(ACTION_TICKS, "action_ticks")                                                                                    \
    X(ANSWER_CUT_SHORT, "answer_cut_short")                                                                            \
    X(ARCHIVE_LOOKS_ONCE, "archive_looks_once")                                                                        \
    X(ARCHIVE_NOT_SAVED, "archive_not_saved")

enum tw_plant {
#define TW_PLANT_MEMBER(symbol, name) TW_PLANT_##symbol,
    TW_PLANTS(TW_PLANT_MEMBER)
#undef TW_PLANT_MEMBER
        TW_PLANT_COUNT
};
extern enum tw_plant tw_planted;
const char *tw_plant_name(enum tw_plant plant);
struct tw_router;
void tw_router_renumber(const struct tw_router *router, unsigned long long last); /* router.c, for its plant */
#define TW_PLANTED(symbol) (tw_planted == TW_PLANT_##symbol)

#else
#define TW_PLANTED(symbol) false
#endif

#endif
