/* SPDX-License-Identifier: MIT
 *
 * An alert for people (a line, coloured if wanted) and for programs (a JSON object on a line). `view` is read on.
 */
#ifndef TW_PROTOCOL_ALERT_TEXT_H
#define TW_PROTOCOL_ALERT_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "protocol/messages.h"

#define TW_TIME_TEXT_MAX 40u
/* "2013-10-08T13:30:01.123456789Z", without what is 0 behind the point. */
void tw_time_format(int64_t ts_ns, char out[TW_TIME_TEXT_MAX]);

/* "Tue, 08 Oct 2013 13:30:01 +0000", as mails have it. */
void tw_time_format_mail(int64_t ts_ns, char out[TW_TIME_TEXT_MAX]);

void tw_alert_print_line(FILE *out, const struct tw_alert_view *view, bool colour);
void tw_alert_print_json(FILE *out, struct tw_alert_view *view);

#endif
