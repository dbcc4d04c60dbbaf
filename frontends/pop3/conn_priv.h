/* frontends/pop3/conn_priv.h – one POP3 connection as its commands see it. Threads: belongs to its loop. */
#ifndef WD_POP3_CONN_PRIV_H
#define WD_POP3_CONN_PRIV_H
#include "common/net/sasl.h"
#include "frontends/pop3/command.h"
#include "frontends/pop3/maildrop.h"
#include "frontends/pop3/server.h"
#include "frontends/pop3/stuff.h"
#include "frontends/pop3/top.h"

enum pop3_state {
    POP3_LINE,     /* the next command */
    POP3_SKIPPING, /* the rest of a line that is too long */
    POP3_ANSWER,   /* to the challenge of AUTH */
    POP3_LOGIN,    /* the store checks a password, then lists the messages */
    POP3_READING,  /* RETR or TOP: a range of the message is under way, or the client takes its time */
    POP3_UPDATING, /* QUIT: the store changes what was marked; goes on without the client */
    POP3_SECURING, /* TLS handshake */
    POP3_CLOSED,   /* to be freed by pop3_conn_step() */
    POP3_STATES
};

/* RETR or TOP under way. */
struct pop3_reading {
    struct pop3_message *message;
    uint64_t offset; /* of the next range */
    bool is_top, asked;
    struct pop3_top top;
    struct pop3_stuff stuff;
};

/* A fresh session token on its way; the present one is good meanwhile. */
struct pop3_renewal {
    struct wd_rpc_call *call;
    struct wd_arena *arena;
    struct wd_error err;
};

struct pop3_conn {
    struct pop3_server *server;
    struct pop3_conn *next, **link; /* in server->conns */
    struct wd_conn *net;            /* NULL when the peer is gone */
    char id[17], ip[46];            /* of net, which may go first */
    enum pop3_state state;
    bool stepping, again;
    bool logs; /* log lines about this peer are wanted */
    unsigned errors;

    struct wd_buf name; /* of USER, until PASS; then who logs in */
    struct wd_sasl sasl;
    const char *method; /* of the login, for the log */

    bool logged_in;
    char user[WD_ID_HEX + 1];
    char *token;
    int64_t token_got_ms, token_expires_ms; /* on wd_now_ms() */
    struct pop3_renewal renewal;
    struct pop3_maildrop drop;
    struct pop3_reading reading;

    struct wd_rpc_call *call;
    struct wd_arena *arena; /* of the call's reply */
    const void *reply;      /* NULL when the call failed */
    bool call_done;
    struct wd_error err;
};

/** Runs the state machine until it waits; the only place that frees a connection. */
void pop3_conn_step(struct pop3_conn *c);
/** Status lines. The code is that of RFC 2449 and 3206, or NULL. */
void pop3_ok(struct pop3_conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pop3_fail(struct pop3_conn *c, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** The same, and the connection ends. */
void pop3_fail_last(struct pop3_conn *c, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/** A command that was no good; too many of them end the connection. */
void pop3_bad(struct pop3_conn *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Answers with the reason of c->err; the connection ends when the session cannot go on. */
void pop3_fail_call(struct pop3_conn *c);

/** Starts a call: the service object for the next stub, whose closure must hand its reply to pop3_replied(). */
ProtobufCService *pop3_rpc(struct pop3_conn *c, const ProtobufCServiceDescriptor *service);
void pop3_replied(struct pop3_conn *c, const void *reply);
/** Forgets the reply and its memory. */
void pop3_call_end(struct pop3_conn *c);
/** Fields of requests: packing does not write to them. */
ProtobufCBinaryData pop3_bytes(struct wd_str s);

/* login.c */
/** Is a password allowed on this connection? */
bool pop3_may_login(const struct pop3_conn *c);
/** Asks the store; c->name is who. Both are copied. */
void pop3_login_start(struct pop3_conn *c, struct wd_str password, const char *method);
bool pop3_step_login(struct pop3_conn *c);
/** Asks for another session token when half of the life of the present one is over. */
void pop3_renew(struct pop3_conn *c);
void pop3_forget_token(struct pop3_conn *c);

/** cmd_list.c: the message that the arguments name, if it is not marked as deleted; NULL: that was answered. */
struct pop3_message *pop3_find_message(struct pop3_conn *c, const struct pop3_args *args);

/* The steps of cmd_login.c, cmd_retr.c and update.c. */
bool pop3_step_answer(struct pop3_conn *c);
bool pop3_step_reading(struct pop3_conn *c);
bool pop3_step_updating(struct pop3_conn *c);
/** The update of QUIT in TRANSACTION. */
void pop3_update_start(struct pop3_conn *c);
#endif
