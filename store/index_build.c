/* SPDX-License-Identifier: MIT
 *
 * Runs of the indexes, built behind the log.
 */
#include <stdlib.h>

#include "store/inside.h"

void tw_index_builder_free(struct tw_index_builder **builder)
{
    free(*builder);
    *builder = NULL;
}
