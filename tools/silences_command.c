/* SPDX-License-Identifier: MIT
 *
 * `tapewarden silences`: from when to when nobody is told of some alerts; and what other alerts muted. They are raised,
 * recorded and published all the same; only deliveries are left out, and the record says so.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/alert_text.h"
#include "protocol/check.h"
#include "tools/desk.h"

struct silences {
    struct tw_cli cli;
    const char *by, *note, *lasts, *begins, *hours;
    struct tw_cfg *cfg;
};

static const char *directory_of(const struct silences *silences)
{
    return tw_cfg_text(silences->cfg, "data/directory");
}

/* "90s", "30m", "2h", "3d", or several: "1d12h". 0: it is none. */
static int64_t duration_of(const char *text)
{
    int64_t total = 0;
    while (*text != '\0') {
        char *unit = NULL;
        unsigned long long count = strtoull(text, &unit, 10);
        int64_t seconds = *unit == 's' ? 1 : *unit == 'm' ? 60 : *unit == 'h' ? 3600 : *unit == 'd' ? 86400 : 0;
        if (*text < '0' || *text > '9' || seconds == 0 || count > 36500)
            return 0;
        total += (int64_t)count * seconds;
        text = unit + 1;
    }
    return total <= 36500 * INT64_C(86400) ? total * TW_NS_PER_SECOND : 0;
}

static void print_time(int64_t ns)
{
    char time[TW_TIME_TEXT_MAX];
    tw_time_format(ns / TW_NS_PER_SECOND * TW_NS_PER_SECOND, time);
    printf("%s", time);
}

/* What was recorded, or a row of the list. */
static void print_silence(const json_t *object)
{
    if (strcmp(tw_row_text(object, "verb"), "unsilence") == 0) {
        printf("h %" PRId64 "  silence %" PRId64 " ended by %s\n", tw_row_number(object, "h"),
               tw_row_number(object, "silence"), tw_row_text(object, "who"));
        return;
    }
    printf("h %-5" PRId64 " ", tw_row_number(object, "h"));
    if (tw_row_text(object, "state")[0] != '\0')
        printf("%-8s", tw_row_text(object, "state"));
    print_time(tw_row_number(object, "starts"));
    printf(" to ");
    print_time(tw_row_number(object, "ends"));
    if (tw_row_text(object, "hours")[0] != '\0')
        printf(", %s", tw_row_text(object, "hours"));
    printf("  %s  by %s: %s", tw_row_text(object, "match"), tw_row_text(object, "who"), tw_row_text(object, "why"));
    if (json_object_get(object, "hidden") != NULL)
        printf("  (hid %" PRId64 ")", tw_row_number(object, "hidden"));
    printf("\n");
}

static void print_muted(const json_t *row)
{
    printf("inhibit/%-24s muted %" PRId64 ", %" PRId64 " of them told later; the newest is n %" PRId64 "\n",
           tw_row_text(row, "rule"), tw_row_number(row, "muted"), tw_row_number(row, "told"),
           tw_row_number(row, "last_n"));
}

static int list(const struct silences *silences, const char *what, tw_row_print print)
{
    struct tw_store_error error;
    struct tw_buffer answer = {0};
    bool ok = tw_desk_ask(directory_of(silences), what, &answer, &error);
    if (ok)
        tw_rows_print(&silences->cli, (const char *)answer.bytes, print);
    tw_buffer_free(&answer);
    return ok ? TW_EXIT_OK : tw_desk_failed(&silences->cli, &error);
}

static int add(const struct silences *silences)
{
    int64_t lasts_ns = silences->lasts == NULL ? 0 : duration_of(silences->lasts);
    int64_t begins_ns = silences->begins == NULL ? 0 : duration_of(silences->begins);
    if (silences->cli.operand_count != 2)
        return tw_cli_usage(&silences->cli, "add takes matchers, in quotes: 'type=LARGE_TRADE entity=~desk-7/.*'");
    if (lasts_ns == 0)
        return tw_cli_usage(&silences->cli, "add wants --for a time such as 30m, 2h or 1d12h, at most 36500d");
    if (silences->begins != NULL && begins_ns == 0)
        return tw_cli_usage(&silences->cli, "--in takes a time such as 30m, 2h or 1d12h, at most 36500d");
    if (silences->hours != NULL && silences->hours[0] == '\0') /* and not every hour there is */
        return tw_cli_usage(&silences->cli,
                            "--hours takes hours such as \"Mon-Fri 22:00-06:00, Sat-Sun\"; these are empty");
    if (silences->note == NULL)
        return tw_cli_usage(&silences->cli, "add wants --note WHY");
    json_t *action = json_object();
    int64_t starts_ns = tw_cli_wall_ns() + begins_ns;
    tw_desk_put(action, "verb", "silence");
    tw_desk_put(action, "match", silences->cli.operands[1]);
    json_object_set_new(action, "starts", json_integer(starts_ns));
    json_object_set_new(action, "ends", json_integer(starts_ns + lasts_ns));
    tw_desk_put(action, "why", silences->note);
    tw_desk_put(action, "hours", silences->hours);
    return tw_desk_act(&silences->cli, directory_of(silences), action, silences->by, print_silence);
}

static int expire(const struct silences *silences)
{
    char *end = NULL;
    const char *number = silences->cli.operand_count == 2 ? silences->cli.operands[1] : "";
    unsigned long long h = strtoull(number, &end, 10);
    if (number[0] < '1' || number[0] > '9' || *end != '\0' || h > (unsigned long long)INT64_MAX)
        return tw_cli_usage(&silences->cli, "expire takes a silence's number h");
    json_t *action = json_object();
    tw_desk_put(action, "verb", "unsilence");
    json_object_set_new(action, "silence", json_integer((json_int_t)h));
    tw_desk_put(action, "why", silences->note);
    return tw_desk_act(&silences->cli, directory_of(silences), action, silences->by, print_silence);
}

static int run(const struct silences *silences)
{
    const char *word = silences->cli.operands[0];
    bool adds = strcmp(word, "add") == 0;
    if (!adds && (silences->lasts != NULL || silences->begins != NULL || silences->hours != NULL))
        return tw_cli_usage(&silences->cli, "--for, --in and --hours go with add only");
    if (adds)
        return add(silences);
    if (strcmp(word, "expire") == 0)
        return expire(silences);
    bool lists = strcmp(word, "list") == 0;
    if (!lists && strcmp(word, "muted") != 0)
        return tw_cli_usage(&silences->cli, "unknown action %s", word);
    if (silences->cli.operand_count > 1)
        return tw_cli_usage(&silences->cli, "%s takes no operands", word);
    return lists ? list(silences, "silences", print_silence) : list(silences, "muted", print_muted);
}

int tw_silences_main(int argc, char **argv)
{
    struct silences silences = {.by = NULL};
    const struct tw_cli_option options[] = {
        {"for", "TIME", "add: how long, e.g. 30m, 2h, 1d12h", TW_CLI_TEXT, &silences.lasts},
        {"in", "TIME", "add: not from now on, but in such a time", TW_CLI_TEXT, &silences.begins},
        {"hours", "HOURS", "add: when within that time, e.g. \"Mon-Fri 22:00-06:00, Sat-Sun\"", TW_CLI_TEXT,
         &silences.hours},
        {"note", "TEXT", "why, at most 1000 bytes", TW_CLI_TEXT, &silences.note},
        {"by", "NAME", "who does it (the login name)", TW_CLI_TEXT, &silences.by},
    };
    silences.cli = (struct tw_cli){
        .command = "silences",
        .synopsis = "add|expire|list|muted [MATCHERS|H] [options]",
        .description =
            "add     nobody is told of alerts that match, for a time: matchers as routes have them, all must hold\n"
            "expire  ends a silence early\n"
            "list    all silences: their state, and how many alert events they hid\n"
            "muted   how many alert events the rules under inhibit/ in the configuration muted; those of one-shot\n"
            "        alerts (LARGE_TRADE, FEED_GAP) are not told later\n\n"
            "Silenced alerts are raised, recorded and published as ever, and `alerts show` says what hid them.\n"
            "Each is recorded by the daemon, under a number h and for good; hours are those of session/zone.",
        .examples = "  tapewarden silences add 'type=LARGE_TRADE entity=~desk-7/.*' --for 2h --note \"migration\"\n"
                    "  tapewarden silences add 'entity=TEST' --for 30d --hours \"Sat-Sun\" --note \"drills\"\n"
                    "  tapewarden silences expire 12\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 2,
    };
    int exit_code = tw_cli_parse(&silences.cli, argc, argv);
    if (exit_code == TW_CLI_GO_ON)
        silences.cfg = tw_cli_cfg(&silences.cli, &exit_code);
    if (silences.cfg != NULL)
        exit_code = run(&silences);
    tw_cfg_free(&silences.cfg);
    tw_cli_clear(&silences.cli);
    return exit_code;
}
