/* SPDX-License-Identifier: MIT
 *
 * Any text as matchers, against any entity. Held to: it ends soon and in little memory, whatever the expression; what
 * is refused is said in a sentence; a negated matcher says the opposite; an expression of plain letters is equality.
 *
 * Input: the entity's length, the entity, the matchers.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/matcher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_BYTES_MAX 1023u /* of a value in the configuration */

/* 1: holds, 0: does not, -1: it is refused. */
static int ask(const char *text, struct tw_text entity)
{
    char why[TW_MATCHER_WHY_BYTES] = "";
    static const struct tw_text other = {"X", 1};
    struct tw_labels labels = {{other, other, other, entity, other, other}};
    struct tw_matchers *matchers = tw_matchers_read(text, why);
    TW_ASSERT((matchers == NULL) == (why[0] != '\0'));
    int answer = matchers == NULL ? -1 : tw_matchers_against(matchers, &labels) == NULL ? 1 : 0;
    tw_matchers_free(&matchers);
    return answer;
}

static int ask_entity(const char *comparison, const char *value, struct tw_text entity)
{
    char text[TEXT_BYTES_MAX + 16];
    snprintf(text, sizeof text, "entity%s%s", comparison, value);
    return ask(text, entity);
}

static bool is_plain(const char *value)
{
    while (isalnum((unsigned char)*value))
        value++;
    return *value == '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[TEXT_BYTES_MAX + 1], bytes[64];
    uint32_t length = size == 0 ? 0 : data[0] % sizeof bytes;
    if (size < length + 1u || size - length - 1 > TEXT_BYTES_MAX)
        return 0;
    memcpy(bytes, data + 1, length);
    memcpy(text, data + 1 + length, size - length - 1);
    text[size - length - 1] = '\0';
    if (memchr(bytes, '\0', length) != NULL) /* no name has one */
        return 0;
    struct tw_text entity = {bytes, length};
    (void)ask(text, entity);
    if (text[0] == '\0' || strchr(text, ' ') != NULL)
        return 0;
    int matches = ask_entity("=~", text, entity), differs = ask_entity("!~", text, entity);
    TW_ASSERT(matches < 0 ? differs < 0 : matches + differs == 1);
    if (is_plain(text) && strlen(text) <= 128)
        TW_ASSERT(matches == ask_entity("=", text, entity));
    return 0;
}
