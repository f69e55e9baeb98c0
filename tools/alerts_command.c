/* SPDX-License-Identifier: MIT
 *
 * `tapewarden alerts`: what is recorded, and what comes; each alert once and in order.
 */
#include <inttypes.h>
#include <string.h>

#include "actors/judging/event.h"
#include "protocol/alert_text.h"
#include "tools/alerts_desk.h"
#include "tools/cli.h"
#include "tools/client/tapewarden.h"
#include "tools/stop.h"

#define NAME "alerts"
#define TURN_MS 250
#define SILENCE_MS 10000 /* heads come each second */

struct alerts {
    struct tw_cli cli;
    const char *after, *type, *severity, *alerts_endpoint, *requests_endpoint;
    uint64_t timeout_s;
    bool follow, colour, silence_said;
    struct tapewarden_subscriber *subscriber;
};

static bool known_type(const char *type)
{
    for (int rule = 0; rule < TW_RULE_COUNT; rule++)
        if (strcmp(tw_rule_type((enum tw_rule)rule), type) == 0)
            return true;
    return false;
}

static bool known_severity(const char *severity)
{
    for (int i = TW_SEVERITY_LOW; i <= TW_SEVERITY_CRITICAL; i++)
        if (strcmp(tw_severity_name((enum tw_severity)i), severity) == 0)
            return true;
    return false;
}

static int read_options(const struct alerts *alerts, struct tapewarden_subscriber_options *out)
{
    const char *after = alerts->after;
    if (alerts->type != NULL && !known_type(alerts->type))
        return tw_cli_usage(&alerts->cli, "--type %s: no alert has this type", alerts->type);
    if (alerts->severity != NULL && !known_severity(alerts->severity))
        return tw_cli_usage(&alerts->cli, "--severity is LOW, MEDIUM, HIGH or CRITICAL");
    out->type = alerts->type;
    out->severity = alerts->severity;
    out->follow = alerts->follow;
    if (after != NULL && strcmp(after, "now") == 0) {
        if (!alerts->follow)
            return tw_cli_usage(&alerts->cli, "--after now makes sense with --follow only");
        out->from_now = true;
    } else if (after != NULL && !tw_cli_integer(after, &out->after)) {
        return tw_cli_usage(&alerts->cli, "--after takes a number below 2^64, or now");
    }
    return TW_CLI_GO_ON;
}

static void print_alert(const struct alerts *alerts, const struct tapewarden_alert *alert)
{
    struct tw_alert_view view;
    if (!tw_alert_decode(alert->bytes, alert->length, &view))
        return; /* it was decoded before */
    if (alerts->cli.json)
        tw_alert_print_json(stdout, &view);
    else
        tw_alert_print_line(stdout, &view, alerts->colour);
}

/* Whether to go on waiting though nothing comes. */
static bool bear_silence(struct alerts *alerts, int64_t started_ns)
{
    int64_t silent_ms = tapewarden_subscriber_silent_ms(alerts->subscriber);
    int64_t waited_ms = (tw_cli_now_ns() - started_ns) / 1000000, timeout_ms = (int64_t)alerts->timeout_s * 1000;
    if (silent_ms < 0 && waited_ms >= timeout_ms) {
        tw_cli_say(NAME, "nobody answers at %s and %s; is the daemon running?", alerts->alerts_endpoint,
                   alerts->requests_endpoint);
        return false;
    }
    if (!alerts->follow && silent_ms >= timeout_ms) {
        tw_cli_say(NAME, "the daemon stopped answering behind alert %" PRIu64,
                   tapewarden_subscriber_last(alerts->subscriber));
        return false;
    }
    if (silent_ms >= SILENCE_MS && !alerts->silence_said)
        tw_cli_say(NAME, "nothing heard from the daemon for %d s; waiting for it", SILENCE_MS / 1000);
    alerts->silence_said = silent_ms >= SILENCE_MS;
    return true;
}

/* What ends the command, said: the daemon is there, and not the one that is wanted. */
static int fail(const struct alerts *alerts, enum tapewarden_status status)
{
    if (status == TAPEWARDEN_LOST)
        tw_cli_say(NAME,
                   "the daemon has only %" PRIu64 " alerts, we are at %" PRIu64
                   "; does it run on another data directory?",
                   tapewarden_subscriber_newest(alerts->subscriber), tapewarden_subscriber_last(alerts->subscriber));
    else
        tw_cli_say(NAME, "the daemon does not answer requests for alerts; see its log");
    return TW_EXIT_UNREACHABLE;
}

static int run(struct alerts *alerts, const struct tapewarden_subscriber_options *options)
{
    struct tapewarden_error error;
    struct tapewarden_alert alert;
    alerts->subscriber = tapewarden_subscriber_new(options, &error);
    if (alerts->subscriber == NULL) {
        tw_cli_say(NAME, "%s", error.text);
        return TW_EXIT_USAGE;
    }
    int64_t started_ns = tw_cli_now_ns();
    while (!tw_stop_asked() && ferror(stdout) == 0) {
        enum tapewarden_status status = tapewarden_subscriber_next(alerts->subscriber, 0, &alert);
        if (status == TAPEWARDEN_TIMEOUT) { /* nothing waits: let people see what came */
            fflush(stdout);
            status = tapewarden_subscriber_next(alerts->subscriber, TURN_MS, &alert);
        }
        if (status == TAPEWARDEN_OK)
            print_alert(alerts, &alert);
        else if (status == TAPEWARDEN_END)
            return TW_EXIT_OK;
        else if (status == TAPEWARDEN_TIMEOUT && !bear_silence(alerts, started_ns))
            return TW_EXIT_UNREACHABLE;
        else if (status == TAPEWARDEN_FAILED || status == TAPEWARDEN_LOST)
            return fail(alerts, status);
    }
    return TW_EXIT_OK;
}

/* Whether the word behind this one is its value. */
static bool takes_next(const char *word)
{
    static const char *const flags[] = {"--json", "--follow", "--help", "--"};
    if (word[0] != '-' || word[1] != '-')
        return strcmp(word, "-c") == 0;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (strcmp(word, flags[i]) == 0)
            return false;
    return strchr(word, '=') == NULL;
}

int tw_alerts_main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (tw_alerts_desk_has(argv[i]) && !takes_next(argv[i - 1]))
            return tw_alerts_desk_main(argc, argv);
    struct alerts alerts = {.timeout_s = 5};
    const struct tw_cli_option options[] = {
        {"follow", NULL, "go on with what comes", TW_CLI_FLAG, &alerts.follow},
        {"after", "N|now", "only alerts behind number N (0), or from now on", TW_CLI_TEXT, &alerts.after},
        {"type", "TYPE", "only of this type, e.g. LARGE_TRADE", TW_CLI_TEXT, &alerts.type},
        {"severity", "SEVERITY", "only LOW, MEDIUM, HIGH or CRITICAL", TW_CLI_TEXT, &alerts.severity},
        {"connect", "ENDPOINT", "default: bind/alerts of the configuration", TW_CLI_TEXT, &alerts.alerts_endpoint},
        {"connect-requests", "ENDPOINT", "default: bind/requests of the configuration", TW_CLI_TEXT,
         &alerts.requests_endpoint},
        {"timeout", "S", "seconds to wait for an answer (5)", TW_CLI_SECONDS, &alerts.timeout_s},
    };
    alerts.cli = (struct tw_cli){
        .command = NAME,
        .synopsis = "[options]\n       tapewarden alerts ack|assign|close|note|show|list ... (see alerts show --help)",
        .description = "Prints the alerts that a daemon has recorded, in order; with --follow also those that come,\n"
                       "each once: what gets lost on the way is asked for again.",
        .examples = "  tapewarden alerts\n"
                    "  tapewarden alerts --follow --after now --severity CRITICAL\n"
                    "  tapewarden alerts --after 1200 --json | jq .entity\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    struct tapewarden_subscriber_options wanted = {.follow = false};
    struct tw_cfg *cfg = NULL;
    int result = tw_cli_parse(&alerts.cli, argc, argv);
    if (result == TW_CLI_GO_ON)
        result = read_options(&alerts, &wanted);
    if (result == TW_CLI_GO_ON)
        cfg = tw_cli_cfg(&alerts.cli, &result);
    if (cfg != NULL) {
        if (alerts.alerts_endpoint == NULL)
            alerts.alerts_endpoint = tw_cfg_text(cfg, "bind/alerts");
        if (alerts.requests_endpoint == NULL)
            alerts.requests_endpoint = tw_cfg_text(cfg, "bind/requests");
        wanted.alerts_endpoint = alerts.alerts_endpoint;
        wanted.requests_endpoint = alerts.requests_endpoint;
        alerts.colour = tw_cli_colour(stdout);
        tw_stop_listen();
        result = run(&alerts, &wanted);
    }
    tapewarden_subscriber_free(&alerts.subscriber);
    tw_cfg_free(&cfg);
    tw_cli_clear(&alerts.cli);
    return result;
}
