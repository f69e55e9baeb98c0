/* SPDX-License-Identifier: MIT
 *
 * What people do to alerts: acknowledge, assign, close, note one; silence many. Recorded in the log (LOG.md, `action`),
 * numbered densely by `h` from 1, published under `action.<verb>.`, never changed. The record's text is the map without
 * `h` and `at`, which stand in the record; the message has all of it. Encoders append one map to `out`; decoders
 * borrow. Pure.
 */
#ifndef TW_PROTOCOL_ACTION_H
#define TW_PROTOCOL_ACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/limits.h"
#include "protocol/pack.h"

/* X(symbol, wire name) */
#define TW_ACTION_VERBS(X)                                                                                             \
    X(ACK, "ack")             /* somebody has seen it and is on it */                                                  \
    X(ASSIGN, "assign")       /* it is somebody else's: `to` */                                                        \
    X(CLOSE, "close")         /* it is dealt with: `verdict` */                                                        \
    X(NOTE, "note")           /* a word about it: `why` */                                                             \
    X(SILENCE, "silence")     /* nobody is told of alerts that match, from `starts` to `ends` */                       \
    X(UNSILENCE, "unsilence") /* the silence that is action `silence` ends now */

enum tw_action_verb {
#define TW_ACTION_MEMBER(symbol, name) TW_ACTION_##symbol,
    TW_ACTION_VERBS(TW_ACTION_MEMBER)
#undef TW_ACTION_MEMBER
        TW_ACTION_VERB_COUNT
};
const char *tw_action_verb_name(enum tw_action_verb verb);
bool tw_action_verb_of(struct tw_text name, enum tw_action_verb *out);

/* Done to one alert; else to many, and it has neither id nor n. */
static inline bool tw_action_is_of_alert(enum tw_action_verb verb)
{
    return verb != TW_ACTION_SILENCE && verb != TW_ACTION_UNSILENCE;
}

struct tw_action {
    enum tw_action_verb verb;
    struct tw_text id;  /* the alert's: 32 hex digits, as its events have it */
    uint64_t n;         /* the newest of its events that was recorded when this was done */
    struct tw_text who; /* 1 to 64 bytes of UTF-8 without control characters */
    struct tw_text
        why; /* 0 to 1,000 bytes of UTF-8 without control characters but line feeds; a note and a silence have one */
    struct tw_text to;      /* assign only: as `who` */
    struct tw_text verdict; /* close only: true_positive or false_positive */
    /* silence only */
    struct tw_text match;       /* 1 to 512 bytes (protocol/matcher.h) */
    struct tw_text hours;       /* when within that time, 0 to 128 bytes (protocol/hours.h); "": always */
    int64_t starts_ns, ends_ns; /* wall clock */
    uint64_t silence;           /* unsilence only: h */
};

/* What is wrong with its form, a static sentence; NULL: nothing. Whether matchers and hours can be read is asked before
 * it is recorded. */
const char *tw_action_fault(const struct tw_action *action);

/* The record's text. */
void tw_action_encode(struct tw_buffer *out, const struct tw_action *action);
/* False with a static *why: not readable, or faulty. Unknown keys are refused: we wrote it. */
bool tw_action_decode(const void *bytes, size_t length, struct tw_action *out, const char **why);

/* As it is stored, published and given by catch-up. */
struct tw_action_message {
    uint64_t h;
    int64_t at_ns; /* wall clock */
    struct tw_action action;
};
void tw_action_message_encode(struct tw_buffer *out, const struct tw_action_message *message);
bool tw_action_message_decode(const void *bytes, size_t length, struct tw_action_message *out);
size_t tw_action_topic(char out[TW_TOPIC_BYTES_MAX], enum tw_action_verb verb); /* "action.<verb>." */

#endif
