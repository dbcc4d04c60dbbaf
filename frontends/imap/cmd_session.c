/* frontends/imap/cmd_session.c – the commands about the connection itself: CAPABILITY, NOOP, CHECK, LOGOUT (RFC 3501
 * §6.1, §6.4.1), ID (RFC 2971), STARTTLS (RFC 3501 §6.2.1), ENABLE (RFC 5161), COMPRESS (RFC 4978), NAMESPACE (RFC
 * 2342), IDLE (RFC 2177). */
#include "common/base/clock.h"
#include "common/base/rand.h"
#include "common/log/log.h"
#include "frontends/imap/notify.h"
#include "frontends/imap/write.h"

enum imap_step
imap_cmd_capability(struct imap_cmd *cmd)
{
    struct wd_buf *out = imap_out(cmd);

    wd_buf_c(out, "* CAPABILITY ");
    imap_capabilities(cmd->conn, out);
    wd_buf_c(out, "\r\n");
    imap_send(cmd);
    return imap_ok(cmd, "CAPABILITY completed");
}

enum imap_step
imap_cmd_noop(struct imap_cmd *cmd)
{
    return imap_ok(cmd, "completed"); /* what there is to tell is read and told before the answer */
}

enum imap_step
imap_cmd_logout(struct imap_cmd *cmd)
{
    const char *const *quotes = cmd->conn->server->options->quotes;
    uint32_t n = 0;

    while (quotes && quotes[n])
        n++;
    wd_conn_write(cmd->conn->net, WD_STR("* BYE Logging out\r\n"));
    cmd->then = IMAP_THEN_CLOSE;
    return imap_ok(cmd, n ? quotes[wd_rand_below(n)] : "See you soon");
}

/* What clients say of themselves and is worth a line in the log. */
static const struct {
    struct wd_str name;
    const char *key;
} client_fields[] = {
    { WD_STR_C("name"), "client_id_name" },
    { WD_STR_C("version"), "client_id_version" },
    { WD_STR_C("os"), "client_id_os" },
    { WD_STR_C("os-version"), "client_id_os_version" },
    { WD_STR_C("vendor"), "client_id_vendor" },
    { WD_STR_C("support-url"), "client_id_support_url" },
    { WD_STR_C("address"), "client_id_address" },
    { WD_STR_C("date"), "client_id_date" },
    { WD_STR_C("command"), "client_id_command" },
    { WD_STR_C("arguments"), "client_id_arguments" },
    { WD_STR_C("environment"), "client_id_environment" },
};

static void
log_client(const struct imap_cmd *cmd)
{
    struct wd_kv pairs[WD_COUNT(client_fields) + 1];
    size_t n = 0;

    if (!wd_log_on(WD_LOG_INFO) || !imap_conn_logs(cmd->conn))
        return;
    pairs[n++] = WD_KV("session", wd_conn_id(cmd->conn->net));
    for (size_t i = 0; i + 1 < cmd->args.words.n; i += 2)
        for (size_t k = 0; k < WD_COUNT(client_fields) && n < WD_COUNT(pairs); k++)
            if (wd_str_ieq(cmd->args.words.p[i], client_fields[k].name))
                pairs[n++] = WD_KV_STR(client_fields[k].key, cmd->args.words.p[i + 1]);
    if (n > 1)
        wd_log_pairs(WD_LOG_INFO, "client", pairs, n);
}

enum imap_step
imap_cmd_id(struct imap_cmd *cmd)
{
    const struct imap_options *o = cmd->conn->server->options;
    struct wd_buf *out;

    log_client(cmd);
    out = imap_out(cmd);
    wd_buf_c(out, "* ID (\"name\" ");
    imap_write_string(out, wd_str_c(o->name));
    wd_buf_c(out, " \"version\" ");
    imap_write_string(out, wd_str_c(o->version));
    wd_buf_c(out, " \"vendor\" ");
    imap_write_string(out, wd_str_c(o->vendor));
    wd_buf_c(out, ")\r\n");
    imap_send(cmd);
    return imap_ok(cmd, "ID completed");
}

enum imap_step
imap_cmd_starttls(struct imap_cmd *cmd)
{
    if (wd_conn_is_private(cmd->conn->net))
        return imap_answer(cmd, "NO", NULL, "TLS is active already");
    if (!wd_conn_listener(cmd->conn->net)->tls)
        return imap_answer(cmd, "NO", "UNAVAILABLE", "TLS is not available");
    cmd->then = IMAP_THEN_TLS;
    return imap_ok(cmd, "Begin TLS negotiation now");
}

enum imap_step
imap_cmd_enable(struct imap_cmd *cmd)
{
    struct imap_conn *c = cmd->conn;
    struct wd_buf *out = imap_out(cmd);
    bool condstore = false, utf8 = false;

    wd_buf_c(out, "* ENABLED");
    for (size_t i = 0; i < cmd->args.words.n; i++) {
        if (wd_str_ieq(cmd->args.words.p[i], WD_STR("CONDSTORE")) && !condstore) {
            condstore = true;
            wd_buf_c(out, " CONDSTORE");
        } else if (wd_str_ieq(cmd->args.words.p[i], WD_STR("UTF8=ACCEPT")) && !utf8) {
            utf8 = true;
            wd_buf_c(out, " UTF8=ACCEPT");
        }
    }
    wd_buf_c(out, "\r\n");
    imap_send(cmd);
    c->condstore |= condstore;
    c->utf8 |= utf8;
    return imap_ok(cmd, "ENABLE completed");
}

enum imap_step
imap_cmd_compress(struct imap_cmd *cmd)
{
    if (!wd_str_ieq(cmd->args.word, WD_STR("DEFLATE"))) {
        cmd->is_bad = true;
        return imap_answer(cmd, "BAD", "CANNOT", "Unknown compression");
    }
    if (cmd->conn->deflated)
        return imap_answer(cmd, "NO", "COMPRESSIONACTIVE", "DEFLATE is active already");
    cmd->then = IMAP_THEN_DEFLATE;
    return imap_ok(cmd, "DEFLATE active");
}

enum imap_step
imap_cmd_namespace(struct imap_cmd *cmd)
{
    wd_conn_write(cmd->conn->net, WD_STR("* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"));
    return imap_ok(cmd, "NAMESPACE completed");
}

enum imap_step
imap_cmd_idle(struct imap_cmd *cmd)
{
    struct imap_conn *c = cmd->conn;

    wd_conn_write(c->net, WD_STR("+ idling\r\n"));
    c->idle_since_ms = wd_mono_ms();
    c->state = IMAP_CONN_IDLE;
    if (c->view)
        imap_sync_start(c); /* a beacon that came while the mailbox was being opened found no view */
    return IMAP_WAIT;
}
