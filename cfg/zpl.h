/* SPDX-License-Identifier: MIT
 *
 * A reader for ZPL (ZeroMQ RFC 4), stricter than CZMQ's zconfig, which truncates a value at '#', lets the first of two
 * equal keys win in silence, and passes what it does not understand. cfg/README.md has the grammar. Pure.
 */
#ifndef TW_CFG_ZPL_H
#define TW_CFG_ZPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tw_zpl_entry {
    char *key;   /* levels joined by '/' */
    char *value; /* NULL: a section with nothing in it */
    uint32_t line;
    uint32_t level;
};

struct tw_zpl {
    struct tw_zpl_entry *entries; /* in the order of the file */
    size_t count, capacity;
};

struct tw_zpl_error {
    uint32_t line;
    char why[192];
};

/* False with *error set; then *out is empty. Otherwise the caller frees with tw_zpl_clear. */
bool tw_zpl_parse(const char *text, size_t length, struct tw_zpl *out, struct tw_zpl_error *error);
void tw_zpl_clear(struct tw_zpl *zpl);

#endif
