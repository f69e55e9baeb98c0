/* SPDX-License-Identifier: MIT
 *
 * Values that say where alerts go: URLs, signing keys, servers, mail addresses.
 */
#include <ctype.h>
#include <string.h>

#include "cfg/value.h"
#include "protocol/check.h"
#include "protocol/hours.h"
#include "protocol/matcher.h"

#define KEY_PREFIX "whsec_"
#define KEY_BYTES_MIN 24u /* Standard Webhooks */
#define KEY_BYTES_MAX 64u
#define LOCAL_PART_BYTES_MAX 64u
#define ADDRESS_BYTES_MAX 254u

const char *tw_receiver_value_form(enum tw_key_type type)
{
    switch (type) {
    case TW_TYPE_URL:
        return "http://HOST[:PORT]... or https://HOST[:PORT]...";
    case TW_TYPE_KEYS:
        return "whsec_ and 24 to 64 bytes in base64; several with spaces between, at most 4";
    case TW_TYPE_HOST:
        return "a host's name or address";
    case TW_TYPE_MAILBOX:
        return "a mail address such as alerts@example.com";
    case TW_TYPE_MAILBOXES:
        return "mail addresses, commas between, at most 32";
    case TW_TYPE_MATCHERS:
        return "matchers such as severity=CRITICAL type=~HIGH_.*, spaces between";
    case TW_TYPE_NAME:
        return "1 to 32 of A-Za-z0-9_-";
    case TW_TYPE_HOURS:
        return "days and hours such as Mon-Fri 08:00-17:30, not 2026-12-25, commas between, at most 64";
    case TW_TYPE_LABELS:
        return "labels such as type entity, spaces between; all, or none";
    case TW_TYPE_NAMES:
        return "names of receivers, spaces between";
    default:
        TW_UNREACHABLE("no value of a receiver");
    }
}

/* Empty, or a colon and a port; it may be left out behind the colon. */
static bool is_port(const char *text, size_t length)
{
    unsigned long port = 0;
    for (size_t i = 1; i < length; i++) {
        if (!isdigit((unsigned char)text[i]) || port > 65535)
            return false;
        port = port * 10 + (unsigned long)(text[i] - '0');
    }
    return length == 0 || (text[0] == ':' && port <= 65535 && (length == 1 || port > 0));
}

/* [user[:password]@]host[:port], where the host may be an address of IPv6 in brackets. */
static bool is_authority(const char *text, size_t length)
{
    const char *end = text + length, *host = text;
    for (const char *it = text; it < end; it++)
        host = *it == '@' ? it + 1 : host;
    size_t host_bytes = 0;
    if (host < end && *host == '[') {
        bool zone = false; /* "%25eth0" */
        for (host_bytes = 1; host + host_bytes < end; host_bytes++) {
            unsigned char c = (unsigned char)host[host_bytes];
            zone = zone || c == '%';
            if (zone ? !isalnum(c) && c != '%' : !isxdigit(c) && c != ':' && c != '.')
                break;
        }
        if (host + host_bytes == end || host[host_bytes++] != ']' || host_bytes < 4)
            return false;
    } else {
        while (host + host_bytes < end && host[host_bytes] != ':')
            host_bytes++;
    }
    return host_bytes > 0 && is_port(host + host_bytes, (size_t)(end - host) - host_bytes);
}

static bool is_url(const char *text)
{
    const char *host = strncmp(text, "https://", 8) == 0 ? text + 8 : strncmp(text, "http://", 7) == 0 ? text + 7 : "";
    if (host[0] == '\0' || strchr("/?#:@", host[0]) != NULL)
        return false;
    if (!is_authority(host, strcspn(host, "/?#")))
        return false;
    for (; *host != '\0'; host++)
        if ((unsigned char)*host <= ' ' || (unsigned char)*host > '~' || strchr("\"<>\\^`{|}", *host) != NULL)
            return false;
    return true;
}

/* Bytes that so many characters of base64 stand for; 0: they are malformed. */
static size_t base64_bytes(const char *text, size_t length)
{
    size_t padding = 0;
    while (padding < 2 && length > padding && text[length - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < length - padding; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '+' && text[i] != '/')
            return 0;
    return length % 4 == 0 ? length / 4 * 3 - padding : 0;
}

static bool is_key(const char *text, size_t length)
{
    size_t prefix = strlen(KEY_PREFIX);
    size_t bytes =
        length > prefix && memcmp(text, KEY_PREFIX, prefix) == 0 ? base64_bytes(text + prefix, length - prefix) : 0;
    return bytes >= KEY_BYTES_MIN && bytes <= KEY_BYTES_MAX;
}

static bool is_host(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && strchr(".-:[]", text[i]) == NULL)
            return false;
    return length > 0 && length <= 253 && text[0] != '-' && text[0] != '.';
}

/* As it stands on an envelope: no name, no comment, no quotes. */
static bool is_address(const char *text, size_t length)
{
    const char *at = memchr(text, '@', length);
    size_t local = at == NULL ? 0 : (size_t)(at - text);
    if (local == 0 || local > LOCAL_PART_BYTES_MAX || length > ADDRESS_BYTES_MAX)
        return false;
    for (size_t i = 0; i < local; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("!#$%&'*+-/=?^_`{|}~.", text[i]) == NULL)
            return false;
    return is_host(at + 1, length - local - 1) && memchr(at + 1, ':', length - local - 1) == NULL;
}

static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-')
            return false;
    return length >= 1 && length <= TW_RECEIVER_BYTES_MAX;
}

/* Whether each of the words is good. */
static bool all_good(const char *text, const char *separators, size_t most,
                     bool (*good)(const char *text, size_t length))
{
    size_t count = 0;
    for (text += strspn(text, separators); *text != '\0'; text += strspn(text, separators)) {
        size_t length = strcspn(text, separators);
        if (!good(text, length) || ++count > most)
            return false;
        text += length;
    }
    return count > 0;
}

bool tw_receiver_value_good(enum tw_key_type type, const char *text)
{
    struct tw_hours hours;
    uint32_t labels = 0;
    switch (type) {
    case TW_TYPE_URL:
        return is_url(text);
    case TW_TYPE_KEYS:
        return all_good(text, " ", TW_WEBHOOK_KEYS_MAX, is_key);
    case TW_TYPE_HOST:
        return is_host(text, strlen(text));
    case TW_TYPE_MAILBOX:
        return is_address(text, strlen(text));
    case TW_TYPE_MAILBOXES:
        return all_good(text, ", ", TW_MAIL_RECIPIENTS_MAX, is_address);
    case TW_TYPE_NAME:
        return is_name(text, strlen(text));
    case TW_TYPE_HOURS:
        return tw_hours_read(text, &hours);
    case TW_TYPE_LABELS:
        return tw_labels_read(text, &labels);
    case TW_TYPE_NAMES:
        return all_good(text, " ", TW_RECEIVERS_MAX, is_name);
    default:
        TW_UNREACHABLE("no value of a receiver");
    }
}
