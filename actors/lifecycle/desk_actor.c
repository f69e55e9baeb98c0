/* SPDX-License-Identifier: MIT */
#include "actors/lifecycle/desk_actor.h"
#include "actors/lifecycle/silence_desk_actor.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/action_text.h"
#include "protocol/alert_text.h"
#include "protocol/check.h"
#include "protocol/json_text.h"

#define ID_DIGITS 32u
#define PREFIX_DIGITS_MIN 8u
#define PAGE_EVENTS 2000u /* that are looked at for one page: some milliseconds */
#define PAGE_BYTES (256u << 10)

bool tw_desk_refuse(struct tw_store_error *error, enum tw_store_status status, const char *format, ...)
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
        return tw_desk_refuse(error, TW_STORE_MISSING, "there is no alert %.20s; the newest is %" PRIu64, digits, last);
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
        return tw_desk_refuse(error, TW_STORE_REFUSED,
                              "%.60s names no alert: give its number, or the first 8 to 32 hex digits of its id", name);
    int found = tw_store_find_alert(store, name, id, error);
    if (found == 0)
        tw_desk_refuse(error, TW_STORE_MISSING, "there is no alert whose id begins with %s", name);
    if (found > 1)
        tw_desk_refuse(error, TW_STORE_MISSING, "more than one alert has an id that begins with %s: give more digits",
                       name);
    return found == 1;
}

/* ---- what is recorded of it ---- */

enum part { EVENTS, ACTIONS, SILENCED, MUTED, PART_COUNT };
struct gathering {
    struct tw_case alert;
    struct tw_alert_view newest; /* borrows from `bytes` */
    struct tw_buffer bytes;
    FILE *parts[PART_COUNT]; /* lines of JSON; NULL: not wanted, none of them */
    struct tw_store *store;
    uint64_t n, silence; /* of the event at hand; that which hid it, or 0 */
    bool readable;
};

static bool print_muted(void *context, const struct tw_store_muted *muted)
{
    struct gathering *gathering = context;
    FILE *out = gathering->parts[MUTED];
    if (muted->n != gathering->n)
        return false;
    fprintf(out, "{\"n\":%" PRIu64, muted->n);
    tw_json_member(out, "rule", muted->rule);
    fprintf(out, ",\"by\":%" PRIu64 ",\"told\":", muted->by);
    if (muted->told != 0 && gathering->silence != 0) /* it would have been told then */
        fprintf(out, "null,\"released\":%" PRIu64 ",\"silence\":%" PRIu64 "}\n", muted->told, gathering->silence);
    else if (muted->told != 0)
        fprintf(out, "%" PRIu64 "}\n", muted->told);
    else
        fputs("null}\n", out);
    return false;
}

/* Why the event at hand was told to nobody, if so. */
static bool print_hidden(struct gathering *gathering)
{
    bool readable = tw_store_silence_of(gathering->store, gathering->n, &gathering->silence, NULL);
    if (gathering->silence != 0)
        fprintf(gathering->parts[SILENCED], "{\"n\":%" PRIu64 ",\"silence\":%" PRIu64 "}\n", gathering->n,
                gathering->silence);
    return readable && tw_store_muted(gathering->store, gathering->n - 1, print_muted, gathering, NULL);
}

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
    if (gathering->parts[EVENTS] == NULL)
        return true;
    tw_alert_print_json(gathering->parts[EVENTS], &view); /* ends with a line feed */
    gathering->n = stored->n;
    return gathering->readable = print_hidden(gathering);
}

static bool gather_action(void *context, const struct tw_store_action *stored)
{
    struct gathering *gathering = context;
    struct tw_action_message message;
    gathering->readable = tw_action_message_decode(stored->bytes, stored->length, &message);
    if (!gathering->readable)
        return false;
    tw_case_take_action(&gathering->alert, &message);
    if (gathering->parts[ACTIONS] != NULL)
        tw_action_print_json(gathering->parts[ACTIONS], &message);
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
        return tw_desk_refuse(error, TW_STORE_DAMAGED,
                              "what is recorded of the alert is not readable; see store verify");
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

struct newest {
    struct tw_store *store;
    uint64_t n, told; /* of the event at hand; of the newest that was told */
    bool hidden;
};

static bool take_muted(void *context, const struct tw_store_muted *muted)
{
    struct newest *newest = context;
    newest->hidden = newest->hidden || (muted->n == newest->n && muted->told == 0);
    return false;
}

static bool take_newest(void *context, const struct tw_store_alert *stored)
{
    struct newest *newest = context;
    struct tw_alert_view view;
    uint64_t silence = 0;
    if (!tw_alert_decode(stored->bytes, stored->length, &view) || tw_text_is(view.event, "resolve") ||
        tw_text_is(view.event, "retract"))
        return true;
    (void)tw_store_silence_of(newest->store, stored->n, &silence, NULL);
    newest->n = stored->n;
    newest->hidden = silence != 0;
    (void)tw_store_muted(newest->store, stored->n - 1, take_muted, newest, NULL);
    if (!newest->hidden)
        newest->told = stored->n;
    return true;
}

uint64_t tw_desk_newest_told(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES])
{
    struct newest newest = {.store = store};
    (void)tw_store_events_of(store, id, take_newest, &newest, NULL); /* what cannot be read was told to nobody */
    return newest.told;
}

/* ---- as JSON ---- */

static void print_word(FILE *out, const char *name, const char *word)
{
    if (word[0] != '\0')
        tw_json_member(out, name, (struct tw_text){word, (uint32_t)strlen(word)});
}

static void print_head(FILE *out, const struct gathering *gathering)
{
    const struct tw_alert_view *newest = &gathering->newest;
    const struct tw_case *alert = &gathering->alert;
    fputs("{\"id\":", out);
    tw_json_text(out, newest->id);
    tw_json_member(out, "type", newest->type);
    tw_json_member(out, "entity_type", newest->entity_type);
    tw_json_member(out, "entity", newest->entity);
    tw_json_member(out, "severity", newest->severity);
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

bool tw_desk_show(struct tw_store *store, const char *name, struct tw_buffer *out, struct tw_store_error *error)
{
    static const char *const names[PART_COUNT] = {"events", "actions", "silenced", "muted"};
    uint8_t id[TW_ALERT_ID_BYTES];
    struct gathering gathering = {.readable = true};
    char *texts[PART_COUNT] = {NULL}, *text = NULL;
    size_t lengths[PART_COUNT] = {0}, length = 0;
    if (!tw_desk_find(store, name, id, error))
        return false;
    FILE *whole = open_memstream(&text, &length);
    TW_ASSERT(whole != NULL);
    for (int i = 0; i < PART_COUNT; i++)
        TW_ASSERT((gathering.parts[i] = open_memstream(&texts[i], &lengths[i])) != NULL);
    bool ok = gather(store, id, &gathering, error);
    if (ok)
        print_head(whole, &gathering);
    for (int i = 0; i < PART_COUNT; i++) {
        TW_ASSERT(fclose(gathering.parts[i]) == 0);
        if (ok)
            print_array(whole, names[i], texts[i], lengths[i]);
        free(texts[i]);
    }
    TW_ASSERT(fputs("}\n", whole) >= 0 && fclose(whole) == 0);
    if (ok)
        tw_buffer_append(out, text, length);
    free(text);
    tw_buffer_free(&gathering.bytes);
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
    tw_json_member(page->out, "message", gathering->newest.message);
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
    page->ok =
        (tw_alert_decode(stored->bytes, stored->length, &view) && tw_alert_id_read(view.id, id)) ||
        tw_desk_refuse(page->error, TW_STORE_DAMAGED, "alert %" PRIu64 " is not readable; see store verify", stored->n);
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
        return tw_desk_refuse(error, TW_STORE_FAILED, "nothing of that kind can be done");
    bool of_alert = tw_action_is_of_alert(action.verb);
    if (of_alert && !aim_at_alert(store, object, &action, digits, &alert, error))
        return false;
    const char *fault = tw_action_fault(&action);
    if (fault != NULL)
        return tw_desk_refuse(error, TW_STORE_REFUSED, "%s", fault);
    if (of_alert)
        fault = tw_case_refuses(&alert, action.verb, why);
    if (fault != NULL)
        return tw_desk_refuse(error, TW_STORE_MISSING, "%s", fault);
    if (!of_alert && !tw_silence_desk_may(store, &action, error))
        return false;
    tw_action_encode(out, &action);
    return true;
}

bool tw_desk_prepare(struct tw_store *store, const char *request, struct tw_buffer *out, struct tw_store_error *error)
{
    json_t *object = json_loads(request, JSON_REJECT_DUPLICATES, NULL);
    bool ok = object != NULL ? prepare(store, object, out, error)
                             : tw_desk_refuse(error, TW_STORE_FAILED,
                                              "the request is not readable; is the daemon of another version?");
    json_decref(object);
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
        return tw_desk_refuse(error, TW_STORE_FAILED,
                              "list takes a state and a number; is the daemon of another version?");
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
        return tw_silence_desk_list(store, now_ns, out, error);
    if (strcmp(command, "muted") == 0)
        return tw_silence_desk_muted(store, out, error);
    if (strncmp(command, "show ", 5) == 0)
        return tw_desk_show(store, command + 5, out, error);
    if (strncmp(command, "list ", 5) == 0)
        return list(store, command + 5, out, error);
    return tw_desk_refuse(error, TW_STORE_FAILED, "the desk takes show and list; is the daemon of another version?");
}
