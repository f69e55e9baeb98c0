/* SPDX-License-Identifier: MIT
 *
 * A system log's message (RFC 5424): one line in words, and the alert's labels as structured data. Host and process are
 * left to whoever relays it.
 */
#include <inttypes.h>
#include <string.h>

#include "actors/delivery/render.h"
#include "actors/delivery/texts.h"
#include "protocol/alert_text.h"

#define MESSAGE_BYTES 2048u /* RFC 5426: what any receiver should take */
#define DATA_ID "alert@32473"

enum level { LEVEL_CRITICAL = 2, LEVEL_ERROR, LEVEL_WARNING, LEVEL_NOTICE, LEVEL_INFORMATIONAL };

static enum level level_of(const struct tw_alert_view *view)
{
    if (tw_alert_is_over(view))
        return LEVEL_INFORMATIONAL;
    return tw_text_is(view->severity, "CRITICAL") ? LEVEL_CRITICAL
           : tw_text_is(view->severity, "HIGH")   ? LEVEL_ERROR
           : tw_text_is(view->severity, "MEDIUM") ? LEVEL_WARNING
                                                  : LEVEL_NOTICE;
}

static void append_parameter(struct tw_buffer *out, const char *name, struct tw_text value)
{
    tw_append_format(out, " %s=\"", name);
    for (uint32_t i = 0; i < value.length; i++) {
        char c = value.bytes[i];
        if (c == '"' || c == '\\' || c == ']')
            tw_buffer_append(out, "\\", 1);
        tw_buffer_append(out, &c, 1);
    }
    tw_buffer_append(out, "\"", 1);
}

static void render(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                   struct tw_request *request)
{
    const struct tw_alert_view *view = letter->view;
    struct tw_buffer message = {0}, *out = &request->body;
    char time[TW_TIME_TEXT_MAX];
    tw_request_clear(request);
    tw_time_format(wall_ns / 1000 * 1000, time); /* no more than six digits behind the point */
    tw_append_format(out, "<%u>1 %s - tapewarden - %.*s [" DATA_ID, receiver->facility * 8u + (unsigned)level_of(view),
                     time, (int)view->type.length, view->type.bytes);
    append_parameter(out, "key", (struct tw_text){letter->key, (uint32_t)strlen(letter->key)});
    append_parameter(out, "id", view->id);
    append_parameter(out, "event", view->event);
    append_parameter(out, "severity", view->severity);
    append_parameter(out, "entity_type", view->entity_type);
    append_parameter(out, "entity", view->entity);
    tw_append_format(out, "] ");
    tw_text_part(receiver, letter, TW_TEXT_MESSAGE, &message);
    size_t room = out->length < MESSAGE_BYTES ? MESSAGE_BYTES - out->length : 0, length = message.length;
    while (length > room) /* where a character ends */
        do
            length--;
        while (length > 0 && (message.bytes[length] & 0xc0u) == 0x80u);
    tw_buffer_append(out, message.bytes, length);
    tw_buffer_free(&message);
}

static enum tw_delivery_verdict judge(const struct tw_answer *answer)
{
    return answer->answered ? TW_VERDICT_DELIVERED : TW_VERDICT_RETRY;
}

const struct tw_receiver_kind tw_syslog = {.name = "syslog",
                                           .transport = TW_TRANSPORT_SYSLOG,
                                           .path = "",
                                           .has_sheet = true,
                                           .sheet = TW_SHEET_SYSLOG,
                                           .pace = {.under_way_max = TW_DELIVERY_WINDOW},
                                           .render = render,
                                           .judge = judge};
