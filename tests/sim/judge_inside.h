/* SPDX-License-Identifier: MIT
 *
 * The judge's notebook. judge.c: the order of things; judge_book.c: positions and values; judge_alerts.c: episodes,
 * events, digest; judge_settings.c: the canonical text.
 */
#ifndef TW_SIM_JUDGE_INSIDE_H
#define TW_SIM_JUDGE_INSIDE_H

#include "tests/sim/judge.h"

#define NAMES_MAX 32
#define SOURCES_MAX 1024
#define UNIT 100000000
#define SECOND INT64_C(1000000000)

typedef __int128 wide;

enum { LARGE, CLIENT, SYMBOL, VELOCITY, ANOMALY, FEED_GAP };
enum { NONE, LOW, MEDIUM, HIGH, CRITICAL };
enum measure { GROSS, NET, TURNOVER };
enum anomaly_key { BY_SYMBOL, BY_ACCOUNT, BY_ALL };

struct level_rule {
    bool enabled;
    wide threshold, critical_e4, rearm_e4; /* 1e-8 or a count; multiples in 1e-4 */
};

struct judge_settings {
    enum measure measure;
    enum anomaly_key anomaly_key;
    int64_t remark, large, velocity_window_ns, quiet_ns, roll_seconds;
    struct level_rule client, symbol, velocity;
    bool velocity_client, velocity_symbol;
    int64_t window, minimum, medium_e3, high_e3;
};
bool judge_read_settings(struct tw_text text, struct judge_settings *out);

struct trade { /* an accepted trade, by global sequence */
    int64_t ts, qty, price, notional, cents;
    uint64_t pseq;
    uint32_t symbol, account, source;
    int64_t day;
    int side, kind; /* 1, -1 or 0 for a print; kind of the row */
    bool busted;
    struct tw_text id; /* own copy */
};

struct alert { /* one episode, or one shot */
    int rule, severity;
    const char *entity_type;
    char entity[128];
    uint64_t opening; /* the line that it is put down to: its bust retracts it */
    wide value;
    struct key *key;
    bool retracted;
    bool left; /* open, but no key's any more: statistics are by other keys now */
};

struct key { /* of a level or hit rule */
    int rule;
    const char *entity_type;
    uint32_t symbol, account;
    int64_t clock, last_hit;
    int32_t open; /* index of its alert, or -1 */
    struct entry {
        int64_t at, cents;
        uint64_t seq;
    } * entries; /* velocity: in the window; anomaly: the last ones */
    uint32_t count, capacity;
};

struct holding {
    wide pos, term;
    int64_t mark;
};

struct judge {
    struct judge_settings settings;
    struct tw_text names[5][SOURCES_MAX]; /* [enum tw_name_kind][id] */
    uint32_t incarnations[SOURCES_MAX];
    uint32_t name_count[5];
    struct trade *trades; /* [seq] */
    uint64_t trade_capacity, seq;
    struct holding holdings[NAMES_MAX][NAMES_MAX]; /* [symbol][account] */
    wide account_turnover[NAMES_MAX], symbol_turnover[NAMES_MAX];
    int64_t marks[NAMES_MAX];
    bool traded[NAMES_MAX]; /* since the last re-marking */
    struct key clients[NAMES_MAX], symbols[NAMES_MAX], client_velocity[NAMES_MAX], symbol_velocity[NAMES_MAX];
    struct key anomalies[NAMES_MAX][NAMES_MAX]; /* [symbol][account]; symbol's: account 0; all: 0, 0 */
    struct alert *alerts;
    uint32_t alert_count, alert_capacity;
    struct judge_event *events;
    uint64_t event_count, event_capacity;
    uint8_t digest[32];
    bool started, rejudge;
    int64_t clock, day;
    int64_t session_ts; /* of a SESSION record that no tick has used yet; */
    bool session_told;  /* there is one */
    /* what happens now is put down to: */
    uint64_t origin;
    int64_t origin_ts;
    bool in_tick;
};

/* ---- judge_book.c ---- */
wide judge_half_even(wide numerator, wide denominator);
void judge_apply(struct judge *judge, const struct trade *trade);
void judge_reverse(struct judge *judge, const struct trade *trade, bool same_day);
void judge_remark(struct judge *judge, bool changed[NAMES_MAX]); /* accounts whose value changed */
wide judge_client_value(const struct judge *judge, uint32_t account);
wide judge_symbol_value(const struct judge *judge, uint32_t symbol);

/* ---- windows ---- */
void judge_key_move(struct key *key, int64_t ts);
void judge_key_add(struct key *key, struct entry entry);
void judge_key_lose(struct key *key, uint64_t seq);
void judge_velocity_forget(struct key *key, int64_t window);
uint32_t judge_velocity_at(const struct key *key, int64_t t, int64_t window);
bool judge_exceeds(const struct key *key, int64_t x, int64_t k_e3, int64_t minimum);

/* ---- judge_alerts.c ---- */
void judge_name_key(const struct judge *judge, const struct key *key, char out[128]);
/* One event of an alert; `trades`: its evidence (NULL: the line it is put down to). */
void judge_write(struct judge *judge, const char *event, const struct alert *alert, wide value, const uint64_t *trades,
                 uint32_t count, uint64_t counted);
struct alert *judge_open(struct judge *judge, struct key *key, int rule, const char *entity_type, const char *entity,
                         int severity, wide value);
void judge_level(struct judge *judge, struct key *key, const struct level_rule *rule, wide value);
void judge_hit(struct judge *judge, struct key *key, int severity, wide x);

#endif
