/* frontends/imap/cmd_copy.c – COPY, UID COPY (RFC 3501 §6.4.7), MOVE, UID MOVE (RFC 6851), with COPYUID (RFC 4315). */
#include <stdio.h>
#include <string.h>

#include "frontends/imap/conn.h"
#include "frontends/imap/write.h"
#include "wd/v1/messages.pb-c.h"

IMAP_CLOSURE(on_copied, Wd__V1__CopyReply)

static enum imap_step
done(struct imap_cmd *cmd, const struct wd_buf *code)
{
    return imap_answer(cmd, "OK", code->n ? code->p : NULL, "completed");
}

/* "COPYUID 12 1:3 7:9" with a final NUL; nothing when no message was there. */
static bool
make_code(const Wd__V1__CopyReply *reply, struct wd_seqset *source, struct wd_buf *code)
{
    struct wd_seqset target = { 0 };
    bool good = imap_uids_from_pb(reply->source_uids, source) && imap_uids_from_pb(reply->target_uids, &target) &&
                wd_seqset_count(source) == wd_seqset_count(&target);

    if (good && source->n) {
        wd_buf_printf(code, "COPYUID %u ", reply->uid_validity);
        wd_seqset_write(code, source);
        wd_buf_chr(code, ' ');
        wd_seqset_write(code, &target);
        wd_buf_chr(code, '\0');
    }
    wd_seqset_done(&target);
    return good;
}

/* Messages that came into the selected mailbox are read from the journal and told before the answer. */
static void
expect_arrivals(struct imap_cmd *cmd, const Wd__V1__CopyReply *reply)
{
    struct imap_view *v = cmd->conn->view;

    if (strcmp(reply->target, v->mailbox) == 0)
        imap_view_beacon(v, v->modseq + 1);
}

static enum imap_step
copied(struct imap_cmd *cmd)
{
    const Wd__V1__CopyReply *reply = cmd->reply;
    struct wd_seqset source = { 0 };
    struct wd_buf code wd_auto(wd_buf_done) = { 0 };

    if (!reply)
        return imap_fail_target(cmd);
    make_code(reply, &source, &code);
    wd_seqset_done(&source);
    expect_arrivals(cmd, reply);
    return done(cmd, &code);
}

static enum imap_step
moved(struct imap_cmd *cmd)
{
    const Wd__V1__CopyReply *reply = cmd->reply;
    struct imap_view *v = cmd->conn->view;
    struct wd_seqset source = { 0 };
    struct wd_buf code wd_auto(wd_buf_done) = { 0 };
    struct wd_buf *out;

    if (!reply)
        return imap_fail_target(cmd);
    make_code(reply, &source, &code);
    out = imap_out(cmd);
    if (code.n)
        wd_buf_printf(out, "* OK [%s] moved\r\n", code.p);
    imap_view_expunge(v, &source, out);
    imap_view_write_exists(v, out);
    imap_send(cmd);
    wd_seqset_done(&source);
    if (reply->has_modseq)
        imap_view_own(v, reply->modseq);
    expect_arrivals(cmd, reply);
    return done(cmd, &code);
}

/* The UIDs of the set that the client knows, as a request; false when there are none. */
static bool
make_request(struct imap_cmd *cmd, Wd__V1__CopyRequest *request)
{
    struct imap_view *v = cmd->conn->view;
    struct wd_seqset asked = { 0 }, known = { 0 };
    bool any;

    imap_view_resolve(v, cmd->args.set, cmd->row->flags & F_UID, &asked);
    wd_seqset_and(&known, &asked, &v->uids);
    any = known.n > 0;
    request->mailbox = v->mailbox;
    request->target_path = imap_to_pb(cmd->args.target);
    request->uids = WD_ARENA_NEW(cmd->arena, Wd__V1__UidRanges);
    imap_uids_to_pb(cmd->arena, &asked, request->uids); /* as asked: far fewer ranges than a mailbox with gaps */
    wd_seqset_done(&asked);
    wd_seqset_done(&known);
    return any;
}

enum imap_step
imap_cmd_copy(struct imap_cmd *cmd)
{
    Wd__V1__CopyRequest request = WD__V1__COPY_REQUEST__INIT;
    char session_id[33];

    if (!make_request(cmd, &request))
        return imap_ok(cmd, "completed, there was no such message");
    snprintf(session_id, sizeof session_id, "%s", wd_conn_id(cmd->conn->net));
    request.session_id = session_id;
    wd__v1__messages__copy(imap_rpc(cmd, &wd__v1__messages__descriptor), &request, on_copied, cmd);
    return imap_then_step(cmd, copied);
}

enum imap_step
imap_cmd_move(struct imap_cmd *cmd)
{
    Wd__V1__CopyRequest request = WD__V1__COPY_REQUEST__INIT;
    char session_id[33];

    if (cmd->conn->view->read_only)
        return imap_answer(cmd, "NO", "READ-ONLY", "The mailbox is selected read-only");
    if (!make_request(cmd, &request))
        return imap_ok(cmd, "completed, there was no such message");
    snprintf(session_id, sizeof session_id, "%s", wd_conn_id(cmd->conn->net));
    request.session_id = session_id;
    wd__v1__messages__move(imap_rpc(cmd, &wd__v1__messages__descriptor), &request, on_copied, cmd);
    return imap_then_step(cmd, moved);
}
