/* tests/rpc/store.c – a store without a database, for clients in other processes and languages.
 *
 *     rpc-store URL EVENTS-URL
 *
 * Prints "ready" and the TCP port of URL (0 for ipc), serves until its standard input ends.
 *   Admin.Health        version "test"
 *   Auth.Authenticate   the password is "secret"
 *   Mailboxes.List      INBOX, then a second page with Sent
 *   Messages.Upload     keeps one upload; Messages.ReadBody gives the last delivered message, 400,000 bytes at most
 *   Delivery.Deliver    refuses recipients that begin with "no"; publishes a beacon
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/rpc/events.h"
#include "common/rpc/server.h"
#include "wd/v1/admin.pb-c.h"
#include "wd/v1/auth.pb-c.h"
#include "wd/v1/delivery.pb-c.h"
#include "wd/v1/mailboxes.pb-c.h"
#include "wd/v1/messages.pb-c.h"

enum { PAGE_BYTES = 400000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct wd_buf upload, message; /* guarded by lock */
static struct wd_publisher *publisher;

static char *
text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

static ProtobufCBinaryData
bytes(const char *literal)
{
    return (ProtobufCBinaryData){ strlen(literal), (uint8_t *)text(literal) };
}

static void
admin_health(Wd__V1__Admin_Service *service, const Wd__V1__HealthRequest *req, Wd__V1__HealthReply_Closure reply,
             void *closure)
{
    Wd__V1__HealthReply out = WD__V1__HEALTH_REPLY__INIT;

    (void)service;
    (void)req;
    out.version = out.driver = text("test");
    reply(&out, closure);
}

static void
auth_authenticate(Wd__V1__Auth_Service *service, const Wd__V1__AuthenticateRequest *req,
                  Wd__V1__AuthenticateReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__AuthenticateReply out = WD__V1__AUTHENTICATE_REPLY__INIT;

    (void)service;
    if (!wd_str_eq(wd_str_n(req->password.data, req->password.len), WD_STR("secret"))) {
        wd_fail(&call->err, WD_AUTH_FAILED, "no such user or password");
        wd_call_fail(call);
        return;
    }
    out.user = text("507f1f77bcf86cd799439011");
    out.username = req->username;
    out.session_token = text("session");
    out.expires_ms = 1;
    reply(&out, closure);
}

static void
mailboxes_list(Wd__V1__Mailboxes_Service *service, const Wd__V1__ListMailboxesRequest *req,
               Wd__V1__ListMailboxesReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__ListMailboxesReply out = WD__V1__LIST_MAILBOXES_REPLY__INIT;
    Wd__V1__Mailbox row = WD__V1__MAILBOX__INIT, *rows[] = { &row };

    (void)service;
    if (!wd_str_eq(call->session_token, WD_STR("session"))) {
        wd_fail(&call->err, WD_UNAUTHENTICATED, "no session token");
        wd_call_fail(call);
        return;
    }
    row.id = text(req->has_cursor ? "507f1f77bcf86cd799439013" : "507f1f77bcf86cd799439012");
    row.path = bytes(req->has_cursor ? "Sent" : "INBOX");
    row.has_messages = true;
    row.messages = 3;
    out.n_mailboxes = 1;
    out.mailboxes = rows;
    out.has_next_cursor = !req->has_cursor;
    out.next_cursor = bytes("page 2");
    reply(&out, closure);
}

static void
messages_upload(Wd__V1__Messages_Service *service, const Wd__V1__UploadRequest *req, Wd__V1__UploadReply_Closure reply,
                void *closure)
{
    Wd__V1__UploadReply out = WD__V1__UPLOAD_REPLY__INIT;

    (void)service;
    pthread_mutex_lock(&lock);
    if (req->offset == 0)
        upload.n = 0;
    if (req->offset == upload.n)
        wd_buf_add(&upload, req->data.data, req->data.len);
    out.size = upload.n;
    pthread_mutex_unlock(&lock);
    reply(&out, closure);
}

static void
messages_read_body(Wd__V1__Messages_Service *service, const Wd__V1__ReadBodyRequest *req,
                   Wd__V1__ReadBodyReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__ReadBodyReply out = WD__V1__READ_BODY_REPLY__INIT;
    struct wd_str part;

    (void)service;
    pthread_mutex_lock(&lock);
    part = wd_arena_str(call->arena, wd_str_part(wd_buf_view(&message), req->section->offset,
                                                 req->section->offset + PAGE_BYTES));
    out.size = message.n;
    pthread_mutex_unlock(&lock);
    out.data = (ProtobufCBinaryData){ part.n, (uint8_t *)text(part.p) };
    reply(&out, closure);
}

static void
publish(void)
{
    struct wd_id user = { { 0 } };
    Wd__V1__Beacon b = WD__V1__BEACON__INIT;

    b.kind = WD__V1__BEACON__KIND__MAILBOX;
    b.user = text("000000000000000000000000");
    b.mailbox = text("507f1f77bcf86cd799439012");
    b.has_modseq = true;
    b.modseq = 77;
    wd_publisher_send(publisher, user, &b);
}

static void
delivery_deliver(Wd__V1__Delivery_Service *service, const Wd__V1__DeliverRequest *req,
                 Wd__V1__DeliverReply_Closure reply, void *closure)
{
    struct wd_call *call = closure;
    Wd__V1__DeliverReply out = WD__V1__DELIVER_REPLY__INIT;
    Wd__V1__RecipientOutcome *rows = WD_ARENA_ARRAY(call->arena, Wd__V1__RecipientOutcome, req->n_recipients);

    (void)service;
    out.outcomes = WD_ARENA_ARRAY(call->arena, Wd__V1__RecipientOutcome *, req->n_recipients);
    for (size_t i = 0; i < req->n_recipients; i++) {
        struct wd_str to = wd_str_n(req->recipients[i].data, req->recipients[i].len);

        wd__v1__recipient_outcome__init(&rows[i]);
        rows[i].accepted = !wd_str_starts(to, WD_STR("no"));
        rows[i].has_reason = !rows[i].accepted;
        rows[i].reason = WD_RECIPIENT_UNKNOWN;
        rows[i].text = text(rows[i].accepted ? "ok" : "unknown");
        rows[i].has_uid = true;
        rows[i].uid = 9;
        out.outcomes[out.n_outcomes++] = &rows[i];
    }
    pthread_mutex_lock(&lock);
    message.n = 0;
    if (req->upload)
        wd_buf_str(&message, wd_buf_view(&upload));
    else
        wd_buf_add(&message, req->raw.data, req->raw.len);
    pthread_mutex_unlock(&lock);
    publish();
    reply(&out, closure);
}

static Wd__V1__Admin_Service admin = { WD__V1__ADMIN__BASE_INIT, .health = admin_health };
static Wd__V1__Auth_Service auth = { WD__V1__AUTH__BASE_INIT, .authenticate = auth_authenticate };
static Wd__V1__Mailboxes_Service mailboxes = { WD__V1__MAILBOXES__BASE_INIT, .list = mailboxes_list };
static Wd__V1__Messages_Service messages = { WD__V1__MESSAGES__BASE_INIT,
                                             .upload = messages_upload,
                                             .read_body = messages_read_body };
static Wd__V1__Delivery_Service delivery = { WD__V1__DELIVERY__BASE_INIT, .deliver = delivery_deliver };

int
main(int argc, char **argv)
{
    const char *urls[] = { argc > 2 ? argv[1] : NULL, NULL }, *event_urls[] = { argc > 2 ? argv[2] : NULL, NULL };
    ProtobufCService *services[] = { &admin.base,    &auth.base,     &mailboxes.base,
                                     &messages.base, &delivery.base, NULL };
    struct wd_rpc_server_options o = { .urls = urls, .services = services, .workers = 4 };
    struct wd_publisher_options p = { .urls = event_urls };
    struct wd_rpc_server *server;
    struct wd_error err;
    char c;

    publisher = wd_publisher_open(&p, &err);
    server = publisher ? wd_rpc_server_start(&o, &err) : NULL;
    if (!server) {
        fprintf(stderr, "rpc-store: %s\n", err.text);
        return 1;
    }
    printf("ready %d\n", wd_rpc_server_port(server, 0));
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0)
        continue;
    wd_rpc_server_stop(server, 1000);
    wd_publisher_close(publisher);
    wd_buf_done(&upload);
    wd_buf_done(&message);
    return 0;
}
