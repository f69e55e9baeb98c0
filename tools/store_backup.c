/* SPDX-License-Identifier: MIT */
#include "tools/store_backup.h"

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
#define ANSWER_BYTES 1024

static bool fail(struct tw_store_error *error, enum tw_store_status status, const char *sentence)
{
    error->status = status;
    snprintf(error->text, sizeof error->text, "%.500s", sentence);
    return false;
}

/* ---- of a running daemon ---- */

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

/* A path that means the same in the daemon's working directory. */
static char *absolute(const char *path)
{
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    size_t bytes = strlen(path) + (here == NULL ? 0 : strlen(here)) + 2;
    char *whole = tw_alloc(bytes);
    snprintf(whole, bytes, "%s%s%s", here == NULL ? "" : here, here == NULL ? "" : "/", path);
    free(here);
    return whole;
}

/* Waits for the answer while the process lives. */
static bool hear(void *socket, long process, struct tw_store_error *error)
{
    char answer[ANSWER_BYTES + 1];
    for (;;) {
        zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
        int ready = zmq_poll(&item, 1, POLL_MS);
        if (ready < 0 && errno != EINTR)
            return fail(error, TW_STORE_FAILED, "cannot hear the daemon's answer");
        if (ready > 0)
            break;
        if (!alive(process))
            return fail(error, TW_STORE_FAILED, "the daemon ended before it had made the backup; try again");
    }
    int length = zmq_recv(socket, answer, ANSWER_BYTES, 0);
    if (length < 0)
        return fail(error, TW_STORE_FAILED, "cannot hear the daemon's answer");
    answer[length < (int)ANSWER_BYTES ? length : (int)ANSWER_BYTES] = '\0';
    if (strcmp(answer, "ok") == 0)
        return true;
    return fail(error, TW_STORE_FAILED, strncmp(answer, "error ", 6) == 0 ? answer + 6 : answer);
}

static bool ask(const char *endpoint, const char *target, long process, struct tw_store_error *error)
{
    char *whole = absolute(target);
    size_t bytes = strlen(whole) + sizeof "backup ";
    char *request = tw_alloc(bytes);
    int length = snprintf(request, bytes, "backup %s", whole), linger = 0;
    void *context = zmq_ctx_new(), *socket = zmq_socket(context, ZMQ_REQ);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    bool sent = zmq_connect(socket, endpoint) == 0 && zmq_send(socket, request, (size_t)length, 0) == length;
    bool made = sent ? hear(socket, process, error) : fail(error, TW_STORE_FAILED, zmq_strerror(errno));
    zmq_close(socket);
    zmq_ctx_term(context);
    free(request);
    free(whole);
    return made;
}

/* *error says that the directory is in use; it stays so if nobody can be asked. */
static bool ask_the_daemon(const char *data, const char *target, struct tw_store_error *error)
{
    char endpoint[sizeof "ipc://" + sizeof((struct sockaddr_un *)NULL)->sun_path];
    struct stat status;
    long process = owner_of(data);
    int length = snprintf(endpoint, sizeof endpoint, "ipc://%s/control", data);
    bool fits = length > 0 && (size_t)length < sizeof endpoint;
    if (!fits || stat(endpoint + strlen("ipc://"), &status) != 0 || !S_ISSOCK(status.st_mode) || !alive(process))
        return false;
    return ask(endpoint, target, process, error);
}

/* ---- */

/* Opens the copy as a tool would: its end is checked, and says what it has. */
static bool look_at(const char *target, struct tw_backup_made *out, struct tw_store_error *error)
{
    struct tw_store *store = tw_store_open(target, TW_STORE_READ, error);
    if (store == NULL)
        return false;
    out->records = tw_store_last_lsn(store) - tw_store_retained(store).lsn;
    out->trades = tw_store_last_seq(store) - tw_store_retained(store).seq;
    out->alerts = tw_store_last_alert(store);
    tw_store_close(&store);
    return true;
}

bool tw_backup_make(const char *data, const char *target, struct tw_backup_made *out, struct tw_store_error *error)
{
    *out = (struct tw_backup_made){.running = false};
    struct tw_store *store = tw_store_open(data, TW_STORE_READ, error);
    if (store == NULL && error->status != TW_STORE_LOCKED)
        return false;
    out->running = store == NULL;
    bool made = store == NULL ? ask_the_daemon(data, target, error) : tw_store_backup(store, target, error);
    tw_store_close(&store);
    return made && look_at(target, out, error);
}

bool tw_backup_restore(const char *backup, const char *target,
                       void (*progress)(void *context, uint64_t done, uint64_t total), void *context,
                       struct tw_backup_made *out, struct tw_store_error *error)
{
    *out = (struct tw_backup_made){.running = false};
    struct tw_store *store = tw_store_open(backup, TW_STORE_READ, error);
    if (store == NULL)
        return false;
    bool restored = tw_store_verify(store, progress, context, error) && tw_store_backup(store, target, error);
    tw_store_close(&store);
    return restored && look_at(target, out, error);
}
