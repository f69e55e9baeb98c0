/* SPDX-License-Identifier: MIT
 *
 * The table of keys and the ways to find a row.
 */
#include "cfg/keys.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/likeness.h"
#include "protocol/names.h"

enum { /* the short words of keys.def */
       ALERT = TW_KEY_ALERT,
       SECRET = TW_KEY_SECRET,
       LATER = TW_KEY_LATER,
       NAMED = TW_KEY_NAMED,
       ZERO = TW_KEY_ZERO,
       OF_SYMBOL = TW_KEY_OF_SYMBOL,
       OF_ACCOUNT = TW_KEY_OF_ACCOUNT,
       OF_EITHER = TW_KEY_OF_EITHER
};

const struct tw_key tw_keys[TW_KEY_COUNT] = {
#define TW_KEY(id, key, type, low, high, choices, standard, unit, flags, meaning)                                      \
    {key, TW_TYPE_##type, low, high, choices, standard, unit, meaning, flags},
#include "cfg/keys.def"
};

static const struct {
    const char *name, *sentence;
} sections[] = {
#define TW_SECTION(name, sentence) {name, sentence},
#include "cfg/keys.def"
};

const char *tw_key_section_sentence(const char *section, size_t length)
{
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (strlen(sections[i].name) == length && memcmp(sections[i].name, section, length) == 0)
            return sections[i].sentence;
    return "";
}

static bool equals(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

static const char *star_of(const struct tw_key *key)
{
    const char *star = strchr(key->name, '*');
    TW_ASSERT(star != NULL);
    return star;
}

/* Bytes of a NAMED row before its star, '/' included. */
static size_t named_prefix(const struct tw_key *key)
{
    return (size_t)(star_of(key) - key->name);
}

/* What follows its star: "" or "/match". */
static const char *named_tail(const struct tw_key *key)
{
    return star_of(key) + 1;
}

/* Whether `text` is the NAMED row with some name in place of its star. */
static bool find_named(const struct tw_key *key, const char *text, size_t length, struct tw_key_match *out)
{
    size_t prefix = named_prefix(key), tail = strlen(named_tail(key));
    if (length <= prefix + tail || memcmp(key->name, text, prefix) != 0 ||
        memcmp(named_tail(key), text + length - tail, tail) != 0)
        return false;
    out->suffix = text + prefix;
    out->suffix_length = length - prefix - tail;
    return true;
}

void tw_key_with_name(const struct tw_key *key, const char *name, size_t length, char out[TW_KEY_BYTES_MAX])
{
    int shown = length > 100 ? 100 : (int)length;
    if ((key->flags & TW_KEY_NAMED) != 0)
        snprintf(out, TW_KEY_BYTES_MAX, "%.*s%.*s%s", (int)named_prefix(key), key->name, shown, name, named_tail(key));
    else
        snprintf(out, TW_KEY_BYTES_MAX, "%s@%.*s", key->name, shown, name);
}

enum tw_key_found tw_key_find(const char *text, size_t length, struct tw_key_match *out)
{
    const char *at = memchr(text, '@', length);
    size_t base = at == NULL ? length : (size_t)(at - text);
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        const struct tw_key *key = &tw_keys[i];
        *out = (struct tw_key_match){.key = key};
        if ((key->flags & TW_KEY_NAMED) != 0) {
            if (find_named(key, text, length, out))
                return TW_KEY_FOUND;
            continue;
        }
        if (!equals(key->name, text, base))
            continue;
        if (at == NULL)
            return TW_KEY_FOUND;
        if ((key->flags & TW_KEY_OVERRIDABLE) == 0)
            return TW_KEY_NOT_OVERRIDABLE;
        out->suffix = at + 1;
        out->suffix_length = length - base - 1;
        return TW_KEY_FOUND;
    }
    return TW_KEY_UNKNOWN;
}

const struct tw_key *tw_key_by_name(const char *name)
{
    for (size_t i = 0; i < TW_KEY_COUNT; i++)
        if (strcmp(tw_keys[i].name, name) == 0)
            return &tw_keys[i];
    return NULL;
}

bool tw_key_is_section(const char *text, size_t length)
{
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        const struct tw_key *key = &tw_keys[i];
        if (strlen(key->name) > length && memcmp(key->name, text, length) == 0 && key->name[length] == '/')
            return true;
        bool within = (key->flags & TW_KEY_NAMED) != 0 && named_tail(key)[0] == '/';
        size_t prefix = within ? named_prefix(key) : 0;
        if (within && length > prefix && memcmp(key->name, text, prefix) == 0 &&
            memchr(text + prefix, '/', length - prefix) == NULL)
            return true;
    }
    return false;
}

/* ---- likeness ---- */

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* A NAMED row with the name that `text` seems to have: what follows its first '/', up to the last where the row goes on
 * behind its star. */
static void named_candidate(const struct tw_key *key, const char *text, size_t length, char out[TW_KEY_BYTES_MAX])
{
    const char *slash = memchr(text, '/', length);
    const char *name = slash == NULL ? text + length : slash + 1, *end = text + length;
    if (named_tail(key)[0] == '/')
        for (const char *c = name; c < text + length; c++)
            end = *c == '/' ? c : end;
    if (name < end)
        tw_key_with_name(key, name, (size_t)(end - name), out);
    else
        tw_key_with_name(key, "NAME", 4, out);
}

void tw_key_nearest(const char *text, size_t length, char out[TW_KEY_BYTES_MAX])
{
    const char *at = memchr(text, '@', length);
    size_t base = at == NULL ? length : (size_t)(at - text);
    unsigned best = UINT32_MAX;
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        const struct tw_key *key = &tw_keys[i];
        char candidate[TW_KEY_BYTES_MAX];
        if ((key->flags & TW_KEY_NAMED) != 0)
            named_candidate(key, text, length, candidate);
        else
            snprintf(candidate, sizeof candidate, "%s", key->name);
        unsigned distance = tw_likeness_distance(text, base, candidate, strlen(candidate));
        if (distance >= best)
            continue;
        best = distance;
        bool keeps_name = at != NULL && (key->flags & TW_KEY_OVERRIDABLE) != 0;
        snprintf(out, TW_KEY_BYTES_MAX, "%.150s%.*s", candidate,
                 keeps_name ? (int)smaller((unsigned)(length - base), 97u) : 0, keeps_name ? at : "");
    }
}

void tw_key_nearest_section(const char *text, size_t length, char out[TW_KEY_BYTES_MAX])
{
    unsigned best = UINT32_MAX;
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        const char *name = tw_keys[i].name;
        for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
            unsigned distance = tw_likeness_distance(text, length, name, (size_t)(slash - name));
            if (distance >= best)
                continue;
            best = distance;
            snprintf(out, TW_KEY_BYTES_MAX, "%.*s", (int)(slash - name), name);
        }
    }
}

/* ---- environment names ---- */

void tw_key_environment_name(const struct tw_key *key, char out[TW_KEY_BYTES_MAX])
{
    size_t length = (size_t)snprintf(out, TW_KEY_BYTES_MAX, "TAPEWARDEN_");
    for (const char *c = key->name; *c != '\0'; c++) {
        TW_ASSERT(length + 3 < TW_KEY_BYTES_MAX);
        if (*c == '/')
            out[length++] = '_';
        out[length++] = *c == '/' ? '_' : (char)toupper((unsigned char)*c);
    }
    out[length] = '\0';
}

/* ---- names in keys ---- */

bool tw_key_name_byte_plain(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '_' || byte == '.' || byte == '-' || byte == '/';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int tw_key_name_decode(const char *text, size_t length, char *out, size_t out_bytes)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '%') {
            int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return -1;
            byte = (unsigned char)(high * 16 + low);
            i += 2;
        } else if (!tw_key_name_byte_plain(byte)) {
            return -1;
        }
        if (used + 1 >= out_bytes)
            return -1;
        out[used++] = (char)byte;
    }
    out[used] = '\0';
    return (int)used;
}

void tw_key_name_encode(const char *name, size_t length, char *out, size_t out_bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;
    TW_ASSERT(out_bytes > length * 3);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (tw_key_name_byte_plain(byte)) {
            out[used++] = (char)byte;
            continue;
        }
        out[used++] = '%';
        out[used++] = digits[byte >> 4];
        out[used++] = digits[byte & 15u];
    }
    out[used] = '\0';
}

static bool feed_name_valid(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '-')
            return false;
    return length >= 1 && length <= 32;
}

bool tw_key_name_valid(const struct tw_key *key, const char *name, size_t length, const char **why)
{
    struct tw_text text = {name, (uint32_t)length};
    if ((key->flags & TW_KEY_NAMED) != 0) {
        *why = "a name here is 1 to 32 of A-Za-z0-9_-";
        return feed_name_valid(name, length);
    }
    if ((key->flags & TW_KEY_OF_SYMBOL) != 0) {
        *why = "no symbol has such a name: 1 to 32 printable ASCII characters without space";
        return tw_name_symbol_valid(text);
    }
    *why = "no account has such a name: 1 to 32 bytes of UTF-8 without control characters";
    return tw_name_account_valid(text);
}
