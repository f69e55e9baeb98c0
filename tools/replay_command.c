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
#define NOT_GIVEN UINT64_MAX

struct replay {
    struct tw_cli cli;
    const char *as;
    uint64_t incarnation, shards, block;
    bool events, summary, skip_bad, verify, deliveries, from_directory;
    struct tw_whom whom;             /* with `deliveries` */
    struct tw_store *store;          /* of a directory */
    uint64_t told[TW_RECEIVERS_MAX]; /* how often each receiver would have been */
    uint64_t muted, released, silenced, not_needed;
    struct tw_progress progress;
    struct tw_replay_totals totals;
};

/* ---- who would have been told ---- */

static void print_event(const struct tw_inhibited *event, bool json)
{
    const struct tw_routing_facts *facts = &event->facts;
    char time[TW_TIME_TEXT_MAX];
    const char *kind = tw_event_name(facts->kind), *severity = tw_severity_name(facts->severity),
               *type = tw_rule_type(facts->rule);
    if (json) {
        printf("\"n\":%" PRIu64 ",\"ts\":%" PRId64 ",\"event\":\"%s\",\"severity\":\"%s\",\"type\":\"%s\",\"entity\":",
               event->n, facts->ts_ns, kind, severity, type);
        tw_json_text(stdout, facts->entity);
        return;
    }
    tw_time_format(facts->ts_ns, time);
    printf("%s %s %s %s %.*s", time, kind, severity, type, (int)facts->entity.length, facts->entity.bytes);
}

/* An event and what came of it. */
struct decided {
    const struct tw_inhibited *event;
    const char *was_muted; /* the rule that muted it until now; NULL: it is told as it is raised */
    int64_t detected_ns;   /* when that was, by the wall clock; 0: not known */
    struct tw_whom_verdict verdict;
};

/* `name`: NULL for nobody; `key` and `value` say more, or are NULL. */
static void print_line(const struct replay *replay, const char *name, const struct decided *decided, const char *key,
                       struct tw_text value)
{
    const char *rule = decided->was_muted;
    if (replay->summary)
        return;
    if (!replay->cli.json) {
        printf("%s/%" PRIu64 " ", name == NULL ? "-" : name, decided->event->n);
        print_event(decided->event, false);
        if (rule != NULL)
            printf("  (no_longer_muted: %s", rule);
        if (key != NULL)
            printf("%s%s: %.*s", rule != NULL ? "; " : "  (", key, (int)value.length, value.bytes);
        puts(rule != NULL || key != NULL ? ")" : "");
        return;
    }
    printf(name == NULL ? "{\"receiver\":null," : "{\"receiver\":\"%s\",", name);
    print_event(decided->event, true);
    if (rule != NULL)
        printf(",\"no_longer_muted\":\"%s\"", rule);
    if (key != NULL) {
        printf(",\"%s\":", key);
        tw_json_text(stdout, value);
    }
    fputs("}\n", stdout);
}

static void tell(struct replay *replay, const struct decided *decided)
{
    for (uint32_t i = 0; i < replay->whom.routing.count; i++) {
        if ((decided->verdict.receivers >> i & 1u) == 0)
            continue;
        const struct tw_route_group *group = tw_whom_group(&decided->verdict, i);
        replay->told[i]++;
        print_line(replay, replay->whom.routing.names[i], decided, group != NULL ? "group" : NULL,
                   group != NULL ? (struct tw_text){group->name, group->length} : (struct tw_text){NULL, 0});
    }
}

/* Who is told later, unless somebody had taken it by then, as far as that is recorded. */
static void tell_later(struct replay *replay, const struct decided *decided)
{
    char why[160];
    const struct tw_route_escalation *later = &decided->verdict.later;
    bool known = replay->store != NULL && decided->detected_ns != 0;
    bool needed =
        !known || tw_whom_needed(replay->store, decided->event->id, decided->detected_ns + later->after_ns, why);
    if (!known)
        snprintf(why, sizeof why, "unless taken within %" PRId64 " s", (int64_t)(later->after_ns / TW_NS_PER_SECOND));
    for (uint32_t i = 0; i < replay->whom.routing.count; i++) {
        if ((later->receivers >> i & 1u) == 0)
            continue;
        replay->told[i] += needed && known;
        replay->not_needed += !needed;
        print_line(replay, replay->whom.routing.names[i], decided, needed ? "escalation" : "escalation_not_needed",
                   (struct tw_text){why, (uint32_t)strlen(why)});
    }
}

static void tell_hidden(struct replay *replay, const struct decided *decided)
{
    char text[80];
    const struct tw_whom_verdict *verdict = &decided->verdict;
    if (verdict->muted.rule != NULL) {
        replay->muted++;
        snprintf(text, sizeof text, "inhibit/%s, by alert %" PRIu64, verdict->muted.rule, verdict->muted.by);
        print_line(replay, NULL, decided, "muted", (struct tw_text){text, (uint32_t)strlen(text)});
    } else if (verdict->silence != 0) {
        replay->silenced++;
        snprintf(text, sizeof text, "%" PRIu64, verdict->silence);
        print_line(replay, NULL, decided, "silence", (struct tw_text){text, (uint32_t)strlen(text)});
    }
}

static void tell_all(struct replay *replay, const struct decided *decided)
{
    tell(replay, decided);
    tell_hidden(replay, decided);
    if (decided->verdict.later.receivers != 0)
        tell_later(replay, decided);
}

struct releasing {
    struct replay *replay;
    int64_t at_ns, detected_ns; /* of the event that ends what muted others */
};
static void take_released(void *context, const struct tw_inhibited *event, const struct tw_inhibition *was_muted)
{
    const struct releasing *releasing = context;
    struct decided decided = {.event = event, .was_muted = was_muted->rule, .detected_ns = releasing->detected_ns};
    tw_whom_decide_released(&releasing->replay->whom, event, releasing->at_ns, &decided.verdict);
    releasing->replay->released++;
    tell_all(releasing->replay, &decided);
}

/* Silences are by the wall clock: that of the record, if the alert is there as it was. */
static void take_deliveries(struct replay *replay, const struct tw_router_alert *alert)
{
    const struct tw_inhibited event = {
        alert->n,
        alert->id,
        {alert->rule, alert->severity, alert->kind, alert->entity_type, alert->entity, alert->ts_ns, alert->publisher}};
    struct decided decided = {.event = &event};
    decided.detected_ns = replay->store == NULL ? 0 : tw_whom_detected(replay->store, alert->n, alert->id);
    int64_t at_ns = decided.detected_ns != 0 ? decided.detected_ns : alert->ts_ns;
    tw_whom_decide(&replay->whom, &event, at_ns, &decided.verdict);
    tell_all(replay, &decided);
    struct releasing releasing = {replay, at_ns, decided.detected_ns};
    if (replay->whom.inhibitor != NULL)
        tw_inhibitor_take(replay->whom.inhibitor, &event, &decided.verdict.muted, take_released, &releasing);
}

static void on_opened(void *context, struct tw_store *store)
{
    ((struct replay *)context)->store = store;
}

static void on_action(void *context, const struct tw_control *control)
{
    struct replay *replay = context;
    struct tw_action_message message = {.h = control->number, .at_ns = control->ts_ns};
    const char *why = NULL;
    if (tw_action_decode(control->text.bytes, control->text.length, &message.action, &why))
        (void)tw_silences_take(replay->whom.silences, &message);
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
        printf("},\"muted\":%" PRIu64 ",\"no_longer_muted\":%" PRIu64 ",\"silenced\":%" PRIu64
               ",\"escalations_not_needed\":%" PRIu64,
               replay->muted, replay->released, replay->silenced, replay->not_needed);
    else if (replay->muted + replay->silenced + replay->not_needed > 0)
        fprintf(stderr,
                "muted          %" PRIu64 " (%" PRIu64 " no longer)\nsilenced       %" PRIu64
                "\nnot needed     %" PRIu64 "\n",
                replay->muted, replay->released, replay->silenced, replay->not_needed);
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

static bool pins(const struct replay *replay)
{
    return replay->cli.set_count > 0 || replay->cli.file != NULL;
}

static struct tw_replay_settings settings_of(struct replay *replay, const struct tw_cfg *cfg)
{
    return (struct tw_replay_settings){
        .cfg = cfg,
        .shards = (uint32_t)replay->shards,
        .block_trades = (uint32_t)replay->block,
        .skip_bad = replay->skip_bad,
        .pin = pins(replay),
        .verify = replay->verify,
        .publisher = replay->as,
        .incarnation = (uint32_t)replay->incarnation,
        .alert = on_alert,
        .refused = on_refused,
        .bad = on_bad,
        .progress = on_progress,
        .opened = on_opened,
        .action = replay->deliveries ? on_action : NULL,
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
            tw_cli_say(NAME, "%s", tw_tape_problem(tape));
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
    if (replay->totals.undated > 0)
        tw_cli_say(NAME, "%" PRIu64 " rows have no ts: each has that of the row before it, or 1990-01-01T00:00:00Z",
                   replay->totals.undated);
    report(replay, (double)(tw_cli_now_ns() - started_ns) / 1e9);
    if (unreadable)
        return TW_EXIT_UNREACHABLE;
    return replay->totals.malformed > 0 || replay->totals.refused > 0 ? TW_EXIT_REFUSED : TW_EXIT_OK;
}

/* An option that is of a FILE; NULL: none is given. */
static const char *option_of_file(const struct replay *replay)
{
    if (replay->as != NULL)
        return "--as";
    if (replay->incarnation != NOT_GIVEN)
        return "--inc";
    if (replay->block != NOT_GIVEN)
        return "--block";
    return replay->skip_bad ? "--skip-bad" : NULL;
}

static int check_options(struct replay *replay)
{
    const struct tw_cli *cli = &replay->cli;
    if (replay->from_directory == (cli->data == NULL))
        return tw_cli_usage(cli, "either a FILE or --data DIR");
    if (replay->from_directory && option_of_file(replay) != NULL)
        return tw_cli_usage(cli, "%s goes with a FILE; it means nothing with --data", option_of_file(replay));
    replay->incarnation = replay->incarnation == NOT_GIVEN ? 0 : replay->incarnation;
    replay->block = replay->block == NOT_GIVEN ? TW_BLOCK_TRADES_MAX : replay->block;
    if (replay->verify && !replay->from_directory)
        return tw_cli_usage(cli, "--verify wants --data DIR, where alerts are recorded");
    if (replay->verify && (cli->set_count > 0 || cli->file != NULL))
        return tw_cli_usage(cli, "--verify judges by the recorded settings: no -c, no --set");
    if (replay->events && cli->json)
        return tw_cli_usage(cli, "--events prints lines and --json objects: one of them");
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

/* A directory's rules are the recorded ones or those that flags give; what the environment says of them is not lost
 * without a word. */
static int check_environment(const struct replay *replay, const struct tw_cfg *cfg)
{
    const char *variable = tw_cfg_rules_variable(cfg);
    if (!replay->from_directory || replay->verify || pins(replay) || variable == NULL)
        return TW_CLI_GO_ON;
    return tw_cli_usage(
        &replay->cli, "--data judges by the recorded settings, and %s is set; give it by --set, or unset it", variable);
}

int tw_replay_main(int argc, char **argv)
{
    struct replay replay = {.incarnation = NOT_GIVEN, .shards = 1, .block = NOT_GIVEN};
    const struct tw_cli_option options[] = {
        {"as", "NAME", "FILE: publisher's name; default as in publish: from the content", TW_CLI_TEXT, &replay.as},
        {"inc", "N", "FILE: its incarnation (0)", TW_CLI_INTEGER, &replay.incarnation},
        {"shards", "N", "shards, one after the other; changes no result (1)", TW_CLI_INTEGER, &replay.shards},
        {"block", "N", "FILE: trades in one block; changes no result (8190)", TW_CLI_INTEGER, &replay.block},
        {"events", NULL, "print the line of each event that goes into the digest", TW_CLI_FLAG, &replay.events},
        {"deliveries", NULL, "print who would have been told of what; nothing is sent", TW_CLI_FLAG,
         &replay.deliveries},
        {"summary", NULL, "with --json or --deliveries: only what comes last", TW_CLI_FLAG, &replay.summary},
        {"verify", NULL, "with --data: compare each alert with the recorded one, byte for byte", TW_CLI_FLAG,
         &replay.verify},
        {"skip-bad", NULL, "FILE: go on behind malformed lines (exit code 4 all the same)", TW_CLI_FLAG,
         &replay.skip_bad},
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
            "routes of the configuration given decide, with their groups and what mutes what; of a directory also\n"
            "recorded silences, and whether anybody had taken what would be escalated. The environment's receivers\n"
            "leave the recorded settings in force; rules in the environment are refused with --data: --set them.\n"
            "A FILE's row without ts has that of the row before it, the first ones 1990-01-01T00:00:00Z.",
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
    if (cfg != NULL)
        result = check_environment(&replay, cfg);
    if (cfg != NULL && result == TW_CLI_GO_ON) {
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
