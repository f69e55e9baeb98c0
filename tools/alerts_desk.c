/* SPDX-License-Identifier: MIT
 *
 * `tapewarden alerts ack|assign|close|note|show|list`: alerts looked at and acted on. What is done is recorded by the
 * daemon; what is recorded can also be read of a directory that is not in use.
 */
#include "tools/alerts_desk.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "actors/lifecycle/desk_actor.h"
#include "protocol/alert_text.h"
#include "protocol/check.h"
#include "tools/desk.h"
#include "tools/ledger.h"

struct desk {
    struct tw_cli cli;
    const char *by, *to, *verdict, *note, *state;
    struct tw_cfg *cfg;
};

bool tw_alerts_desk_has(const char *word)
{
    enum tw_action_verb verb;
    if (strcmp(word, "show") == 0 || strcmp(word, "list") == 0)
        return true;
    return tw_action_verb_of((struct tw_text){word, (uint32_t)strlen(word)}, &verb) && tw_action_is_of_alert(verb);
}

static const char *directory_of(const struct desk *desk)
{
    return tw_cfg_text(desk->cfg, "data/directory");
}

/* ---- for people ---- */

static void print_time(const json_t *object, const char *key)
{
    char time[TW_TIME_TEXT_MAX] = "at once"; /* what is pending and was not tried yet */
    if (tw_row_number(object, key) != 0)
        tw_time_format(tw_row_number(object, key) / 1000000 * 1000000, time);
    printf("%-24s", time);
}

static void print_state(const json_t *alert)
{
    const char *state = tw_row_text(alert, "state"), *to = tw_row_text(alert, "assigned_to"),
               *verdict = tw_row_text(alert, "verdict");
    printf("%s", state);
    if (strcmp(state, "closed") == 0)
        printf(" as %s by %s", verdict, tw_row_text(alert, "by"));
    else if (to[0] != '\0')
        printf(" to %s by %s", to, tw_row_text(alert, "by"));
    else if (tw_row_text(alert, "by")[0] != '\0')
        printf(" by %s", tw_row_text(alert, "by"));
}

static void print_action(const json_t *action)
{
    const char *to = tw_row_text(action, "to"), *verdict = tw_row_text(action, "verdict"),
               *why = tw_row_text(action, "why");
    printf("  h %-6" PRId64 " ", tw_row_number(action, "h"));
    print_time(action, "at");
    printf(" %s %s", tw_row_text(action, "who"), tw_row_text(action, "verb"));
    if (to[0] != '\0')
        printf(" to %s", to);
    if (verdict[0] != '\0')
        printf(" as %s", verdict);
    printf("%s%s\n", why[0] != '\0' ? ": " : "", why);
}

/* An attempt, or what is pending or dead. */
static void print_delivery(const json_t *row)
{
    bool attempt = json_object_get(row, "attempt") != NULL, dead = strcmp(tw_row_text(row, "state"), "dead") == 0;
    const char *why = tw_row_text(row, "answer");
    printf("  n %-6" PRId64 " ", tw_row_number(row, "n"));
    print_time(row, attempt ? "at" : dead ? "died_at" : "next_at");
    printf(" to %s: %s", tw_row_text(row, "receiver"), tw_row_text(row, "state"));
    if (attempt && tw_row_number(row, "attempt") != 0)
        printf(", attempt %" PRId64 ", status %" PRId64 " after %" PRId64 " ms", tw_row_number(row, "attempt"),
               tw_row_number(row, "status"), tw_row_number(row, "latency_us") / 1000);
    printf("%s%s\n", why[0] != '\0' ? ": " : "", why);
}

/* A one-shot alert does not come back: it stays untold. */
static void print_muted(const json_t *row, bool one_shot)
{
    printf("  n %" PRId64 " was told to nobody: muted by n %" PRId64 ", inhibit/%s", tw_row_number(row, "n"),
           tw_row_number(row, "by"), tw_row_text(row, "rule"));
    if (json_is_integer(json_object_get(row, "told")))
        printf(", and told with n %" PRId64 ", when that no longer held", tw_row_number(row, "told"));
    else if (tw_row_number(row, "silence") != 0)
        printf(", and hidden by silence %" PRId64 " when n %" PRId64 " ended that", tw_row_number(row, "silence"),
               tw_row_number(row, "released"));
    else if (one_shot)
        printf("; it is one-shot, and stays untold");
    putchar('\n');
}

static void print_alert(const json_t *alert)
{
    size_t i;
    json_t *row;
    printf("%s\n%s %s, %s %s\n", tw_row_text(alert, "id"), tw_row_text(alert, "severity"), tw_row_text(alert, "type"),
           tw_row_text(alert, "entity_type"), tw_row_text(alert, "entity"));
    print_state(alert);
    printf("\n\n");
    json_array_foreach(json_object_get(alert, "events"), i, row)
    {
        printf("  n %-6" PRId64 " ", tw_row_number(row, "n"));
        print_time(row, "ts");
        printf(" %-8s %-8s %s\n", tw_row_text(row, "event"), tw_row_text(row, "severity"), tw_row_text(row, "message"));
    }
    json_array_foreach(json_object_get(alert, "silenced"), i, row)
        printf("  n %" PRId64 " was told to nobody: silence %" PRId64 "\n", tw_row_number(row, "n"),
               tw_row_number(row, "silence"));
    const char *first = tw_row_text(json_array_get(json_object_get(alert, "events"), 0), "event");
    json_array_foreach(json_object_get(alert, "muted"), i, row) print_muted(row, strcmp(first, "fire") == 0);
    json_array_foreach(json_object_get(alert, "actions"), i, row) print_action(row);
    json_array_foreach(json_object_get(alert, "deliveries"), i, row) print_delivery(row);
}

static void print_row(const json_t *alert)
{
    printf("%-6" PRId64 " %.8s ", tw_row_number(alert, "n"), tw_row_text(alert, "id"));
    print_time(alert, "ts");
    printf(" %-8s %s %s  ", tw_row_text(alert, "severity"), tw_row_text(alert, "type"), tw_row_text(alert, "entity"));
    print_state(alert);
    printf("\n");
}

/* ---- asking ---- */

static void take_delivery_lines(void *context, const char *lines)
{
    tw_buffer_append(context, lines, strlen(lines));
}

/* What was sent of the alert that `answer` shows: its latest events, from an hour before the first of them was raised,
 * in case the clock was set back since. */
static bool read_deliveries(const struct desk *desk, const struct tw_buffer *answer, struct tw_buffer *lines,
                            struct tw_store_error *error)
{
    struct tw_listing listing = {.state = TW_LISTING_ALL};
    json_t *alert = json_loads((const char *)answer->bytes, 0, NULL), *events = json_object_get(alert, "events");
    int64_t from_ns = tw_row_number(json_array_get(events, 0), "detected_at") - 3600 * TW_NS_PER_SECOND;
    size_t i = json_array_size(events);
    while (i > 0 && listing.number_count < TW_LISTING_NUMBERS_MAX)
        listing.numbers[listing.number_count++] = (uint64_t)tw_row_number(json_array_get(events, --i), "n");
    json_decref(alert);
    return tw_ledger_read(directory_of(desk), &listing, from_ns > 0 ? from_ns : 0, take_delivery_lines, lines, error);
}

/* {...}\n becomes {...,"deliveries":[...]}\n. */
static void append_deliveries(struct tw_buffer *answer, const struct tw_buffer *lines)
{
    answer->length = strlen((const char *)answer->bytes) - strlen("}\n");
    tw_buffer_append(answer, ",\"deliveries\":[", 15);
    for (size_t i = 0; i + 1 < lines->length; i++)
        tw_buffer_append(answer, lines->bytes[i] == '\n' ? "," : (const char *)&lines->bytes[i], 1);
    tw_buffer_append(answer, "]}\n", sizeof "]}\n");
}

static int show(const struct desk *desk)
{
    struct tw_store_error error;
    struct tw_buffer answer = {0}, lines = {0};
    char command[80];
    snprintf(command, sizeof command, "show %.64s", desk->cli.operands[1]);
    bool ok =
        tw_desk_ask(directory_of(desk), command, &answer, &error) && read_deliveries(desk, &answer, &lines, &error);
    if (ok)
        append_deliveries(&answer, &lines);
    if (ok)
        tw_rows_print(&desk->cli, (const char *)answer.bytes, print_alert);
    tw_buffer_free(&answer);
    tw_buffer_free(&lines);
    return ok ? TW_EXIT_OK : tw_desk_failed(&desk->cli, &error);
}

static int list(const struct desk *desk)
{
    struct tw_store_error error;
    struct tw_buffer answer = {0};
    enum tw_case_state state;
    uint64_t after = 0;
    int more = 1;
    bool ok = true;
    if (desk->state != NULL && !tw_case_state_of(desk->state, &state))
        return tw_cli_usage(&desk->cli,
                            "--state is open, acknowledged, assigned, escalated, closed, resolved or retracted");
    while (ok && more != 0) {
        char command[80];
        int lines = 0;
        snprintf(command, sizeof command, "list %s %" PRIu64, desk->state == NULL ? "all" : desk->state, after);
        ok = tw_desk_ask(directory_of(desk), command, &answer, &error);
        if (ok && (sscanf((const char *)answer.bytes, "%" SCNu64 " %d%n", &after, &more, &lines) != 2 || lines == 0)) {
            snprintf(error.text, sizeof error.text, "the daemon's answer is not readable; is it of another version?");
            error.status = TW_STORE_FAILED;
            ok = false;
        }
        if (ok)
            tw_rows_print(&desk->cli, (const char *)answer.bytes + lines + 1, print_row);
    }
    tw_buffer_free(&answer);
    return ok ? TW_EXIT_OK : tw_desk_failed(&desk->cli, &error);
}

/* ---- acting ---- */

static int act(const struct desk *desk)
{
    json_t *action = json_object();
    tw_desk_put(action, "verb", desk->cli.operands[0]);
    tw_desk_put(action, "alert", desk->cli.operands[1]);
    tw_desk_put(action, "to", desk->to);
    tw_desk_put(action, "verdict", desk->verdict);
    tw_desk_put(action, "why", desk->note);
    return tw_desk_act(&desk->cli, directory_of(desk), action, desk->by, print_action);
}

/* What the verb wants and what it does not. */
static int check_act(const struct desk *desk)
{
    const char *verb = desk->cli.operands[0];
    bool assigns = strcmp(verb, "assign") == 0, closes = strcmp(verb, "close") == 0, notes = strcmp(verb, "note") == 0;
    if (assigns != (desk->to != NULL))
        return tw_cli_usage(&desk->cli, assigns ? "assign wants --to NAME" : "--to goes with assign only");
    if (closes != (desk->verdict != NULL))
        return tw_cli_usage(&desk->cli,
                            closes ? "close wants --as true_positive or false_positive" : "--as goes with close only");
    if (notes && desk->note == NULL)
        return tw_cli_usage(&desk->cli, "note wants --note TEXT");
    return TW_CLI_GO_ON;
}

static int run(const struct desk *desk)
{
    const char *word = desk->cli.operands[0];
    bool lists = strcmp(word, "list") == 0, shows = strcmp(word, "show") == 0;
    if (lists ? desk->cli.operand_count > 1 : desk->cli.operand_count < 2)
        return tw_cli_usage(&desk->cli, lists ? "list takes no operands" : "%s wants an alert: its number or id", word);
    if (!lists && desk->state != NULL)
        return tw_cli_usage(&desk->cli, "--state goes with list only");
    if (lists)
        return list(desk);
    if (shows)
        return show(desk);
    int exit_code = check_act(desk);
    return exit_code == TW_CLI_GO_ON ? act(desk) : exit_code;
}

int tw_alerts_desk_main(int argc, char **argv)
{
    struct desk desk = {.by = NULL};
    const struct tw_cli_option options[] = {
        {"by", "NAME", "who does it (the login name)", TW_CLI_TEXT, &desk.by},
        {"note", "TEXT", "why, at most 1000 bytes", TW_CLI_TEXT, &desk.note},
        {"to", "NAME", "assign: to whom", TW_CLI_TEXT, &desk.to},
        {"as", "VERDICT", "close: true_positive or false_positive", TW_CLI_TEXT, &desk.verdict},
        {"state", "STATE", "list: only those in this state", TW_CLI_TEXT, &desk.state},
    };
    desk.cli = (struct tw_cli){
        .command = "alerts",
        .synopsis = "ack|assign|close|note|show|list [ALERT] [options]",
        .description =
            "ack     somebody is on it          assign  it is somebody else's, --to NAME\n"
            "close   it is dealt with, --as true_positive or false_positive\n"
            "note    a word about it, --note TEXT\n"
            "show    an alert: its state, its events, what was done, what was sent to whom\n"
            "list    all alerts, or those of one --state: open, acknowledged, assigned, escalated, closed,\n"
            "        resolved, retracted\n\n"
            "ALERT is an alert's number, or the first 8 or more hex digits of its id. What is done is recorded\n"
            "by the daemon, under a number h and for good; the command ends when that is durable. Exit codes:\n"
            "1 there is no such alert, or it is closed; 3 no daemon has the directory; 4 what was given is\n"
            "refused: a name, a note or a verdict that cannot be recorded, an ALERT that is none.",
        .examples = "  tapewarden alerts list --state open\n"
                    "  tapewarden alerts ack 17 --note \"calling the desk\"\n"
                    "  tapewarden alerts close 5ac6e1f0 --as false_positive --by maria\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 2,
    };
    int exit_code = tw_cli_parse(&desk.cli, argc, argv);
    if (exit_code == TW_CLI_GO_ON)
        desk.cfg = tw_cli_cfg(&desk.cli, &exit_code);
    if (desk.cfg != NULL)
        exit_code = run(&desk);
    tw_cfg_free(&desk.cfg);
    tw_cli_clear(&desk.cli);
    return exit_code;
}
