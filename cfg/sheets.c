/* SPDX-License-Identifier: MIT
 *
 * The texts of receivers: files of templates that <receiver>/template name, or what is built in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cfg/settings.h"
#include "protocol/check.h"
#include "protocol/status.h"

static const enum tw_key_id keys[TW_SHEET_COUNT] = {
    [TW_SHEET_SLACK] = TW_KEY_ID_SLACK_TEMPLATE,   [TW_SHEET_PAGERDUTY] = TW_KEY_ID_PAGERDUTY_TEMPLATE,
    [TW_SHEET_SNS] = TW_KEY_ID_SNS_TEMPLATE,       [TW_SHEET_MAIL] = TW_KEY_ID_MAIL_TEMPLATE,
    [TW_SHEET_SYSLOG] = TW_KEY_ID_SYSLOG_TEMPLATE, [TW_SHEET_ALERTMANAGER] = TW_KEY_ID_ALERTMANAGER_TEMPLATE};

/* One byte more than there may be, so that a longer file is seen. NULL: it cannot be read. */
static char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    char *text = tw_alloc(TW_SHEET_BYTES_MAX + 1);
    *length = fread(text, 1, TW_SHEET_BYTES_MAX + 1, file);
    int number = ferror(file) != 0 ? errno : 0;
    fclose(file);
    errno = number;
    if (number != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static bool read_sheet(struct tw_cfg *cfg, enum tw_sheet_kind kind, struct tw_cfg_error *error)
{
    const struct tw_setting *setting = &cfg->plain[keys[kind]];
    const char *path = setting->text;
    struct tw_template_fault fault;
    size_t length = 0;
    char *text = path[0] == '\0' ? NULL : read_file(path, &length);
    if (path[0] != '\0' && text == NULL) {
        snprintf(error->text, sizeof error->text, "%.200s: %s: %.200s cannot be read: %s", setting->place,
                 setting->key->name, path, strerror(errno));
        error->exit_code = TW_EXIT_UNREACHABLE;
        return false;
    }
    if (length > TW_SHEET_BYTES_MAX) {
        fault = (struct tw_template_fault){1, 1, "a file of templates has at most 64 KiB"};
    } else {
        cfg->sheets[kind] = tw_sheet_read(kind, text, length, &fault);
    }
    free(text);
    if (cfg->sheets[kind] == NULL) {
        snprintf(error->text, sizeof error->text, "%.200s:%u:%u: %s", path, fault.line, fault.column, fault.why);
        error->exit_code = TW_EXIT_USAGE;
    }
    return cfg->sheets[kind] != NULL;
}

bool tw_cfg_read_sheets(struct tw_cfg *cfg, struct tw_cfg_error *error)
{
    bool good = true;
    for (int kind = 0; good && kind < TW_SHEET_COUNT; kind++)
        good = read_sheet(cfg, (enum tw_sheet_kind)kind, error);
    return good;
}

const struct tw_sheet *tw_cfg_sheet(const struct tw_cfg *cfg, enum tw_sheet_kind kind)
{
    return cfg->sheets[kind];
}
