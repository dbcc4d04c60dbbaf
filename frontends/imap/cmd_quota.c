/* frontends/imap/cmd_quota.c – GETQUOTA, GETQUOTAROOT, SETQUOTA (RFC 2087): one root, "", for the whole account. */
#include "frontends/imap/conn.h"
#include "frontends/imap/write.h"
#include "wd/v1/mailboxes.pb-c.h"

IMAP_CLOSURE(on_quota, Wd__V1__QuotaReply)
IMAP_CLOSURE(on_status, Wd__V1__MailboxStatus)

static enum imap_step
got_quota(struct imap_cmd *cmd)
{
    const Wd__V1__QuotaReply *reply = cmd->reply;
    struct wd_buf *out;

    if (!reply)
        return imap_fail(cmd);
    out = imap_out(cmd);
    if (cmd->args.mailbox_text.p) {
        wd_buf_c(out, "* QUOTAROOT ");
        imap_write_string(out, cmd->args.mailbox_text);
        wd_buf_c(out, " \"\"\r\n");
    }
    wd_buf_c(out, "* QUOTA \"\" (STORAGE ");
    wd_buf_u64(out, (reply->storage_used + 1023) / 1024);
    wd_buf_chr(out, ' ');
    wd_buf_u64(out, (reply->quota + 1023) / 1024);
    wd_buf_c(out, ")\r\n");
    imap_send(cmd);
    return imap_ok(cmd, "completed");
}

static enum imap_step
ask_quota(struct imap_cmd *cmd)
{
    Wd__V1__QuotaRequest request = WD__V1__QUOTA_REQUEST__INIT;

    wd__v1__mailboxes__quota(imap_rpc(cmd, &wd__v1__mailboxes__descriptor), &request, on_quota, cmd);
    return imap_then_step(cmd, got_quota);
}

enum imap_step
imap_cmd_getquota(struct imap_cmd *cmd)
{
    if (cmd->args.word.n)
        return imap_answer(cmd, "NO", "NONEXISTENT", "There is no such quota root");
    return ask_quota(cmd);
}

static enum imap_step
found_mailbox(struct imap_cmd *cmd)
{
    return cmd->reply ? ask_quota(cmd) : imap_fail(cmd);
}

enum imap_step
imap_cmd_getquotaroot(struct imap_cmd *cmd)
{
    Wd__V1__StatusMailboxRequest request = WD__V1__STATUS_MAILBOX_REQUEST__INIT;

    request.path = imap_to_pb(cmd->args.mailbox);
    wd__v1__mailboxes__status(imap_rpc(cmd, &wd__v1__mailboxes__descriptor), &request, on_status, cmd);
    return imap_then_step(cmd, found_mailbox);
}

enum imap_step
imap_cmd_setquota(struct imap_cmd *cmd)
{
    return imap_answer(cmd, "NO", "CANNOT", "The quota is not for its user to set");
}
