/* frontends/wd/cli.h – one run of the command line: where the store is, how it is asked, what every noun shares. */
#ifndef WD_CLI_CLI_H
#define WD_CLI_CLI_H
#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/id.h"
#include "common/base/lifetime.h"
#include "common/rpc/client.h"
#include "frontends/wd/args.h"
#include "wd/v1/users.pb-c.h"

struct cli;

struct cli_command {
    const char *noun, *verb; /* "user", "create"; verb is NULL for a command of one word */
    const char *usage;       /* "NAME [--address ADDRESS]" */
    const char *help;        /* one line */
    unsigned least, most;    /* words behind it, without options */
    /* Does it. words ends with NULL. False with c->err set; c->exit_code is for a failure that was told already. */
    bool (*run)(struct cli *c, char **words);
    const struct cli_option *options; /* its own; may be NULL */
};

struct cli {
    char *data, *store, *token_file; /* --data, --store, --token-file, as given; NULL otherwise */
    const struct cli_command *command;
    struct wd_arena *arena; /* lives as long as the process */
    struct wd_error err;
    int exit_code;
    /* private: */
    struct event_base *loop;
    struct wd_rpc_client *rpc;
    const char *url; /* that it is connected to */
};

struct cli_call_options {
    const char *key; /* idempotency key; NULL: made up */
    int timeout_ms;  /* 0: 15,000 */
    struct wd_arena *arena; /* where the reply lives; NULL: c->arena */
};

/**
 * Calls a method and waits for its reply: "Create" of &wd__v1__users__descriptor. Connects at the first call. options
 * may be NULL. NULL with c->err set: the caller returns false.
 */
const void *cli_call(struct cli *c, const ProtobufCServiceDescriptor *service, const char *method,
                     const ProtobufCMessage *request, const struct cli_call_options *options);

/** Who is meant: 24 hexadecimal digits, an address, or a username. NULL with c->err set. */
const Wd__V1__User *cli_user(struct cli *c, char *who);

/** A C string as the bytes of a message. */
ProtobufCBinaryData cli_bytes(char *text);
/** Bytes of a message for printf("%s"): control bytes become '?'. */
const char *cli_text(struct cli *c, ProtobufCBinaryData bytes);

/** Closes the connection, frees everything. */
void cli_done(struct cli *c);

/* The commands of the nouns; each array ends with .noun == NULL. */
extern const struct cli_command cli_user_commands[], cli_address_commands[], cli_alias_commands[],
    cli_mailbox_commands[], cli_check_commands[], cli_push_commands[], cli_import_commands[], cli_serve_commands[];
#endif
