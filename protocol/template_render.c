/* SPDX-License-Identifier: MIT
 *
 * Rendering: the nodes one after the other, each value escaped, no more characters than there is room for.
 */
#include <stdio.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/template_nodes.h"

struct renderer {
    const struct tw_template *template;
    const struct tw_template_values *values;
    struct tw_buffer *out, value;
    size_t most, used; /* characters */
    size_t mark;       /* the output's length when there was room for "..." */
    bool full, blank;  /* blank: a line's feed waits to become a space */
};

struct item { /* that is being rendered */
    uint32_t list, at;
};

/* One character, or an escape that stands for one and must not be cut. */
static void put(struct renderer *renderer, const void *bytes, size_t length, size_t characters)
{
    if (renderer->full)
        return;
    renderer->full = renderer->used + characters > renderer->most;
    if (renderer->full) {
        renderer->out->length = renderer->mark;
        tw_buffer_append(renderer->out, "...", renderer->most < 3 ? renderer->most : 3);
        return;
    }
    tw_buffer_append(renderer->out, bytes, length);
    renderer->used += characters;
    if (renderer->used + 3 <= renderer->most)
        renderer->mark = renderer->out->length;
}

static size_t character_bytes(const char *text, size_t length)
{
    size_t bytes = 1;
    while (bytes < length && ((unsigned char)text[bytes] & 0xc0u) == 0x80u)
        bytes++;
    return bytes;
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 0x7f;
}

/* What stands for a byte of a value; NULL: itself. */
static const char *escape_of(enum tw_template_escape escape, char c)
{
    bool markup = escape == TW_ESCAPE_HTML || escape == TW_ESCAPE_MRKDWN;
    switch (c) {
    case '&':
        return markup ? "&amp;" : NULL;
    case '<':
        return markup ? "&lt;" : NULL;
    case '>':
        return markup ? "&gt;" : NULL;
    case '"':
        return escape == TW_ESCAPE_HTML ? "&quot;" : NULL;
    case '\'':
        return escape == TW_ESCAPE_HTML ? "&#39;" : NULL;
    default:
        return is_control(c) ? " " : NULL;
    }
}

static void put_character(struct renderer *renderer, const char *bytes, size_t length)
{
    bool line = renderer->template->escape == TW_ESCAPE_LINE;
    if (line && is_control(bytes[0])) {
        renderer->blank = renderer->used > 0;
        return;
    }
    if (renderer->blank)
        put(renderer, " ", 1, 1);
    renderer->blank = false;
    put(renderer, bytes, length, 1);
}

static void put_text(struct renderer *renderer, const char *text, size_t length)
{
    for (size_t at = 0, bytes; at < length && !renderer->full; at += bytes) {
        bytes = character_bytes(text + at, length - at);
        if (text[at] != '\r') /* of a file whose lines end in CR LF */
            put_character(renderer, text + at, bytes);
    }
}

static void put_encoded(struct renderer *renderer, const char *text, size_t length)
{
    for (size_t i = 0; i < length && !renderer->full; i++) {
        char encoded[4];
        bool plain = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z') ||
                     (text[i] >= '0' && text[i] <= '9') || (text[i] != '\0' && strchr("-_.~@", text[i]) != NULL);
        snprintf(encoded, sizeof encoded, "%%%02X", (unsigned char)text[i]);
        if (plain)
            put(renderer, &text[i], 1, 1);
        else
            put(renderer, encoded, 3, 3);
    }
}

static void put_value(struct renderer *renderer, const char *text, size_t length)
{
    for (size_t at = 0, bytes; at < length && !renderer->full; at += bytes) {
        const char *as =
            renderer->template->escape == TW_ESCAPE_LINE ? NULL : escape_of(renderer->template->escape, text[at]);
        bytes = character_bytes(text + at, length - at);
        if (as != NULL)
            put(renderer, as, strlen(as), strlen(as));
        else
            put_character(renderer, text + at, bytes);
    }
}

static void evaluate(struct renderer *renderer, const struct tw_node *node, struct item item)
{
    renderer->value.length = 0;
    if (!node->of_item)
        item = (struct item){TW_TEMPLATE_NO_LIST, 0};
    renderer->values->append(renderer->values->context, item.list, item.at, node->field, &renderer->value);
}

static void render_value(struct renderer *renderer, const struct tw_node *node, struct item item)
{
    evaluate(renderer, node, item);
    if (renderer->value.length == 0)
        return;
    for (uint32_t i = 0; i < node->filter_count; i++)
        tw_filter_apply(&node->filters[i], &renderer->value);
    if (node->link)
        put_encoded(renderer, (const char *)renderer->value.bytes, renderer->value.length);
    else
        put_value(renderer, (const char *)renderer->value.bytes, renderer->value.length);
}

/* How often what stands in a section is rendered, whatever its kind. */
static uint32_t times(struct renderer *renderer, const struct tw_node *node, struct item item)
{
    uint32_t count = 0;
    if (node->is_list) {
        count = renderer->values->count(renderer->values->context, node->field);
        count = count > TW_TEMPLATE_ITEMS_MAX ? TW_TEMPLATE_ITEMS_MAX : count;
    } else {
        evaluate(renderer, node, item);
        count = renderer->value.length > 0 ? 1 : 0;
    }
    return node->kind == TW_NODE_SECTION ? count : count == 0 ? 1 : 0;
}

/* Nodes [at, end); sections nest no deeper than the reader allowed. */
static void run(struct renderer *renderer, uint32_t at, uint32_t end, struct item item)
{
    while (at < end && !renderer->full) {
        const struct tw_node *node = &renderer->template->nodes[at];
        if (node->kind == TW_NODE_TEXT)
            put_text(renderer, node->text, node->length);
        else if (node->kind == TW_NODE_VALUE)
            render_value(renderer, node, item);
        if (node->kind == TW_NODE_TEXT || node->kind == TW_NODE_VALUE) {
            at++;
            continue;
        }
        uint32_t count = times(renderer, node, item);
        bool repeats = node->is_list && node->kind == TW_NODE_SECTION;
        for (uint32_t i = 0; i < count; i++)
            run(renderer, at + 1, node->end, repeats ? (struct item){node->field, i} : item);
        at = node->end;
    }
}

void tw_template_render(const struct tw_template *template, const struct tw_template_values *values, size_t most,
                        struct tw_buffer *out)
{
    struct renderer renderer = {.template = template, .values = values, .out = out, .most = most, .mark = out->length};
    run(&renderer, 0, template->count, (struct item){TW_TEMPLATE_NO_LIST, 0});
    tw_buffer_free(&renderer.value);
}
