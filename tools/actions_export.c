/* SPDX-License-Identifier: MIT */
#include "tools/actions_export.h"

#include <inttypes.h>

#include "protocol/action_text.h"
#include "tools/csv.h"

struct export
{
    FILE *out;
    bool json, readable;
    uint64_t h;
};

static void print_number(FILE *out, bool has, int64_t number)
{
    putc(',', out);
    if (has)
        fprintf(out, "%" PRId64, number);
}

static void print_text(FILE *out, struct tw_text text)
{
    putc(',', out);
    tw_csv_text(out, text);
}

#define CSV_HEADER "h,at,verb,id,n,who,to,verdict,match,hours,starts,ends,silence,why\n"

static void print_csv(FILE *out, const struct tw_action_message *message)
{
    const struct tw_action *action = &message->action;
    bool silences = action->verb == TW_ACTION_SILENCE;
    fprintf(out, "%" PRIu64 ",%" PRId64 ",%s", message->h, message->at_ns, tw_action_verb_name(action->verb));
    print_text(out, action->id);
    print_number(out, tw_action_is_of_alert(action->verb), (int64_t)action->n);
    print_text(out, action->who);
    print_text(out, action->to);
    print_text(out, action->verdict);
    print_text(out, action->match);
    print_text(out, action->hours);
    print_number(out, silences, action->starts_ns);
    print_number(out, silences, action->ends_ns);
    print_number(out, action->verb == TW_ACTION_UNSILENCE, (int64_t)action->silence);
    print_text(out, action->why);
    putc('\n', out);
}

static bool print(void *context, const struct tw_store_action *stored)
{
    struct export *export = context;
    struct tw_action_message message;
    export->h = stored->h;
    export->readable = tw_action_message_decode(stored->bytes, stored->length, &message);
    if (export->readable && export->json)
        tw_action_print_json(export->out, &message);
    else if (export->readable)
        print_csv(export->out, &message);
    return export->readable;
}

bool tw_actions_export(struct tw_store *store, bool json, FILE *out, struct tw_store_error *error)
{
    struct export export = {.out = out, .json = json, .readable = true};
    if (!json)
        fputs(CSV_HEADER, out);
    if (!tw_store_actions(store, 0, print, &export, error))
        return false;
    if (!export.readable) {
        error->status = TW_STORE_DAMAGED;
        snprintf(error->text, sizeof error->text, "action %" PRIu64 " is not readable; see `tapewarden store verify`",
                 export.h);
    }
    return export.readable;
}
