/* SPDX-License-Identifier: MIT
 *
 * ZPL line by line: indentation, name, value.
 */
#include "cfg/zpl.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/keys.h"
#include "protocol/check.h"

#define SPACES_PER_LEVEL 4u
#define LEVELS_MAX 8u

struct parser {
    struct tw_zpl *out;
    struct tw_zpl_error *error;
    uint32_t line;
    uint32_t depth;              /* levels open: the next line's level is at most this */
    char path[TW_KEY_BYTES_MAX]; /* names of the open levels, joined */
    size_t path_length[LEVELS_MAX + 1];
};

struct cursor { /* within one line */
    const char *at, *end;
};

static bool __attribute__((format(printf, 2, 3))) fail(struct parser *parser, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    parser->error->line = parser->line;
    vsnprintf(parser->error->why, sizeof parser->error->why, format, arguments);
    va_end(arguments);
    return false;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t';
}

static void skip_blanks(struct cursor *cursor)
{
    while (cursor->at < cursor->end && blank(*cursor->at))
        cursor->at++;
}

/* Nothing more on the line, or a comment. The character before the cursor is known to be no part of a value. */
static bool at_end(const struct cursor *cursor)
{
    return cursor->at == cursor->end || *cursor->at == '#';
}

static bool check_bytes(struct parser *parser, const struct cursor *cursor)
{
    for (const char *c = cursor->at; c < cursor->end; c++)
        if (((unsigned char)*c < 0x20 && *c != '\t') || *c == 0x7f)
            return fail(parser, "byte 0x%02x: a control character does not belong here", (unsigned char)*c);
    return true;
}

static bool read_level(struct parser *parser, struct cursor *cursor, uint32_t *level)
{
    const char *start = cursor->at;
    while (cursor->at < cursor->end && *cursor->at == ' ')
        cursor->at++;
    size_t spaces = (size_t)(cursor->at - start);
    if (cursor->at < cursor->end && *cursor->at == '\t')
        return fail(parser, "indented with a tab; write %u spaces for each level", SPACES_PER_LEVEL);
    if (spaces % SPACES_PER_LEVEL != 0)
        return fail(parser, "indented by %zu spaces; write %u spaces for each level", spaces, SPACES_PER_LEVEL);
    if (spaces / SPACES_PER_LEVEL > parser->depth)
        return fail(parser, "indented too deep: there is no name above it at %zu spaces", spaces - SPACES_PER_LEVEL);
    *level = (uint32_t)(spaces / SPACES_PER_LEVEL);
    if (*level == LEVELS_MAX)
        return fail(parser, "more than %u levels", LEVELS_MAX);
    return true;
}

static bool name_byte(char c)
{
    return tw_key_name_byte_plain((unsigned char)c) || c == '@' || c == '%';
}

/* Reads the name and makes the path end in it. */
static bool read_name(struct parser *parser, struct cursor *cursor, uint32_t level)
{
    const char *start = cursor->at;
    while (cursor->at < cursor->end && name_byte(*cursor->at))
        cursor->at++;
    size_t length = (size_t)(cursor->at - start);
    if (length == 0 && *cursor->at == '=')
        return fail(parser, "there is no name before the =");
    bool stopped_short = cursor->at < cursor->end && !blank(*cursor->at) && *cursor->at != '=';
    if (length == 0 || stopped_short)
        return fail(parser, "0x%02x%s cannot stand in a name; write it as %%%02X", (unsigned char)*cursor->at,
                    *cursor->at > 0x20 && *cursor->at < 0x7f ? (char[]){' ', '(', *cursor->at, ')', '\0'} : "",
                    (unsigned char)*cursor->at);
    if (start[0] == '/' || start[length - 1] == '/')
        return fail(parser, "a name neither begins nor ends with '/'");
    size_t base = level == 0 ? 0 : parser->path_length[level - 1];
    if (base + (level > 0 ? 1u : 0u) + length >= sizeof parser->path)
        return fail(parser, "the name and those above it are longer than %zu bytes", sizeof parser->path - 1);
    if (level > 0)
        parser->path[base++] = '/';
    memcpy(parser->path + base, start, length);
    parser->path[base + length] = '\0';
    parser->path_length[level] = base + length;
    return true;
}

static bool read_quoted(struct parser *parser, struct cursor *cursor, const char **value, size_t *length)
{
    char quote = *cursor->at++;
    const char *close = memchr(cursor->at, quote, (size_t)(cursor->end - cursor->at));
    if (close == NULL)
        return fail(parser, "%s: the quoted value has no closing %c", parser->path, quote);
    *value = cursor->at;
    *length = (size_t)(close - cursor->at);
    cursor->at = close + 1;
    bool apart = cursor->at < cursor->end && blank(*cursor->at);
    skip_blanks(cursor);
    if (cursor->at < cursor->end && !(apart && *cursor->at == '#'))
        return fail(parser, "%s: something follows the quoted value", parser->path);
    return true;
}

static bool read_value(struct parser *parser, struct cursor *cursor, const char **value, size_t *length)
{
    bool apart = cursor->at < cursor->end && blank(*cursor->at);
    skip_blanks(cursor);
    if (cursor->at < cursor->end && (*cursor->at == '"' || *cursor->at == '\''))
        return read_quoted(parser, cursor, value, length);
    const char *start = cursor->at;
    for (; cursor->at < cursor->end; cursor->at++)
        if (*cursor->at == '#' && (cursor->at == start ? apart : blank(cursor->at[-1])))
            break;
    const char *stop = cursor->at;
    while (stop > start && blank(stop[-1]))
        stop--;
    if (stop == start)
        return fail(parser, "%s has no value", parser->path);
    *value = start;
    *length = (size_t)(stop - start);
    return true;
}

static void add(struct parser *parser, uint32_t level, const char *value, size_t length)
{
    struct tw_zpl *out = parser->out;
    if (out->count > 0 && out->entries[out->count - 1].value == NULL && out->entries[out->count - 1].level < level)
        free(out->entries[--out->count].key); /* the section above is not empty */
    if (out->count == out->capacity) {
        out->capacity = out->capacity == 0 ? 64 : out->capacity * 2;
        out->entries = tw_realloc(out->entries, out->capacity * sizeof *out->entries);
    }
    out->entries[out->count++] = (struct tw_zpl_entry){
        .key = tw_strndup(parser->path, strlen(parser->path)),
        .value = value == NULL ? NULL : tw_strndup(value, length),
        .line = parser->line,
        .level = level,
    };
}

static bool read_line(struct parser *parser, struct cursor cursor)
{
    uint32_t level = 0;
    struct cursor ahead = cursor;
    if (!check_bytes(parser, &cursor))
        return false;
    skip_blanks(&ahead);
    if (at_end(&ahead))
        return true;
    if (!read_level(parser, &cursor, &level) || !read_name(parser, &cursor, level))
        return false;
    parser->depth = level + 1;
    skip_blanks(&cursor);
    if (at_end(&cursor)) {
        add(parser, level, NULL, 0);
        return true;
    }
    if (*cursor.at != '=')
        return fail(parser, "%s is followed by neither = nor the end of the line", parser->path);
    cursor.at++;
    const char *value = NULL;
    size_t length = 0;
    if (!read_value(parser, &cursor, &value, &length))
        return false;
    add(parser, level, value, length);
    return true;
}

bool tw_zpl_parse(const char *text, size_t length, struct tw_zpl *out, struct tw_zpl_error *error)
{
    struct parser parser = {.out = out, .error = error};
    const char *end = text + length;
    memset(out, 0, sizeof *out);
    if (length > TW_SETTINGS_BYTES_MAX)
        return fail(&parser, "the file has more than %u bytes", TW_SETTINGS_BYTES_MAX);
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark, as some editors leave it */
        text += 3;
    while (text < end) {
        const char *line_end = memchr(text, '\n', (size_t)(end - text));
        const char *stop = line_end == NULL ? end : line_end;
        parser.line++;
        struct cursor cursor = {text, stop > text && stop[-1] == '\r' ? stop - 1 : stop};
        if (!read_line(&parser, cursor)) {
            tw_zpl_clear(out);
            return false;
        }
        text = line_end == NULL ? end : line_end + 1;
    }
    return true;
}

void tw_zpl_clear(struct tw_zpl *zpl)
{
    for (size_t i = 0; i < zpl->count; i++) {
        free(zpl->entries[i].key);
        free(zpl->entries[i].value);
    }
    free(zpl->entries);
    memset(zpl, 0, sizeof *zpl);
}
