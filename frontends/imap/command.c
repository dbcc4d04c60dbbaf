#include "frontends/imap/command.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/log/log.h"
#include "frontends/imap/conn.h"
#include "frontends/imap/write.h"

enum { FIRST_BLOCK = 2048, LONG_MS = 300 * 1000 };

/* clang-format off */
static const struct imap_command rows[] = {
#define COMMAND(name, states, grammar, function, tells, flags) \
    { WD_STR_C(name), (states), (grammar), imap_cmd_##function, (tells), (flags) },
#include "frontends/imap/commands.def"
#undef COMMAND
};
/* clang-format on */

const struct imap_command *
imap_command_all(size_t *n)
{
    *n = WD_COUNT(rows);
    return rows;
}

static const struct imap_command *
find(struct wd_str name)
{
    size_t low = 0, high = WD_COUNT(rows);

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = wd_str_icmp(rows[middle].name, name);
        if (order == 0)
            return &rows[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct imap_command *
imap_command_find(struct wd_str name, struct wd_str second)
{
    char both[32];

    if (!wd_str_ieq(name, WD_STR("UID")))
        return wd_str_chr(name, ' ') == SIZE_MAX ? find(name) : NULL;
    if (second.n > sizeof both - 4)
        return NULL;
    memcpy(both, "UID ", 4);
    if (second.n)
        memcpy(both + 4, second.p, second.n);
    return find((struct wd_str){ both, second.n + 4 });
}

struct imap_cmd *
imap_cmd_new(struct imap_conn *c, const struct imap_command *row, struct wd_str tag)
{
    struct wd_arena *arena = wd_arena_new(FIRST_BLOCK);
    struct imap_cmd *cmd = WD_ARENA_NEW(arena, struct imap_cmd);

    cmd->arena = arena;
    cmd->conn = c;
    cmd->row = row;
    cmd->tag = wd_arena_str(arena, tag);
    cmd->step = row->start;
    cmd->tells = row->tells;
    cmd->ready = true;
    cmd->alive_ms = wd_mono_ms();
    return cmd;
}

void
imap_cmd_free(struct imap_cmd *cmd)
{
    if (!cmd)
        return;
    wd_rpc_cancel(&cmd->call);
    if (cmd->done)
        cmd->done(cmd);
    if (cmd->args.password.n)
        explicit_bzero((void *)(uintptr_t)cmd->args.password.p, cmd->args.password.n);
    wd_arena_free(cmd->page);
    wd_arena_free(cmd->arena);
}

ProtobufCService *
imap_rpc_into(struct imap_cmd *cmd, const ProtobufCServiceDescriptor *service, struct wd_arena *arena)
{
    const struct imap_conn *c = cmd->conn;
    struct wd_rpc_params params = {
        .session_token = c->token,
        .session_id = wd_conn_id(c->net),
        .timeout_ms = cmd->row->flags & F_LONG ? LONG_MS : 0,
        .arena = arena,
        .err = &cmd->err,
        .call = &cmd->call,
    };

    cmd->reply = NULL;
    return wd_rpc_to(c->server->rpc, service, &params);
}

ProtobufCService *
imap_rpc(struct imap_cmd *cmd, const ProtobufCServiceDescriptor *service)
{
    return imap_rpc_into(cmd, service, cmd->arena);
}

ProtobufCService *
imap_rpc_page(struct imap_cmd *cmd, const ProtobufCServiceDescriptor *service)
{
    wd_arena_free(cmd->page); /* not reset: its blocks have grown to the size of the last page */
    cmd->page = wd_arena_new(0);
    return imap_rpc_into(cmd, service, cmd->page);
}

void
imap_replied(struct imap_cmd *cmd, const void *reply)
{
    cmd->reply = reply;
    cmd->ready = true;
    imap_conn_step(cmd->conn);
}

enum imap_step
imap_then_step(struct imap_cmd *cmd, imap_step_fn *next)
{
    cmd->step = next;
    return IMAP_WAIT;
}

enum imap_step
imap_wait_drain(struct imap_cmd *cmd)
{
    cmd->waits_for_drain = true;
    return IMAP_WAIT;
}

enum imap_step
imap_answer(struct imap_cmd *cmd, const char *status, const char *code, const char *text)
{
    struct wd_buf clean wd_auto(wd_buf_done) = { 0 };

    imap_write_text(&clean, wd_str_c(text));
    if (code)
        cmd->tagged = wd_arena_printf(cmd->arena, "%s [%s] %.*s", status, code, WD_FMT(clean));
    else
        cmd->tagged = wd_arena_printf(cmd->arena, "%s %.*s", status, WD_FMT(clean));
    return IMAP_DONE;
}

enum imap_step
imap_ok(struct imap_cmd *cmd, const char *text)
{
    return imap_answer(cmd, "OK", NULL, text);
}

enum imap_step
imap_bad(struct imap_cmd *cmd, const char *text)
{
    cmd->is_bad = true;
    return imap_answer(cmd, "BAD", NULL, text);
}

/* What is wrong inside is for the log, not for the client. */
static bool
is_internal(enum wd_status status)
{
    return status == WD_STATUS_UNAVAILABLE || status == WD_STATUS_DEADLINE_EXCEEDED || status == WD_STATUS_INTERNAL ||
           status == WD_STATUS_UNIMPLEMENTED || status == WD_STATUS_CANCELLED;
}

enum imap_step
imap_fail(struct imap_cmd *cmd)
{
    const struct wd_reason_info *info = wd_reason_info(cmd->err.reason);
    struct imap_conn *c = cmd->conn;

    if (c->logged_in && info->status == WD_STATUS_UNAUTHENTICATED)
        imap_conn_bye(c, "Session has expired");
    if (!is_internal(info->status))
        return imap_answer(cmd, "NO", info->imap, cmd->err.text);
    if (imap_conn_logs(c))
        wd_log_error(WD_LOG_WARN, "command failed", &cmd->err, WD_KV("session", wd_conn_id(c->net)),
                     WD_KV_STR("command", cmd->row->name));
    return imap_answer(cmd, "NO", info->imap, "Temporary failure, try again later");
}

enum imap_step
imap_fail_target(struct imap_cmd *cmd)
{
    if (cmd->err.reason == WD_MAILBOX_NOT_FOUND)
        return imap_answer(cmd, "NO", "TRYCREATE", "no such mailbox");
    return imap_fail(cmd);
}

struct wd_buf *
imap_out(struct imap_cmd *cmd)
{
    return imap_conn_buf(cmd->conn);
}

void
imap_send(struct imap_cmd *cmd)
{
    imap_conn_send(cmd->conn);
}

void
imap_uids_to_pb(struct wd_arena *a, const struct wd_seqset *uids, Wd__V1__UidRanges *out)
{
    struct wd_buf deltas wd_auto(wd_buf_done) = { 0 };

    wd_seqset_to_deltas(uids, &deltas);
    wd__v1__uid_ranges__init(out);
    out->n_deltas = deltas.n / sizeof *out->deltas;
    out->deltas = WD_ARENA_ARRAY(a, uint32_t, out->n_deltas + 1);
    if (deltas.n)
        memcpy(out->deltas, deltas.p, deltas.n);
}

bool
imap_uids_from_pb(const Wd__V1__UidRanges *in, struct wd_seqset *out)
{
    return wd_seqset_from_deltas(in->deltas, in->n_deltas, out);
}
