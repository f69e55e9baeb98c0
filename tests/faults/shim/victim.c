/* SPDX-License-Identifier: MIT
 *
 * A program for the shim's own test: does to files what its arguments say, in order.
 *
 *   victim write FILE OFFSET LENGTH LETTER   sync FILE   datasync FILE   syncdir DIR   rename A B   unlink A   link A B
 *          mkdir A   truncate FILE LENGTH   empty FILE (open with O_TRUNC)   append FILE LENGTH LETTER   wait
 *
 * A sync that fails prints `EIO` and goes on. `wait` waits for a kill. Exit code 0: all done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void check(int result, const char *what)
{
    if (result >= 0)
        return;
    if (errno == EIO) {
        puts("EIO");
        return;
    }
    perror(what);
    exit(1);
}

static void put(const char *path, int flags, long offset, size_t length, char letter)
{
    int fd = open(path, flags, 0644);
    check(fd, path);
    char *bytes = malloc(length);
    if (bytes == NULL)
        exit(1);
    memset(bytes, letter, length);
    ssize_t written = offset < 0 ? write(fd, bytes, length) : pwrite(fd, bytes, length, offset);
    if (written != (ssize_t)length)
        exit(1);
    free(bytes);
    close(fd);
}

static void sync_file(const char *path, bool data_only)
{
    int fd = open(path, O_RDONLY);
    check(fd, path);
    check(data_only ? fdatasync(fd) : fsync(fd), path);
    close(fd);
}

/* How many arguments the verb took. */
static int act(char **word)
{
    const char *verb = word[0];
    if (strcmp(verb, "write") == 0)
        return put(word[1], O_WRONLY | O_CREAT, atol(word[2]), (size_t)atol(word[3]), *word[4]), 5;
    if (strcmp(verb, "append") == 0)
        return put(word[1], O_WRONLY | O_CREAT | O_APPEND, -1, (size_t)atol(word[2]), *word[3]), 4;
    if (strcmp(verb, "empty") == 0)
        return close(open(word[1], O_WRONLY | O_CREAT | O_TRUNC, 0644)), 2;
    if (strcmp(verb, "sync") == 0 || strcmp(verb, "syncdir") == 0)
        return sync_file(word[1], false), 2;
    if (strcmp(verb, "datasync") == 0)
        return sync_file(word[1], true), 2;
    if (strcmp(verb, "rename") == 0)
        return check(rename(word[1], word[2]), "rename"), 3;
    if (strcmp(verb, "link") == 0)
        return check(link(word[1], word[2]), "link"), 3;
    if (strcmp(verb, "unlink") == 0)
        return check(unlink(word[1]), "unlink"), 2;
    if (strcmp(verb, "mkdir") == 0)
        return check(mkdir(word[1], 0755), "mkdir"), 2;
    if (strcmp(verb, "truncate") == 0)
        return check(truncate(word[1], atol(word[2])), "truncate"), 3;
    if (strcmp(verb, "wait") == 0)
        return pause(), 1;
    fprintf(stderr, "victim: what is %s?\n", verb);
    exit(2);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc;)
        i += act(argv + i);
    fflush(stdout);
    return 0;
}
