/* SPDX-License-Identifier: MIT
 *
 * `tapewarden route test`: where an alert would go, route by route, and why. The same pure decision as the daemon's.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "actors/router/inhibition_actor.h"
#include "actors/runtime/session.h"
#include "protocol/check.h"
#include "protocol/json_text.h"
#include "store/store.h"
#include "tools/cli.h"
#include "tools/whom.h"

struct test {
    struct tw_cli cli;
    uint64_t alert; /* n; 0: none */
    const char *at; /* NULL: now */
    int64_t ts_ns;  /* of the stored alert */
    int64_t local_s;
    struct tw_cfg *cfg;
    struct tw_whom whom;
    struct tw_buffer stored; /* the alert's record */
    struct tw_store *store;  /* of --data; NULL: none was given */
    int64_t at_ns;           /* of the wall clock: the stored alert's, or now */
    struct tw_labels labels;
    enum tw_severity severity;
};

/* What is asked about is one moment, on local clocks: of --at, the stored alert's, or now. */
static int64_t asked_local_s;
static int64_t asked_moment(int64_t ts_ns)
{
    (void)ts_ns;
    return asked_local_s;
}

/* ---- the alert ---- */

static struct tw_text words(const char *text)
{
    return (struct tw_text){text, (uint32_t)strlen(text)};
}

static bool is_known(enum tw_label label, const char *value)
{
    char wanted[64];
    const char *known = tw_label_words(label);
    snprintf(wanted, sizeof wanted, "|%.60s|", value);
    return known == NULL || (strstr(known, wanted) != NULL && strchr(value, '|') == NULL);
}

static int take_word(struct test *test, const char *operand)
{
    size_t length = strcspn(operand, "=");
    const char *value = operand[length] == '=' ? operand + length + 1 : "";
    for (int i = 0; i < TW_LABEL_COUNT; i++) {
        const char *name = tw_label_name((enum tw_label)i), *known = tw_label_words((enum tw_label)i);
        if (strlen(name) != length || memcmp(name, operand, length) != 0)
            continue;
        if (value[0] == '\0' || test->labels.value[i].bytes != NULL)
            return tw_cli_usage(&test->cli, "%s %s", name, value[0] == '\0' ? "has no value" : "is given twice");
        if (!is_known((enum tw_label)i, value))
            return tw_cli_usage(&test->cli, "%s=%s: there are %.*s", name, value, (int)strlen(known) - 2, known + 1);
        test->labels.value[i] = words(value);
        return TW_CLI_GO_ON;
    }
    return tw_cli_usage(
        &test->cli, "%s: an alert has type, severity, entity_type, entity, rule, event and publisher; give label=value",
        operand);
}

/* What follows from the type, unless it was given. */
static void complete(struct test *test)
{
    static const struct {
        enum tw_entity_type entity_type;
        enum tw_event_kind kind;
    } usual[TW_RULE_COUNT] = {[TW_RULE_LARGE_TRADE] = {TW_ENTITY_TRADE, TW_EVENT_FIRE},
                              [TW_RULE_CLIENT_EXPOSURE] = {TW_ENTITY_CLIENT, TW_EVENT_OPEN},
                              [TW_RULE_SYMBOL_EXPOSURE] = {TW_ENTITY_SYMBOL, TW_EVENT_OPEN},
                              [TW_RULE_VELOCITY] = {TW_ENTITY_CLIENT, TW_EVENT_OPEN},
                              [TW_RULE_ANOMALY] = {TW_ENTITY_SYMBOL, TW_EVENT_OPEN},
                              [TW_RULE_FEED_GAP] = {TW_ENTITY_PUBLISHER, TW_EVENT_FIRE}};
    struct tw_text *value = test->labels.value;
    for (int i = 0; i < TW_RULE_COUNT; i++) {
        if (!tw_text_is(value[TW_LABEL_TYPE], tw_rule_type((enum tw_rule)i)))
            continue;
        if (value[TW_LABEL_RULE].bytes == NULL)
            value[TW_LABEL_RULE] = words(tw_rule_key((enum tw_rule)i));
        if (value[TW_LABEL_ENTITY_TYPE].bytes == NULL)
            value[TW_LABEL_ENTITY_TYPE] = words(tw_entity_type_name(usual[i].entity_type));
        if (value[TW_LABEL_EVENT].bytes == NULL)
            value[TW_LABEL_EVENT] = words(tw_event_name(usual[i].kind));
    }
}

static int take_words(struct test *test)
{
    for (size_t i = 1; i < test->cli.operand_count; i++) {
        int exit_code = take_word(test, test->cli.operands[i]);
        if (exit_code != TW_CLI_GO_ON)
            return exit_code;
    }
    if (test->labels.value[TW_LABEL_TYPE].bytes == NULL || test->labels.value[TW_LABEL_SEVERITY].bytes == NULL ||
        test->labels.value[TW_LABEL_ENTITY].bytes == NULL)
        return tw_cli_usage(&test->cli, "test takes type=..., severity=... and entity=..., or --alert N");
    complete(test);
    return TW_CLI_GO_ON;
}

static bool keep(void *context, const struct tw_store_alert *alert)
{
    struct test *test = context;
    if (alert->n == test->alert)
        tw_buffer_append(&test->stored, alert->bytes, alert->length);
    return false;
}

static int take_stored(struct test *test)
{
    struct tw_store_error error;
    struct tw_alert_view view;
    bool read = tw_store_alerts(test->store, test->alert - 1, keep, test, &error);
    if (!read)
        tw_cli_say(test->cli.command, "%s", error.text);
    else if (test->stored.length == 0 || !tw_alert_decode(test->stored.bytes, test->stored.length, &view))
        tw_cli_say(test->cli.command, "there is no alert %" PRIu64, test->alert);
    else
        test->labels = (struct tw_labels){{[TW_LABEL_TYPE] = view.type,
                                           [TW_LABEL_SEVERITY] = view.severity,
                                           [TW_LABEL_ENTITY_TYPE] = view.entity_type,
                                           [TW_LABEL_ENTITY] = view.entity,
                                           [TW_LABEL_RULE] = view.rule,
                                           [TW_LABEL_EVENT] = view.event,
                                           [TW_LABEL_PUBLISHER] = tw_alert_publisher(&view)}};
    if (test->labels.value[TW_LABEL_TYPE].bytes != NULL)
        test->ts_ns = view.ts_ns, test->at_ns = view.detected_at_ns;
    return test->labels.value[TW_LABEL_TYPE].bytes == NULL ? TW_EXIT_UNREACHABLE : TW_CLI_GO_ON;
}

/* ---- the answer ---- */

#define PATH_BYTES 512u

/* "desk/velocity", as much of it as there is room for. */
static void path_of(const struct tw_routes *routes, uint32_t place, char out[PATH_BYTES])
{
    struct tw_route_view view = tw_routes_view(routes, place);
    snprintf(out, PATH_BYTES, "%s", view.name);
    while (view.parent != NULL) {
        char below[PATH_BYTES];
        uint32_t above = 0;
        memcpy(below, out, PATH_BYTES);
        snprintf(out, PATH_BYTES, "%.40s/%.460s", view.parent, below);
        while (strcmp(tw_routes_view(routes, above).name, view.parent) != 0)
            above++;
        view = tw_routes_view(routes, above);
    }
}

static const char *answer_word(enum tw_route_answer answer)
{
    static const char *const known[] = {[TW_ROUTE_NOT_ASKED] = "not_asked",
                                        [TW_ROUTE_PASSED_BY] = "passed_by",
                                        [TW_ROUTE_NO_MATCH] = "no_match",
                                        [TW_ROUTE_PASSED_ON] = "passed_on",
                                        [TW_ROUTE_DECIDED] = "decided"};
    return known[answer];
}

static void print_names(const struct test *test, uint32_t receivers, const char *between, bool json)
{
    const char *separator = "";
    for (uint32_t i = 0; i < test->whom.routing.count; i++) {
        if ((receivers >> i & 1u) == 0)
            continue;
        fputs(separator, stdout);
        separator = between;
        if (json)
            tw_json_string(stdout, test->whom.routing.names[i]);
        else
            fputs(test->whom.routing.names[i], stdout);
    }
    if (!json && receivers == 0)
        fputs("nobody", stdout);
}

struct verdict {
    enum tw_route_answer answers[TW_ROUTES_MAX];
    uint32_t routed, reached, told;
    bool taken; /* by a route */
    struct tw_whom_verdict whom;
};

static bool is_event(const struct test *test, enum tw_event_kind kind)
{
    return tw_text_is(test->labels.value[TW_LABEL_EVENT], tw_event_name(kind));
}

/* Of a route that escalates: to an event that ends an alert that does not happen, to one that raises it at once. */
static bool escalates(const struct test *test, const struct tw_route_view *view)
{
    return view->escalation.receivers != 0 && !is_event(test, TW_EVENT_RESOLVE) && !is_event(test, TW_EVENT_RETRACT);
}

/* As the daemon would: who is told of it, what mutes it, what hides it, in which groups it goes. */
static void judge_whole(const struct test *test, struct verdict *verdict)
{
    static const uint8_t nobody_s[TW_ALERT_ID_BYTES];
    const struct tw_text *value = test->labels.value;
    struct tw_alert_view view = {.type = value[TW_LABEL_TYPE],
                                 .severity = value[TW_LABEL_SEVERITY],
                                 .event = value[TW_LABEL_EVENT],
                                 .entity_type = value[TW_LABEL_ENTITY_TYPE],
                                 .entity = value[TW_LABEL_ENTITY],
                                 .ts_ns = test->ts_ns};
    uint8_t id[TW_ALERT_ID_BYTES];
    struct tw_inhibited event = {.n = test->alert,
                                 .id = tw_alert_id_of(test->stored.bytes, test->stored.length, id) ? id : nobody_s};
    if (!tw_inhibition_facts(&view, &event.facts)) /* a word that the daemon does not know goes by its routes alone */
        return;
    event.facts.publisher = value[TW_LABEL_PUBLISHER];
    tw_whom_decide(&test->whom, &event, test->at_ns, &verdict->whom);
    verdict->told = verdict->whom.receivers;
}

static struct verdict judge(const struct test *test)
{
    struct verdict verdict = {.routed = (1u << test->whom.routing.count) - 1u};
    if (test->whom.routes != NULL)
        verdict.routed = tw_routes_decide(test->whom.routes, &test->labels, test->local_s, verdict.answers);
    for (uint32_t i = 0; i < tw_routes_count(test->whom.routes); i++)
        verdict.taken = verdict.taken || verdict.answers[i] == TW_ROUTE_DECIDED;
    verdict.told = verdict.reached = verdict.routed & tw_routing_reached(&test->whom.routing, test->severity);
    judge_whole(test, &verdict);
    return verdict;
}

/* ---- for programs ---- */

static void print_routes_json(const struct test *test, const struct verdict *verdict)
{
    for (uint32_t i = 0; i < tw_routes_count(test->whom.routes); i++) {
        char path[PATH_BYTES];
        struct tw_route_view view = tw_routes_view(test->whom.routes, i);
        path_of(test->whom.routes, i, path);
        printf("%s{\"route\":", i == 0 ? "" : ",");
        tw_json_string(stdout, path);
        printf(",\"answer\":\"%s\"", answer_word(verdict->answers[i]));
        if (verdict->answers[i] == TW_ROUTE_NO_MATCH) {
            const char *matcher = tw_matchers_against(view.matchers, &test->labels);
            printf(matcher != NULL ? ",\"matcher\":" : ",\"hours\":");
            tw_json_string(stdout, matcher != NULL ? matcher : view.hours);
        }
        if (verdict->answers[i] == TW_ROUTE_DECIDED) {
            printf(",\"receivers\":[");
            print_names(test, view.receivers, ",", true);
            putchar(']');
            if (escalates(test, &view)) {
                int64_t after_ns = is_event(test, TW_EVENT_ESCALATE) ? 0 : view.escalation.after_ns;
                printf(",\"escalate_after\":%" PRId64 ",\"escalate_to\":[", (int64_t)(after_ns / TW_NS_PER_SECOND));
                print_names(test, view.escalation.receivers, ",", true);
                putchar(']');
            }
            if (view.grouping.groups)
                printf(",\"group_wait\":%" PRId64 ",\"group_interval\":%" PRId64 ",\"repeat_interval\":%" PRId64,
                       (int64_t)(view.grouping.wait_ns / TW_NS_PER_SECOND),
                       (int64_t)(view.grouping.interval_ns / TW_NS_PER_SECOND),
                       (int64_t)(view.grouping.repeat_ns / TW_NS_PER_SECOND));
        }
        putchar('}');
    }
}

static void print_json(const struct test *test, const struct verdict *verdict)
{
    printf("{\"alert\":{");
    for (int i = 0; i < TW_LABEL_COUNT; i++) {
        printf("%s\"%s\":", i == 0 ? "" : ",", tw_label_name((enum tw_label)i));
        tw_json_text(stdout, test->labels.value[i]);
    }
    printf("},\"routes\":[");
    print_routes_json(test, verdict);
    printf("],\"taken\":%s,\"told\":[", verdict->taken ? "true" : "false");
    print_names(test, verdict->told, ",", true);
    printf("],\"below_severity\":[");
    print_names(test, verdict->routed & ~verdict->reached, ",", true);
    printf("],\"groups\":[");
    for (uint32_t i = 0; i < verdict->whom.group_count; i++) {
        const struct tw_route_group *group = &verdict->whom.groups[i];
        printf("%s{\"group\":", i == 0 ? "" : ",");
        tw_json_text(stdout, (struct tw_text){group->name, group->length});
        printf(",\"receivers\":[");
        print_names(test, group->receivers, ",", true);
        printf("]}");
    }
    printf("],\"muted\":");
    if (verdict->whom.muted.rule != NULL)
        printf("{\"rule\":\"%s\",\"by\":%" PRIu64 "}", verdict->whom.muted.rule, verdict->whom.muted.by);
    else
        printf("null");
    printf(",\"silence\":%" PRIu64 "}\n", verdict->whom.silence);
}

/* ---- for people ---- */

static void print_route(const struct test *test, const struct verdict *verdict, uint32_t place)
{
    char path[PATH_BYTES];
    struct tw_route_view view = tw_routes_view(test->whom.routes, place);
    path_of(test->whom.routes, place, path);
    printf("  %-24s ", path);
    switch (verdict->answers[place]) {
    case TW_ROUTE_NOT_ASKED:
        printf("not asked: its parent did not take it\n");
        return;
    case TW_ROUTE_PASSED_BY:
        printf("not asked: a route before it took it\n");
        return;
    case TW_ROUTE_NO_MATCH:
        if (tw_matchers_against(view.matchers, &test->labels) != NULL)
            printf("no: %s\n", tw_matchers_against(view.matchers, &test->labels));
        else
            printf("not now: %s\n", view.hours);
        return;
    case TW_ROUTE_PASSED_ON:
        printf("takes it, and passes it on\n");
        return;
    case TW_ROUTE_DECIDED:
        printf("takes it: ");
        print_names(test, view.receivers, ", ", false);
        if (escalates(test, &view)) {
            if (is_event(test, TW_EVENT_ESCALATE))
                printf("; and, since it has grown, ");
            else
                printf("; unless taken within %" PRId64 " s, ", (int64_t)(view.escalation.after_ns / TW_NS_PER_SECOND));
            print_names(test, view.escalation.receivers, ", ", false);
        }
        putchar('\n');
    }
}

static void print_hidden(const struct tw_whom_verdict *whom)
{
    if (whom->muted.rule != NULL)
        printf("  muted: inhibit/%s, by what began with alert %" PRIu64 "\n", whom->muted.rule, whom->muted.by);
    if (whom->silence != 0)
        printf("  silenced: silence %" PRIu64 "\n", whom->silence);
}

static void print_groups(const struct test *test, const struct tw_whom_verdict *whom)
{
    for (uint32_t i = 0; i < whom->group_count; i++) {
        const struct tw_route_group *group = &whom->groups[i];
        struct tw_route_grouping times =
            tw_routes_grouping(test->whom.routes, (struct tw_text){group->name, group->length});
        printf(
            "  in the group %.*s, which waits %" PRId64 " s, then %" PRId64 " s between messages: ", (int)group->length,
            group->name, (int64_t)(times.wait_ns / TW_NS_PER_SECOND), (int64_t)(times.interval_ns / TW_NS_PER_SECOND));
        print_names(test, group->receivers, ", ", false);
        putchar('\n');
    }
}

static void print_text(const struct test *test, const struct verdict *verdict)
{
    for (int i = 0; i < TW_LABEL_COUNT; i++)
        if (test->labels.value[i].length > 0)
            printf("%s%s=%.*s", i == 0 ? "" : " ", tw_label_name((enum tw_label)i), (int)test->labels.value[i].length,
                   test->labels.value[i].bytes);
    putchar('\n');
    for (uint32_t i = 0; i < tw_routes_count(test->whom.routes); i++)
        print_route(test, verdict, i);
    if (!verdict->taken)
        printf("  %s\n", test->whom.routes == NULL ? "there are no routes: everybody" : "no route takes it: everybody");
    if (test->whom.routing.count == 0)
        puts("  no receiver is configured");
    for (uint32_t i = 0; i < test->whom.routing.count; i++)
        if (((verdict->routed & ~verdict->reached) >> i & 1u) != 0)
            printf("  not %s: it is below severity/%s = %s\n", test->whom.routing.names[i], test->whom.routing.names[i],
                   tw_severity_name(test->whom.routing.minimum[i]));
    print_hidden(&verdict->whom);
    print_groups(test, &verdict->whom);
    printf("told: ");
    print_names(test, verdict->told, ", ", false);
    putchar('\n');
}

/* ---- */

/* What is recorded: what is open, and what is silenced. False: it cannot be read. */
static bool open_store(struct test *test)
{
    struct tw_store_error error;
    if (test->alert == 0 && test->cli.data == NULL)
        return true;
    test->store = tw_store_open(tw_cfg_text(test->cfg, "data/directory"), TW_STORE_READ, &error);
    if (test->store == NULL)
        tw_cli_say(test->cli.command, "%s", error.text);
    return test->store != NULL;
}

static bool stand(struct test *test)
{
    struct tw_store_error error;
    uint64_t n = test->alert != 0 ? test->alert : UINT64_MAX;
    if (test->store == NULL || tw_whom_stand(&test->whom, test->store, n, test->at_ns, &error))
        return true;
    tw_cli_say(test->cli.command, "%s", error.text);
    return false;
}

static int run(struct test *test)
{
    if (strcmp(test->cli.operands[0], "test") != 0)
        return tw_cli_usage(&test->cli, "unknown action %s", test->cli.operands[0]);
    if (test->alert != 0 && test->cli.operand_count > 1)
        return tw_cli_usage(&test->cli, "--alert takes the alert as it is; give no labels");
    if (test->at != NULL && !tw_hours_moment(test->at, &test->local_s))
        return tw_cli_usage(&test->cli, "--at takes a day and a time such as 'Fri 22:30'");
    if (!open_store(test))
        return TW_EXIT_UNREACHABLE;
    test->ts_ns = test->at_ns = tw_cli_wall_ns();
    int exit_code = test->alert != 0 ? take_stored(test) : take_words(test);
    if (exit_code != TW_CLI_GO_ON)
        return exit_code;
    tw_whom_open(test->cfg, &test->whom);
    if (test->at == NULL)
        test->local_s = tw_session_local_seconds(test->ts_ns);
    asked_local_s = test->local_s;
    test->whom.routing.local_seconds = asked_moment;
    for (int i = TW_SEVERITY_LOW; i <= TW_SEVERITY_CRITICAL; i++)
        if (tw_text_is(test->labels.value[TW_LABEL_SEVERITY], tw_severity_name((enum tw_severity)i)))
            test->severity = (enum tw_severity)i;
    exit_code = TW_EXIT_UNREACHABLE;
    if (stand(test)) {
        struct verdict verdict = judge(test);
        if (test->cli.json)
            print_json(test, &verdict);
        else
            print_text(test, &verdict);
        exit_code = verdict.told != 0 ? TW_EXIT_OK : TW_EXIT_NO;
    }
    tw_whom_close(&test->whom);
    return exit_code;
}

int tw_route_main(int argc, char **argv)
{
    struct test test = {.alert = 0};
    const struct tw_cli_option options[] = {
        {"alert", "N", "the stored alert event with this number, of a directory that is not in use", TW_CLI_INTEGER,
         &test.alert},
        {"at", "'DAY HH:MM'",
         "for routes with hours: when, on local clocks; DAY may be a date (the stored alert's ts, or now)", TW_CLI_TEXT,
         &test.at},
    };
    test.cli = (struct tw_cli){
        .command = "route",
        .synopsis = "test label=value... [options]",
        .description =
            "test  shows where an alert would go under the configuration that is given, route by route, and why;\n"
            "      sends nothing; ends with 1 if nobody would be told. What follows from the type (rule,\n"
            "      entity_type, event) need not be given. With --data DIR, of a directory that is not in use, what\n"
            "      is silenced and what other alerts mute counts as well: now, or when alert N was recorded",
        .examples = "  tapewarden route test -c tapewarden.zpl type=FEED_GAP severity=HIGH entity=nyse\n"
                    "  tapewarden route test type=LARGE_TRADE severity=LOW entity=desk-7/0/1 --json | jq .told\n"
                    "  tapewarden route test -c tapewarden.zpl --data backup --alert 17\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1 + TW_LABEL_COUNT,
    };
    int exit_code = tw_cli_parse(&test.cli, argc, argv);
    if (exit_code == TW_CLI_GO_ON)
        test.cfg = tw_cli_cfg(&test.cli, &exit_code);
    if (test.cfg != NULL)
        exit_code = run(&test);
    tw_store_close(&test.store);
    tw_buffer_free(&test.stored);
    tw_cfg_free(&test.cfg);
    tw_cli_clear(&test.cli);
    return exit_code;
}
