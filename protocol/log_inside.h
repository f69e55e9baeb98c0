/* SPDX-License-Identifier: MIT
 *
 * What the files of the log codec share, and nobody else uses: log.c (accessors), log_decode.c (structure),
 * log_check.c (values), log_encode.c.
 */
#ifndef TW_PROTOCOL_LOG_INSIDE_H
#define TW_PROTOCOL_LOG_INSIDE_H

#include "protocol/log.h"
#include "protocol/pack.h"

#define TW_LOG_POSITION_BYTES 12u /* uint32 source, uint64 next */
#define TW_LOG_CODE_BYTES_MAX 32u

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "columns are read as they lie in the record");

/* One element of a list at the cursor; false if it has not this shape. */
bool tw_log_read_name(struct tw_unpacker *cursor, struct tw_new_name *out);
bool tw_log_read_refusal(struct tw_unpacker *cursor, struct tw_refusal *out);

/* Whether the values of a well-formed record make sense; NULL, or what does not. */
const char *tw_log_check_block(const struct tw_block *block);
const char *tw_log_check_control(const struct tw_control *control);

#endif
