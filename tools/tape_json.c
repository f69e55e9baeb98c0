/* SPDX-License-Identifier: MIT
 *
 * One line of JSON into a trade: the names and types of the row form of a submission.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "protocol/num.h"
#include "tools/tape_fields.h"

void tw_tape_json_free(void **tree)
{
    json_decref(*tree);
    *tree = NULL;
}

static const char *read_amount(const json_t *value, enum tw_tape_field field, struct tw_trade *out)
{
    int64_t *amount_e8 = field == TW_TAPE_qty ? &out->qty_e8 : &out->price_e8;
    enum tw_parse parse = TW_PARSE_BAD;
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        parse = tw_e8_from_units((uint64_t)json_integer_value(value), amount_e8);
    else if (json_is_real(value))
        parse = tw_e8_from_double(json_real_value(value), amount_e8);
    if (parse == TW_PARSE_OK)
        return NULL;
    return parse == TW_PARSE_RANGE ? "out of range" : "not a number with at most 8 decimals, without sign";
}

static const char *read_value(const json_t *value, enum tw_tape_field field, struct tw_trade *out)
{
    if (json_is_null(value))
        return NULL;
    if (field == TW_TAPE_ts) {
        if (!json_is_integer(value) || json_integer_value(value) == 0)
            return "not an integer of nanoseconds since 1970";
        out->ts_ns = json_integer_value(value);
        out->has_ts = true;
        return NULL;
    }
    bool amount = field == TW_TAPE_qty || field == TW_TAPE_price;
    if (amount && json_is_number(value))
        return read_amount(value, field, out);
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
    tw_tape_json_free(tree);
    *field = TW_TAPE_FIELD_COUNT;
    *tree = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
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
