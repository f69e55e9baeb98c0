/* SPDX-License-Identifier: MIT */
#include "actors/delivery/transfer_actor.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "actors/delivery/discretion.h"
#include "protocol/check.h"

#define READY_MAX 64 /* sockets that are looked at in one turn */
/* More than is kept: what is hidden in it gets shorter. */
#define HEARD_BYTES (4 * TW_ANSWER_BYTES_MAX)

/* Its handle is set up once for its receiver and used again. */
struct transfer {
    struct tw_attempt *attempt; /* NULL: none */
    CURL *easy;
    struct curl_slist headers[TW_REQUEST_HEADERS_MAX + 1]; /* point into the request: nothing is copied */
    struct curl_slist *recipients;
    size_t read;             /* bytes of the body that went out */
    char heard[HEARD_BYTES]; /* the beginning of what came back, secrets and all */
    size_t heard_length;
    bool heard_cut;            /* more came */
    uint64_t body_in;          /* bytes of the answer's body */
    struct tw_secrets secrets; /* that the receiver knows */
    char error[CURL_ERROR_SIZE];
    struct transfer *next; /* of its receiver */
};

struct tw_transfers {
    struct tw_transfer_settings settings;
    CURLM *multi;
    int epoll;        /* the sockets that libcurl waits for, as one descriptor */
    int64_t timer_ns; /* when libcurl wants its turn; INT64_MAX: not by itself */
    struct transfer *of[TW_RECEIVERS_MAX];
};

void tw_attempt_say(struct tw_attempt *attempt, const char *text, size_t length)
{
    for (size_t i = 0; i < length && attempt->said_length < TW_ANSWER_BYTES_MAX; i++) {
        char c = text[i];
        if (c == '\r' || c == '\n' || c == '\t')
            c = ' ';
        if (c == ' ' && (attempt->said_length == 0 || attempt->said[attempt->said_length - 1] == ' '))
            continue;
        attempt->said[attempt->said_length++] = (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
    }
}

/* ---- what libcurl asks of a loop ---- */

static int64_t now_of_loop(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int on_socket(CURL *easy, curl_socket_t fd, int action, void *context, void *of_socket)
{
    struct tw_transfers *transfers = context;
    struct epoll_event event = {.data.fd = fd};
    (void)easy, (void)of_socket;
    event.events = (action & CURL_POLL_IN) != 0 ? EPOLLIN : 0;
    event.events |= (action & CURL_POLL_OUT) != 0 ? EPOLLOUT : 0;
    if (action == CURL_POLL_REMOVE)
        epoll_ctl(transfers->epoll, EPOLL_CTL_DEL, fd, NULL); /* or it was closed already */
    else if (epoll_ctl(transfers->epoll, EPOLL_CTL_ADD, fd, &event) != 0 && errno == EEXIST)
        epoll_ctl(transfers->epoll, EPOLL_CTL_MOD, fd, &event);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *context)
{
    struct tw_transfers *transfers = context;
    (void)multi;
    transfers->timer_ns = timeout_ms < 0 ? INT64_MAX : now_of_loop() + (int64_t)timeout_ms * 1000000;
    return 0;
}

struct tw_transfers *tw_transfers_new(const struct tw_transfer_settings *settings)
{
    struct tw_transfers *transfers = tw_alloc_zero(1, sizeof *transfers);
    transfers->settings = *settings;
    transfers->timer_ns = INT64_MAX;
    transfers->multi = curl_multi_init();
    transfers->epoll = epoll_create1(EPOLL_CLOEXEC);
    TW_ASSERT(transfers->multi != NULL && transfers->epoll >= 0);
    curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS, (long)(TW_RECEIVERS_MAX * TW_DELIVERIES_UNDER_WAY_MAX));
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
    return transfers;
}

static void free_transfer(struct tw_transfers *transfers, struct transfer *transfer)
{
    if (transfer->attempt != NULL)
        curl_multi_remove_handle(transfers->multi, transfer->easy);
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->recipients);
    tw_secrets_free(&transfer->secrets);
    free(transfer);
}

void tw_transfers_free(struct tw_transfers **transfers)
{
    if (*transfers == NULL)
        return;
    for (uint32_t i = 0; i < TW_RECEIVERS_MAX; i++)
        for (struct transfer *it = (*transfers)->of[i], *next; it != NULL; it = next) {
            next = it->next;
            free_transfer(*transfers, it);
        }
    curl_multi_cleanup((*transfers)->multi);
    close((*transfers)->epoll);
    free(*transfers);
    *transfers = NULL;
}

/* ---- a request ---- */

static void hear(struct transfer *transfer, const char *bytes, size_t length)
{
    size_t room = sizeof transfer->heard - transfer->heard_length, taken = length < room ? length : room;
    memcpy(transfer->heard + transfer->heard_length, bytes, taken);
    transfer->heard_length += taken;
    transfer->heard_cut = transfer->heard_cut || taken < length;
}

static void forget_heard(struct transfer *transfer)
{
    transfer->heard_length = 0;
    transfer->heard_cut = false;
}

/* A body that does not end would keep the thread of all receivers busy. */
static size_t on_answer(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;
    hear(transfer, bytes, length);
    transfer->body_in += length;
    return transfer->body_in > TW_ANSWER_HEARD_MAX ? CURL_WRITEFUNC_ERROR : length;
}

static bool is_refusal(const char *line, size_t length)
{
    return length > 0 && (line[0] == '4' || line[0] == '5');
}

/* An SMTP server's lines: what it refused is what one wants to read, else its last word. */
static size_t on_smtp_line(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    bool refused = is_refusal(transfer->heard, transfer->heard_length);
    if (!refused)
        forget_heard(transfer);
    if (!refused || is_refusal(bytes, size * count))
        hear(transfer, bytes, size * count);
    return size * count;
}

static size_t on_body(char *out, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    const struct tw_buffer *body = &transfer->attempt->request.body;
    size_t left = body->length - transfer->read, length = size * count < left ? size * count : left;
    memcpy(out, body->bytes + transfer->read, length);
    transfer->read += length;
    return length;
}

/* A reused connection may have died: libcurl sends the body again from its beginning. */
static int on_seek(void *context, curl_off_t offset, int origin)
{
    struct transfer *transfer = context;
    if (origin != SEEK_SET || offset < 0 || (size_t)offset > transfer->attempt->request.body.length)
        return CURL_SEEKFUNC_CANTSEEK;
    transfer->read = (size_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* What the receiver knows of ours, and might repeat. */
static void learn_secrets(struct transfer *transfer, const struct tw_receiver *receiver)
{
    const char *const sent[] = {receiver->routing_key, receiver->aws.access_key_id, receiver->aws.secret_access_key,
                                receiver->aws.session_token};
    if (receiver->kind->transport == TW_TRANSPORT_HTTP)
        tw_secrets_add_url(&transfer->secrets, receiver->address);
    if (receiver->password != NULL)
        tw_secrets_add_login(&transfer->secrets, receiver->user, receiver->password);
    for (size_t i = 0; i < sizeof sent / sizeof *sent; i++)
        if (sent[i] != NULL)
            tw_secrets_add(&transfer->secrets, sent[i], strlen(sent[i]));
}

static void set_common(const struct tw_transfers *transfers, struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* A name server that does not answer: the thread that asks it is left behind, not waited for. */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)transfers->settings.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)transfers->settings.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (transfers->settings.ca_file[0] != '\0')
        curl_easy_setopt(easy, CURLOPT_CAINFO, transfers->settings.ca_file);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
}

static void set_http(struct transfer *transfer, const struct tw_receiver *receiver)
{
    CURL *easy = transfer->easy;
    char url[2048];
    size_t length = strlen(receiver->address);
    bool slash = length > 0 && receiver->address[length - 1] == '/' && receiver->kind->path[0] == '/';
    snprintf(url, sizeof url, "%.*s%s", (int)(slash ? length - 1 : length), receiver->address, receiver->kind->path);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "Tapewarden/" TW_VERSION);
}

static void add_recipients(struct transfer *transfer, const char *to)
{
    for (to += strspn(to, ", "); *to != '\0'; to += strspn(to, ", ")) {
        char recipient[300];
        int length = (int)strcspn(to, ", ");
        snprintf(recipient, sizeof recipient, "<%.*s>", length, to);
        transfer->recipients = curl_slist_append(transfer->recipients, recipient);
        to += length;
    }
}

static void set_smtp(const struct tw_transfers *transfers, struct transfer *transfer,
                     const struct tw_receiver *receiver)
{
    const struct tw_transfer_settings *settings = &transfers->settings;
    CURL *easy = transfer->easy;
    char url[400], from[300];
    bool tls = strcmp(settings->mail_tls, "tls") == 0, starttls = strcmp(settings->mail_tls, "starttls") == 0;
    snprintf(url, sizeof url, "%s://%s:%lld", tls ? "smtps" : "smtp", settings->mail_server,
             (long long)settings->mail_port);
    snprintf(from, sizeof from, "<%s>", receiver->from);
    add_recipients(transfer, receiver->address);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)(starttls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
    if (receiver->user[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_USERNAME, receiver->user);
        curl_easy_setopt(easy, CURLOPT_PASSWORD, receiver->password);
    }
    curl_easy_setopt(easy, CURLOPT_MAIL_FROM, from);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, transfer->recipients);
    curl_easy_setopt(easy, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
    curl_easy_setopt(easy, CURLOPT_SEEKDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_smtp_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
}

static struct transfer *new_transfer(const struct tw_transfers *transfers, const struct tw_receiver *receiver)
{
    struct transfer *transfer = tw_alloc_zero(1, sizeof *transfer);
    transfer->easy = curl_easy_init();
    TW_ASSERT(transfer->easy != NULL);
    learn_secrets(transfer, receiver);
    set_common(transfers, transfer);
    if (receiver->kind->transport == TW_TRANSPORT_HTTP)
        set_http(transfer, receiver);
    else
        set_smtp(transfers, transfer, receiver);
    return transfer;
}

static struct transfer *idle_one(struct tw_transfers *transfers, const struct tw_attempt *attempt)
{
    struct transfer **last = &transfers->of[attempt->number];
    while (*last != NULL && (*last)->attempt != NULL)
        last = &(*last)->next;
    if (*last == NULL)
        *last = new_transfer(transfers, attempt->receiver);
    return *last;
}

/* The list is made by hand: libcurl's own copies each header. */
static void set_headers(struct transfer *transfer, struct tw_request *request)
{
    static char no_expect[] = "Expect:";
    for (uint32_t i = 0; i <= request->header_count; i++)
        transfer->headers[i] = i < request->header_count
                                   ? (struct curl_slist){request->headers[i], &transfer->headers[i + 1]}
                                   : (struct curl_slist){no_expect, NULL};
    curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers);
}

void tw_transfers_begin(struct tw_transfers *transfers, struct tw_attempt *attempt)
{
    struct transfer *transfer = idle_one(transfers, attempt);
    const struct tw_buffer *body = &attempt->request.body;
    transfer->attempt = attempt;
    transfer->read = 0;
    transfer->body_in = 0;
    forget_heard(transfer);
    transfer->error[0] = '\0';
    if (attempt->receiver->kind->transport == TW_TRANSPORT_HTTP) {
        set_headers(transfer, &attempt->request);
        curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->length);
        curl_easy_setopt(transfer->easy, CURLOPT_POSTFIELDS, (const char *)body->bytes);
    } else {
        curl_easy_setopt(transfer->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)body->length);
    }
    TW_ASSERT(curl_multi_add_handle(transfers->multi, transfer->easy) == CURLM_OK);
}

/* ---- its end ---- */

/* A connection that is cut behind the status, by whom ever, does not make it another. An SMTP status counts if it
 * refuses: the last word before a cut may have been about something else. */
static bool has_answered(const struct transfer *transfer, CURLcode result, long status)
{
    if (result == CURLE_OK)
        return true;
    if (transfer->attempt->receiver->kind->transport == TW_TRANSPORT_SMTP)
        return status >= 400 && result != CURLE_OPERATION_TIMEDOUT;
    return status >= 200 && (result == CURLE_PARTIAL_FILE || result == CURLE_RECV_ERROR || result == CURLE_WRITE_ERROR);
}

/* libcurl ends so at a greeting, EHLO, STARTTLS or AUTH that was refused; the first also at the end of the message. */
static bool is_unheard(const struct transfer *transfer, CURLcode result)
{
    return transfer->read == 0 && (result == CURLE_WEIRD_SERVER_REPLY || result == CURLE_REMOTE_ACCESS_DENIED ||
                                   result == CURLE_USE_SSL_FAILED || result == CURLE_LOGIN_DENIED);
}

static void say_discreetly(struct transfer *transfer)
{
    size_t length = tw_hide_secrets(&transfer->secrets, transfer->heard, transfer->heard_length, transfer->heard_cut);
    tw_attempt_say(transfer->attempt, transfer->heard, length);
}

static void end_transfer(struct tw_transfers *transfers, struct transfer *transfer, CURLcode result,
                         struct tw_ended *ended)
{
    struct tw_attempt *attempt = transfer->attempt;
    long status = 0;
    curl_off_t retry_after_s = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
    bool answered = has_answered(transfer, result, status);
    attempt->answer = (struct tw_answer){.answered = answered,
                                         .status = answered ? (int32_t)status : 0,
                                         .retry_after_s = answered ? retry_after_s : 0,
                                         .unheard = is_unheard(transfer, result)};
    if (!answered) {
        const char *why = transfer->error[0] != '\0' ? transfer->error : curl_easy_strerror(result);
        forget_heard(transfer);
        hear(transfer, why, strlen(why));
    }
    say_discreetly(transfer);
    curl_multi_remove_handle(transfers->multi, transfer->easy);
    transfer->attempt = NULL;
    tw_attempt_end(ended, attempt);
}

/* ---- the loop ---- */

int tw_transfers_wait_for(struct tw_transfers *transfers, zmq_pollitem_t *items, int count, int64_t *deadline_ns)
{
    items[count++] = (zmq_pollitem_t){NULL, transfers->epoll, ZMQ_POLLIN, 0};
    if (transfers->timer_ns < *deadline_ns)
        *deadline_ns = transfers->timer_ns;
    return count;
}

/* What is ready now. One that libcurl closes meanwhile it does not know any more, and lets it pass. */
static void feed_sockets(struct tw_transfers *transfers)
{
    struct epoll_event ready[READY_MAX];
    int running = 0, count = epoll_wait(transfers->epoll, ready, READY_MAX, 0);
    for (int i = 0; i < count; i++) {
        uint32_t seen = ready[i].events;
        int mask = ((seen & (EPOLLIN | EPOLLHUP)) != 0 ? CURL_CSELECT_IN : 0) |
                   ((seen & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) | ((seen & EPOLLERR) != 0 ? CURL_CSELECT_ERR : 0);
        curl_multi_socket_action(transfers->multi, ready[i].data.fd, mask, &running);
    }
}

void tw_transfers_work(struct tw_transfers *transfers, int64_t now_ns, struct tw_ended *ended)
{
    int running = 0, left = 0;
    feed_sockets(transfers);
    if (now_ns >= transfers->timer_ns) {
        transfers->timer_ns = INT64_MAX; /* libcurl says when again, from within */
        curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    for (CURLMsg *message; (message = curl_multi_info_read(transfers->multi, &left)) != NULL;) {
        struct transfer *transfer = NULL;
        CURLcode result = message->data.result; /* `message` goes with the handle */
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        end_transfer(transfers, transfer, result, ended);
    }
}
