/* SPDX-License-Identifier: MIT
 *
 * `tapewarden run`: the daemon. Main alone hears signals, through a signalfd; everything else is the topology's.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "actors/runtime/agent.h"
#include "actors/runtime/log.h"
#include "actors/topology.h"
#include "protocol/limits.h"
#include "tools/cli.h"

#define STOP_LIMIT_MS 1700 /* of the 2 s that a stop may take; the rest is for closing the store */

static int signal_descriptor = -1;

/* SIGTERM, SIGINT and SIGHUP stop, wherever the daemon is; the mask is inherited by every thread. */
static bool take_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP); /* the terminal it was started from has gone */
    if (sigprocmask(SIG_BLOCK, &signals, NULL) != 0)
        return false;
    signal(SIGPIPE, SIG_IGN);
    signal_descriptor = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    return signal_descriptor >= 0;
}

/* What RocksDB writes to comes and goes by the megabyte. By itself glibc begins to keep such pieces among small ones,
 * where they leave holes, and memory grows for as long as the load lasts; with fixed bounds each goes back to the
 * system when it is freed. */
static void keep_memory_level(void)
{
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

static bool stop_requested(void)
{
    struct pollfd item = {signal_descriptor, POLLIN, 0};
    return poll(&item, 1, 0) > 0;
}

static enum tw_log_level level_of(const char *name)
{
    return strcmp(name, "error") == 0     ? TW_LOG_ERROR
           : strcmp(name, "warning") == 0 ? TW_LOG_WARNING
           : strcmp(name, "debug") == 0   ? TW_LOG_DEBUG
                                          : TW_LOG_INFO;
}

/* A machine that has lost its time would refuse every trade, or date it by the wrong day. */
static bool has_the_time(void)
{
    if (tw_wall_ns() >= TW_TIMESTAMP_MIN_NS)
        return true;
    tw_log(TW_LOG_ERROR, "main", "the clock of this machine lies before 1990; set it, then start again");
    return false;
}

static int serve(const struct tw_cfg *cfg)
{
    char why[512] = "", line[1024];
    enum tw_exit exit_code = TW_EXIT_OK;
    if (!has_the_time())
        return TW_EXIT_UNREACHABLE;
    struct tw_topology *topology = tw_topology_start(cfg, stop_requested, &exit_code, why);
    if (topology == NULL) {
        tw_log(exit_code == TW_EXIT_OK ? TW_LOG_INFO : TW_LOG_ERROR, "main", "%s", why);
        return (int)exit_code;
    }
    tw_topology_describe(topology, line);
    tw_log(TW_LOG_NOTICE, "main", "%s", line);
    sd_notify(0, "READY=1");
    if (!tw_topology_wait(topology, signal_descriptor, why)) {
        tw_log(TW_LOG_ERROR, "main", "%s", why);
        exit_code = TW_EXIT_UNREACHABLE;
    }
    sd_notify(0, "STOPPING=1");
    if (!tw_topology_stop(&topology, STOP_LIMIT_MS))
        exit_code = TW_EXIT_UNREACHABLE;
    tw_log(TW_LOG_NOTICE, "main", "stopped");
    return (int)exit_code;
}

int tw_run_main(int argc, char **argv)
{
    struct tw_cli cli = {
        .command = "run",
        .synopsis = "[options]",
        .description =
            "The daemon: takes trades by PUSH, makes them durable, judges them and publishes alerts. It prints one\n"
            "line `ready` with its endpoints on stderr when it accepts trades. SIGTERM or SIGINT stops it: what\n"
            "was taken is finished first. A data directory belongs to one daemon at a time.",
        .examples = "  tapewarden run\n"
                    "  tapewarden run -c /etc/tapewarden/tapewarden.zpl --data /var/lib/tapewarden\n"
                    "  tapewarden run --set rules/client_exposure/threshold=5000000 --set log/json=on\n",
    };
    int exit_code = tw_cli_parse(&cli, argc, argv);
    if (exit_code != TW_CLI_GO_ON)
        return exit_code;
    struct tw_cfg *cfg = tw_cli_cfg(&cli, &exit_code);
    if (cfg != NULL) {
        tw_log_configure(level_of(tw_cfg_text(cfg, "log/level")), tw_cfg_integer(cfg, "log/json") != 0);
        keep_memory_level();
        if (take_signals()) {
            exit_code = serve(cfg);
        } else {
            tw_cli_say("run", "cannot take signals: %s", strerror(errno));
            exit_code = TW_EXIT_UNREACHABLE;
        }
        tw_cfg_free(&cfg);
    }
    tw_cli_clear(&cli);
    return exit_code;
}
