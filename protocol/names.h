/* SPDX-License-Identifier: MIT
 *
 * Which names are allowed (CONTRACT: "A trade"), and the dictionary that turns them into small dense integers.
 */
#ifndef TW_PROTOCOL_NAMES_H
#define TW_PROTOCOL_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/trade.h"

bool tw_name_symbol_valid(struct tw_text name);    /* 1-32 printable ASCII, no space */
bool tw_name_account_valid(struct tw_text name);   /* 1-32 bytes UTF-8, no control characters */
bool tw_name_publisher_valid(struct tw_text name); /* 1-32 of A-Za-z0-9_-, not starting with _ */
bool tw_name_id_valid(struct tw_text name);        /* 1-64 bytes UTF-8, no control characters */
bool tw_name_party_valid(struct tw_text name);     /* 1-32 bytes UTF-8, no control characters */
bool tw_name_topic_valid(struct tw_text name);     /* 1-64 of A-Za-z0-9_- */
bool tw_name_note_valid(struct tw_text note);      /* 1-1000 bytes UTF-8, no control characters but line feeds */

/* String <-> dense id from 1. One owner, one thread. A name may carry a tag (a source's incarnation; 0 otherwise) that
 * is part of its identity. Names are copied; the text returned stays valid as long as the dictionary. */
struct tw_dictionary;
struct tw_dictionary *tw_dictionary_new(uint32_t limit);
void tw_dictionary_free(struct tw_dictionary **dictionary);
uint32_t tw_dictionary_find(const struct tw_dictionary *dictionary, struct tw_text name, uint32_t tag); /* 0: unknown */
/* Id of the name, added if new (*added says so); 0 if the limit is reached. */
uint32_t tw_dictionary_intern(struct tw_dictionary *dictionary, struct tw_text name, uint32_t tag, bool *added);
struct tw_text tw_dictionary_name(const struct tw_dictionary *dictionary, uint32_t id); /* id must be known */
uint32_t tw_dictionary_tag(const struct tw_dictionary *dictionary, uint32_t id);
uint32_t tw_dictionary_count(const struct tw_dictionary *dictionary);

#endif
