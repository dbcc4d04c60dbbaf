/* frontends/imap/command.h – one running command: its row, its arguments, its answer.
 *
 * A command is a chain of steps. Each does what it can, starts at most one call, and returns IMAP_WAIT; the connection
 * runs `step` again when the reply has come (or the output has drained). The last one returns IMAP_DONE with the
 * tagged answer set by one of the functions below, which the connection sends after what may be told before it.
 */
#ifndef WD_IMAP_COMMAND_H
#define WD_IMAP_COMMAND_H
#include "common/base/error.h"
#include "common/rpc/client.h"
#include "frontends/imap/args.h"
#include "frontends/imap/view.h"
#include "wd/v1/mailboxes.pb-c.h"

struct imap_conn;
struct imap_cmd;

enum imap_state_bit {
    ST_OUT = 1,      /* not logged in */
    ST_AUTH = 2,     /* logged in, no mailbox selected */
    ST_SELECTED = 4,
    ST_IN = ST_AUTH | ST_SELECTED,
    ST_ANY = 7,
};

enum imap_command_flag {
    F_UID = 1,           /* sets and answers are in UIDs */
    F_COUNTED = 2,       /* only so many per connection */
    F_STREAMS = 4,       /* its literal goes to imap_append_data() */
    F_READS_JOURNAL = 8, /* reads the journal even when no beacon came */
    F_LONG = 16,         /* may take minutes: long deadline, a sign of life every minute */
};

enum imap_tells {
    TELL_NOTHING = 0,
    TELL_NO_EXPUNGE = IMAP_TELL_EXISTS | IMAP_TELL_FLAGS,
    TELL_ALL = IMAP_TELL_ALL,
};

enum imap_step { IMAP_WAIT, IMAP_DONE };
typedef enum imap_step imap_step_fn(struct imap_cmd *cmd);

struct imap_command {
    struct wd_str name; /* "UID FETCH" */
    unsigned states;    /* enum imap_state_bit */
    const char *grammar;
    imap_step_fn *start;
    unsigned tells; /* enum imap_tell */
    unsigned flags; /* enum imap_command_flag */
};

/* What follows the tagged answer. */
enum imap_then { IMAP_THEN_GO_ON, IMAP_THEN_CLOSE, IMAP_THEN_TLS, IMAP_THEN_DEFLATE, IMAP_THEN_GONE };

struct imap_cmd {
    struct imap_conn *conn;
    const struct imap_command *row;
    struct wd_arena *arena; /* holds this struct and everything of the command */
    struct wd_str tag;
    struct imap_args args;

    imap_step_fn *step;
    void (*done)(struct imap_cmd *cmd); /* frees what is not in the arena; may be NULL */
    void *state;                        /* of the command's own file */
    bool ready;                         /* step may run */
    bool waits_for_drain;

    struct wd_rpc_call *call;
    struct wd_arena *page; /* holds the reply when it was called for with imap_rpc_page() */
    const void *reply;     /* of the call that ended; NULL when it failed: then err says why */
    struct wd_error err;

    unsigned tells;       /* enum imap_tell: the row's, unless the command knows better */
    struct wd_str tagged; /* "OK done" */
    bool is_bad;
    enum imap_then then;
    int64_t alive_ms; /* when the client last heard of a long command, on wd_mono_ms() */
};

/* clang-format off */
#define COMMAND(name, states, grammar, function, tells, flags) imap_step_fn imap_cmd_##function;
#include "frontends/imap/commands.def"
#undef COMMAND
/* clang-format on */

/** The row of a command by its first two words; NULL when there is none. */
const struct imap_command *imap_command_find(struct wd_str name, struct wd_str second);
/** All rows, in order; *n is their number. */
const struct imap_command *imap_command_all(size_t *n);

/** A command that will run its row's function; tag is copied. */
struct imap_cmd *imap_cmd_new(struct imap_conn *c, const struct imap_command *row, struct wd_str tag);
/** Cancels what is under way; NULL is fine. */
void imap_cmd_free(struct imap_cmd *cmd);

/** The service object of the next call, with the session's token. Its reply lives in the command's arena; with _page,
 *  in an arena that the next imap_rpc_page() empties. */
ProtobufCService *imap_rpc(struct imap_cmd *cmd, const ProtobufCServiceDescriptor *service);
ProtobufCService *imap_rpc_page(struct imap_cmd *cmd, const ProtobufCServiceDescriptor *service);
/** The same, with the reply in an arena of the caller's. */
ProtobufCService *imap_rpc_into(struct imap_cmd *cmd, const ProtobufCServiceDescriptor *service,
                                struct wd_arena *arena);
/** What every closure does: keeps the reply and wakes the connection. */
void imap_replied(struct imap_cmd *cmd, const void *reply);
/** Defines a closure for a reply type. */
#define IMAP_CLOSURE(name, Type)                                                                   \
    static void name(const Type *reply, void *cmd)                                                 \
    {                                                                                              \
        imap_replied(cmd, reply);                                                                  \
    }

/** Sets the next step and waits for the reply. */
enum imap_step imap_then_step(struct imap_cmd *cmd, imap_step_fn *next);
/** Waits until the client has taken what was sent; the same step runs again. */
enum imap_step imap_wait_drain(struct imap_cmd *cmd);

/** Set the tagged answer; code may be NULL ("TRYCREATE"). All return IMAP_DONE. */
enum imap_step imap_ok(struct imap_cmd *cmd, const char *text);
enum imap_step imap_answer(struct imap_cmd *cmd, const char *status, const char *code, const char *text);
/** Counts as a bad answer of the connection. */
enum imap_step imap_bad(struct imap_cmd *cmd, const char *text);
/** NO with the code of cmd->err. */
enum imap_step imap_fail(struct imap_cmd *cmd);
/** The same, with another code for WD_MAILBOX_NOT_FOUND. */
enum imap_step imap_fail_target(struct imap_cmd *cmd);

/** The process's scratch buffer, emptied; imap_send() hands what was written to the connection. */
struct wd_buf *imap_out(struct imap_cmd *cmd);
void imap_send(struct imap_cmd *cmd);

/** Ranges of UIDs as the protocol has them, in the command's arena. */
void imap_uids_to_pb(struct wd_arena *a, const struct wd_seqset *uids, Wd__V1__UidRanges *out);
/** False when the peer sent nonsense. *out must be empty. */
bool imap_uids_from_pb(const Wd__V1__UidRanges *in, struct wd_seqset *out);
#endif
