/* SPDX-License-Identifier: MIT */
#include "actors/delivery/digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actors/delivery/render.h"
#include "protocol/check.h"
#include "protocol/json_text.h"

static int rule_of(const struct tw_alert_view *view)
{
    for (int rule = 0; rule < TW_RULE_COUNT; rule++)
        if (tw_text_is(view->type, tw_rule_type((enum tw_rule)rule)))
            return rule;
    return -1;
}

static int severity_of(const struct tw_alert_view *view)
{
    for (int severity = TW_SEVERITY_LOW; severity <= TW_SEVERITY_CRITICAL; severity++)
        if (tw_text_is(view->severity, tw_severity_name((enum tw_severity)severity)))
            return severity;
    return 0;
}

static void show(struct tw_digest *digest, uint64_t n, int severity, const void *bytes, size_t length)
{
    uint32_t place = 0;
    while (place < digest->shown_count && digest->shown[place].severity > severity)
        place++;
    if (place == TW_DIGEST_SHOWN)
        return;
    if (digest->shown_count < TW_DIGEST_SHOWN)
        digest->shown_count++;
    struct tw_digest_event last = digest->shown[digest->shown_count - 1]; /* its memory is used again */
    memmove(&digest->shown[place + 1], &digest->shown[place],
            (digest->shown_count - 1 - place) * sizeof digest->shown[0]);
    last.n = n;
    last.severity = severity;
    last.bytes.length = 0;
    tw_buffer_append(&last.bytes, bytes, length);
    digest->shown[place] = last;
}

void tw_digest_add(struct tw_digest *digest, uint64_t n, const void *bytes, size_t length)
{
    struct tw_alert_view view;
    digest->first_n = digest->count == 0 ? n : digest->first_n;
    digest->last_n = n;
    digest->count++;
    int rule = tw_alert_decode(bytes, length, &view) ? rule_of(&view) : -1;
    if (rule < 0) {
        digest->unreadable++;
        return;
    }
    int severity = severity_of(&view);
    digest->by[rule][severity]++;
    show(digest, n, severity, bytes, length);
}

void tw_digest_clear(struct tw_digest *digest)
{
    for (uint32_t i = 0; i < TW_DIGEST_SHOWN; i++)
        tw_buffer_free(&digest->shown[i].bytes);
    memset(digest, 0, sizeof *digest);
}

void tw_digest_severities(struct tw_buffer *out, const struct tw_digest *digest, enum tw_rule rule)
{
    const char *before = "";
    for (int severity = TW_SEVERITY_CRITICAL; severity >= TW_SEVERITY_LOW; severity--) {
        if (digest->by[rule][severity] == 0)
            continue;
        tw_append_format(out, "%s%" PRIu32 " %s", before, digest->by[rule][severity],
                         tw_severity_name((enum tw_severity)severity));
        before = ", ";
    }
}

void tw_digest_counts_json(struct tw_buffer *out, const struct tw_digest *digest)
{
    bool any = false;
    for (int rule = 0; rule < TW_RULE_COUNT; rule++) {
        bool begun = false;
        for (int severity = TW_SEVERITY_CRITICAL; severity >= TW_SEVERITY_LOW; severity--) {
            if (digest->by[rule][severity] == 0)
                continue;
            if (!begun)
                tw_append_format(out, "%s\"%s\":{", any ? "," : "", tw_rule_type((enum tw_rule)rule));
            tw_append_format(out, "%s\"%s\":%" PRIu32, begun ? "," : "", tw_severity_name((enum tw_severity)severity),
                             digest->by[rule][severity]);
            begun = any = true;
        }
        if (begun)
            tw_append_format(out, "}");
    }
}

void tw_digest_group_json(struct tw_buffer *out, const struct tw_digest *digest)
{
    char *text = NULL;
    size_t length = 0;
    if (digest->group.length == 0)
        return;
    FILE *stream = open_memstream(&text, &length);
    TW_ASSERT(stream != NULL);
    tw_json_member(stream, "group", digest->group);
    TW_ASSERT(fclose(stream) == 0);
    tw_buffer_append(out, text, length);
    free(text);
    if (digest->repeat > 0)
        tw_append_format(out, ",\"repeat\":%" PRIu32, digest->repeat);
}

bool tw_digest_view(const struct tw_digest *digest, uint32_t at, struct tw_alert_view *view)
{
    TW_ASSERT(at < digest->shown_count);
    return tw_alert_decode(digest->shown[at].bytes.bytes, digest->shown[at].bytes.length, view);
}
