/* SPDX-License-Identifier: MIT */
#include "actors/delivery/carriage_actor.h"

#include <stdlib.h>
#include <string.h>

#include "actors/delivery/datagram_actor.h"
#include "actors/delivery/file_actor.h"
#include "actors/delivery/program_actor.h"
#include "actors/delivery/stream_actor.h"
#include "actors/delivery/transfer_actor.h"
#include "protocol/check.h"

struct tw_carriage { /* NULL: no receiver needs it */
    struct tw_transfers *transfers;
    struct tw_aside *file;
    struct tw_aside *program;
    struct tw_aside *syslog;
};

static int64_t setting_ns(const struct tw_cfg *cfg, const char *key)
{
    return tw_cfg_integer(cfg, key) * TW_NS_PER_SECOND;
}

static struct tw_transfers *make_transfers(const struct tw_cfg *cfg)
{
    struct tw_transfer_settings settings = {.timeout_ms = tw_cfg_integer(cfg, "delivery/timeout") * 1000,
                                            .ca_file = tw_cfg_text(cfg, "delivery/ca_file"),
                                            .mail_server = tw_cfg_text(cfg, "mail/server"),
                                            .mail_tls = tw_cfg_text(cfg, "mail/tls"),
                                            .mail_port = tw_cfg_integer(cfg, "mail/port")};
    return tw_transfers_new(&settings);
}

static struct tw_aside *make_file(const struct tw_cfg *cfg, const char *path)
{
    struct tw_carrier carrier =
        tw_file_carrier(path, (uint64_t)tw_cfg_integer(cfg, "file/rotate"), (uint32_t)tw_cfg_integer(cfg, "file/kept"));
    return tw_aside_new(&carrier, setting_ns(cfg, "delivery/timeout"));
}

static void make_syslog(struct tw_carriage *carriage, const struct tw_cfg *cfg, const char *address)
{
    int64_t timeout_ns = setting_ns(cfg, "delivery/timeout");
    struct tw_carrier carrier =
        strncmp(address, "tcp:", 4) == 0 ? tw_stream_carrier(address, timeout_ns) : tw_datagram_carrier(address);
    carriage->syslog = tw_aside_new(&carrier, timeout_ns);
}

static struct tw_aside *make_program(const struct tw_cfg *cfg, const char *words)
{
    int64_t timeout_ns = setting_ns(cfg, "command/timeout");
    struct tw_carrier carrier = tw_program_carrier(words, timeout_ns);
    return tw_aside_new(&carrier, timeout_ns + TW_PROGRAM_KILL_NS);
}

struct tw_carriage *tw_carriage_new(const struct tw_cfg *cfg, const struct tw_receivers *receivers)
{
    struct tw_carriage *carriage = tw_alloc_zero(1, sizeof *carriage);
    carriage->transfers = make_transfers(cfg);
    for (uint32_t i = 0; i < receivers->count; i++) {
        const char *address = receivers->list[i].address;
        switch (receivers->list[i].kind->transport) {
        case TW_TRANSPORT_HTTP:
        case TW_TRANSPORT_SMTP:
            break;
        case TW_TRANSPORT_FILE:
            carriage->file = make_file(cfg, address);
            break;
        case TW_TRANSPORT_COMMAND:
            carriage->program = make_program(cfg, address);
            break;
        case TW_TRANSPORT_SYSLOG:
            make_syslog(carriage, cfg, address);
            break;
        }
    }
    return carriage;
}

void tw_carriage_free(struct tw_carriage **carriage_pointer)
{
    struct tw_carriage *carriage = *carriage_pointer;
    if (carriage == NULL)
        return;
    tw_transfers_free(&carriage->transfers);
    tw_aside_free(&carriage->file);
    tw_aside_free(&carriage->program);
    tw_aside_free(&carriage->syslog);
    free(carriage);
    *carriage_pointer = NULL;
}

void tw_carriage_begin(struct tw_carriage *carriage, struct tw_attempt *attempt)
{
    switch (attempt->receiver->kind->transport) {
    case TW_TRANSPORT_HTTP:
    case TW_TRANSPORT_SMTP:
        tw_transfers_begin(carriage->transfers, attempt);
        return;
    case TW_TRANSPORT_FILE:
        tw_aside_begin(carriage->file, attempt);
        return;
    case TW_TRANSPORT_COMMAND:
        tw_aside_begin(carriage->program, attempt);
        return;
    case TW_TRANSPORT_SYSLOG:
        tw_aside_begin(carriage->syslog, attempt);
        return;
    }
    TW_UNREACHABLE("a transport that carries nothing");
}

int tw_carriage_wait_for(struct tw_carriage *carriage, zmq_pollitem_t *items, int count, int64_t *deadline_ns)
{
    if (carriage->file != NULL)
        count = tw_aside_wait_for(carriage->file, items, count, deadline_ns);
    if (carriage->syslog != NULL)
        count = tw_aside_wait_for(carriage->syslog, items, count, deadline_ns);
    if (carriage->program != NULL)
        count = tw_aside_wait_for(carriage->program, items, count, deadline_ns);
    return tw_transfers_wait_for(carriage->transfers, items, count, deadline_ns);
}

bool tw_carriage_has_work(const struct tw_carriage *carriage)
{
    return (carriage->file != NULL && tw_aside_wait(carriage->file)) ||
           (carriage->syslog != NULL && tw_aside_wait(carriage->syslog)) ||
           (carriage->program != NULL && tw_aside_wait(carriage->program));
}

void tw_carriage_work(struct tw_carriage *carriage, int64_t now_ns, struct tw_ended *ended)
{
    tw_transfers_work(carriage->transfers, now_ns, ended);
    if (carriage->file != NULL)
        tw_aside_work(carriage->file, now_ns, ended);
    if (carriage->syslog != NULL)
        tw_aside_work(carriage->syslog, now_ns, ended);
    if (carriage->program != NULL)
        tw_aside_work(carriage->program, now_ns, ended);
}
