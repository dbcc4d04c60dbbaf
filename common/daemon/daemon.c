#include "common/daemon/daemon.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/admin/admin.h"
#include "common/admin/notify.h"
#include "common/admin/privileges.h"
#include "common/admin/signals.h"
#include "common/daemon/daemon_priv.h"
#include "common/log/log.h"

enum { DRAIN_GRACE_S = 10, DRAIN_LOOK_MS = 20 };

/* clang-format off */
const struct wd_config_key wd_daemon_keys[] = {
    { "store.",          WD_CONFIG_STRING, NULL,      0, 0, "other keys are wd-store's" },
    { "store.url",       WD_CONFIG_LIST,   "ipc:///run/wd/store.ipc",  0, 0, "where wd-store's replicas listen" },
    { "store.events",    WD_CONFIG_LIST,   "ipc:///run/wd/events.ipc", 0, 0, "where they publish changes" },
    { "store.tokenFile", WD_CONFIG_STRING, NULL,      0, 0, "file with this daemon's service token" },
    { "store.tls.ca",    WD_CONFIG_STRING, NULL,      0, 0, "tls+tcp: who signs the stores' certificates (PEM)" },
    { "store.tls.cert",  WD_CONFIG_STRING, NULL,      0, 0, "tls+tcp: our certificate and its key (PEM)" },
    { "store.tls.serverName", WD_CONFIG_STRING, NULL, 0, 0, "tls+tcp: name in the stores' certificates" },
    { "log.level",       WD_CONFIG_STRING, "info",    0, 0, "debug, info, warn or error" },
    { "log.format",      WD_CONFIG_STRING, "logfmt",  0, 0, "logfmt or json" },
    { "tls.cert",        WD_CONFIG_STRING, NULL,      0, 0, "certificate chain (PEM)" },
    { "tls.key",         WD_CONFIG_STRING, NULL,      0, 0, "its key (PEM); unset: in the same file" },
    { "tls.minVersion",  WD_CONFIG_STRING, "TLSv1.2", 0, 0, "TLSv1.2 or TLSv1.3" },
    { "tls.ciphers",     WD_CONFIG_STRING, NULL,      0, 0, "OpenSSL's cipher list; unset: its default" },
    { "user",            WD_CONFIG_STRING, NULL,      0, 0, "become this user once the ports are bound" },
    { "group",           WD_CONFIG_STRING, NULL,      0, 0, "and this group" },
    { 0 },
};
/* clang-format on */

const char *
daemon_own_key(const struct wd_daemon *d, const char *name, char to[DAEMON_KEY_MAX])
{
    snprintf(to, DAEMON_KEY_MAX, "%s.%s", d->spec->section, name);
    return to;
}

const char *
wd_daemon_string(const struct wd_daemon *d, const char *name)
{
    char key[DAEMON_KEY_MAX];

    return wd_config_string(d->config, daemon_own_key(d, name, key));
}

long long
wd_daemon_int(const struct wd_daemon *d, const char *name)
{
    char key[DAEMON_KEY_MAX];

    return wd_config_int(d->config, daemon_own_key(d, name, key));
}

bool
wd_daemon_bool(const struct wd_daemon *d, const char *name)
{
    char key[DAEMON_KEY_MAX];

    return wd_config_bool(d->config, daemon_own_key(d, name, key));
}

static bool
start_log(const struct wd_daemon *d, struct wd_error *err)
{
    struct wd_log_options o = { .program = d->spec->program };
    struct wd_str format = wd_str_c(wd_config_string(d->config, "log.format"));

    if (!wd_log_level_named(wd_str_c(wd_config_string(d->config, "log.level")), &o.level))
        return wd_fail(err, WD_INVALID, "log.level must be debug, info, warn or error");
    if (!wd_str_eq(format, WD_STR("logfmt")) && !wd_str_eq(format, WD_STR("json")))
        return wd_fail(err, WD_INVALID, "log.format must be logfmt or json");
    o.format = wd_str_eq(format, WD_STR("json")) ? WD_LOG_JSON : WD_LOG_LOGFMT;
    wd_log_init(&o);
    return true;
}

static bool
start_tls(struct wd_daemon *d, struct wd_error *err)
{
    const char *own = wd_daemon_string(d, "tls.cert");
    struct wd_tls_options o = {
        .certificate_file = own ? own : wd_config_string(d->config, "tls.cert"),
        .key_file = own ? wd_daemon_string(d, "tls.key") : wd_config_string(d->config, "tls.key"),
        .min_version = wd_config_string(d->config, "tls.minVersion"),
        .ciphers = wd_config_string(d->config, "tls.ciphers"),
    };

    if (!o.certificate_file && !wd_daemon_bool(d, "secure"))
        return true; /* and STARTTLS is not offered */
    if (!o.certificate_file)
        return wd_fail(err, WD_INVALID, "%s.secure needs a certificate: set tls.cert", d->spec->section);
    d->tls = wd_tls_new(&o, err);
    return d->tls != NULL;
}

static bool
start_store(struct wd_daemon *d, struct wd_error *err)
{
    const char *file = wd_config_string(d->config, "store.tokenFile");
    char *token = NULL;
    struct wd_rpc_client_options o = {
        .urls = wd_config_list(d->config, "store.url", NULL),
        .tls = { wd_config_string(d->config, "store.tls.ca"), wd_config_string(d->config, "store.tls.cert"),
                 wd_config_string(d->config, "store.tls.serverName") },
    };

    if (file && !wd_daemon_read_token(file, &token, err))
        return false;
    o.service_token = token;
    d->store = wd_rpc_client_new(d->loop, &o, err);
    free(token);
    return d->store != NULL;
}

static bool
is_ready(void *data, struct wd_error *why)
{
    struct wd_daemon *d = data;

    if (d->draining)
        return wd_fail(why, WD_UNAVAILABLE, "draining");
    return wd_rpc_client_connected(d->store, NULL) > 0 || wd_fail(why, WD_UNAVAILABLE, "no store is connected");
}

static bool
start_admin(struct wd_daemon *d, struct wd_admin **admin, struct wd_error *err)
{
    struct wd_admin_options o = {
        .port = (int)wd_daemon_int(d, "adminPort"), .metrics = d->metrics, .ready = is_ready, .data = d
    };

    if (o.port == 0)
        return true;
    *admin = wd_admin_new(d->loop, &o, err);
    return *admin != NULL;
}

static void
grace_is_over(evutil_socket_t fd, short what, void *data)
{
    struct wd_daemon *d = data;

    (void)fd, (void)what;
    event_base_loopbreak(d->loop);
}

static void
look(evutil_socket_t fd, short what, void *data)
{
    struct wd_daemon *d = data;

    (void)fd, (void)what;
    if (d->spec->drained(d))
        event_base_loopbreak(d->loop);
}

static void
on_stop(void *data)
{
    struct wd_daemon *d = data;
    struct timeval grace = { .tv_sec = DRAIN_GRACE_S }, often = { .tv_usec = DRAIN_LOOK_MS * 1000 };

    if (d->draining) { /* somebody is in a hurry */
        event_base_loopbreak(d->loop);
        return;
    }
    d->draining = true;
    wd_notify_stopping();
    wd_log(WD_LOG_INFO, "stopping", WD_KV_NONE);
    evtimer_add(d->last_call, &grace);
    event_add(d->look, &often);
    d->spec->drain(d);
}

static void
on_reload(void *data)
{
    struct wd_daemon *d = data;
    struct wd_error err;

    wd_notify_reloading();
    if (d->tls && !wd_tls_reload(d->tls, &err))
        wd_log_error(WD_LOG_ERROR, "the old certificates stay in force", &err, WD_KV_NONE);
    else
        wd_log(WD_LOG_INFO, "certificates are loaded again", WD_KV_NONE);
    wd_notify_ready();
}

static bool
run(struct wd_daemon *d, struct wd_error *err)
{
    static const struct wd_signals_calls calls = { on_stop, on_reload };
    struct wd_admin *admin = NULL;
    struct wd_signals *signals = wd_signals_new(d->loop, &calls, d);
    bool ok = start_tls(d, err) && start_store(d, err) && d->spec->start(d, err) && start_admin(d, &admin, err) &&
              wd_privileges_drop(wd_config_string(d->config, "user"), wd_config_string(d->config, "group"), err);

    if (ok) {
        wd_notify_ready();
        event_base_dispatch(d->loop);
    }
    if (d->app)
        d->spec->finish(d);
    wd_admin_free(admin);
    wd_rpc_client_free(d->store);
    wd_tls_free(d->tls);
    wd_signals_free(signals);
    return ok;
}

static bool
run_configured(struct wd_daemon *d, const struct wd_cli *cli, struct wd_error *err)
{
    bool ok;

    if (cli->print_config)
        wd_config_print(d->config, stdout);
    if (!start_log(d, err))
        return false;
    if (cli->print_config || cli->check_only)
        return true;
    wd_files_raise();
    d->loop = event_base_new();
    d->metrics = wd_metrics_new();
    d->last_call = evtimer_new(d->loop, grace_is_over, d);
    d->look = event_new(d->loop, -1, EV_PERSIST, look, d);
    ok = run(d, err);
    event_free(d->look);
    event_free(d->last_call);
    wd_metrics_free(d->metrics);
    event_base_free(d->loop);
    return ok;
}

int
wd_daemon_main(int argc, char **argv, const struct wd_daemon_spec *spec)
{
    const struct wd_config_key *const tables[] = { spec->keys, wd_daemon_keys, NULL };
    struct wd_daemon d = { .spec = spec };
    struct wd_cli cli = { 0 };
    struct wd_error err;
    bool ok;

    ok = wd_cli_parse(argc, argv, spec->program, tables, &cli, &err);
    if (ok)
        ok = (d.config = wd_config_load(tables, &cli.sources, &err)) != NULL;
    if (ok)
        ok = run_configured(&d, &cli, &err);
    if (!ok)
        fprintf(stderr, "%s: %s\n", spec->program, err.text);
    wd_config_free(d.config);
    wd_cli_done(&cli);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
