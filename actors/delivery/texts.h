/* SPDX-License-Identifier: MIT
 *
 * What an alert says in the fields of templates (protocol/sheet.h). Pure.
 */
#ifndef TW_DELIVERY_TEXTS_H
#define TW_DELIVERY_TEXTS_H

#include "actors/delivery/receiver.h"
#include "protocol/sheet.h"

/* The values of one letter, which outlives them. */
struct tw_texts {
    const struct tw_letter *letter;
    const char *receiver;
    char picture[320]; /* its content id; "": there is none */
    struct tw_alert_trade trades[TW_ALERT_TRADES_MAX];
    uint32_t trade_count, skipped; /* listed in the record; in front of the latest */
    struct {
        struct tw_text name;
        double value;
    } features[TW_ALERT_FEATURES_MAX];
    uint32_t feature_count;
};
void tw_texts_of(const struct tw_receiver *receiver, const struct tw_letter *letter, struct tw_texts *out);
struct tw_template_values tw_texts_values(struct tw_texts *texts);

/* value or threshold of an alert, about; 0: it is no number. */
double tw_amount_of(const struct tw_pack_value *value);

/* One part of the receiver's texts. */
void tw_text_append(const struct tw_receiver *receiver, struct tw_texts *texts, enum tw_sheet_part part, uint32_t at,
                    struct tw_buffer *out);
/* The first part of that name, for who has no other use of the values; the headline if that says nothing. */
void tw_text_part(const struct tw_receiver *receiver, const struct tw_letter *letter, enum tw_sheet_part part,
                  struct tw_buffer *out);

#endif
