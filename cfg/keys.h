/* SPDX-License-Identifier: MIT
 *
 * The table of keys (cfg/keys.def) as data, and the ways to find a row: by key, by environment name, by likeness.
 * Private to cfg/ and its tests.
 */
#ifndef TW_CFG_KEYS_H
#define TW_CFG_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/limits.h"

enum tw_key_type {
    TW_TYPE_BIND,       /* endpoint to bind: tcp on loopback, or ipc */
    TW_TYPE_CONNECT,    /* endpoint to connect to: tcp or ipc */
    TW_TYPE_ADDRESS,    /* host:port */
    TW_TYPE_PATH,       /* file or directory */
    TW_TYPE_TEXT,       /* anything printable */
    TW_TYPE_INTEGER,    /* whole number */
    TW_TYPE_DECIMAL_E8, /* decimal, up to 8 digits behind the point, held in 1e-8 */
    TW_TYPE_DECIMAL_E4, /* up to 4, in 1e-4 */
    TW_TYPE_DECIMAL_E3, /* up to 3, in 1e-3 */
    TW_TYPE_SWITCH,     /* on or off, held as 1 or 0 */
    TW_TYPE_CHOICE,     /* one of the words, held as its place */
    TW_TYPE_CLOCK,      /* HH:MM, held as seconds of the day */
    TW_TYPE_ZONE,       /* IANA time zone */
    TW_TYPE_CURRENCY,   /* 3 to 8 of A-Z0-9 */
    TW_TYPE_URL,        /* http or https */
    TW_TYPE_KEYS,       /* signing keys of Standard Webhooks, spaces between */
    TW_TYPE_HOST,       /* name or address of a server */
    TW_TYPE_MAILBOX,    /* a mail address */
    TW_TYPE_MAILBOXES,  /* several, commas between */
    TW_TYPE_MATCHERS,   /* which alerts are meant (protocol/matcher.h) */
    TW_TYPE_NAME,       /* of a route */
    TW_TYPE_NAMES,      /* of receivers, spaces between */
    TW_TYPE_HOURS,      /* of the week (protocol/hours.h) */
    TW_TYPE_LABELS      /* of alerts (protocol/matcher.h), spaces between; or all, or none */
};

enum tw_key_flag {
    TW_KEY_ALERT = 1,
    TW_KEY_SECRET = 2,
    TW_KEY_LATER = 4,
    TW_KEY_NAMED = 8,
    TW_KEY_ZERO = 16,
    TW_KEY_OF_SYMBOL = 32,
    TW_KEY_OF_ACCOUNT = 64,
    TW_KEY_OF_EITHER = 128
};
#define TW_KEY_OVERRIDABLE (TW_KEY_OF_SYMBOL | TW_KEY_OF_ACCOUNT | TW_KEY_OF_EITHER)

enum tw_key_id {
#define TW_KEY(id, key, type, low, high, choices, standard, unit, flags, meaning) TW_KEY_ID_##id,
#include "cfg/keys.def"
    TW_KEY_COUNT
};

struct tw_key {
    const char *name; /* "rules/velocity/window"; in a NAMED section a star is where the name stands */
    enum tw_key_type type;
    int64_t low, high;
    const char *choices, *standard, *unit, *meaning;
    unsigned flags;
};

#define TW_KEY_BYTES_MAX 256u /* the longest key: its row, '@' and 32 percent-encoded bytes take 130 */

extern const struct tw_key tw_keys[TW_KEY_COUNT];

/* A key as somebody wrote it, taken apart. */
struct tw_key_match {
    const struct tw_key *key;
    const char *suffix; /* behind '@' or, in a NAMED section, in place of the star; borrowed; NULL for a plain key */
    size_t suffix_length;
};

enum tw_key_found {
    TW_KEY_FOUND,
    TW_KEY_UNKNOWN,
    TW_KEY_NOT_OVERRIDABLE /* known, but takes no @NAME */
};
enum tw_key_found tw_key_find(const char *text, size_t length, struct tw_key_match *out);
/* A plain key of the table by its exact name, or NULL. */
const struct tw_key *tw_key_by_name(const char *name);
/* Whether keys begin with `text` and '/'. */
bool tw_key_is_section(const char *text, size_t length);
/* The first sentence on a top-level section, or "" . */
const char *tw_key_section_sentence(const char *section, size_t length);

/* The known key most like `text` (Damerau-Levenshtein), with the suffix that `text` has. */
void tw_key_nearest(const char *text, size_t length, char out[TW_KEY_BYTES_MAX]);
/* The section (of any level) most like `text`. */
void tw_key_nearest_section(const char *text, size_t length, char out[TW_KEY_BYTES_MAX]);

/* A key with a name in it, as people write it. */
void tw_key_with_name(const struct tw_key *key, const char *name, size_t length, char out[TW_KEY_BYTES_MAX]);

/* "TAPEWARDEN_RULES__VELOCITY__WINDOW"; in a NAMED section with a star for the name. */
void tw_key_environment_name(const struct tw_key *key, char out[TW_KEY_BYTES_MAX]);

/* Names in keys: bytes outside A-Za-z0-9_.-/ are written %XX. Decode returns the length, or -1 where an escape is
 * malformed, a byte should have been escaped, or `out_bytes` do not hold name and NUL. */
bool tw_key_name_byte_plain(unsigned char byte);
int tw_key_name_decode(const char *text, size_t length, char *out, size_t out_bytes);
void tw_key_name_encode(const char *name, size_t length, char *out, size_t out_bytes);
/* Whether the decoded name suits the key; if not, `why` ends the sentence. */
bool tw_key_name_valid(const struct tw_key *key, const char *name, size_t length, const char **why);

#endif
