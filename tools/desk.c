/* SPDX-License-Identifier: MIT */
#include "tools/desk.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/lifecycle/desk_actor.h"
#include "tools/control.h"

bool tw_desk_ask(const char *directory, const char *command, struct tw_buffer *answer, struct tw_store_error *error)
{
    char request[256];
    struct tw_store *store = tw_store_open(directory, TW_STORE_READ, error);
    answer->length = 0;
    if (store == NULL && error->status == TW_STORE_MISSING)
        error->status = TW_STORE_FAILED; /* what is missing is the directory, not what was asked for */
    if (store == NULL && error->status != TW_STORE_LOCKED)
        return false;
    if (store != NULL) {
        bool ok = tw_desk_command(store, command, tw_cli_wall_ns(), answer, error);
        tw_buffer_append(answer, "", 1);
        tw_store_close(&store);
        return ok;
    }
    snprintf(request, sizeof request, "desk %.240s", command);
    return tw_control_ask(directory, request, "answered", answer, error) == TW_CONTROL_DONE;
}

int tw_desk_failed(const struct tw_cli *cli, const struct tw_store_error *error)
{
    tw_cli_say(cli->command, "%s", error->text);
    return error->status == TW_STORE_MISSING   ? TW_EXIT_NO
           : error->status == TW_STORE_REFUSED ? TW_EXIT_REFUSED
                                               : TW_EXIT_UNREACHABLE;
}

static const char *login_name(void)
{
    const struct passwd *user = getpwuid(getuid());
    return user == NULL ? NULL : user->pw_name;
}

void tw_desk_put(json_t *action, const char *key, const char *text)
{
    json_t *value = text == NULL ? NULL : json_string(text);
    if (text != NULL)
        json_object_set_new(action, key, value != NULL ? value : json_null());
}

/* What of it is not UTF-8, as it is called on the command line; NULL: all is. */
static const char *not_utf8(json_t *action)
{
    static const char *const called[][2] = {{"why", "--note"},    {"who", "--by"},      {"to", "--to"},
                                            {"match", "matcher"}, {"hours", "--hours"}, {"alert", "alert"},
                                            {"verdict", "--as"}};
    for (size_t i = 0; i < sizeof called / sizeof *called; i++)
        if (json_is_null(json_object_get(action, called[i][0])))
            return called[i][1];
    return NULL;
}

/* "act {...}"; false: it is longer than a request may be. */
static bool write_request(json_t *action, char request[4096])
{
    char *object = json_dumps(action, JSON_COMPACT);
    int length = snprintf(request, 4096, "act %s", object);
    free(object);
    return length > 0 && length < 4096;
}

int tw_desk_act(const struct tw_cli *cli, const char *directory, json_t *action, const char *by, tw_row_print print)
{
    struct tw_store_error error = {.status = TW_STORE_OK};
    struct tw_buffer answer = {0};
    char request[4096];
    const char *who = by != NULL ? by : login_name();
    tw_desk_put(action, "who", who);
    const char *unreadable = not_utf8(action);
    bool written = who != NULL && write_request(action, request);
    json_decref(action);
    if (who == NULL)
        return tw_cli_usage(cli, "say --by whom: the user %u has no name", (unsigned)getuid());
    if (unreadable != NULL)
        return tw_cli_usage(cli, "%s is not UTF-8", unreadable);
    if (!written) {
        tw_cli_say(cli->command, "that is too long: names take 64 bytes, a note 1000, matchers 512, hours 128");
        return TW_EXIT_REFUSED;
    }
    enum tw_control_end end = tw_control_ask(directory, request, "recorded it", &answer, &error);
    if (end == TW_CONTROL_DONE)
        tw_rows_print(cli, (const char *)answer.bytes, print);
    tw_buffer_free(&answer);
    if (end == TW_CONTROL_NOBODY) {
        tw_cli_say(cli->command, "no daemon has %s, and only a daemon records what is done; is it running?", directory);
        return TW_EXIT_UNREACHABLE;
    }
    return end == TW_CONTROL_DONE ? TW_EXIT_OK : tw_desk_failed(cli, &error);
}
