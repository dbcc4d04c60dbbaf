#include "common/daemon/listen.h"

#include <stdio.h>
#include <strings.h>

#include "common/daemon/daemon_priv.h"
#include "common/log/log.h"

/* What all listeners have in common. */
static struct wd_listener_options
common_options(const struct wd_daemon *d, const struct wd_daemon_protocol *p)
{
    char key[DAEMON_KEY_MAX];
    size_t proxies;
    const char *const *list = wd_config_list(d->config, daemon_own_key(d, "useProxy", key), &proxies);

    return (struct wd_listener_options){
        .proxies = proxies ? list : NULL,
        .max_connections = (int)wd_daemon_int(d, p->max_connections),
        .max_per_ip = (int)wd_daemon_int(d, "maxConnectionsPerIP"),
        .tls = d->tls,
        .refusal = p->refusal,
        .proxy_refusal = p->proxy_refusal,
        .on_conn = p->on_conn,
        .data = p->data,
    };
}

static bool
write_port(const struct wd_daemon *d, const struct wd_daemon_listeners *l, struct wd_error *err)
{
    const char *file = wd_daemon_string(d, "portFile");
    FILE *f;

    if (!file)
        return true;
    f = fopen(file, "we");
    if (!f)
        return wd_fail(err, WD_INVALID, "%s.portFile %s: %m", d->spec->section, file);
    fprintf(f, "%d\n", wd_listener_port(l->all[0]));
    return fclose(f) == 0 || wd_fail(err, WD_INVALID, "%s.portFile %s: %m", d->spec->section, file);
}

static bool
add(struct wd_daemon *d, struct wd_daemon_listeners *l, const struct wd_listener_options *options,
    struct wd_error *err)
{
    struct wd_listener_options *o = &l->options[l->n];
    struct wd_listener *made;

    *o = *options;
    made = wd_listener_new(d->loop, o, err);
    if (!made)
        return false;
    l->all[l->n++] = made;
    wd_log(WD_LOG_INFO, "listening", WD_KV("host", o->host), WD_KV_INT("port", wd_listener_port(made)),
           WD_KV_BOOL("tls", o->secure));
    return true;
}

static bool
row_bool(const struct wd_config *c, const char *interface, size_t row, const char *field)
{
    const char *value = wd_config_row_string(c, interface, row, field);

    return value && strcasecmp(value, "true") == 0;
}

static bool
fill_row(const struct wd_daemon *d, const char *interface, size_t row, struct wd_listener_options *o,
         struct wd_error *err)
{
    const char *port = wd_config_row_string(d->config, interface, row, "port");
    const char *host = wd_config_row_string(d->config, interface, row, "host");
    uint32_t number;

    if (!port || !wd_str_u32(wd_str_c(port), 65535, &number))
        return wd_fail(err, WD_INVALID, "%s: port is missing or wrong", interface);
    o->host = host ? host : wd_daemon_string(d, "host");
    o->port = (int)number;
    o->secure = row_bool(d->config, interface, row, "secure");
    o->secured = row_bool(d->config, interface, row, "secured");
    o->hide_starttls = row_bool(d->config, interface, row, "disableSTARTTLS");
    o->ignore_starttls = row_bool(d->config, interface, row, "ignoreSTARTTLS");
    if (o->secure && !o->tls)
        return wd_fail(err, WD_INVALID, "%s: secure needs a certificate: set tls.cert", interface);
    return true;
}

static bool
add_interfaces(struct wd_daemon *d, const struct wd_daemon_protocol *p, struct wd_daemon_listeners *out,
               struct wd_error *err)
{
    char key[DAEMON_KEY_MAX];
    const char *interface = daemon_own_key(d, "interface", key);
    size_t rows = wd_config_rows(d->config, interface);

    for (size_t row = 0; row < rows; row++) {
        struct wd_listener_options o = common_options(d, p);
        if (!row_bool(d->config, interface, row, "enabled"))
            continue;
        if (out->n == WD_DAEMON_LISTENERS_MAX)
            return wd_fail(err, WD_INVALID, "%s: at most %d", interface, WD_DAEMON_LISTENERS_MAX - 1);
        if (!fill_row(d, interface, row, &o, err) || !add(d, out, &o, err))
            return false;
    }
    return true;
}

bool
wd_daemon_listen(struct wd_daemon *d, const struct wd_daemon_protocol *p, struct wd_daemon_listeners *out,
                 struct wd_error *err)
{
    struct wd_listener_options o = common_options(d, p);

    out->n = 0;
    o.host = wd_daemon_string(d, "host");
    o.port = (int)wd_daemon_int(d, "port");
    o.secured = wd_daemon_bool(d, "secured");
    o.secure = wd_daemon_bool(d, "secure") && !o.secured;
    o.hide_starttls = wd_daemon_bool(d, "disableSTARTTLS");
    o.ignore_starttls = p->logins && wd_daemon_bool(d, "ignoreSTARTTLS");
    return add(d, out, &o, err) && (!p->logins || add_interfaces(d, p, out, err)) && write_port(d, out, err);
}

void
wd_daemon_stop_listening(struct wd_daemon_listeners *l)
{
    for (size_t i = 0; i < l->n; i++)
        wd_listener_stop(l->all[i]);
}

void
wd_daemon_unlisten(struct wd_daemon_listeners *l)
{
    for (size_t i = 0; i < l->n; i++)
        wd_listener_free(l->all[i]);
    l->n = 0;
}
