/* SPDX-License-Identifier: MIT
 *
 * What no row alone can see: one key against another, and the time zone against this machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cfg/settings.h"
#include "protocol/check.h"
#include "protocol/status.h"

#define AWS_BYTES_MAX 200u /* of an ARN, of a host */
#define AWS_KEY_BYTES_MAX 128u
#define ZONE_DIRECTORY "/usr/share/zoneinfo"

static bool fail_at(struct tw_cfg_error *error, const struct tw_setting *setting, const char *rest)
{
    snprintf(error->text, sizeof error->text, "%.200s: %s = %.60s: %s", setting->place, setting->key->name,
             setting->text, rest);
    error->exit_code = TW_EXIT_USAGE;
    return false;
}

/* Of two settings that contradict each other the one that was set is to blame, not a default. */
static const struct tw_setting *culprit(const struct tw_setting *a, const struct tw_setting *b)
{
    return a->source >= b->source ? a : b;
}

static bool check_minimum(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *minimum = &cfg->plain[TW_KEY_ID_ANOMALY_MINIMUM];
    const struct tw_setting *window = &cfg->plain[TW_KEY_ID_ANOMALY_WINDOW];
    char rest[200];
    if (minimum->number <= window->number)
        return true;
    snprintf(rest, sizeof rest, "rules/anomaly/minimum (%s) must be at most rules/anomaly/window (%s)", minimum->text,
             window->text);
    return fail_at(error, culprit(minimum, window), rest);
}

/* A higher medium tier takes an unset high one with it: ANOMALY_DETECTION_THRESHOLD=5 alone makes sense. */
static bool check_tiers(struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *medium = &cfg->plain[TW_KEY_ID_ANOMALY_MEDIUM];
    struct tw_setting *high = &cfg->plain[TW_KEY_ID_ANOMALY_HIGH];
    char rest[200];
    if (high->number >= medium->number)
        return true;
    if (high->source == TW_SOURCE_DEFAULT) {
        free(high->text);
        high->text = tw_strndup(medium->text, strlen(medium->text));
        high->number = medium->number;
        return true;
    }
    snprintf(rest, sizeof rest, "rules/anomaly/high (%s) must be at least rules/anomaly/medium (%s)", high->text,
             medium->text);
    return fail_at(error, culprit(high, medium), rest);
}

static bool ephemeral(const char *endpoint)
{
    const char *port = strrchr(endpoint, ':');
    return strcmp(port, ":0") == 0 || strcmp(port, ":*") == 0 || strcmp(endpoint, "ipc://*") == 0;
}

static bool check_binds(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    for (size_t i = 0; i < TW_KEY_COUNT; i++)
        for (size_t j = i + 1; j < TW_KEY_COUNT; j++) {
            const struct tw_setting *a = &cfg->plain[i], *b = &cfg->plain[j];
            char rest[200];
            if (a->key->type != TW_TYPE_BIND || b->key->type != TW_TYPE_BIND || strcmp(a->text, b->text) != 0 ||
                ephemeral(a->text))
                continue;
            snprintf(rest, sizeof rest, "%s and %s cannot be the same endpoint", a->key->name, b->key->name);
            return fail_at(error, culprit(b, a), rest);
        }
    return true;
}

static bool check_zone(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *zone = &cfg->plain[TW_KEY_ID_SESSION_ZONE];
    char path[sizeof ZONE_DIRECTORY + 66];
    char magic[4];
    if (strcmp(zone->text, "UTC") == 0)
        return true;
    snprintf(path, sizeof path, "%s/%.64s", ZONE_DIRECTORY, zone->text);
    FILE *file = fopen(path, "re");
    bool good = file != NULL && fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "TZif", 4) == 0;
    if (file != NULL)
        fclose(file);
    return good || fail_at(error, zone, "this machine knows no such zone (see " ZONE_DIRECTORY ", package tzdata)");
}

/* ---- receivers ---- */

static bool is_set(const struct tw_cfg *cfg, enum tw_key_id id)
{
    return cfg->plain[id].text[0] != '\0';
}

static const struct {
    const char *name;
    enum tw_key_id address;
} single[] = {{"slack", TW_KEY_ID_SLACK_WEBHOOK_URL},
              {"pagerduty", TW_KEY_ID_PAGERDUTY_ROUTING_KEY},
              {"alertmanager", TW_KEY_ID_ALERTMANAGER_URL},
              {"sns", TW_KEY_ID_SNS_TOPIC_ARN},
              {"mail", TW_KEY_ID_MAIL_TO},
              {"file", TW_KEY_ID_FILE_PATH},
              {"command", TW_KEY_ID_COMMAND_ARGV},
              {"syslog", TW_KEY_ID_SYSLOG_ADDRESS}};

bool tw_cfg_is_receiver(const struct tw_cfg *cfg, const char *name)
{
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (strcmp(single[i].name, name) == 0)
            return is_set(cfg, single[i].address);
    return tw_cfg_named(cfg, "webhook", name) != NULL;
}

static bool fail_named(struct tw_cfg_error *error, const struct tw_setting *setting, const char *why)
{
    char key[TW_KEY_BYTES_MAX];
    tw_setting_key(setting, key);
    snprintf(error->text, sizeof error->text, "%.160s: %s: %s", setting->place, key, why);
    error->exit_code = TW_EXIT_USAGE;
    return false;
}

/* A digest is for those whose form has room for one. */
static bool takes_digests(const struct tw_cfg *cfg, const char *name)
{
    const char *form = tw_cfg_named(cfg, "webhook_form", name);
    if (strcmp(name, "slack") == 0 || strcmp(name, "mail") == 0)
        return tw_cfg_is_receiver(cfg, name);
    return tw_cfg_named(cfg, "webhook", name) != NULL && (form == NULL || strcmp(form, "standard") == 0);
}

static bool check_names(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    unsigned count = 0;
    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        count += is_set(cfg, single[i].address) ? 1u : 0u;
    for (size_t i = 0; i < cfg->named_count; i++) {
        const struct tw_setting *setting = &cfg->named[i];
        const struct tw_key *key = setting->key;
        bool webhook = key == &tw_keys[TW_KEY_ID_WEBHOOK];
        for (size_t j = 0; webhook && j < sizeof single / sizeof *single; j++)
            if (strcmp(single[j].name, setting->name) == 0)
                return fail_named(error, setting, "receivers of another kind have this name");
        if (webhook && strcmp(setting->name, "none") == 0)
            return fail_named(error, setting, "none means nobody where routes name receivers; take another name");
        if (webhook && ++count > TW_RECEIVERS_MAX)
            return fail_named(error, setting, "there are more than 16 receivers");
        if (key == &tw_keys[TW_KEY_ID_SEVERITY] && !tw_cfg_is_receiver(cfg, setting->name))
            return fail_named(error, setting, "there is no receiver of that name");
        if (key == &tw_keys[TW_KEY_ID_LIMIT] && !takes_digests(cfg, setting->name))
            return fail_named(error, setting, "no slack, mail or standard webhook has this name");
        bool of_webhook = key == &tw_keys[TW_KEY_ID_WEBHOOK_KEYS] || key == &tw_keys[TW_KEY_ID_WEBHOOK_FORM];
        if (of_webhook && tw_cfg_named(cfg, "webhook", setting->name) == NULL)
            return fail_named(error, setting, "there is no webhook of that name");
    }
    return true;
}

/* libcurl would say so at the first delivery, and at each. */
static bool check_ca_file(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *path = &cfg->plain[TW_KEY_ID_DELIVERY_CA_FILE];
    char line[256], why[160];
    bool found = false;
    struct stat status;
    if (path->text[0] == '\0')
        return true;
    errno = 0;
    FILE *file = stat(path->text, &status) != 0 ? NULL : !S_ISREG(status.st_mode) ? NULL : fopen(path->text, "re");
    if (file == NULL) {
        snprintf(why, sizeof why, "cannot read it: %s", errno != 0 ? strerror(errno) : "it is not a file");
        return fail_at(error, path, why);
    }
    while (!found && fgets(line, sizeof line, file) != NULL)
        found = strncmp(line, "-----BEGIN ", 11) == 0 && strstr(line, "CERTIFICATE-----") != NULL;
    fclose(file);
    return found || fail_at(error, path, "there is no certificate in it (PEM, -----BEGIN CERTIFICATE-----)");
}

/* A pipe or a device keeps nothing, a directory is none: the delivery refuses them. */
static bool check_file(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *path = &cfg->plain[TW_KEY_ID_FILE_PATH];
    struct stat status;
    bool other = path->text[0] != '\0' && stat(path->text, &status) == 0 && !S_ISREG(status.st_mode);
    return !other || fail_at(error, path, "that is not a regular file");
}

static bool check_mail(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *to = &cfg->plain[TW_KEY_ID_MAIL_TO], *tls = &cfg->plain[TW_KEY_ID_MAIL_TLS];
    if (!is_set(cfg, TW_KEY_ID_MAIL_TO))
        return true;
    if (!is_set(cfg, TW_KEY_ID_MAIL_SERVER))
        return fail_at(error, to, "mail/server must be set, too");
    if (!is_set(cfg, TW_KEY_ID_MAIL_FROM))
        return fail_at(error, to, "mail/from must be set, too");
    if (is_set(cfg, TW_KEY_ID_MAIL_USERNAME) != is_set(cfg, TW_KEY_ID_MAIL_PASSWORD))
        return fail_at(error, to, "mail/username and mail/password belong together");
    if (strcmp(tls->text, "none") == 0 && is_set(cfg, TW_KEY_ID_MAIL_PASSWORD))
        return fail_at(error, tls, "mail/password would go over the wire for everyone to read");
    return true;
}

static bool check_sns(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *topic = &cfg->plain[TW_KEY_ID_SNS_TOPIC_ARN];
    const struct tw_setting *url = &cfg->plain[TW_KEY_ID_SNS_URL];
    static const enum tw_key_id needed[] = {TW_KEY_ID_AWS_ACCESS_KEY_ID, TW_KEY_ID_AWS_SECRET_ACCESS_KEY};
    unsigned colons = 0;
    if (!is_set(cfg, TW_KEY_ID_SNS_TOPIC_ARN))
        return true;
    for (const char *c = topic->text; *c != '\0'; c++)
        colons += *c == ':' ? 1u : 0u;
    if (strncmp(topic->text, "arn:", 4) != 0 || strstr(topic->text, ":sns:") == NULL || colons != 5 ||
        strlen(topic->text) > AWS_BYTES_MAX || strstr(topic->text, "::") != NULL)
        return fail_at(error, topic, "must be arn:aws:sns:REGION:ACCOUNT:NAME");
    for (size_t i = 0; i < 2; i++) {
        size_t length = strlen(cfg->plain[needed[i]].text);
        if (length == 0 || length > AWS_KEY_BYTES_MAX)
            return fail_at(error, topic,
                           "aws/access_key_id and aws/secret_access_key must be set, too (1 to 128 bytes)");
    }
    const char *host = strstr(url->text, "://");
    if (host != NULL && (strcspn(host + 3, "/?#") + 1 < strlen(host + 3) || strlen(host) > AWS_BYTES_MAX))
        return fail_at(error, url, "must end behind host and port");
    return true;
}

static bool check_syslog(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *address = &cfg->plain[TW_KEY_ID_SYSLOG_ADDRESS];
    const char *fault = address->text[0] == '\0' ? NULL : tw_endpoint_syslog_fault(address->text);
    return fault == NULL || fail_at(error, address, fault);
}

static bool check_waits(const struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    const struct tw_setting *first = &cfg->plain[TW_KEY_ID_DELIVERY_RETRY_FIRST];
    const struct tw_setting *most = &cfg->plain[TW_KEY_ID_DELIVERY_RETRY_MAX];
    const struct tw_setting *argv = &cfg->plain[TW_KEY_ID_COMMAND_ARGV];
    if (first->number > most->number)
        return fail_at(error, culprit(first, most), "delivery/retry_first must be at most delivery/retry_max");
    if (argv->text[0] != '\0' && argv->text[0] != '/')
        return fail_at(error, argv, "must begin with the whole path of a program");
    return true;
}

bool tw_cfg_check_whole(struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    return check_minimum(cfg, error) && check_tiers(cfg, error) && check_binds(cfg, error) && check_zone(cfg, error) &&
           check_names(cfg, error) && tw_cfg_check_routes(cfg, error) && tw_cfg_check_inhibitions(cfg, error) &&
           check_ca_file(cfg, error) && check_file(cfg, error) && check_mail(cfg, error) && check_sns(cfg, error) &&
           check_syslog(cfg, error) && check_waits(cfg, error);
}
