/* SPDX-License-Identifier: MIT */
#include "tools/deliveries_render.h"

#include <inttypes.h>
#include <string.h>

#include "actors/delivery/digest_texts.h"
#include "actors/delivery/evidence_actor.h"
#include "actors/delivery/texts.h"
#include "protocol/digest.h"
#include "protocol/json_text.h"

#define SECRET "***"
#define PICTURE "picture"
#define EXAMPLE_NS (INT64_C(1767623400) * TW_NS_PER_SECOND) /* 2026-01-05T14:30:00Z */

struct shown {
    const struct tw_cli *cli;
    struct tw_receiver receiver;
    struct tw_buffer record;
    struct tw_alert_view view;
    struct tw_evidence evidence;
    struct tw_letter letter;
    struct tw_digest digest, group;
    struct tw_digest_letter digest_letter, group_letter;
    char log_id[33], key[64];
};

/* ---- an alert ---- */

/* Such as one sees: a symbol's exposure has grown beyond its second tier. */
static void make_up(struct shown *shown)
{
    static const char message[] =
        "EXAMPLE exposure 1,050,000 USD is above 750,000: the first of its 2 trades opened it 95 s before";
    struct tw_alert alert = {.n = 2,
                             .id = {0x5a, 0xc6, 0xe1, 0xf0},
                             .event = "escalate",
                             .type = "HIGH_SYMBOL_EXPOSURE",
                             .severity = "CRITICAL",
                             .entity_type = "SYMBOL",
                             .entity = {"EXAMPLE", 7},
                             .message = {message, sizeof message - 1},
                             .form = TW_AMOUNT_E8,
                             .threshold = 750000 * (tw_i128)TW_E8,
                             .value = 1050000 * (tw_i128)TW_E8,
                             .unit = "USD",
                             .rule = {"symbol_exposure", 15},
                             .rule_version = 1,
                             .config = {"00", 2},
                             .seq = 2,
                             .ts_ns = EXAMPLE_NS,
                             .trade_count = 2,
                             .trade_count_listed = 2,
                             .detected_at_ns = EXAMPLE_NS};
    for (uint32_t i = 0; i < 2; i++) {
        struct tw_letter_trade *trade = &shown->evidence.trades[i];
        alert.trades[i] = (struct tw_alert_trade){i + 1, {"desk-7", 6}, i + 1, {i == 0 ? "x-1" : "x-2", 3}};
        *trade = (struct tw_letter_trade){.symbol = "EXAMPLE",
                                          .account = "A <&> B",
                                          .side = TW_SIDE_BUY,
                                          .qty_e8 = (i == 0 ? 4000 : 3000) * TW_E8,
                                          .price_e8 = 150 * TW_E8,
                                          .ts_ns = EXAMPLE_NS - (i == 0 ? 95 : 0) * TW_NS_PER_SECOND};
    }
    tw_alert_encode(&shown->record, &alert);
    shown->letter.since_ns = EXAMPLE_NS - 95 * TW_NS_PER_SECOND;
    shown->letter.trades = shown->evidence.trades;
    shown->letter.trade_count = 2;
    memset(shown->log_id, '0', sizeof shown->log_id - 1);
}

struct finding {
    struct shown *shown;
    uint64_t n;
};

static bool keep(void *context, const struct tw_store_alert *alert)
{
    struct finding *finding = context;
    if (alert->n == finding->n)
        tw_buffer_append(&finding->shown->record, alert->bytes, alert->length);
    return false;
}

static bool read_stored(struct shown *shown, struct tw_store *store, uint64_t n, struct tw_store_error *error)
{
    struct finding finding = {shown, n};
    uint8_t log_id[16];
    tw_store_log_id(store, log_id);
    tw_hex(log_id, sizeof log_id, shown->log_id);
    if (!tw_store_alerts(store, n - 1, keep, &finding, error))
        return false;
    bool found = tw_alert_decode(shown->record.bytes, shown->record.length, &shown->view);
    if (!found) {
        error->status = TW_STORE_MISSING;
        snprintf(error->text, sizeof error->text, "there is no alert %" PRIu64, n);
    }
    return found;
}

/* The exit code; TW_CLI_GO_ON: the letter is there. */
static int take_alert(struct shown *shown, const struct tw_cfg *cfg, uint64_t n)
{
    struct tw_store_error error;
    int exit_code = TW_CLI_GO_ON;
    shown->letter = (struct tw_letter){.view = &shown->view, .log_id = shown->log_id, .key = shown->key};
    if (n == 0) {
        make_up(shown);
        (void)tw_alert_decode(shown->record.bytes, shown->record.length, &shown->view);
    } else {
        struct tw_store *store = tw_store_open(tw_cfg_text(cfg, "data/directory"), TW_STORE_READ, &error);
        bool opened = store != NULL, read = opened && read_stored(shown, store, n, &error);
        if (read)
            tw_evidence_look_up(store, &shown->letter, &shown->evidence);
        else
            tw_cli_say(shown->cli->command, "%s", error.text);
        tw_store_close(&store);
        exit_code = read ? TW_CLI_GO_ON : opened && error.status == TW_STORE_MISSING ? TW_EXIT_NO : TW_EXIT_UNREACHABLE;
    }
    snprintf(shown->key, sizeof shown->key, "%s-%" PRIu64, shown->log_id, shown->view.n);
    return exit_code;
}

/* ---- a receiver ---- */

/* One that is configured, without what is secret; or one that has texts, to be looked at before it is. */
static bool take_receiver(struct shown *shown, const struct tw_cfg *cfg, const char *name, bool *configured)
{
    static struct tw_receivers receivers;
    *configured = false;
    tw_receivers_from(cfg, &receivers);
    for (uint32_t i = 0; i < receivers.count; i++)
        if (strcmp(receivers.list[i].name, name) == 0) {
            shown->receiver = receivers.list[i];
            *configured = true;
        }
    for (int kind = 0; !*configured && kind < TW_SHEET_COUNT; kind++)
        if (strcmp(tw_sheet_name((enum tw_sheet_kind)kind), name) == 0)
            shown->receiver = (struct tw_receiver){.name = name, .sheet = tw_cfg_sheet(cfg, (enum tw_sheet_kind)kind)};
    shown->receiver.key_count = 0;
    shown->receiver.routing_key = SECRET;
    shown->receiver.aws.access_key_id = shown->receiver.aws.secret_access_key = SECRET;
    shown->receiver.aws.session_token = "";
    return *configured || shown->receiver.sheet != NULL;
}

/* ---- showing ---- */

/* Two such alerts, in a digest and in a group. */
static void take_many(struct shown *shown)
{
    static const char group[] = "desk{type=EXAMPLE}";
    for (uint64_t n = 1; n <= 2; n++) {
        tw_digest_add(&shown->digest, shown->view.n + n - 1, shown->record.bytes, shown->record.length);
        tw_digest_add(&shown->group, shown->view.n + n - 1, shown->record.bytes, shown->record.length);
    }
    shown->group.group = (struct tw_text){group, sizeof group - 1};
    shown->digest_letter = (struct tw_digest_letter){&shown->digest, shown->log_id, shown->key};
    shown->group_letter = (struct tw_digest_letter){&shown->group, shown->log_id, shown->key};
}

static void append_part(struct shown *shown, struct tw_texts *texts, enum tw_sheet_part part, uint32_t at,
                        struct tw_buffer *out)
{
    struct tw_digest_texts many;
    bool group = part >= TW_TEXT_GROUP;
    if (!tw_part_is_of_many(part)) {
        tw_text_append(&shown->receiver, texts, part, at, out);
        return;
    }
    tw_digest_texts_of(&shown->receiver, group ? &shown->group_letter : &shown->digest_letter, &many);
    tw_digest_text_append(&shown->receiver, &many,
                          group ? (enum tw_sheet_part)(part - (TW_TEXT_GROUP - TW_TEXT_DIGEST)) : part, out);
}

static int show_raw(struct shown *shown)
{
    struct tw_request request = {.header_count = 0};
    shown->receiver.kind->render(&shown->receiver, &shown->letter, tw_cli_wall_ns(), &request);
    fwrite(request.body.bytes, 1, request.body.length, stdout);
    if (request.body.length > 0 && request.body.bytes[request.body.length - 1] != '\n')
        putchar('\n');
    tw_buffer_free(&request.body);
    return TW_EXIT_OK;
}

static void show_part(struct shown *shown, struct tw_texts *texts, enum tw_sheet_part part, bool headed)
{
    for (uint32_t i = 0; i < tw_sheet_count(shown->receiver.sheet, part); i++) {
        struct tw_buffer text = {0};
        append_part(shown, texts, part, i, &text);
        if (headed)
            printf("--- %s\n", tw_part_name(part));
        if (text.length > 0 || !headed)
            printf("%.*s\n", (int)text.length, (const char *)text.bytes);
        tw_buffer_free(&text);
    }
}

static void show_json(struct shown *shown, struct tw_texts *texts)
{
    printf("{\"receiver\":");
    tw_json_string(stdout, shown->receiver.name);
    for (int part = 0; part < TW_TEXT_COUNT; part++) {
        uint32_t count = tw_sheet_count(shown->receiver.sheet, (enum tw_sheet_part)part);
        bool list = part == TW_TEXT_FIELD;
        if (count > 0)
            printf(",\"%s\":%s", tw_part_name((enum tw_sheet_part)part), list ? "[" : "");
        for (uint32_t i = 0; i < count; i++) {
            struct tw_buffer text = {0};
            append_part(shown, texts, (enum tw_sheet_part)part, i, &text);
            fputs(i > 0 ? "," : "", stdout);
            tw_json_text(stdout, (struct tw_text){(const char *)text.bytes, (uint32_t)text.length});
            tw_buffer_free(&text);
        }
        fputs(count > 0 && list ? "]" : "", stdout);
    }
    puts("}");
}

static int show_texts(struct shown *shown, const char *wanted)
{
    struct tw_texts texts;
    bool any = false;
    tw_texts_of(&shown->receiver, &shown->letter, &texts);
    for (int i = 0; wanted != NULL && i < TW_TEXT_COUNT; i++)
        any = any || (strcmp(tw_part_name((enum tw_sheet_part)i), wanted) == 0 &&
                      tw_sheet_count(shown->receiver.sheet, (enum tw_sheet_part)i) > 0);
    if (wanted != NULL && !any)
        return tw_cli_usage(shown->cli, "%s has no part %s", shown->receiver.name, wanted);
    if (shown->cli->json) {
        show_json(shown, &texts);
        return TW_EXIT_OK;
    }
    for (int i = 0; i < TW_TEXT_COUNT; i++)
        if (wanted == NULL || strcmp(tw_part_name((enum tw_sheet_part)i), wanted) == 0)
            show_part(shown, &texts, (enum tw_sheet_part)i, wanted == NULL);
    return TW_EXIT_OK;
}

/* Of those that have texts, who reads HTML sees the picture. */
static bool draws(const struct shown *shown)
{
    return shown->receiver.sheet != NULL && tw_sheet_count(shown->receiver.sheet, TW_TEXT_HTML) > 0;
}

/* The PNG as it is, for a file. */
static int show_picture(struct shown *shown)
{
    if (!draws(shown))
        return tw_cli_usage(shown->cli, "%s has no part %s", shown->receiver.name, PICTURE);
    if (shown->letter.picture == NULL) {
        tw_cli_say(shown->cli->command, "the alert has no picture: it takes two trades that the log still has");
        return TW_EXIT_NO;
    }
    fwrite(shown->letter.picture->bytes, 1, shown->letter.picture->length, stdout);
    return TW_EXIT_OK;
}

int tw_deliveries_render(const struct tw_cli *cli, const struct tw_cfg *cfg, const struct tw_render_wish *wish)
{
    struct shown shown = {.cli = cli};
    bool configured = false;
    if (!take_receiver(&shown, cfg, wish->receiver, &configured))
        return tw_cli_usage(cli, "there is no receiver %s", wish->receiver);
    bool raw = wish->raw || shown.receiver.sheet == NULL;
    if (raw && !configured)
        return tw_cli_usage(cli, "%s is not configured: only its texts can be shown", wish->receiver);
    if (raw && wish->part != NULL)
        return tw_cli_usage(
            cli, shown.receiver.sheet == NULL ? "%s has no parts" : "%s: --raw and --part exclude each other",
            wish->receiver);
    int exit_code = take_alert(&shown, cfg, wish->alert);
    bool picture = wish->part != NULL && strcmp(wish->part, PICTURE) == 0;
    if (exit_code == TW_CLI_GO_ON && draws(&shown))
        tw_evidence_draw(&shown.letter, &shown.evidence);
    if (exit_code == TW_CLI_GO_ON && picture)
        exit_code = show_picture(&shown);
    if (exit_code == TW_CLI_GO_ON)
        take_many(&shown);
    if (exit_code == TW_CLI_GO_ON)
        exit_code = raw ? show_raw(&shown) : show_texts(&shown, wish->part);
    tw_digest_clear(&shown.digest);
    tw_digest_clear(&shown.group);
    tw_buffer_free(&shown.record);
    tw_evidence_free(&shown.evidence);
    return exit_code;
}
