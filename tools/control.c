/* SPDX-License-Identifier: MIT */
#include "tools/control.h"

#include <errno.h>
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

static enum tw_control_end fail(struct tw_store_error *error, const char *sentence, const char *rest)
{
    error->status = TW_STORE_FAILED;
    snprintf(error->text, sizeof error->text, "%.400s%.100s", sentence, rest);
    return TW_CONTROL_FAILED;
}

/* The process that the lock names; 0: none that is known. */
static long owner_of(const char *data)
{
    char path[512], text[32] = "";
    snprintf(path, sizeof path, "%.400s/LOCK-tapewarden", data);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return 0;
    long owner = fgets(text, sizeof text, file) == NULL ? 0 : strtol(text, NULL, 10);
    fclose(file);
    return owner;
}

static bool alive(long process)
{
    return process > 0 && (kill((pid_t)process, 0) == 0 || errno == EPERM);
}

/* Waits for the answer while the process lives. */
static enum tw_control_end hear(void *socket, long process, const char *what, struct tw_buffer *answer,
                                struct tw_store_error *error)
{
    for (;;) {
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        int ready = zmq_poll(&item, 1, POLL_MS);
        if (ready < 0 && errno != EINTR)
            return fail(error, "cannot hear the daemon's answer", "");
        if (ready > 0)
            break;
        if (!alive(process))
            return fail(error, "the daemon ended before it had ", what);
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

enum tw_control_end tw_control_ask(const char *data, const char *request, const char *what, struct tw_buffer *answer,
                                   struct tw_store_error *error)
{
    char endpoint[sizeof "ipc://" + sizeof((struct sockaddr_un *)NULL)->sun_path];
    struct stat status;
    long process = owner_of(data);
    int length = snprintf(endpoint, sizeof endpoint, "ipc://%s/control", data), linger = 0;
    bool fits = length > 0 && (size_t)length < sizeof endpoint;
    if (!fits || stat(endpoint + strlen("ipc://"), &status) != 0 || !S_ISSOCK(status.st_mode) || !alive(process))
        return TW_CONTROL_NOBODY;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_REQ);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    bool sent = zmq_connect(socket, endpoint) == 0 && zmq_send(socket, request, strlen(request), 0) >= 0;
    enum tw_control_end end = sent ? hear(socket, process, what, answer, error) : fail(error, zmq_strerror(errno), "");
    zmq_close(socket);
    zmq_ctx_term(context);
    return end;
}
