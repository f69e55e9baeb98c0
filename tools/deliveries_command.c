/* SPDX-License-Identifier: MIT
 *
 * `tapewarden deliveries`: the ledger, what is pending, dead letters; and dead letters tried again. Of a directory that
 * is not in use, or through the daemon that has it.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/alert_text.h"
#include "protocol/check.h"
#include "tools/cli.h"
#include "tools/control.h"
#include "tools/deliveries_render.h"
#include "tools/deliveries_totals.h"
#include "tools/rows.h"

struct deliveries {
    struct tw_cli cli;
    const char *receiver, *state, *part;
    uint64_t alert;
    bool raw;
    struct tw_cfg *cfg;
};

static int failed(const struct deliveries *deliveries, const struct tw_store_error *error)
{
    tw_cli_say(deliveries->cli.command, "%s", error->text);
    return TW_EXIT_UNREACHABLE;
}

static const char *directory_of(const struct deliveries *deliveries)
{
    return tw_cfg_text(deliveries->cfg, "data/directory");
}

/* ---- list ---- */

static void print_row(const json_t *row)
{
    char time[TW_TIME_TEXT_MAX];
    bool attempt = json_object_get(row, "attempt") != NULL;
    json_t *at = json_object_get(row, attempt ? "at" : "queued_at");
    json_t *count = json_object_get(row, attempt ? "attempt" : "attempts");
    tw_time_format(json_integer_value(at) / 1000000 * 1000000, time);
    printf("%-24s %-20s %-9s attempt %-3" PRId64, time, tw_row_text(row, "id"), tw_row_text(row, "state"),
           (int64_t)json_integer_value(count));
    if (attempt)
        printf(" %4" PRId64 " %6" PRId64 " ms", tw_row_number(row, "status"), tw_row_number(row, "latency_us") / 1000);
    if (tw_row_text(row, "group")[0] != '\0')
        printf("  in the group %s", tw_row_text(row, "group"));
    printf("  %s%s%s\n", tw_row_text(row, "reason"), tw_row_text(row, "reason")[0] != '\0' ? ": " : "",
           tw_row_text(row, "answer"));
}

static void print_page(void *context, const char *lines)
{
    tw_rows_print(context, lines, print_row);
}

static int read_listing(const struct deliveries *deliveries, struct tw_listing *listing)
{
    static const char *const words[] = {"all", "pending", "delivered", "dead"};
    *listing = (struct tw_listing){.state = TW_LISTING_ALL};
    uint64_t n = 0;
    if (deliveries->receiver != NULL && (!tw_listing_id(deliveries->receiver, listing->receiver, &n) || n != 0))
        return tw_cli_usage(&deliveries->cli, "--receiver takes a name of at most 32 bytes");
    if (deliveries->state == NULL)
        return TW_CLI_GO_ON;
    for (int i = TW_LISTING_PENDING; i <= TW_LISTING_DEAD; i++)
        if (strcmp(words[i], deliveries->state) == 0) {
            listing->state = (enum tw_listing_state)i;
            return TW_CLI_GO_ON;
        }
    return tw_cli_usage(&deliveries->cli, "--state is pending, delivered or dead");
}

static int list(struct deliveries *deliveries)
{
    struct tw_listing listing;
    struct tw_store_error error;
    int exit_code = read_listing(deliveries, &listing);
    if (exit_code != TW_CLI_GO_ON)
        return exit_code;
    bool ok = tw_ledger_read(directory_of(deliveries), &listing, 0, print_page, &deliveries->cli, &error);
    return ok ? TW_EXIT_OK : failed(deliveries, &error);
}

static int totals(const struct deliveries *deliveries)
{
    struct tw_listing listing;
    struct tw_store_error error;
    int exit_code = read_listing(deliveries, &listing);
    if (exit_code == TW_CLI_GO_ON && deliveries->state != NULL)
        exit_code = tw_cli_usage(&deliveries->cli, "--state goes with list only");
    if (exit_code != TW_CLI_GO_ON)
        return exit_code;
    bool ok = tw_deliveries_totals(directory_of(deliveries), listing.receiver, deliveries->cli.json, stdout, &error);
    return ok ? TW_EXIT_OK : failed(deliveries, &error);
}

/* ---- retry ---- */

static bool retry_running(const struct deliveries *deliveries, const char *receiver, uint64_t n, uint64_t *count,
                          struct tw_store_error *error)
{
    struct tw_buffer answer = {0};
    char request[128];
    snprintf(request, sizeof request, "deliveries retry %s %" PRIu64, receiver, n);
    bool done = tw_control_ask(directory_of(deliveries), request, "answered", &answer, error) == TW_CONTROL_DONE;
    if (done)
        *count = strtoull((const char *)answer.bytes, NULL, 10);
    tw_buffer_free(&answer);
    return done;
}

/* Reading first: opening for writing would make a directory that is not there. */
static bool retry_directory(const struct deliveries *deliveries, const char *receiver, uint64_t n, uint64_t *count,
                            struct tw_store_error *error)
{
    struct tw_text name = {receiver, (uint32_t)strlen(receiver)};
    struct tw_store *store = tw_store_open(directory_of(deliveries), TW_STORE_READ, error);
    if (store == NULL)
        return error->status == TW_STORE_LOCKED && retry_running(deliveries, receiver, n, count, error);
    tw_store_close(&store);
    store = tw_store_open(directory_of(deliveries), TW_STORE_WRITE, error);
    bool done = store != NULL && tw_store_retry(store, name, n, tw_cli_wall_ns(), count, error) == TW_STORE_OK;
    tw_store_close(&store);
    return done;
}

static int retry(const struct deliveries *deliveries)
{
    struct tw_store_error error;
    char receiver[TW_RECEIVER_BYTES_MAX + 1];
    uint64_t n = 0, count = 0;
    const char *what = deliveries->cli.operand_count > 1 ? deliveries->cli.operands[1] : deliveries->receiver;
    bool both = deliveries->cli.operand_count > 1 && deliveries->receiver != NULL;
    if (what == NULL || both || !tw_listing_id(what, receiver, &n) || strpbrk(receiver, " -") == receiver ||
        (n == 0) != (what == deliveries->receiver))
        return tw_cli_usage(&deliveries->cli, "retry takes an ID such as ops/17, or --receiver NAME");
    if (!retry_directory(deliveries, receiver, n, &count, &error))
        return failed(deliveries, &error);
    if (deliveries->cli.json)
        printf("{\"pending\":%" PRIu64 "}\n", count);
    else if (count > 0)
        printf("%" PRIu64 " dead letter%s pending again\n", count, count == 1 ? " is" : "s are");
    if (count == 0)
        tw_cli_say(deliveries->cli.command, "%s is no dead letter%s", what, n == 0 ? "'s receiver" : "");
    return count > 0 ? TW_EXIT_OK : TW_EXIT_NO;
}

/* ---- */

static int render(const struct deliveries *deliveries)
{
    if (deliveries->cli.operand_count != 2 || deliveries->receiver != NULL || deliveries->state != NULL)
        return tw_cli_usage(&deliveries->cli, "render takes a receiver's name, --alert, --part and --raw");
    const struct tw_render_wish wish = {deliveries->cli.operands[1], deliveries->alert, deliveries->part,
                                        deliveries->raw};
    return tw_deliveries_render(&deliveries->cli, deliveries->cfg, &wish);
}

static int run(struct deliveries *deliveries)
{
    const char *action = deliveries->cli.operands[0];
    if (strcmp(action, "render") == 0)
        return render(deliveries);
    if (deliveries->part != NULL || deliveries->alert != 0 || deliveries->raw)
        return tw_cli_usage(&deliveries->cli, "--alert, --part and --raw go with render only");
    if (strcmp(action, "retry") == 0)
        return retry(deliveries);
    bool lists = strcmp(action, "list") == 0;
    if (!lists && strcmp(action, "totals") != 0)
        return tw_cli_usage(&deliveries->cli, "unknown action %s", action);
    if (deliveries->cli.operand_count > 1)
        return tw_cli_usage(&deliveries->cli, "%s takes no operands", action);
    return lists ? list(deliveries) : totals(deliveries);
}

int tw_deliveries_main(int argc, char **argv)
{
    struct deliveries deliveries = {.receiver = NULL};
    const struct tw_cli_option options[] = {
        {"receiver", "NAME", "only this receiver's; retry: all of its dead letters", TW_CLI_TEXT, &deliveries.receiver},
        {"state", "STATE", "list: only pending, delivered or dead", TW_CLI_TEXT, &deliveries.state},
        {"alert", "N", "render: the stored alert event with this number, of a directory that is not in use",
         TW_CLI_INTEGER, &deliveries.alert},
        {"part", "PART", "render: only this part of the texts, e.g. html; or the picture of a mail, as PNG",
         TW_CLI_TEXT, &deliveries.part},
        {"raw", NULL, "render: the body of the request, as it would be sent", TW_CLI_FLAG, &deliveries.raw},
    };
    deliveries.cli = (struct tw_cli){
        .command = "deliveries",
        .synopsis = "list|totals|retry [ID]|render RECEIVER [options]",
        .description =
            "list   every attempt to deliver an alert, in order of time: receiver and number of the alert,\n"
            "       what came of it, status, latency, answer; then what is pending, then dead letters\n"
            "totals how many attempts of each receiver ended how, what is pending, how many dead letters\n"
            "retry  makes a dead letter, or all of a receiver, pending again; ends with 1 if there is none\n"
            "render what that receiver would be sent of an alert, or of one that is made up; sends nothing\n\n"
            "While a daemon has the directory, the daemon answers.",
        .examples =
            "  tapewarden deliveries list --data /var/lib/tapewarden\n"
            "  tapewarden deliveries list --state dead --json | jq -r .answer | sort | uniq -c\n"
            "  tapewarden deliveries totals --json | jq 'select(.dead > 0)'\n"
            "  tapewarden deliveries retry ops/17\n"
            "  tapewarden deliveries retry --receiver slack\n"
            "  tapewarden deliveries render mail -c tapewarden.zpl --part html > mail.html\n"
            "  tapewarden deliveries render slack --set slack/template=slack.template --data backup --alert 17\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 2,
    };
    int exit_code = tw_cli_parse(&deliveries.cli, argc, argv);
    if (exit_code == TW_CLI_GO_ON)
        deliveries.cfg = tw_cli_cfg(&deliveries.cli, &exit_code);
    if (deliveries.cfg != NULL)
        exit_code = run(&deliveries);
    tw_cfg_free(&deliveries.cfg);
    tw_cli_clear(&deliveries.cli);
    return exit_code;
}
