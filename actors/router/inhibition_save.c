/* SPDX-License-Identifier: MIT
 *
 * The inhibitor's state as bytes: rows (protocol/snapshot.h) of the alerts that are open, in the order in which they
 * were taken last, and of the one-shot sources that hold, in theirs.
 */
#include <string.h>

#include "actors/router/inhibition_state.h"
#include "protocol/check.h"
#include "protocol/snapshot.h"

#define SAVE_EVENTS 4096u
#define NO_RULE 255u

enum row { ROW_HEAD = 1, ROW_ALERT, ROW_HOLD };

/* ---- saving ---- */

bool tw_inhibitor_wants_save(const struct tw_inhibitor *inhibitor)
{
    uint32_t alerts = inhibitor->entries.count;
    return inhibitor->last - inhibitor->saved >= (alerts > SAVE_EVENTS ? alerts : SAVE_EVENTS);
}

static void save_alert(struct tw_buffer *out, const struct tw_inhibit_entry *entry)
{
    const struct tw_routing_facts *facts = &entry->facts;
    size_t began = tw_row_begin(out, ROW_ALERT);
    tw_put_bytes(out, entry->id, sizeof entry->id);
    tw_put_u64(out, entry->first_n);
    tw_put_u64(out, entry->n);
    tw_put_u8(out, entry->told);
    tw_put_u8(out, entry->muted.group == NULL ? NO_RULE : (uint8_t)entry->muted.group->rule);
    tw_put_u64(out, entry->by);
    tw_put_u8(out, tw_rule_code(facts->rule));
    tw_put_u8(out, (uint8_t)facts->severity);
    tw_put_u8(out, (uint8_t)facts->kind);
    tw_put_u8(out, (uint8_t)facts->entity_type);
    tw_put_i64(out, facts->ts_ns);
    tw_put_text(out, facts->entity);
    tw_put_text(out, facts->publisher);
    tw_row_end(out, began);
}

static void save_hold(struct tw_buffer *out, const struct tw_inhibit_hold *hold)
{
    const struct tw_inhibit_group *group = hold->group;
    size_t began = tw_row_begin(out, ROW_HOLD);
    tw_put_u8(out, (uint8_t)group->rule);
    tw_put_u8(out, hold == &group->holds[TW_BOTH]);
    tw_put_u64(out, hold->n);
    tw_put_i64(out, hold->ts_ns);
    tw_put_i64(out, hold->until_ns);
    tw_put_u8(out, hold->anchored);
    tw_put_text(out, (struct tw_text){group->key, group->key_length});
    tw_row_end(out, began);
}

void tw_inhibitor_save(struct tw_inhibitor *inhibitor, struct tw_buffer *out)
{
    size_t began = tw_row_begin(out, ROW_HEAD);
    tw_put_u64(out, inhibitor->last);
    tw_put_u64(out, inhibitor->rules_hash);
    tw_row_end(out, began);
    for (const struct tw_inhibit_entry *entry = inhibitor->oldest; entry != NULL; entry = entry->newer)
        save_alert(out, entry);
    for (const struct tw_inhibit_hold *hold = inhibitor->held_oldest; hold != NULL; hold = hold->newer)
        save_hold(out, hold);
    inhibitor->saved = inhibitor->last;
}

/* ---- loading ---- */

struct loading {
    struct tw_inhibitor *inhibitor;
    bool begun, same_rules;
};

static bool load_head(struct loading *loading, struct tw_row_reader *row)
{
    struct tw_inhibitor *inhibitor = loading->inhibitor;
    inhibitor->last = inhibitor->saved = tw_get_u64(row);
    loading->same_rules = tw_get_u64(row) == inhibitor->rules_hash;
    bool first = !loading->begun;
    loading->begun = true;
    return first && tw_row_whole(row);
}

static void mute(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry, uint32_t rule)
{
    struct tw_labels labels = tw_routing_labels(&entry->facts);
    char bytes[TW_INHIBIT_KEY_BYTES_MAX];
    struct tw_text key;
    if (!tw_inhibit_key(&inhibitor->rules[rule], &labels, bytes, &key)) {
        entry->told = true;
        return;
    }
    struct tw_inhibit_group *group = tw_inhibit_group(inhibitor, rule, key, true);
    tw_inhibit_put_first(&entry->muted, group, &group->muted);
}

static bool load_alert(struct loading *loading, struct tw_row_reader *row)
{
    struct tw_inhibitor *inhibitor = loading->inhibitor;
    struct tw_routing_facts facts;
    uint8_t id[TW_ALERT_ID_BYTES];
    tw_get_bytes(row, id, sizeof id);
    uint64_t first_n = tw_get_u64(row), n = tw_get_u64(row);
    bool told = tw_get_u8(row) != 0;
    uint8_t rule = tw_get_u8(row);
    uint64_t by = tw_get_u64(row);
    facts.rule = tw_rule_from_code(tw_get_u8(row));
    facts.severity = (enum tw_severity)tw_get_u8(row);
    facts.kind = (enum tw_event_kind)tw_get_u8(row);
    facts.entity_type = (enum tw_entity_type)tw_get_u8(row);
    facts.ts_ns = tw_get_i64(row);
    facts.entity = tw_get_text(row);
    facts.publisher = tw_get_text(row);
    if (!tw_row_whole(row) || facts.rule == TW_RULE_COUNT || facts.severity > TW_SEVERITY_CRITICAL ||
        facts.kind > TW_EVENT_RETRACT || facts.entity_type > TW_ENTITY_SYSTEM ||
        tw_inhibit_entry(inhibitor, id) != NULL ||
        (loading->same_rules && rule != NO_RULE && rule >= inhibitor->rule_count))
        return false;
    struct tw_inhibit_entry *entry = tw_inhibit_entry_new(inhibitor, id);
    entry->first_n = first_n;
    entry->n = n;
    entry->told = told || !loading->same_rules;
    entry->by = by;
    tw_inhibit_entry_set(inhibitor, entry, &facts);
    tw_inhibit_link_sources(inhibitor, entry);
    if (loading->same_rules && rule != NO_RULE)
        mute(inhibitor, entry, rule);
    return true;
}

static bool load_hold(struct loading *loading, struct tw_row_reader *row)
{
    struct tw_inhibitor *inhibitor = loading->inhibitor;
    uint8_t rule = tw_get_u8(row), both = tw_get_u8(row);
    struct tw_inhibit_hold hold = {.n = tw_get_u64(row)};
    hold.ts_ns = tw_get_i64(row);
    hold.until_ns = tw_get_i64(row);
    hold.anchored = tw_get_u8(row) != 0;
    struct tw_text key = tw_get_text(row);
    if (!tw_row_whole(row) || hold.n == 0 || both > 1)
        return false;
    if (!loading->same_rules)
        return true;
    if (rule >= inhibitor->rule_count)
        return false;
    hold.group = tw_inhibit_group(inhibitor, rule, key, true);
    struct tw_inhibit_hold *place = &hold.group->holds[both != 0 ? TW_BOTH : TW_PLAIN];
    if (place->n != 0)
        return false;
    *place = hold;
    tw_inhibit_hold_add(inhibitor, place);
    return true;
}

static bool load_row(struct loading *loading, struct tw_row_reader *row)
{
    if (row->kind == ROW_HEAD)
        return load_head(loading, row);
    if (!loading->begun)
        return false;
    return row->kind == ROW_ALERT ? load_alert(loading, row) : row->kind == ROW_HOLD && load_hold(loading, row);
}

bool tw_inhibitor_load(struct tw_inhibitor *inhibitor, const uint8_t *bytes, size_t length)
{
    struct loading loading = {.inhibitor = inhibitor};
    struct tw_row_reader row;
    size_t offset = 0;
    int more = 1;
    bool good = true;
    while (good && (more = tw_row_next(bytes, length, &offset, &row)) > 0)
        good = load_row(&loading, &row);
    return good && more == 0 && loading.begun;
}
