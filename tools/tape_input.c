/* SPDX-License-Identifier: MIT
 *
 * The bytes of a file, plain or gzip.
 */
#include "tools/tape_input.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "protocol/check.h"

#define INPUT_BYTES (256u * 1024u)
#define GZIP_WINDOW_BITS (15 + 16) /* a gzip header is expected, nothing else */

enum form { FORM_UNKNOWN, FORM_PLAIN, FORM_GZIP };

struct tw_tape_input {
    int descriptor; /* -1: bytes in memory */
    const char *name;
    const uint8_t *memory;
    size_t memory_length;
    enum form form;
    off_t start; /* of the descriptor when it was taken: what lies before is somebody else's */
    uint64_t position, size;
    z_stream zlib;
    bool inflating;  /* zlib is set up */
    bool in_member;  /* a gzip member has begun and not ended */
    bool padded;     /* zeros have come behind the last one */
    bool at_end;     /* the file has no more */
    uint8_t *buffer; /* raw bytes, not consumed: from `first` to `first + held` */
    size_t first, held;
    tw_tape_input_wait wait; /* NULL: a read may wait */
    void *wait_context;
    char error[256];
};

static struct tw_tape_input *input_new(void)
{
    struct tw_tape_input *input = tw_alloc_zero(1, sizeof *input);
    input->buffer = tw_alloc(INPUT_BYTES);
    input->descriptor = -1;
    return input;
}

struct tw_tape_input *tw_tape_input_new(int descriptor, const char *name)
{
    struct tw_tape_input *input = input_new();
    struct stat status;
    input->descriptor = descriptor;
    input->name = name;
    off_t start = lseek(descriptor, 0, SEEK_CUR);
    input->start = start > 0 ? start : 0;
    if (fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > input->start)
        input->size = (uint64_t)(status.st_size - input->start);
    return input;
}

struct tw_tape_input *tw_tape_input_over(const void *bytes, size_t length)
{
    struct tw_tape_input *input = input_new();
    input->name = "memory";
    input->memory = bytes;
    input->memory_length = length;
    input->size = length;
    return input;
}

void tw_tape_input_free(struct tw_tape_input **input_pointer)
{
    struct tw_tape_input *input = *input_pointer;
    if (input == NULL)
        return;
    if (input->inflating)
        inflateEnd(&input->zlib);
    if (input->descriptor >= 0)
        close(input->descriptor);
    free(input->buffer);
    free(input);
    *input_pointer = NULL;
}

static ptrdiff_t fail(struct tw_tape_input *input, const char *what)
{
    snprintf(input->error, sizeof input->error, "%s: %s", input->name, what);
    return -1;
}

void tw_tape_input_on_wait(struct tw_tape_input *input, tw_tape_input_wait wait, void *context)
{
    input->wait = wait;
    input->wait_context = context;
}

static bool may_read(struct tw_tape_input *input)
{
    struct pollfd descriptor = {.fd = input->descriptor, .events = POLLIN};
    return input->wait == NULL || poll(&descriptor, 1, 0) != 0 || input->wait(input->wait_context, input->descriptor) ||
           fail(input, "was not read to its end") == 0;
}

/* More raw bytes behind what is held. False on an error. */
static bool fill(struct tw_tape_input *input)
{
    if (input->held > 0 && input->first > 0)
        memmove(input->buffer, input->buffer + input->first, input->held);
    input->first = 0;
    size_t room = INPUT_BYTES - input->held;
    ptrdiff_t got;
    if (input->descriptor < 0) {
        size_t left = input->memory_length - (size_t)input->position;
        got = (ptrdiff_t)(left < room ? left : room);
        if (got > 0)
            memcpy(input->buffer + input->held, input->memory + input->position, (size_t)got);
    } else {
        if (!may_read(input))
            return false;
        do
            got = read(input->descriptor, input->buffer + input->held, room);
        while (got < 0 && errno == EINTR);
    }
    if (got < 0) {
        fail(input, strerror(errno));
        return false;
    }
    input->at_end = got == 0;
    input->held += (size_t)got;
    input->position += (uint64_t)got;
    return true;
}

/* Two bytes tell gzip from text. */
static bool recognise(struct tw_tape_input *input)
{
    while (input->held < 2 && !input->at_end)
        if (!fill(input))
            return false;
    bool gzip = input->held >= 2 && input->buffer[input->first] == 0x1f && input->buffer[input->first + 1] == 0x8b;
    input->form = gzip ? FORM_GZIP : FORM_PLAIN;
    if (!gzip)
        return true;
    if (inflateInit2(&input->zlib, GZIP_WINDOW_BITS) != Z_OK)
        return fail(input, "zlib cannot be set up") == 0;
    input->inflating = input->in_member = true;
    return true;
}

static ptrdiff_t read_plain(struct tw_tape_input *input, void *out, size_t room)
{
    if (input->held == 0 && !fill(input))
        return -1;
    size_t length = input->held < room ? input->held : room;
    if (length > 0)
        memcpy(out, input->buffer + input->first, length);
    input->first += length;
    input->held -= length;
    return (ptrdiff_t)length;
}

/* Whatever inflate makes of the bytes held; 0 if it needs more. */
static ptrdiff_t inflate_some(struct tw_tape_input *input, void *out, size_t room)
{
    z_stream *zlib = &input->zlib;
    zlib->next_in = input->buffer + input->first;
    zlib->avail_in = (uInt)input->held;
    zlib->next_out = out;
    zlib->avail_out = room > UINT32_MAX ? UINT32_MAX : (uInt)room;
    uInt offered = zlib->avail_out;
    int result = inflate(zlib, Z_NO_FLUSH);
    input->first += input->held - zlib->avail_in;
    input->held = zlib->avail_in;
    if (result == Z_STREAM_END)
        input->in_member = false;
    else if (result != Z_OK && result != Z_BUF_ERROR)
        return fail(input, "damaged gzip data");
    return (ptrdiff_t)(offered - zlib->avail_out);
}

/* Behind the members there may be zeros, as what writes whole blocks leaves them, and then nothing else. False: there
 * is. */
static bool skip_padding(struct tw_tape_input *input)
{
    while (input->held > 0 && input->buffer[input->first] == 0) {
        input->padded = true;
        input->first++;
        input->held--;
    }
    return !input->padded || input->held == 0;
}

static ptrdiff_t read_gzip(struct tw_tape_input *input, void *out, size_t room)
{
    for (;;) {
        if (input->held == 0 && !input->at_end && !fill(input))
            return -1;
        if (input->held == 0 && input->at_end)
            return input->in_member ? fail(input, "the gzip data ends too early") : 0;
        if (!input->in_member) {
            if (!skip_padding(input))
                return fail(input, "damaged gzip data");
            if (input->padded)
                continue;
            inflateReset(&input->zlib);
            input->in_member = true;
        }
        ptrdiff_t length = inflate_some(input, out, room);
        if (length != 0)
            return length;
    }
}

ptrdiff_t tw_tape_input_read(struct tw_tape_input *input, void *out, size_t room)
{
    if (input->form == FORM_UNKNOWN && !recognise(input))
        return -1;
    return input->form == FORM_PLAIN ? read_plain(input, out, room) : read_gzip(input, out, room);
}

const char *tw_tape_input_error(const struct tw_tape_input *input)
{
    return input->error;
}

bool tw_tape_input_rewind(struct tw_tape_input *input)
{
    if (input->descriptor >= 0 && lseek(input->descriptor, input->start, SEEK_SET) < 0)
        return fail(input, errno == ESPIPE ? "a pipe cannot be read twice, for its name; it needs --as NAME"
                                           : strerror(errno)) == 0;
    if (input->inflating)
        inflateEnd(&input->zlib);
    input->inflating = input->in_member = input->padded = input->at_end = false;
    input->form = FORM_UNKNOWN;
    input->position = 0;
    input->first = input->held = 0;
    return true;
}

uint64_t tw_tape_input_position(const struct tw_tape_input *input)
{
    return input->position;
}

uint64_t tw_tape_input_size(const struct tw_tape_input *input)
{
    return input->size;
}
