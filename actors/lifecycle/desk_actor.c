/* SPDX-License-Identifier: MIT */
#include "actors/lifecycle/desk_actor.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/alert_text.h"
#include "protocol/check.h"
#include "protocol/json_text.h"

#define ID_DIGITS 32u
#define PREFIX_DIGITS_MIN 8u
#define PAGE_EVENTS 2000u /* that are looked at for one page: some milliseconds */
#define PAGE_BYTES (256u << 10)

static bool refuse(struct tw_store_error *error, enum tw_store_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static bool refuse(struct tw_store_error *error, enum tw_store_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error->status = status;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- which alert ---- */

static bool take_id(void *context, const struct tw_store_alert *alert)
{
    uint8_t *id = context;
    if (!tw_alert_id_of(alert->bytes, alert->length, id))
        memset(id, 0, TW_ALERT_ID_BYTES);
    return false;
}

static bool find_by_number(struct tw_store *store, const char *digits, uint8_t id[TW_ALERT_ID_BYTES],
                           struct tw_store_error *error)
{
    uint64_t n = strtoull(digits, NULL, 10), last = tw_store_last_alert(store);
    if (n == 0 || n > last)
        return refuse(error, TW_STORE_MISSING, "there is no alert %.20s; the newest is %" PRIu64, digits, last);
    return tw_store_alerts(store, n - 1, take_id, id, error);
}

bool tw_desk_find(struct tw_store *store, const char *name, uint8_t id[TW_ALERT_ID_BYTES], struct tw_store_error *error)
{
    const char *number = name[0] == '#' ? name + 1 : name;
    size_t length = strlen(number);
    if (length > 0 && length < 20 && strspn(number, "0123456789") == length &&
        (number != name || length < PREFIX_DIGITS_MIN))
        return find_by_number(store, number, id, error);
    if (length != strspn(name, "0123456789abcdef") || length < PREFIX_DIGITS_MIN || length > ID_DIGITS)
        return refuse(error, TW_STORE_MISSING,
                      "%.60s names no alert: give its number, or the first 8 to 32 hex digits of its id", name);
    int found = tw_store_find_alert(store, name, id, error);
    if (found == 0)
        refuse(error, TW_STORE_MISSING, "there is no alert whose id begins with %s", name);
    if (found > 1)
        refuse(error, TW_STORE_MISSING, "more than one alert has an id that begins with %s: give more digits", name);
    return found == 1;
}

/* ---- what is recorded of it ---- */

struct gathering {
    struct tw_case alert;
    struct tw_alert_view newest; /* borrows from `bytes` */
    struct tw_buffer bytes;
    FILE *events, *actions; /* NULL: not wanted */
    struct tw_store *store;
    struct tw_buffer silenced; /* numbers of events, and silences that hid them, u64 each; if events are wanted */
    bool readable;
};

static bool gather_event(void *context, const struct tw_store_alert *stored)
{
    struct gathering *gathering = context;
    struct tw_alert_view view;
    gathering->bytes.length = 0;
    tw_buffer_append(&gathering->bytes, stored->bytes, stored->length);
    gathering->readable = tw_alert_decode(gathering->bytes.bytes, gathering->bytes.length, &gathering->newest);
    if (!gathering->readable)
        return false;
    tw_case_take_event(&gathering->alert, &gathering->newest);
    view = gathering->newest;
    if (gathering->events == NULL)
        return true;
    tw_alert_print_json(gathering->events, &view); /* ends with a line feed */
    uint64_t hidden[2] = {stored->n, 0};
    gathering->readable = tw_store_silence_of(gathering->store, stored->n, &hidden[1], NULL);
    if (hidden[1] != 0)
        tw_buffer_append(&gathering->silenced, hidden, sizeof hidden);
    return gathering->readable;
}

static bool gather_action(void *context, const struct tw_store_action *stored)
{
    struct gathering *gathering = context;
    struct tw_action_message message;
    gathering->readable = tw_action_message_decode(stored->bytes, stored->length, &message);
    if (!gathering->readable)
        return false;
    tw_case_take_action(&gathering->alert, &message);
    if (gathering->actions != NULL)
        tw_desk_print_action(gathering->actions, &message);
    return true;
}

static bool gather(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], struct gathering *gathering,
                   struct tw_store_error *error)
{
    gathering->readable = true;
    gathering->store = store;
    if (!tw_store_events_of(store, id, gather_event, gathering, error) ||
        (gathering->readable && !tw_store_actions_of(store, id, gather_action, gathering, error)))
        return false;
    if (!gathering->readable || gathering->alert.first_n == 0)
        return refuse(error, TW_STORE_DAMAGED, "what is recorded of the alert is not readable; see store verify");
    return true;
}

bool tw_desk_case(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], struct tw_case *out,
                  struct tw_store_error *error)
{
    struct gathering gathering = {.readable = true};
    bool ok = gather(store, id, &gathering, error);
    *out = gathering.alert;
    tw_buffer_free(&gathering.bytes);
    return ok;
}

/* ---- as JSON ---- */

static void print_member(FILE *out, const char *name, struct tw_text text)
{
    fprintf(out, ",\"%s\":", name);
    tw_json_text(out, text);
}

static void print_word(FILE *out, const char *name, const char *word)
{
    if (word[0] != '\0')
        print_member(out, name, (struct tw_text){word, (uint32_t)strlen(word)});
}

static void print_silence(FILE *out, const struct tw_action *action)
{
    print_member(out, "match", action->match);
    if (action->hours.length > 0)
        print_member(out, "hours", action->hours);
    fprintf(out, ",\"starts\":%" PRId64 ",\"ends\":%" PRId64, action->starts_ns, action->ends_ns);
}

void tw_desk_print_action(FILE *out, const struct tw_action_message *message)
{
    const struct tw_action *action = &message->action;
    fprintf(out, "{\"h\":%" PRIu64 ",\"at\":%" PRId64 ",\"verb\":\"%s\"", message->h, message->at_ns,
            tw_action_verb_name(action->verb));
    if (tw_action_is_of_alert(action->verb)) {
        print_member(out, "id", action->id);
        fprintf(out, ",\"n\":%" PRIu64, action->n);
    }
    print_member(out, "who", action->who);
    if (action->to.length > 0)
        print_member(out, "to", action->to);
    if (action->verdict.length > 0)
        print_member(out, "verdict", action->verdict);
    if (action->verb == TW_ACTION_SILENCE)
        print_silence(out, action);
    if (action->verb == TW_ACTION_UNSILENCE)
        fprintf(out, ",\"silence\":%" PRIu64, action->silence);
    if (action->why.length > 0)
        print_member(out, "why", action->why);
    fputs("}\n", out);
}

static void print_head(FILE *out, const struct gathering *gathering)
{
    const struct tw_alert_view *newest = &gathering->newest;
    const struct tw_case *alert = &gathering->alert;
    fputs("{\"id\":", out);
    tw_json_text(out, newest->id);
    print_member(out, "type", newest->type);
    print_member(out, "entity_type", newest->entity_type);
    print_member(out, "entity", newest->entity);
    print_member(out, "severity", newest->severity);
    print_word(out, "state", tw_case_state_name(tw_case_state_now(alert)));
    print_word(out, "by", alert->closed_h != 0 ? alert->closed_by : alert->attended_by);
    print_word(out, "assigned_to", alert->assigned_to);
    print_word(out, "verdict", alert->verdict);
    fprintf(out, ",\"n\":%" PRIu64 ",\"last_n\":%" PRIu64, alert->first_n, alert->last_n);
}

/* Lines become the elements of an array. */
static void print_array(FILE *out, const char *name, const char *lines, size_t length)
{
    fprintf(out, ",\"%s\":[", name);
    for (size_t i = 0; i + 1 < length; i++)
        fputc(lines[i] == '\n' ? ',' : lines[i], out);
    fputc(']', out);
}

static void print_silenced(FILE *out, const struct tw_buffer *silenced)
{
    fputs(",\"silenced\":[", out);
    for (size_t at = 0; at < silenced->length; at += 2 * sizeof(uint64_t)) {
        uint64_t hidden[2];
        memcpy(hidden, silenced->bytes + at, sizeof hidden);
        fprintf(out, "%s{\"n\":%" PRIu64 ",\"silence\":%" PRIu64 "}", at > 0 ? "," : "", hidden[0], hidden[1]);
    }
    fputc(']', out);
}

bool tw_desk_show(struct tw_store *store, const char *name, struct tw_buffer *out, struct tw_store_error *error)
{
    uint8_t id[TW_ALERT_ID_BYTES];
    struct gathering gathering = {.readable = true};
    char *events = NULL, *actions = NULL, *text = NULL;
    size_t events_length = 0, actions_length = 0, length = 0;
    if (!tw_desk_find(store, name, id, error))
        return false;
    gathering.events = open_memstream(&events, &events_length);
    gathering.actions = open_memstream(&actions, &actions_length);
    FILE *whole = open_memstream(&text, &length);
    TW_ASSERT(gathering.events != NULL && gathering.actions != NULL && whole != NULL);
    bool ok = gather(store, id, &gathering, error);
    TW_ASSERT(fclose(gathering.events) == 0 && fclose(gathering.actions) == 0);
    if (ok) {
        print_head(whole, &gathering);
        print_array(whole, "events", events, events_length);
        print_array(whole, "actions", actions, actions_length);
        print_silenced(whole, &gathering.silenced);
        fputs("}\n", whole);
    }
    TW_ASSERT(fclose(whole) == 0);
    if (ok)
        tw_buffer_append(out, text, length);
    free(events);
    free(actions);
    free(text);
    tw_buffer_free(&gathering.bytes);
    tw_buffer_free(&gathering.silenced);
    return ok;
}

/* ---- lists ---- */

struct page {
    struct tw_store *store;
    struct tw_store_error *error;
    enum tw_case_state state;
    FILE *out;
    uint64_t after;
    uint32_t looked;
    bool ok, full;
};

static void print_case(struct page *page, const struct gathering *gathering)
{
    print_head(page->out, gathering);
    fprintf(page->out, ",\"ts\":%" PRId64, gathering->newest.ts_ns);
    print_member(page->out, "message", gathering->newest.message);
    fputs("}\n", page->out);
}

/* An event that begins an alert stands for it. */
static bool visit(void *context, const struct tw_store_alert *stored)
{
    struct page *page = context;
    struct tw_alert_view view;
    uint8_t id[TW_ALERT_ID_BYTES];
    if (page->looked == PAGE_EVENTS || ftell(page->out) >= (long)PAGE_BYTES) {
        page->full = true;
        return false;
    }
    page->looked++;
    page->after = stored->n;
    page->ok = (tw_alert_decode(stored->bytes, stored->length, &view) && tw_alert_id_read(view.id, id)) ||
               refuse(page->error, TW_STORE_DAMAGED, "alert %" PRIu64 " is not readable; see store verify", stored->n);
    if (!page->ok || (!tw_text_is(view.event, "fire") && !tw_text_is(view.event, "open")))
        return page->ok;
    struct gathering gathering = {.readable = true};
    page->ok = gather(page->store, id, &gathering, page->error);
    if (page->ok && (page->state == TW_CASE_STATE_COUNT || page->state == tw_case_state_now(&gathering.alert)))
        print_case(page, &gathering);
    tw_buffer_free(&gathering.bytes);
    return page->ok;
}

bool tw_desk_list(struct tw_store *store, enum tw_case_state state, uint64_t *after, bool *more, struct tw_buffer *out,
                  struct tw_store_error *error)
{
    char *text = NULL;
    size_t length = 0;
    struct page page = {store, error, state, open_memstream(&text, &length), *after, 0, true, false};
    TW_ASSERT(page.out != NULL);
    bool ok = tw_store_alerts(store, *after, visit, &page, error) && page.ok;
    TW_ASSERT(fclose(page.out) == 0);
    if (ok)
        tw_buffer_append(out, text, length);
    free(text);
    *after = page.after;
    *more = page.full;
    return ok;
}

/* ---- acting ---- */

static struct tw_text member(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    if (!json_is_string(value))
        return (struct tw_text){"", 0};
    return (struct tw_text){json_string_value(value), (uint32_t)json_string_length(value)};
}

static int64_t number_of(json_t *object, const char *name)
{
    json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : 0;
}

static bool aim_at_alert(struct tw_store *store, json_t *object, struct tw_action *action, char digits[ID_DIGITS + 1],
                         struct tw_case *alert, struct tw_store_error *error)
{
    uint8_t id[TW_ALERT_ID_BYTES];
    if (!tw_desk_find(store, member(object, "alert").bytes, id, error) || !tw_desk_case(store, id, alert, error))
        return false;
    tw_hex(id, sizeof id, digits);
    action->id = (struct tw_text){digits, ID_DIGITS};
    action->n = alert->last_n;
    return true;
}

/* Silences as they stand: what is recorded of them, taken in order. */
struct standing {
    struct tw_silences *silences;
    uint64_t h; /* that is asked after */
    bool met, ended;
};

static bool stand(void *context, const struct tw_store_action *stored)
{
    struct standing *standing = context;
    struct tw_action_message message;
    if (!tw_action_message_decode(stored->bytes, stored->length, &message))
        return true;
    (void)tw_silences_take(standing->silences, &message);
    standing->met |= message.action.verb == TW_ACTION_SILENCE && message.h == standing->h;
    standing->ended |= message.action.verb == TW_ACTION_UNSILENCE && message.action.silence == standing->h;
    return true;
}

/* Whether a silence can be added, or that one ended. */
static bool may_silence(struct tw_store *store, const struct tw_action *action, struct tw_store_error *error)
{
    struct standing standing = {.silences = tw_silences_new(), .h = action->silence};
    char why[TW_MATCHER_WHY_BYTES];
    bool ok = tw_store_actions(store, 0, stand, &standing, error);
    const char *fault = ok && action->verb == TW_ACTION_SILENCE ? tw_silence_fault(action, why) : NULL;
    if (ok && fault != NULL)
        ok = refuse(error, TW_STORE_MISSING, "%.200s: %.240s", action->match.bytes, fault);
    else if (ok && action->verb == TW_ACTION_SILENCE && tw_silences_count(standing.silences) == TW_SILENCES_MAX)
        ok = refuse(error, TW_STORE_MISSING, "there are %u silences already; expire some", TW_SILENCES_MAX);
    else if (ok && action->verb == TW_ACTION_UNSILENCE && (!standing.met || standing.ended))
        ok = refuse(error, TW_STORE_MISSING,
                    standing.met ? "silence %llu has been ended before" : "there is no silence %llu",
                    (unsigned long long)action->silence);
    tw_silences_free(&standing.silences);
    return ok;
}

static bool prepare(struct tw_store *store, json_t *object, struct tw_buffer *out, struct tw_store_error *error)
{
    char digits[ID_DIGITS + 1], why[160];
    struct tw_case alert = {0};
    struct tw_action action = {.who = member(object, "who"),
                               .why = member(object, "why"),
                               .to = member(object, "to"),
                               .verdict = member(object, "verdict"),
                               .match = member(object, "match"),
                               .hours = member(object, "hours"),
                               .starts_ns = number_of(object, "starts"),
                               .ends_ns = number_of(object, "ends"),
                               .silence = (uint64_t)number_of(object, "silence")};
    if (!tw_action_verb_of(member(object, "verb"), &action.verb))
        return refuse(error, TW_STORE_FAILED, "nothing of that kind can be done");
    bool of_alert = tw_action_is_of_alert(action.verb);
    if (of_alert && !aim_at_alert(store, object, &action, digits, &alert, error))
        return false;
    const char *fault = tw_action_fault(&action);
    if (fault == NULL && of_alert)
        fault = tw_case_refuses(&alert, action.verb, why);
    if (fault != NULL)
        return refuse(error, TW_STORE_MISSING, "%s", fault);
    if (!of_alert && !may_silence(store, &action, error))
        return false;
    tw_action_encode(out, &action);
    return true;
}

bool tw_desk_prepare(struct tw_store *store, const char *request, struct tw_buffer *out, struct tw_store_error *error)
{
    json_t *object = json_loads(request, JSON_REJECT_DUPLICATES, NULL);
    bool ok = object != NULL
                  ? prepare(store, object, out, error)
                  : refuse(error, TW_STORE_FAILED, "the request is not readable; is the daemon of another version?");
    json_decref(object);
    return ok;
}

/* ---- silences ---- */

struct silences {
    struct tw_store *store;
    struct tw_store_error *error;
    FILE *out;
    uint64_t *ended; /* h of those that were ended early */
    size_t ended_count;
    int64_t now_ns;
    bool ok;
};

static bool note_ended(void *context, const struct tw_store_action *stored)
{
    struct silences *silences = context;
    struct tw_action_message message;
    if (tw_action_message_decode(stored->bytes, stored->length, &message) &&
        message.action.verb == TW_ACTION_UNSILENCE) {
        silences->ended = tw_realloc(silences->ended, (silences->ended_count + 1) * sizeof *silences->ended);
        silences->ended[silences->ended_count++] = message.action.silence;
    }
    return true;
}

static bool count_hidden(void *context, uint64_t silence, uint64_t n)
{
    (void)silence, (void)n;
    ++*(uint64_t *)context;
    return true;
}

static const char *silence_state(const struct silences *silences, const struct tw_action_message *message)
{
    for (size_t i = 0; i < silences->ended_count; i++)
        if (silences->ended[i] == message->h)
            return "ended";
    if (silences->now_ns >= message->action.ends_ns)
        return "expired";
    return silences->now_ns < message->action.starts_ns ? "pending" : "active";
}

static bool print_one(void *context, const struct tw_store_action *stored)
{
    struct silences *silences = context;
    struct tw_action_message message;
    uint64_t hidden = 0;
    if (!tw_action_message_decode(stored->bytes, stored->length, &message) || message.action.verb != TW_ACTION_SILENCE)
        return true;
    silences->ok = tw_store_silenced(silences->store, message.h, count_hidden, &hidden, silences->error);
    fprintf(silences->out, "{\"h\":%" PRIu64 ",\"at\":%" PRId64 ",\"state\":\"%s\",\"hidden\":%" PRIu64, message.h,
            message.at_ns, silence_state(silences, &message), hidden);
    print_member(silences->out, "who", message.action.who);
    print_silence(silences->out, &message.action);
    print_member(silences->out, "why", message.action.why);
    fputs("}\n", silences->out);
    return silences->ok;
}

bool tw_desk_silences(struct tw_store *store, int64_t now_ns, struct tw_buffer *out, struct tw_store_error *error)
{
    char *text = NULL;
    size_t length = 0;
    struct silences silences = {
        .store = store, .error = error, .out = open_memstream(&text, &length), .now_ns = now_ns, .ok = true};
    TW_ASSERT(silences.out != NULL);
    bool ok = tw_store_actions(store, 0, note_ended, &silences, error) &&
              tw_store_actions(store, 0, print_one, &silences, error) && silences.ok;
    TW_ASSERT(fclose(silences.out) == 0);
    if (ok)
        tw_buffer_append(out, text, length);
    free(text);
    free(silences.ended);
    return ok;
}

/* ---- as texts ---- */

static bool list(struct tw_store *store, const char *rest, struct tw_buffer *out, struct tw_store_error *error)
{
    char word[16], place[32];
    uint64_t after = 0;
    bool more = false;
    enum tw_case_state state = TW_CASE_STATE_COUNT;
    struct tw_buffer lines = {0};
    if (sscanf(rest, "%15s %" SCNu64, word, &after) != 2 ||
        (strcmp(word, "all") != 0 && !tw_case_state_of(word, &state)))
        return refuse(error, TW_STORE_FAILED, "list takes a state and a number; is the daemon of another version?");
    bool ok = tw_desk_list(store, state, &after, &more, &lines, error);
    if (ok) {
        int length = snprintf(place, sizeof place, "%" PRIu64 " %d\n", after, more);
        tw_buffer_append(out, place, (size_t)length);
        tw_buffer_append(out, lines.bytes, lines.length);
    }
    tw_buffer_free(&lines);
    return ok;
}

bool tw_desk_command(struct tw_store *store, const char *command, int64_t now_ns, struct tw_buffer *out,
                     struct tw_store_error *error)
{
    if (strcmp(command, "silences") == 0)
        return tw_desk_silences(store, now_ns, out, error);
    if (strncmp(command, "show ", 5) == 0)
        return tw_desk_show(store, command + 5, out, error);
    if (strncmp(command, "list ", 5) == 0)
        return list(store, command + 5, out, error);
    return refuse(error, TW_STORE_FAILED, "the desk takes show and list; is the daemon of another version?");
}
