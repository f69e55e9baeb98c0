/* SPDX-License-Identifier: MIT
 *
 * One value of a key: read, checked against its row, and written back in the one canonical form. Pure.
 */
#ifndef TW_CFG_VALUE_H
#define TW_CFG_VALUE_H

#include "cfg/keys.h"

#define TW_VALUE_BYTES_MAX 1024u  /* NUL included */
#define TW_SECRET_BYTES_MAX 4097u /* of a secret text: session tokens of AWS have no bound */
#define TW_VALUE_WHY_BYTES 256u

struct tw_value {
    int64_t number; /* in the unit of the type; 0 for texts */
    char text[TW_SECRET_BYTES_MAX];
};

/* False with the end of a sentence in `why` ("must be 1 to 86400 (seconds)"). */
bool tw_value_read(const struct tw_key *key, const char *text, size_t length, struct tw_value *out,
                   char why[TW_VALUE_WHY_BYTES]);
/* What the key takes, for people: "1 to 86400", "on or off". */
void tw_value_bounds(const struct tw_key *key, char *out, size_t bytes);

/* Endpoints (cfg/endpoint.c): NULL if good, else the end of a sentence. */
const char *tw_endpoint_bind_fault(const char *text);
const char *tw_endpoint_connect_fault(const char *text);
const char *tw_endpoint_address_fault(const char *text);
const char *tw_endpoint_syslog_fault(const char *text); /* "/dev/log", "udp:192.0.2.7:514", "tcp:..." */

/* Addresses and keys of receivers (cfg/receiver_value.c): what they look like, and whether a text is one. */
const char *tw_receiver_value_form(enum tw_key_type type);
bool tw_receiver_value_good(enum tw_key_type type, const char *text);

#endif
