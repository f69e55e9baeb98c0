/* SPDX-License-Identifier: MIT
 *
 * The door to a running daemon inside its data directory: DATA/control, a ROUTER socket over ipc that only the owner
 * of the directory may use; who asks has a REQ socket. A request is one frame: `backup DIRECTORY` (an absolute path),
 * `deliveries ...` (see actors/delivery/listing_actor.h), `desk ...` or `act JSON` (actors/lifecycle/desk_actor.h); the
 * answer is one frame, `ok` when it is done (of an action: durable), perhaps with a space and more, or `error` and a
 * sentence (`no`: nothing is wrong but what was asked for). It is not a part of CONTRACT.md: `tapewarden store backup`,
 * `deliveries` and `alerts` speak it.
 *
 * Thread: the keeper's. Nothing blocks.
 */
#ifndef TW_KEEPER_CONTROL_ACTOR_H
#define TW_KEEPER_CONTROL_ACTOR_H

#include <czmq.h>
#include <stdbool.h>

#include "store/store.h"

#define TW_CONTROL_NAME "control"
#define TW_CONTROL_REQUEST_BYTES 4096

struct tw_control_door;
/* Never NULL. A door that cannot be opened (the path is too long for ipc) is said once, and stays shut. */
struct tw_control_door *tw_control_door_open(const char *directory);
void tw_control_door_close(struct tw_control_door **door);     /* NULL is fine */
zsock_t *tw_control_door_socket(struct tw_control_door *door); /* NULL: shut */
/* The next request, a text; false: none. It is answered before the next is taken, or by tw_control_door_answer_later to
 * who asked. */
bool tw_control_door_hear(struct tw_control_door *door, char request[TW_CONTROL_REQUEST_BYTES]);
struct tw_control_asker {
    uint8_t bytes[255]; /* libzmq's name for him */
    uint8_t length;
};
struct tw_control_asker tw_control_door_asker(const struct tw_control_door *door); /* of the request last heard */
void tw_control_door_answer_later(struct tw_control_door *door, const struct tw_control_asker *asker,
                                  const char *error);                         /* NULL: done */
void tw_control_door_answer(struct tw_control_door *door, const char *error); /* NULL: done */
/* `no` instead of `error` if what was asked for is MISSING. */
void tw_control_door_fail(struct tw_control_door *door, const struct tw_store_error *error);
void tw_control_door_answer_with(struct tw_control_door *door, const void *bytes, size_t length); /* behind "ok " */

#endif
