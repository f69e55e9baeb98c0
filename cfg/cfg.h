/* SPDX-License-Identifier: MIT
 *
 * The configuration: one table of keys (cfg/keys.def), values from flags, environment, file and defaults, in that order
 * of precedence. Pure but for reading the file and the environment. One owner; no globals.
 */
#ifndef TW_CFG_CFG_H
#define TW_CFG_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "protocol/limits.h"
#include "protocol/pack.h"
#include "protocol/sheet.h"

struct tw_cfg;

struct tw_cfg_error { /* one sentence that names the key, where it stands (file:line, variable, flag) and the remedy */
    char text[512];
    int exit_code; /* enum tw_exit: USAGE, or UNREACHABLE where the file cannot be read */
};

struct tw_cfg_sources {
    const char *file;        /* -c; NULL: none (no implicit file) */
    const char *const *sets; /* --set section/key=value, in order; the last one wins */
    size_t set_count;
    const char *const *environ_; /* NULL-terminated "NAME=value" strings; NULL: none */
    const char *data_directory;  /* --data, or NULL */
};

/* NULL with *error set when anything is unknown (nearest name given), doubled in one file, malformed, out of bounds,
 * known but not available in this build, or contradictory (binding beyond loopback without CURVE). Warnings (bare known
 * names that this build cannot use yet) are collected. */
struct tw_cfg *tw_cfg_load(const struct tw_cfg_sources *sources, struct tw_cfg_error *error);
void tw_cfg_free(struct tw_cfg **cfg);

size_t tw_cfg_warning_count(const struct tw_cfg *cfg);
const char *tw_cfg_warning(const struct tw_cfg *cfg, size_t index);

/* Values by key; the key must be in the table and of that type (anything else aborts: a broken invariant). */
const char *tw_cfg_text(const struct tw_cfg *cfg, const char *key);
int64_t tw_cfg_integer(const struct tw_cfg *cfg, const char *key); /* integers, seconds, counts, booleans as 0/1 */
/* Repeatable sections such as feeds/<name>: calls back for each entry in byte order of the names. */
void tw_cfg_each(const struct tw_cfg *cfg, const char *section,
                 void (*visit)(void *context, const char *name, const char *value), void *context);

/* Routes in the order of the file; then those that only the environment or flags have. Borrowed. */
struct tw_cfg_route {
    const char *name, *parent, *match, *hours, *receivers; /* NULL: not set */
    bool goes_on;                                          /* the next ones are asked, too */
    const char *escalate_to;                               /* NULL: nobody */
    int64_t escalate_after_s;
    const char *group_by;                                      /* NULL: that of its parent */
    int64_t group_wait_s, group_interval_s, repeat_interval_s; /* -1: not set */
};
uint32_t tw_cfg_routes(const struct tw_cfg *cfg, struct tw_cfg_route out[TW_ROUTES_MAX]);

/* Which alerts mute which, in byte order of their names; what a preset means is filled in. Borrowed. */
struct tw_cfg_inhibition {
    const char *name, *source, *target, *equal; /* equal NULL: nothing in common */
    int64_t hold_s;
};
uint32_t tw_cfg_inhibitions(const struct tw_cfg *cfg, struct tw_cfg_inhibition out[TW_INHIBITIONS_MAX]);

const char *tw_cfg_named(const struct tw_cfg *cfg, const char *section, const char *name); /* NULL: it is not set */

/* The texts of a kind of receivers: those of the file that <receiver>/template names, or what is built in. Borrowed. */
const struct tw_sheet *tw_cfg_sheet(const struct tw_cfg *cfg, enum tw_sheet_kind kind);

/* The canonical text of the settings that can change an alert (cfg/rules.h), appended to `out`. */
void tw_cfg_rules_text(const struct tw_cfg *cfg, struct tw_buffer *out);
/* A variable of the environment that gives one of them; NULL: none does. Borrowed. */
const char *tw_cfg_rules_variable(const struct tw_cfg *cfg);

/* `config show`: every key with its value, unit, default, meaning and where the value came from; secrets as "***". */
void tw_cfg_show(const struct tw_cfg *cfg, FILE *out, bool json);
/* The table itself in Markdown, for --help and cfg/README.md. */
void tw_cfg_describe(FILE *out);
/* A commented ZPL file with every key at its default: cfg/tapewarden.zpl. */
void tw_cfg_sample(FILE *out);

#endif
