/* SPDX-License-Identifier: MIT
 *
 * `tapewarden store`: what a data directory has, whether it is whole, its trades as text, and copies of it. But for a
 * backup the directory must not be in use.
 */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "protocol/digest.h"
#include "protocol/json_text.h"
#include "tools/actions_export.h"
#include "tools/cli.h"
#include "tools/store_backup.h"
#include "tools/store_export.h"

struct store_options {
    const char *account, *symbol;
    uint64_t from_seq, to_seq;
    bool csv, actions;
};

/* ---- opening ---- */

/* Damage is an answer only to the question whether there is any. */
static int open_failed(const struct tw_cli *cli, const struct tw_store_error *error, bool verifying)
{
    tw_cli_say(cli->command, "%s", error->text);
    return verifying && error->status == TW_STORE_DAMAGED ? TW_EXIT_NO : TW_EXIT_UNREACHABLE;
}

/* NULL with the sentence in *error, or (status OK) the configuration was wrong and *exit_code says so. */
static struct tw_store *open_store(const struct tw_cli *cli, struct tw_store_error *error, int *exit_code)
{
    error->status = TW_STORE_OK;
    struct tw_cfg *cfg = tw_cli_cfg(cli, exit_code);
    if (cfg == NULL)
        return NULL;
    struct tw_store *store = tw_store_open(tw_cfg_text(cfg, "data/directory"), TW_STORE_READ, error);
    tw_cfg_free(&cfg);
    return store;
}

/* ---- stats ---- */

static void print_time(const char *label, int64_t ns, bool known)
{
    char text[32] = "-";
    time_t seconds = (time_t)(ns / 1000000000);
    struct tm broken;
    if (known && gmtime_r(&seconds, &broken) != NULL) {
        size_t length = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &broken);
        snprintf(text + length, sizeof text - length, "Z");
    }
    printf("%-18s %s\n", label, text);
}

static void print_stats(const struct tw_store_stats *stats, const char *log_id)
{
    const struct {
        const char *label;
        uint64_t count;
    } rows[] = {
        {"trades", stats->trades},           {"dropped trades", stats->dropped},
        {"blocks", stats->blocks},           {"records", stats->records},
        {"refused trades", stats->refusals}, {"alert events", stats->alerts},
        {"snapshots", stats->snapshots},     {"names", stats->names},
        {"indexed up to", stats->indexed},   {"bytes on disk", stats->bytes_on_disk},
    };
    printf("%-18s %s\n", "log", log_id);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        printf("%-18s %" PRIu64 "\n", rows[i].label, rows[i].count);
    print_time("first trade", stats->first_ts_ns, stats->trades > 0);
    print_time("event clock", stats->last_ts_ns, stats->trades > 0);
}

static void print_stats_json(const struct tw_store_stats *stats, const char *log_id)
{
    printf(
        "{\"log_id\":\"%s\",\"trades\":%" PRIu64 ",\"blocks\":%" PRIu64 ",\"records\":%" PRIu64 ",\"refusals\":%" PRIu64
        ",\"alerts\":%" PRIu64 ",\"names\":%" PRIu64 ",\"indexed\":%" PRIu64 ",\"bytes_on_disk\":%" PRIu64
        ",\"first_ts\":%" PRId64 ",\"last_ts\":%" PRId64 ",\"dropped\":%" PRIu64 ",\"snapshots\":%" PRIu64 "}\n",
        log_id, stats->trades, stats->blocks, stats->records, stats->refusals, stats->alerts, stats->names,
        stats->indexed, stats->bytes_on_disk, stats->first_ts_ns, stats->last_ts_ns, stats->dropped, stats->snapshots);
}

static int run_stats(const struct tw_cli *cli, const struct store_options *options)
{
    (void)options;
    struct tw_store_error error;
    int exit_code = TW_EXIT_OK;
    struct tw_store *store = open_store(cli, &error, &exit_code);
    if (store == NULL)
        return error.status == TW_STORE_OK ? exit_code : open_failed(cli, &error, false);
    struct tw_store_stats stats;
    uint8_t log_id[16];
    char log_id_text[33];
    tw_store_log_id(store, log_id);
    tw_hex(log_id, sizeof log_id, log_id_text);
    if (!tw_store_stats(store, &stats, &error))
        exit_code = open_failed(cli, &error, false);
    else if (cli->json)
        print_stats_json(&stats, log_id_text);
    else
        print_stats(&stats, log_id_text);
    tw_store_close(&store);
    return exit_code;
}

/* ---- verify ---- */

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    tw_progress_update(context, done, total, "trades");
}

static int say_damage(const struct tw_cli *cli, const struct tw_store_error *error)
{
    if (cli->json && error->status == TW_STORE_DAMAGED) {
        fputs("{\"ok\":false,\"why\":", stdout);
        tw_json_string(stdout, error->text);
        fputs("}\n", stdout);
    }
    return open_failed(cli, error, true);
}

static int run_verify(const struct tw_cli *cli, const struct store_options *options)
{
    (void)options;
    struct tw_store_error error;
    int exit_code = TW_EXIT_OK;
    struct tw_store *store = open_store(cli, &error, &exit_code);
    if (store == NULL)
        return error.status == TW_STORE_OK ? exit_code : say_damage(cli, &error);
    struct tw_progress progress;
    tw_progress_begin(&progress);
    bool whole = tw_store_verify(store, show_progress, &progress, &error);
    tw_progress_end(&progress);
    if (!whole) {
        tw_store_close(&store);
        return say_damage(cli, &error);
    }
    const char *format = cli->json ? "{\"ok\":true,\"records\":%" PRIu64 ",\"trades\":%" PRIu64 ",\"alerts\":%" PRIu64
                                     "}\n"
                                   : "OK: %" PRIu64 " records, %" PRIu64 " trades, %" PRIu64 " alert events\n";
    printf(format, tw_store_last_lsn(store), tw_store_last_seq(store), tw_store_last_alert(store));
    tw_store_close(&store);
    return TW_EXIT_OK;
}

/* ---- export ---- */

static int export_trades(const struct tw_cli *cli, const struct store_options *options, struct tw_store *store)
{
    struct tw_store_error error;
    const struct tw_store_export what = {.account = options->account,
                                         .symbol = options->symbol,
                                         .from_seq = options->from_seq,
                                         .to_seq = options->to_seq,
                                         .json = cli->json,
                                         .out = stdout};
    switch (tw_store_export_trades(store, &what, &error)) {
    case TW_STORE_EXPORTED:
        return TW_EXIT_OK;
    case TW_STORE_NO_SUCH_NAME:
        tw_cli_say(cli->command, "%s", error.text);
        return TW_EXIT_NO;
    case TW_STORE_NOT_READABLE:
        break;
    }
    return open_failed(cli, &error, false);
}

static int run_export(const struct tw_cli *cli, const struct store_options *options)
{
    if (cli->json && options->csv)
        return tw_cli_usage(cli, "--json and --csv exclude each other");
    bool some =
        options->account != NULL || options->symbol != NULL || options->from_seq != 1 || options->to_seq != UINT64_MAX;
    if (options->actions && some)
        return tw_cli_usage(cli, "--account, --symbol, --from-seq and --to-seq are about trades, not actions");
    struct tw_store_error error;
    int exit_code = TW_EXIT_OK;
    struct tw_store *store = open_store(cli, &error, &exit_code);
    if (store == NULL)
        return error.status == TW_STORE_OK ? exit_code : open_failed(cli, &error, false);
    if (!options->actions)
        exit_code = export_trades(cli, options, store);
    else if (!tw_actions_export(store, cli->json, stdout, &error))
        exit_code = open_failed(cli, &error, false);
    tw_store_close(&store);
    return exit_code;
}

/* ---- backup and restore ---- */

static int say_made(const struct tw_cli *cli, const struct tw_backup_made *made, const char *what, const char *target)
{
    if (!cli->json) {
        printf("%s: %" PRIu64 " records, %" PRIu64 " trades, %" PRIu64 " alert events%s\n", what, made->records,
               made->trades, made->alerts, made->running ? ", made by the running daemon" : "");
        return TW_EXIT_OK;
    }
    fputs("{\"ok\":true,\"directory\":", stdout);
    tw_json_string(stdout, target);
    printf(",\"records\":%" PRIu64 ",\"trades\":%" PRIu64 ",\"alerts\":%" PRIu64 ",\"running\":%s}\n", made->records,
           made->trades, made->alerts, made->running ? "true" : "false");
    return TW_EXIT_OK;
}

static int run_backup(const struct tw_cli *cli, const struct store_options *options)
{
    struct tw_store_error error;
    struct tw_backup_made made;
    int exit_code = TW_EXIT_OK;
    (void)options;
    struct tw_cfg *cfg = tw_cli_cfg(cli, &exit_code);
    if (cfg == NULL)
        return exit_code;
    bool done = tw_backup_make(tw_cfg_text(cfg, "data/directory"), cli->operands[1], &made, &error);
    tw_cfg_free(&cfg);
    return done ? say_made(cli, &made, "backup", cli->operands[1]) : open_failed(cli, &error, false);
}

/* A damaged backup is an answer, too: it cannot be restored. */
static int run_restore(const struct tw_cli *cli, const struct store_options *options)
{
    struct tw_store_error error;
    struct tw_backup_made made;
    struct tw_progress progress;
    (void)options;
    if (cli->data != NULL)
        return tw_cli_usage(cli, "restore takes BACKUP and TARGET, no --data");
    tw_progress_begin(&progress);
    bool done = tw_backup_restore(cli->operands[1], cli->operands[2], show_progress, &progress, &made, &error);
    tw_progress_end(&progress);
    return done ? say_made(cli, &made, "restored", cli->operands[2]) : say_damage(cli, &error);
}

/* ---- */

static const struct {
    const char *name;
    int (*run)(const struct tw_cli *cli, const struct store_options *options);
    size_t operands; /* with the name */
} actions[] = {{"stats", run_stats, 1},
               {"verify", run_verify, 1},
               {"export", run_export, 1},
               {"backup", run_backup, 2},
               {"restore", run_restore, 3}};

static int run_action(const struct tw_cli *cli, const struct store_options *options)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].name, cli->operands[0]) != 0)
            continue;
        if (cli->operand_count != actions[i].operands)
            return tw_cli_usage(cli, "%s takes %s", actions[i].name,
                                actions[i].operands == 1   ? "no operands"
                                : actions[i].operands == 2 ? "one operand: the TARGET"
                                                           : "two operands: BACKUP and TARGET");
        return actions[i].run(cli, options);
    }
    return tw_cli_usage(cli, "unknown action %s", cli->operands[0]);
}

int tw_store_main(int argc, char **argv)
{
    struct store_options options = {.from_seq = 1, .to_seq = UINT64_MAX};
    const struct tw_cli_option table[] = {
        {"account", "NAME", "export: only this account's trades", TW_CLI_TEXT, &options.account},
        {"symbol", "NAME", "export: only trades in this symbol", TW_CLI_TEXT, &options.symbol},
        {"from-seq", "N", "export: from this global sequence on", TW_CLI_INTEGER, &options.from_seq},
        {"to-seq", "N", "export: up to this global sequence", TW_CLI_INTEGER, &options.to_seq},
        {"actions", NULL, "export: not trades, but what people did to alerts", TW_CLI_FLAG, &options.actions},
        {"csv", NULL, "export: CSV with a header (the default; --json: an object a line)", TW_CLI_FLAG, &options.csv},
    };
    struct tw_cli cli = {
        .command = "store",
        .synopsis = "stats|verify|export|backup TARGET|restore BACKUP TARGET [options]",
        .description =
            "stats   what a data directory has\n"
            "verify  reads everything: the log's bytes, chain and order, what was derived from it, the\n"
            "        alerts' digests, the indexes, the snapshots; says OK, or the first damage and ends with 1\n"
            "export  the trades, one a line in sequence order; or, with --actions, what people did to alerts\n"
            "backup  a copy in TARGET, which is empty or not there yet; while a daemon has the directory,\n"
            "        the daemon makes it, and goes on meanwhile. A backup is a data directory itself\n"
            "restore verifies all of BACKUP, then copies it to TARGET, which is empty or not there yet;\n"
            "        ends with 1 if it is damaged\n\n"
            "But for backup the directory must not be in use by a daemon.",
        .examples = "  tapewarden store stats --data tapewarden-data\n"
                    "  tapewarden store verify --data tapewarden-data && echo whole\n"
                    "  tapewarden store export --json --account alice | jq -r .symbol | sort | uniq -c\n"
                    "  tapewarden store export --csv --symbol MSFT --from-seq 1000 --to-seq 2000 > msft.csv\n"
                    "  tapewarden store export --actions --json | jq 'select(.verb == \"close\")'\n"
                    "  tapewarden store backup /backups/tapewarden-2026-11-25 --data /var/lib/tapewarden\n"
                    "  tapewarden store restore /backups/tapewarden-2026-11-25 /var/lib/tapewarden-restored\n",
        .options = table,
        .option_count = sizeof table / sizeof *table,
        .operands_min = 1,
        .operands_max = 3,
    };
    int exit_code = tw_cli_parse(&cli, argc, argv);
    if (exit_code == TW_CLI_GO_ON)
        exit_code = run_action(&cli, &options);
    tw_cli_clear(&cli);
    return exit_code;
}
