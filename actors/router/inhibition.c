/* SPDX-License-Identifier: MIT */
#include "actors/router/inhibition.h"

#include <stdlib.h>
#include <string.h>

#include "actors/router/inhibition_state.h"
#include "protocol/check.h"

/* ---- making ---- */

struct tw_inhibitor *tw_inhibitor_from(const struct tw_cfg *cfg)
{
    struct tw_cfg_inhibition from[TW_INHIBITIONS_MAX];
    char why[TW_MATCHER_WHY_BYTES];
    uint32_t count = tw_cfg_inhibitions(cfg, from);
    struct tw_inhibitor *inhibitor = count == 0 ? NULL : tw_alloc_zero(1, sizeof *inhibitor);
    if (inhibitor != NULL)
        inhibitor->held_until_ns = INT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        struct tw_inhibit_rule *rule = &inhibitor->rules[inhibitor->rule_count++];
        const char *words[] = {from[i].name, from[i].source, from[i].target,
                               from[i].equal == NULL ? "" : from[i].equal};
        *rule = (struct tw_inhibit_rule){.name = from[i].name, .hold_ns = from[i].hold_s * TW_NS_PER_SECOND};
        rule->source = tw_matchers_read(from[i].source, why);
        rule->target = tw_matchers_read(from[i].target, why);
        TW_ASSERT(rule->source != NULL && rule->target != NULL); /* the configuration was checked */
        TW_ASSERT(from[i].equal == NULL || tw_labels_read(from[i].equal, &rule->equal));
        for (size_t j = 0; j < sizeof words / sizeof words[0]; j++)
            inhibitor->rules_hash = tw_inhibit_hash(inhibitor->rules_hash, words[j], strlen(words[j]) + 1);
        inhibitor->rules_hash = tw_inhibit_hash(inhibitor->rules_hash, &from[i].hold_s, sizeof from[i].hold_s);
    }
    return inhibitor;
}

static void free_links(struct tw_links *links)
{
    for (uint32_t i = 0; i < links->capacity; i++)
        for (struct tw_link *link = links->slots[i], *next; link != NULL; link = next) {
            next = link->next;
            free(link);
        }
    free(links->slots);
}

void tw_inhibitor_free(struct tw_inhibitor **inhibitor_pointer)
{
    struct tw_inhibitor *inhibitor = *inhibitor_pointer;
    if (inhibitor == NULL)
        return;
    while (inhibitor->newest != NULL)
        tw_inhibit_entry_free(inhibitor, inhibitor->newest);
    free_links(&inhibitor->entries);
    free_links(&inhibitor->groups);
    for (uint32_t i = 0; i < inhibitor->rule_count; i++) {
        tw_matchers_free(&inhibitor->rules[i].source);
        tw_matchers_free(&inhibitor->rules[i].target);
    }
    free(inhibitor);
    *inhibitor_pointer = NULL;
}

uint64_t tw_inhibitor_last(const struct tw_inhibitor *inhibitor)
{
    return inhibitor->last;
}

/* ---- who mutes whom ---- */

struct muting {
    struct tw_inhibit_group *group; /* NULL: nothing mutes it */
    uint64_t by;
};

/* A source of that sort in the group that holds at ts and is not the alert itself; 0: none. */
static uint64_t holder(const struct tw_inhibit_group *group, int sort, const struct tw_inhibit_entry *self,
                       int64_t ts_ns)
{
    const struct tw_inhibit_node *node = group->sources[sort];
    if (node != NULL && node->entry == self)
        node = node->after;
    if (node != NULL)
        return node->entry->first_n;
    return group->holds[sort].n != 0 && ts_ns < group->holds[sort].until_ns ? group->holds[sort].n : 0;
}

static bool is(const struct tw_matchers *matchers, const struct tw_labels *labels)
{
    return tw_matchers_against(matchers, labels) == NULL;
}

/* What in the group mutes a target of its rule; 0: nothing. */
static uint64_t muter(const struct tw_inhibitor *inhibitor, const struct tw_inhibit_group *group,
                      const struct tw_inhibit_entry *self, const struct tw_labels *labels, int64_t ts_ns)
{
    uint64_t by = holder(group, TW_PLAIN, self, ts_ns);
    if (by == 0 && !is(inhibitor->rules[group->rule].source, labels))
        by = holder(group, TW_BOTH, self, ts_ns);
    return by;
}

static struct muting mutes(const struct tw_inhibitor *inhibitor, const struct tw_inhibit_entry *self,
                           const struct tw_routing_facts *facts)
{
    struct tw_labels labels = tw_routing_labels(facts);
    char bytes[TW_INHIBIT_KEY_BYTES_MAX];
    struct tw_text key;
    for (uint32_t i = 0; i < inhibitor->rule_count; i++) {
        const struct tw_inhibit_rule *rule = &inhibitor->rules[i];
        if (!is(rule->target, &labels) || !tw_inhibit_key(rule, &labels, bytes, &key))
            continue;
        /* Without `make` it is only looked for. */
        struct tw_inhibit_group *group = tw_inhibit_group((struct tw_inhibitor *)(uintptr_t)inhibitor, i, key, false);
        if (group == NULL)
            continue;
        uint64_t by = muter(inhibitor, group, self, &labels, facts->ts_ns);
        if (by != 0)
            return (struct muting){group, by};
    }
    return (struct muting){NULL, 0};
}

static bool ends(enum tw_event_kind kind)
{
    return kind == TW_EVENT_RESOLVE || kind == TW_EVENT_RETRACT;
}

static struct tw_inhibition named(const struct tw_inhibitor *inhibitor, const struct tw_inhibit_group *group,
                                  uint64_t by)
{
    return (struct tw_inhibition){group == NULL ? NULL : inhibitor->rules[group->rule].name, by};
}

struct tw_inhibition tw_inhibitor_mutes(const struct tw_inhibitor *inhibitor, const struct tw_inhibited *event)
{
    const struct tw_inhibit_entry *self = tw_inhibit_entry(inhibitor, event->id);
    if (ends(event->facts.kind))
        return self == NULL || self->told ? named(inhibitor, NULL, 0) : named(inhibitor, self->muted.group, self->by);
    struct muting muting = mutes(inhibitor, self, &event->facts);
    return named(inhibitor, muting.group, muting.by);
}

/* ---- in and out of groups ---- */

static void drop_if_empty(struct tw_inhibitor *inhibitor, struct tw_inhibit_group *group)
{
    if (group->sources[TW_PLAIN] != NULL || group->sources[TW_BOTH] != NULL || group->muted != NULL ||
        group->holds[TW_PLAIN].n != 0 || group->holds[TW_BOTH].n != 0)
        return;
    tw_links_remove(&inhibitor->groups, &group->link);
    free(group);
}

static void take_out(struct tw_inhibit_node *node)
{
    if (node->group == NULL)
        return;
    *(node->before == NULL ? node->head : &node->before->after) = node->after;
    if (node->after != NULL)
        node->after->before = node->before;
    node->group = NULL;
}

static void mute(struct tw_inhibit_entry *entry, struct tw_inhibit_group *group, uint64_t by)
{
    entry->by = by;
    tw_inhibit_put_first(&entry->muted, group, &group->muted);
}

void tw_inhibit_link_sources(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry)
{
    struct tw_labels labels = tw_routing_labels(&entry->facts);
    char bytes[TW_INHIBIT_KEY_BYTES_MAX];
    struct tw_text key;
    for (uint32_t i = 0; i < inhibitor->rule_count; i++) {
        const struct tw_inhibit_rule *rule = &inhibitor->rules[i];
        if (!is(rule->source, &labels) || !tw_inhibit_key(rule, &labels, bytes, &key))
            continue;
        struct tw_inhibit_group *group = tw_inhibit_group(inhibitor, i, key, true);
        int sort = is(rule->target, &labels) ? TW_BOTH : TW_PLAIN;
        tw_inhibit_put_first(&entry->sources[i], group, &group->sources[sort]);
    }
}

struct releasing {
    tw_inhibitor_release release;
    void *context;
};

static void release(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry, const struct releasing *to)
{
    const struct tw_inhibited event = {entry->n, entry->id, entry->facts};
    const struct tw_inhibition was = named(inhibitor, entry->muted.group, entry->by);
    take_out(&entry->muted);
    entry->told = true;
    to->release(to->context, &event, &was);
}

/* Something of the group mutes no longer: each that it mutes is looked at again. */
static void settle(struct tw_inhibitor *inhibitor, struct tw_inhibit_group *group, const struct releasing *to)
{
    for (struct tw_inhibit_node *node = group->muted, *next; node != NULL; node = next) {
        struct tw_inhibit_entry *entry = node->entry;
        struct tw_labels labels = tw_routing_labels(&entry->facts);
        struct muting muting = {group, muter(inhibitor, group, entry, &labels, entry->facts.ts_ns)};
        next = node->after;
        if (muting.by == 0)
            muting = mutes(inhibitor, entry, &entry->facts);
        if (muting.group == NULL) {
            release(inhibitor, entry, to);
        } else if (muting.group != group) {
            take_out(node);
            mute(entry, muting.group, muting.by);
        } else {
            entry->by = muting.by;
        }
    }
    drop_if_empty(inhibitor, group);
}

/* ---- one-shot sources ---- */

static void take_out_hold(struct tw_inhibitor *inhibitor, struct tw_inhibit_hold *hold)
{
    *(hold->older == NULL ? &inhibitor->held_oldest : &hold->older->newer) = hold->newer;
    *(hold->newer == NULL ? &inhibitor->held_newest : &hold->newer->older) = hold->older;
    inhibitor->held_count--;
    hold->n = 0;
}

static void end_hold(struct tw_inhibitor *inhibitor, struct tw_inhibit_hold *hold, const struct releasing *to)
{
    struct tw_inhibit_group *group = hold->group;
    take_out_hold(inhibitor, hold);
    settle(inhibitor, group, to);
}

static bool hold_all(struct tw_inhibitor *inhibitor, const struct tw_inhibited *event, const struct releasing *to)
{
    struct tw_labels labels = tw_routing_labels(&event->facts);
    char bytes[TW_INHIBIT_KEY_BYTES_MAX];
    struct tw_text key;
    bool any = false;
    for (uint32_t i = 0; i < inhibitor->rule_count; i++) {
        const struct tw_inhibit_rule *rule = &inhibitor->rules[i];
        if (!is(rule->source, &labels) || !tw_inhibit_key(rule, &labels, bytes, &key))
            continue;
        struct tw_inhibit_group *group = tw_inhibit_group(inhibitor, i, key, true);
        struct tw_inhibit_hold *hold = &group->holds[is(rule->target, &labels) ? TW_BOTH : TW_PLAIN];
        int64_t until_ns = event->facts.ts_ns + rule->hold_ns;
        any = true;
        if (hold->n != 0 && hold->until_ns > until_ns) /* this one is late */
            continue;
        if (hold->n != 0)
            take_out_hold(inhibitor, hold);
        *hold =
            (struct tw_inhibit_hold){.n = event->n, .ts_ns = event->facts.ts_ns, .until_ns = until_ns, .group = group};
        tw_inhibit_hold_add(inhibitor, hold);
    }
    while (inhibitor->held_count > TW_INHIBITION_HELD_MAX)
        end_hold(inhibitor, inhibitor->held_oldest, to);
    return any;
}

/* They stand in the order in which they came; each ends in its own time. */
static void end_holds(struct tw_inhibitor *inhibitor, int64_t ts_ns, const struct releasing *to)
{
    inhibitor->held_until_ns = INT64_MAX;
    for (struct tw_inhibit_hold *hold = inhibitor->held_oldest, *next; hold != NULL; hold = next) {
        next = hold->newer; /* ending this one may free its group */
        if (hold->until_ns <= ts_ns)
            end_hold(inhibitor, hold, to);
        else
            tw_inhibit_hold_ends(inhibitor, hold->until_ns);
    }
}

/* An event that is no such source says what time it is: a feed of old trades has its gaps by today's clock. */
static void tell_time(struct tw_inhibitor *inhibitor, int64_t ts_ns, const struct releasing *to)
{
    for (struct tw_inhibit_hold *hold = inhibitor->held_newest; hold != NULL && !hold->anchored; hold = hold->older) {
        hold->anchored = true;
        if (ts_ns >= hold->ts_ns)
            continue;
        hold->until_ns = ts_ns + inhibitor->rules[hold->group->rule].hold_ns;
        tw_inhibit_hold_ends(inhibitor, hold->until_ns);
    }
    if (inhibitor->held_until_ns <= ts_ns)
        end_holds(inhibitor, ts_ns, to);
}

/* ---- the next event ---- */

/* The groups in which it was a source lose it; those that have no other of its sort are looked at again. */
static void leave(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry,
                  struct tw_inhibit_group *left[TW_INHIBITIONS_MAX])
{
    for (uint32_t i = 0; i < inhibitor->rule_count; i++) {
        struct tw_inhibit_node *node = &entry->sources[i];
        left[i] = node->group;
        take_out(node);
        if (left[i] != NULL && *node->head != NULL)
            left[i] = NULL;
    }
}

static bool concerns(const struct tw_inhibitor *inhibitor, const struct tw_routing_facts *facts)
{
    struct tw_labels labels = tw_routing_labels(facts);
    for (uint32_t i = 0; i < inhibitor->rule_count; i++)
        if (is(inhibitor->rules[i].source, &labels) || is(inhibitor->rules[i].target, &labels))
            return true;
    return false;
}

/* By the rule that is said to have muted it; the configuration may be another by now. */
static void set_muted(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry, const struct tw_inhibition *muted)
{
    struct tw_labels labels = tw_routing_labels(&entry->facts);
    char bytes[TW_INHIBIT_KEY_BYTES_MAX];
    struct tw_text key;
    bool in_force = false;
    for (uint32_t i = 0; i < inhibitor->rule_count && !in_force; i++) {
        const struct tw_inhibit_rule *rule = &inhibitor->rules[i];
        in_force = strcmp(rule->name, muted->rule) == 0 && tw_inhibit_key(rule, &labels, bytes, &key);
        if (in_force)
            mute(entry, tw_inhibit_group(inhibitor, i, key, true), muted->by);
    }
    entry->told = entry->told || !in_force; /* its end is told, whatever came before */
}

/* A group that settling may free is not looked at again. */
static void settle_left(struct tw_inhibitor *inhibitor, struct tw_inhibit_group *left[TW_INHIBITIONS_MAX],
                        struct tw_inhibit_group *also, const struct releasing *to)
{
    for (uint32_t i = 0; i < inhibitor->rule_count; i++) {
        if (left[i] == also)
            also = NULL;
        if (left[i] != NULL)
            settle(inhibitor, left[i], to);
    }
    if (also != NULL)
        drop_if_empty(inhibitor, also);
}

static void begin(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry, const struct tw_inhibited *event,
                  const struct tw_inhibition *muted, const struct releasing *to)
{
    struct tw_inhibit_group *left[TW_INHIBITIONS_MAX] = {NULL};
    if (entry == NULL && muted->rule == NULL && !concerns(inhibitor, &event->facts))
        return;
    if (entry == NULL) {
        entry = tw_inhibit_entry_new(inhibitor, event->id);
        entry->first_n = event->n;
        entry->told = event->facts.kind == TW_EVENT_ESCALATE; /* what opened it was no rule's, so it was told */
    } else {
        leave(inhibitor, entry, left);
    }
    struct tw_inhibit_group *before = entry->muted.group;
    take_out(&entry->muted);
    entry->n = event->n;
    tw_inhibit_entry_set(inhibitor, entry, &event->facts);
    tw_inhibit_link_sources(inhibitor, entry);
    if (muted->rule == NULL)
        entry->told = true;
    else
        set_muted(inhibitor, entry, muted);
    settle_left(inhibitor, left, before, to);
}

static void finish(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry, const struct releasing *to)
{
    struct tw_inhibit_group *left[TW_INHIBITIONS_MAX], *before = entry->muted.group;
    leave(inhibitor, entry, left);
    take_out(&entry->muted);
    tw_inhibit_entry_free(inhibitor, entry);
    settle_left(inhibitor, left, before, to);
}

void tw_inhibitor_take(struct tw_inhibitor *inhibitor, const struct tw_inhibited *event,
                       const struct tw_inhibition *muted, tw_inhibitor_release release_one, void *context)
{
    const struct releasing to = {release_one, context};
    struct tw_inhibit_entry *entry = tw_inhibit_entry(inhibitor, event->id);
    TW_ASSERT(event->n > inhibitor->last);
    inhibitor->last = event->n;
    if (event->facts.kind == TW_EVENT_FIRE && hold_all(inhibitor, event, &to))
        return;
    if (ends(event->facts.kind) && entry != NULL)
        finish(inhibitor, entry, &to);
    else if (!ends(event->facts.kind) && event->facts.kind != TW_EVENT_FIRE)
        begin(inhibitor, entry, event, muted, &to);
    tell_time(inhibitor, event->facts.ts_ns, &to); /* last: what ends now is not released before */
}
