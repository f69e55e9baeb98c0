/* SPDX-License-Identifier: MIT
 *
 * Receivers of alerts for the benchmarks: webhooks on some ports, in one thread, at little cost a request.
 *
 *   bench_sink PORT=MODE [PORT=MODE ...]
 *
 * Modes: ok (204) · slow (204 after 2 s) · busy (429, Retry-After: 1) · closing (reads the request and hangs up) ·
 * broken (500) · down (nobody listens). Counts requests and, by the number in `webhook-id`, alerts that were taken for
 * the first time and again. Says `ready`; then takes lines on stdin: `mode PORT MODE`, and `state`, which is answered
 * by one line of JSON; ends with its input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/bench_common.h"

#define DOORS_MAX 16
#define GUEST_BYTES 65536u
#define ALERTS_MAX (1u << 20)
#define SLOW_NS (2 * INT64_C(1000000000))

enum mode { MODE_OK, MODE_SLOW, MODE_BUSY, MODE_CLOSING, MODE_BROKEN, MODE_DOWN, MODES };
static const char *const mode_names[MODES] = {"ok", "slow", "busy", "closing", "broken", "down"};

enum sort { SORT_STDIN, SORT_DOOR, SORT_GUEST };
struct door {
    enum sort sort;
    uint16_t port;
    int fd; /* -1: nobody listens */
    enum mode mode;
    uint8_t *seen; /* [ALERTS_MAX] */
    uint64_t requests, alerts, repeats, connections;
    int64_t first_ns, last_ns; /* CLOCK_MONOTONIC; of alerts that were new */
};
struct guest {
    enum sort sort;
    int fd;
    struct door *door;
    uint32_t length;
    int64_t answer_ns; /* 0: nothing is held back */
    uint64_t held;
    struct guest *next; /* of those that are held back, the earliest first */
    char bytes[GUEST_BYTES];
};

static struct door doors[DOORS_MAX];
static int door_count, epoll_fd;
static struct guest *held_first, **held_last = &held_first;

static void watch(int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        perror("epoll_ctl");
        exit(3);
    }
}

static void set_mode(struct door *door, const char *name)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(door->port)};
    int on = 1, mode = 0;
    while (mode < MODES && strcmp(mode_names[mode], name) != 0)
        mode++;
    if (mode == MODES) {
        fprintf(stderr, "no such mode: %s\n", name);
        exit(2);
    }
    door->mode = (enum mode)mode;
    if (door->mode == MODE_DOWN || door->fd >= 0)
        return;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    door->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(door->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(door->fd, (const struct sockaddr *)&here, sizeof here) != 0 || listen(door->fd, 128) != 0) {
        perror("listen");
        exit(3);
    }
    watch(door->fd, door);
}

/* ---- guests ---- */

static void welcome(struct door *door)
{
    int fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
    if (fd < 0)
        return;
    struct guest *guest = bench_must(calloc(1, sizeof *guest));
    guest->sort = SORT_GUEST;
    guest->fd = fd;
    guest->door = door;
    door->connections++;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(fd, guest);
}

static void unhold(struct guest *guest)
{
    struct guest **at = &held_first;
    while (*at != NULL && *at != guest)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = guest->next;
    if (held_last == &guest->next)
        held_last = at;
}

static void part(struct guest *guest)
{
    unhold(guest);
    close(guest->fd);
    free(guest);
}

static void answer(const struct guest *guest, const char *text)
{
    ssize_t length = (ssize_t)strlen(text);
    if (send(guest->fd, text, (size_t)length, MSG_NOSIGNAL) != length)
        (void)shutdown(guest->fd, SHUT_RDWR); /* it has gone; the next read says so */
}

static void take(struct guest *guest, uint64_t n)
{
    struct door *door = guest->door;
    int64_t now_ns = bench_clock_ns(CLOCK_MONOTONIC);
    if (n >= ALERTS_MAX || door->seen[n]) {
        door->repeats++;
    } else {
        door->seen[n] = 1;
        door->alerts++;
        door->first_ns = door->alerts == 1 ? now_ns : door->first_ns;
        door->last_ns = now_ns;
    }
    answer(guest, "HTTP/1.1 204 No Content\r\n\r\n");
}

static void hold(struct guest *guest, uint64_t n)
{
    guest->held = n;
    guest->answer_ns = bench_clock_ns(CLOCK_MONOTONIC) + SLOW_NS;
    guest->next = NULL;
    *held_last = guest;
    held_last = &guest->next;
}

static int release_held(void)
{
    for (; held_first != NULL;) {
        struct guest *guest = held_first;
        int64_t left_ns = guest->answer_ns - bench_clock_ns(CLOCK_MONOTONIC);
        if (left_ns > 0)
            return (int)(left_ns / 1000000 + 1);
        unhold(guest);
        guest->answer_ns = 0;
        take(guest, guest->held);
    }
    return -1;
}

/* The value of a header whose name, in small letters, ends in ": "; NULL: it is not there. */
static const char *header(const char *head, const char *name)
{
    const char *found = strcasestr(head, name);
    return found == NULL ? NULL : found + strlen(name);
}

/* False: the guest has gone. */
static bool serve(struct guest *guest, const char *head)
{
    const char *id = header(head, "\r\nwebhook-id: ");
    const char *hyphen = id == NULL ? NULL : strchr(id, '-');
    uint64_t n = hyphen == NULL ? ALERTS_MAX : strtoull(hyphen + 1, NULL, 10);
    guest->door->requests++;
    switch (guest->door->mode) {
    case MODE_SLOW:
        hold(guest, n);
        return true;
    case MODE_BUSY:
        answer(guest, "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n");
        return true;
    case MODE_BROKEN:
        answer(guest, "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n");
        return true;
    case MODE_CLOSING:
        part(guest);
        return false;
    default:
        take(guest, n);
        return true;
    }
}

/* One request at a time: nobody sends the next before the answer to this. */
static void hear(struct guest *guest)
{
    ssize_t length = recv(guest->fd, guest->bytes + guest->length, GUEST_BYTES - 1 - guest->length, 0);
    if (length < 0 && errno == EAGAIN)
        return;
    if (length <= 0) {
        part(guest);
        return;
    }
    guest->length += (uint32_t)length;
    guest->bytes[guest->length] = 0;
    char *end = strstr(guest->bytes, "\r\n\r\n");
    if (end == NULL)
        return;
    *end = 0;
    const char *size = header(guest->bytes, "\r\ncontent-length: ");
    size_t whole = (size_t)(end + 4 - guest->bytes) + (size == NULL ? 0 : strtoul(size, NULL, 10));
    if (guest->length < whole) {
        *end = '\r';
        return;
    }
    guest->length = 0;
    (void)serve(guest, guest->bytes);
}

/* ---- who measures ---- */

static void say_state(void)
{
    printf("{");
    for (int i = 0; i < door_count; i++)
        printf("%s\"%u\": {\"alerts\": %" PRIu64 ", \"requests\": %" PRIu64 ", \"repeats\": %" PRIu64
               ", \"connections\": %" PRIu64 ", \"first_ns\": %" PRId64 ", \"last_ns\": %" PRId64 "}",
               i > 0 ? ", " : "", doors[i].port, doors[i].alerts, doors[i].requests, doors[i].repeats,
               doors[i].connections, doors[i].first_ns, doors[i].last_ns);
    printf("}\n");
    fflush(stdout);
}

static void obey(void)
{
    char line[128], mode[32];
    unsigned port = 0;
    ssize_t length = read(STDIN_FILENO, line, sizeof line - 1); /* one line at a time, and its answer awaited */
    if (length <= 0)
        exit(0);
    line[length] = 0;
    if (sscanf(line, "mode %u %31s", &port, mode) == 2) {
        for (int i = 0; i < door_count; i++)
            if (doors[i].port == port)
                set_mode(&doors[i], mode);
    }
    say_state();
}

int main(int argc, char **argv)
{
    static enum sort stdin_sort = SORT_STDIN;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 1; i < argc && door_count < DOORS_MAX; i++) {
        struct door *door = &doors[door_count++];
        char *mode = strchr(argv[i], '=');
        if (mode == NULL) {
            fprintf(stderr, "usage: see the top of bench_sink.c\n");
            return 2;
        }
        *door = (struct door){.sort = SORT_DOOR, .port = (uint16_t)atoi(argv[i]), .fd = -1};
        door->seen = bench_must(calloc(ALERTS_MAX, 1));
        set_mode(door, mode + 1);
    }
    watch(STDIN_FILENO, &stdin_sort);
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct epoll_event events[64];
        int count = epoll_wait(epoll_fd, events, 64, release_held());
        for (int i = 0; i < count; i++) {
            enum sort sort = *(enum sort *)events[i].data.ptr;
            if (sort == SORT_STDIN)
                obey();
            else if (sort == SORT_DOOR)
                welcome(events[i].data.ptr);
            else
                hear(events[i].data.ptr);
        }
    }
}
