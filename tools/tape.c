/* SPDX-License-Identifier: MIT
 *
 * Trades from a file: lines, the CSV header, and CSV's rows.
 */
#include "tools/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/check.h"
#include "tools/tape_fields.h"

#define BUFFER_BYTES (1024u * 1024u)

_Static_assert(BUFFER_BYTES > 2 * TW_TAPE_LINE_BYTES_MAX, "a whole line always fits");

enum form { FORM_UNKNOWN, FORM_CSV, FORM_JSON };

struct tw_tape {
    struct tw_tape_input *input;
    const char *name;
    enum form form;
    char *buffer;
    size_t first, end; /* what of the buffer is not consumed */
    bool at_end;       /* the input has no more */
    bool failed;
    uint64_t line, next_line; /* of the last record; of the next one */
    uint8_t columns[TW_TAPE_COLUMNS_MAX];
    uint32_t column_count;
    struct tw_text values[TW_TAPE_COLUMNS_MAX];
    void *json;          /* of the last line, holds its texts */
    EVP_MD_CTX *hashing; /* of what is read; NULL: it is not hashed */
    char problem[512];
};

struct tw_tape *tw_tape_new(struct tw_tape_input *input, const char *name)
{
    struct tw_tape *tape = tw_alloc_zero(1, sizeof *tape);
    tape->input = input;
    tape->name = name;
    tape->buffer = tw_alloc(BUFFER_BYTES);
    tape->next_line = 1;
    return tape;
}

struct tw_tape *tw_tape_open(const char *path, char why[256])
{
    bool standard = strcmp(path, "-") == 0;
    int descriptor = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        snprintf(why, 256, "cannot read %.180s: %s", standard ? "standard input" : path, strerror(errno));
        return NULL;
    }
    const char *name = standard ? "standard input" : path;
    return tw_tape_new(tw_tape_input_new(descriptor, name), name);
}

void tw_tape_free(struct tw_tape **tape_pointer)
{
    struct tw_tape *tape = *tape_pointer;
    if (tape == NULL)
        return;
    tw_tape_json_free(&tape->json);
    EVP_MD_CTX_free(tape->hashing);
    tw_tape_input_free(&tape->input);
    free(tape->buffer);
    free(tape);
    *tape_pointer = NULL;
}

void tw_tape_on_wait(struct tw_tape *tape, tw_tape_input_wait wait, void *context)
{
    tw_tape_input_on_wait(tape->input, wait, context);
}

/* ---- problems ---- */

__attribute__((format(printf, 2, 3))) static void set_problem(struct tw_tape *tape, const char *format, ...)
{
    va_list arguments;
    int length =
        snprintf(tape->problem, sizeof tape->problem, "%.200s:%llu: ", tape->name, (unsigned long long)tape->line);
    va_start(arguments, format);
    vsnprintf(tape->problem + length, sizeof tape->problem - (size_t)length, format, arguments);
    va_end(arguments);
    for (char *c = tape->problem; *c != '\0'; c++) /* it goes to a terminal */
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
}

static enum tw_tape_result fail(struct tw_tape *tape)
{
    tape->failed = true;
    return TW_TAPE_FAILED;
}

static enum tw_tape_result fail_input(struct tw_tape *tape)
{
    snprintf(tape->problem, sizeof tape->problem, "%s", tw_tape_input_error(tape->input));
    return fail(tape);
}

/* ---- lines ---- */

static ptrdiff_t read_input(struct tw_tape *tape, char *out, size_t room)
{
    ptrdiff_t got = tw_tape_input_read(tape->input, out, room);
    if (got > 0 && tape->hashing != NULL)
        TW_ASSERT(EVP_DigestUpdate(tape->hashing, out, (size_t)got) == 1);
    return got;
}

/* More bytes behind the ones held. False: the input failed. */
static bool fill(struct tw_tape *tape)
{
    if (tape->first > 0) {
        memmove(tape->buffer, tape->buffer + tape->first, tape->end - tape->first);
        tape->end -= tape->first;
        tape->first = 0;
    }
    ptrdiff_t got = read_input(tape, tape->buffer + tape->end, BUFFER_BYTES - tape->end);
    if (got < 0)
        return false;
    tape->at_end = got == 0;
    tape->end += (size_t)got;
    return true;
}

/* The end of the line that begins at `first`, relative to it; the end of the input counts as one. Fills as far as
 * needed; SIZE_MAX if the line is too long, *failed if the input failed. */
static size_t line_end(struct tw_tape *tape, bool *failed)
{
    for (size_t from = 0;;) {
        size_t held = tape->end - tape->first;
        const char *newline = held > from ? memchr(tape->buffer + tape->first + from, '\n', held - from) : NULL;
        if (newline != NULL)
            return (size_t)(newline - (tape->buffer + tape->first));
        if (tape->at_end)
            return held;
        if (held > TW_TAPE_LINE_BYTES_MAX)
            return SIZE_MAX;
        from = held;
        if (!fill(tape)) {
            *failed = true;
            return SIZE_MAX;
        }
    }
}

/* Steps over the rest of a line that is too long. */
static bool skip_line(struct tw_tape *tape)
{
    for (;;) {
        char *start = tape->buffer + tape->first;
        const char *newline = tape->end > tape->first ? memchr(start, '\n', tape->end - tape->first) : NULL;
        if (newline != NULL) {
            tape->first += (size_t)(newline - start) + 1;
            return true;
        }
        tape->first = tape->end;
        if (tape->at_end)
            return true;
        if (!fill(tape))
            return false;
    }
}

static size_t count_quotes(const char *bytes, size_t length)
{
    size_t count = 0;
    for (const char *at = bytes; (at = memchr(at, '"', length - (size_t)(at - bytes))) != NULL; at++)
        count++;
    return count;
}

struct record {
    char *bytes;
    size_t length; /* without its line end */
    bool quoted;   /* it has quotes somewhere */
};

/* The next record: a line. No value of a trade has a line end in it, so that a quote that is never closed spoils its
 * own line only, whatever quotes stand in later ones. TRADE means that there is one. */
static enum tw_tape_result next_record(struct tw_tape *tape, struct record *out)
{
    bool failed = false;
    tape->line = tape->next_line;
    size_t length = line_end(tape, &failed);
    if (failed)
        return fail_input(tape);
    if (length == SIZE_MAX || length > TW_TAPE_LINE_BYTES_MAX) {
        set_problem(tape, "a line longer than %u bytes", TW_TAPE_LINE_BYTES_MAX);
        tape->next_line++;
        return skip_line(tape) ? TW_TAPE_BAD : fail_input(tape);
    }
    bool at_end = tape->first + length == tape->end;
    if (at_end && length == 0)
        return TW_TAPE_END;
    *out = (struct record){tape->buffer + tape->first, length, false};
    tape->first += length + !at_end;
    tape->next_line++;
    if (length > 0 && out->bytes[length - 1] == '\r')
        out->length--;
    size_t quotes = tape->form == FORM_CSV ? count_quotes(out->bytes, out->length) : 0;
    out->quoted = quotes > 0;
    if (quotes % 2 == 0)
        return TW_TAPE_TRADE;
    set_problem(tape, "a quote is not closed");
    return TW_TAPE_BAD;
}

/* ---- values of a record ---- */

static bool split_plain(struct tw_tape *tape, const struct record *record, uint32_t *count)
{
    const char *at = record->bytes, *end = at + record->length;
    uint32_t values = 0;
    for (;;) {
        const char *start = at;
        while (at < end && *at != ',')
            at++;
        if (values == TW_TAPE_COLUMNS_MAX)
            return false;
        tape->values[values++] = (struct tw_text){start, (uint32_t)(at - start)};
        if (at == end)
            break;
        at++;
    }
    *count = values;
    return true;
}

/* One value of RFC 4180 from *at on, unescaped in place; *at is then behind it. False: quotes where they may not be. */
static bool split_quoted_value(char **at, const char *end, struct tw_text *out)
{
    char *from = *at, *to = *at;
    if (from == end || *from != '"') {
        while (from < end && *from != ',' && *from != '"')
            from++;
        *out = (struct tw_text){*at, (uint32_t)(from - *at)};
        *at = from;
        return from == end || *from == ',';
    }
    const char *start = ++from;
    to = from;
    while (from < end && (*from != '"' || (from + 1 < end && from[1] == '"'))) {
        from += *from == '"';
        *to++ = *from++;
    }
    if (from == end)
        return false;
    from++;
    *out = (struct tw_text){start, (uint32_t)(to - start)};
    *at = from;
    return from == end || *from == ',';
}

static bool split_quoted(struct tw_tape *tape, const struct record *record, uint32_t *count)
{
    char *at = record->bytes;
    const char *end = at + record->length;
    uint32_t values = 0;
    for (;;) {
        if (values == TW_TAPE_COLUMNS_MAX || !split_quoted_value(&at, end, &tape->values[values]))
            return false;
        values++;
        if (at == end)
            break;
        at++;
    }
    *count = values;
    return true;
}

static bool split(struct tw_tape *tape, const struct record *record, uint32_t *count)
{
    *count = 0;
    if (record->quoted ? split_quoted(tape, record, count) : split_plain(tape, record, count))
        return true;
    set_problem(tape, "a quote inside a value, or more than %u columns", TW_TAPE_COLUMNS_MAX);
    return false;
}

/* ---- the header ---- */

static bool read_header(struct tw_tape *tape, const struct record *record)
{
    bool seen[TW_TAPE_FIELD_COUNT] = {false};
    if (!split(tape, record, &tape->column_count))
        return false;
    for (uint32_t i = 0; i < tape->column_count; i++) {
        enum tw_tape_field field = tw_tape_field_named(tape->values[i]);
        if (field == TW_TAPE_FIELD_COUNT) {
            set_problem(tape,
                        "column %.*s is none that a trade has; expected a header like "
                        "ts,symbol,side,qty,price,account,venue,id",
                        (int)(tape->values[i].length < 64 ? tape->values[i].length : 64), tape->values[i].bytes);
            return false;
        }
        if (seen[field]) {
            set_problem(tape, "column %s is there twice", tw_tape_field_name(field));
            return false;
        }
        seen[field] = true;
        tape->columns[i] = (uint8_t)field;
    }
    const enum tw_tape_field needed[] = {TW_TAPE_symbol, TW_TAPE_qty, TW_TAPE_price};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (!seen[needed[i]]) {
            set_problem(tape, "column %s is missing in the header", tw_tape_field_name(needed[i]));
            return false;
        }
    return true;
}

/* The first byte that is no space, read no further than to there: a pipe may have no more for now. OK: TRADE; a file of
 * nothing: END. */
static enum tw_tape_result first_byte(struct tw_tape *tape, char *out)
{
    size_t at = 0;
    while (!tape->at_end && tape->end - tape->first < 3)
        if (!fill(tape))
            return fail_input(tape);
    if (tape->end - tape->first >= 3 && memcmp(tape->buffer + tape->first, "\xef\xbb\xbf", 3) == 0)
        tape->first += 3;
    for (;; at++) {
        while (tape->first + at == tape->end && !tape->at_end && at < TW_TAPE_LINE_BYTES_MAX)
            if (!fill(tape))
                return fail_input(tape);
        if (tape->first + at == tape->end && tape->at_end)
            return TW_TAPE_END;
        *out = at < TW_TAPE_LINE_BYTES_MAX ? tape->buffer[tape->first + at] : '\0';
        if (*out == '\0') {
            tape->line = tape->next_line;
            set_problem(tape, "it begins with a zero or %u blanks; expected a header or a line of JSON",
                        TW_TAPE_LINE_BYTES_MAX);
            return fail(tape);
        }
        if (memchr(" \t\r\n", *out, 4) == NULL)
            return TW_TAPE_TRADE;
    }
}

/* CSV with its header, or JSON: the first byte that is no space tells. OK: TRADE; an empty file: END. */
static enum tw_tape_result recognise(struct tw_tape *tape)
{
    char first = 0;
    enum tw_tape_result result = first_byte(tape, &first);
    if (result != TW_TAPE_TRADE)
        return result;
    if (first == '{') {
        tape->form = FORM_JSON;
        return TW_TAPE_TRADE;
    }
    struct record record;
    tape->form = FORM_CSV;
    do
        result = next_record(tape, &record);
    while (result == TW_TAPE_TRADE && record.length == 0);
    if (result != TW_TAPE_TRADE)
        return result == TW_TAPE_END ? TW_TAPE_END : fail(tape);
    return read_header(tape, &record) ? TW_TAPE_TRADE : fail(tape);
}

/* ---- trades ---- */

static enum tw_tape_result read_csv(struct tw_tape *tape, const struct record *record, struct tw_trade *out)
{
    uint32_t count;
    if (!split(tape, record, &count))
        return TW_TAPE_BAD;
    if (count != tape->column_count) {
        set_problem(tape, "%u columns, but the header has %u", count, tape->column_count);
        return TW_TAPE_BAD;
    }
    for (uint32_t i = 0; i < count; i++) {
        const char *why = tw_tape_field_read((enum tw_tape_field)tape->columns[i], tape->values[i], out);
        if (why == NULL)
            continue;
        set_problem(tape, "column %s: %s: \"%.*s\"", tw_tape_field_name((enum tw_tape_field)tape->columns[i]), why,
                    (int)(tape->values[i].length < 80 ? tape->values[i].length : 80), tape->values[i].bytes);
        return TW_TAPE_BAD;
    }
    return TW_TAPE_TRADE;
}

static enum tw_tape_result read_json(struct tw_tape *tape, const struct record *record, struct tw_trade *out)
{
    enum tw_tape_field field;
    char room[256];
    const char *why = tw_tape_json_read(record->bytes, record->length, &tape->json, out, &field, room);
    if (why == NULL)
        return TW_TAPE_TRADE;
    if (field == TW_TAPE_FIELD_COUNT)
        set_problem(tape, "%s", why);
    else
        set_problem(tape, "key %s: %s", tw_tape_field_name(field), why);
    return TW_TAPE_BAD;
}

enum tw_tape_result tw_tape_next(struct tw_tape *tape, struct tw_trade *out)
{
    if (tape->failed)
        return TW_TAPE_FAILED;
    if (tape->form == FORM_UNKNOWN) {
        enum tw_tape_result result = recognise(tape);
        if (result != TW_TAPE_TRADE)
            return result;
    }
    struct record record;
    enum tw_tape_result result;
    do
        result = next_record(tape, &record);
    while (result == TW_TAPE_TRADE && record.length == 0); /* an empty line says nothing */
    if (result != TW_TAPE_TRADE)
        return result;
    *out = (struct tw_trade){.has_ts = false};
    return tape->form == FORM_CSV ? read_csv(tape, &record, out) : read_json(tape, &record, out);
}

const char *tw_tape_problem(const struct tw_tape *tape)
{
    return tape->problem;
}

bool tw_tape_unreadable(const struct tw_tape *tape)
{
    return tape->failed && tw_tape_input_error(tape->input)[0] != '\0';
}

uint64_t tw_tape_line(const struct tw_tape *tape)
{
    return tape->line;
}

/* ---- content hash ---- */

void tw_tape_hash(struct tw_tape *tape)
{
    tape->hashing = EVP_MD_CTX_new();
    TW_ASSERT(tape->hashing != NULL && EVP_DigestInit_ex(tape->hashing, EVP_sha256(), NULL) == 1);
}

/* Of all of it, also of what nobody has read; then back to the front. */
static bool end_hash(struct tw_tape *tape, uint8_t out[TW_SHA256_BYTES])
{
    ptrdiff_t got;
    while ((got = read_input(tape, tape->buffer, BUFFER_BYTES)) > 0)
        continue;
    TW_ASSERT(EVP_DigestFinal_ex(tape->hashing, out, NULL) == 1);
    EVP_MD_CTX_free(tape->hashing);
    tape->hashing = NULL;
    if (got < 0 || !tw_tape_input_rewind(tape->input)) {
        fail_input(tape);
        return false;
    }
    tape->form = FORM_UNKNOWN;
    tape->first = tape->end = 0;
    tape->at_end = tape->failed = false;
    tape->next_line = 1;
    return true;
}

bool tw_tape_derive_name(struct tw_tape *tape, char out[TW_TAPE_NAME_MAX])
{
    uint8_t hash[TW_SHA256_BYTES];
    char hex[2 * TW_SHA256_BYTES + 1];
    if (tape->hashing == NULL)
        tw_tape_hash(tape);
    if (!end_hash(tape, hash))
        return false;
    tw_hex(hash, sizeof hash, hex);
    snprintf(out, TW_TAPE_NAME_MAX, "f-%.24s", hex); /* 96 bits */
    return true;
}

uint64_t tw_tape_position(const struct tw_tape *tape)
{
    return tw_tape_input_position(tape->input);
}

uint64_t tw_tape_size(const struct tw_tape *tape)
{
    return tw_tape_input_size(tape->input);
}
