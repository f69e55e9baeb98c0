/* SPDX-License-Identifier: MIT */
#include "actors/delivery/receiver.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"

/* Nothing set: all of them. */
static enum tw_severity minimum_of(const struct tw_cfg *cfg, const char *name)
{
    const char *word = tw_cfg_named(cfg, "severity", name);
    for (int i = TW_SEVERITY_LOW; word != NULL && i <= TW_SEVERITY_CRITICAL; i++)
        if (strcmp(tw_severity_name((enum tw_severity)i), word) == 0)
            return (enum tw_severity)i;
    return TW_SEVERITY_LOW;
}

/* limit/<name>: so many messages at once, and as many again a minute; 0: no limit. */
static struct tw_delivery_pace pace_of(const struct tw_cfg *cfg, const char *name, const struct tw_receiver_kind *kind)
{
    struct tw_delivery_pace pace = kind->pace;
    const char *limit = tw_cfg_named(cfg, "limit", name);
    if (limit != NULL && kind->render_digest != NULL) {
        pace.burst = (uint32_t)strtoul(limit, NULL, 10);
        pace.refill_ns = pace.burst == 0 ? 0 : 60 * TW_NS_PER_SECOND / pace.burst;
    }
    return pace;
}

static struct tw_receiver *add(const struct tw_cfg *cfg, struct tw_receivers *receivers, const char *name,
                               const struct tw_receiver_kind *kind, const char *address)
{
    TW_ASSERT(receivers->count < TW_RECEIVERS_MAX);
    struct tw_receiver *receiver = &receivers->list[receivers->count++];
    *receiver = (struct tw_receiver){.name = name,
                                     .kind = kind,
                                     .minimum = minimum_of(cfg, name),
                                     .pace = pace_of(cfg, name, kind),
                                     .address = address,
                                     .sheet = kind->has_sheet ? tw_cfg_sheet(cfg, kind->sheet) : NULL};
    return receiver;
}

static void read_keys(struct tw_receiver *receiver, const char *text)
{
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");
        TW_ASSERT(receiver->key_count < TW_WEBHOOK_KEYS_MAX);
        tw_signing_key_read(text, length, &receiver->keys[receiver->key_count++]);
        text += length;
    }
}

static void read_aws(const struct tw_cfg *cfg, struct tw_receiver *receiver)
{
    receiver->aws.topic = tw_cfg_text(cfg, "sns/topic_arn");
    receiver->aws.access_key_id = tw_cfg_text(cfg, "aws/access_key_id");
    receiver->aws.secret_access_key = tw_cfg_text(cfg, "aws/secret_access_key");
    receiver->aws.session_token = tw_cfg_text(cfg, "aws/session_token");
    struct tw_text region = tw_arn_region(receiver->aws.topic);
    bool china = region.length > 3 && memcmp(region.bytes, "cn-", 3) == 0;
    snprintf(receiver->aws.url, sizeof receiver->aws.url, "https://sns.%.*s.amazonaws.com%s", (int)region.length,
             region.bytes, china ? ".cn" : "");
    if (receiver->address[0] == '\0')
        receiver->address = receiver->aws.url;
}

/* The numbers of RFC 5424. */
static unsigned facility_of(const char *name)
{
    static const struct {
        const char *name;
        unsigned number;
    } known[] = {{"user", 1}, {"daemon", 3}, {"auth", 4}, {"authpriv", 10}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0)
            return known[i].number;
    return 16u + (unsigned)(name[strlen("local")] - '0');
}

struct adding {
    const struct tw_cfg *cfg;
    struct tw_receivers *receivers;
};
static void add_webhook(void *context, const char *name, const char *url)
{
    struct adding *adding = context;
    const char *form = tw_cfg_named(adding->cfg, "webhook_form", name);
    bool v4 = form != NULL && strcmp(form, "alertmanager") == 0;
    struct tw_receiver *receiver = add(adding->cfg, adding->receivers, name, v4 ? &tw_webhook_v4 : &tw_webhook, url);
    const char *keys = tw_cfg_named(adding->cfg, "webhook_keys", name);
    if (keys != NULL)
        read_keys(receiver, keys);
}

void tw_receivers_from(const struct tw_cfg *cfg, struct tw_receivers *out)
{
    static const struct {
        const char *name, *exists, *address; /* the key that makes it exist, and the one with its address */
        const struct tw_receiver_kind *kind;
    } single[] = {{"slack", "slack/webhook_url", "slack/webhook_url", &tw_slack},
                  {"pagerduty", "pagerduty/routing_key", "pagerduty/url", &tw_pagerduty},
                  {"alertmanager", "alertmanager/url", "alertmanager/url", &tw_alertmanager},
                  {"sns", "sns/topic_arn", "sns/url", &tw_sns},
                  {"mail", "mail/to", "mail/to", &tw_mail},
                  {"file", "file/path", "file/path", &tw_file},
                  {"command", "command/argv", "command/argv", &tw_command},
                  {"syslog", "syslog/address", "syslog/address", &tw_syslog}};
    struct adding adding = {cfg, out};
    memset(out, 0, sizeof *out);
    tw_cfg_each(cfg, "webhook", add_webhook, &adding);
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        if (tw_cfg_text(cfg, single[i].exists)[0] == '\0')
            continue;
        struct tw_receiver *receiver =
            add(cfg, out, single[i].name, single[i].kind, tw_cfg_text(cfg, single[i].address));
        receiver->from = tw_cfg_text(cfg, "mail/from");
        if (receiver->kind == &tw_mail) {
            receiver->user = tw_cfg_text(cfg, "mail/username");
            receiver->password = tw_cfg_text(cfg, "mail/password");
        }
        receiver->routing_key = tw_cfg_text(cfg, "pagerduty/routing_key");
        receiver->facility = facility_of(tw_cfg_text(cfg, "syslog/facility"));
        if (receiver->kind == &tw_sns)
            read_aws(cfg, receiver);
    }
}

bool tw_receiver_takes_many(const struct tw_receiver *receiver)
{
    return receiver->kind->render_digest != NULL;
}

uint32_t tw_receivers_groupable(const struct tw_receivers *receivers)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < receivers->count; i++)
        bits |= tw_receiver_takes_many(&receivers->list[i]) ? 1u << i : 0;
    return bits;
}
