/* SPDX-License-Identifier: MIT
 *
 * The gateway's inside, shared by the files of its core and by nothing else.
 *
 *   gateway.c      the API of gateway.h, what to do with one message
 *   intake.c       push, feed and anonymous messages: gaps, credit, resends, then the trades one after the other
 *   publishers.c   publishers and their incarnations ("sources"), fencing
 *   acks.c         holds, cadence, the acks themselves
 *   check.c        what a trade may be
 *   rows.c         one trade: check, names, original, place in the block; refusals
 *   columns.c      the columnar form: the hot path, and rows of it as trades
 *   local_names.c  the dictionaries that publishers of the columnar form send
 *   clock.c        event clock, ticks, session rolls, idle clock records
 *   staging.c      the block under construction, finished records, cutting, durable
 *   flight.c       look-ups in what is not durable yet
 *   past.c         resends compared with what was taken; what a bust refers to
 *   apply.c        recovery from the log
 *   gateway_save.c the gateway's part of a snapshot
 *   seq_set.c      the busted sequences
 */
#ifndef TW_GATEWAY_INSIDE_H
#define TW_GATEWAY_INSIDE_H

#include "actors/gateway/gateway.h"
#include "actors/judging/saving.h"
#include "protocol/check.h"
#include "protocol/num.h"
#include "protocol/submission.h"

/* Finished records that may wait to be cut before no message is taken any more. One message can add more. */
#define TW_GATEWAY_STAGED_MAX 64u
#define TW_GATEWAY_COMPLAINT_BYTES 256u
/* Sources kept for the daemon's own names, which begin with `_`: `_anon` is another one in each boot that needs it. */
#define TW_GATEWAY_SOURCES_KEPT 1024u
#define TW_GATEWAY_STRANGERS_MAX 64u
#define TW_GATEWAY_CODE_BYTES_MAX 32u

#define TW_GATEWAY_ACK_BUSY_NS (INT64_C(100) * 1000000)           /* while something is under way */
#define TW_GATEWAY_ACK_QUIET_NS TW_NS_PER_SECOND                  /* while heard from lately */
#define TW_GATEWAY_HEARD_NS (INT64_C(30) * TW_NS_PER_SECOND)      /* "lately" */
#define TW_GATEWAY_IDLE_NS (INT64_C(2) * TW_NS_PER_SECOND)        /* no trade for this long: clock records */
#define TW_GATEWAY_IDLE_REACH_NS (INT64_C(60) * TW_NS_PER_SECOND) /* event clock this close to the wall clock */
#define TW_GATEWAY_CLOCK_PERIOD_NS (INT64_C(100) * 1000000)       /* tw_gateway_clock at least this often */

/* ---- sequences of busted trades: a set of numbers > 0 ---- */
struct tw_seq_set {
    uint64_t *slots; /* 0: free */
    size_t count, capacity;
};
void tw_seq_set_add(struct tw_seq_set *set, uint64_t seq);
bool tw_seq_set_has(const struct tw_seq_set *set, uint64_t seq);
void tw_seq_set_forget(struct tw_seq_set *set, uint64_t last); /* takes out all up to `last` */
void tw_seq_set_free(struct tw_seq_set *set);

/* The busted trades. While a snapshot writes them, a piece at a time, `known` stands still. */
struct tw_busted {
    struct tw_seq_set known;
    struct tw_seq_set since; /* those that were busted meanwhile */
    bool is_late;            /* a snapshot still writes, from the slot `next` on */
    size_t next;
};
void tw_busted_add(struct tw_busted *busted, uint64_t seq);
bool tw_busted_has(const struct tw_busted *busted, uint64_t seq);
void tw_busted_forget(struct tw_busted *busted, uint64_t last); /* not while they are late */
void tw_busted_free(struct tw_busted *busted);
void tw_busted_late_begin(struct tw_busted *busted);
/* Some of them, at most `limit`, and how many: the next as they were at the beginning; 0 at the end or none so far. */
uint32_t tw_busted_late_take(struct tw_busted *busted, uint32_t limit, uint64_t *out);

/* The durable trades of one publisher and id from `from` up to `newest` are all busted. One id may have very many, and
 * each bust of it would look at all that were busted before. */
#define TW_BUSTED_RUNS 1024u /* of different ids; the next one takes another's place */
struct tw_busted_run {
    uint64_t newest, from;
};

/* ---- names of the columnar form: one publisher's own ids, dense from 1 ---- */
struct tw_local_names {
    uint32_t count, capacity;
    uint32_t *symbol, *account, *party; /* [local id] -> dictionary id; 0: not looked up yet in this role */
    uint32_t *start;                    /* name i stands in text from start[i] to start[i + 1] */
    struct tw_buffer text;
    uint32_t reporting; /* a local id known to be the reporting currency; 0: none yet */
};
void tw_local_names_free(struct tw_local_names **names);
struct tw_text tw_local_names_text(const struct tw_local_names *names, uint32_t local); /* absent for 0 */
/* TW_OK, or a hold code: names in the wrong place or form, or rows that use unknown ones. Changes nothing. */
enum tw_code tw_local_names_check(const struct tw_local_names *names, const struct tw_submission *submission,
                                  char why[TW_WHY_BYTES_MAX]);
/* Takes over the names of a message that tw_local_names_check let pass. */
void tw_local_names_merge(struct tw_local_names **names, const struct tw_submission *submission);

/* ---- publishers ---- */
struct tw_pending_refusal { /* taken, refused, not durable yet */
    uint64_t pseq, content_hash;
};
struct tw_known_refusal { /* durable, for acks */
    uint64_t pseq;
    uint8_t code_length, why_length;
    char code[TW_GATEWAY_CODE_BYTES_MAX], why[TW_WHY_BYTES_MAX];
};

struct tw_source { /* one incarnation of a publisher */
    uint32_t id, publisher, incarnation;
    uint64_t next;       /* first number not taken */
    uint64_t durable;    /* last number on disk */
    uint64_t generation; /* of the block under construction that has its position already */
    uint64_t gap;
    struct tw_pending_refusal *pending; /* ascending */
    uint32_t pending_count, pending_capacity;
    struct tw_known_refusal *known; /* ring of the newest TW_ACK_REFUSALS_MAX */
    uint32_t known_count, known_capacity, known_first;
    uint64_t refused_total; /* durable */
    struct tw_local_names *names;
};

struct tw_hold {
    enum tw_code code;
    uint32_t incarnation;
    uint64_t seq;
    char why[TW_WHY_BYTES_MAX];
};

/* Who speaks under a name. Settled by the first message, and by the log for good: a feed may not move the numbers of a
 * publisher that pushes (its gaps would say that trades are durable which are not), nor the reverse. */
enum tw_speaks {
    TW_SPEAKS_UNKNOWN, /* nobody yet, or only in a log from before it said so (format 1) */
    TW_SPEAKS_BY_PUSH,
    TW_SPEAKS_BY_FEED
};

struct tw_publisher {
    uint32_t id;        /* in the publisher dictionary */
    uint32_t source;    /* current incarnation; 0: none yet */
    uint32_t previous;  /* the one before; 0: none */
    uint64_t fence_lsn; /* no ack of the current incarnation before this record is durable */
    int64_t heard_ns, acked_ns;
    struct tw_hold *hold;   /* of the current incarnation */
    struct tw_hold *answer; /* one-off, to a message of another incarnation */
    bool active;            /* in the list that the cadence of acks walks */
    bool queued, due, hello;
    enum tw_speaks speaks;
};

/* A one-off answer to a name that has no place here, and does not get one by it: when many come, the oldest are
 * dropped. */
struct tw_stranger {
    char name[TW_PUBLISHER_BYTES_MAX];
    uint32_t name_length;
    struct tw_hold hold;
};

/* ---- the block under construction ---- */
enum tw_party_role { TW_ROLE_VENUE, TW_ROLE_OWNER, TW_ROLE_CONTRA, TW_ROLE_BROKER, TW_ROLE_CCY, TW_PARTY_ROLES };

struct tw_row { /* one accepted trade on its way into the block */
    int64_t ts_ns, qty_e8, price_e8;
    uint32_t symbol, account, party[TW_PARTY_ROLES];
    uint8_t side, kind, flags; /* flags: TW_ATTR_TS_ASSIGNED or 0 */
    struct tw_text id;
    struct tw_original original; /* of a bust or correct */
};

/* Execution ids of one block that is not durable yet: buckets of rows, the newest row first. */
#define TW_ID_BUCKETS 16384u
struct tw_id_index {
    uint32_t indexed;                    /* rows that are in it */
    uint16_t newest[TW_ID_BUCKETS];      /* row + 1; 0: none */
    uint16_t older[TW_BLOCK_TRADES_MAX]; /* row + 1 of the next older in the same bucket */
};

struct tw_open_block {
    uint32_t count;      /* rows */
    uint64_t generation; /* of this block, from 1 */
    bool refused_room;   /* a message waits for the next block */
    uint32_t ticks;      /* rows that tick and may re-mark */
    uint32_t ticks_max;  /* the next goes into another block; see tick_keys_max */
    int64_t *ts, *qty, *price;
    uint64_t *pseq;
    uint32_t *symbol, *account, *source;
    uint8_t *attrs;
    /* Optional columns: rows are only valid while `has_` says that the column is used in this block. */
    bool has_ids, has_party[TW_PARTY_ROLES];
    uint8_t *id_length;
    uint32_t *id_start;
    uint32_t *party[TW_PARTY_ROLES];
    struct tw_buffer ids, originals, texts;
    struct tw_new_name *names;
    struct tw_refusal *refusals;
    struct tw_position *positions; /* `next` is filled in when the block is finished */
    uint32_t name_count, name_capacity, refusal_count, refusal_capacity, position_count, position_capacity;
    struct tw_id_index *index;
    struct tw_block view; /* see tw_gateway_open_view */
};

/* A finished record that is not durable yet. */
struct tw_flight {
    struct tw_frame *frame;
    struct tw_record record;
    uint32_t *id_start; /* made when first needed; room for TW_BLOCK_TRADES_MAX rows */
    struct tw_id_index *index;
};

struct tw_event_clock {
    bool started;
    int64_t ns;             /* maximum ts accepted */
    int64_t next_second_ns; /* a ts from here on crosses */
    int64_t next_roll_ns;   /* of the session day */
};

struct tw_gateway {
    struct tw_gateway_settings settings;
    struct tw_text reporting_currency;
    struct tw_history history;
    bool started, disk_held;
    uint64_t boot;
    bool names_tell; /* recovery: the log says which names are feeds; others push */
    struct tw_buffer settings_text;
    struct tw_buffer raw; /* of a refused row of the columnar form */

    struct tw_dictionary *symbols, *accounts, *sources_by_name, *parties, *publishers_by_name;
    struct tw_source **sources;       /* [id] */
    struct tw_publisher **publishers; /* [id] */
    uint32_t source_capacity, publisher_capacity;
    struct tw_source *anonymous; /* of this boot */

    uint64_t last_seq, durable_seq;
    uint64_t last_lsn, cut_lsn, durable_lsn; /* finished; handed out; on disk */
    uint64_t refusal_number;
    uint64_t snapshots;     /* so far */
    uint64_t actions;       /* so far */
    uint64_t forgotten_seq; /* retention has dropped the trades up to here */
    struct tw_event_clock clock;
    int64_t accepted_ns; /* monotonic time of the last accepted trade */
    bool heard_time;     /* accepted_ns is set */
    struct tw_busted busted;
    struct tw_busted_run busted_runs[TW_BUSTED_RUNS]; /* [newest % TW_BUSTED_RUNS] */

    struct tw_open_block open;
    uint32_t last_block_count; /* rows of the block before it */
    struct tw_frame_pool *frames;
    struct tw_spares { /* of flights gone by, for those to come */
        struct tw_id_index **indexes;
        uint32_t **starts;
        uint32_t index_count, index_capacity, start_count, start_capacity;
    } spares;
    struct tw_flight *flights; /* of lsn durable_lsn + 1 to last_lsn, from flight_first on */
    uint32_t flight_first, flight_count, flight_capacity;
    struct { /* where the last resend was found; the next one stands behind it */
        uint32_t source, row;
        uint64_t pseq, lsn;
    } found;

    uint32_t *active, *queue; /* publisher ids */
    uint32_t active_count, active_capacity, queue_first, queue_count, queue_capacity;
    int64_t cadence_ns; /* when the list of active publishers is to be walked next */
    struct tw_hold *spent_answer;
    struct tw_stranger strangers[TW_GATEWAY_STRANGERS_MAX]; /* a ring */
    uint32_t stranger_first, stranger_count;

    struct tw_saving saving;
    struct tw_saving_names saving_names[3]; /* sources are written at once, with where they stand */
    bool loaded;                            /* the head of a snapshot was there */

    struct tw_gateway_counters counters;
    char complaint[TW_GATEWAY_COMPLAINT_BYTES];
    bool complained;
};

/* Grows a list so that one more element fits. */
void *tw_gateway_grow(void *list, uint32_t count, uint32_t *capacity, size_t element_bytes);
void tw_gateway_complain(struct tw_gateway *gateway, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool tw_text_equal(struct tw_text a, struct tw_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

/* ---- staging.c ---- */
void tw_gateway_open_new(struct tw_gateway *gateway);
void tw_gateway_open_free(struct tw_gateway *gateway);
const struct tw_block *tw_gateway_open_view(struct tw_gateway *gateway); /* the rows so far, as a block */
bool tw_gateway_open_has_anything(const struct tw_gateway *gateway);
void tw_gateway_finish(struct tw_gateway *gateway); /* the block under construction becomes a record, if it has any */
uint64_t tw_gateway_stage_control(struct tw_gateway *gateway, struct tw_control control); /* its lsn */
void tw_gateway_note_name(struct tw_gateway *gateway, enum tw_name_kind kind, uint32_t id, uint32_t incarnation,
                          struct tw_text name);
void tw_gateway_note_position(struct tw_gateway *gateway, struct tw_source *source);
/* One row, at the source's next number. */
void tw_gateway_append(struct tw_gateway *gateway, struct tw_source *source, const struct tw_row *row);
void tw_gateway_append_refusal(struct tw_gateway *gateway, struct tw_source *source, struct tw_refusal refusal);
void tw_gateway_use_ids(struct tw_open_block *open, uint32_t capacity);
void tw_gateway_use_party(struct tw_open_block *open, enum tw_party_role role, uint32_t capacity);

/* Rows and refusals share the block's places. */
static inline uint32_t tw_gateway_places_used(const struct tw_gateway *gateway)
{
    return gateway->open.count + gateway->open.refusal_count;
}
static inline void tw_gateway_make_place(struct tw_gateway *gateway)
{
    if (tw_gateway_places_used(gateway) >= gateway->settings.block_trades_max)
        tw_gateway_finish(gateway);
}

/* ---- clock.c ---- */
/* The event clock meets an accepted trade: TW_ATTR_TICK, TW_ATTR_LATE or 0. May finish the block under construction
 * (session roll, enough ticks), so that the trade is the first of the next. */
uint8_t tw_gateway_clock_cross(struct tw_gateway *gateway, int64_t ts_ns);
static inline uint8_t tw_gateway_clock_meet(struct tw_gateway *gateway, int64_t ts_ns)
{
    struct tw_event_clock *clock = &gateway->clock;
    if (ts_ns >= clock->next_second_ns || !clock->started)
        return tw_gateway_clock_cross(gateway, ts_ns);
    if (ts_ns < clock->ns)
        return TW_ATTR_LATE;
    clock->ns = ts_ns;
    return 0;
}
void tw_gateway_clock_restore(struct tw_gateway *gateway, int64_t ts_ns); /* recovery: a ts or clock record */
void tw_gateway_clock_new_rolls(struct tw_gateway *gateway);              /* worked out from the clock again */

/* ---- check.c ---- */
/* round_half_even(qty x price / 10^8) <= INT64_MAX without a division: 2^63 - 1 is odd, so its upper half rounds up. */
#define TW_NOTIONAL_PRODUCT_LIMIT ((tw_u128)INT64_MAX * (tw_u128)TW_E8 + (tw_u128)(TW_E8 / 2))
static inline bool tw_gateway_notional_fits(int64_t qty_e8, int64_t price_e8)
{
    return (tw_u128)qty_e8 * (tw_u128)price_e8 < TW_NOTIONAL_PRODUCT_LIMIT;
}
/* Form of a trade that came in columns; the row form's decoder checks the same. */
enum tw_code tw_gateway_check_form(const struct tw_trade *trade, char why[TW_WHY_BYTES_MAX]);
/* Time, amount and currency. */
enum tw_code tw_gateway_check_bounds(const struct tw_gateway *gateway, const struct tw_trade *trade, int64_t wall_ns,
                                     char why[TW_WHY_BYTES_MAX]);
enum tw_code tw_gateway_say(enum tw_code code, char why[TW_WHY_BYTES_MAX]); /* why = the code's meaning */

/* ---- rows.c: reading and taking trades one at a time, whichever form ---- */
struct tw_reader {
    struct tw_submission submission; /* own cursor */
    struct tw_local_names *names;    /* columnar form */
    uint32_t row;                    /* next to be read */
    uint32_t ids, refs;              /* columnar form: bytes of ids and refs behind us */
};
struct tw_read { /* one trade as read */
    struct tw_trade trade;
    enum tw_code code; /* of its form */
    struct tw_text raw;
    char why[TW_WHY_BYTES_MAX];
};
struct tw_reader tw_gateway_reader(const struct tw_submission *submission, struct tw_local_names *names);
void tw_gateway_read(struct tw_reader *reader, struct tw_read *out);
/* What recognises an equal resend of a refused trade. */
uint64_t tw_gateway_read_hash(const struct tw_reader *reader, const struct tw_read *read);
/* Takes or refuses the trade; either way it uses the source's next number. True: accepted, and *row is it. */
bool tw_gateway_take(struct tw_gateway *gateway, struct tw_source *source, const struct tw_reader *reader,
                     struct tw_read *read, int64_t wall_ns, struct tw_row *row);

/* ---- columns.c ---- */
void tw_gateway_columns_read(struct tw_reader *reader, struct tw_trade *out);
/* Takes plain rows (trades that need no second look) from the reader's place on; stops before the first other one. */
void tw_gateway_take_plain(struct tw_gateway *gateway, struct tw_source *source, struct tw_reader *reader,
                           int64_t wall_ns);
/* Row `at` was accepted as `row`: its names are known in their roles from now on. */
void tw_gateway_columns_learn(const struct tw_reader *reader, uint32_t at, const struct tw_row *row);

/* ---- intake.c ---- */
void tw_gateway_push(struct tw_gateway *gateway, struct tw_publisher *publisher, const struct tw_submission *submission,
                     int64_t wall_ns);
void tw_gateway_feed(struct tw_gateway *gateway, struct tw_publisher *publisher, const struct tw_submission *submission,
                     int64_t wall_ns);
void tw_gateway_anonymous(struct tw_gateway *gateway, const struct tw_submission *submission, int64_t wall_ns);

/* ---- publishers.c ---- */
struct tw_publisher *tw_gateway_known(const struct tw_gateway *gateway, struct tw_text name); /* NULL: not known */
/* Adds it if new. NULL: no place for it, or not for a source of it. */
struct tw_publisher *tw_gateway_publisher(struct tw_gateway *gateway, struct tw_text name);
/* Adds publisher and source if new; the source's id in the dictionary is set then. */
struct tw_source *tw_gateway_source(struct tw_gateway *gateway, struct tw_publisher *publisher, uint32_t incarnation,
                                    bool *added); /* NULL: no place */
/* The source becomes the publisher's current one, without a record. */
void tw_gateway_promote(struct tw_gateway *gateway, struct tw_publisher *publisher, struct tw_source *source);
/* The same for the publisher's first one, just added: its name in the block under construction keeps the lower ones
 * out, so its ack waits until that is durable. Nothing is lower than 0. */
void tw_gateway_begin(struct tw_gateway *gateway, struct tw_publisher *publisher, struct tw_source *source);
/* The same by a FENCE record; its ack waits until that is durable. */
void tw_gateway_fence(struct tw_gateway *gateway, struct tw_publisher *publisher, struct tw_source *source);
/* Whether the message may come on that lane; the first one settles it. */
bool tw_gateway_may_speak(struct tw_gateway *gateway, struct tw_publisher *publisher, enum tw_lane lane);
struct tw_text tw_gateway_publisher_name(const struct tw_gateway *gateway, const struct tw_publisher *publisher);
void tw_source_free(struct tw_source **source);
void tw_source_pending_add(struct tw_source *source, uint64_t pseq, uint64_t content_hash);
/* Everything below `next` is durable. */
void tw_source_durable(struct tw_source *source, uint64_t next);
void tw_source_known_add(struct tw_source *source, const struct tw_refusal *refusal);

/* ---- acks.c ---- */
void tw_gateway_heard(struct tw_gateway *gateway, struct tw_publisher *publisher, int64_t now_ns);
void tw_gateway_due(struct tw_gateway *gateway, struct tw_publisher *publisher);
void tw_gateway_hold(struct tw_gateway *gateway, struct tw_publisher *publisher, uint32_t incarnation,
                     enum tw_code code, uint64_t seq, const char *why);
/* The same to a name that is not known. */
void tw_gateway_hold_stranger(struct tw_gateway *gateway, const struct tw_submission *submission, enum tw_code code,
                              const char *why);
void tw_gateway_unhold(struct tw_publisher *publisher);
void tw_gateway_ack_cadence(struct tw_gateway *gateway, int64_t now_ns);

/* ---- flight.c ---- */
/* Block with this lsn that is not durable (last_lsn + 1: the one under construction); NULL for a control record. */
const struct tw_block *tw_flight_block(struct tw_gateway *gateway, uint64_t lsn);
bool tw_flight_by_pseq(struct tw_gateway *gateway, uint32_t source, uint64_t pseq, struct tw_past_trade *out);
bool tw_flight_by_seq(struct tw_gateway *gateway, uint64_t seq, struct tw_past_trade *out);
/* The newest unbusted trade or correct with this id from any incarnation of the publisher. */
bool tw_flight_by_id(struct tw_gateway *gateway, uint32_t publisher, struct tw_text id, struct tw_past_trade *out);
void tw_flight_clear(struct tw_gateway *gateway, struct tw_flight *flight);
void tw_flight_spares_free(struct tw_gateway *gateway);

/* ---- past.c ---- */
/* Whether the trade just read is the one that the source sent under `pseq` before. */
bool tw_gateway_sent_before(struct tw_gateway *gateway, const struct tw_source *source, uint64_t pseq,
                            const struct tw_reader *reader, const struct tw_read *read);
/* What the bust or correct refers to, into row->original; for a bust the row repeats it. */
enum tw_code tw_gateway_refer(struct tw_gateway *gateway, const struct tw_source *source, const struct tw_trade *trade,
                              struct tw_row *row, char why[TW_WHY_BYTES_MAX]);

/* ---- recovery and start: apply.c ---- */
void tw_gateway_forget(struct tw_gateway *gateway, uint64_t last_seq); /* retention: the trades up to here are gone */
void tw_gateway_apply_refusals(struct tw_gateway *gateway, const struct tw_block *block);

/* ---- gateway_save.c ---- */
void tw_gateway_save_busted(struct tw_gateway *gateway); /* what the snapshot under way still wants of them */

#endif
