/* SPDX-License-Identifier: MIT
 *
 * A template that was read: a flat list of nodes. Private to protocol/template*.c.
 */
#ifndef TW_PROTOCOL_TEMPLATE_NODES_H
#define TW_PROTOCOL_TEMPLATE_NODES_H

#include "protocol/template_inside.h"

enum tw_node_kind { TW_NODE_TEXT, TW_NODE_VALUE, TW_NODE_SECTION, TW_NODE_INVERTED };
struct tw_node {
    enum tw_node_kind kind;
    const char *text; /* TEXT: within the template's */
    uint32_t length;
    uint32_t field;
    bool of_item; /* of the list that it stands in */
    bool is_list; /* sections */
    bool link;    /* VALUE: percent-encoded */
    uint32_t end; /* sections: the node behind the last one within */
    const char *name;
    struct tw_filter filters[TW_TEMPLATE_FILTERS_MAX];
    uint32_t filter_count;
};

struct tw_template {
    enum tw_template_escape escape;
    char *text;
    struct tw_node *nodes;
    uint32_t count, capacity;
};

#endif
