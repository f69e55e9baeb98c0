/* SPDX-License-Identifier: MIT */
#include "protocol/action_text.h"

#include <inttypes.h>

#include "protocol/json_text.h"

static void print_if(FILE *out, const char *name, struct tw_text text)
{
    if (text.length > 0)
        tw_json_member(out, name, text);
}

void tw_action_print_members(FILE *out, const struct tw_action *action)
{
    print_if(out, "id", action->id);
    if (tw_action_is_of_alert(action->verb))
        fprintf(out, ",\"n\":%" PRIu64, action->n);
    print_if(out, "who", action->who);
    print_if(out, "to", action->to);
    print_if(out, "verdict", action->verdict);
    print_if(out, "match", action->match);
    print_if(out, "hours", action->hours);
    if (action->verb == TW_ACTION_SILENCE)
        fprintf(out, ",\"starts\":%" PRId64 ",\"ends\":%" PRId64, action->starts_ns, action->ends_ns);
    if (action->verb == TW_ACTION_UNSILENCE)
        fprintf(out, ",\"silence\":%" PRIu64, action->silence);
    print_if(out, "why", action->why);
}

void tw_action_print_json(FILE *out, const struct tw_action_message *message)
{
    fprintf(out, "{\"h\":%" PRIu64 ",\"at\":%" PRId64 ",\"verb\":\"%s\"", message->h, message->at_ns,
            tw_action_verb_name(message->action.verb));
    tw_action_print_members(out, &message->action);
    fputs("}\n", out);
}
