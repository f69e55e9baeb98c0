/* SPDX-License-Identifier: MIT
 *
 * How like two names are, for "did you mean". Pure.
 */
#ifndef TW_PROTOCOL_LIKENESS_H
#define TW_PROTOCOL_LIKENESS_H

#include <stddef.h>

/* Edits between two texts: insert, delete, replace, swap of neighbours. Only the first 127 bytes count. */
unsigned tw_likeness_distance(const char *a, size_t a_length, const char *b, size_t b_length);

#endif
