/* frontends/imap/cmd_append.c – APPEND (RFC 3501 §6.3.11; APPENDUID RFC 4315, APPENDLIMIT RFC 7889, UTF8 RFC 6855).
 *
 * A message that fits into one call is collected; a longer one goes to the store in chunks while it arrives, one chunk
 * at a time, so that a connection never holds more than one. */
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/id.h"
#include "frontends/imap/conn.h"
#include "frontends/imap/write.h"
#include "wd/v1/messages.pb-c.h"

enum { WHOLE_MAX = 700 * 1024, CHUNK_BYTES = 512 * 1024 };
enum { DAY_MS = 86400 * 1000 };

struct append {
    struct wd_buf bytes;
    uint64_t size, left;    /* of the message; what has not arrived */
    uint64_t offset;        /* what the store has */
    bool chunked, uploading, failed;
    char upload[WD_ID_HEX + 1];
};

IMAP_CLOSURE(on_appended, Wd__V1__AppendReply)

static void
append_done(struct imap_cmd *cmd)
{
    struct append *a = cmd->state;

    wd_buf_done(&a->bytes);
}

static bool
refuse(enum imap_step step)
{
    (void)step;
    return false;
}

bool
imap_append_literal(struct imap_cmd *cmd, uint64_t size)
{
    uint64_t most = cmd->conn->server->options->append_max;
    const struct imap_args *args = &cmd->args;
    struct append *a;
    char text[120];

    if (size > most) {
        snprintf(text, sizeof text, "Message of %llu bytes is larger than the allowed %llu bytes",
                 (unsigned long long)size, (unsigned long long)most);
        return refuse(imap_answer(cmd, "NO", "TOOBIG", text));
    }
    if (args->mailbox.n == 0)
        return refuse(imap_bad(cmd, "The mailbox is missing"));
    if (args->has_date && (args->date_ms <= 1000 || args->date_ms > wd_now_ms() + DAY_MS))
        return refuse(imap_bad(cmd, "The date is out of range"));
    a = WD_ARENA_NEW(cmd->arena, struct append);
    a->size = a->left = size;
    a->chunked = size > WHOLE_MAX;
    if (a->chunked)
        wd_id_hex(wd_id_new(), a->upload);
    cmd->state = a;
    cmd->done = append_done;
    return true;
}

static void
on_uploaded(const Wd__V1__UploadReply *reply, void *data)
{
    struct imap_cmd *cmd = data;
    struct append *a = cmd->state;

    a->uploading = false;
    a->failed = !reply;
    a->offset += a->bytes.n;
    a->bytes.n = 0;
    cmd->ready = true;
    imap_conn_step(cmd->conn);
}

static void
upload(struct imap_cmd *cmd, struct append *a)
{
    Wd__V1__UploadRequest request = WD__V1__UPLOAD_REQUEST__INIT;

    request.upload = a->upload;
    request.offset = a->offset;
    request.data = imap_to_pb(wd_buf_view(&a->bytes));
    a->uploading = true;
    wd__v1__messages__upload(imap_rpc_page(cmd, &wd__v1__messages__descriptor), &request, on_uploaded, cmd);
}

/* Moves n bytes from the input to what is collected. */
static void
collect(struct append *a, struct evbuffer *in, size_t n)
{
    int got = evbuffer_remove(in, wd_buf_reserve(&a->bytes, n), n);

    if (got > 0)
        a->bytes.n += (size_t)got;
}

uint64_t
imap_append_data(struct imap_cmd *cmd, struct evbuffer *in, bool *blocked)
{
    struct append *a = cmd->state;

    while (a->left && evbuffer_get_length(in)) {
        size_t n = evbuffer_get_length(in);
        if (a->uploading) {
            *blocked = true;
            break;
        }
        if (n > a->left)
            n = (size_t)a->left;
        if (a->chunked && !a->failed && n > CHUNK_BYTES - a->bytes.n)
            n = CHUNK_BYTES - a->bytes.n;
        if (a->failed)
            evbuffer_drain(in, n); /* the store did not take it: the rest is read to find the next command */
        else
            collect(a, in, n);
        a->left -= n;
        if (a->chunked && !a->failed && (a->bytes.n == CHUNK_BYTES || a->left == 0))
            upload(cmd, a);
    }
    return a->left;
}

static enum imap_step
appended(struct imap_cmd *cmd)
{
    const Wd__V1__AppendReply *reply = cmd->reply;
    struct imap_view *v = cmd->conn->view;
    char code[64];

    if (!reply)
        return imap_fail_target(cmd);
    if (v && strcmp(v->mailbox, reply->mailbox) == 0) {
        cmd->tells = IMAP_TELL_EXISTS;
        imap_view_beacon(v, reply->modseq);
    }
    snprintf(code, sizeof code, "APPENDUID %u %u", reply->uid_validity, reply->uid);
    return imap_answer(cmd, "OK", code, "completed");
}

/* The line is complete: all bytes have arrived, and perhaps the last chunk is still on its way to the store. */
enum imap_step
imap_cmd_append(struct imap_cmd *cmd)
{
    Wd__V1__AppendRequest request = WD__V1__APPEND_REQUEST__INIT;
    const struct imap_args *args = &cmd->args;
    struct append *a = cmd->state;
    char source[] = "IMAP", transport[] = "APPEND", ip[64];

    if (!a)
        return imap_bad(cmd, "A literal is expected");
    if (a->uploading)
        return IMAP_WAIT;
    if (a->failed)
        return imap_fail(cmd);
    snprintf(ip, sizeof ip, "%s", wd_conn_ip(cmd->conn->net));
    request.path = imap_to_pb(args->mailbox);
    request.has_raw = !a->chunked;
    request.raw = imap_to_pb(wd_buf_view(&a->bytes));
    request.upload = a->chunked ? a->upload : NULL;
    request.has_upload_size = a->chunked;
    request.upload_size = a->size;
    request.has_system_flags = true;
    request.system_flags = args->system_flags;
    request.n_keywords = args->keywords.n;
    request.keywords = WD_ARENA_ARRAY(cmd->arena, ProtobufCBinaryData, args->keywords.n + 1);
    for (size_t i = 0; i < args->keywords.n; i++)
        request.keywords[i] = imap_to_pb(args->keywords.p[i]);
    request.has_internal_date_ms = args->has_date;
    request.internal_date_ms = args->date_ms;
    request.source = source;
    request.transport = transport;
    request.ip = ip;
    wd__v1__messages__append(imap_rpc(cmd, &wd__v1__messages__descriptor), &request, on_appended, cmd);
    return imap_then_step(cmd, appended);
}
