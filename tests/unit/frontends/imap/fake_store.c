#include "tests/unit/frontends/imap/fake_store.h"

#include <arpa/inet.h>
#include <check.h>
#include <event2/thread.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "frontends/imap/login.h"
#include "frontends/imap/write.h"
#include "wd/v1/auth.pb-c.h"

enum { DEADLINE_MS = 10000, STEP_MS = 5, HOUR_MS = 3600 * 1000 };

static struct fake_store the_store = { .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };
static char user_id[] = FAKE_USER, mailbox_id[] = FAKE_MAILBOX, token[] = "token";

struct fake_store *
fake_lock(struct fake *f)
{
    pthread_mutex_lock(&f->store->mutex);
    return f->store;
}

void
fake_unlock(struct fake *f)
{
    pthread_mutex_unlock(&f->store->mutex);
}

static void
refuse(struct wd_call *call, enum wd_reason reason)
{
    wd_fail(&call->err, reason, "as the test wants it");
    wd_call_fail(call);
}

/* ---- Auth ---- */

static void
authenticate(Wd__V1__Auth_Service *svc, const Wd__V1__AuthenticateRequest *req,
             Wd__V1__AuthenticateReply_Closure reply, void *closure)
{
    Wd__V1__AuthenticateReply out = WD__V1__AUTHENTICATE_REPLY__INIT;
    struct fake_store *s = &the_store;

    (void)svc;
    pthread_mutex_lock(&s->mutex);
    s->logins++;
    while (s->hold_login)
        pthread_cond_wait(&s->changed, &s->mutex);
    out.expires_ms = wd_now_ms() + (s->short_tokens ? 1000 : HOUR_MS);
    pthread_mutex_unlock(&s->mutex);
    if (!wd_str_eq(imap_pb(req->username), WD_STR("joe")) || !wd_str_eq(imap_pb(req->password), WD_STR("pw"))) {
        refuse(closure, WD_AUTH_FAILED);
        return;
    }
    out.user = user_id;
    out.username = req->username;
    out.session_token = token;
    reply(&out, closure);
}

static void
renew(Wd__V1__Auth_Service *svc, const Wd__V1__RenewRequest *req, Wd__V1__RenewReply_Closure reply, void *closure)
{
    Wd__V1__RenewReply out = WD__V1__RENEW_REPLY__INIT;
    bool refused;

    (void)svc;
    (void)req;
    pthread_mutex_lock(&the_store.mutex);
    the_store.renewals++;
    refused = the_store.no_renewals;
    pthread_mutex_unlock(&the_store.mutex);
    out.session_token = token;
    out.expires_ms = wd_now_ms() + HOUR_MS;
    if (refused)
        refuse(closure, WD_TOKEN_EXPIRED);
    else
        reply(&out, closure);
}

static void
release(Wd__V1__Auth_Service *svc, const Wd__V1__ReleaseRequest *req, Wd__V1__ReleaseReply_Closure reply,
        void *closure)
{
    Wd__V1__ReleaseReply out = WD__V1__RELEASE_REPLY__INIT;

    (void)svc;
    (void)req;
    pthread_mutex_lock(&the_store.mutex);
    the_store.releases++;
    pthread_mutex_unlock(&the_store.mutex);
    reply(&out, closure);
}

/* ---- Mailboxes ---- */

static void
open_mailbox(Wd__V1__Mailboxes_Service *svc, const Wd__V1__OpenMailboxRequest *req,
             Wd__V1__OpenMailboxReply_Closure reply, void *closure)
{
    Wd__V1__OpenMailboxReply out = WD__V1__OPEN_MAILBOX_REPLY__INIT;
    Wd__V1__Mailbox mailbox = WD__V1__MAILBOX__INIT;
    Wd__V1__UidRanges uids = WD__V1__UID_RANGES__INIT;
    struct wd_call *call = closure;
    struct fake_store *s = &the_store;

    (void)svc;
    if (!wd_str_eq(imap_pb(req->path), WD_STR("INBOX"))) {
        refuse(closure, WD_MAILBOX_NOT_FOUND);
        return;
    }
    pthread_mutex_lock(&s->mutex);
    imap_uids_to_pb(call->arena, &s->uids, &uids);
    out.modseq = s->modseq;
    out.messages = wd_seqset_count(&s->uids);
    pthread_mutex_unlock(&s->mutex);
    mailbox.id = mailbox_id;
    mailbox.path = imap_to_pb(WD_STR("INBOX"));
    mailbox.has_uid_validity = mailbox.has_uid_next = true;
    mailbox.uid_validity = 7;
    mailbox.uid_next = 1000;
    out.mailbox = &mailbox;
    out.uids = &uids;
    reply(&out, closure);
}

static void
fill_changes(struct fake_store *s, const Wd__V1__MailboxChangesRequest *req, struct wd_arena *a,
             Wd__V1__MailboxChangesReply *out)
{
    out->changes = WD_ARENA_ARRAY(a, Wd__V1__MailboxChange *, FAKE_CHANGES_MAX);
    for (size_t i = 0; i < s->changes_n; i++) {
        const struct fake_change *from = &s->changes[i];
        Wd__V1__MailboxChange *c;
        if (from->modseq <= req->after_modseq)
            continue;
        c = WD_ARENA_NEW(a, Wd__V1__MailboxChange);
        wd__v1__mailbox_change__init(c);
        c->kind = (Wd__V1__MailboxChange__Kind)from->kind;
        c->modseq = from->modseq;
        c->has_uid = c->has_system_flags = true;
        c->uid = from->uid;
        c->system_flags = from->flags;
        c->ignore = from->own ? req->session_id : NULL;
        out->changes[out->n_changes++] = c;
    }
    out->modseq = s->modseq;
}

static void
changes(Wd__V1__Mailboxes_Service *svc, const Wd__V1__MailboxChangesRequest *req,
        Wd__V1__MailboxChangesReply_Closure reply, void *closure)
{
    Wd__V1__MailboxChangesReply out = WD__V1__MAILBOX_CHANGES_REPLY__INIT;
    struct wd_call *call = closure;
    struct fake_store *s = &the_store;
    bool expired, gone;

    (void)svc;
    pthread_mutex_lock(&s->mutex);
    s->changes_calls++;
    expired = s->expired;
    gone = s->gone;
    s->expired = false;
    fill_changes(s, req, call->arena, &out);
    pthread_mutex_unlock(&s->mutex);
    if (expired || gone)
        refuse(call, gone ? WD_MAILBOX_NOT_FOUND : WD_CURSOR_EXPIRED);
    else
        reply(&out, closure);
}

static void
poll_mailboxes(Wd__V1__Mailboxes_Service *svc, const Wd__V1__PollMailboxesRequest *req,
               Wd__V1__PollMailboxesReply_Closure reply, void *closure)
{
    Wd__V1__PollMailboxesReply out = WD__V1__POLL_MAILBOXES_REPLY__INIT;
    Wd__V1__PollMailboxesReply__Moved moved = WD__V1__POLL_MAILBOXES_REPLY__MOVED__INIT, *list[] = { &moved };

    (void)svc;
    pthread_mutex_lock(&the_store.mutex);
    moved.modseq = the_store.modseq;
    pthread_mutex_unlock(&the_store.mutex);
    moved.mailbox = mailbox_id;
    out.n_moved = req->n_watches ? 1 : 0;
    out.moved = list;
    reply(&out, closure);
}

/* ---- Messages ---- */

static const char short_body[] = "Subject: x\r\n\r\nbody\r\n";

static void
fill_message(const struct fake_store *s, const Wd__V1__FetchRequest *req, struct wd_arena *a, uint32_t uid,
             Wd__V1__FetchedMessage *m)
{
    wd__v1__fetched_message__init(m);
    m->uid = uid;
    m->modseq = s->modseq;
    m->has_system_flags = true;
    m->sections = WD_ARENA_ARRAY(a, Wd__V1__FetchedSection *, req->n_sections + 1);
    for (; m->n_sections < req->n_sections; m->n_sections++) {
        Wd__V1__FetchedSection *part = WD_ARENA_NEW(a, Wd__V1__FetchedSection);
        wd__v1__fetched_section__init(part);
        part->found = true;
        part->size = uid == s->long_uid || uid == s->vanished_uid ? s->long_size : sizeof short_body - 1;
        part->has_data = uid != s->long_uid && uid != s->vanished_uid;
        part->data = imap_to_pb(wd_str_c(part->has_data ? short_body : NULL));
        m->sections[m->n_sections] = part;
    }
}

static void
fetch(Wd__V1__Messages_Service *svc, const Wd__V1__FetchRequest *req, Wd__V1__FetchReply_Closure reply, void *closure)
{
    Wd__V1__FetchReply out = WD__V1__FETCH_REPLY__INIT;
    struct wd_call *call = closure;
    struct fake_store *s = &the_store;
    struct wd_seqset asked = { 0 }, there = { 0 };
    uint32_t from = 1;

    (void)svc;
    if (req->has_cursor)
        memcpy(&from, req->cursor.data, sizeof from);
    imap_uids_from_pb(req->uids, &asked);
    pthread_mutex_lock(&s->mutex);
    wd_seqset_and(&there, &asked, &s->uids);
    out.messages = WD_ARENA_ARRAY(call->arena, Wd__V1__FetchedMessage *, wd_seqset_count(&there) + 1);
    for (uint32_t uid = from; (uid = wd_seqset_next(&there, uid)); uid++) {
        Wd__V1__FetchedMessage *m = WD_ARENA_NEW(call->arena, Wd__V1__FetchedMessage);
        if (s->page_of_one && out.n_messages) {
            out.has_next_cursor = true;
            out.next_cursor.len = sizeof uid;
            out.next_cursor.data = memcpy(wd_arena_alloc(call->arena, sizeof uid), &uid, sizeof uid);
            break;
        }
        fill_message(s, req, call->arena, uid, m);
        out.messages[out.n_messages++] = m;
    }
    pthread_mutex_unlock(&s->mutex);
    wd_seqset_done(&asked);
    wd_seqset_done(&there);
    reply(&out, closure);
}

static void
read_body(Wd__V1__Messages_Service *svc, const Wd__V1__ReadBodyRequest *req, Wd__V1__ReadBodyReply_Closure reply,
          void *closure)
{
    Wd__V1__ReadBodyReply out = WD__V1__READ_BODY_REPLY__INIT;
    struct wd_call *call = closure;
    struct fake_store *s = &the_store;
    bool fails, vanished;

    (void)svc;
    pthread_mutex_lock(&s->mutex);
    fails = s->fail_at && req->section->offset >= s->fail_at;
    vanished = req->uid == s->vanished_uid;
    pthread_mutex_unlock(&s->mutex);
    if (fails || vanished) {
        refuse(call, vanished ? WD_MESSAGE_NOT_FOUND : WD_DATA_LOSS);
        return;
    }
    out.data.len = req->section->length;
    out.data.data = wd_arena_alloc(call->arena, out.data.len + 1);
    memset(out.data.data, 'z', out.data.len);
    reply(&out, closure);
}

static void
upload(Wd__V1__Messages_Service *svc, const Wd__V1__UploadRequest *req, Wd__V1__UploadReply_Closure reply,
       void *closure)
{
    Wd__V1__UploadReply out = WD__V1__UPLOAD_REPLY__INIT;
    struct fake_store *s = &the_store;

    (void)svc;
    pthread_mutex_lock(&s->mutex);
    s->uploads++;
    if (req->offset == 0)
        s->appended.n = 0;
    if (req->offset == s->appended.n)
        wd_buf_str(&s->appended, imap_pb(req->data));
    out.size = s->appended.n;
    pthread_mutex_unlock(&s->mutex);
    reply(&out, closure);
}

static void
append(Wd__V1__Messages_Service *svc, const Wd__V1__AppendRequest *req, Wd__V1__AppendReply_Closure reply,
       void *closure)
{
    Wd__V1__AppendReply out = WD__V1__APPEND_REPLY__INIT;
    struct fake_store *s = &the_store;

    (void)svc;
    pthread_mutex_lock(&s->mutex);
    if (req->has_raw) {
        s->appended.n = 0;
        wd_buf_str(&s->appended, imap_pb(req->raw));
    }
    snprintf(s->appended_path, sizeof s->appended_path, "%.*s", (int)req->path.len, (const char *)req->path.data);
    pthread_mutex_unlock(&s->mutex);
    out.mailbox = out.message = user_id; /* not the selected one */
    out.uid_validity = 7;
    out.uid = 33;
    reply(&out, closure);
}

static void
store_flags(Wd__V1__Messages_Service *svc, const Wd__V1__StoreRequest *req, Wd__V1__StoreReply_Closure reply,
            void *closure)
{
    Wd__V1__StoreReply out = WD__V1__STORE_REPLY__INIT;
    Wd__V1__StoreReply__Changed row = WD__V1__STORE_REPLY__CHANGED__INIT, *rows[] = { &row };
    struct fake_store *s = &the_store;

    (void)svc;
    pthread_mutex_lock(&s->mutex);
    snprintf(s->storing, sizeof s->storing, "%s", req->session_id);
    pthread_mutex_unlock(&s->mutex);
    row.uid = 1;
    row.system_flags = req->system_flags;
    out.n_changed = 1;
    out.changed = rows;
    reply(&out, closure);
}

static void
expunge(Wd__V1__Messages_Service *svc, const Wd__V1__ExpungeRequest *req, Wd__V1__ExpungeReply_Closure reply,
        void *closure)
{
    Wd__V1__ExpungeReply out = WD__V1__EXPUNGE_REPLY__INIT;
    Wd__V1__UidRanges none = WD__V1__UID_RANGES__INIT;
    struct fake_store *s = &the_store;

    (void)svc;
    pthread_mutex_lock(&s->mutex);
    s->expunges++;
    s->own_expunges += strcmp(s->storing, req->session_id) == 0;
    while (s->hold_expunge)
        pthread_cond_wait(&s->changed, &s->mutex);
    pthread_mutex_unlock(&s->mutex);
    out.expunged = &none;
    reply(&out, closure);
}

/* ---- both servers ---- */

static bool
everybody_may(struct wd_call *call, struct wd_error *err)
{
    (void)call;
    (void)err;
    return true;
}

static void
start_store(struct fake *f)
{
    static Wd__V1__Auth_Service auth;
    static Wd__V1__Mailboxes_Service mailboxes;
    static Wd__V1__Messages_Service messages;
    static ProtobufCService *const services[] = { &auth.base, &mailboxes.base, &messages.base, NULL };
    const char *urls[] = { f->url, NULL };
    struct wd_rpc_server_options o = {
        .urls = urls, .services = services, .authorize = everybody_may, .workers = 4
    };
    struct wd_error err;

    wd__v1__auth__init(&auth, NULL);
    auth.authenticate = authenticate;
    auth.release = release;
    auth.renew = renew;
    wd__v1__mailboxes__init(&mailboxes, NULL);
    mailboxes.open = open_mailbox;
    mailboxes.changes = changes;
    mailboxes.poll = poll_mailboxes;
    wd__v1__messages__init(&messages, NULL);
    messages.fetch = fetch;
    messages.read_body = read_body;
    messages.upload = upload;
    messages.append = append;
    messages.store = store_flags;
    messages.expunge = expunge;
    f->rpc_server = wd_rpc_server_start(&o, &err);
    ck_assert_msg(f->rpc_server != NULL, "%s", f->rpc_server ? "" : err.text);
}

static void
start_imap(struct fake *f)
{
    const char *urls[] = { f->url, NULL };
    struct wd_rpc_client_options o = { .urls = urls, .service_token = "service" };
    struct wd_error err;

    f->options = (struct imap_options){ .name = "test",
                                        .version = "1",
                                        .vendor = "v",
                                        .append_max = 4 * 1024 * 1024,
                                        .timeout_ms = 60000,
                                        .idle_timeout_ms = 60000,
                                        .poll_ms = 600000 };
    f->loop = event_base_new();
    f->rpc = wd_rpc_client_new(f->loop, &o, &err);
    ck_assert_ptr_nonnull(f->rpc);
    imap_server_init(&f->imap, f->loop, f->rpc, &f->options);
    f->listen = (struct wd_listener_options){
        .host = "127.0.0.1", .hide_starttls = true, .on_conn = imap_conn_accept, .data = &f->imap
    };
    f->listener = wd_listener_new(f->loop, &f->listen, &err);
    ck_assert_ptr_nonnull(f->listener);
}

void
fake_open(struct fake *f)
{
    static const struct wd_log_options quiet = { .level = WD_LOG_ERROR };
    const char *tmp = getenv("TMPDIR");

    wd_log_init(&quiet);
    *f = (struct fake){ .store = &the_store };
    wd_seqset_add(&the_store.uids, 1, 5);
    the_store.modseq = 10;
    the_store.long_size = 600 * 1000;
    snprintf(f->dir, sizeof f->dir, "%.40s/wd-imap.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(f->dir));
    snprintf(f->url, sizeof f->url, "ipc://%s/s", f->dir);
    start_store(f);
    start_imap(f);
}

static bool
nobody_waits(struct fake *f)
{
    return !f->imap.pending_logins && !f->imap.autoexpunges && f->imap.conns_n == 0;
}

void
fake_close(struct fake *f)
{
    char path[128];

    fake_until(f, nobody_waits);
    wd_listener_stop(f->listener);
    imap_server_done(&f->imap);
    wd_listener_free(f->listener);
    wd_rpc_client_free(f->rpc);
    event_base_free(f->loop);
    wd_rpc_server_stop(f->rpc_server, 1000);
    snprintf(path, sizeof path, "%s/s", f->dir);
    unlink(path);
    rmdir(f->dir);
    wd_seqset_done(&the_store.uids);
    wd_buf_done(&the_store.appended);
}

void
fake_change(struct fake *f, int kind, uint32_t uid, uint32_t flags, bool own)
{
    struct fake_store *s = fake_lock(f);

    ck_assert_uint_lt(s->changes_n, FAKE_CHANGES_MAX);
    s->changes[s->changes_n++] = (struct fake_change){ kind, ++s->modseq, uid, flags, own };
    if (kind == WD__V1__MAILBOX_CHANGE__KIND__EXISTS)
        wd_seqset_add(&s->uids, uid, uid);
    if (kind == WD__V1__MAILBOX_CHANGE__KIND__EXPUNGE)
        wd_seqset_remove(&s->uids, uid, uid);
    fake_unlock(f);
}

void
fake_beacon(struct fake *f)
{
    Wd__V1__Beacon b = WD__V1__BEACON__INIT;

    b.kind = WD__V1__BEACON__KIND__MAILBOX;
    b.user = user_id;
    b.mailbox = mailbox_id;
    b.has_modseq = true;
    b.modseq = fake_lock(f)->modseq;
    fake_unlock(f);
    imap_server_beacon(&f->imap, &b);
}

/* One round of the loop, at most STEP_MS long. */
static void
turn(struct fake *f)
{
    struct timeval step = { .tv_usec = STEP_MS * 1000 };

    event_base_loopexit(f->loop, &step);
    event_base_loop(f->loop, EVLOOP_ONCE);
}

void
fake_until(struct fake *f, bool (*condition)(struct fake *f))
{
    int64_t end = wd_mono_ms() + DEADLINE_MS;

    while (!condition(f)) {
        ck_assert_msg(wd_mono_ms() < end, "waited in vain");
        turn(f);
    }
}

void
client_open(struct fake_client *c, struct fake *f)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)wd_listener_port(f->listener)) };

    *c = (struct fake_client){ .fake = f, .fd = socket(AF_INET, SOCK_STREAM, 0) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&to, sizeof to), 0);
    client_hear(c, ")\r\n"); /* greeting */
}

void
client_close(struct fake_client *c)
{
    close(c->fd);
    wd_buf_done(&c->got);
}

void
client_say(struct fake_client *c, const char *text)
{
    size_t n = strlen(text), at = 0;

    c->got.n = 0;
    while (at < n) {
        ssize_t sent = send(c->fd, text + at, n - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0)
            at += (size_t)sent;
        turn(c->fake);
    }
}

static void
read_some(struct fake_client *c)
{
    ssize_t n = recv(c->fd, wd_buf_reserve(&c->got, 65536 + 1), 65536, MSG_DONTWAIT);

    if (n > 0)
        c->got.n += (size_t)n;
    c->closed = n == 0;
    c->got.p[c->got.n] = '\0';
}

void
client_hear(struct fake_client *c, const char *end)
{
    int64_t until = wd_mono_ms() + DEADLINE_MS;

    for (;;) {
        read_some(c);
        if (wd_str_ends(wd_buf_view(&c->got), wd_str_c(end)))
            return;
        ck_assert_msg(!c->closed && wd_mono_ms() < until, "%s was not heard, but: %s", end, c->got.p);
        turn(c->fake);
    }
}

void
client_hear_end(struct fake_client *c)
{
    int64_t until = wd_mono_ms() + DEADLINE_MS;

    for (read_some(c); !c->closed; read_some(c)) {
        ck_assert_msg(wd_mono_ms() < until, "the connection stays");
        turn(c->fake);
    }
}

void
client_do(struct fake_client *c, const char *command)
{
    struct wd_buf line wd_auto(wd_buf_done) = { 0 };
    int64_t until = wd_mono_ms() + DEADLINE_MS;

    wd_buf_printf(&line, "t %s\r\n", command);
    wd_buf_chr(&line, '\0');
    client_say(c, line.p);
    for (;;) {
        const char *tagged;
        read_some(c);
        tagged = strncmp(c->got.p, "t ", 2) == 0 ? c->got.p : strstr(c->got.p, "\r\nt ");
        if (tagged && strstr(tagged + 2, "\r\n"))
            return;
        ck_assert_msg(!c->closed && wd_mono_ms() < until, "%s: %s", command, c->got.p);
        turn(c->fake);
    }
}

void
client_select(struct fake_client *c, struct fake *f)
{
    client_open(c, f);
    client_do(c, "LOGIN joe pw");
    ck_assert_ptr_nonnull(strstr(c->got.p, "t OK joe authenticated"));
    client_do(c, "SELECT INBOX");
    ck_assert_ptr_nonnull(strstr(c->got.p, "t OK [READ-WRITE]"));
}
