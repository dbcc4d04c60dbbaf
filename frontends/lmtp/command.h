/* frontends/lmtp/command.h – the command table, and what may be said when. */
#ifndef WD_LMTP_COMMAND_H
#define WD_LMTP_COMMAND_H
#include "common/base/str.h"

struct lmtp_conn;

enum lmtp_need {
    NEED_LHLO = 1,
    NEED_MAIL = 2,    /* a transaction is open */
    NEED_NO_MAIL = 4, /* none is */
    NEED_ARGS = 8,
    NEED_NO_ARGS = 16,
};

struct lmtp_command {
    struct wd_str name;
    unsigned needs;   /* enum lmtp_need */
    const char *help; /* NULL: not listed by HELP */
    void (*run)(struct lmtp_conn *c, struct wd_str args);
};

#define COMMAND(name, handler, needs, help) void lmtp_cmd_##handler(struct lmtp_conn *c, struct wd_str args);
#include "frontends/lmtp/commands.def"
#undef COMMAND

/** Finds the command that a line starts with; args is the rest, trimmed. NULL: there is no such command. */
const struct lmtp_command *lmtp_command_of(struct wd_str line, struct wd_str *args);

/** The rows, for HELP and tests. */
const struct lmtp_command *lmtp_commands(size_t *n);

/** A line that a web browser or a port scanner sent: "GET / HTTP/1.1". */
bool lmtp_looks_like_http(struct wd_str line);
#endif
