/* SPDX-License-Identifier: MIT
 *
 * Matchers: which alert events are meant, in words that people write.
 *
 *     matchers = matcher *( 1*SP matcher )          ; all of them must hold
 *     matcher  = label operator value
 *     operator = "=" / "!=" / "=~" / "!~"           ; is, is not, matches, does not match
 *     label    = "type" / "severity" / "entity_type" / "entity" / "rule" / "event" /
 *                "publisher"
 *     value    = 1*any                              ; up to a space; a byte may be written %XX
 *
 * Behind =~ and !~ stands a POSIX extended regular expression that the whole value must match. It is kept to what is
 * compiled and matched in bounded time: 128 bytes, no {counts}, no back-references, groups nested at most 3 deep, and
 * no repetition of a repetition. It and the value are UTF-8, whatever the locale of process and thread. Pure, but for
 * the character classes of C.UTF-8, which the system has; without them it matches bytes, and refuses what is not ASCII.
 */
#ifndef TW_PROTOCOL_MATCHER_H
#define TW_PROTOCOL_MATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/pack.h"

enum tw_label {
    TW_LABEL_TYPE,
    TW_LABEL_SEVERITY,
    TW_LABEL_ENTITY_TYPE,
    TW_LABEL_ENTITY,
    TW_LABEL_RULE,
    TW_LABEL_EVENT,
    TW_LABEL_PUBLISHER, /* of the newest trade that the event names; a FEED_GAP's is its entity; empty: unknown */
    TW_LABEL_COUNT
};
const char *tw_label_name(enum tw_label label);
/* The words that a label's value can be, '|' between and at both ends; NULL: any. */
const char *tw_label_words(enum tw_label label);

/* Labels by name with spaces between, each as 1 << label; `all`, or `none`. False: it is neither. */
bool tw_labels_read(const char *text, uint32_t *out);

struct tw_labels { /* of an alert event; borrowed */
    struct tw_text value[TW_LABEL_COUNT];
};

struct tw_matchers;
#define TW_MATCHER_WHY_BYTES 240u
/* NULL with the end of a sentence in `why`. "" is none, which all hold; blanks alone are refused. */
struct tw_matchers *tw_matchers_read(const char *text, char why[TW_MATCHER_WHY_BYTES]);
void tw_matchers_free(struct tw_matchers **matchers);

/* The first that does not hold, as it was written; NULL: all hold. Borrowed from the matchers. */
const char *tw_matchers_against(const struct tw_matchers *matchers, const struct tw_labels *labels);

#endif
