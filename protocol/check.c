/* SPDX-License-Identifier: MIT
 *
 * The end of a process whose invariant broke, and memory that is always there.
 */
#include "protocol/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void tw_check_failed(const char *what, const char *file, int line, const char *function)
{
    fprintf(stderr, "tapewarden: %s (%s, %s:%d)\n", what, function, file, line);
    fflush(stderr);
    abort();
}

static void *there_or_end(void *memory, size_t bytes)
{
    if (memory != NULL)
        return memory;
    fprintf(stderr, "tapewarden: out of memory for %zu bytes\n", bytes);
    fflush(stderr);
    abort();
}

/* malloc(0) may answer NULL, which is not an error: ask for one byte instead. */
static size_t at_least_one(size_t bytes)
{
    return bytes == 0 ? 1 : bytes;
}

void *tw_alloc(size_t bytes)
{
    return there_or_end(malloc(at_least_one(bytes)), bytes);
}

void *tw_alloc_zero(size_t count, size_t bytes)
{
    /* calloc itself refuses a product that overflows. */
    return there_or_end(calloc(at_least_one(count), at_least_one(bytes)), bytes);
}

void *tw_realloc(void *memory, size_t bytes)
{
    return there_or_end(realloc(memory, at_least_one(bytes)), bytes);
}

char *tw_strndup(const char *text, size_t length)
{
    char *copy = tw_alloc(length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
