/* SPDX-License-Identifier: MIT
 *
 * "192.0.2.7:514" or "[2001:db8::7]:514" as an address. Numbers only: nobody is asked for a name.
 */
#ifndef TW_DELIVERY_ADDRESS_ACTOR_H
#define TW_DELIVERY_ADDRESS_ACTOR_H

#include <sys/socket.h>

socklen_t tw_numeric_address(const char *text, struct sockaddr_storage *out); /* its length; 0: it is none */

#endif
