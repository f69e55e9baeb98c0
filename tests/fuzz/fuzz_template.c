/* SPDX-License-Identifier: MIT
 *
 * Any text as a template of each kind, and as a sheet of each receiver, with hostile values. Held to: it ends soon and
 * says no more than there is room for; what is refused has a place within the text; in a line there is no control
 * character; in markup every value stays in its place: rendered with a harmless value and with a hostile one, the
 * markup has the same tags.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/sheet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 4000u
#define TEXT_BYTES_MAX 4096u

struct hostility {
    const char *value;
};

static void append(void *context, uint32_t list, uint32_t item, uint32_t field, struct tw_buffer *out)
{
    const struct hostility *hostility = context;
    TW_ASSERT(field < TW_FIELD_COUNT);
    TW_ASSERT(list == TW_TEMPLATE_NO_LIST ? item == 0 : item < TW_TEMPLATE_ITEMS_MAX);
    if (field % 5 != 0) /* some have none, whatever the value is */
        tw_buffer_append(out, hostility->value, strlen(hostility->value));
}

static uint32_t count(void *context, uint32_t list)
{
    (void)context;
    return list == TW_FIELD_FEATURES ? 0 : 3;
}

/* Text that ends by a NUL; free it. */
static char *render(const struct tw_template *template, const char *value)
{
    struct hostility hostility = {value};
    struct tw_template_values values = {&hostility, append, count};
    struct tw_buffer out = {0};
    tw_template_render(template, &values, MOST, &out);
    size_t characters = 0;
    for (size_t i = 0; i < out.length; i++)
        characters += (out.bytes[i] & 0xc0u) != 0x80u ? 1 : 0;
    TW_ASSERT(characters <= MOST);
    tw_buffer_append(&out, "", 1);
    return (char *)out.bytes;
}

static void check_place(const struct tw_template_fault *fault, const char *text, size_t length)
{
    uint32_t lines = 1;
    for (size_t i = 0; i < length; i++)
        lines += text[i] == '\n' ? 1 : 0;
    TW_ASSERT(fault->line >= 1 && fault->line <= lines && fault->column >= 1 && fault->column <= length + 1);
    TW_ASSERT(fault->why[0] != '\0' && memchr(fault->why, '\0', sizeof fault->why) != NULL);
}

/* How many bytes of markup there are: what values must not add to. */
static void count_marks(const char *text, size_t marks[5])
{
    static const char bytes[] = "<>\"'\n";
    for (; *text != '\0'; text++)
        for (size_t i = 0; i < 5; i++)
            marks[i] += *text == bytes[i] ? 1 : 0;
}

static void try_markup(const struct tw_template *template)
{
    size_t harmless[5] = {0}, hostile[5] = {0};
    char *first = render(template, "harmless"), *second = render(template, "\"'><i onx='\n&{{n}}");
    size_t length = strlen(second);
    count_marks(first, harmless);
    count_marks(second, hostile);
    if (length < 3 || strcmp(second + length - 3, "...") != 0) /* it may have been cut */
        TW_ASSERT(memcmp(harmless, hostile, sizeof harmless) == 0);
    free(first);
    free(second);
}

static void try_template(const char *text, size_t length, enum tw_template_escape escape)
{
    struct tw_template_fault fault = {0};
    struct tw_template *template = tw_template_read(text, 0, length, escape, tw_alert_fields, &fault);
    if (template == NULL) {
        check_place(&fault, text, length);
        return;
    }
    char *out = render(template, "a\n\x01<\xc3\xbc&'\"@}}{{n}}");
    for (const char *c = out; escape == TW_ESCAPE_LINE && *c != '\0'; c++)
        TW_ASSERT((unsigned char)*c >= ' ' && *c != 0x7f);
    free(out);
    if (escape == TW_ESCAPE_HTML)
        try_markup(template);
    tw_template_free(&template);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > TEXT_BYTES_MAX)
        return 0;
    const char *text = (const char *)data + 1;
    size_t length = size - 1;
    char *own = malloc(length + 1);
    memcpy(own, text, length);
    own[length] = '\0';
    if (data[0] < 128 && memchr(own, '\0', length) == NULL)
        try_template(own, length, (enum tw_template_escape)(data[0] % 4));
    if (data[0] >= 128) {
        struct tw_template_fault fault = {0};
        struct tw_sheet *sheet = tw_sheet_read((enum tw_sheet_kind)(data[0] % TW_SHEET_COUNT), own, length, &fault);
        if (sheet == NULL)
            check_place(&fault, own, length);
        tw_sheet_free(&sheet);
    }
    free(own);
    return 0;
}
