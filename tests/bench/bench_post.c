/* SPDX-License-Identifier: MIT
 *
 * The floor of the benchmark of deliveries: libcurl alone, posting the same body again and again over some connections.
 *
 *   bench_post REQUESTS CONNECTIONS BODY-BYTES URL [URL ...]
 *
 * So many requests to each URL, under webhook ids like the daemon's (which bench_sink counts), easy handles and
 * connections used again, one loop on libcurl's own curl_multi_poll. Prints one JSON line: seconds and processor time.
 */
#include <curl/curl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/bench_common.h"

#define SLOTS_MAX 1024

struct target {
    const char *url;
    uint64_t begun, done, failed;
};
struct slot {
    CURL *easy;
    struct curl_slist *headers;
    struct target *target;
};

static uint64_t requests;
static char *body;

static size_t ignore(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes, (void)context;
    return size * count;
}

static void post(CURLM *multi, struct slot *slot)
{
    char id[96];
    snprintf(id, sizeof id, "webhook-id: 0123456789abcdef0123456789abcdef-%" PRIu64, ++slot->target->begun);
    curl_slist_free_all(slot->headers);
    slot->headers = curl_slist_append(NULL, "content-type: application/json");
    slot->headers = curl_slist_append(slot->headers, id);
    slot->headers = curl_slist_append(slot->headers, "webhook-timestamp: 1700000000");
    slot->headers = curl_slist_append(slot->headers, "Expect:");
    curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, slot->headers);
    curl_multi_add_handle(multi, slot->easy);
}

static void prepare(struct slot *slot, struct target *target)
{
    slot->target = target;
    slot->easy = bench_must(curl_easy_init());
    curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
    curl_easy_setopt(slot->easy, CURLOPT_URL, target->url);
    curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, ignore);
}

/* Ends those that are done, and begins as many. */
static void turn(CURLM *multi, uint64_t *left)
{
    int queued = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(multi, &queued)) != NULL;) {
        struct slot *slot = NULL;
        long status = 0;
        CURL *easy = message->easy_handle;
        bool ok = message->data.result == CURLE_OK;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&slot);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        curl_multi_remove_handle(multi, easy);
        slot->target->done++;
        slot->target->failed += !ok || status != 204;
        --*left;
        if (slot->target->begun < requests)
            post(multi, slot);
    }
}

int main(int argc, char **argv)
{
    static struct slot slots[SLOTS_MAX];
    static struct target targets[SLOTS_MAX];
    if (argc < 5 || atoi(argv[2]) < 1 || atoi(argv[2]) * (argc - 4) > SLOTS_MAX) {
        fprintf(stderr, "usage: see the top of bench_post.c\n");
        return 2;
    }
    int urls = argc - 4, connections = atoi(argv[2]), running = 0;
    size_t bytes = strtoul(argv[3], NULL, 10);
    requests = strtoull(argv[1], NULL, 10);
    body = bench_must(calloc(1, bytes + 1));
    memset(body, 'x', bytes);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    CURLM *multi = curl_multi_init();
    uint64_t left = requests * (uint64_t)urls, failed = 0;
    int64_t begun_ns = bench_clock_ns(CLOCK_MONOTONIC);
    for (int i = 0; i < urls; i++) {
        targets[i].url = argv[4 + i];
        for (int j = 0; j < connections && targets[i].begun < requests; j++) {
            prepare(&slots[i * connections + j], &targets[i]);
            post(multi, &slots[i * connections + j]);
        }
    }
    while (left > 0) {
        curl_multi_perform(multi, &running);
        turn(multi, &left);
        if (left > 0)
            curl_multi_poll(multi, NULL, 0, 1000, NULL);
    }
    double seconds = (double)(bench_clock_ns(CLOCK_MONOTONIC) - begun_ns) / BENCH_NS_PER_SECOND;
    double cpu = (double)bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID) / BENCH_NS_PER_SECOND;
    for (int i = 0; i < urls; i++)
        failed += targets[i].failed;
    printf("{\"requests\": %" PRIu64 ", \"failed\": %" PRIu64 ", \"seconds\": %.3f, \"cpu_seconds\": %.3f}\n",
           requests * (uint64_t)urls, failed, seconds, cpu);
    return failed > 0;
}
