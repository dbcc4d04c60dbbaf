/* common/daemon/daemon.h – what every front end does around its own work: options, log, the store's client, TLS, the
 * admin port, signals, an orderly end. A front end's main.c is a struct wd_daemon_spec and one call. */
#ifndef WD_DAEMON_DAEMON_H
#define WD_DAEMON_DAEMON_H
#include <event2/event.h>

#include "common/admin/metrics.h"
#include "common/config/config.h"
#include "common/net/tls.h"
#include "common/rpc/client.h"

struct wd_daemon;

struct wd_daemon_spec {
    const char *program; /* "wd-http" */
    const char *section; /* of the configuration: "api"; its keys secure, adminPort, tls.cert, tls.key are read here */
    const struct wd_config_key *keys;
    /* Makes the listeners; d->app is for it to set. On the loop's thread, before the loop runs. */
    bool (*start)(struct wd_daemon *d, struct wd_error *err);
    /* Stops accepting and ends what can be ended. */
    void (*drain)(struct wd_daemon *d);
    /* Is nothing left? Asked from time to time after drain. */
    bool (*drained)(const struct wd_daemon *d);
    /* Frees d->app. The store's client is still there. */
    void (*finish)(struct wd_daemon *d);
};

struct wd_daemon {
    const struct wd_daemon_spec *spec;
    struct event_base *loop;
    struct wd_config *config;
    struct wd_rpc_client *store;
    struct wd_tls *tls; /* NULL without a certificate */
    struct wd_metrics *metrics;
    void *app;
    /* private: */
    struct event *last_call; /* the end of the grace after drain */
    struct event *look;      /* while draining: is anything left? */
    bool draining;
};

/** Keys that every front end has: store.*, log.*, tls.*, user, group. Ends with .name == NULL. */
extern const struct wd_config_key wd_daemon_keys[];

/** The value of "<section>.<name>" of the daemon's own section. */
const char *wd_daemon_string(const struct wd_daemon *d, const char *name);
long long wd_daemon_int(const struct wd_daemon *d, const char *name);
bool wd_daemon_bool(const struct wd_daemon *d, const char *name);

/** Runs until SIGTERM or SIGINT; what main() returns. A second signal ends the grace. */
int wd_daemon_main(int argc, char **argv, const struct wd_daemon_spec *spec);

/** The first line of a file, without its end, of at most 4,096 bytes: a token. Yours to free. */
bool wd_daemon_read_token(const char *file, char **token, struct wd_error *err);
#endif
