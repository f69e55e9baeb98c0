/* SPDX-License-Identifier: MIT
 *
 * `tapewarden replay`: what a history says, and its digest.
 */
#include <inttypes.h>
#include <string.h>

#include "protocol/alert_text.h"
#include "protocol/check.h"
#include "protocol/digest.h"
#include "protocol/json_text.h"
#include "protocol/limits.h"
#include "protocol/names.h"
#include "tools/cli.h"
#include "tools/replay.h"
#include "tools/whom.h"

#define NAME "replay"
#define SHOWN_MAX 10u

struct replay {
    struct tw_cli cli;
    const char *as;
    uint64_t incarnation, shards, block;
    bool events, summary, skip_bad, verify, deliveries, from_directory;
    struct tw_whom whom;             /* with `deliveries` */
    uint64_t told[TW_RECEIVERS_MAX]; /* how often each receiver would have been */
    struct tw_progress progress;
    struct tw_replay_totals totals;
};

/* What would have been sent to whom. */
static void print_delivery(const struct replay *replay, const char *receiver, const struct tw_alert_view *view)
{
    char time[TW_TIME_TEXT_MAX];
    if (!replay->cli.json) {
        tw_time_format(view->ts_ns, time);
        printf("%s/%" PRIu64 " %s %.*s %.*s %.*s %.*s\n", receiver, view->n, time, (int)view->event.length,
               view->event.bytes, (int)view->severity.length, view->severity.bytes, (int)view->type.length,
               view->type.bytes, (int)view->entity.length, view->entity.bytes);
        return;
    }
    printf("{\"receiver\":\"%s\",\"n\":%" PRIu64 ",\"ts\":%" PRId64 ",\"event\":", receiver, view->n, view->ts_ns);
    tw_json_text(stdout, view->event);
    fputs(",\"severity\":", stdout);
    tw_json_text(stdout, view->severity);
    fputs(",\"type\":", stdout);
    tw_json_text(stdout, view->type);
    fputs(",\"entity\":", stdout);
    tw_json_text(stdout, view->entity);
    fputs("}\n", stdout);
}

static void take_deliveries(struct replay *replay, const struct tw_router_alert *alert)
{
    struct tw_alert_view view;
    const struct tw_routing_facts facts = {alert->rule,   alert->severity, alert->kind,     alert->entity_type,
                                           alert->entity, alert->ts_ns,    alert->publisher};
    uint32_t receivers = tw_routing_decide(&replay->whom.routing, &facts, NULL);
    TW_ASSERT(tw_alert_decode(alert->bytes, alert->length, &view));
    for (uint32_t i = 0; i < replay->whom.routing.count; i++) {
        if ((receivers >> i & 1u) == 0)
            continue;
        replay->told[i]++;
        if (!replay->summary)
            print_delivery(replay, replay->whom.routing.names[i], &view);
    }
}

static void on_alert(void *context, const struct tw_router_alert *alert)
{
    struct replay *replay = context;
    struct tw_alert_view view;
    if (replay->deliveries) {
        take_deliveries(replay, alert);
        return;
    }
    if (replay->events)
        fputs(alert->digest_line, stdout);
    if (replay->cli.json && !replay->summary && tw_alert_decode(alert->bytes, alert->length, &view))
        tw_alert_print_json(stdout, &view);
}

static void on_refused(void *context, const struct tw_refusal *refusal)
{
    struct replay *replay = context;
    if (replay->from_directory || replay->totals.refused > SHOWN_MAX)
        return;
    tw_progress_end(&replay->progress);
    tw_cli_say(NAME, "trade %" PRIu64 " refused: %.*s: %.*s", refusal->pseq, (int)refusal->code.length,
               refusal->code.bytes, (int)refusal->why.length, refusal->why.bytes);
}

static void on_bad(void *context, const char *problem)
{
    struct replay *replay = context;
    if (replay->totals.malformed > SHOWN_MAX)
        return;
    tw_progress_end(&replay->progress);
    fprintf(stderr, "%s\n", problem);
}

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    struct replay *replay = context;
    tw_progress_update(&replay->progress, done, total, replay->from_directory ? "records" : "bytes");
}

static void report_difference_json(const struct tw_replay_totals *totals)
{
    const struct tw_difference *difference = &totals->difference;
    printf(",\"verified\":%" PRIu64 ",\"from_alert\":%" PRIu64 ",\"difference\":", totals->compared,
           totals->from_alert);
    if (difference->n == 0) {
        fputs("null", stdout);
        return;
    }
    printf("{\"n\":%" PRIu64 ",\"field\":", difference->n);
    tw_json_string(stdout, difference->field);
    fputs(",\"recorded\":", stdout);
    tw_json_string(stdout, difference->recorded);
    fputs(",\"derived\":", stdout);
    tw_json_string(stdout, difference->derived);
    putchar('}');
}

static void report_deliveries(const struct replay *replay)
{
    const struct tw_routing *routing = &replay->whom.routing;
    if (replay->cli.json)
        fputs(",\"deliveries\":{", stdout);
    for (uint32_t i = 0; i < routing->count; i++)
        if (replay->cli.json)
            printf("%s\"%s\":%" PRIu64, i == 0 ? "" : ",", routing->names[i], replay->told[i]);
        else
            fprintf(stderr, "to %-11s %" PRIu64 "\n", routing->names[i], replay->told[i]);
    if (replay->cli.json)
        putchar('}');
}

static void report(const struct replay *replay, double seconds)
{
    const struct tw_replay_totals *totals = &replay->totals;
    char digest[2 * TW_SHA256_BYTES + 1], record_digest[2 * TW_SHA256_BYTES + 1];
    tw_hex(totals->digest, sizeof totals->digest, digest);
    tw_hex(totals->record_digest, sizeof totals->record_digest, record_digest);
    if (replay->cli.json) {
        printf("{\"end\":true,\"trades\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"malformed\":%" PRIu64
               ",\"alerts\":%" PRIu64 ",\"digest\":\"%s\",\"record_digest\":\"%s\",\"seconds\":%.6f",
               totals->trades, totals->refused, totals->malformed, totals->alerts, digest, record_digest, seconds);
        if (replay->from_directory)
            printf(",\"recorded\":%" PRIu64 ",\"differs\":%s", totals->recorded, totals->differs ? "true" : "false");
        if (replay->verify)
            report_difference_json(totals);
        if (replay->deliveries)
            report_deliveries(replay);
        printf("}\n");
        return;
    }
    fflush(stdout);
    fprintf(stderr,
            "trades         %" PRIu64 "\nrefused        %" PRIu64 "\nalerts         %" PRIu64
            "\ndigest         %s\nrecord_digest  %s\n",
            totals->trades, totals->refused, totals->alerts, digest, record_digest);
    if (totals->malformed > 0)
        fprintf(stderr, "malformed      %" PRIu64 "\n", totals->malformed);
    if (replay->verify)
        fprintf(stderr, "verified       %" PRIu64 "\n", totals->compared);
    if (replay->deliveries)
        report_deliveries(replay);
}

/* Ends a directory's replay: the exit code, and a sentence if the answer is no. */
static int judge_directory(const struct replay *replay)
{
    const struct tw_replay_totals *totals = &replay->totals;
    const struct tw_difference *difference = &totals->difference;
    if (!totals->differs)
        return TW_EXIT_OK;
    if (difference->n != 0)
        tw_cli_say(NAME, "alert %" PRIu64 " differs in `%s`: recorded %s; derived %s", difference->n, difference->field,
                   difference->recorded, difference->derived);
    else
        tw_cli_say(NAME, "the log gives other alerts than the %" PRIu64 " that were recorded", totals->recorded);
    return TW_EXIT_NO;
}

static struct tw_replay_settings settings_of(struct replay *replay, const struct tw_cfg *cfg)
{
    return (struct tw_replay_settings){
        .cfg = cfg,
        .shards = (uint32_t)replay->shards,
        .block_trades = (uint32_t)replay->block,
        .skip_bad = replay->skip_bad,
        .pin = replay->cli.set_count > 0 || replay->cli.file != NULL,
        .verify = replay->verify,
        .publisher = replay->as,
        .incarnation = (uint32_t)replay->incarnation,
        .alert = on_alert,
        .refused = on_refused,
        .bad = on_bad,
        .progress = on_progress,
        .context = replay,
    };
}

static int run_directory(struct replay *replay, const struct tw_cfg *cfg)
{
    char why[512];
    const struct tw_replay_settings settings = settings_of(replay, cfg);
    int64_t started_ns = tw_cli_now_ns();
    bool good = tw_replay_directory(&settings, replay->cli.data, &replay->totals, why);
    tw_progress_end(&replay->progress);
    if (!good) {
        tw_cli_say(NAME, "%s", why);
        return replay->verify && replay->totals.damaged ? TW_EXIT_NO : TW_EXIT_UNREACHABLE;
    }
    report(replay, (double)(tw_cli_now_ns() - started_ns) / 1e9);
    return judge_directory(replay);
}

static int run_tape(struct replay *replay, const struct tw_cfg *cfg)
{
    char why[256], name[TW_TAPE_NAME_MAX];
    struct tw_tape *tape = tw_tape_open(replay->cli.operands[0], why);
    if (tape == NULL) {
        tw_cli_say(NAME, "%s", why);
        return TW_EXIT_UNREACHABLE;
    }
    if (replay->as == NULL) {
        if (!tw_tape_derive_name(tape, name)) {
            tw_cli_say(NAME, "%s; a pipe needs --as NAME", tw_tape_problem(tape));
            tw_tape_free(&tape);
            return TW_EXIT_UNREACHABLE;
        }
        replay->as = name;
    }
    const struct tw_replay_settings settings = settings_of(replay, cfg);
    int64_t started_ns = tw_cli_now_ns();
    tw_replay_tape(&settings, tape, &replay->totals);
    bool unreadable = tw_tape_unreadable(tape);
    tw_progress_end(&replay->progress);
    tw_tape_free(&tape);
    report(replay, (double)(tw_cli_now_ns() - started_ns) / 1e9);
    if (unreadable)
        return TW_EXIT_UNREACHABLE;
    return replay->totals.malformed > 0 || replay->totals.refused > 0 ? TW_EXIT_REFUSED : TW_EXIT_OK;
}

static int check_options(const struct replay *replay)
{
    const struct tw_cli *cli = &replay->cli;
    if (replay->from_directory == (cli->data == NULL))
        return tw_cli_usage(cli, "either a FILE or --data DIR");
    if (replay->verify && !replay->from_directory)
        return tw_cli_usage(cli, "--verify wants --data DIR, where alerts are recorded");
    if (replay->verify && (cli->set_count > 0 || cli->file != NULL))
        return tw_cli_usage(cli, "--verify judges by the recorded settings: no -c, no --set");
    if (replay->deliveries && (replay->events || replay->verify))
        return tw_cli_usage(cli, "--deliveries prints deliveries: no --events, no --verify");
    if (replay->shards == 0 || replay->shards > TW_SHARDS_MAX)
        return tw_cli_usage(cli, "--shards is 1 to %u", TW_SHARDS_MAX);
    if (replay->block == 0 || replay->block > TW_BLOCK_TRADES_MAX)
        return tw_cli_usage(cli, "--block is 1 to %u", TW_BLOCK_TRADES_MAX);
    if (replay->incarnation > UINT32_MAX)
        return tw_cli_usage(cli, "--inc is at most %u", UINT32_MAX);
    if (replay->as != NULL && !tw_name_publisher_valid((struct tw_text){replay->as, (uint32_t)strlen(replay->as)}))
        return tw_cli_usage(cli, "--as takes 1 to 32 of A-Za-z0-9_-, not starting with _");
    return TW_CLI_GO_ON;
}

int tw_replay_main(int argc, char **argv)
{
    struct replay replay = {.shards = 1, .block = TW_BLOCK_TRADES_MAX};
    const struct tw_cli_option options[] = {
        {"as", "NAME", "publisher's name; default as in publish: from the content", TW_CLI_TEXT, &replay.as},
        {"inc", "N", "its incarnation (0)", TW_CLI_INTEGER, &replay.incarnation},
        {"shards", "N", "shards, one after the other; changes no result (1)", TW_CLI_INTEGER, &replay.shards},
        {"block", "N", "trades in one block of a FILE; changes no result (8190)", TW_CLI_INTEGER, &replay.block},
        {"events", NULL, "print the line of each event that goes into the digest", TW_CLI_FLAG, &replay.events},
        {"deliveries", NULL, "print who would have been told of what; nothing is sent", TW_CLI_FLAG,
         &replay.deliveries},
        {"summary", NULL, "with --json or --deliveries: only what comes last", TW_CLI_FLAG, &replay.summary},
        {"verify", NULL, "with --data: compare each alert with the recorded one, byte for byte", TW_CLI_FLAG,
         &replay.verify},
        {"skip-bad", NULL, "go on behind malformed lines (exit code 4 all the same)", TW_CLI_FLAG, &replay.skip_bad},
    };
    replay.cli = (struct tw_cli){
        .command = NAME,
        .synopsis = "FILE | --data DIR [options]",
        .description =
            "Judges a history again, on one thread: a FILE of trades (as publish takes it) under the settings\n"
            "given, or the log of a data directory not in use under the settings recorded in it. Settings\n"
            "given by -c or --set replace the recorded ones whole: what if? Ends with counts and digests;\n"
            "exit code 1 if a directory's log gives other alerts than were recorded. --verify compares every\n"
            "record with the recorded one and names the first difference. If retention has dropped the log's\n"
            "beginning, it starts from the oldest snapshot that it can. With --deliveries, the receivers and\n"
            "routes of the configuration given decide; the environment's leave the recorded settings in force.",
        .examples = "  tapewarden replay trades.csv.gz\n"
                    "  tapewarden replay --data /var/lib/tapewarden --json | jq .message\n"
                    "  tapewarden replay --data /var/lib/tapewarden --verify && echo as recorded\n"
                    "  tapewarden replay --data ./data --set rules/velocity/threshold=20 --events\n"
                    "  tapewarden replay trades.csv.gz -c tapewarden.zpl --deliveries --summary\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_max = 1,
    };
    int result = tw_cli_parse(&replay.cli, argc, argv);
    struct tw_cfg *cfg = NULL;
    replay.from_directory = replay.cli.operand_count == 0;
    if (result == TW_CLI_GO_ON)
        result = check_options(&replay);
    if (result == TW_CLI_GO_ON)
        cfg = tw_cli_cfg(&replay.cli, &result);
    if (cfg != NULL) {
        if (replay.deliveries)
            tw_whom_open(cfg, &replay.whom);
        tw_progress_begin(&replay.progress);
        result = replay.from_directory ? run_directory(&replay, cfg) : run_tape(&replay, cfg);
    }
    tw_whom_close(&replay.whom);
    tw_cfg_free(&cfg);
    tw_cli_clear(&replay.cli);
    return result;
}
