/* common/daemon/listen.h – the listeners of a protocol of lines, as the options say: one of the daemon's section, and
 * one for each row of its "interface". */
#ifndef WD_DAEMON_LISTEN_H
#define WD_DAEMON_LISTEN_H
#include "common/daemon/daemon.h"
#include "common/net/listener.h"

enum { WD_DAEMON_LISTENERS_MAX = 16 };

/* What the protocol knows of them and the options do not. */
struct wd_daemon_protocol {
    bool logins;                 /* the section has ignoreSTARTTLS and the array of tables "interface" */
    const char *max_connections; /* name of the key for open connections */
    const char *refusal, *proxy_refusal; /* as in struct wd_listener_options */
    void (*on_conn)(void *data, struct wd_conn *c);
    void *data;
};

/* Must stay where it is until wd_daemon_unlisten(). */
struct wd_daemon_listeners {
    struct wd_listener_options options[WD_DAEMON_LISTENERS_MAX];
    struct wd_listener *all[WD_DAEMON_LISTENERS_MAX];
    size_t n;
};

/** Listens, and writes the first one's port to the section's portFile. Reads the section's host, port, portFile,
 *  secure, secured, disableSTARTTLS, useProxy, maxConnectionsPerIP. On failure the caller still calls
 *  wd_daemon_unlisten(). WD_INVALID, WD_UNAVAILABLE. */
bool wd_daemon_listen(struct wd_daemon *d, const struct wd_daemon_protocol *p, struct wd_daemon_listeners *out,
                      struct wd_error *err);
/** Stops accepting; connections stay. */
void wd_daemon_stop_listening(struct wd_daemon_listeners *l);
/** After the last connection. */
void wd_daemon_unlisten(struct wd_daemon_listeners *l);
#endif
