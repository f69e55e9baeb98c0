/* SPDX-License-Identifier: MIT */
#include "actors/runtime/log.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

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

static void write_line(const char *line, size_t length)
{
    while (length > 0) {
        ssize_t written = write(STDERR_FILENO, line, length);
        if (written <= 0)
            return; /* nowhere to complain */
        line += written;
        length -= (size_t)written;
    }
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
