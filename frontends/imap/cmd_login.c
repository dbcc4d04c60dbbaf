/* frontends/imap/cmd_login.c – LOGIN (RFC 3501 §6.2.3) and AUTHENTICATE PLAIN, PLAIN-CLIENTTOKEN (§6.2.2, RFC 4616,
 * SASL-IR RFC 4959). */
#include "common/log/log.h"
#include "common/net/sasl.h"
#include "frontends/imap/conn.h"
#include "frontends/imap/login.h"
#include "frontends/imap/write.h"

/* What is kept while the password is checked. */
struct attempt {
    struct wd_sasl sasl; /* of AUTHENTICATE */
    struct wd_str user;
    const char *method;
};

static void
attempt_done(struct imap_cmd *cmd)
{
    struct attempt *a = cmd->state;

    wd_sasl_done(&a->sasl);
}

static struct attempt *
attempt_new(struct imap_cmd *cmd, const char *method)
{
    struct attempt *a = WD_ARENA_NEW(cmd->arena, struct attempt);

    a->method = method;
    cmd->state = a;
    cmd->done = attempt_done;
    return a;
}

static enum imap_step
refused(struct imap_cmd *cmd)
{
    const struct imap_conn *c = cmd->conn;
    const struct attempt *a = cmd->state;

    c->server->refused_logins++;
    if (imap_conn_logs(c))
        wd_log_error(WD_LOG_INFO, "login refused", &cmd->err, WD_KV("session", wd_conn_id(c->net)),
                     WD_KV("ip", wd_conn_ip(c->net)), WD_KV_STR("user", a->user));
    if (cmd->err.reason == WD_AUTH_SCOPE && wd_str_eq(cmd->row->name, WD_STR("LOGIN")))
        return imap_answer(cmd, "NO", "InvalidAuthScope", "This password is not for IMAP");
    if (cmd->err.reason == WD_AUTH_FAILED)
        return imap_answer(cmd, "NO", "AUTHENTICATIONFAILED", "Invalid credentials or account disabled");
    return imap_fail(cmd);
}

static enum imap_step
checked(struct imap_cmd *cmd)
{
    struct imap_conn *c = cmd->conn;
    const struct attempt *a = cmd->state;
    struct wd_buf *out;

    if (!c->logged_in)
        return refused(cmd);
    c->server->logins++;
    if (imap_conn_logs(c))
        wd_log(WD_LOG_INFO, "login", WD_KV("session", wd_conn_id(c->net)), WD_KV("user", c->user),
               WD_KV_STR("name", a->user), WD_KV("method", a->method), WD_KV_STR("client_token", a->sasl.token));
    out = imap_out(cmd);
    wd_buf_c(out, "* CAPABILITY ");
    imap_capabilities(c, out);
    wd_buf_c(out, "\r\n");
    imap_send(cmd);
    return imap_ok(cmd, wd_arena_printf(cmd->arena, "%.*s authenticated", WD_FMT(a->user)).p);
}

static enum imap_step
check(struct imap_cmd *cmd, struct wd_str user, struct wd_str password)
{
    struct attempt *a = cmd->state;

    a->user = wd_str_part(wd_arena_str(cmd->arena, wd_str_trim(user)), 0, 512);
    imap_login_start(cmd, a->user, wd_str_trim(password));
    return imap_then_step(cmd, checked);
}

enum imap_step
imap_cmd_login(struct imap_cmd *cmd)
{
    if (!imap_conn_may_login(cmd->conn))
        return imap_bad(cmd, "Run STARTTLS first");
    attempt_new(cmd, "LOGIN");
    return check(cmd, cmd->args.user, cmd->args.password);
}

static enum imap_step
sasl_step(struct imap_cmd *cmd, struct wd_str answer)
{
    struct attempt *a = cmd->state;
    enum wd_sasl_result r = wd_sasl_step(&a->sasl, answer);

    if (r == WD_SASL_DONE)
        return check(cmd, a->sasl.user, a->sasl.password);
    return imap_bad(cmd, r == WD_SASL_CANCELLED ? "Authentication cancelled" : "Wrong response");
}

void
imap_authenticate_response(struct imap_cmd *cmd, struct wd_str line)
{
    struct attempt *a = cmd->state;

    a->user = wd_arena_str(cmd->arena, line); /* until the step runs, which is at once */
    cmd->ready = true;
}

static enum imap_step
answered(struct imap_cmd *cmd)
{
    const struct attempt *a = cmd->state;

    return sasl_step(cmd, a->user);
}

enum imap_step
imap_cmd_authenticate(struct imap_cmd *cmd)
{
    static const struct wd_str mechanisms[] = { WD_STR_C("PLAIN"), WD_STR_C("PLAIN-CLIENTTOKEN") };
    struct attempt *a;
    size_t i = 0;

    while (i < WD_COUNT(mechanisms) && !wd_str_ieq(mechanisms[i], cmd->args.word))
        i++;
    if (i == WD_COUNT(mechanisms))
        return imap_bad(cmd, "Unknown command: no such mechanism");
    if (!imap_conn_may_login(cmd->conn))
        return imap_bad(cmd, "Run STARTTLS first");
    a = attempt_new(cmd, mechanisms[i].p);
    if (!wd_sasl_begin(&a->sasl, mechanisms[i]))
        return imap_bad(cmd, "Unknown command: no such mechanism");
    if (cmd->args.has_initial)
        return sasl_step(cmd, cmd->args.initial);
    wd_conn_write(cmd->conn->net, WD_STR("+ \r\n"));
    cmd->conn->state = IMAP_CONN_RESPONSE;
    return imap_then_step(cmd, answered);
}
