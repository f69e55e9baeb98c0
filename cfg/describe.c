/* SPDX-License-Identifier: MIT
 *
 * The table itself, for README and --help, and as a sample file with every key at its default.
 */
#include "cfg/cfg.h"

#include <string.h>

#include "cfg/value.h"
#include "protocol/check.h"

/* ---- the table, in Markdown ---- */

/* A cell: '|' would end it. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++)
        if (*text == '|')
            fputs("\\|", out);
        else
            fputc(*text, out);
}

static const char *suffix_of(const struct tw_key *key)
{
    if ((key->flags & TW_KEY_OF_SYMBOL) != 0)
        return "[@SYMBOL]";
    if ((key->flags & TW_KEY_OF_ACCOUNT) != 0)
        return "[@ACCOUNT]";
    return (key->flags & TW_KEY_OF_EITHER) != 0 ? "[@NAME]" : "";
}

static const char *note_of(const struct tw_key *key)
{
    if ((key->flags & TW_KEY_ALERT) != 0)
        return "alert";
    if ((key->flags & TW_KEY_LATER) != 0)
        return (key->flags & TW_KEY_SECRET) != 0 ? "later, secret" : "later";
    return (key->flags & TW_KEY_SECRET) != 0 ? "secret" : "";
}

void tw_cfg_describe(FILE *out)
{
    fputs("| key | default | takes | unit | meaning | |\n|---|---|---|---|---|---|\n", out);
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        const struct tw_key *key = &tw_keys[i];
        const char *tick = key->standard[0] != '\0' ? "`" : "";
        char bounds[160];
        tw_value_bounds(key, bounds, sizeof bounds);
        fprintf(out, "| `%s%s` | %s%s%s | ", key->name, suffix_of(key), tick, key->standard, tick);
        print_cell(out, bounds);
        fprintf(out, " | %s | %s | %s |\n", key->unit, key->meaning, note_of(key));
    }
}

/* ---- the sample file ---- */

#define LINE_BYTES 110

/* A comment, broken into lines. */
static void print_comment(FILE *out, int indent, const char *text)
{
    while (*text != '\0') {
        int room = LINE_BYTES - indent - 2;
        int length = (int)strlen(text);
        if (length > room)
            for (length = room; length > 0 && text[length] != ' '; length--)
                ;
        TW_ASSERT(length > 0);
        fprintf(out, "%*s# %.*s\n", indent, "", length, text);
        text += length;
        while (*text == ' ')
            text++;
    }
}

/* Opens the sections of `name` that `previous` was not in; returns the indentation of the key itself. */
static int open_sections(FILE *out, const char *name, const char *previous, bool commented)
{
    int level = 0;
    size_t start = 0;
    bool same = true;
    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/'), level++) {
        size_t end = (size_t)(slash - name);
        same = same && strncmp(name, previous, end + 1) == 0;
        if (!same) {
            fputc('\n', out);
            if (level == 0)
                print_comment(out, 0, tw_key_section_sentence(name, end));
            if (name[start] == '*')
                fprintf(out, "%*s# night\n", level * 4, "");
            else
                fprintf(out, "%s%*s%.*s\n", commented ? "# " : "", level * 4, "", (int)(end - start), name + start);
        }
        start = end + 1;
    }
    return level * 4;
}

/* Whether nothing in the section has a value to write down: then its name is commented out as well. */
static bool all_commented(const char *name)
{
    size_t section = (size_t)(strchr(name, '/') - name) + 1;
    for (size_t i = 0; i < TW_KEY_COUNT; i++)
        if (strncmp(tw_keys[i].name, name, section) == 0 && (tw_keys[i].flags & TW_KEY_LATER) == 0 &&
            ((tw_keys[i].flags & TW_KEY_NAMED) != 0 || tw_keys[i].standard[0] != '\0'))
            return false;
    return true;
}

static void print_example(FILE *out, const struct tw_key *key, int indent, const char *last)
{
    if ((key->flags & TW_KEY_OF_SYMBOL) != 0)
        fprintf(out, "%*s# %s@BRK.B = %s   # for one symbol\n", indent, "", last, key->standard);
    if ((key->flags & TW_KEY_OF_ACCOUNT) != 0)
        fprintf(out, "%*s# %s@desk-7 = %s   # for one account\n", indent, "", last, key->standard);
    if ((key->flags & TW_KEY_OF_EITHER) != 0)
        fprintf(out, "%*s# %s@desk-7 = %s   # for one account or symbol\n", indent, "", last, key->standard);
}

static const char *named_example(const struct tw_key *key)
{
    switch (key->type) {
    case TW_TYPE_URL:
        return "ops = https://ops.example.com/alerts";
    case TW_TYPE_KEYS:
        return "ops = whsec_...";
    case TW_TYPE_PATH:
        return "ops = /etc/tapewarden/ops";
    case TW_TYPE_CHOICE:
        return strchr(key->choices, 'H') != NULL ? "ops = HIGH" : "ops = alertmanager";
    default:
        return "nyse = tcp://10.0.0.7:5556";
    }
}

/* Of a key behind a name, such as route/NAME/match. */
static const char *inner_example(const struct tw_key *key)
{
    switch (key->type) {
    case TW_TYPE_NAME:
        return "desk";
    case TW_TYPE_MATCHERS:
        return "severity=CRITICAL type=~HIGH_.*";
    case TW_TYPE_HOURS:
        return "Mon-Fri 22:00-06:00, Sat-Sun";
    case TW_TYPE_NAMES:
        return "pagerduty slack";
    case TW_TYPE_LABELS:
        return "entity_type entity";
    case TW_TYPE_SWITCH:
        return "on";
    case TW_TYPE_INTEGER:
        return "900";
    default:
        return "critical";
    }
}

static void print_named(FILE *out, const struct tw_key *key, int indent, const char *last)
{
    if (strcmp(last, "*") == 0)
        fprintf(out, "%*s# %s\n", indent, "", named_example(key));
    else
        fprintf(out, "%*s# %s = %s\n", indent, "", last, inner_example(key));
}

static void print_key(FILE *out, const struct tw_key *key, const char *previous)
{
    char bounds[160], comment[512];
    const char *last = strrchr(key->name, '/') + 1;
    bool later = (key->flags & TW_KEY_LATER) != 0;
    bool commented = all_commented(key->name);
    int indent = open_sections(out, key->name, previous, commented);
    tw_value_bounds(key, bounds, sizeof bounds);
    snprintf(comment, sizeof comment, "%s%s (%s%s%s)", later ? "Not available in this build: " : "", key->meaning,
             bounds, key->unit[0] != '\0' ? "; " : "", key->unit);
    print_comment(out, indent, comment);
    if ((key->flags & TW_KEY_NAMED) != 0)
        print_named(out, key, indent, last);
    else if (key->standard[0] == '\0' && !later)
        fprintf(out, "%*s# %s = ...\n", indent, "", last);
    else if (later)
        fprintf(out, "%*s# %s = %s\n", indent, "", last, key->standard[0] != '\0' ? key->standard : "...");
    else
        fprintf(out, "%*s%s = %s\n", indent, "", last, key->standard);
    print_example(out, key, indent, last);
}

void tw_cfg_sample(FILE *out)
{
    const char *previous = "";
    fputs(
        "# SPDX-License-Identifier: MIT\n"
        "#\n"
        "# Tapewarden's configuration: every key at its default, so that nothing here needs to be set.\n"
        "# Made by `tapewarden config sample`. The form is ZPL: 4 spaces for each level, `name = value`, a comment\n"
        "# behind a # at the start of a line or after a space. Each key is also a variable of the environment\n"
        "# (rules/velocity/window is TAPEWARDEN_RULES__VELOCITY__WINDOW) and a flag (--set rules/velocity/window=30).\n"
        "# `tapewarden config check -c FILE` finds mistakes; `tapewarden config show` says what is in force and why.\n",
        out);
    for (size_t i = 0; i < TW_KEY_COUNT; i++) {
        print_key(out, &tw_keys[i], previous);
        previous = tw_keys[i].name;
    }
}
