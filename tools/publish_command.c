/* SPDX-License-Identifier: MIT
 *
 * `tapewarden publish`: a file or stdin as a publisher. Done when everything is durable or refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/json_text.h"
#include "protocol/limits.h"
#include "tools/cli.h"
#include "tools/client/tapewarden.h"
#include "tools/pace.h"
#include "tools/tape.h"

#define NAME "publish"
#define TURN_MS 200 /* between looks at the daemon's silence and the progress bar */
#define SHOWN_MAX 10u
#define REFUSALS_KEPT 64u

struct refusal {
    uint64_t number;
    char code[32], why[168];
};

struct publish {
    struct tw_cli cli;
    /* options */
    const char *as, *form, *trades_endpoint, *acks_endpoint;
    uint64_t batch, rate, incarnation, timeout_s, patience_s;
    bool append, skip_bad;
    /* state */
    const char *path;
    char name[40];
    struct tw_tape *tape;
    struct tapewarden_publisher *publisher;
    struct tw_progress progress;
    struct tw_pace pace;
    bool derived; /* the name comes from the content: what is there already need not be sent */
    bool disk_said, unreadable;
    uint64_t rows, bad, passed_over;
    int64_t started_ns, owed_ns;    /* owed_ns: since then the daemon may owe an answer */
    enum tapewarden_status gave_up; /* while more of the input was waited for; OK: it did not */
    uint32_t refusal_count;         /* told so far */
    struct refusal refusals[REFUSALS_KEPT];
};

/* ---- input ---- */

/* A pipe cannot be read twice, and its name comes from all of it: so it is kept in a file first, as it comes. */
static int keep_input(int from)
{
    const char *directory = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/tapewarden-XXXXXX", directory == NULL || directory[0] == '\0' ? "/tmp" : directory);
    int to = mkstemp(path);
    if (to < 0) {
        tw_cli_say(NAME, "cannot keep the input in %s: %s", path, strerror(errno));
        return -1;
    }
    unlink(path);
    static char buffer[1 << 16];
    ssize_t got = 0;
    while ((got = read(from, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR))
        for (ssize_t done = 0; done < got;) {
            ssize_t wrote = write(to, buffer + done, (size_t)(got - done));
            if (wrote < 0 && errno != EINTR) {
                tw_cli_say(NAME, "cannot keep the input in a temporary file: %s; --as NAME needs none",
                           strerror(errno));
                close(to);
                return -1;
            }
            done += wrote > 0 ? wrote : 0;
        }
    if (got < 0 || lseek(to, 0, SEEK_SET) != 0) {
        tw_cli_say(NAME, "cannot read the input: %s", strerror(errno));
        close(to);
        return -1;
    }
    return to;
}

static bool open_tape(struct publish *publish)
{
    char why[256];
    struct stat status = {.st_mode = S_IFREG}; /* if it cannot be seen, opening it says why */
    bool standard = strcmp(publish->path, "-") == 0;
    if ((standard ? fstat(STDIN_FILENO, &status) : stat(publish->path, &status)) == 0 && S_ISDIR(status.st_mode)) {
        tw_cli_say(NAME, "%s is a directory; replay --data reads data directories", publish->path);
        return false;
    }
    if (publish->as == NULL && !S_ISREG(status.st_mode)) {
        int from = standard ? dup(STDIN_FILENO) : open(publish->path, O_RDONLY | O_CLOEXEC);
        int kept = from < 0 ? -1 : keep_input(from);
        const char *name = standard ? "standard input" : publish->path;
        if (from < 0)
            tw_cli_say(NAME, "cannot read %s: %s", publish->path, strerror(errno));
        else
            close(from);
        publish->tape = kept < 0 ? NULL : tw_tape_new(tw_tape_input_new(kept, name), name);
        return publish->tape != NULL;
    }
    publish->tape = tw_tape_open(publish->path, why);
    if (publish->tape == NULL)
        tw_cli_say(NAME, "%s", why);
    return publish->tape != NULL;
}

static void say_bad(struct publish *publish)
{
    if (++publish->bad > SHOWN_MAX)
        return;
    tw_progress_end(&publish->progress);
    fprintf(stderr, "%s\n", tw_tape_problem(publish->tape));
}

/* A name that comes from the content takes a reading of its own anyway. So a malformed line is found before anything is
 * sent: once repaired, the file has another name, and what had been sent before would count twice. */
static void look_through(struct publish *publish)
{
    struct tw_trade trade;
    enum tw_tape_result result;
    tw_tape_hash(publish->tape);
    while ((result = tw_tape_next(publish->tape, &trade)) == TW_TAPE_TRADE || result == TW_TAPE_BAD)
        if (result == TW_TAPE_BAD)
            say_bad(publish);
    if (result == TW_TAPE_FAILED && !tw_tape_unreadable(publish->tape))
        say_bad(publish);
}

/* OK, or the exit code. */
static int choose_name(struct publish *publish)
{
    if (publish->as != NULL) {
        snprintf(publish->name, sizeof publish->name, "%s", publish->as);
        return TW_EXIT_OK;
    }
    publish->derived = true;
    if (!publish->skip_bad)
        look_through(publish);
    if (!tw_tape_derive_name(publish->tape, publish->name)) {
        tw_cli_say(NAME, "%s", tw_tape_problem(publish->tape));
        return TW_EXIT_UNREACHABLE;
    }
    return publish->bad == 0 ? TW_EXIT_OK : TW_EXIT_REFUSED;
}

/* ---- talking ---- */

static void on_refused(void *context, const struct tapewarden_refusal *refusal)
{
    struct publish *publish = context;
    if (publish->refusal_count < SHOWN_MAX) {
        tw_progress_end(&publish->progress);
        tw_cli_say(NAME, "trade %" PRIu64 " refused: %.*s: %.*s", refusal->number, (int)refusal->code.length,
                   refusal->code.bytes, (int)refusal->why.length, refusal->why.bytes);
    }
    if (publish->refusal_count < REFUSALS_KEPT) {
        struct refusal *kept = &publish->refusals[publish->refusal_count];
        kept->number = refusal->number;
        snprintf(kept->code, sizeof kept->code, "%.*s", (int)refusal->code.length, refusal->code.bytes);
        snprintf(kept->why, sizeof kept->why, "%.*s", (int)refusal->why.length, refusal->why.bytes);
    }
    publish->refusal_count++;
}

/* What a status that ends everything means for the exit code; the sentence is said. */
static int give_up(struct publish *publish, enum tapewarden_status status)
{
    struct tapewarden_standing standing = tapewarden_publisher_standing(publish->publisher);
    tw_progress_end(&publish->progress);
    tw_cli_say(NAME, "%s: %s", publish->name, tapewarden_publisher_error(publish->publisher));
    if (standing.has_hold && strcmp(standing.hold_code, "sequence_reused") == 0)
        tw_cli_say(NAME,
                   "the daemon has other trades of %s already (%" PRIu64 " of them); to add this file behind them: "
                   "--append",
                   publish->name, standing.next - 1);
    if (standing.has_hold && strcmp(standing.hold_code, "bad_names") == 0)
        tw_cli_say(
            NAME,
            "another process sends under %s, or one that has ended did and its last messages came only now: then "
            "the same once more goes on",
            publish->name);
    if (status == TAPEWARDEN_LOST && !publish->append)
        tw_cli_say(NAME, "the same file once more sends what the daemon does not have");
    if (status == TAPEWARDEN_FENCED)
        tw_cli_say(NAME, "give a higher incarnation by --inc if this is the one that counts");
    return status == TAPEWARDEN_HELD || status == TAPEWARDEN_FENCED || status == TAPEWARDEN_INVALID
               ? TW_EXIT_REFUSED
               : TW_EXIT_UNREACHABLE;
}

static void show_progress(struct publish *publish)
{
    uint64_t size = tw_tape_size(publish->tape), position = tw_tape_position(publish->tape);
    uint64_t total = position == 0 ? 0 : (uint64_t)((double)publish->rows * (double)size / (double)position);
    tw_progress_update(&publish->progress, publish->rows, total, "trades");
}

/* Between two waits: false when the daemon has been silent for too long. */
static bool go_on_waiting(struct publish *publish)
{
    struct tapewarden_standing standing = tapewarden_publisher_standing(publish->publisher);
    show_progress(publish);
    bool disk = standing.has_hold && strcmp(standing.hold_code, "disk") == 0;
    if (disk && !publish->disk_said) {
        tw_progress_end(&publish->progress);
        tw_cli_say(NAME, "the daemon's disk takes no more for now; waiting");
    }
    publish->disk_said = disk;
    int64_t owed_ms = (tw_cli_now_ns() - publish->owed_ns) / 1000000, patience_ms = (int64_t)publish->patience_s * 1000;
    if (publish->patience_s == 0 || standing.silent_ms < patience_ms || owed_ms < patience_ms)
        return true;
    tw_progress_end(&publish->progress);
    tw_cli_say(NAME, "%s: no answer for %" PRIu64 " s; trades up to %" PRIu64 " are durable", publish->name,
               publish->patience_s, standing.durable);
    return false;
}

static int start(struct publish *publish)
{
    const struct tapewarden_publisher_options options = {
        .name = publish->name,
        .incarnation = (uint32_t)publish->incarnation,
        .trades_endpoint = publish->trades_endpoint,
        .acks_endpoint = publish->acks_endpoint,
        .batch_trades = (uint32_t)publish->batch,
        .rows = publish->form != NULL && strcmp(publish->form, "rows") == 0,
        .go_on = publish->append || publish->derived,
        .refused = on_refused,
        .refused_context = publish,
        .refused_before = publish->derived,
    };
    struct tapewarden_error error;
    publish->publisher = tapewarden_publisher_new(&options, &error);
    if (publish->publisher == NULL) {
        tw_cli_say(NAME, "%s", error.text);
        return TW_EXIT_USAGE;
    }
    enum tapewarden_status status;
    int64_t until_ns = tw_cli_now_ns() + (int64_t)publish->timeout_s * 1000000000;
    do
        status = tapewarden_publisher_start(publish->publisher, TURN_MS);
    while ((status == TAPEWARDEN_TIMEOUT && tw_cli_now_ns() < until_ns) || status == TAPEWARDEN_INTERRUPTED);
    if (status == TAPEWARDEN_TIMEOUT) {
        tw_cli_say(NAME, "nobody answers at %s and %s; is the daemon running?", publish->trades_endpoint,
                   publish->acks_endpoint);
        return TW_EXIT_UNREACHABLE;
    }
    return status == TAPEWARDEN_OK ? TW_EXIT_OK : give_up(publish, status);
}

/* ---- the rows ---- */

static enum tapewarden_status keep_pace(struct publish *publish)
{
    if (!tw_pace_looks(&publish->pace))
        return TAPEWARDEN_OK;
    int64_t left_ns = tw_pace_due_ns(&publish->pace) - tw_cli_now_ns();
    if (left_ns <= 0)
        return TAPEWARDEN_OK;
    enum tapewarden_status status = tapewarden_publisher_flush(publish->publisher);
    for (; status == TAPEWARDEN_OK && left_ns > 0; left_ns = tw_pace_due_ns(&publish->pace) - tw_cli_now_ns()) {
        if (!go_on_waiting(publish))
            return TAPEWARDEN_TIMEOUT;
        int64_t wait_ms = (left_ns + 999999) / 1000000;
        status = tapewarden_publisher_poll(publish->publisher, wait_ms < TURN_MS ? (int)wait_ms : TURN_MS);
        if (status == TAPEWARDEN_INTERRUPTED)
            status = TAPEWARDEN_OK;
    }
    return status;
}

/* The input has no more for now: what there is goes to the daemon, and acks and resends go on. */
static bool wait_for_input(void *context, int descriptor)
{
    struct publish *publish = context;
    struct pollfd input = {.fd = descriptor, .events = POLLIN};
    enum tapewarden_status status = tapewarden_publisher_flush(publish->publisher);
    while (status == TAPEWARDEN_OK || status == TAPEWARDEN_INTERRUPTED) {
        struct tapewarden_standing standing = tapewarden_publisher_standing(publish->publisher);
        if (poll(&input, 1, TURN_MS) > 0) {
            publish->owed_ns = standing.durable < standing.last ? publish->owed_ns : tw_cli_now_ns();
            return true;
        }
        status = tapewarden_publisher_poll(publish->publisher, 0);
        if (standing.durable < standing.last && !go_on_waiting(publish))
            status = TAPEWARDEN_TIMEOUT;
    }
    publish->gave_up = status;
    return false;
}

/* OK, or the exit code. */
static int send_row(struct publish *publish, const struct tw_trade *trade)
{
    struct tapewarden_trade row;
    memcpy(&row, trade, sizeof row);
    enum tapewarden_status status = keep_pace(publish);
    if (status == TAPEWARDEN_TIMEOUT)
        return TW_EXIT_UNREACHABLE;
    if (status == TAPEWARDEN_OK)
        status = tapewarden_publisher_add(publish->publisher, &row, TURN_MS);
    while (status == TAPEWARDEN_TIMEOUT || status == TAPEWARDEN_INTERRUPTED) {
        if (!go_on_waiting(publish))
            return TW_EXIT_UNREACHABLE;
        status = tapewarden_publisher_add(publish->publisher, &row, TURN_MS);
    }
    publish->pace.done++;
    if ((publish->pace.done & 0xfff) == 0)
        show_progress(publish);
    return status == TAPEWARDEN_OK ? TW_EXIT_OK : give_up(publish, status);
}

/* Reads to the end, or to the first malformed line. OK, or the exit code that ends it at once. */
static int send_rows(struct publish *publish)
{
    struct tw_trade trade;
    /* Row k has the number k, wherever the numbers start. */
    uint64_t there = publish->derived ? tapewarden_publisher_standing(publish->publisher).first - 1 : 0;
    for (;;) {
        switch (tw_tape_next(publish->tape, &trade)) {
        case TW_TAPE_TRADE:
            publish->rows++;
            if (publish->rows <= there) {
                publish->passed_over++;
                break;
            }
            int result = send_row(publish, &trade);
            if (result != TW_EXIT_OK)
                return result;
            break;
        case TW_TAPE_BAD:
            say_bad(publish);
            if (!publish->skip_bad)
                return TW_EXIT_OK;
            break;
        case TW_TAPE_END:
            return TW_EXIT_OK;
        case TW_TAPE_FAILED:
            if (publish->gave_up == TAPEWARDEN_TIMEOUT)
                return TW_EXIT_UNREACHABLE;
            if (publish->gave_up != TAPEWARDEN_OK)
                return give_up(publish, publish->gave_up);
            tw_progress_end(&publish->progress);
            fprintf(stderr, "%s\n", tw_tape_problem(publish->tape));
            publish->unreadable = tw_tape_unreadable(publish->tape);
            publish->bad += !publish->unreadable;
            return TW_EXIT_OK; /* what was sent is to become durable */
        }
    }
}

static int finish(struct publish *publish)
{
    enum tapewarden_status status;
    while ((status = tapewarden_publisher_wait(publish->publisher, TURN_MS)) == TAPEWARDEN_TIMEOUT ||
           status == TAPEWARDEN_INTERRUPTED)
        if (!go_on_waiting(publish))
            return TW_EXIT_UNREACHABLE;
    tw_progress_end(&publish->progress);
    return status == TAPEWARDEN_OK ? TW_EXIT_OK : give_up(publish, status);
}

/* ---- the summary ---- */

struct summary {
    uint64_t sent, already, refused, accepted;
    double seconds;
    struct tapewarden_standing standing;
};

static struct summary sum_up(const struct publish *publish)
{
    struct tapewarden_standing standing = tapewarden_publisher_standing(publish->publisher);
    struct summary summary = {.standing = standing, .sent = standing.last + 1 - standing.first};
    /* Of a file that is the publisher's whole history every refusal is the file's; an appended one begins to count. */
    summary.refused = standing.refused_total - (publish->append ? standing.refused_at_start : 0);
    if (publish->derived)
        summary.already = publish->passed_over;
    else if (standing.next_at_start > standing.first)
        summary.already =
            (standing.last < standing.next_at_start ? standing.last : standing.next_at_start - 1) + 1 - standing.first;
    uint64_t all = summary.sent + publish->passed_over;
    summary.accepted = all > summary.refused ? all - summary.refused : 0;
    summary.seconds = (double)(tw_cli_now_ns() - publish->started_ns) / 1e9;
    return summary;
}

static void print_json(const struct publish *publish, const struct summary *summary, bool complete)
{
    printf("{\"publisher\":");
    tw_json_string(stdout, publish->name);
    printf(",\"incarnation\":%" PRIu64 ",\"file\":", publish->incarnation);
    tw_json_string(stdout, publish->path);
    printf(",\"complete\":%s,\"rows\":%" PRIu64 ",\"accepted\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"malformed\":%" PRIu64 ",\"already\":%" PRIu64 ",\"durable\":%" PRIu64 ",\"resends\":%" PRIu64
           ",\"seconds\":%.6f,\"refusals\":[",
           complete ? "true" : "false", publish->rows, summary->accepted, summary->refused, publish->bad,
           summary->already, summary->standing.durable, summary->standing.resends, summary->seconds);
    uint32_t kept = publish->refusal_count < REFUSALS_KEPT ? publish->refusal_count : REFUSALS_KEPT;
    for (uint32_t i = 0; i < kept; i++) {
        printf("%s{\"seq\":%" PRIu64 ",\"code\":", i == 0 ? "" : ",", publish->refusals[i].number);
        tw_json_string(stdout, publish->refusals[i].code);
        printf(",\"why\":");
        tw_json_string(stdout, publish->refusals[i].why);
        printf("}");
    }
    printf("]}\n");
}

/* "1 trade", "2 trades". */
static void say_count(uint64_t count, const char *one, const char *rest)
{
    fprintf(stderr, "%" PRIu64 " %s%s%s", count, one, count == 1 ? "" : "s", rest);
}

static void say_summary(const struct publish *publish, const struct summary *summary)
{
    uint64_t fresh = publish->derived ? summary->sent : summary->sent - summary->already;
    fprintf(stderr, "%s: ", publish->name);
    if (summary->already > 0 && fresh == 0) {
        say_count(summary->already, "trade", " already there, nothing new");
    } else {
        say_count(summary->accepted, "trade", " durable");
        if (summary->already > 0)
            fprintf(stderr, ", %" PRIu64 " of the file already there before", summary->already);
        fprintf(stderr, ", %.0f/s", summary->seconds > 0 ? (double)fresh / summary->seconds : 0.0);
    }
    if (summary->refused > 0)
        fprintf(stderr, "; %" PRIu64 " refused", summary->refused);
    if (publish->bad > 0) {
        fprintf(stderr, "; ");
        say_count(publish->bad, "malformed line",
                  publish->skip_bad ? " skipped" : ", nothing behind it sent (--skip-bad goes on)");
    }
    fprintf(stderr, "\n");
}

static void say_nothing_sent(const struct publish *publish)
{
    const struct summary nothing = {.sent = 0};
    if (publish->cli.json)
        print_json(publish, &nothing, false);
    fprintf(stderr, "%s: nothing sent; ", publish->name);
    say_count(publish->bad, "malformed line", " (--skip-bad goes on)\n");
}

static int run(struct publish *publish)
{
    if (!open_tape(publish))
        return TW_EXIT_UNREACHABLE;
    int result = choose_name(publish);
    if (result == TW_EXIT_REFUSED)
        say_nothing_sent(publish);
    if (result != TW_EXIT_OK)
        return result;
    publish->started_ns = tw_cli_now_ns();
    tw_progress_begin(&publish->progress);
    publish->pace = tw_pace_start(publish->rate, publish->started_ns);
    result = start(publish);
    if (result != TW_EXIT_OK)
        return result;
    publish->pace.started_ns = publish->started_ns = publish->owed_ns = tw_cli_now_ns();
    tw_tape_on_wait(publish->tape, wait_for_input, publish);
    result = send_rows(publish);
    if (result == TW_EXIT_OK)
        result = finish(publish);
    struct summary summary = sum_up(publish);
    if (publish->cli.json)
        print_json(publish, &summary, result == TW_EXIT_OK && !publish->unreadable);
    if (result != TW_EXIT_OK)
        return result;
    say_summary(publish, &summary);
    if (publish->unreadable)
        return TW_EXIT_UNREACHABLE;
    return publish->bad > 0 || summary.refused > 0 ? TW_EXIT_REFUSED : TW_EXIT_OK;
}

static int check_options(const struct publish *publish)
{
    if (publish->form != NULL && strcmp(publish->form, "rows") != 0 && strcmp(publish->form, "columns") != 0)
        return tw_cli_usage(&publish->cli, "--form is rows or columns");
    if (publish->batch > TW_SUBMISSION_TRADES_MAX)
        return tw_cli_usage(&publish->cli, "--batch is at most %u", TW_SUBMISSION_TRADES_MAX);
    if (publish->incarnation > UINT32_MAX)
        return tw_cli_usage(&publish->cli, "--inc is at most %u", UINT32_MAX);
    if (publish->append && publish->as == NULL)
        return tw_cli_usage(&publish->cli, "--append needs --as NAME");
    return TW_CLI_GO_ON;
}

int tw_publish_main(int argc, char **argv)
{
    struct publish publish = {.timeout_s = 5, .patience_s = 60};
    const struct tw_cli_option options[] = {
        {"as", "NAME", "publisher's name; default: from the file's content", TW_CLI_TEXT, &publish.as},
        {"inc", "N", "its incarnation (0)", TW_CLI_INTEGER, &publish.incarnation},
        {"append", NULL, "number the rows behind what the daemon has of NAME", TW_CLI_FLAG, &publish.append},
        {"skip-bad", NULL, "go on behind malformed lines (exit code 4 all the same)", TW_CLI_FLAG, &publish.skip_bad},
        {"rate", "N", "trades per second, open loop; default: as fast as it goes", TW_CLI_INTEGER, &publish.rate},
        {"batch", "N", "trades in one message (4096)", TW_CLI_INTEGER, &publish.batch},
        {"form", "rows|columns", "form of the messages (columns)", TW_CLI_TEXT, &publish.form},
        {"connect-trades", "ENDPOINT", "default: bind/trades of the configuration", TW_CLI_TEXT,
         &publish.trades_endpoint},
        {"connect-acks", "ENDPOINT", "default: bind/acks of the configuration", TW_CLI_TEXT, &publish.acks_endpoint},
        {"timeout", "S", "seconds to wait for a first answer (5)", TW_CLI_SECONDS, &publish.timeout_s},
        {"patience", "S", "seconds of silence before giving up; 0: never (60)", TW_CLI_SECONDS, &publish.patience_s},
    };
    publish.cli = (struct tw_cli){
        .command = NAME,
        .synopsis = "FILE [options]",
        .description =
            "Publishes the trades of FILE (- for standard input): CSV with a header of trade fields such as\n"
            "ts,symbol,side,qty,price,account,venue,id, or JSON lines; plain or gzip. ts is in nanoseconds\n"
            "since 1970, UTC. Ends when every trade is on the daemon's disk, or refused. The same file\n"
            "again changes nothing. A malformed line ends it: before anything is sent, or with --as, under a\n"
            "name that stays when the file is repaired, behind what stands before it.\n"
            "What comes through a pipe goes as it comes if it has a name (--as).",
        .examples = "  tapewarden publish trades.csv.gz\n"
                    "  tapewarden publish today.csv --as desk-7 --append\n"
                    "  zcat trades.csv.gz | tapewarden publish - --rate 5000 --json\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .operands_min = 1,
        .operands_max = 1,
    };
    int result = tw_cli_parse(&publish.cli, argc, argv);
    struct tw_cfg *cfg = NULL;
    if (result == TW_CLI_GO_ON)
        result = check_options(&publish);
    if (result == TW_CLI_GO_ON)
        cfg = tw_cli_cfg(&publish.cli, &result);
    if (cfg != NULL) {
        publish.path = publish.cli.operands[0];
        if (publish.trades_endpoint == NULL)
            publish.trades_endpoint = tw_cfg_text(cfg, "bind/trades");
        if (publish.acks_endpoint == NULL)
            publish.acks_endpoint = tw_cfg_text(cfg, "bind/acks");
        result = run(&publish);
    }
    tapewarden_publisher_free(&publish.publisher);
    tw_tape_free(&publish.tape);
    tw_cfg_free(&cfg);
    tw_cli_clear(&publish.cli);
    return result;
}
