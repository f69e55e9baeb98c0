/* SPDX-License-Identifier: MIT
 *
 * Recovery: everything that the gateway knows follows from the log. What is read here is durable.
 */
#include "actors/gateway/inside.h"

static void apply_name(struct tw_gateway *gateway, const struct tw_new_name *name)
{
    bool added = false;
    uint32_t id = 0;
    switch (name->kind) {
    case TW_NAME_SYMBOL:
        id = tw_dictionary_intern(gateway->symbols, name->name, 0, &added);
        break;
    case TW_NAME_ACCOUNT:
        id = tw_dictionary_intern(gateway->accounts, name->name, 0, &added);
        break;
    case TW_NAME_PARTY:
        id = tw_dictionary_intern(gateway->parties, name->name, 0, &added);
        break;
    case TW_NAME_SOURCE: {
        struct tw_publisher *publisher = tw_gateway_publisher(gateway, name->name);
        TW_ASSERT(publisher != NULL);
        struct tw_source *source = tw_gateway_source(gateway, publisher, name->incarnation, &added);
        TW_ASSERT(source != NULL);
        id = source->id;
        /* A later incarnation takes over by its FENCE record, which may be missing at the end of the log. */
        if (publisher->source == 0)
            tw_gateway_promote(gateway, publisher, source);
        if (publisher->speaks == TW_SPEAKS_UNKNOWN && gateway->names_tell)
            publisher->speaks = TW_SPEAKS_BY_PUSH;
        break;
    }
    }
    TW_ASSERT(added && id == name->id); /* the chain held, so the log is what we wrote */
}

void tw_gateway_apply_refusals(struct tw_gateway *gateway, const struct tw_block *block)
{
    uint32_t offset = 0;
    for (struct tw_refusal refusal; tw_block_next_refusal(block, &offset, &refusal);) {
        struct tw_source *source = gateway->sources[refusal.source];
        source->refused_total++;
        if (gateway->publishers[source->publisher]->source == source->id) /* only that one's acks list them */
            tw_source_known_add(source, &refusal);
    }
}

static void apply_block(struct tw_gateway *gateway, const struct tw_block *block)
{
    uint32_t offset = 0;
    for (struct tw_new_name name; tw_block_next_name(block, &offset, &name);)
        apply_name(gateway, &name);
    tw_gateway_apply_refusals(gateway, block);
    gateway->refusal_number += block->refusal_count;
    offset = 0;
    for (struct tw_position position; tw_block_next_position(block, &offset, &position);) {
        TW_ASSERT(position.source != 0 && position.source <= tw_dictionary_count(gateway->sources_by_name));
        struct tw_source *source = gateway->sources[position.source];
        TW_ASSERT(position.next >= source->next);
        source->next = position.next;
        tw_source_durable(source, position.next);
    }
    for (uint32_t row = 0; row < block->count; row++)
        tw_gateway_clock_restore(gateway, tw_load_i64(block->ts, row));
    for (uint32_t i = 0; i < block->original_count; i++) {
        struct tw_original original;
        memcpy(&original, block->originals + (size_t)i * sizeof original, sizeof original);
        tw_busted_add(&gateway->busted, original.seq);
    }
}

static void keep_settings(struct tw_gateway *gateway, struct tw_text text)
{
    gateway->settings_text.length = 0;
    tw_buffer_append(&gateway->settings_text, text.bytes, text.length);
}

static struct tw_source *known_source(const struct tw_gateway *gateway, uint32_t id)
{
    TW_ASSERT(id != 0 && id <= tw_dictionary_count(gateway->sources_by_name));
    return gateway->sources[id];
}

static void apply_control(struct tw_gateway *gateway, const struct tw_control *control)
{
    switch (control->kind) {
    case TW_CONTROL_BOOT:
        gateway->boot = control->number;
        gateway->names_tell = gateway->names_tell || control->number2 != 0;
        tw_gateway_clock_new_rolls(gateway);
        break;
    case TW_CONTROL_SETTINGS:
        keep_settings(gateway, control->text);
        tw_gateway_clock_new_rolls(gateway);
        break;
    case TW_CONTROL_CLOCK:
        tw_gateway_clock_restore(gateway, control->ts_ns);
        break;
    case TW_CONTROL_SESSION:
        gateway->clock.next_roll_ns = (int64_t)control->number;
        break;
    case TW_CONTROL_FENCE: {
        struct tw_source *source = known_source(gateway, control->source);
        tw_gateway_promote(gateway, gateway->publishers[source->publisher], source);
        break;
    }
    case TW_CONTROL_FEED_GAP: {
        struct tw_source *source = known_source(gateway, control->source);
        source->next = control->number + control->number2;
        tw_source_durable(source, source->next);
        gateway->publishers[source->publisher]->speaks = TW_SPEAKS_BY_FEED; /* format 1 says it no other way */
        break;
    }
    case TW_CONTROL_SNAPSHOT:
        gateway->snapshots = control->number;
        gateway->names_tell = true; /* no program wrote this that did not; and a snapshot may stand for the boots */
        break;
    case TW_CONTROL_RETENTION:
        tw_gateway_forget(gateway, control->number);
        break;
    case TW_CONTROL_LANE: {
        struct tw_publisher *publisher = tw_gateway_publisher(gateway, control->text);
        TW_ASSERT(publisher != NULL);
        publisher->speaks = control->number == 1 ? TW_SPEAKS_BY_FEED : TW_SPEAKS_BY_PUSH;
        break;
    }
    case TW_CONTROL_ACTION:
        gateway->actions = control->number;
        break;
    case TW_CONTROL_KIND_COUNT:
        TW_UNREACHABLE("the decoder knows its kinds");
    }
}

void tw_gateway_apply(struct tw_gateway *gateway, const struct tw_record *record)
{
    TW_ASSERT(!gateway->started);
    TW_ASSERT(tw_record_lsn(record) == gateway->last_lsn + 1);
    TW_ASSERT(tw_record_follows(record) == gateway->last_seq);
    if (record->kind == TW_RECORD_BLOCK)
        apply_block(gateway, &record->block);
    else
        apply_control(gateway, &record->control);
    gateway->last_lsn = gateway->cut_lsn = gateway->durable_lsn = tw_record_lsn(record);
    gateway->last_seq = gateway->durable_seq = tw_record_last(record);
}

static void stage_settings(struct tw_gateway *gateway, struct tw_text settings_text)
{
    keep_settings(gateway, settings_text);
    tw_gateway_stage_control(gateway, (struct tw_control){.kind = TW_CONTROL_SETTINGS, .text = settings_text});
    tw_gateway_clock_new_rolls(gateway);
}

void tw_gateway_start(struct tw_gateway *gateway, const char *program_version, struct tw_text settings_text,
                      int64_t wall_ns)
{
    TW_ASSERT(!gateway->started);
    gateway->started = true;
    gateway->boot++;
    tw_gateway_clock_new_rolls(gateway); /* a crash may have left the last one announced and not reached */
    struct tw_text version = {program_version, (uint32_t)strlen(program_version)};
    tw_gateway_stage_control(
        gateway,
        (struct tw_control){
            .kind = TW_CONTROL_BOOT, .number = gateway->boot, .number2 = 1, .ts_ns = wall_ns, .text = version});
    struct tw_text last = {(const char *)gateway->settings_text.bytes, (uint32_t)gateway->settings_text.length};
    if (!tw_text_equal(settings_text, last))
        stage_settings(gateway, settings_text);
}

void tw_gateway_settings_changed(struct tw_gateway *gateway, struct tw_text settings_text)
{
    TW_ASSERT(gateway->started);
    stage_settings(gateway, settings_text);
}

void tw_gateway_forget(struct tw_gateway *gateway, uint64_t last_seq)
{
    gateway->forgotten_seq = last_seq;
    tw_gateway_save_busted(gateway); /* it drops some that a snapshot may still want */
    tw_busted_forget(&gateway->busted, last_seq);
}

uint64_t tw_gateway_snapshot(struct tw_gateway *gateway, int64_t wall_ns)
{
    TW_ASSERT(gateway->started);
    return tw_gateway_stage_control(
        gateway, (struct tw_control){.kind = TW_CONTROL_SNAPSHOT, .number = ++gateway->snapshots, .ts_ns = wall_ns});
}

uint64_t tw_gateway_act(struct tw_gateway *gateway, struct tw_text action, int64_t wall_ns)
{
    TW_ASSERT(gateway->started);
    tw_gateway_stage_control(
        gateway,
        (struct tw_control){.kind = TW_CONTROL_ACTION, .number = ++gateway->actions, .ts_ns = wall_ns, .text = action});
    return gateway->actions;
}

uint64_t tw_gateway_retain(struct tw_gateway *gateway, const struct tw_retention *retention)
{
    TW_ASSERT(gateway->started);
    TW_ASSERT(retention->last_lsn <= gateway->durable_lsn && retention->last_seq <= gateway->durable_seq);
    if (retention->last_seq <= gateway->forgotten_seq)
        return 0;
    tw_gateway_forget(gateway, retention->last_seq);
    struct tw_text why = {retention->by_size ? "size" : "age", retention->by_size ? 4 : 3};
    return tw_gateway_stage_control(gateway, (struct tw_control){.kind = TW_CONTROL_RETENTION,
                                                                 .number = retention->last_seq,
                                                                 .number2 = retention->last_lsn,
                                                                 .ts_ns = retention->horizon_ns,
                                                                 .text = why});
}
