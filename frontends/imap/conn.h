/* frontends/imap/conn.h – one client connection: a state machine that callbacks merely wake. */
#ifndef WD_IMAP_CONN_H
#define WD_IMAP_CONN_H
#include "common/net/listener.h"
#include "frontends/imap/command.h"
#include "frontends/imap/server.h"

enum imap_conn_state {
    IMAP_CONN_GREETING,
    IMAP_CONN_LINE,     /* reads a command */
    IMAP_CONN_STREAM,   /* the literal of APPEND */
    IMAP_CONN_RUNNING,  /* a command */
    IMAP_CONN_SYNCING,  /* reads the journal before the tagged answer */
    IMAP_CONN_IDLE,
    IMAP_CONN_RESPONSE, /* waits for the answer to an AUTHENTICATE challenge */
    IMAP_CONN_TLS,      /* handshake after STARTTLS */
    IMAP_CONN_CLOSED,
};

enum { IMAP_BADS_MAX = 50, IMAP_COUNTED_MAX = 1000, IMAP_LITERAL_MAX = 1024 };

struct imap_conn {
    struct imap_server *server;
    struct wd_conn *net;
    enum imap_conn_state state;
    bool again, stepping;
    bool now;     /* close without sending what waits: the peer is gone, or a literal cannot be completed */
    bool expired; /* no traffic for too long */
    bool deflated;
    bool utf8, condstore; /* enabled */
    uint8_t bads;
    uint16_t counted[3]; /* SELECT, EXAMINE, EXPUNGE */
    char *bye;           /* reason to end at the next permitted moment; owned */

    struct imap_lex lex;
    struct wd_str refusal; /* answer to a command whose literals are being thrown away; owned */
    struct imap_cmd *cmd;

    struct imap_view *view; /* of the selected mailbox, or NULL */
    struct imap_sync *sync; /* reading the journal, or NULL */
    bool sync_wanted;       /* once more, whatever is known */
    int64_t sync_retry_ms;  /* not before, after a failure; on wd_mono_ms() */
    int64_t idle_since_ms;  /* on wd_mono_ms() */

    /* after a login */
    bool logged_in;
    struct wd_id user_id;
    char user[WD_ID_HEX + 1];
    char *token;
    int64_t token_got_ms, token_expires_ms; /* on wd_now_ms() */
    struct imap_login *login;               /* a login or renewal under way */

    struct imap_conn *next, *prev;           /* of the server */
    struct imap_conn *user_next, *user_prev; /* in its hash table */
};

/** The listener's on_conn: makes an IMAP connection of it. data is the struct imap_server. */
void imap_conn_accept(void *server, struct wd_conn *net);
/** Runs the machine until it waits; may free the connection. */
void imap_conn_step(struct imap_conn *c);
/** Ends the connection as soon as the protocol allows, with "* BYE why". Call imap_conn_step() after it. */
void imap_conn_bye(struct imap_conn *c, const char *why);
/** Ends it without another byte. Call imap_conn_step() after it unless inside of a step. */
void imap_conn_drop(struct imap_conn *c);
/** Frees it now, outside of its own steps. */
void imap_conn_free(struct imap_conn *c);

/** The scratch buffer of the process, emptied, and sending what is in it. */
struct wd_buf *imap_conn_buf(struct imap_conn *c);
void imap_conn_send(struct imap_conn *c);
/** Leaves the selected mailbox. */
void imap_conn_unselect(struct imap_conn *c);
/** Is a password allowed on this connection? */
bool imap_conn_may_login(const struct imap_conn *c);
/** IMAP_TELL_MODSEQ when CONDSTORE is on, for imap_view_tell(). */
unsigned imap_conn_tell(const struct imap_conn *c);
/** Log lines about this peer are wanted. */
bool imap_conn_logs(const struct imap_conn *c);
/** Every second: IDLE's end, tokens, signs of life. */
void imap_conn_tick(struct imap_conn *c, int64_t now_ms);

/* cmd_append.c: what the connection needs for a literal that is streamed. */
/** Looks at an announced literal; false when it is refused: cmd->tagged is set. */
bool imap_append_literal(struct imap_cmd *cmd, uint64_t size);
/** Takes bytes of it off the input; returns how many are still missing after them, and waits through cmd->ready when
 *  it cannot take more now (*blocked). */
uint64_t imap_append_data(struct imap_cmd *cmd, struct evbuffer *in, bool *blocked);

/* cmd_login.c */
/** The client's line after the challenge of AUTHENTICATE. */
void imap_authenticate_response(struct imap_cmd *cmd, struct wd_str line);
#endif
