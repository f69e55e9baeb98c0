/* SPDX-License-Identifier: MIT
 *
 * Names and meanings of the status codes, from the one table.
 */
#include "protocol/status.h"

#include <string.h>

#include "protocol/check.h"

struct code_row {
    const char *name, *meaning;
};

static const struct code_row ROWS[TW_CODE_COUNT] = {[TW_OK] = {"ok", "accepted"},
#define CODE_ROW(symbol, name, meaning) [TW_REFUSED_##symbol] = {name, meaning},
                                                    TW_REFUSAL_CODES(CODE_ROW)
#undef CODE_ROW
#define CODE_ROW(symbol, name, meaning) [TW_HOLD_##symbol] = {name, meaning},
                                                        TW_HOLD_CODES(CODE_ROW)
#undef CODE_ROW
};

const char *tw_code_name(enum tw_code code)
{
    TW_ASSERT((unsigned)code < TW_CODE_COUNT);
    return ROWS[code].name;
}

const char *tw_code_meaning(enum tw_code code)
{
    TW_ASSERT((unsigned)code < TW_CODE_COUNT);
    return ROWS[code].meaning;
}

enum tw_code tw_code_from_name(const char *name, unsigned long length)
{
    for (unsigned code = 0; code < TW_CODE_COUNT; code++)
        if (strlen(ROWS[code].name) == length && memcmp(ROWS[code].name, name, length) == 0)
            return (enum tw_code)code;
    return TW_CODE_COUNT;
}
