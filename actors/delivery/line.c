/* SPDX-License-Identifier: MIT
 *
 * The alert's JSON as it is: a line of a file, the standard input of a program.
 */
#include <string.h>

#include "actors/delivery/render.h"

#define EXIT_REJECTED 65 /* EX_DATAERR of sysexits.h */

static void render(const struct tw_receiver *receiver, const struct tw_letter *letter, int64_t wall_ns,
                   struct tw_request *request)
{
    (void)receiver, (void)wall_ns;
    tw_request_clear(request);
    tw_buffer_append(&request->body, "{\"key\":\"", 8);
    tw_buffer_append(&request->body, letter->key, strlen(letter->key));
    tw_buffer_append(&request->body, "\",", 2);
    size_t brace = request->body.length;
    tw_letter_json(&request->body, letter);
    memmove(request->body.bytes + brace, request->body.bytes + brace + 1, request->body.length - brace - 1);
    request->body.bytes[request->body.length - 1] = '\n';
}

static enum tw_delivery_verdict judge_file(const struct tw_answer *answer)
{
    return answer->answered ? TW_VERDICT_DELIVERED : TW_VERDICT_RETRY;
}

static enum tw_delivery_verdict judge_command(const struct tw_answer *answer)
{
    if (!answer->answered)
        return TW_VERDICT_RETRY;
    return answer->status == 0               ? TW_VERDICT_DELIVERED
           : answer->status == EXIT_REJECTED ? TW_VERDICT_REJECTED
                                             : TW_VERDICT_RETRY;
}

/* One line after the other; a program may take its time, but one alert after the other is easiest to write for. */
const struct tw_receiver_kind tw_file = {.name = "file",
                                         .transport = TW_TRANSPORT_FILE,
                                         .path = "",
                                         .pace = {.under_way_max = TW_DELIVERY_WINDOW},
                                         .render = render,
                                         .judge = judge_file};
const struct tw_receiver_kind tw_command = {.name = "command",
                                            .transport = TW_TRANSPORT_COMMAND,
                                            .path = "",
                                            .pace = {.under_way_max = 1},
                                            .render = render,
                                            .judge = judge_command};
