/* SPDX-License-Identifier: MIT
 *
 * Memory of ours changes hands inside libzmq, which Debian builds without instrumentation: ThreadSanitizer cannot see
 * it. These two say so, in that order, on the same address; in other builds they do nothing. They order nothing by
 * themselves: that is libzmq's part.
 */
#ifndef TW_RUNTIME_HAND_OVER_H
#define TW_RUNTIME_HAND_OVER_H

#if defined(__SANITIZE_THREAD__)
#define TW_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TW_THREAD_SANITIZER 1
#endif
#endif

#ifdef TW_THREAD_SANITIZER
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define TW_HAND_OVER(address) __tsan_release(address)
#define TW_TAKE_OVER(address) __tsan_acquire(address)
#else
#define TW_HAND_OVER(address) (void)(address)
#define TW_TAKE_OVER(address) (void)(address)
#endif

#endif
