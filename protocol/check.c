/* SPDX-License-Identifier: MIT
 *
 * The end of a process whose invariant broke, and memory that is always there.
 */
#include "protocol/check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

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

static size_t rounded(size_t count, size_t bytes, size_t unit)
{
    TW_ASSERT(count < (size_t)-1 / TW_HUGE_PAGE_BYTES / (bytes + 1));
    return (count * bytes + unit - 1) / unit * unit;
}

/* Untouched, as calloc gets it from the kernel, so that only what is used takes memory. Where it really begins stands
 * right before it. */
static void *alloc_huge(size_t length)
{
    char *begin = tw_alloc_zero(1, length + TW_HUGE_PAGE_BYTES);
    char *memory = begin + (TW_HUGE_PAGE_BYTES - (uintptr_t)begin % TW_HUGE_PAGE_BYTES);
    TW_ASSERT((size_t)(memory - begin) >= sizeof begin);
    memcpy(memory - sizeof begin, &begin, sizeof begin);
    (void)madvise(memory, length, MADV_HUGEPAGE); /* a kernel without them says no, and nothing is lost */
    return memory;
}

void *tw_alloc_lines(size_t count, size_t bytes)
{
    if (count * bytes >= TW_HUGE_PAGE_BYTES)
        return alloc_huge(rounded(count, bytes, TW_HUGE_PAGE_BYTES));
    size_t length = rounded(count, bytes, 64);
    void *memory = there_or_end(aligned_alloc(64, at_least_one(length)), length);
    memset(memory, 0, length);
    return memory;
}

void tw_free_lines(void *memory, size_t count, size_t bytes)
{
    if (memory != NULL && count * bytes >= TW_HUGE_PAGE_BYTES)
        memcpy(&memory, (char *)memory - sizeof memory, sizeof memory);
    free(memory);
}

char *tw_strndup(const char *text, size_t length)
{
    char *copy = tw_alloc(length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
