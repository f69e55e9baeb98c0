/* SPDX-License-Identifier: MIT
 *
 * One line of JSON into a trade: the names and types of the row form of a submission.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/num.h"
#include "protocol/pack.h"
#include "tools/tape_fields.h"

void tw_tape_json_free(void **tree)
{
    json_decref(*tree);
    *tree = NULL;
}

/* ---- numbers as they stand ---- */

/* jansson reads a decimal into a double, which has 53 bits for what takes 63 in 1e-8. So a number is read as its own
 * text: before jansson sees the line, 1.5 becomes ["1.5"], and brackets that stand there double, so that nothing else
 * looks like it. */

/* Bytes of the number at the front by the grammar of RFC 8259, or 0. */
static size_t number_length(const char *text, size_t length)
{
    size_t at = length > 0 && text[0] == '-' ? 1 : 0, first = at;
#define DIGITS()                                                                                                       \
    while (at < length && text[at] >= '0' && text[at] <= '9')                                                          \
    at++
    DIGITS();
    if (at == first || (text[first] == '0' && at > first + 1))
        return 0;
    if (at < length && text[at] == '.') {
        first = ++at;
        DIGITS();
        if (at == first)
            return 0;
    }
    if (at < length && (text[at] == 'e' || text[at] == 'E')) {
        at += at + 1 < length && (text[at + 1] == '+' || text[at + 1] == '-') ? 2 : 1;
        first = at;
        DIGITS();
        if (at == first)
            return 0;
    }
#undef DIGITS
    return at;
}

static size_t string_length(const char *text, size_t length)
{
    size_t at = 1;
    while (at < length && text[at] != '"')
        at += text[at] == '\\' ? 2 : 1;
    return at < length ? at + 1 : length;
}

static void keep_numbers(const char *line, size_t length, struct tw_buffer *out)
{
    for (size_t at = 0, step; at < length; at += step) {
        const char *here = line + at;
        bool number = *here == '-' || (*here >= '0' && *here <= '9');
        step = *here == '"' ? string_length(here, length - at) : number ? number_length(here, length - at) : 1;
        number = number && step > 0;
        step = step > 0 ? step : 1; /* jansson will say what is wrong with it */
        if (number)
            tw_buffer_append(out, "[\"", 2);
        tw_buffer_append(out, here, step);
        if (number)
            tw_buffer_append(out, "\"]", 2);
        else if (*here == '[' || *here == ']')
            tw_buffer_append(out, here, 1);
    }
}

/* The text of a number, or NULL. */
static const char *number_text(const json_t *value)
{
    return json_is_array(value) ? json_string_value(json_array_get(value, 0)) : NULL;
}

/* ---- values ---- */

static enum tw_parse parse_amount(const char *text, int64_t *amount_e8)
{
    size_t length = strlen(text);
    if (strpbrk(text, "-eE") != NULL)
        return tw_e8_from_double(strtod(text, NULL), amount_e8);
    while (strchr(text, '.') != NULL && text[length - 1] == '0' && text[length - 2] != '.')
        length--; /* 1.5000000000 has one decimal */
    return tw_e8_parse(text, length, amount_e8);
}

static const char *read_amount(const char *number, enum tw_tape_field field, struct tw_trade *out)
{
    enum tw_parse parse = parse_amount(number, field == TW_TAPE_qty ? &out->qty_e8 : &out->price_e8);
    if (parse == TW_PARSE_OK)
        return NULL;
    return parse == TW_PARSE_RANGE ? "out of range" : "not a number with at most 8 decimals, without sign";
}

static const char *read_value(const json_t *value, enum tw_tape_field field, struct tw_trade *out)
{
    const char *number = number_text(value);
    bool amount = field == TW_TAPE_qty || field == TW_TAPE_price;
    if (json_is_null(value))
        return NULL;
    if (number != NULL && amount)
        return read_amount(number, field, out);
    if (field == TW_TAPE_ts && number == NULL)
        return "not an integer of nanoseconds since 1970";
    if (field == TW_TAPE_ts)
        return tw_tape_field_read(field, (struct tw_text){number, (uint32_t)strlen(number)}, out);
    if (!json_is_string(value))
        return amount ? "neither a number nor a string" : "not a string";
    if (json_string_length(value) == 0)
        return "empty";
    return tw_tape_field_read(field, (struct tw_text){json_string_value(value), (uint32_t)json_string_length(value)},
                              out);
}

const char *tw_tape_json_read(const char *line, size_t length, void **tree, struct tw_trade *out,
                              enum tw_tape_field *field, char room[256])
{
    json_error_t error;
    struct tw_buffer marked = {0};
    tw_tape_json_free(tree);
    *field = TW_TAPE_FIELD_COUNT;
    keep_numbers(line, length, &marked);
    *tree = json_loadb((const char *)marked.bytes, marked.length, JSON_REJECT_DUPLICATES, &error);
    tw_buffer_free(&marked);
    if (*tree == NULL) {
        snprintf(room, 256, "not JSON: %.200s", error.text);
        return room;
    }
    if (!json_is_object((json_t *)*tree))
        return "not a JSON object";
    const char *key;
    json_t *value;
    json_object_foreach(*tree, key, value)
    {
        *field = tw_tape_field_named((struct tw_text){key, (uint32_t)strlen(key)});
        if (*field == TW_TAPE_FIELD_COUNT) {
            snprintf(room, 256, "unknown key %.64s", key);
            return room;
        }
        const char *why = read_value(value, *field, out);
        if (why != NULL)
            return why;
    }
    return NULL;
}
