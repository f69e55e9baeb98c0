/* SPDX-License-Identifier: MIT */
#include "tools/control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

#include "protocol/check.h"

#define POLL_MS 200
#define NO_SOCKET                                                                                                      \
    "the daemon has no socket to ask it by: the path is too long for one; run it with a --data of less than 100 "      \
    "bytes, which may be relative"
#define SCHEME "ipc://"
#define SOCKET_PATH_BYTES sizeof((struct sockaddr_un *)NULL)->sun_path /* with its NUL */

static enum tw_control_end fail(struct tw_store_error *error, const char *sentence, const char *rest)
{
    error->status = TW_STORE_FAILED;
    snprintf(error->text, sizeof error->text, "%.400s%.100s", sentence, rest);
    return TW_CONTROL_FAILED;
}

/* The process that the lock names; 0: none that is known. */
static long owner_of(int directory)
{
    char text[32] = "";
    int file = openat(directory, "LOCK-tapewarden", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length <= 0 ? 0 : strtol(text, NULL, 10);
}

static bool alive(long process)
{
    return process > 0 && (kill((pid_t)process, 0) == 0 || errno == EPERM);
}

/* Whoever has the daemon's ear. */
struct conversation {
    void *context, *socket; /* the question's */
    const char *endpoint;
    long process;
    void *probe;      /* asks whether anybody is there; NULL: not asked now */
    int silent_polls; /* since something was heard, or asked */
};

static void *connect_to(void *context, const char *endpoint)
{
    int linger = 0;
    void *socket = zmq_socket(context, ZMQ_REQ);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_connect(socket, endpoint) == 0)
        return socket;
    zmq_close(socket);
    return NULL;
}

/* The keeper answers any word at once, also while it makes a backup. False: it has not. */
static bool is_there(struct conversation *talk)
{
    if (++talk->silent_polls < TW_CONTROL_SILENCE_S * 1000 / POLL_MS)
        return true;
    if (talk->probe != NULL)
        return false;
    talk->probe = connect_to(talk->context, talk->endpoint);
    talk->silent_polls = 0;
    return talk->probe != NULL && zmq_send(talk->probe, "there?", 6, ZMQ_DONTWAIT) >= 0;
}

static void hear_probe(struct conversation *talk)
{
    zmq_close(talk->probe);
    talk->probe = NULL;
    talk->silent_polls = 0;
}

/* Waits for the answer while the process lives and hears. */
static enum tw_control_end hear(struct conversation *talk, const char *what, struct tw_buffer *answer,
                                struct tw_store_error *error)
{
    void *socket = talk->socket;
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = socket, .events = ZMQ_POLLIN},
                                  {.socket = talk->probe, .events = ZMQ_POLLIN}};
        int ready = zmq_poll(items, talk->probe != NULL ? 2 : 1, POLL_MS);
        if (ready < 0 && errno != EINTR)
            return fail(error, "cannot hear the daemon's answer", "");
        if ((items[0].revents & ZMQ_POLLIN) != 0)
            break;
        if (talk->probe != NULL && (items[1].revents & ZMQ_POLLIN) != 0)
            hear_probe(talk);
        if (!alive(talk->process))
            return fail(error, "the daemon ended before it had ", what);
        if (!is_there(talk))
            return fail(error, "the daemon lives and does not answer: is it stopped, or does it hang? It may not have ",
                        what);
    }
    zmq_msg_t message;
    zmq_msg_init(&message);
    if (zmq_msg_recv(&message, socket, 0) < 0) {
        zmq_msg_close(&message);
        return fail(error, "cannot hear the daemon's answer", "");
    }
    answer->length = 0;
    tw_buffer_append(answer, zmq_msg_data(&message), zmq_msg_size(&message));
    zmq_msg_close(&message);
    tw_buffer_append(answer, "", 1);
    const char *text = (const char *)answer->bytes;
    static const struct {
        const char *word;
        enum tw_store_status status;
    } answers[] = {{"no ", TW_STORE_MISSING}, {"refused ", TW_STORE_REFUSED}};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strncmp(text, answers[i].word, strlen(answers[i].word)) == 0) {
            fail(error, text + strlen(answers[i].word), "");
            error->status = answers[i].status;
            return TW_CONTROL_FAILED;
        }
    if (strncmp(text, "ok", 2) != 0)
        return fail(error, strncmp(text, "error ", 6) == 0 ? text + 6 : text, "");
    size_t skipped = text[2] == ' ' ? 3 : 2;
    answer->length -= skipped + 1;
    memmove(answer->bytes, answer->bytes + skipped, answer->length + 1);
    return TW_CONTROL_DONE;
}

/* A path that is too long for a socket's name is gone by its directory, which is open. False: too long it is. */
static bool name_endpoint(const char *data, int directory, char endpoint[sizeof SCHEME - 1 + SOCKET_PATH_BYTES])
{
    const size_t room = sizeof SCHEME - 1 + SOCKET_PATH_BYTES;
    bool fits = (size_t)snprintf(endpoint, room, SCHEME "%s/control", data) < room;
    if (!fits)
        snprintf(endpoint, room, SCHEME "/proc/self/fd/%d/control", directory);
    return fits;
}

static enum tw_control_end ask_in(int directory, const char *data, const char *request, const char *what,
                                  struct tw_buffer *answer, struct tw_store_error *error)
{
    struct conversation talk = {.process = owner_of(directory)};
    char endpoint[sizeof SCHEME - 1 + SOCKET_PATH_BYTES];
    struct stat status;
    bool fits = name_endpoint(data, directory, endpoint);
    if (!alive(talk.process))
        return TW_CONTROL_NOBODY;
    if (fstatat(directory, "control", &status, 0) != 0 || !S_ISSOCK(status.st_mode))
        return fits ? TW_CONTROL_NOBODY : fail(error, NO_SOCKET, "");
    talk.context = zmq_ctx_new();
    talk.endpoint = endpoint;
    talk.socket = connect_to(talk.context, endpoint);
    bool sent = talk.socket != NULL && zmq_send(talk.socket, request, strlen(request), 0) >= 0;
    enum tw_control_end end = sent ? hear(&talk, what, answer, error) : fail(error, zmq_strerror(errno), "");
    if (talk.probe != NULL)
        zmq_close(talk.probe);
    if (talk.socket != NULL)
        zmq_close(talk.socket);
    zmq_ctx_term(talk.context);
    return end;
}

enum tw_control_end tw_control_ask(const char *data, const char *request, const char *what, struct tw_buffer *answer,
                                   struct tw_store_error *error)
{
    int directory = open(data, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0)
        return TW_CONTROL_NOBODY;
    enum tw_control_end end = ask_in(directory, data, request, what, answer, error);
    close(directory);
    return end;
}
