/* frontends/imap/cmd_expunge.c – EXPUNGE (RFC 3501 §6.4.3), UID EXPUNGE (RFC 4315 §2.1). */
#include <stdio.h>

#include "frontends/imap/conn.h"
#include "wd/v1/messages.pb-c.h"

IMAP_CLOSURE(on_expunged, Wd__V1__ExpungeReply)

static enum imap_step
expunged(struct imap_cmd *cmd)
{
    const Wd__V1__ExpungeReply *reply = cmd->reply;
    struct imap_view *v = cmd->conn->view;
    struct wd_seqset uids = { 0 };
    struct wd_buf *out;

    if (!reply)
        return imap_fail(cmd);
    if (!imap_uids_from_pb(reply->expunged, &uids)) {
        wd_seqset_done(&uids);
        wd_fail(&cmd->err, WD_INTERNAL, "the store's answer cannot be read");
        return imap_fail(cmd);
    }
    out = imap_out(cmd);
    imap_view_expunge(v, &uids, out);
    imap_view_write_exists(v, out); /* also when nothing was removed */
    imap_send(cmd);
    wd_seqset_done(&uids);
    if (reply->has_modseq)
        imap_view_own(v, reply->modseq);
    return imap_ok(cmd, "completed");
}

enum imap_step
imap_cmd_expunge(struct imap_cmd *cmd)
{
    Wd__V1__ExpungeRequest request = WD__V1__EXPUNGE_REQUEST__INIT;
    Wd__V1__UidRanges ranges;
    struct imap_view *v = cmd->conn->view;
    struct wd_seqset uids = { 0 };
    char session_id[33];

    if (v->read_only)
        return imap_ok(cmd, "completed, nothing was changed in a read-only mailbox");
    snprintf(session_id, sizeof session_id, "%s", wd_conn_id(cmd->conn->net));
    request.mailbox = v->mailbox;
    request.session_id = session_id;
    if (cmd->row->flags & F_UID) {
        imap_view_resolve(v, cmd->args.set, true, &uids);
        imap_uids_to_pb(cmd->arena, &uids, &ranges);
        wd_seqset_done(&uids);
        request.uids = &ranges;
        if (ranges.n_deltas == 0)
            return imap_ok(cmd, "completed, there was no such message");
    }
    wd__v1__messages__expunge(imap_rpc(cmd, &wd__v1__messages__descriptor), &request, on_expunged, cmd);
    return imap_then_step(cmd, expunged);
}
