/* SPDX-License-Identifier: MIT
 *
 * What the receivers' requests are made of: headers, text in UTF-8 that is cut where a character ends, and an alert in
 * words. Private to actors/delivery.
 */
#ifndef TW_DELIVERY_RENDER_H
#define TW_DELIVERY_RENDER_H

#include <stdio.h>

#include "actors/delivery/receiver.h"

void tw_request_clear(struct tw_request *request);
void tw_request_header(struct tw_request *request, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A body that is printed: open it, print to `out`, close it. It becomes the request's; what stood there before, headers
 * too, goes. */
struct tw_body {
    FILE *out;
    char *text;
    size_t length;
};
void tw_body_open(struct tw_body *body);
void tw_body_close(struct tw_body *body, struct tw_request *request);

/* True if the event ends its alert. */
bool tw_alert_is_over(const struct tw_alert_view *view);

/* Behind the @ of an address. */
const char *tw_mail_domain(const char *from);

/* A webhook's headers, signed over the body that is there. */
void tw_webhook_head(const struct tw_receiver *receiver, const char *key, int64_t wall_ns, struct tw_request *request);

/* The alert as `tapewarden alerts --json` prints it, without the line feed. */
void tw_render_json(struct tw_buffer *out, const struct tw_alert_view *view);
void tw_letter_json(struct tw_buffer *out, const struct tw_letter *letter); /* the same of a letter */

/* Bytes of the first `characters` characters, at most all. */
size_t tw_text_cut(const char *text, size_t length, size_t characters);
/* value or threshold of an alert */
void tw_append_amount(struct tw_buffer *out, const struct tw_pack_value *value);
void tw_append_format(struct tw_buffer *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "HIGH: MSFT exposure ..." for a subject or headline; what it says about itself at the front: RESOLVED, RETRACTED. */
void tw_words_headline(struct tw_buffer *out, const struct tw_alert_view *view);
/* What, who, how much against which limit, since when, which trades: pairs of label and text. */
#define TW_WORDS_MAX 10u
struct tw_words {
    struct {
        const char *label;
        struct tw_buffer text;
    } rows[TW_WORDS_MAX];
    uint32_t count;
};
void tw_words_of(const struct tw_alert_view *view, struct tw_words *out);
void tw_words_free(struct tw_words *words);

#endif
