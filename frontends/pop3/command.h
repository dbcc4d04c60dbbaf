/* frontends/pop3/command.h – the command table: what may be said when, and with which arguments. */
#ifndef WD_POP3_COMMAND_H
#define WD_POP3_COMMAND_H
#include "common/base/str.h"

struct pop3_conn;

enum pop3_states {
    ST_OUT = 1, /* AUTHORIZATION */
    ST_IN = 2,  /* TRANSACTION */
    ST_ANY = ST_OUT | ST_IN,
};

enum pop3_grammar {
    ARGS_NONE,
    ARGS_TEXT,     /* the rest of the line, with the blanks inside of it */
    ARGS_MAY_TEXT, /* or nothing */
    ARGS_NUMBER,   /* of a message */
    ARGS_MAY_NUMBER,
    ARGS_NUMBER_LINES, /* and how many lines of its body */
    ARGS_KINDS
};

struct pop3_args {
    bool has_number;
    uint32_t number, lines;
    struct wd_str text; /* borrowed from the line */
};

struct pop3_command {
    struct wd_str name;
    unsigned states; /* enum pop3_states */
    enum pop3_grammar grammar;
    void (*run)(struct pop3_conn *c, const struct pop3_args *args);
};

#define COMMAND(name, states, grammar, handler)                                                                        \
    void pop3_cmd_##handler(struct pop3_conn *c, const struct pop3_args *args);
#include "frontends/pop3/commands.def"
#undef COMMAND

/** Finds the command that a line starts with; rest is what follows it, trimmed. NULL: there is no such command. */
const struct pop3_command *pop3_command_of(struct wd_str line, struct wd_str *rest);
/** Reads the arguments. False when they do not fit the grammar. */
bool pop3_args_read(enum pop3_grammar grammar, struct wd_str rest, struct pop3_args *out);
/** What would have fitted, for the answer. */
const char *pop3_args_help(enum pop3_grammar grammar);
/** The rows, for tests. */
const struct pop3_command *pop3_commands(size_t *n);
#endif
