/* SPDX-License-Identifier: MIT
 *
 * crowd.c: processes and their protocol; crowd_trades.c: the trades that they make up and remember.
 */
#ifndef TW_SIM_CROWD_INSIDE_H
#define TW_SIM_CROWD_INSIDE_H

#include "protocol/submission.h"
#include "tests/sim/crowd.h"

#define PUBLISHERS_MAX 16
#define INCARNATIONS_MAX 16

enum character { PUSHES, FEEDS, ANONYMOUS };

struct numbers {       /* what was said under one incarnation */
    struct said *list; /* [pseq] */
    uint64_t count, capacity;
};

struct publisher {
    char name[16];
    enum character character;
    bool has_twin;
    uint32_t newest;
    struct numbers numbers[INCARNATIONS_MAX][2];
};

struct process {
    uint32_t publisher, incarnation;
    int variant;
    bool alive, greeted, columnar, stopped, astray; /* astray: its message goes to the wrong door */
    uint64_t next, durable, ready, quota;           /* to send, acked, made up, and when it is done */
    uint64_t gap, ack_next, names_known;
    uint32_t credit;
    int64_t due_ns, progress_ns, heard_ns;
    bool held;
    struct tw_columns *columns;
};

struct crowd {
    struct sim *sim;
    struct publisher publishers[PUBLISHERS_MAX];
    uint32_t publisher_count;
    struct process processes[CROWD_PROCESSES_MAX];
    uint32_t process_count;
    int64_t prices_e8[32]; /* by symbol */
};

/* Makes up what the process says under its next number. */
const struct said *crowd_make(struct crowd *crowd, struct process *process, uint64_t pseq);
const struct said *crowd_number(const struct publisher *publisher, uint32_t incarnation, uint64_t pseq, int variant);

#endif
