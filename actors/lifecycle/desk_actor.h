/* SPDX-License-Identifier: MIT
 *
 * The desk where people look at alerts and act on them: what is recorded of an alert, lists by state, and what somebody
 * wants to do made into an action, after a look at whether it may be done. Of a store in use or not. Acting itself is a
 * record of the log, which the gateway makes; the keeper passes it there.
 *
 * An alert is named by its id, by the first 8 or more digits of it, or by the number of one of its events: "17" or
 * "#17". Thread: any; may read the disk.
 */
#ifndef TW_LIFECYCLE_DESK_ACTOR_H
#define TW_LIFECYCLE_DESK_ACTOR_H

#include "actors/lifecycle/lifecycle.h"
#include "store/store.h"

/* TW_STORE_MISSING with a sentence: no such alert, or more than one; TW_STORE_REFUSED: that is no alert's name. */
bool tw_desk_find(struct tw_store *store, const char *name, uint8_t id[TW_ALERT_ID_BYTES],
                  struct tw_store_error *error);
bool tw_desk_case(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES], struct tw_case *out,
                  struct tw_store_error *error);
/* The newest of its events that begins or raises it and is hidden by no silence, nor muted; 0: there is none. */
uint64_t tw_desk_newest_told(struct tw_store *store, const uint8_t id[TW_ALERT_ID_BYTES]);

/* One object of JSON on a line:
 * {"id","type","entity_type","entity","severity","state","assigned_to","verdict","events":
 * [alerts],"actions":[actions],"silenced":[{"n","silence"}],
 * "muted":[{"n","rule","by","told"}]}. */
bool tw_desk_show(struct tw_store *store, const char *name, struct tw_buffer *out, struct tw_store_error *error);

/* Alerts whose first event lies behind *after, in order, an object a line as above without events and actions but with
 * "n", "last_n", "ts" and "message" of its newest event; of one state or of all (TW_CASE_STATE_COUNT). Looks at a
 * bounded number of events and moves *after on; *more: there are others. */
bool tw_desk_list(struct tw_store *store, enum tw_case_state state, uint64_t *after, bool *more, struct tw_buffer *out,
                  struct tw_store_error *error);

/* What somebody wants to do: {"verb","who"} and, as the verb wants, "alert", "to", "verdict", "match", "hours",
 * "starts", "ends" (wall clock, ns), "silence", "why". On success *out has the action as the log takes it.
 * Otherwise a sentence, with TW_STORE_MISSING (there is no such thing, or it may not be done to it), TW_STORE_REFUSED
 * (that cannot be recorded) or TW_STORE_FAILED. */
bool tw_desk_prepare(struct tw_store *store, const char *request, struct tw_buffer *out, struct tw_store_error *error);

/* The same as texts, for who asks a daemon: `silences`, `muted`, `show ALERT`, `list STATE AFTER` (the answer begins
 * with the next AFTER, a space, 0 or 1 for more, and a line feed). */
bool tw_desk_command(struct tw_store *store, const char *command, int64_t now_ns, struct tw_buffer *out,
                     struct tw_store_error *error);

/* Fills *error with a sentence; false. */
bool tw_desk_refuse(struct tw_store_error *error, enum tw_store_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
