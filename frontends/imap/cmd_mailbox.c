/* frontends/imap/cmd_mailbox.c – CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE, STATUS (RFC 3501 §6.3.3–§6.3.10). */
#include <string.h>

#include "frontends/imap/conn.h"
#include "frontends/imap/write.h"
#include "wd/v1/mailboxes.pb-c.h"

IMAP_CLOSURE(on_created, Wd__V1__Mailbox)
IMAP_CLOSURE(on_deleted, Wd__V1__DeleteMailboxReply)
IMAP_CLOSURE(on_renamed, Wd__V1__RenameMailboxReply)
IMAP_CLOSURE(on_subscribed, Wd__V1__SubscribeMailboxReply)
IMAP_CLOSURE(on_status, Wd__V1__MailboxStatus)

static enum imap_step
changed(struct imap_cmd *cmd)
{
    return cmd->reply ? imap_ok(cmd, "completed") : imap_fail(cmd);
}

enum imap_step
imap_cmd_create(struct imap_cmd *cmd)
{
    Wd__V1__CreateMailboxRequest request = WD__V1__CREATE_MAILBOX_REQUEST__INIT;
    const struct imap_args *a = &cmd->args;

    if (a->mailbox.n == 0)
        return imap_answer(cmd, "NO", "CANNOT", "The name is empty");
    if (wd_str_ends(a->mailbox_text, WD_STR("/")))
        return imap_answer(cmd, "OK", "CANNOT", "Nothing needs to be created");
    if (wd_str_find(a->mailbox, WD_STR("//")) != SIZE_MAX)
        return imap_answer(cmd, "NO", "CANNOT", "A level of the name is empty");
    request.path = imap_to_pb(a->mailbox);
    wd__v1__mailboxes__create(imap_rpc(cmd, &wd__v1__mailboxes__descriptor), &request, on_created, cmd);
    return imap_then_step(cmd, changed);
}

static enum imap_step
deleted(struct imap_cmd *cmd)
{
    const Wd__V1__DeleteMailboxReply *reply = cmd->reply;
    const struct imap_view *v = cmd->conn->view;

    if (reply && v && strcmp(reply->id, v->mailbox) == 0)
        cmd->then = IMAP_THEN_GONE;
    return changed(cmd);
}

enum imap_step
imap_cmd_delete(struct imap_cmd *cmd)
{
    Wd__V1__DeleteMailboxRequest request = WD__V1__DELETE_MAILBOX_REQUEST__INIT;

    request.path = imap_to_pb(cmd->args.mailbox);
    wd__v1__mailboxes__delete(imap_rpc(cmd, &wd__v1__mailboxes__descriptor), &request, on_deleted, cmd);
    return imap_then_step(cmd, deleted);
}

enum imap_step
imap_cmd_rename(struct imap_cmd *cmd)
{
    Wd__V1__RenameMailboxRequest request = WD__V1__RENAME_MAILBOX_REQUEST__INIT;

    request.path = imap_to_pb(cmd->args.mailbox);
    request.new_path = imap_to_pb(cmd->args.target);
    request.has_with_children = true;
    request.with_children = !cmd->conn->server->options->renames_leave_children;
    wd__v1__mailboxes__rename(imap_rpc(cmd, &wd__v1__mailboxes__descriptor), &request, on_renamed, cmd);
    return imap_then_step(cmd, changed);
}

static enum imap_step
subscribe(struct imap_cmd *cmd, bool subscribed)
{
    Wd__V1__SubscribeMailboxRequest request = WD__V1__SUBSCRIBE_MAILBOX_REQUEST__INIT;

    request.path = imap_to_pb(cmd->args.mailbox);
    request.subscribed = subscribed;
    wd__v1__mailboxes__subscribe(imap_rpc(cmd, &wd__v1__mailboxes__descriptor), &request, on_subscribed, cmd);
    return imap_then_step(cmd, changed);
}

enum imap_step
imap_cmd_subscribe(struct imap_cmd *cmd)
{
    return subscribe(cmd, true);
}

enum imap_step
imap_cmd_unsubscribe(struct imap_cmd *cmd)
{
    return subscribe(cmd, false);
}

static const struct {
    const char *name;
    size_t offset;
    bool wide;
} status_items[IMAP_STATUS_ITEMS] = {
    [IMAP_STATUS_MESSAGES] = { "MESSAGES ", offsetof(Wd__V1__MailboxStatus, messages), false },
    [IMAP_STATUS_RECENT] = { "RECENT ", 0, false },
    [IMAP_STATUS_UIDNEXT] = { "UIDNEXT ", offsetof(Wd__V1__MailboxStatus, uid_next), false },
    [IMAP_STATUS_UIDVALIDITY] = { "UIDVALIDITY ", offsetof(Wd__V1__MailboxStatus, uid_validity), false },
    [IMAP_STATUS_UNSEEN] = { "UNSEEN ", offsetof(Wd__V1__MailboxStatus, unseen), false },
    [IMAP_STATUS_HIGHESTMODSEQ] = { "HIGHESTMODSEQ ", offsetof(Wd__V1__MailboxStatus, highest_modseq), true },
};

static uint64_t
status_value(const Wd__V1__MailboxStatus *s, unsigned item)
{
    const char *at = (const char *)s + status_items[item].offset;
    uint32_t narrow = 0;
    uint64_t wide = 0;

    if (status_items[item].wide)
        memcpy(&wide, at, sizeof wide);
    else if (status_items[item].offset)
        memcpy(&narrow, at, sizeof narrow);
    return wide + narrow;
}

static enum imap_step
got_status(struct imap_cmd *cmd)
{
    const Wd__V1__MailboxStatus *reply = cmd->reply;
    struct wd_buf *out;

    if (!reply)
        return imap_fail(cmd);
    out = imap_out(cmd);
    wd_buf_c(out, "* STATUS ");
    imap_write_string(out, cmd->args.mailbox_text);
    wd_buf_c(out, " (");
    for (unsigned i = 0; i < cmd->args.status_n; i++) {
        if (i)
            wd_buf_chr(out, ' ');
        wd_buf_c(out, status_items[cmd->args.status[i]].name);
        wd_buf_u64(out, status_value(reply, cmd->args.status[i]));
        if (cmd->args.status[i] == IMAP_STATUS_HIGHESTMODSEQ)
            cmd->conn->condstore = true;
    }
    wd_buf_c(out, ")\r\n");
    imap_send(cmd);
    return imap_ok(cmd, "STATUS completed");
}

enum imap_step
imap_cmd_status(struct imap_cmd *cmd)
{
    Wd__V1__StatusMailboxRequest request = WD__V1__STATUS_MAILBOX_REQUEST__INIT;

    request.path = imap_to_pb(cmd->args.mailbox);
    wd__v1__mailboxes__status(imap_rpc(cmd, &wd__v1__mailboxes__descriptor), &request, on_status, cmd);
    return imap_then_step(cmd, got_status);
}
