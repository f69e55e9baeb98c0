/* SPDX-License-Identifier: MIT
 *
 * The bytes of a file, plain or gzip (several members too), as a stream. One owner; reading may block.
 */
#ifndef TW_TOOLS_TAPE_INPUT_H
#define TW_TOOLS_TAPE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tw_tape_input;

/* Takes the descriptor, from where it stands. `name` is for messages, borrowed. */
struct tw_tape_input *tw_tape_input_new(int descriptor, const char *name);
/* Bytes in memory, borrowed: tests and fuzzing. */
struct tw_tape_input *tw_tape_input_over(const void *bytes, size_t length);
void tw_tape_input_free(struct tw_tape_input **input);

/* Before a read that would wait, as of a pipe that has no more for now, `wait` is called. It comes back when the
 * descriptor has something, or its end; false: reading is given up, which is an error. */
typedef bool (*tw_tape_input_wait)(void *context, int descriptor);
void tw_tape_input_on_wait(struct tw_tape_input *input, tw_tape_input_wait wait, void *context);

/* Up to `room` decompressed bytes; 0: the end; -1: an error, see tw_tape_input_error. */
ptrdiff_t tw_tape_input_read(struct tw_tape_input *input, void *out, size_t room);
const char *tw_tape_input_error(const struct tw_tape_input *input);
/* Back to the front; false if the file cannot. */
bool tw_tape_input_rewind(struct tw_tape_input *input);
/* Bytes of the file read so far, and its size (0: unknown). */
uint64_t tw_tape_input_position(const struct tw_tape_input *input);
uint64_t tw_tape_input_size(const struct tw_tape_input *input);

#endif
