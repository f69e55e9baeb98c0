/* SPDX-License-Identifier: MIT */
#include "actors/delivery/discretion.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

#define HIDDEN "***"
#define HIDDEN_BYTES (sizeof HIDDEN - 1)

/* ---- what is secret ---- */

static bool knows(const struct tw_secrets *secrets, const char *text, size_t length)
{
    for (uint32_t i = 0; i < secrets->count; i++)
        if (secrets->list[i].length == length && memcmp(secrets->list[i].bytes, text, length) == 0)
            return true;
    return false;
}

/* In its place by length, so that the longest at a place is met first. */
static void add_form(struct tw_secrets *secrets, const char *text, size_t length)
{
    if (length < TW_SECRET_BYTES_MIN || knows(secrets, text, length))
        return;
    uint32_t place = secrets->count;
    while (place > 0 && secrets->list[place - 1].length < length)
        place--;
    if (place == TW_SECRETS_MAX)
        return;
    if (secrets->count == TW_SECRETS_MAX)
        free(secrets->list[--secrets->count].bytes);
    memmove(secrets->list + place + 1, secrets->list + place, (secrets->count - place) * sizeof *secrets->list);
    secrets->list[place] = (struct tw_secret){tw_strndup(text, length), length};
    secrets->count++;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

static size_t undo_percent(const char *text, size_t length, char *out)
{
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        bool escaped = text[i] == '%' && i + 2 < length && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
        out[at++] = escaped ? (char)(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
        i += escaped ? 2 : 0;
    }
    return at;
}

static size_t escape_slashes(const char *text, size_t length, char *out)
{
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '/')
            out[at++] = '\\';
        out[at++] = text[i];
    }
    return at;
}

void tw_secrets_add(struct tw_secrets *secrets, const char *text, size_t length)
{
    char *form = tw_alloc(2 * length + 1);
    add_form(secrets, text, length);
    add_form(secrets, form, escape_slashes(text, length, form));
    add_form(secrets, form, undo_percent(text, length, form));
    free(form);
}

static void add_base64(struct tw_secrets *secrets, const char *bytes, size_t length)
{
    unsigned char *text = tw_alloc(4 * (length / 3 + 1) + 1);
    int written = EVP_EncodeBlock(text, (const unsigned char *)bytes, (int)length);
    add_form(secrets, (const char *)text, (size_t)written);
    free(text);
}

void tw_secrets_add_login(struct tw_secrets *secrets, const char *user, const char *password)
{
    size_t user_length = strlen(user), password_length = strlen(password);
    if (password_length == 0)
        return;
    char *plain = tw_alloc(user_length + password_length + 3); /* NUL user NUL password, or user:password */
    plain[0] = '\0';
    memcpy(plain + 1, user, user_length + 1);
    memcpy(plain + user_length + 2, password, password_length + 1);
    tw_secrets_add(secrets, password, password_length);
    add_base64(secrets, password, password_length);
    add_base64(secrets, plain, user_length + password_length + 2);
    plain[user_length + 1] = ':';
    add_form(secrets, plain + 1, user_length + password_length + 1);
    add_base64(secrets, plain + 1, user_length + password_length + 1);
    free(plain);
}

/* user:password as they stand in a URL. */
static void add_userinfo(struct tw_secrets *secrets, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    size_t user_bytes = colon == NULL ? length : (size_t)(colon - text);
    char *user = tw_alloc(length + 1), *password = tw_alloc(length + 1);
    user[undo_percent(text, user_bytes, user)] = '\0';
    password[colon == NULL ? 0 : undo_percent(colon + 1, length - user_bytes - 1, password)] = '\0';
    tw_secrets_add(secrets, text, length);
    if (colon != NULL)
        tw_secrets_add(secrets, colon + 1, length - user_bytes - 1);
    tw_secrets_add_login(secrets, user, password);
    free(user);
    free(password);
}

void tw_secrets_add_url(struct tw_secrets *secrets, const char *url)
{
    const char *scheme = strstr(url, "://"), *host = scheme == NULL ? url : scheme + 3;
    const char *path = host + strcspn(host, "/?#"), *at = NULL;
    for (const char *it = host; it < path; it++)
        at = *it == '@' ? it : at;
    if (at != NULL)
        add_userinfo(secrets, host, (size_t)(at - host));
    if (strlen(path) > 1)
        tw_secrets_add(secrets, path, strlen(path));
    bool query = false;
    for (const char *it = path; *it != '\0';) {
        query = query || *it == '?';
        it++;
        size_t length = strcspn(it, query ? "&=#" : "/?#");
        if (query ? it[-1] == '=' : length >= TW_SECRET_SEGMENT_BYTES_MIN)
            tw_secrets_add(secrets, it, length);
        it += length;
    }
}

void tw_secrets_free(struct tw_secrets *secrets)
{
    for (uint32_t i = 0; i < secrets->count; i++)
        free(secrets->list[i].bytes);
    memset(secrets, 0, sizeof *secrets);
}

/* ---- where it stands ---- */

/* How many bytes at the beginning of `text` are secret: a whole one, or its beginning if the text is cut behind it. */
static size_t secret_at(const struct tw_secrets *secrets, const char *text, size_t left, bool cut)
{
    for (uint32_t i = 0; i < secrets->count; i++) {
        const struct tw_secret *secret = &secrets->list[i];
        if (secret->length <= left && memcmp(text, secret->bytes, secret->length) == 0)
            return secret->length;
        if (cut && left >= TW_SECRET_BYTES_MIN && left < secret->length && memcmp(text, secret->bytes, left) == 0)
            return left;
    }
    return 0;
}

size_t tw_hide_secrets(const struct tw_secrets *secrets, char *text, size_t length, bool cut)
{
    size_t out = 0;
    for (size_t at = 0; at < length;) {
        size_t secret = secret_at(secrets, text + at, length - at, cut);
        if (secret == 0) {
            text[out++] = text[at++];
            continue;
        }
        memcpy(text + out, HIDDEN, HIDDEN_BYTES);
        out += HIDDEN_BYTES;
        at += secret;
    }
    return out;
}
