/* SPDX-License-Identifier: MIT
 *
 * Failure has three words. A broken invariant aborts with its context (TW_ASSERT, on in Release too); the outside
 * world (wire, disk, people) returns a status; a branch that cannot be reached says so (TW_UNREACHABLE).
 */
#ifndef TW_PROTOCOL_CHECK_H
#define TW_PROTOCOL_CHECK_H

#include <stddef.h>

_Noreturn void tw_check_failed(const char *what, const char *file, int line, const char *function);

#define TW_ASSERT(condition)                                                                                           \
    ((condition) ? (void)0 : tw_check_failed("assertion failed: " #condition, __FILE__, __LINE__, __func__))
#define TW_UNREACHABLE(what) tw_check_failed("reached the unreachable: " what, __FILE__, __LINE__, __func__)

/* Memory that is not there ends the process with a message: no caller could do better. */
void *tw_alloc(size_t bytes);                    /* uninitialised */
void *tw_alloc_zero(size_t count, size_t bytes); /* zeroed */
void *tw_realloc(void *memory, size_t bytes);
/* Zeroed, begins with a cache line (64 bytes); from the size of a huge page on it may be made of such. */
#define TW_HUGE_PAGE_BYTES ((size_t)2 << 20)
void *tw_alloc_lines(size_t count, size_t bytes);
void tw_free_lines(void *memory, size_t count, size_t bytes); /* as when it was made; NULL does nothing */
char *tw_strndup(const char *text, size_t length);

#endif
