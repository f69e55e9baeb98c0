/* SPDX-License-Identifier: MIT
 *
 * The daemon's log: one line a fact on stderr, plain or JSON. Any thread; one write(2) a line.
 */
#ifndef TW_RUNTIME_LOG_H
#define TW_RUNTIME_LOG_H

#include <stdbool.h>

/* NOTICE is said whatever the level: that the daemon is ready, that it has stopped. */
enum tw_log_level { TW_LOG_NOTICE = -1, TW_LOG_ERROR, TW_LOG_WARNING, TW_LOG_INFO, TW_LOG_DEBUG };

void tw_log_configure(enum tw_log_level level, bool json);
/* The sentence; keep values at its end as key=value. */
void tw_log(enum tw_log_level level, const char *actor, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
