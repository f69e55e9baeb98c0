/* SPDX-License-Identifier: MIT
 *
 * The settings that can change an alert, typed. They enter the log as one control record whose text is canonical: a
 * line "key=value\n" for each of them, in byte order of the keys, defaults included; its SHA-256 is the `config` of
 * every alert. The actors' cores read them from there and nowhere else.
 *
 * Pure: links without libzmq, RocksDB, libcurl and pthread.
 */
#ifndef TW_CFG_RULES_H
#define TW_CFG_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/trade.h"

enum tw_measure { TW_MEASURE_GROSS, TW_MEASURE_NET, TW_MEASURE_TURNOVER };
enum tw_statistics_key { TW_STATISTICS_SYMBOL, TW_STATISTICS_ACCOUNT_SYMBOL, TW_STATISTICS_SYSTEM };

enum tw_override_rule {
    TW_OVERRIDE_LARGE_TRADE,     /* by symbol */
    TW_OVERRIDE_CLIENT_EXPOSURE, /* by account */
    TW_OVERRIDE_SYMBOL_EXPOSURE, /* by symbol */
    TW_OVERRIDE_VELOCITY,        /* by account (client velocity) or symbol (symbol velocity) */
    TW_OVERRIDE_RULES
};

struct tw_override {
    enum tw_override_rule rule;
    char name[33]; /* account or symbol, NUL-terminated */
    uint8_t name_length;
    int64_t threshold; /* 1e-8; velocity: a count */
};

struct tw_level_settings {
    bool enabled;
    int64_t threshold;    /* 1e-8; velocity: a count */
    uint32_t critical_e4; /* second tier as a multiple of the threshold in 1e-4: 15,000 is 1.5; 0: none */
    uint32_t rearm_e4;    /* resolve level as a multiple in 1e-4: 9,000 is 0.9 */
};

struct tw_rules {
    uint8_t hash[32];        /* SHA-256 of the canonical text */
    enum tw_measure measure; /* exposure/measure */
    uint32_t remark_seconds; /* exposure/remark; 0: off */
    bool large_trade_enabled;
    int64_t large_trade_threshold_e8;
    struct tw_level_settings client_exposure, symbol_exposure, velocity; /* velocity: critical_e4 is 0 */
    bool velocity_client, velocity_symbol;
    int64_t velocity_window_ns;
    bool anomaly_enabled;
    enum tw_statistics_key anomaly_key;
    uint32_t anomaly_window, anomaly_minimum;
    uint32_t anomaly_medium_e3, anomaly_high_e3; /* sigmas in 1e-3: 3,000 is 3 */
    int64_t anomaly_quiet_ns;
    char currency[9]; /* exposure/currency: the unit of money in alert records */
    char session_zone[65];
    uint32_t session_roll_seconds; /* local time of day */
    struct tw_override *overrides; /* sorted by (rule, name) */
    uint32_t override_count;
};

/* Parses a canonical text (as tw_rules_text made it). False with a sentence in `why` (at least 160 bytes). On success
 * the caller frees with tw_rules_clear. */
bool tw_rules_parse(const char *text, size_t length, struct tw_rules *out, char *why);
void tw_rules_clear(struct tw_rules *rules);
/* The override for a name, or NULL. */
const struct tw_override *tw_rules_override(const struct tw_rules *rules, enum tw_override_rule rule,
                                            struct tw_text name);

#endif
