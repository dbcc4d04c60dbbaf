/* frontends/imap/conn_line.c – from bytes to commands: lines, literals wanted or not, what is not understood. */
#include <stdio.h>
#include <stdlib.h>

#include "frontends/imap/conn_priv.h"

enum { CHUNK = 16 * 1024, LITERALS_MAX = 192 * 1024 };

/* The answer to something that did not become a command; a first word that nothing follows is no tag. */
static void
answer_line(struct imap_conn *c, struct wd_str answer)
{
    struct wd_buf *out = imap_conn_buf(c);
    const struct imap_lex *l = &c->lex;
    bool tagged = l->tokens.n && l->tokens.p[0].type == IMAP_ATOM && l->tokens.p[0].n && (l->tokens.n > 1 || l->blank);

    if (tagged)
        wd_buf_str(out, imap_lex_text(&c->lex, 0));
    else
        wd_buf_chr(out, '*');
    wd_buf_chr(out, ' ');
    wd_buf_str(out, answer);
    wd_buf_c(out, "\r\n");
    imap_conn_send(c);
    if (wd_str_starts(answer, WD_STR("BAD")))
        imap_conn_count_bad(c);
}

void
imap_conn_forget_line(struct imap_conn *c)
{
    free((void *)(uintptr_t)c->refusal.p);
    c->refusal = WD_NONE;
    if (c->lex.text.n)
        explicit_bzero(c->lex.text.p, c->lex.text.n); /* it may have held a password */
    imap_lex_reset(&c->lex);
}

static void
bad_line(struct imap_conn *c, const char *why)
{
    char text[160];
    int n = snprintf(text, sizeof text, "BAD %s", why);

    answer_line(c, (struct wd_str){ text, (size_t)n });
    imap_conn_forget_line(c);
}

static bool
over_budget(struct imap_conn *c, const struct imap_command *row)
{
    static const struct wd_str counted[] = { WD_STR_C("SELECT"), WD_STR_C("EXAMINE"), WD_STR_C("EXPUNGE") };

    for (size_t i = 0; (row->flags & F_COUNTED) && i < WD_COUNT(counted); i++)
        if (wd_str_eq(row->name, counted[i]) && ++c->counted[i] > IMAP_COUNTED_MAX)
            return true;
    return false;
}

/* The row of the command that the tokens begin; NULL with *why set. */
static const struct imap_command *
find_row(struct imap_conn *c, size_t *first_argument, const char **why)
{
    const struct imap_command *row;
    bool named = c->lex.tokens.n >= 2 && c->lex.tokens.p[0].type == IMAP_ATOM && c->lex.tokens.p[1].type == IMAP_ATOM;

    *why = "a tag and a command are expected";
    if (!named)
        return NULL;
    row = imap_command_find(imap_lex_text(&c->lex, 1), imap_lex_text(&c->lex, 2));
    *why = "unknown command";
    if (!row)
        return NULL;
    *first_argument = row->flags & F_UID ? 3 : 2;
    *why = "command is not allowed now";
    return row->states & imap_conn_state_bit(c) ? row : NULL;
}

static bool
parse_arguments(struct imap_conn *c, struct imap_cmd *cmd, size_t first)
{
    struct imap_parse p = { .lex = &c->lex, .at = first, .arena = cmd->arena, .utf8 = c->utf8 };

    cmd->args = (struct imap_args){ 0 };
    if (imap_args_parse(&p, cmd->row->grammar, &cmd->args))
        return true;
    imap_bad(cmd, p.why ? p.why : "wrong arguments");
    return false;
}

/* A complete line: starts its command, or goes on with APPEND, whose literal has come. */
static bool
line_complete(struct imap_conn *c)
{
    const struct imap_command *row;
    const char *why;
    size_t first = 0;

    row = find_row(c, &first, &why);
    if (!row) {
        bad_line(c, why);
        return true;
    }
    c->server->commands++;
    if (over_budget(c, row)) {
        imap_conn_bye(c, "Too many commands of this kind");
        return true;
    }
    if (!c->cmd) {
        c->cmd = imap_cmd_new(c, row, imap_lex_text(&c->lex, 0));
        if (!parse_arguments(c, c->cmd, first)) {
            imap_conn_finish(c);
            return true;
        }
    } else {
        struct imap_args again = c->cmd->args;
        if (!parse_arguments(c, c->cmd, first)) {
            imap_conn_finish(c);
            return true;
        }
        c->cmd->args = again;
    }
    if (!(row->flags & F_STREAMS))
        imap_conn_forget_line(c);
    c->state = IMAP_CONN_RUNNING;
    c->cmd->ready = true;
    return true;
}

/* Answers now when the client waits for a continuation, otherwise when it has sent everything. */
static bool
refuse_literal(struct imap_conn *c, struct wd_str answer)
{
    if (!imap_lex_refuse(&c->lex)) {
        answer_line(c, answer);
        imap_conn_forget_line(c);
        return true;
    }
    if (c->lex.literal_size > IMAP_SWALLOW_MAX) {
        answer_line(c, answer);
        imap_conn_bye(c, "Literal is too long");
        return true;
    }
    c->refusal.p = strndup(answer.p, answer.n);
    c->refusal.n = answer.n;
    return true;
}

static void
go_ahead(struct imap_conn *c)
{
    if (c->lex.literal_sync)
        wd_conn_write(c->net, WD_STR("+ Go ahead\r\n"));
}

/* The literal of APPEND, once its mailbox is known, goes to the store and not into memory. */
static bool
stream_literal(struct imap_conn *c, const struct imap_command *row, size_t first)
{
    c->cmd = imap_cmd_new(c, row, imap_lex_text(&c->lex, 0));
    if (!parse_arguments(c, c->cmd, first) || !imap_append_literal(c->cmd, c->lex.literal_size)) {
        refuse_literal(c, c->cmd->tagged);
        imap_cmd_free(c->cmd);
        c->cmd = NULL;
        return true;
    }
    go_ahead(c);
    c->state = IMAP_CONN_STREAM;
    return true;
}

static bool
literal_announced(struct imap_conn *c)
{
    const struct imap_command *row;
    const char *why;
    char text[80];
    size_t first = 0;

    row = find_row(c, &first, &why);
    if (!row || c->cmd) {
        int n = snprintf(text, sizeof text, "BAD %s", c->cmd ? "only one message is taken" : why);
        imap_cmd_free(c->cmd);
        c->cmd = NULL;
        return refuse_literal(c, (struct wd_str){ text, (size_t)n });
    }
    if ((row->flags & F_STREAMS) && c->lex.tokens.n > first)
        return stream_literal(c, row, first);
    if (c->lex.literal_size > IMAP_LITERAL_MAX || c->lex.text.n + c->lex.literal_size > LITERALS_MAX)
        return refuse_literal(c, WD_STR("NO Literal is too long"));
    go_ahead(c);
    imap_lex_accept(&c->lex);
    return true;
}

static bool
line_bad(struct imap_conn *c)
{
    if (c->refusal.n) {
        answer_line(c, c->refusal);
        imap_conn_forget_line(c);
    } else {
        bad_line(c, c->lex.why ? c->lex.why : "wrong syntax");
    }
    imap_cmd_free(c->cmd);
    c->cmd = NULL;
    return true;
}

static bool
line_too_long(struct imap_conn *c)
{
    bad_line(c, "command is too long");
    imap_conn_bye(c, "Command is too long");
    return true;
}

static struct wd_str
next_bytes(struct evbuffer *in)
{
    size_t n = evbuffer_get_contiguous_space(in);

    if (n > CHUNK)
        n = CHUNK;
    return (struct wd_str){ n ? (const char *)evbuffer_pullup(in, (ev_ssize_t)n) : NULL, n };
}

bool
imap_conn_step_line(struct imap_conn *c)
{
    static bool (*const events[])(struct imap_conn *) = {
        [IMAP_LEX_LITERAL] = literal_announced,
        [IMAP_LEX_LINE] = line_complete,
        [IMAP_LEX_BAD] = line_bad,
        [IMAP_LEX_TOO_LONG] = line_too_long,
    };
    struct evbuffer *in = wd_conn_in(c->net);
    struct wd_str bytes;

    if (c->bye) {
        imap_conn_say_bye(c);
        return true;
    }
    if (c->expired) {
        imap_conn_bye(c, "Idle for too long");
        return true;
    }
    if (wd_conn_over(c->net))
        return false; /* a client that sends and never reads */
    while ((bytes = next_bytes(in)).n) {
        size_t used;
        enum imap_lex_result r = imap_lex_feed(&c->lex, bytes, &used);
        evbuffer_drain(in, used);
        if (r != IMAP_LEX_MORE)
            return events[r](c);
    }
    return false;
}
