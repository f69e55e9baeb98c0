/* SPDX-License-Identifier: MIT
 *
 * What a digest or a group's message says in the fields of templates (protocol/sheet.h). Pure.
 */
#ifndef TW_DELIVERY_DIGEST_TEXTS_H
#define TW_DELIVERY_DIGEST_TEXTS_H

#include "actors/delivery/digest.h"
#include "actors/delivery/receiver.h"
#include "protocol/sheet.h"

/* The values of one letter, which outlives them. */
struct tw_digest_texts {
    const struct tw_digest_letter *letter;
    const char *receiver;
    struct tw_alert_view shown[TW_DIGEST_SHOWN];
    uint32_t shown_count;
    int kinds[TW_RULE_COUNT + 1]; /* rules of which there are some; TW_RULE_COUNT: what cannot be read */
    uint32_t kind_count;
};
void tw_digest_texts_of(const struct tw_receiver *receiver, const struct tw_digest_letter *letter,
                        struct tw_digest_texts *out);
/* A part of the receiver's texts, named as a digest has it; of a group it is the group's. */
void tw_digest_text_append(const struct tw_receiver *receiver, struct tw_digest_texts *texts, enum tw_sheet_part part,
                           struct tw_buffer *out);

#endif
