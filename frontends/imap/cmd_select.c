/* frontends/imap/cmd_select.c – SELECT, EXAMINE (RFC 3501 §6.3.1, §6.3.2; CONDSTORE RFC 7162 §3.1), CLOSE (§6.4.2),
 * UNSELECT (RFC 3691). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mail/flags.h"
#include "frontends/imap/conn.h"
#include "frontends/imap/write.h"
#include "wd/v1/mailboxes.pb-c.h"
#include "wd/v1/messages.pb-c.h"

IMAP_CLOSURE(on_opened, Wd__V1__OpenMailboxReply)
IMAP_CLOSURE(on_closed, Wd__V1__ExpungeReply)

struct opening {
    struct imap_view *view;
    const Wd__V1__OpenMailboxReply *first; /* page */
    bool read_only;
};

static enum imap_step opened(struct imap_cmd *cmd);

static void
opening_done(struct imap_cmd *cmd)
{
    struct opening *o = cmd->state;

    imap_view_free(o->view);
}

static enum imap_step
ask_page(struct imap_cmd *cmd, const ProtobufCBinaryData *cursor)
{
    Wd__V1__OpenMailboxRequest request = WD__V1__OPEN_MAILBOX_REQUEST__INIT;

    request.path = imap_to_pb(cmd->args.mailbox);
    request.has_cursor = cursor != NULL;
    if (cursor)
        request.cursor = *cursor;
    wd__v1__mailboxes__open(imap_rpc(cmd, &wd__v1__mailboxes__descriptor), &request, on_opened, cmd);
    return imap_then_step(cmd, opened);
}

static enum imap_step
start(struct imap_cmd *cmd, bool read_only)
{
    struct opening *o = WD_ARENA_NEW(cmd->arena, struct opening);

    imap_conn_unselect(cmd->conn); /* also when this one fails */
    o->read_only = read_only;
    o->view = imap_view_new();
    cmd->state = o;
    cmd->done = opening_done;
    cmd->conn->condstore |= cmd->args.condstore;
    return ask_page(cmd, NULL);
}

enum imap_step
imap_cmd_select(struct imap_cmd *cmd)
{
    return start(cmd, false);
}

enum imap_step
imap_cmd_examine(struct imap_cmd *cmd)
{
    return start(cmd, true);
}

enum { ALL_FLAGS = WD_FLAG_ANSWERED | WD_FLAG_FLAGGED | WD_FLAG_DRAFT | WD_FLAG_DELETED | WD_FLAG_SEEN };

static void
write_mailbox(struct imap_cmd *cmd, struct opening *o)
{
    const Wd__V1__Mailbox *m = o->first->mailbox;
    struct wd_buf *out = imap_out(cmd);
    uint32_t unseen = imap_view_number(o->view, o->first->first_unseen_uid);

    wd_buf_c(out, "* FLAGS ");
    imap_write_flags(out, ALL_FLAGS, m->flags, m->n_flags);
    wd_buf_c(out, "\r\n* OK [PERMANENTFLAGS ");
    imap_write_flags(out, ALL_FLAGS, m->flags, m->n_flags);
    out->n--; /* the parenthesis comes after \* */
    wd_buf_c(out, " \\*)]\r\n* OK [UIDVALIDITY ");
    wd_buf_u64(out, m->uid_validity);
    wd_buf_c(out, "]\r\n");
    imap_view_write_exists(o->view, out);
    wd_buf_c(out, "* 0 RECENT\r\n");
    if (unseen) {
        wd_buf_c(out, "* OK [UNSEEN ");
        wd_buf_u64(out, unseen);
        wd_buf_c(out, "]\r\n");
    }
    if (o->view->modseq) {
        wd_buf_c(out, "* OK [HIGHESTMODSEQ ");
        wd_buf_u64(out, o->view->modseq);
        wd_buf_c(out, "]\r\n");
    }
    wd_buf_c(out, "* OK [UIDNEXT ");
    wd_buf_u64(out, m->uid_next);
    wd_buf_c(out, "]\r\n");
    imap_send(cmd);
}

static enum imap_step
opened(struct imap_cmd *cmd)
{
    const Wd__V1__OpenMailboxReply *reply = cmd->reply;
    struct opening *o = cmd->state;
    struct imap_view *v = o->view;

    if (!reply)
        return imap_fail(cmd);
    if (!o->first) {
        o->first = reply;
        snprintf(v->mailbox, sizeof v->mailbox, "%s", reply->mailbox->id);
        v->path = strndup((const char *)reply->mailbox->path.data, reply->mailbox->path.len);
        if (!v->path)
            abort();
        v->uid_validity = reply->mailbox->uid_validity;
        v->modseq = v->beacon = reply->modseq;
        v->read_only = o->read_only;
    }
    if (!imap_uids_from_pb(reply->uids, &v->uids)) {
        wd_fail(&cmd->err, WD_INTERNAL, "mailbox cannot be read");
        return imap_fail(cmd);
    }
    if (reply->has_next_cursor)
        return ask_page(cmd, &reply->next_cursor);
    write_mailbox(cmd, o);
    cmd->conn->view = wd_take(o->view);
    return imap_answer(cmd, "OK", o->read_only ? "READ-ONLY" : "READ-WRITE",
                       cmd->conn->condstore ? "completed, CONDSTORE is now enabled" : "completed");
}

static enum imap_step
closed(struct imap_cmd *cmd)
{
    if (!cmd->reply)
        return imap_fail(cmd);
    imap_conn_unselect(cmd->conn);
    return imap_ok(cmd, "CLOSE completed");
}

enum imap_step
imap_cmd_close(struct imap_cmd *cmd)
{
    Wd__V1__ExpungeRequest request = WD__V1__EXPUNGE_REQUEST__INIT;
    struct imap_conn *c = cmd->conn;

    if (c->view->read_only)
        return imap_cmd_unselect(cmd);
    request.mailbox = c->view->mailbox;
    wd__v1__messages__expunge(imap_rpc(cmd, &wd__v1__messages__descriptor), &request, on_closed, cmd);
    return imap_then_step(cmd, closed);
}

enum imap_step
imap_cmd_unselect(struct imap_cmd *cmd)
{
    imap_conn_unselect(cmd->conn);
    return imap_ok(cmd, "completed");
}
