/* frontends/lmtp/conn_priv.h – one LMTP connection as its commands see it. Threads: belongs to its loop. */
#ifndef WD_LMTP_CONN_PRIV_H
#define WD_LMTP_CONN_PRIV_H
#include "common/base/vec.h"
#include "frontends/lmtp/body.h"
#include "frontends/lmtp/server.h"
#include "frontends/lmtp/unstuff.h"
#include "wd/v1/delivery.pb-c.h"

enum lmtp_state {
    LMTP_GREETING,   /* waiting whether the peer talks too early */
    LMTP_LINE,       /* the next command */
    LMTP_SKIPPING,   /* the rest of a line that is too long */
    LMTP_RESOLVING,  /* a group of RCPTs is at the store */
    LMTP_DATA,       /* the message, with dots */
    LMTP_BDAT,       /* a chunk of it, counted */
    LMTP_FINISHING,  /* the message is complete here; its last bytes go to the store */
    LMTP_DELIVERING, /* Deliver is under way */
    LMTP_SECURING,   /* TLS handshake */
    LMTP_CLOSED,     /* to be freed by lmtp_conn_step() */
    LMTP_STATES
};

struct lmtp_rcpt {
    struct wd_str address; /* in the transaction's arena */
    struct wd_str reply;   /* a whole reply line, when it is decided; in the arena */
    bool accepted;
};

struct lmtp_conn {
    struct lmtp_server *server;
    struct lmtp_conn *next, **link; /* in server->conns */
    struct wd_conn *net;            /* NULL when the peer is gone */
    struct event *greet_timer;
    enum lmtp_state state;
    bool stepping, again;
    bool said_hello, said_anything;
    unsigned unknown; /* commands */
    struct wd_buf helo;

    /* The transaction: from MAIL to the replies after the message. */
    struct wd_arena *arena;
    bool in_mail, chunked, chunks_failed;
    int64_t started_ms;
    struct wd_str sender;
    uint64_t declared_size;
    struct WD_VEC(struct lmtp_rcpt) rcpts; /* the first `answered` have their replies, the others are a group */
    size_t answered, accepted;
    struct lmtp_body body;
    struct lmtp_unstuff unstuff;
    uint64_t chunk_left;
    bool chunk_last;

    struct wd_rpc_call *call;
    bool call_done;
    struct wd_error err;
    const Wd__V1__ResolveReply *resolved; /* in the arena */
    const Wd__V1__DeliverReply *delivered;
};

/** Runs the state machine until it waits; the only place that frees a connection. */
void lmtp_conn_step(struct lmtp_conn *c);
/** Ends the transaction: RSET, LHLO, and after the replies. */
void lmtp_conn_reset(struct lmtp_conn *c);
/** Writes a reply line. */
void lmtp_say(struct lmtp_conn *c, int code, const char *enhanced, const char *text);
/** Writes it and closes. */
void lmtp_say_last(struct lmtp_conn *c, int code, const char *enhanced, const char *text);

/** Fields of requests: packing does not write to them. The text is copied to the arena. */
ProtobufCBinaryData lmtp_bytes(struct wd_str s);
char *lmtp_text(struct wd_arena *a, const char *text);

/* States of cmd_envelope.c: may the pipelined group grow by the next line? Ask the store; take its answer. */
bool lmtp_rcpt_group_goes_on(struct lmtp_conn *c);
void lmtp_rcpt_resolve(struct lmtp_conn *c);
bool lmtp_step_resolving(struct lmtp_conn *c);
/* States of cmd_data.c and deliver.c. */
bool lmtp_step_data(struct lmtp_conn *c);
bool lmtp_step_bdat(struct lmtp_conn *c);
bool lmtp_step_finishing(struct lmtp_conn *c);
bool lmtp_step_delivering(struct lmtp_conn *c);
#endif
