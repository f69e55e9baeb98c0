/* SPDX-License-Identifier: MIT
 *
 * The end of a process whose invariant broke, and memory that is always there.
 */
#include "protocol/check.h"

#include <stdbool.h>
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

/* From the kernel, untouched, so that only what is used takes memory, and freed at once: malloc would keep what was
 * freed, and the room that aligning takes with it. */
static void *alloc_huge(size_t length)
{
    char *begin = mmap(NULL, length + TW_HUGE_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    there_or_end(begin == MAP_FAILED ? NULL : begin, length);
    size_t before = (size_t)(-(uintptr_t)begin % TW_HUGE_PAGE_BYTES), behind = TW_HUGE_PAGE_BYTES - before;
    char *memory = begin + before;
    if (before > 0)
        (void)munmap(begin, before);
    (void)munmap(memory + length, behind);
    (void)madvise(memory, length, MADV_HUGEPAGE); /* a kernel without them says no, and nothing is lost */
    return memory;
}

static bool is_huge(size_t count, size_t bytes)
{
    return count * bytes >= TW_HUGE_PAGE_BYTES;
}

void *tw_alloc_lines(size_t count, size_t bytes)
{
    if (is_huge(count, bytes))
        return alloc_huge(rounded(count, bytes, TW_HUGE_PAGE_BYTES));
    size_t length = rounded(count, bytes, 64);
    void *memory = there_or_end(aligned_alloc(64, at_least_one(length)), length);
    memset(memory, 0, length);
    return memory;
}

void tw_free_lines(void *memory, size_t count, size_t bytes)
{
    if (memory == NULL || !is_huge(count, bytes))
        free(memory);
    else
        (void)munmap(memory, rounded(count, bytes, TW_HUGE_PAGE_BYTES));
}

char *tw_strndup(const char *text, size_t length)
{
    char *copy = tw_alloc(length + 1);
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}
