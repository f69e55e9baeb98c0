/* SPDX-License-Identifier: MIT */
#include "actors/delivery/listing_actor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/check.h"
#include "protocol/json_text.h"

#define PAGE_ROWS 10000u /* that are looked at: some milliseconds */
#define PAGE_BYTES (256u << 10)

enum part { LEDGER, PENDING, DEAD, WAITING, END = TW_LISTING_END };

#define TOTALS_RECEIVERS_MAX 64u /* on one page; further ones begin another */

enum kind { /* of a row */
            KIND_ATTEMPT,
            KIND_PENDING = TW_DELIVERY_NOT_NEEDED + 1,
            KIND_DEAD,
            KIND_COUNT
};
static const char *const kind_words[KIND_COUNT] = {"delivered",  "again",   "rejected", "given_up",
                                                   "not_needed", "pending", "dead"};

struct total {
    char receiver[TW_RECEIVER_BYTES_MAX + 1];
    uint64_t count[KIND_COUNT];
};

struct page {
    struct tw_store *store;
    const struct tw_listing *listing;
    struct tw_listing_place *place;
    FILE *out;
    char *text;
    size_t length;
    uint32_t rows;
    bool full;
    struct total totals[TOTALS_RECEIVERS_MAX];
    uint32_t total_count;
};

static bool is_full(struct page *page)
{
    page->full = ++page->rows >= PAGE_ROWS || ftell(page->out) >= (long)PAGE_BYTES;
    return page->full;
}

static bool is_wanted(const struct page *page, struct tw_text receiver, uint64_t n)
{
    const struct tw_listing *listing = page->listing;
    bool wanted = listing->number_count == 0;
    for (uint32_t i = 0; i < listing->number_count; i++)
        wanted = wanted || listing->numbers[i] == n;
    return wanted && (listing->receiver[0] == '\0' || tw_text_is(receiver, listing->receiver));
}

/* ---- totals ---- */

/* NULL: there is no room for another on this page. */
static struct total *total_of(struct page *page, struct tw_text receiver)
{
    for (uint32_t i = 0; i < page->total_count; i++)
        if (tw_text_is(receiver, page->totals[i].receiver))
            return &page->totals[i];
    if (page->total_count == TOTALS_RECEIVERS_MAX)
        return NULL;
    struct total *total = &page->totals[page->total_count++];
    memcpy(total->receiver, receiver.bytes, receiver.length);
    return total;
}

/* False: the page ends before this row. */
static bool count(struct page *page, struct tw_text receiver, uint64_t n, int kind)
{
    if (!page->listing->totals || !is_wanted(page, receiver, n))
        return true;
    struct total *total = total_of(page, receiver);
    page->full = total == NULL;
    if (total != NULL)
        total->count[kind]++;
    return total != NULL;
}

static void print_totals(const struct page *page)
{
    for (uint32_t i = 0; i < page->total_count; i++) {
        fputs("{\"receiver\":", page->out);
        tw_json_string(page->out, page->totals[i].receiver);
        for (int kind = 0; kind < KIND_COUNT; kind++)
            fprintf(page->out, ",\"%s\":%" PRIu64, kind_words[kind], page->totals[i].count[kind]);
        fputs("}\n", page->out);
    }
}

/* ---- rows ---- */

static void begin_row(FILE *out, struct tw_text receiver, uint64_t n, const char *state)
{
    fprintf(out, "{\"id\":\"%.*s/%" PRIu64 "\",\"receiver\":", (int)receiver.length, receiver.bytes, n);
    tw_json_text(out, receiver);
    fprintf(out, ",\"n\":%" PRIu64 ",\"state\":\"%s\"", n, state);
}

static void print_attempt(FILE *out, const struct tw_store_attempt *attempt)
{
    begin_row(out, attempt->receiver, attempt->n, kind_words[KIND_ATTEMPT + (int)attempt->outcome]);
    fprintf(out, ",\"attempt\":%" PRIu32 ",\"at\":%" PRId64 ",\"latency_us\":%" PRIu32 ",\"status\":%" PRId32,
            attempt->attempts, attempt->began_ns, attempt->latency_us, attempt->status);
    fputs(",\"answer\":", out);
    tw_json_text(out, attempt->answer);
    fputs("}\n", out);
}

static void print_group(FILE *out, struct tw_text group)
{
    if (group.length > 0) {
        fputs(",\"group\":", out);
        tw_json_text(out, group);
    }
}

static void print_waiting(FILE *out, const struct tw_store_waiting *waiting)
{
    begin_row(out, waiting->receiver, waiting->n, kind_words[KIND_PENDING]);
    fprintf(out, ",\"attempts\":0,\"queued_at\":%" PRId64 ",\"next_at\":%" PRId64, waiting->queued_ns,
            waiting->queued_ns);
    print_group(out, waiting->group);
    fputs("}\n", out);
}

static void print_delivery(FILE *out, const struct tw_store_delivery *delivery, bool dead)
{
    begin_row(out, delivery->receiver, delivery->n, kind_words[dead ? KIND_DEAD : KIND_PENDING]);
    fprintf(out, ",\"attempts\":%" PRIu32 ",\"queued_at\":%" PRId64 ",\"%s\":%" PRId64, delivery->attempts,
            delivery->queued_ns, dead ? "died_at" : "next_at", delivery->at_ns);
    print_group(out, delivery->group);
    if (dead) {
        fprintf(out,
                ",\"reason\":\"%s\",\"answer\":", delivery->reason == TW_REASON_REJECTED ? "rejected" : "deadline");
        tw_json_text(out, delivery->why);
    }
    fputs("}\n", out);
}

/* ---- a page ---- */

static bool visit_attempt(void *context, const struct tw_store_attempt *attempt)
{
    struct page *page = context;
    struct tw_listing_place *place = page->place;
    if (attempt->began_ns == place->ns && attempt->ordinal <= place->ordinal && place->n != 0)
        return true; /* on the page before */
    bool state = page->listing->state == TW_LISTING_ALL || attempt->outcome == TW_DELIVERY_DONE;
    if (state && !count(page, attempt->receiver, attempt->n, KIND_ATTEMPT + (int)attempt->outcome))
        return false;
    place->ns = attempt->began_ns;
    place->ordinal = attempt->ordinal;
    place->n = 1; /* the place is one that was given */
    if (state && !page->listing->totals && is_wanted(page, attempt->receiver, attempt->n))
        print_attempt(page->out, attempt);
    return !is_full(page);
}

static bool is_behind(const struct tw_listing_place *place, const struct tw_store_delivery *delivery)
{
    size_t length = strlen(place->receiver), common = delivery->receiver.length;
    common = common < length ? common : length;
    int order = memcmp(delivery->receiver.bytes, place->receiver, common);
    if (order == 0 && delivery->receiver.length != length)
        order = delivery->receiver.length < length ? -1 : 1;
    return order > 0 || (order == 0 && delivery->n > place->n);
}

static bool visit_delivery(void *context, const struct tw_store_delivery *delivery)
{
    struct page *page = context;
    struct tw_listing_place *place = page->place;
    if (place->receiver[0] != '\0' && !is_behind(place, delivery))
        return true;
    if (!count(page, delivery->receiver, delivery->n, place->part == DEAD ? KIND_DEAD : KIND_PENDING))
        return false;
    memcpy(place->receiver, delivery->receiver.bytes, delivery->receiver.length);
    place->receiver[delivery->receiver.length] = '\0';
    place->n = delivery->n;
    if (!page->listing->totals && is_wanted(page, delivery->receiver, delivery->n))
        print_delivery(page->out, delivery, place->part == DEAD);
    return !is_full(page);
}

static bool visit_member(void *context, const struct tw_store_waiting *member)
{
    struct page *page = context;
    if (member->n == member->hash) /* the row that stands for all, which was visited */
        return true;
    if (!count(page, member->receiver, member->n, KIND_PENDING))
        return false;
    if (!page->listing->totals && is_wanted(page, member->receiver, member->n))
        print_waiting(page->out, member);
    return true;
}

/* Those that a pending row stands for stand behind it, on its page. */
static bool visit_pending(void *context, const struct tw_store_delivery *delivery)
{
    struct page *page = context;
    struct tw_listing_place *place = page->place;
    bool is_new = place->receiver[0] == '\0' || is_behind(place, delivery);
    bool go_on = visit_delivery(context, delivery);
    bool visited = is_new && place->n == delivery->n && tw_text_is(delivery->receiver, place->receiver);
    if (visited && delivery->group.length > 0)
        (void)tw_store_members(page->store, delivery->receiver, delivery->n, visit_member, page, NULL);
    return go_on;
}

static bool visit_waiting(void *context, const struct tw_store_waiting *waiting)
{
    struct page *page = context;
    struct tw_listing_place *place = page->place;
    const struct tw_store_delivery as_receiver = {.receiver = waiting->receiver, .n = UINT64_MAX};
    bool same = tw_text_is(waiting->receiver, place->receiver);
    if (place->receiver[0] != '\0' && ((same && (waiting->hash < (uint64_t)place->ns ||
                                                 (waiting->hash == (uint64_t)place->ns && waiting->n <= place->n))) ||
                                       (!same && !is_behind(place, &as_receiver))))
        return true;
    if (!count(page, waiting->receiver, waiting->n, KIND_PENDING))
        return false;
    memcpy(place->receiver, waiting->receiver.bytes, waiting->receiver.length);
    place->receiver[waiting->receiver.length] = '\0';
    place->ns = (int64_t)waiting->hash;
    place->n = waiting->n;
    if (!page->listing->totals && is_wanted(page, waiting->receiver, waiting->n))
        print_waiting(page->out, waiting);
    return !is_full(page);
}

static bool list_part(struct tw_store *store, struct page *page, struct tw_store_error *error)
{
    const struct tw_listing *listing = page->listing;
    struct tw_text receiver = {listing->receiver, (uint32_t)strlen(listing->receiver)};
    enum part part = (enum part)page->place->part;
    if (part == LEDGER)
        return tw_store_ledger(store, page->place->ns, visit_attempt, page, error);
    if (part == WAITING)
        return tw_store_waiting(store, receiver, (uint64_t)page->place->ns, page->place->n, visit_waiting, page, error);
    uint64_t after = receiver.length > 0 ? page->place->n : 0;
    return tw_store_deliveries(store, part == PENDING ? TW_DELIVERY_PENDING : TW_DELIVERY_DEAD, receiver, after,
                               part == PENDING ? visit_pending : visit_delivery, page, error);
}

static bool has_part(const struct tw_listing *listing, uint32_t part)
{
    switch (listing->state) {
    case TW_LISTING_ALL:
        return true;
    case TW_LISTING_DELIVERED:
        return part == LEDGER;
    case TW_LISTING_PENDING:
        return part == PENDING || part == WAITING;
    case TW_LISTING_DEAD:
        return part == DEAD;
    }
    TW_UNREACHABLE("a state that nothing is in");
}

bool tw_listing_page(struct tw_store *store, const struct tw_listing *listing, struct tw_listing_place *place,
                     struct tw_buffer *out, struct tw_store_error *error)
{
    struct page page = {.store = store, .listing = listing, .place = place};
    bool ok = true;
    page.out = open_memstream(&page.text, &page.length);
    TW_ASSERT(page.out != NULL);
    while (ok && !page.full && place->part < END) {
        ok = !has_part(listing, place->part) || list_part(store, &page, error);
        if (!page.full)
            *place = (struct tw_listing_place){.part = place->part + 1};
    }
    print_totals(&page);
    TW_ASSERT(fclose(page.out) == 0);
    tw_buffer_append(out, page.text, page.length);
    free(page.text);
    return ok;
}

/* ---- as texts ---- */

bool tw_listing_id(const char *text, char receiver[TW_RECEIVER_BYTES_MAX + 1], uint64_t *n)
{
    size_t length = strcspn(text, "/");
    char *end = NULL;
    *n = 0;
    if (length == 0 || length > TW_RECEIVER_BYTES_MAX)
        return false;
    memcpy(receiver, text, length);
    receiver[length] = '\0';
    if (text[length] == '\0')
        return true;
    *n = strtoull(text + length + 1, &end, 10);
    return text[length + 1] >= '1' && text[length + 1] <= '9' && *end == '\0';
}

static const char *const state_words[] = {"all", "pending", "delivered", "dead"};

/* "part receiver n ns ordinal" */
static int print_place(const struct tw_listing_place *place, char *out, size_t bytes)
{
    return snprintf(out, bytes, "%" PRIu32 " %s %" PRIu64 " %" PRId64 " %" PRIu32, place->part,
                    place->receiver[0] == '\0' ? "-" : place->receiver, place->n, place->ns, place->ordinal);
}

static bool read_place(const char *text, struct tw_listing_place *place)
{
    memset(place, 0, sizeof *place);
    if (sscanf(text, "%" SCNu32 " %32s %" SCNu64 " %" SCNd64 " %" SCNu32, &place->part, place->receiver, &place->n,
               &place->ns, &place->ordinal) != 5 ||
        place->part > END)
        return false;
    if (strcmp(place->receiver, "-") == 0)
        place->receiver[0] = '\0';
    return true;
}

void tw_listing_ask(const struct tw_listing *listing, const struct tw_listing_place *place,
                    char out[TW_LISTING_COMMAND_BYTES])
{
    int length = snprintf(out, TW_LISTING_COMMAND_BYTES, "deliveries %s %s %s ", listing->totals ? "totals" : "list",
                          state_words[listing->state], listing->receiver[0] == '\0' ? "-" : listing->receiver);
    length += print_place(place, out + length, TW_LISTING_COMMAND_BYTES - (size_t)length);
    for (uint32_t i = 0; i < listing->number_count; i++)
        length += snprintf(out + length, TW_LISTING_COMMAND_BYTES - (size_t)length, "%c%" PRIu64, i == 0 ? ' ' : ',',
                           listing->numbers[i]);
    TW_ASSERT(length > 0 && length < (int)TW_LISTING_COMMAND_BYTES);
}

/* Behind the place, if there are any. False: what stands there is no numbers. */
static bool read_numbers(const char *text, struct tw_listing *listing)
{
    char *end = NULL;
    for (int fields = 0; fields < 5; fields++)
        text += strspn(text, " ") + strcspn(text + strspn(text, " "), " ");
    while (*text != '\0') {
        if (listing->number_count == TW_LISTING_NUMBERS_MAX)
            return false;
        listing->numbers[listing->number_count++] = strtoull(text + 1, &end, 10);
        if (end == text + 1 || (*end != ',' && *end != '\0'))
            return false;
        text = end;
    }
    return true;
}

bool tw_listing_read(const char *answer, struct tw_listing_place *place, const char **lines)
{
    *lines = strchr(answer, '\n');
    if (*lines == NULL || !read_place(answer, place))
        return false;
    (*lines)++;
    return true;
}

static bool refuse(struct tw_store_error *error)
{
    error->status = TW_STORE_FAILED;
    snprintf(error->text, sizeof error->text,
             "deliveries takes list, totals and retry; is the daemon of another version?");
    return false;
}

static bool list(struct tw_store *store, const char *rest, bool totals, struct tw_buffer *out,
                 struct tw_store_error *error)
{
    struct tw_listing listing = {.state = TW_LISTING_ALL, .totals = totals};
    struct tw_listing_place place;
    struct tw_buffer lines = {0};
    char word[16], next[128];
    int at = 0;
    if (sscanf(rest, "%15s %32s %n", word, listing.receiver, &at) != 2 || at == 0 || !read_place(rest + at, &place) ||
        !read_numbers(rest + at, &listing))
        return refuse(error);
    if (strcmp(listing.receiver, "-") == 0)
        listing.receiver[0] = '\0';
    for (int i = 0; i <= TW_LISTING_DEAD; i++)
        if (strcmp(state_words[i], word) == 0)
            listing.state = (enum tw_listing_state)i;
    bool ok = tw_listing_page(store, &listing, &place, &lines, error);
    if (ok) {
        print_place(&place, next, sizeof next);
        tw_buffer_append(out, next, strlen(next));
        tw_buffer_append(out, "\n", 1);
        tw_buffer_append(out, lines.bytes, lines.length);
    }
    tw_buffer_free(&lines);
    return ok;
}

static bool retry(struct tw_store *store, const char *rest, int64_t wall_ns, struct tw_buffer *out,
                  struct tw_store_error *error)
{
    char receiver[TW_RECEIVER_BYTES_MAX + 1], text[32];
    uint64_t n = 0, count = 0;
    if (sscanf(rest, "%32s %" SCNu64, receiver, &n) != 2)
        return refuse(error);
    struct tw_text name = {receiver, (uint32_t)strlen(receiver)};
    if (tw_store_retry(store, name, n, wall_ns, &count, error) != TW_STORE_OK)
        return false;
    int length = snprintf(text, sizeof text, "%" PRIu64, count);
    tw_buffer_append(out, text, (size_t)length);
    return true;
}

bool tw_listing_command(struct tw_store *store, const char *command, int64_t wall_ns, struct tw_buffer *out,
                        struct tw_store_error *error)
{
    if (strncmp(command, "list ", 5) == 0)
        return list(store, command + 5, false, out, error);
    if (strncmp(command, "totals ", 7) == 0)
        return list(store, command + 7, true, out, error);
    if (strncmp(command, "retry ", 6) == 0)
        return retry(store, command + 6, wall_ns, out, error);
    return refuse(error);
}
