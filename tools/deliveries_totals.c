/* SPDX-License-Identifier: MIT */
#include "tools/deliveries_totals.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

static const char *const columns[] = {"delivered", "again", "rejected", "given_up", "not_needed", "pending", "dead"};
#define COLUMNS (sizeof columns / sizeof *columns)

/* The page's counts onto those of the pages before. */
static void add_row(json_t *totals, json_t *row)
{
    const char *receiver = json_string_value(json_object_get(row, "receiver"));
    if (receiver == NULL)
        return;
    json_t *total = json_object_get(totals, receiver);
    if (total == NULL) {
        json_object_set(totals, receiver, row);
        return;
    }
    for (size_t i = 0; i < COLUMNS; i++) {
        json_int_t sum = json_integer_value(json_object_get(total, columns[i])) +
                         json_integer_value(json_object_get(row, columns[i]));
        json_object_set_new(total, columns[i], json_integer(sum));
    }
}

static void add_page(void *context, const char *lines)
{
    for (const char *end; (end = strchr(lines, '\n')) != NULL; lines = end + 1) {
        json_t *row = json_loadb(lines, (size_t)(end - lines), 0, NULL);
        if (row != NULL)
            add_row(context, row);
        json_decref(row);
    }
}

static void print_table(json_t *totals, FILE *out)
{
    const char *receiver;
    json_t *total;
    fprintf(out, "%-20s", "receiver");
    for (size_t i = 0; i < COLUMNS; i++)
        fprintf(out, " %10s", columns[i]);
    fputc('\n', out);
    json_object_foreach(totals, receiver, total)
    {
        fprintf(out, "%-20s", receiver);
        for (size_t i = 0; i < COLUMNS; i++)
            fprintf(out, " %10" PRId64, (int64_t)json_integer_value(json_object_get(total, columns[i])));
        fputc('\n', out);
    }
}

bool tw_deliveries_totals(const char *directory, const char *receiver, bool json, FILE *out,
                          struct tw_store_error *error)
{
    struct tw_listing listing = {.state = TW_LISTING_ALL, .totals = true};
    const char *name;
    json_t *totals = json_object(), *total;
    snprintf(listing.receiver, sizeof listing.receiver, "%s", receiver == NULL ? "" : receiver);
    bool ok = tw_ledger_read(directory, &listing, 0, add_page, totals, error);
    if (ok && !json)
        print_table(totals, out);
    if (ok && json)
        json_object_foreach(totals, name, total)
        {
            json_dumpf(total, out, JSON_COMPACT);
            fputc('\n', out);
        }
    json_decref(totals);
    return ok;
}
