#include "frontends/imap/conn_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/clock.h"
#include "common/log/log.h"
#include "frontends/imap/login.h"
#include "frontends/imap/notify.h"
#include "frontends/imap/write.h"

enum { SCRATCH_KEPT = 256 * 1024, PROGRESS_MS = 60 * 1000 };

struct wd_buf *
imap_conn_buf(struct imap_conn *c)
{
    c->server->scratch.n = 0;
    return &c->server->scratch;
}

void
imap_conn_send(struct imap_conn *c)
{
    struct wd_buf *b = &c->server->scratch;

    if (b->n)
        wd_conn_write(c->net, wd_buf_view(b));
    b->n = 0;
    if (b->cap > SCRATCH_KEPT)
        wd_buf_done(b);
}

bool
imap_conn_may_login(const struct imap_conn *c)
{
    const struct wd_listener_options *o = wd_conn_listener(c->net);

    return wd_conn_is_private(c->net) || o->hide_starttls || o->ignore_starttls;
}

unsigned
imap_conn_tell(const struct imap_conn *c)
{
    return c->condstore ? IMAP_TELL_MODSEQ : 0;
}

bool
imap_conn_logs(const struct imap_conn *c)
{
    for (const char *const *h = c->server->options->ignored_hosts; h && *h; h++)
        if (strcmp(*h, wd_conn_ip(c->net)) == 0)
            return false;
    return true;
}

void
imap_conn_unselect(struct imap_conn *c)
{
    imap_sync_cancel(c);
    imap_view_free(c->view);
    c->view = NULL;
}

void
imap_conn_bye(struct imap_conn *c, const char *why)
{
    if (c->bye)
        return;
    c->bye = strdup(why && *why ? why : "Logout requested");
    if (!c->bye)
        abort();
}

void
imap_conn_drop(struct imap_conn *c)
{
    c->now = true;
    c->state = IMAP_CONN_CLOSED;
}

void
imap_conn_say_bye(struct imap_conn *c)
{
    struct wd_buf *out = imap_conn_buf(c);

    wd_buf_c(out, "* BYE ");
    imap_write_text(out, wd_str_c(c->bye));
    wd_buf_c(out, "\r\n");
    imap_conn_send(c);
    c->state = IMAP_CONN_CLOSED;
}

unsigned
imap_conn_state_bit(const struct imap_conn *c)
{
    return !c->logged_in ? ST_OUT : c->view ? ST_SELECTED : ST_AUTH;
}

void
imap_conn_count_bad(struct imap_conn *c)
{
    c->server->bad_commands++;
    if (++c->bads > IMAP_BADS_MAX)
        imap_conn_bye(c, "Too many protocol errors");
}

void
imap_conn_finish(struct imap_conn *c)
{
    struct imap_cmd *cmd = c->cmd;
    struct wd_buf *out = imap_conn_buf(c);

    if (c->view)
        imap_view_tell(c->view, cmd->tells | imap_conn_tell(c), out);
    wd_buf_str(out, cmd->tag);
    wd_buf_chr(out, ' ');
    wd_buf_str(out, cmd->tagged);
    wd_buf_c(out, "\r\n");
    imap_conn_send(c);
    if (cmd->is_bad)
        imap_conn_count_bad(c);
    c->state = IMAP_CONN_LINE;
    if (cmd->then == IMAP_THEN_CLOSE) {
        c->state = IMAP_CONN_CLOSED;
    } else if (cmd->then == IMAP_THEN_GONE) {
        imap_conn_bye(c, "Selected mailbox is gone");
    } else if (cmd->then == IMAP_THEN_DEFLATE) {
        wd_conn_start_deflate(c->net);
        c->deflated = true;
    } else if (cmd->then == IMAP_THEN_TLS) {
        wd_conn_start_tls(c->net);
        c->state = IMAP_CONN_TLS;
    }
    c->cmd = NULL;
    imap_cmd_free(cmd);
    imap_conn_forget_line(c);
}

static bool
needs_journal(const struct imap_conn *c)
{
    const struct imap_cmd *cmd = c->cmd;

    if (!c->view || cmd->then != IMAP_THEN_GO_ON || cmd->tells == TELL_NOTHING)
        return false;
    return (cmd->row->flags & F_READS_JOURNAL) || imap_view_behind(c->view);
}

static bool
step_greeting(struct imap_conn *c)
{
    struct wd_buf *out = imap_conn_buf(c);

    wd_buf_printf(out, "* OK %s ready for %s (%s)\r\n", c->server->options->name, wd_conn_ip(c->net),
                  wd_conn_id(c->net));
    imap_conn_send(c);
    c->state = IMAP_CONN_LINE;
    return true;
}

static bool
step_stream(struct imap_conn *c)
{
    bool blocked = false;

    if (imap_append_data(c->cmd, wd_conn_in(c->net), &blocked)) {
        if (c->expired && !blocked)
            imap_conn_drop(c); /* half a message came */
        return false;
    }
    imap_lex_streamed(&c->lex);
    c->state = IMAP_CONN_LINE;
    return true;
}

static bool
step_running(struct imap_conn *c)
{
    struct imap_cmd *cmd = c->cmd;

    if (cmd->waits_for_drain) {
        if (c->expired)
            imap_conn_drop(c); /* the client does not read */
        if (c->state == IMAP_CONN_CLOSED || wd_conn_over(c->net))
            return false;
        cmd->waits_for_drain = false;
        cmd->ready = true;
    }
    if (!cmd->ready)
        return false;
    cmd->ready = false;
    if (cmd->step(cmd) == IMAP_WAIT)
        return c->state != IMAP_CONN_RUNNING || cmd->ready;
    if (needs_journal(c)) {
        c->state = IMAP_CONN_SYNCING;
        imap_sync_start(c);
    } else {
        imap_conn_finish(c);
    }
    return true;
}

static bool
step_syncing(struct imap_conn *c)
{
    if (c->sync)
        return false;
    imap_conn_finish(c);
    return true;
}

static bool
end_idle(struct imap_conn *c, struct wd_str line)
{
    if (wd_str_ieq(wd_str_trim(line), WD_STR("DONE")))
        imap_ok(c->cmd, "IDLE terminated");
    else
        imap_bad(c->cmd, "DONE expected");
    imap_conn_finish(c);
    return true;
}

static bool
step_idle(struct imap_conn *c)
{
    struct wd_str line;
    enum wd_line_result r;

    if (c->view && !c->sync) {
        struct wd_buf *out = imap_conn_buf(c);
        imap_view_tell(c->view, IMAP_TELL_ALL | imap_conn_tell(c), out);
        imap_conn_send(c);
    }
    if (c->bye) {
        imap_conn_say_bye(c);
        return true;
    }
    if (wd_mono_ms() - c->idle_since_ms > c->server->options->idle_timeout_ms) {
        imap_conn_bye(c, "Idle for too long");
        return true;
    }
    if (c->expired) {
        c->expired = false;
        wd_conn_write(c->net, WD_STR("* OK Still here\r\n"));
    }
    r = wd_conn_line(c->net, IMAP_LITERAL_MAX, &line);
    if (r == WD_LINE_MORE)
        return false;
    return end_idle(c, r == WD_LINE_OK ? line : WD_NONE);
}

static bool
step_response(struct imap_conn *c)
{
    struct wd_str line;
    enum wd_line_result r;

    if (c->bye) {
        imap_conn_say_bye(c);
        return true;
    }
    r = wd_conn_line(c->net, IMAP_LINE_MAX / 4, &line);
    if (c->expired || r == WD_LINE_TOO_LONG)
        imap_conn_drop(c);
    if (r != WD_LINE_OK)
        return false;
    c->state = IMAP_CONN_RUNNING;
    imap_authenticate_response(c->cmd, line);
    return true;
}

static bool
step_tls(struct imap_conn *c)
{
    if (c->expired)
        imap_conn_drop(c);
    if (!wd_conn_is_tls(c->net))
        return false;
    c->state = IMAP_CONN_LINE;
    return true;
}

static bool (*const steps[])(struct imap_conn *) = {
    [IMAP_CONN_GREETING] = step_greeting, [IMAP_CONN_LINE] = imap_conn_step_line, [IMAP_CONN_STREAM] = step_stream,
    [IMAP_CONN_RUNNING] = step_running,   [IMAP_CONN_SYNCING] = step_syncing, [IMAP_CONN_IDLE] = step_idle,
    [IMAP_CONN_RESPONSE] = step_response, [IMAP_CONN_TLS] = step_tls,
};

/* The only driver of a connection. */
void
imap_conn_step(struct imap_conn *c)
{
    c->again = true;
    if (c->stepping)
        return; /* a callback fired inside a step: the loop below takes it up */
    c->stepping = true;
    while (c->again && c->state != IMAP_CONN_CLOSED) {
        c->again = false;
        while (c->state != IMAP_CONN_CLOSED && steps[c->state](c))
            continue;
    }
    c->stepping = false;
    c->expired = false;
    if (c->state == IMAP_CONN_CLOSED)
        imap_conn_free(c);
}

static void
on_input(void *owner)
{
    imap_conn_step(owner);
}

static void
on_timeout(void *owner)
{
    struct imap_conn *c = owner;

    c->expired = true;
    imap_conn_step(c);
}

static void
on_closed(void *owner, const char *why)
{
    struct imap_conn *c = owner;

    if (imap_conn_logs(c))
        wd_log(WD_LOG_DEBUG, "closed", WD_KV("session", wd_conn_id(c->net)), WD_KV("why", why));
    imap_conn_drop(c);
    imap_conn_step(c);
}

static const struct wd_conn_calls calls = {
    .on_input = on_input,
    .on_drained = on_input,
    .on_secured = on_input,
    .on_timeout = on_timeout,
    .on_closed = on_closed,
};

void
imap_conn_accept(void *server, struct wd_conn *net)
{
    struct imap_server *s = server;
    struct imap_conn *c;

    if (s->stopping) {
        wd_conn_free(net);
        return;
    }
    c = WD_NEW(struct imap_conn);
    c->server = s;
    c->net = net;
    c->next = s->conns;
    if (s->conns)
        s->conns->prev = c;
    s->conns = c;
    s->conns_n++;
    if (imap_conn_logs(c))
        wd_log(WD_LOG_INFO, "connected", WD_KV("session", wd_conn_id(net)), WD_KV("ip", wd_conn_ip(net)),
               WD_KV("cipher", wd_conn_cipher(net)));
    wd_conn_set_timeout(net, s->options->timeout_ms);
    c->stepping = true; /* wd_conn_own() may call back at once */
    wd_conn_own(net, &calls, c);
    c->stepping = false;
    imap_conn_step(c);
}

void
imap_conn_free(struct imap_conn *c)
{
    struct imap_server *s = c->server;

    imap_cmd_free(c->cmd);
    imap_conn_unselect(c);
    imap_notify_leave(c);
    imap_login_forget(c->login);
    if (c->logged_in)
        imap_login_release(c);
    imap_conn_forget_line(c);
    if (c->next)
        c->next->prev = c->prev;
    *(c->prev ? &c->prev->next : &s->conns) = c->next;
    s->conns_n--;
    if (c->now)
        wd_conn_free(c->net);
    else
        wd_conn_close(c->net);
    if (c->token)
        explicit_bzero(c->token, strlen(c->token));
    free(c->token);
    free(c->bye);
    free(c);
}

void
imap_conn_tick(struct imap_conn *c, int64_t now_ms)
{
    int64_t life = c->token_expires_ms - c->token_got_ms;

    if (c->token && !c->login && wd_now_ms() > c->token_got_ms + life / 2)
        imap_login_renew(c);
    if (c->state == IMAP_CONN_IDLE && now_ms - c->idle_since_ms > c->server->options->idle_timeout_ms) {
        imap_conn_step(c);
    } else if (c->state == IMAP_CONN_RUNNING && (c->cmd->row->flags & F_LONG) &&
               now_ms - c->cmd->alive_ms >= PROGRESS_MS) {
        c->cmd->alive_ms = now_ms;
        wd_conn_write(c->net, WD_STR("* OK Still working\r\n"));
    }
}
