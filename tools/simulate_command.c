/* SPDX-License-Identifier: MIT
 *
 * `tapewarden simulate`: a made-up market (market.h) that publishes its trades, or prints them as CSV.
 */
#include <inttypes.h>
#include <string.h>

#include "protocol/json_text.h"
#include "protocol/limits.h"
#include "protocol/num.h"
#include "tools/cli.h"
#include "tools/client/tapewarden.h"
#include "tools/market.h"
#include "tools/stop.h"

#define NAME "simulate"
#define TURN_MS 200
#define WORTH_A_WAIT_NS 1000000 /* shorter pauses are caught up with in batches */
#define FINISH_MS 5000
#define PRINT_START_NS (INT64_C(1704205800) * TW_NS_PER_SECOND) /* 2024-01-02T14:30:00Z */

struct simulate {
    struct tw_cli cli;
    const char *as, *trades_endpoint, *acks_endpoint;
    uint64_t trades, rate, accounts, symbols, seed, incarnation, prints, timeout_s, patience_s;
    bool print;
    struct tw_market *market;
    struct tapewarden_publisher *publisher;
    struct tw_progress progress;
    uint64_t made;
};

/* ---- as CSV ---- */

static void print_trade(const struct tw_trade *trade)
{
    char qty[TW_E8_TEXT_MAX], price[TW_E8_TEXT_MAX];
    static const char *const sides[] = {"", "B", "S"};
    tw_e8_format(trade->qty_e8, qty);
    tw_e8_format(trade->price_e8, price);
    printf("%" PRId64 ",%.*s,%s,%s,%s,%.*s,%.*s,%.*s\n", trade->ts_ns, (int)trade->symbol.length, trade->symbol.bytes,
           sides[trade->side], qty, price, (int)trade->account.length,
           trade->account.length > 0 ? trade->account.bytes : "", (int)trade->venue.length, trade->venue.bytes,
           (int)trade->id.length, trade->id.bytes);
}

static int print_all(struct simulate *simulate)
{
    int64_t ts_ns = PRINT_START_NS;
    printf("ts,symbol,side,qty,price,account,venue,id\n");
    while ((simulate->trades == 0 || simulate->made < simulate->trades) && ferror(stdout) == 0 && !tw_stop_asked()) {
        struct tw_trade trade;
        tw_market_next(simulate->market, ts_ns, &trade);
        print_trade(&trade);
        ts_ns += tw_market_gap_ns(simulate->market, simulate->rate == 0 ? 1000 : simulate->rate);
        simulate->made++;
    }
    return TW_EXIT_OK;
}

/* ---- live ---- */

static int give_up(struct simulate *simulate, enum tapewarden_status status)
{
    tw_progress_end(&simulate->progress);
    tw_cli_say(NAME, "%s: %s", simulate->as, tapewarden_publisher_error(simulate->publisher));
    return status == TAPEWARDEN_HELD || status == TAPEWARDEN_FENCED || status == TAPEWARDEN_INVALID
               ? TW_EXIT_REFUSED
               : TW_EXIT_UNREACHABLE;
}

static bool silent_for_too_long(struct simulate *simulate)
{
    int64_t silent_ms = tapewarden_publisher_standing(simulate->publisher).silent_ms;
    if (simulate->patience_s == 0 || silent_ms < (int64_t)simulate->patience_s * 1000)
        return false;
    tw_progress_end(&simulate->progress);
    tw_cli_say(NAME, "no answer for %" PRIu64 " s", simulate->patience_s);
    return true;
}

static int start(struct simulate *simulate)
{
    const struct tapewarden_publisher_options options = {
        .name = simulate->as,
        .incarnation = (uint32_t)simulate->incarnation,
        .trades_endpoint = simulate->trades_endpoint,
        .acks_endpoint = simulate->acks_endpoint,
        .go_on = true,
    };
    struct tapewarden_error error;
    simulate->publisher = tapewarden_publisher_new(&options, &error);
    if (simulate->publisher == NULL) {
        tw_cli_say(NAME, "%s", error.text);
        return TW_EXIT_USAGE;
    }
    int64_t until_ns = tw_cli_now_ns() + (int64_t)simulate->timeout_s * TW_NS_PER_SECOND;
    enum tapewarden_status status;
    do
        status = tapewarden_publisher_start(simulate->publisher, TURN_MS);
    while ((status == TAPEWARDEN_TIMEOUT || status == TAPEWARDEN_INTERRUPTED) && !tw_stop_asked() &&
           tw_cli_now_ns() < until_ns);
    if (status == TAPEWARDEN_OK || tw_stop_asked())
        return TW_EXIT_OK;
    if (status != TAPEWARDEN_TIMEOUT)
        return give_up(simulate, status);
    tw_cli_say(NAME, "nobody answers at %s and %s; is the daemon running?", simulate->trades_endpoint,
               simulate->acks_endpoint);
    return TW_EXIT_UNREACHABLE;
}

/* Until the next trade is due. OK, or the exit code. */
static int sleep_until(struct simulate *simulate, int64_t due_ns)
{
    int64_t left_ns = due_ns - tw_cli_now_ns();
    if (left_ns < WORTH_A_WAIT_NS)
        return TW_EXIT_OK;
    enum tapewarden_status status = tapewarden_publisher_flush(simulate->publisher);
    for (; status == TAPEWARDEN_OK && left_ns > 0 && !tw_stop_asked(); left_ns = due_ns - tw_cli_now_ns()) {
        int64_t wait_ms = (left_ns + 999999) / 1000000;
        status = tapewarden_publisher_poll(simulate->publisher, wait_ms < TURN_MS ? (int)wait_ms : TURN_MS);
        if (status == TAPEWARDEN_INTERRUPTED)
            status = TAPEWARDEN_OK;
        if (silent_for_too_long(simulate))
            return TW_EXIT_UNREACHABLE;
    }
    return status == TAPEWARDEN_OK ? TW_EXIT_OK : give_up(simulate, status);
}

static int send_one(struct simulate *simulate)
{
    struct tw_trade trade;
    struct tapewarden_trade row;
    tw_market_next(simulate->market, tw_cli_wall_ns(), &trade);
    memcpy(&row, &trade, sizeof row);
    enum tapewarden_status status;
    while ((status = tapewarden_publisher_add(simulate->publisher, &row, TURN_MS)) == TAPEWARDEN_TIMEOUT ||
           status == TAPEWARDEN_INTERRUPTED) {
        if (tw_stop_asked())
            return TW_EXIT_OK;
        if (silent_for_too_long(simulate))
            return TW_EXIT_UNREACHABLE;
    }
    if (status != TAPEWARDEN_OK)
        return give_up(simulate, status);
    simulate->made++;
    tw_progress_update(&simulate->progress, simulate->made, simulate->trades, "trades");
    return TW_EXIT_OK;
}

/* What was made is to be durable; not for ever, though, once somebody wants us to stop. */
static int finish(struct simulate *simulate)
{
    int64_t until_ns = tw_cli_now_ns() + (int64_t)FINISH_MS * 1000000;
    enum tapewarden_status status;
    while ((status = tapewarden_publisher_wait(simulate->publisher, TURN_MS)) == TAPEWARDEN_TIMEOUT ||
           status == TAPEWARDEN_INTERRUPTED) {
        if (tw_stop_asked() ? tw_cli_now_ns() >= until_ns : silent_for_too_long(simulate)) {
            tw_progress_end(&simulate->progress);
            tw_cli_say(NAME, "stopped before everything was acked");
            return TW_EXIT_UNREACHABLE;
        }
    }
    tw_progress_end(&simulate->progress);
    return status == TAPEWARDEN_OK ? TW_EXIT_OK : give_up(simulate, status);
}

static void report(const struct simulate *simulate, int64_t started_ns)
{
    struct tapewarden_standing standing = tapewarden_publisher_standing(simulate->publisher);
    double seconds = (double)(tw_cli_now_ns() - started_ns) / 1e9;
    uint64_t refused = standing.refused_total - standing.refused_at_start;
    if (simulate->cli.json) {
        printf("{\"publisher\":");
        tw_json_string(stdout, simulate->as);
        printf(",\"incarnation\":%" PRIu64 ",\"trades\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"durable\":%" PRIu64
               ",\"resends\":%" PRIu64 ",\"seconds\":%.6f}\n",
               simulate->incarnation, simulate->made, refused, standing.durable, standing.resends, seconds);
    }
    fprintf(stderr, "%s: %" PRIu64 " trades, %" PRIu64 " refused, %.0f/s\n", simulate->as, simulate->made, refused,
            seconds > 0 ? (double)simulate->made / seconds : 0.0);
}

static int run_live(struct simulate *simulate)
{
    int result = start(simulate);
    if (result != TW_EXIT_OK || tw_stop_asked())
        return result;
    int64_t started_ns = tw_cli_now_ns(), due_ns = started_ns;
    tw_progress_begin(&simulate->progress);
    while (result == TW_EXIT_OK && !tw_stop_asked() && (simulate->trades == 0 || simulate->made < simulate->trades)) {
        if (simulate->rate > 0) {
            due_ns += tw_market_gap_ns(simulate->market, simulate->rate);
            result = sleep_until(simulate, due_ns);
        }
        if (result == TW_EXIT_OK && !tw_stop_asked())
            result = send_one(simulate);
    }
    if (result == TW_EXIT_OK)
        result = finish(simulate);
    report(simulate, started_ns);
    return result;
}

static int check_options(const struct simulate *simulate)
{
    if (simulate->symbols == 0 || simulate->symbols > TW_MARKET_SYMBOLS_MAX)
        return tw_cli_usage(&simulate->cli, "--symbols is 1 to %u", TW_MARKET_SYMBOLS_MAX);
    if (simulate->accounts == 0 || simulate->accounts > TW_MARKET_ACCOUNTS_MAX)
        return tw_cli_usage(&simulate->cli, "--accounts is 1 to %u", TW_MARKET_ACCOUNTS_MAX);
    if (simulate->prints > 100)
        return tw_cli_usage(&simulate->cli, "--prints is a percentage");
    if (simulate->incarnation > UINT32_MAX)
        return tw_cli_usage(&simulate->cli, "--inc is at most %u", UINT32_MAX);
    return TW_CLI_GO_ON;
}

static int run(struct simulate *simulate, const struct tw_cfg *cfg)
{
    const struct tw_market_settings settings = {.seed = simulate->seed,
                                                .symbols = (uint32_t)simulate->symbols,
                                                .accounts = (uint32_t)simulate->accounts,
                                                .prints_percent = (uint32_t)simulate->prints};
    simulate->market = tw_market_new(&settings);
    if (simulate->trades_endpoint == NULL)
        simulate->trades_endpoint = tw_cfg_text(cfg, "bind/trades");
    if (simulate->acks_endpoint == NULL)
        simulate->acks_endpoint = tw_cfg_text(cfg, "bind/acks");
    tw_stop_listen();
    return simulate->print ? print_all(simulate) : run_live(simulate);
}

int tw_simulate_main(int argc, char **argv)
{
    struct simulate simulate = {.as = "sim",
                                .rate = 200,
                                .accounts = 50,
                                .symbols = 12,
                                .seed = 1,
                                .prints = 90,
                                .timeout_s = 5,
                                .patience_s = 60};
    const struct tw_cli_option options[] = {
        {"trades", "N", "stop after so many; 0: never (0)", TW_CLI_INTEGER, &simulate.trades},
        {"rate", "N", "trades per second on average; 0: as fast as it goes (200)", TW_CLI_INTEGER, &simulate.rate},
        {"accounts", "N", "accounts that trade (50)", TW_CLI_INTEGER, &simulate.accounts},
        {"symbols", "N", "symbols traded (12)", TW_CLI_INTEGER, &simulate.symbols},
        {"prints", "PERCENT", "trades that are market prints, without account (90)", TW_CLI_INTEGER, &simulate.prints},
        {"seed", "N", "the same seed makes the same market (1)", TW_CLI_INTEGER, &simulate.seed},
        {"print", NULL, "CSV on stdout instead of publishing, times from 2024-01-02T14:30:00Z on", TW_CLI_FLAG,
         &simulate.print},
        {"as", "NAME", "publisher's name (sim)", TW_CLI_TEXT, &simulate.as},
        {"inc", "N", "its incarnation (0)", TW_CLI_INTEGER, &simulate.incarnation},
        {"connect-trades", "ENDPOINT", "default: bind/trades of the configuration", TW_CLI_TEXT,
         &simulate.trades_endpoint},
        {"connect-acks", "ENDPOINT", "default: bind/acks of the configuration", TW_CLI_TEXT, &simulate.acks_endpoint},
        {"timeout", "S", "seconds to wait for a first answer (5)", TW_CLI_SECONDS, &simulate.timeout_s},
        {"patience", "S", "seconds of silence before giving up; 0: never (60)", TW_CLI_SECONDS, &simulate.patience_s},
    };
    simulate.cli = (struct tw_cli){
        .command = NAME,
        .synopsis = "[options]",
        .description =
            "A made-up market that publishes its trades as they happen, until it is stopped or --trades are\n"
            "out. Prices walk, sizes have a long tail, orders come in slices and activity in bursts.",
        .examples = "  tapewarden simulate\n"
                    "  tapewarden simulate --rate 50000 --accounts 2000 --symbols 500 --prints 0\n"
                    "  tapewarden simulate --print --trades 1000000 --seed 7 | gzip > market.csv.gz\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
    };
    int result = tw_cli_parse(&simulate.cli, argc, argv);
    struct tw_cfg *cfg = NULL;
    if (result == TW_CLI_GO_ON)
        result = check_options(&simulate);
    if (result == TW_CLI_GO_ON)
        cfg = tw_cli_cfg(&simulate.cli, &result);
    if (cfg != NULL)
        result = run(&simulate, cfg);
    tapewarden_publisher_free(&simulate.publisher);
    tw_market_free(&simulate.market);
    tw_cfg_free(&cfg);
    tw_cli_clear(&simulate.cli);
    return result;
}
