/* SPDX-License-Identifier: MIT
 *
 * CZMQ around all tests of a process, for cmocka_run_group_tests: it does not survive a second zsys_init (its mutexes
 * stay destroyed), and takes no signals.
 */
#ifndef TW_TEST_CZMQ_ONCE_H
#define TW_TEST_CZMQ_ONCE_H

#include <czmq.h>

static inline int czmq_begin(void **state)
{
    (void)state;
    zsys_handler_set(NULL);
    zsys_init();
    return 0;
}

static inline int czmq_finish(void **state)
{
    (void)state;
    zsys_shutdown();
    return 0;
}

#endif
