/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/judge_inside.h"

/* The value of a line "key=value\n" of the canonical text, cut into `out`. */
static bool find(struct tw_text text, const char *key, char out[64])
{
    size_t length = strlen(key);
    const char *at = text.bytes, *end = text.bytes + text.length;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            return false;
        if ((size_t)(line_end - at) > length && memcmp(at, key, length) == 0 && at[length] == '=') {
            size_t value = (size_t)(line_end - at) - length - 1;
            if (value > 63)
                return false;
            memcpy(out, at + length + 1, value);
            out[value] = '\0';
            return true;
        }
        at = line_end + 1;
    }
    return false;
}

/* A plain decimal as an integer of 10^-places. */
static bool number(struct tw_text text, const char *key, int places, wide *out)
{
    char word[64];
    if (!find(text, key, word))
        return false;
    wide value = 0;
    int behind = -1;
    for (const char *at = word; *at != '\0'; at++) {
        if (*at == '.') {
            behind = 0;
            continue;
        }
        value = value * 10 + (*at - '0');
        behind += behind >= 0;
    }
    for (int i = behind < 0 ? 0 : behind; i < places; i++)
        value *= 10;
    *out = value;
    return true;
}

static bool whole(struct tw_text text, const char *key, int places, int64_t *out)
{
    wide value;
    if (!number(text, key, places, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

static bool on(struct tw_text text, const char *key, bool *out)
{
    char word[64];
    if (!find(text, key, word))
        return false;
    *out = strcmp(word, "on") == 0;
    return true;
}

/* "17:30" or "17:30:00". */
static bool clock_of(struct tw_text text, const char *key, int64_t *out)
{
    char word[64];
    if (!find(text, key, word) || strlen(word) < 5)
        return false;
    *out = (int64_t)(atoi(word) * 3600 + atoi(word + 3) * 60);
    return true;
}

bool judge_read_settings(struct tw_text text, struct judge_settings *out)
{
    char measure[64], key[64];
    *out = (struct judge_settings){0};
    if (!find(text, "exposure/measure", measure) || !find(text, "rules/anomaly/key", key))
        return false;
    out->measure = measure[0] == 'g' ? GROSS : measure[0] == 'n' ? NET : TURNOVER;
    out->anomaly_key = key[0] == 'a' ? BY_ACCOUNT : strcmp(key, "system") == 0 ? BY_ALL : BY_SYMBOL;
    bool read =
        whole(text, "exposure/remark", 0, &out->remark) && whole(text, "rules/large_trade/threshold", 8, &out->large) &&
        on(text, "rules/client_exposure/enabled", &out->client.enabled) &&
        on(text, "rules/symbol_exposure/enabled", &out->symbol.enabled) &&
        on(text, "rules/velocity/enabled", &out->velocity.enabled) &&
        number(text, "rules/client_exposure/threshold", 8, &out->client.threshold) &&
        number(text, "rules/client_exposure/critical", 4, &out->client.critical_e4) &&
        number(text, "rules/client_exposure/rearm", 4, &out->client.rearm_e4) &&
        number(text, "rules/symbol_exposure/threshold", 8, &out->symbol.threshold) &&
        number(text, "rules/symbol_exposure/critical", 4, &out->symbol.critical_e4) &&
        number(text, "rules/symbol_exposure/rearm", 4, &out->symbol.rearm_e4) &&
        number(text, "rules/velocity/threshold", 0, &out->velocity.threshold) &&
        number(text, "rules/velocity/rearm", 4, &out->velocity.rearm_e4) &&
        whole(text, "rules/velocity/window", 9, &out->velocity_window_ns) &&
        on(text, "rules/velocity/client", &out->velocity_client) &&
        on(text, "rules/velocity/symbol", &out->velocity_symbol) &&
        whole(text, "rules/anomaly/window", 0, &out->window) &&
        whole(text, "rules/anomaly/minimum", 0, &out->minimum) &&
        whole(text, "rules/anomaly/medium", 3, &out->medium_e3) &&
        whole(text, "rules/anomaly/high", 3, &out->high_e3) && whole(text, "rules/anomaly/quiet", 9, &out->quiet_ns) &&
        clock_of(text, "session/roll", &out->roll_seconds);
    return read;
}
