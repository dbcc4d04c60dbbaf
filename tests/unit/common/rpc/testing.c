#include "tests/unit/common/rpc/testing.h"

#include <dirent.h>
#include <nng/nng.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log/log.h"
#include "common/rpc/close.h"
#include "tests/unit/common/rpc/nng_leaks.h"

char testing_dir[64];
bool testing_leaves_handlers;

void
testing_init(void)
{
    static const struct wd_log_options quiet = { .level = WD_LOG_ERROR };
    const char *tmp = getenv("TMPDIR");

    wd_log_init(&quiet);
    snprintf(testing_dir, sizeof testing_dir, "%.40s/wd-rpc.XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(testing_dir));
}

void
testing_done(void)
{
    DIR *dir = opendir(testing_dir);
    struct dirent *entry;

    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.')
            unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        closedir(dir);
    rmdir(testing_dir);
    if (wd_sockets_left_behind() > 0)
        nng_leaks_more = true; /* and nng_fini() would hang as well */
    else if (!testing_leaves_handlers)
        nng_fini(); /* waits for what nng frees on a thread of its own, so that it is not taken for a leak */
}

const char *
testing_url(const char *name)
{
    static char urls[8][128];
    static unsigned next;
    char *url = urls[next++ % 8];

    snprintf(url, sizeof urls[0], "ipc://%s/%s", testing_dir, name);
    return url;
}

/* ---- the store ---- */

static void
health(Wd__V1__Admin_Service *service, const Wd__V1__HealthRequest *req, Wd__V1__HealthReply_Closure reply,
       void *closure)
{
    struct testing_store *s = (struct testing_store *)service;
    Wd__V1__HealthReply out = WD__V1__HEALTH_REPLY__INIT;

    (void)req;
    out.version = (char *)(uintptr_t)s->name;
    out.driver = (char *)(uintptr_t)"test";
    reply(&out, closure);
}

static void
wait_at_gate(struct testing_store *s)
{
    pthread_mutex_lock(&s->lock);
    s->waiting++;
    pthread_cond_broadcast(&s->changed);
    while (!s->open)
        pthread_cond_wait(&s->changed, &s->lock);
    s->waiting--;
    pthread_mutex_unlock(&s->lock);
}

static void
note_execution(struct testing_store *s, const struct wd_call *call)
{
    pthread_mutex_lock(&s->lock);
    s->executed++;
    if (s->key_count < 8)
        snprintf(s->keys[s->key_count++], sizeof s->keys[0], "%.*s", WD_FMT(call->key));
    pthread_mutex_unlock(&s->lock);
}

static bool
first_time(struct testing_store *s)
{
    bool first;

    pthread_mutex_lock(&s->lock);
    first = s->busy++ == 0;
    pthread_mutex_unlock(&s->lock);
    return first;
}

static void
status(Wd__V1__Mailboxes_Service *service, const Wd__V1__StatusMailboxRequest *req,
       Wd__V1__MailboxStatus_Closure reply, void *closure)
{
    struct testing_store *s = WD_OF(service, struct testing_store, mailboxes);
    struct wd_call *call = closure;
    struct wd_str path = wd_str_n(req->path.data, req->path.len);
    Wd__V1__MailboxStatus out = WD__V1__MAILBOX_STATUS__INIT;

    note_execution(s, call);
    out.id = (char *)(uintptr_t)s->name;
    out.messages = 7;
    if (wd_str_eq(path, WD_STR("wait")))
        wait_at_gate(s);
    if (wd_str_eq(path, WD_STR("nothing")))
        return;
    if (wd_str_eq(path, WD_STR("busy")) || (wd_str_eq(path, WD_STR("busy-once")) && first_time(s))) {
        wd_fail(&call->err, WD_OVERLOADED, "busy");
        wd_call_fail(call);
    } else if (wd_str_eq(path, WD_STR("fail"))) {
        wd_fail(&call->err, WD_MAILBOX_NOT_FOUND, "no mailbox '%.*s'", WD_FMT(path));
        wd_call_fail(call);
    } else {
        reply(&out, closure);
        if (wd_str_eq(path, WD_STR("twice")))
            reply(&out, closure);
    }
}

/* Four mailboxes with a path of 400 kB each. */
static void
list(Wd__V1__Mailboxes_Service *service, const Wd__V1__ListMailboxesRequest *req,
     Wd__V1__ListMailboxesReply_Closure reply, void *closure)
{
    enum { COUNT = 4, BYTES = 400 * 1000 };
    struct wd_call *call = closure;
    Wd__V1__ListMailboxesReply out = WD__V1__LIST_MAILBOXES_REPLY__INIT;
    Wd__V1__Mailbox *rows = WD_ARENA_ARRAY(call->arena, Wd__V1__Mailbox, COUNT);

    (void)service;
    (void)req;
    out.mailboxes = WD_ARENA_ARRAY(call->arena, Wd__V1__Mailbox *, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        wd__v1__mailbox__init(&rows[i]);
        rows[i].id = (char *)(uintptr_t)"id";
        rows[i].path.len = BYTES;
        rows[i].path.data = wd_arena_alloc(call->arena, BYTES);
        out.mailboxes[out.n_mailboxes++] = &rows[i];
    }
    reply(&out, closure);
}

void
testing_store_start(struct testing_store *s, const char *name, const char *url, const struct wd_rpc_server_options *o)
{
    struct wd_rpc_server_options options = o ? *o : (struct wd_rpc_server_options){ .workers = 4 };
    ProtobufCService *services[] = { &s->admin.base, &s->mailboxes.base, NULL };
    static ProtobufCService *kept[8][3];
    static unsigned next;
    const char *urls[] = { url, NULL };
    struct wd_error err;

    *s = (struct testing_store){ .name = name };
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    wd__v1__admin__init(&s->admin, NULL);
    wd__v1__mailboxes__init(&s->mailboxes, NULL);
    s->admin.health = health;
    s->mailboxes.status = status;
    s->mailboxes.list = list;
    options.services = memcpy(kept[next++ % 8], services, sizeof services);
    if (!options.urls)
        options.urls = urls;
    s->server = wd_rpc_server_start(&options, &err);
    ck_assert_msg(s->server != NULL, "%s", s->server ? "" : err.text);
}

void
testing_store_open_gate(struct testing_store *s)
{
    pthread_mutex_lock(&s->lock);
    s->open = true;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

unsigned
testing_store_executed(struct testing_store *s)
{
    unsigned n;

    pthread_mutex_lock(&s->lock);
    n = s->executed;
    pthread_mutex_unlock(&s->lock);
    return n;
}

void
testing_store_stop(struct testing_store *s)
{
    testing_store_open_gate(s);
    wd_rpc_server_stop(s->server, 2000);
    s->server = NULL;
}

/* ---- the client ---- */

void
testing_client_open(struct testing_client *c, const struct wd_rpc_client_options *o)
{
    struct wd_error err;

    c->loop = event_base_new();
    c->rpc = wd_rpc_client_new(c->loop, o, &err);
    ck_assert_msg(c->rpc != NULL, "%s", c->rpc ? "" : err.text);
}

void
testing_client_to(struct testing_client *c, const char *url)
{
    const char *urls[] = { url, NULL };
    struct wd_rpc_client_options o = { .urls = urls, .service_token = "token" };

    testing_client_open(c, &o);
}

void
testing_client_idle(struct testing_client *c, int ms)
{
    struct timeval end = { .tv_usec = ms * 1000L };

    event_base_loopexit(c->loop, &end);
    event_base_loop(c->loop, 0);
}

void
testing_await_waiting(struct testing_client *c, struct testing_store *s, unsigned n)
{
    unsigned waiting;

    do {
        testing_client_idle(c, 2);
        pthread_mutex_lock(&s->lock);
        waiting = s->waiting;
        pthread_mutex_unlock(&s->lock);
    } while (waiting < n);
}

void
testing_client_close(struct testing_client *c)
{
    wd_rpc_client_free(c->rpc);
    event_base_free(c->loop);
}

static void
on_done(const ProtobufCMessage *reply, void *data)
{
    struct testing_call *call = data;

    ck_assert_msg(!call->done, "the closure ran twice");
    ck_assert_ptr_null(call->call);
    call->done = true;
    call->reply = reply;
    if (call->left)
        --*call->left;
}

static struct wd_rpc_params
params_of(struct testing_call *call, int timeout_ms)
{
    if (!call->arena)
        call->arena = wd_arena_new(0);
    call->done = false;
    call->reply = NULL;
    return (struct wd_rpc_params){
        .key = call->key, .timeout_ms = timeout_ms, .arena = call->arena, .err = &call->err, .call = &call->call
    };
}

void
testing_status(struct testing_client *c, struct testing_call *call, const char *path, int timeout_ms)
{
    struct wd_rpc_params p = params_of(call, timeout_ms);
    Wd__V1__StatusMailboxRequest req = WD__V1__STATUS_MAILBOX_REQUEST__INIT;

    req.path.data = (uint8_t *)(uintptr_t)path;
    req.path.len = strlen(path);
    wd__v1__mailboxes__status(wd_rpc_to(c->rpc, &wd__v1__mailboxes__descriptor, &p), &req,
                              (Wd__V1__MailboxStatus_Closure)on_done, call);
    ck_assert(!call->done);
}

void
testing_health(struct testing_client *c, struct testing_call *call, int timeout_ms)
{
    struct wd_rpc_params p = params_of(call, timeout_ms);
    Wd__V1__HealthRequest req = WD__V1__HEALTH_REQUEST__INIT;

    wd__v1__admin__health(wd_rpc_to(c->rpc, &wd__v1__admin__descriptor, &p), &req,
                          (Wd__V1__HealthReply_Closure)on_done, call);
    ck_assert(!call->done);
}

void
testing_await(struct testing_client *c, struct testing_call *call)
{
    wd_rpc_run(c->rpc, &call->done);
}

void
testing_call_done(struct testing_call *call)
{
    wd_arena_free(call->arena);
    *call = (struct testing_call){ 0 };
}

bool
testing_ask(struct testing_client *c, struct testing_call *call, const char *path, int timeout_ms)
{
    testing_call_done(call);
    testing_status(c, call, path, timeout_ms);
    testing_await(c, call);
    return call->reply != NULL;
}

void
testing_end(struct testing_call *call, struct testing_client *c, struct testing_store *const *stores)
{
    testing_call_done(call);
    if (c->rpc)
        testing_client_close(c);
    c->rpc = NULL;
    for (; *stores; stores++) {
        if ((*stores)->server)
            testing_store_stop(*stores);
        (*stores)->server = NULL;
    }
    testing_done();
}
