/* SPDX-License-Identifier: MIT */
#include "actors/delivery/digest_texts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/delivery/render.h"
#include "protocol/check.h"

static bool any_of(const struct tw_digest *digest, int rule)
{
    bool any = false;
    for (int severity = 0; severity <= TW_SEVERITY_CRITICAL; severity++)
        any = any || digest->by[rule][severity] > 0;
    return any;
}

void tw_digest_texts_of(const struct tw_receiver *receiver, const struct tw_digest_letter *letter,
                        struct tw_digest_texts *out)
{
    const struct tw_digest *digest = letter->digest;
    memset(out, 0, sizeof *out);
    out->letter = letter;
    out->receiver = receiver->name;
    for (uint32_t i = 0; i < digest->shown_count; i++)
        out->shown_count += tw_digest_view(digest, i, &out->shown[out->shown_count]);
    for (int rule = 0; rule < TW_RULE_COUNT; rule++)
        if (any_of(digest, rule))
            out->kinds[out->kind_count++] = rule;
    if (digest->unreadable > 0)
        out->kinds[out->kind_count++] = TW_RULE_COUNT;
}

/* ---- values ---- */

static void append_word(struct tw_buffer *out, const char *word)
{
    tw_buffer_append(out, word, strlen(word));
}

static void append_text(struct tw_buffer *out, struct tw_text text)
{
    tw_buffer_append(out, text.bytes, text.length);
}

static void append_if(struct tw_buffer *out, bool is_so)
{
    if (is_so)
        append_word(out, "yes");
}

static void append_of_all(struct tw_buffer *out, const struct tw_digest_texts *texts, enum tw_digest_field field)
{
    const struct tw_digest *digest = texts->letter->digest;
    switch (field) {
    case TW_MANY_COUNT:
        tw_append_format(out, "%" PRIu32, digest->count);
        break;
    case TW_MANY_ONE:
        append_if(out, digest->count == 1);
        break;
    case TW_MANY_GROUP:
        append_text(out, digest->group);
        break;
    case TW_MANY_REPEAT:
        if (digest->repeat > 0)
            tw_append_format(out, "%" PRIu32, digest->repeat);
        break;
    case TW_MANY_FIRST_N:
        tw_append_format(out, "%" PRIu64, digest->first_n);
        break;
    case TW_MANY_LAST_N:
        tw_append_format(out, "%" PRIu64, digest->last_n);
        break;
    case TW_MANY_KEY:
        append_word(out, texts->letter->key);
        break;
    case TW_MANY_LOG:
        append_word(out, texts->letter->log_id);
        break;
    case TW_MANY_RECEIVER:
        append_word(out, texts->receiver);
        break;
    default:
        TW_UNREACHABLE("a field of one of them, outside of the list");
    }
}

static void append_of_kind(struct tw_buffer *out, const struct tw_digest_texts *texts, enum tw_digest_field field,
                           uint32_t item)
{
    const struct tw_digest *digest = texts->letter->digest;
    int rule = texts->kinds[item];
    uint32_t all = rule == TW_RULE_COUNT ? digest->unreadable : 0;
    for (int severity = 0; rule < TW_RULE_COUNT && severity <= TW_SEVERITY_CRITICAL; severity++)
        all += digest->by[rule][severity];
    if (field == TW_MANY_KIND_ALL)
        tw_append_format(out, "%" PRIu32, all);
    else if (field == TW_MANY_KIND_TYPE)
        append_word(out, rule == TW_RULE_COUNT ? "that cannot be read" : tw_rule_type((enum tw_rule)rule));
    else if (field == TW_MANY_KIND_SEVERITIES && rule < TW_RULE_COUNT)
        tw_digest_severities(out, digest, (enum tw_rule)rule);
    else if (field == TW_MANY_KIND_FIRST || field == TW_MANY_KIND_LAST)
        append_if(out, item == (field == TW_MANY_KIND_FIRST ? 0 : texts->kind_count - 1));
}

static void append_of_shown(struct tw_buffer *out, const struct tw_digest_texts *texts, enum tw_digest_field field,
                            uint32_t item)
{
    const struct tw_alert_view *view = &texts->shown[item];
    switch (field) {
    case TW_MANY_HEADLINE:
        tw_words_headline(out, view);
        break;
    case TW_MANY_MESSAGE:
        append_text(out, view->message);
        break;
    case TW_MANY_TYPE:
        append_text(out, view->type);
        break;
    case TW_MANY_SEVERITY:
        append_text(out, view->severity);
        break;
    case TW_MANY_EVENT:
        append_text(out, view->event);
        break;
    case TW_MANY_ENTITY_TYPE:
        append_text(out, view->entity_type);
        break;
    case TW_MANY_ENTITY:
        append_text(out, view->entity);
        break;
    case TW_MANY_N:
        tw_append_format(out, "%" PRIu64, view->n);
        break;
    case TW_MANY_COLUMN:
        tw_append_format(out, "%8" PRIu64, view->n);
        break;
    default:
        append_if(out, item == (field == TW_MANY_FIRST ? 0 : texts->shown_count - 1));
    }
}

static bool is_of_all(enum tw_digest_field field)
{
    return field < TW_MANY_KIND_ALL;
}

static void append(void *context, uint32_t list, uint32_t item, uint32_t id, struct tw_buffer *out)
{
    const struct tw_digest_texts *texts = context;
    enum tw_digest_field field = (enum tw_digest_field)id;
    if (is_of_all(field))
        append_of_all(out, texts, field);
    else if (list == TW_MANY_COUNTS)
        append_of_kind(out, texts, field, item);
    else
        append_of_shown(out, texts, field, item);
}

static uint32_t count(void *context, uint32_t list)
{
    const struct tw_digest_texts *texts = context;
    return list == TW_MANY_COUNTS ? texts->kind_count : texts->shown_count;
}

void tw_digest_text_append(const struct tw_receiver *receiver, struct tw_digest_texts *texts, enum tw_sheet_part part,
                           struct tw_buffer *out)
{
    struct tw_template_values values = {.context = texts, .append = append, .count = count};
    bool group = texts->letter->digest->group.length > 0;
    tw_sheet_render(receiver->sheet, group ? tw_part_of_group(part) : part, 0, &values, out);
}
