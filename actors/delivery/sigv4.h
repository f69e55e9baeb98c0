/* SPDX-License-Identifier: MIT
 *
 * AWS Signature Version 4 of one POST, our own: libcurl 7.88.1 signs some requests wrongly. Pure; the time comes in.
 */
#ifndef TW_DELIVERY_SIGV4_H
#define TW_DELIVERY_SIGV4_H

#include <stddef.h>
#include <stdint.h>

struct tw_sigv4 {
    const char *access_key_id, *secret_access_key, *session_token; /* "": none */
    const char *region, *service;
    const char *host;         /* as in the Host header */
    const char *content_type; /* signed with it */
};
#define TW_SIGV4_DATE_BYTES 17u /* "20150830T123600Z" */
#define TW_SIGV4_AUTHORIZATION_BYTES 512u
/* For a POST to "/" without a query: x-amz-date and authorization. The headers content-type, host, x-amz-date and, with
 * a token, x-amz-security-token must be sent as they are signed. */
void tw_sigv4_sign(const struct tw_sigv4 *what, const void *body, size_t length, int64_t wall_ns,
                   char date[TW_SIGV4_DATE_BYTES], char authorization[TW_SIGV4_AUTHORIZATION_BYTES]);

#endif
