/* SPDX-License-Identifier: MIT
 *
 * Receivers answer in words, which go to the log, the ledger and the eye; and some repeat what they were sent: an error
 * page quotes the path of the URL, a mail server the login that it refused. Here secrets are taken out of such words,
 * in whatever form they travelled.
 *
 * Pure. One owner.
 */
#ifndef TW_DELIVERY_DISCRETION_H
#define TW_DELIVERY_DISCRETION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TW_SECRETS_MAX 48u
#define TW_SECRET_BYTES_MIN 4u         /* a shorter one would hide half of all words */
#define TW_SECRET_SEGMENT_BYTES_MIN 8u /* of a URL's path, alone */

struct tw_secrets { /* zero-initialise; tw_secrets_free */
    struct tw_secret {
        char *bytes;
        size_t length;
    } list[TW_SECRETS_MAX];
    uint32_t count; /* longest first */
};

/* The text and, where they differ, its forms with percent signs undone and with JSON's escaped slashes. Too short: not
 * added; beyond TW_SECRETS_MAX the shortest go. */
void tw_secrets_add(struct tw_secrets *secrets, const char *text, size_t length);
/* All of a URL behind its host, each longer segment of the path, each value of the query, and its login. */
void tw_secrets_add_url(struct tw_secrets *secrets, const char *url);
/* The password, and both as AUTH PLAIN, AUTH LOGIN and HTTP's Basic send them. */
void tw_secrets_add_login(struct tw_secrets *secrets, const char *user, const char *password);
void tw_secrets_free(struct tw_secrets *secrets);

/* Puts "***" in the place of each; in place, returns the new length, which is no longer. `cut`: the text goes on beyond
 * its end, so a secret's beginning there goes as well. */
size_t tw_hide_secrets(const struct tw_secrets *secrets, char *text, size_t length, bool cut);

#endif
