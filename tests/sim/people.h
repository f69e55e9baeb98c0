/* SPDX-License-Identifier: MIT
 *
 * The people: they look at alerts, acknowledge, assign, close and note them, silence and end silences, one request at a
 * time each; ask again when nothing came of it. Each request carries a word of its own, so that the ledger knows whose
 * a record is.
 */
#ifndef TW_SIM_PEOPLE_H
#define TW_SIM_PEOPLE_H

#include "protocol/digest.h"
#include "protocol/messages.h"
#include "tests/sim/sim.h"

struct wish {
    uint32_t number;       /* from 1; also the end of `why` */
    const char *verb;      /* as CONTRACT.md has it */
    uint64_t of;           /* an event of the alert that is meant, or h of the silence to end; 0: neither */
    char who[16], why[24]; /* why: also what it is known by */
    const char *to;        /* "": none, as the next two */
    const char *verdict, *match;
    int64_t starts_ns, ends_ns;
    /* what became of it */
    bool refused;                  /* the desk said no: it must never be recorded */
    bool decided;                  /* the desk said yes, with what follows */
    uint8_t id[TW_ALERT_ID_BYTES]; /* the alert, and its newest event */
    uint64_t n;
    uint64_t h; /* recorded under; 0: not, as far as is durable */
    bool answered;
};

struct people;
struct people *people_new(struct sim *sim);
void people_free(struct people **people);
/* Lets everybody act whose time has come; returns when the next one's comes. */
int64_t people_act(struct people *people);
/* The desk's word: it is recorded, refused, or not known yet. */
void people_hear(struct people *people, const struct wish *wish);
void people_lost(struct people *people); /* the daemon is gone, and with it every answer */
/* The request known by this word; NULL: nobody said so. */
struct wish *people_said(const struct people *people, struct tw_text why);
bool people_satisfied(const struct people *people, char why[256]);

#endif
