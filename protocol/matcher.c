/* SPDX-License-Identifier: MIT */
#include "protocol/matcher.h"

#include <ctype.h>
#include <locale.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/limits.h"

#define DEPTH_MAX 3u /* a + makes the library write what it repeats twice */
#define EXPRESSION_BYTES_MAX 128u
#define FORM "is no matcher; one is label=value, label!=value, label=~regex or label!~regex"
#define VALUE_BYTES_MAX 255u /* no name is longer: a trade's, the longest, has less than 70 */

struct matcher {
    enum tw_label label;
    bool regular, negated;
    char *text;  /* as it was written */
    char *value; /* decoded; of an expression with its anchors */
    regex_t expression;
    locale_t characters; /* in which it is compiled and matched, of whatever thread; 0: the system has none, bytes */
};
struct tw_matchers {
    struct matcher list[TW_MATCHERS_MAX];
    uint32_t count;
};

static const struct {
    const char *name, *words;
} labels_known[TW_LABEL_COUNT] = {
    [TW_LABEL_TYPE] = {"type", "|LARGE_TRADE|HIGH_CLIENT_EXPOSURE|HIGH_SYMBOL_EXPOSURE|HIGH_TRANSACTION_VELOCITY|"
                               "ANOMALY_DETECTED|FEED_GAP|"},
    [TW_LABEL_SEVERITY] = {"severity", "|LOW|MEDIUM|HIGH|CRITICAL|"},
    [TW_LABEL_ENTITY_TYPE] = {"entity_type", "|CLIENT|SYMBOL|PAIR|TRADE|PUBLISHER|SYSTEM|"},
    [TW_LABEL_ENTITY] = {"entity", NULL},
    [TW_LABEL_RULE] = {"rule", "|large_trade|client_exposure|symbol_exposure|velocity|anomaly|feed_gap|"},
    [TW_LABEL_EVENT] = {"event", "|fire|open|escalate|resolve|retract|"},
    [TW_LABEL_PUBLISHER] = {"publisher", NULL},
};

const char *tw_label_name(enum tw_label label)
{
    return labels_known[label].name;
}

const char *tw_label_words(enum tw_label label)
{
    return labels_known[label].words;
}

static bool fail(char why[TW_MATCHER_WHY_BYTES], const char *text, const char *reason)
{
    snprintf(why, TW_MATCHER_WHY_BYTES, "'%.60s' %.170s", text, reason);
    return false;
}

/* ---- one matcher ---- */

static bool read_label(const char *text, size_t *length, enum tw_label *out)
{
    *length = strspn(text, "abcdefghijklmnopqrstuvwxyz_");
    for (unsigned i = 0; i < TW_LABEL_COUNT; i++)
        if (strlen(labels_known[i].name) == *length && memcmp(labels_known[i].name, text, *length) == 0) {
            *out = (enum tw_label)i;
            return true;
        }
    return false;
}

bool tw_labels_read(const char *text, uint32_t *out)
{
    *out = strcmp(text, "all") == 0 ? (1u << TW_LABEL_COUNT) - 1u : 0;
    if (*out != 0 || strcmp(text, "none") == 0)
        return true;
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t length = 0;
        enum tw_label label;
        if (!read_label(text, &length, &label) || (text[length] != ' ' && text[length] != '\0'))
            return false;
        *out |= 1u << label;
        text += length;
    }
    return *out != 0;
}

static size_t read_operator(const char *text, struct matcher *out)
{
    out->negated = text[0] == '!';
    out->regular = text[0] != '\0' && text[1] == '~';
    if (text[0] == '=')
        return out->regular ? 2 : 1;
    return text[0] == '!' && (text[1] == '~' || text[1] == '=') ? 2 : 0;
}

static int hex(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    return isxdigit((unsigned char)c) ? toupper((unsigned char)c) - 'A' + 10 : -1;
}

/* %XX, in place; a NUL or half an escape is none. */
static bool decode(char *value)
{
    char *out = value;
    for (const char *in = value; *in != '\0'; in++) {
        if (*in != '%') {
            *out++ = *in;
            continue;
        }
        int high = hex(in[1]), low = high < 0 ? -1 : hex(in[2]);
        if (low < 0 || high + low == 0)
            return false;
        *out++ = (char)(high * 16 + low);
        in += 2;
    }
    *out = '\0';
    return true;
}

/* ---- expressions ---- */

/* Behind a bracket expression that begins at `c`, or at its end where it is not closed. */
static const char *skip_bracket(const char *c)
{
    c += c[1] == '^' ? 2 : 1;
    c += *c == ']' ? 1 : 0;
    while (*c != '\0' && *c != ']') {
        const char *end = *c == '[' && strchr(".:=", c[1]) != NULL && c[1] != '\0' ? strchr(c + 2, ']') : NULL;
        c = end != NULL ? end + 1 : c + 1;
    }
    return c;
}

/* What could take the library without bounds; NULL: nothing. */
static const char *expression_fault(const char *expression)
{
    unsigned depth = 0;
    bool repeated = false;
    if (strlen(expression) > EXPRESSION_BYTES_MAX)
        return "is longer than 128 bytes";
    for (const char *c = expression; *c != '\0'; c++) {
        bool repeats = *c == '*' || *c == '+' || *c == '?';
        if (repeats && repeated)
            return "repeats a repetition";
        repeated = repeats;
        if (*c == '{')
            return "has a count in {}; a brace itself is \\{";
        if (*c == ')' && depth-- == 0)
            return "closes a group that is not open";
        if (*c == '(' && ++depth > DEPTH_MAX)
            return "nests groups more than 3 deep";
        if (*c == '[' && *(c = skip_bracket(c)) == '\0')
            return "does not close a [";
        if (*c == '\\' && (*++c == '\0' || isalnum((unsigned char)*c)))
            return "has a backslash before a letter, a digit or nothing";
    }
    return NULL;
}

static bool is_ascii(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

static bool compile(struct matcher *matcher, char why[TW_MATCHER_WHY_BYTES])
{
    const char *fault = expression_fault(matcher->value + 2); /* behind "^(" */
    char reason[160];
    if (fault != NULL)
        return fail(why, matcher->text, fault);
    size_t length = strlen(matcher->value);
    memcpy(matcher->value + length, ")$", 3);
    matcher->characters = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (matcher->characters == (locale_t)0 && !is_ascii(matcher->value))
        return fail(why, matcher->text,
                    "has characters beyond ASCII, which take the locale C.UTF-8; this system has none");
    locale_t before = uselocale(matcher->characters);
    int code = regcomp(&matcher->expression, matcher->value, REG_EXTENDED | REG_NOSUB);
    uselocale(before);
    if (code == 0)
        return true;
    regerror(code, &matcher->expression, reason, sizeof reason);
    return fail(why, matcher->text,
                code == REG_ECOLLATE ? "has a range, [= =] or [. .] of what is no ASCII character; name each" : reason);
}

static bool is_word(enum tw_label label, const char *value, char why[TW_MATCHER_WHY_BYTES], const char *text)
{
    const char *words = labels_known[label].words;
    char wanted[64], reason[170];
    if (words == NULL)
        return true;
    snprintf(wanted, sizeof wanted, "|%.60s|", value);
    if (strstr(words, wanted) != NULL && strchr(value, '|') == NULL)
        return true;
    snprintf(reason, sizeof reason, "has no such %s; there are %.*s", labels_known[label].name, (int)strlen(words) - 2,
             words + 1);
    return fail(why, text, reason);
}

static bool read_one(const char *text, size_t length, struct matcher *out, char why[TW_MATCHER_WHY_BYTES])
{
    size_t label_length = 0;
    out->text = tw_strndup(text, length);
    bool known = read_label(out->text, &label_length, &out->label);
    const char *rest = out->text + label_length;
    size_t operator_length = read_operator(rest, out);
    if (operator_length == 0)
        return fail(why, out->text, FORM);
    if (!known)
        return fail(why, out->text,
                    "has no known label; there are type, severity, entity_type, entity, rule, event, "
                    "publisher");
    rest += operator_length;
    out->value = tw_alloc(strlen(rest) + 5);
    sprintf(out->value, "%s%s", out->regular ? "^(" : "", rest);
    if (*rest == '\0')
        return fail(why, out->text, "has no value");
    if (!decode(out->value))
        return fail(why, out->text, "has a % without two hexadecimal digits, which is written %25");
    return out->regular ? compile(out, why) : is_word(out->label, out->value, why, out->text);
}

/* ---- all of them ---- */

static void free_one(struct matcher *matcher, bool compiled)
{
    if (compiled)
        regfree(&matcher->expression);
    if (matcher->characters != (locale_t)0)
        freelocale(matcher->characters);
    free(matcher->text);
    free(matcher->value);
}

void tw_matchers_free(struct tw_matchers **matchers)
{
    if (*matchers == NULL)
        return;
    for (uint32_t i = 0; i < (*matchers)->count; i++)
        free_one(&(*matchers)->list[i], (*matchers)->list[i].regular);
    free(*matchers);
    *matchers = NULL;
}

struct tw_matchers *tw_matchers_read(const char *text, char why[TW_MATCHER_WHY_BYTES])
{
    struct tw_matchers *matchers = tw_alloc_zero(1, sizeof *matchers);
    bool good = text[0] == '\0' || text[strspn(text, " ")] != '\0' || fail(why, text, FORM);
    for (text += strspn(text, " "); good && *text != '\0'; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        if (matchers->count == TW_MATCHERS_MAX) {
            good = fail(why, text, "is one matcher too many; 16 are allowed");
            continue;
        }
        struct matcher *matcher = &matchers->list[matchers->count];
        good = read_one(text, length, matcher, why);
        if (good)
            matchers->count++;
        else
            free_one(matcher, false);
        text += length;
    }
    if (!good)
        tw_matchers_free(&matchers);
    return matchers;
}

static bool holds(const struct matcher *matcher, struct tw_text value)
{
    if (!matcher->regular)
        return (strlen(matcher->value) == value.length && memcmp(matcher->value, value.bytes, value.length) == 0) !=
               matcher->negated;
    char text[VALUE_BYTES_MAX + 1]; /* the library wants an end */
    snprintf(text, sizeof text, "%.*s", (int)value.length, value.bytes);
    locale_t before = uselocale(matcher->characters);
    bool matches = regexec(&matcher->expression, text, 0, NULL, 0) == 0;
    uselocale(before);
    return matches != matcher->negated;
}

const char *tw_matchers_against(const struct tw_matchers *matchers, const struct tw_labels *labels)
{
    for (uint32_t i = 0; i < matchers->count; i++)
        if (!holds(&matchers->list[i], labels->value[matchers->list[i].label]))
            return matchers->list[i].text;
    return NULL;
}
