/* frontends/pop3/cmd_login.c – USER and PASS (RFC 1939 §7), AUTH PLAIN (RFC 5034, 4616, with an initial response). */
#include "frontends/pop3/conn_priv.h"

enum { NAME_MAX_BYTES = 512, ANSWER_MAX = 8192 };

static bool
may_login(struct pop3_conn *c)
{
    if (!pop3_may_login(c))
        pop3_bad(c, "Run STLS first");
    return pop3_may_login(c);
}

static void
set_name(struct pop3_conn *c, struct wd_str name)
{
    c->name.n = 0;
    wd_buf_str(&c->name, wd_str_part(name, 0, NAME_MAX_BYTES));
}

void
pop3_cmd_user(struct pop3_conn *c, const struct pop3_args *args)
{
    if (!may_login(c))
        return;
    set_name(c, args->text);
    pop3_ok(c, "Send PASS");
}

/* The name of USER is good for one PASS. */
void
pop3_cmd_pass(struct pop3_conn *c, const struct pop3_args *args)
{
    if (c->name.n == 0)
        pop3_bad(c, "Send USER first");
    else if (may_login(c))
        pop3_login_start(c, args->text, "USER");
}

/* ---- AUTH ---- */

static void
take_answer(struct pop3_conn *c, struct wd_str answer)
{
    enum wd_sasl_result result = wd_sasl_step(&c->sasl, answer);

    c->state = POP3_LINE;
    if (result == WD_SASL_DONE) {
        set_name(c, c->sasl.user);
        pop3_login_start(c, c->sasl.password, "PLAIN");
    } else {
        pop3_bad(c, result == WD_SASL_CANCELLED ? "Cancelled" : "Malformed answer");
    }
    wd_sasl_done(&c->sasl);
}

bool
pop3_step_answer(struct pop3_conn *c)
{
    struct wd_str line;

    if (c->server->draining) {
        pop3_fail_last(c, "SYS/TEMP", "Going down, come back soon");
        return true;
    }
    switch (wd_conn_line(c->net, ANSWER_MAX, &line)) {
    case WD_LINE_MORE:
        return false;
    case WD_LINE_TOO_LONG:
        wd_sasl_done(&c->sasl);
        c->state = POP3_SKIPPING;
        pop3_bad(c, "Line too long");
        return true;
    case WD_LINE_OK:
        take_answer(c, wd_str_trim(line));
        return true;
    }
    return false;
}

static void
list_mechanisms(struct pop3_conn *c)
{
    pop3_ok(c, "Mechanisms follow");
    wd_conn_write(c->net, pop3_may_login(c) ? WD_STR("PLAIN\r\n.\r\n") : WD_STR(".\r\n"));
}

void
pop3_cmd_auth(struct pop3_conn *c, const struct pop3_args *args)
{
    size_t end = wd_str_chr(args->text, ' ');
    struct wd_str mechanism = wd_str_part(args->text, 0, end);
    struct wd_str initial = wd_str_trim(wd_str_part(args->text, end, args->text.n));

    if (args->text.n == 0) {
        list_mechanisms(c);
    } else if (!wd_str_ieq(mechanism, WD_STR("PLAIN")) || !wd_sasl_begin(&c->sasl, mechanism)) {
        pop3_bad(c, "No such mechanism");
    } else if (!may_login(c)) {
        wd_sasl_done(&c->sasl);
    } else {
        c->sasl.any_identity = true;
        c->state = POP3_ANSWER;
        if (initial.n)
            take_answer(c, initial);
        else
            wd_conn_write(c->net, WD_STR("+ \r\n"));
    }
}
