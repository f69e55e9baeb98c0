/* SPDX-License-Identifier: MIT
 *
 * What the inhibitor knows; shared by its files only. A group is all that a rule's equal labels tie together: sources
 * that are open, one-shot sources that hold, and alerts that they mute.
 */
#ifndef TW_ROUTER_INHIBITION_STATE_H
#define TW_ROUTER_INHIBITION_STATE_H

#include "actors/router/inhibition.h"

/* Sources come in two sorts: those that are targets of the same rule, which mute no others of that sort, last. */
enum { TW_PLAIN, TW_BOTH, TW_SORTS };

struct tw_links { /* a table of things that begin with a link */
    struct tw_link {
        struct tw_link *next;
        uint64_t hash;
    } * *slots;
    uint32_t count, capacity; /* a power of two; 0: nothing is there yet */
};
struct tw_link *tw_links_first(const struct tw_links *links, uint64_t hash);
void tw_links_add(struct tw_links *links, struct tw_link *link);
void tw_links_remove(struct tw_links *links, struct tw_link *link);

struct tw_inhibit_node {
    struct tw_inhibit_entry *entry;
    struct tw_inhibit_group *group; /* NULL: it is in none */
    struct tw_inhibit_node *before, *after, **head;
};
struct tw_inhibit_hold { /* the one-shot source that holds longest */
    uint64_t n;          /* 0: none */
    int64_t ts_ns, until_ns;
    bool anchored; /* an event behind it has said what time it is */
    struct tw_inhibit_group *group;
    struct tw_inhibit_hold *older, *newer;
};
struct tw_inhibit_group {
    struct tw_link link;
    uint32_t rule;
    struct tw_inhibit_node *sources[TW_SORTS], *muted; /* newest first */
    struct tw_inhibit_hold holds[TW_SORTS];
    uint32_t key_length;
    char key[];
};
struct tw_inhibit_entry { /* an open alert that some rule is about */
    struct tw_link link;
    uint8_t id[TW_ALERT_ID_BYTES];
    uint64_t first_n, n;           /* the first event that was taken, the newest */
    bool told;                     /* anything of it */
    struct tw_inhibit_node muted;  /* if the newest event is: in which group, */
    uint64_t by;                   /* and by what */
    struct tw_routing_facts facts; /* of the newest event; own texts */
    struct tw_inhibit_entry *older, *newer;
    struct tw_inhibit_node sources[]; /* one for each rule */
};

struct tw_inhibit_rule {
    const char *name; /* borrowed */
    struct tw_matchers *source, *target;
    uint32_t equal; /* 1 << label */
    int64_t hold_ns;
};
struct tw_inhibitor {
    struct tw_inhibit_rule rules[TW_INHIBITIONS_MAX];
    uint32_t rule_count, held_count;
    uint64_t rules_hash, last, saved;
    struct tw_links entries, groups;
    struct tw_inhibit_entry *oldest, *newest; /* in the order in which they were taken last */
    struct tw_inhibit_hold *held_oldest, *held_newest;
    int64_t held_until_ns; /* no hold ends before; INT64_MAX: there is none */
};

#define TW_INHIBIT_KEY_BYTES_MAX 1024u
uint64_t tw_inhibit_hash(uint64_t hash, const void *bytes, size_t length);
/* The group of that key; NULL: there is none, and `make` is false. */
struct tw_inhibit_group *tw_inhibit_group(struct tw_inhibitor *inhibitor, uint32_t rule, struct tw_text key, bool make);
/* What the rule's equal labels are. False: one of them is unknown. */
bool tw_inhibit_key(const struct tw_inhibit_rule *rule, const struct tw_labels *labels,
                    char key[TW_INHIBIT_KEY_BYTES_MAX], struct tw_text *out);
struct tw_inhibit_entry *tw_inhibit_entry_new(struct tw_inhibitor *inhibitor, const uint8_t id[TW_ALERT_ID_BYTES]);
/* Its facts, with texts of its own; and it is the newest. */
void tw_inhibit_entry_set(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry,
                          const struct tw_routing_facts *facts);
struct tw_inhibit_entry *tw_inhibit_entry(const struct tw_inhibitor *inhibitor, const uint8_t id[TW_ALERT_ID_BYTES]);
void tw_inhibit_entry_free(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry); /* out of all lists */
/* Among the sources of each rule that its facts make it one of. */
void tw_inhibit_link_sources(struct tw_inhibitor *inhibitor, struct tw_inhibit_entry *entry);
void tw_inhibit_put_first(struct tw_inhibit_node *node, struct tw_inhibit_group *group, struct tw_inhibit_node **head);
/* As the newest of all that hold. */
void tw_inhibit_hold_add(struct tw_inhibitor *inhibitor, struct tw_inhibit_hold *hold);
/* One of them ends then. */
void tw_inhibit_hold_ends(struct tw_inhibitor *inhibitor, int64_t until_ns);

#endif
