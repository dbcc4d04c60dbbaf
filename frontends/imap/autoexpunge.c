#include "frontends/imap/autoexpunge.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/log/log.h"
#include "wd/v1/messages.pb-c.h"

struct imap_autoexpunge {
    struct imap_server *server;
    struct imap_autoexpunge *next, *prev; /* of the server */
    char mailbox[WD_ID_HEX + 1];
    bool again; /* another message was marked meanwhile; the call may have passed it already */
    char *token;
    struct wd_rpc_call *call;
    struct wd_arena *arena;
    struct wd_error err;
};

static void
keep_token(struct imap_autoexpunge *e, const char *token)
{
    if (e->token)
        explicit_bzero(e->token, strlen(e->token));
    free(e->token);
    e->token = token ? strdup(token) : NULL;
    if (token && !e->token)
        abort();
}

static void
autoexpunge_free(struct imap_autoexpunge *e)
{
    wd_rpc_cancel(&e->call);
    if (e->next)
        e->next->prev = e->prev;
    *(e->prev ? &e->prev->next : &e->server->autoexpunges) = e->next;
    keep_token(e, NULL);
    wd_arena_free(e->arena);
    free(e);
}

static void on_expunged(const Wd__V1__ExpungeReply *reply, void *data);

static void
call(struct imap_autoexpunge *e)
{
    Wd__V1__ExpungeRequest request = WD__V1__EXPUNGE_REQUEST__INIT;
    char session_id[WD_ID_HEX + 1]; /* nobody's: no session takes the change for its own */
    struct wd_rpc_params params = {
        .session_token = e->token, .session_id = session_id, .arena = e->arena, .err = &e->err, .call = &e->call
    };

    wd_id_hex(wd_id_new(), session_id);
    wd_arena_reset(e->arena);
    e->again = false;
    request.mailbox = e->mailbox;
    request.session_id = session_id;
    wd__v1__messages__expunge(wd_rpc_to(e->server->rpc, &wd__v1__messages__descriptor, &params), &request,
                              on_expunged, e);
}

static void
on_expunged(const Wd__V1__ExpungeReply *reply, void *data)
{
    struct imap_autoexpunge *e = data;

    if (!reply && e->err.reason != WD_MAILBOX_NOT_FOUND)
        wd_log_error(WD_LOG_WARN, "automatic expunge failed", &e->err, WD_KV("mailbox", e->mailbox));
    if (e->again)
        call(e);
    else
        autoexpunge_free(e);
}

static struct imap_autoexpunge *
under_way(const struct imap_server *s, const char *mailbox)
{
    struct imap_autoexpunge *e = s->autoexpunges;

    while (e && strcmp(e->mailbox, mailbox) != 0)
        e = e->next;
    return e;
}

void
imap_autoexpunge_start(const struct imap_conn *c)
{
    struct imap_server *s = c->server;
    struct imap_autoexpunge *e;

    if (!s->options->auto_expunge || !c->view || !c->token)
        return;
    e = under_way(s, c->view->mailbox);
    if (e) {
        keep_token(e, c->token);
        e->again = true;
        return;
    }
    e = WD_NEW(struct imap_autoexpunge);
    e->server = s;
    e->arena = wd_arena_new(0);
    e->next = s->autoexpunges;
    if (e->next)
        e->next->prev = e;
    s->autoexpunges = e;
    memcpy(e->mailbox, c->view->mailbox, sizeof e->mailbox);
    keep_token(e, c->token);
    call(e);
}

void
imap_autoexpunge_abandon(struct imap_server *s)
{
    while (s->autoexpunges)
        autoexpunge_free(s->autoexpunges);
}
