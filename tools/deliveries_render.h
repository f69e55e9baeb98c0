/* SPDX-License-Identifier: MIT
 *
 * `tapewarden deliveries render`: what a receiver would be sent of an alert. Sends nothing, shows no secret.
 */
#ifndef TW_TOOLS_DELIVERIES_RENDER_H
#define TW_TOOLS_DELIVERIES_RENDER_H

#include "cfg/cfg.h"
#include "tools/cli.h"

struct tw_render_wish {
    const char *receiver;
    uint64_t alert;   /* of the data directory; 0: one that is made up */
    const char *part; /* of the texts; NULL: all */
    bool raw;         /* the body of the request as it is */
};
int tw_deliveries_render(const struct tw_cli *cli, const struct tw_cfg *cfg, const struct tw_render_wish *wish);

#endif
