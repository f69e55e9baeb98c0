/* SPDX-License-Identifier: MIT
 *
 * The inside of struct tw_cfg, shared by the files of cfg/. Sources are applied from the weakest to the strongest; a
 * later one replaces.
 */
#ifndef TW_CFG_SETTINGS_H
#define TW_CFG_SETTINGS_H

#include "cfg/cfg.h"
#include "cfg/value.h"

/* From the weakest on. BARE: a name of the environment that another program may have set. */
enum tw_source { TW_SOURCE_DEFAULT, TW_SOURCE_FILE, TW_SOURCE_BARE, TW_SOURCE_ENVIRONMENT, TW_SOURCE_FLAG };

static inline bool tw_source_is_variable(enum tw_source source)
{
    return source == TW_SOURCE_BARE || source == TW_SOURCE_ENVIRONMENT;
}

struct tw_place { /* where a value stands */
    enum tw_source source;
    const char *name; /* file, variable or option; borrowed */
    uint32_t line;    /* of a file */
};

struct tw_setting {
    const struct tw_key *key;
    char *name; /* of a feed, or of the symbol or account of an exception; decoded; NULL for a plain key */
    char *text; /* canonical */
    int64_t number;
    enum tw_source source;
    uint32_t line; /* of a file */
    char *place;   /* as people see it: "default", "tapewarden.zpl:12", "env NAME", "flag" */
    size_t order;  /* of its putting; the last one wins */
    size_t first;  /* of the first putting of that key and name: the order of a file */
};

struct tw_cfg {
    struct tw_setting plain[TW_KEY_COUNT]; /* unused for NAMED rows */
    struct tw_setting *named;              /* feeds and exceptions; after the loading sorted and each once */
    size_t named_count, named_capacity, puts;
    char **warnings;
    size_t warning_count;
    struct tw_sheet *sheets[TW_SHEET_COUNT]; /* of receivers, whether they are configured or not */
};

/* Sets one key from text. False with *error set: unknown, not available, malformed, out of bounds, doubled in a file.
 */
bool tw_cfg_put(struct tw_cfg *cfg, const struct tw_place *place, const char *key, size_t key_length, const char *value,
                size_t value_length, struct tw_cfg_error *error);
/* The same when the row is known already. */
bool tw_cfg_put_match(struct tw_cfg *cfg, const struct tw_place *place, const struct tw_key_match *match,
                      const char *value, size_t value_length, struct tw_cfg_error *error);
void tw_cfg_warn(struct tw_cfg *cfg, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A sentence that begins with the place. Always false. */
bool tw_cfg_fail(struct tw_cfg_error *error, const struct tw_place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The text of a file as it is, `name` for messages. */
bool tw_cfg_put_file_text(struct tw_cfg *cfg, const char *name, const char *text, size_t length,
                          struct tw_cfg_error *error);
bool tw_cfg_put_environment(struct tw_cfg *cfg, const char *const *environ_, struct tw_cfg_error *error);

/* Sorts the named settings and keeps the last of each; `in_one_file`: two of the same are an error. */
bool tw_cfg_settle(struct tw_cfg *cfg, bool in_one_file, const char *file, struct tw_cfg_error *error);
/* Secrets by <secret>_file; after settling, and before settling once more. */
bool tw_cfg_read_secrets(struct tw_cfg *cfg, struct tw_cfg_error *error);
/* What no row alone can see: one key against another, the time zone against this machine. */
bool tw_cfg_check_whole(struct tw_cfg *cfg, struct tw_cfg_error *error);

/* Texts of receivers, from files or built in (cfg/sheets.c); the last step of loading. */
bool tw_cfg_read_sheets(struct tw_cfg *cfg, struct tw_cfg_error *error);

/* Whether the routes make a tree whose receivers there are (cfg/routes.c). */
bool tw_cfg_check_routes(const struct tw_cfg *cfg, struct tw_cfg_error *error);
/* Whether rules of inhibition are whole (cfg/inhibitions.c). */
bool tw_cfg_check_inhibitions(const struct tw_cfg *cfg, struct tw_cfg_error *error);
/* Whether a receiver of that name is configured. */
bool tw_cfg_is_receiver(const struct tw_cfg *cfg, const char *name);

/* "rules/velocity/threshold@A%20B" of a setting. */
void tw_setting_key(const struct tw_setting *setting, char out[TW_KEY_BYTES_MAX]);
/* Always false: where it stands, its key, its value, and why that cannot be; exit code 2. */
bool tw_setting_fail(struct tw_cfg_error *error, const struct tw_setting *setting, const char *why);

#endif
