/* SPDX-License-Identifier: MIT */
#include "actors/runtime/log.h"

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PIPE_PIECE_BYTES 4096 /* a pipe that polls as writable has room for so much */
#define PATIENCE_MS 100       /* for a reader that is merely slow */

static atomic_int chosen_level = TW_LOG_INFO;
static atomic_bool chosen_json = false;

static const char *level_name(enum tw_log_level level)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    return level == TW_LOG_NOTICE ? "notice" : names[level];
}

void tw_log_configure(enum tw_log_level level, bool json)
{
    atomic_store(&chosen_level, (int)level);
    atomic_store(&chosen_json, json);
}

/* Whether standard error takes a piece of at most PIPE_PIECE_BYTES without blocking. */
static bool takes_more(int patience_ms)
{
    struct pollfd item = {STDERR_FILENO, POLLOUT, 0};
    return poll(&item, 1, patience_ms) > 0 && (item.revents & POLLOUT) != 0;
}

/* False if nobody reads: the rest of the line is lost. */
static bool write_pieces(const char *line, size_t length, int patience_ms)
{
    while (length > 0) {
        if (!takes_more(patience_ms))
            return false;
        ssize_t written = write(STDERR_FILENO, line, length < PIPE_PIECE_BYTES ? length : PIPE_PIECE_BYTES);
        if (written <= 0)
            return false; /* nowhere to complain */
        line += written;
        length -= (size_t)written;
    }
    return true;
}

/* A reader of the log that stands still must not stand in the way of trades, nor of a stop: after a moment of patience
 * lines are lost, and counted. One writer at a time, or what poll promised to one would be used up by another. */
static void write_line(const char *line, size_t length)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static unsigned long lost = 0;
    char note[96];
    pthread_mutex_lock(&lock);
    if (lost > 0 && takes_more(0)) {
        int note_length =
            snprintf(note, sizeof note, "... %lu lines of the log are lost: nobody read standard error\n", lost);
        write_pieces(note, (size_t)note_length, 0);
        lost = 0;
    }
    if (!write_pieces(line, length, lost > 0 ? 0 : PATIENCE_MS))
        lost++;
    pthread_mutex_unlock(&lock);
}

static void write_json(const char *when, enum tw_log_level level, const char *actor, const char *sentence)
{
    json_t *object = json_pack("{s:s, s:s, s:s, s:s%}", "time", when, "level", level_name(level), "actor", actor,
                               "message", sentence, strlen(sentence));
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    if (text == NULL)
        return;
    size_t length = strlen(text);
    text[length] = '\n'; /* over the NUL: the length is known */
    write_line(text, length + 1);
    free(text);
}

void tw_log(enum tw_log_level level, const char *actor, const char *format, ...)
{
    char sentence[1024], when[40], line[1200];
    struct timespec now;
    struct tm parts;
    va_list arguments;
    if ((int)level > atomic_load(&chosen_level))
        return;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t at = strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(when + at, sizeof when - at, ".%03ldZ", now.tv_nsec / 1000000);
    if (atomic_load(&chosen_json)) {
        write_json(when, level, actor, sentence);
        return;
    }
    int length = snprintf(line, sizeof line, "%s %-7s %-9s %s\n", when, level_name(level), actor, sentence);
    write_line(line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}
