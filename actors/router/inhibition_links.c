/* SPDX-License-Identifier: MIT
 *
 * The inhibitor's tables: alerts by id, groups by rule and key.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/router/inhibition_state.h"
#include "protocol/check.h"

#define SLOTS_FIRST 64u

uint64_t tw_inhibit_hash(uint64_t hash, const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < length; i++) /* FNV-1a */
        hash = (hash ^ at[i]) * 0x100000001b3u;
    return hash;
}

static struct tw_link **slot_of(const struct tw_links *links, uint64_t hash)
{
    return &links->slots[(hash ^ hash >> 32) & (links->capacity - 1)];
}

struct tw_link *tw_links_first(const struct tw_links *links, uint64_t hash)
{
    struct tw_link *link = links->capacity == 0 ? NULL : *slot_of(links, hash);
    while (link != NULL && link->hash != hash)
        link = link->next;
    return link;
}

static void grow(struct tw_links *links)
{
    struct tw_links larger = {.capacity = links->capacity == 0 ? SLOTS_FIRST : links->capacity * 2};
    larger.slots = tw_alloc_zero(larger.capacity, sizeof *larger.slots);
    for (uint32_t i = 0; i < links->capacity; i++)
        for (struct tw_link *link = links->slots[i], *next; link != NULL; link = next) {
            next = link->next;
            tw_links_add(&larger, link);
        }
    free(links->slots);
    *links = larger;
}

void tw_links_add(struct tw_links *links, struct tw_link *link)
{
    if (links->count == links->capacity)
        grow(links);
    struct tw_link **slot = slot_of(links, link->hash);
    link->next = *slot;
    *slot = link;
    links->count++;
}

void tw_links_remove(struct tw_links *links, struct tw_link *link)
{
    struct tw_link **at = slot_of(links, link->hash);
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    links->count--;
}

/* ---- lists ---- */

void tw_inhibit_put_first(struct tw_inhibit_node *node, struct tw_inhibit_group *group, struct tw_inhibit_node **head)
{
    *node = (struct tw_inhibit_node){node->entry, group, NULL, *head, head};
    if (*head != NULL)
        (*head)->before = node;
    *head = node;
}

void tw_inhibit_hold_ends(struct tw_inhibitor *inhibitor, int64_t until_ns)
{
    if (until_ns < inhibitor->held_until_ns)
        inhibitor->held_until_ns = until_ns;
}

void tw_inhibit_hold_add(struct tw_inhibitor *inhibitor, struct tw_inhibit_hold *hold)
{
    hold->older = inhibitor->held_newest;
    hold->newer = NULL;
    if (hold->older != NULL)
        hold->older->newer = hold;
    else
        inhibitor->held_oldest = hold;
    inhibitor->held_newest = hold;
    inhibitor->held_count++;
    tw_inhibit_hold_ends(inhibitor, hold->until_ns);
}

/* ---- groups ---- */

bool tw_inhibit_key(const struct tw_inhibit_rule *rule, const struct tw_labels *labels,
                    char key[TW_INHIBIT_KEY_BYTES_MAX], struct tw_text *out)
{
    uint32_t length = 0;
    for (int i = 0; i < TW_LABEL_COUNT; i++) {
        const struct tw_text *value = &labels->value[i];
        if ((rule->equal >> i & 1u) == 0)
            continue;
        if (value->length == 0 || length + value->length + 1 > TW_INHIBIT_KEY_BYTES_MAX)
            return false;
        memcpy(key + length, value->bytes, value->length);
        key[length + value->length] = '\0';
        length += value->length + 1;
    }
    *out = (struct tw_text){key, length};
    return true;
}

struct tw_inhibit_group *tw_inhibit_group(struct tw_inhibitor *inhibitor, uint32_t rule, struct tw_text key, bool make)
{
    uint64_t hash = tw_inhibit_hash(0xcbf29ce484222325u + rule, key.bytes, key.length);
    struct tw_link *link = tw_links_first(&inhibitor->groups, hash);
    for (; link != NULL; link = link->next) {
        struct tw_inhibit_group *group = (struct tw_inhibit_group *)link;
        if (link->hash == hash && group->rule == rule && group->key_length == key.length &&
            memcmp(group->key, key.bytes, key.length) == 0)
            return group;
    }
    if (!make)
        return NULL;
    struct tw_inhibit_group *group = tw_alloc_zero(1, sizeof *group + key.length + 1);
    group->link.hash = hash;
    group->rule = rule;
    group->key_length = key.length;
    memcpy(group->key, key.bytes, key.length);
    tw_links_add(&inhibitor->groups, &group->link);
    return group;
}

/* ---- alerts ---- */

static uint64_t hash_of(const uint8_t id[TW_ALERT_ID_BYTES])
{
    uint64_t hash;
    memcpy(&hash, id, sizeof hash); /* it is one */
    return hash;
}

struct tw_inhibit_entry *tw_inhibit_entry_new(struct tw_inhibitor *inhibitor, const uint8_t id[TW_ALERT_ID_BYTES])
{
    struct tw_inhibit_entry *entry = tw_alloc_zero(1, sizeof *entry + inhibitor->rule_count * sizeof entry->sources[0]);
    entry->link.hash = hash_of(id);
    memcpy(entry->id, id, sizeof entry->id);
    entry->muted.entry = entry;
    for (uint32_t i = 0; i < inhibitor->rule_count; i++)
        entry->sources[i].entry = entry;
    tw_links_add(&inhibitor->entries, &entry->link);
    return entry;
}

static void own(struct tw_text *text, struct tw_text from)
{
    char *copy = tw_strndup(from.length == 0 ? "" : from.bytes, from.length);
    free((void *)(uintptr_t)text->bytes);
    *text = (struct tw_text){copy, from.length};
}

static void unlink_in_time(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry)
{
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else if (inhibitor->oldest == entry)
        inhibitor->oldest = entry->newer;
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else if (inhibitor->newest == entry)
        inhibitor->newest = entry->older;
}

void tw_inhibit_entry_set(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry,
                          const struct tw_routing_facts *facts)
{
    struct tw_text entity = entry->facts.entity, publisher = entry->facts.publisher;
    own(&entity, facts->entity);
    own(&publisher, facts->publisher);
    entry->facts = *facts;
    entry->facts.entity = entity;
    entry->facts.publisher = publisher;
    unlink_in_time(inhibitor, entry);
    entry->older = inhibitor->newest;
    entry->newer = NULL;
    if (entry->older != NULL)
        entry->older->newer = entry;
    else
        inhibitor->oldest = entry;
    inhibitor->newest = entry;
}

void tw_inhibit_entry_free(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry)
{
    unlink_in_time(inhibitor, entry);
    tw_links_remove(&inhibitor->entries, &entry->link);
    free((void *)(uintptr_t)entry->facts.entity.bytes);
    free((void *)(uintptr_t)entry->facts.publisher.bytes);
    free(entry);
}

struct tw_inhibit_entry *tw_inhibit_entry(const struct tw_inhibitor *inhibitor, const uint8_t id[TW_ALERT_ID_BYTES])
{
    struct tw_link *link = tw_links_first(&inhibitor->entries, hash_of(id));
    while (link != NULL && memcmp(((struct tw_inhibit_entry *)link)->id, id, TW_ALERT_ID_BYTES) != 0)
        link = link->next;
    return (struct tw_inhibit_entry *)link;
}
