/* frontends/pop3/server.h – what the connections of one wd-pop3 share: the store, the options, the counters, drain.
 * Threads: everything belongs to the one loop. */
#ifndef WD_POP3_SERVER_H
#define WD_POP3_SERVER_H
#include "common/net/listener.h"
#include "common/rpc/client.h"

struct pop3_conn;

struct pop3_options {
    const char *name;                 /* in the greeting */
    const char *implementation;       /* in CAPA; NULL: not told */
    int idle_timeout_ms;              /* -ERR after so long without a byte in either direction */
    int call_timeout_ms;              /* how long the store may take for one call */
    const char *const *ignored_hosts; /* not logged; ends with NULL, or NULL */
};

/* Since the start, for /metrics. */
struct pop3_counters {
    uint64_t connections, logins, refused_logins, commands, bad_commands, messages, bytes, deleted, failed_updates,
        timeouts;
};

struct pop3_server {
    struct event_base *loop;
    struct wd_rpc_client *store;
    struct pop3_options options;
    struct pop3_counters counters;
    struct pop3_conn *conns; /* all that live, a list */
    size_t conn_count;
    bool draining;
};

/** For wd_listener_options.on_conn, with the server as data. */
void pop3_server_accept(void *server, struct wd_conn *net);
/** Says -ERR to connections that wait for a command, and to the others when theirs ends; over when conn_count is 0. */
void pop3_server_drain(struct pop3_server *s);
/** Ends all connections and calls now; before the client is freed. */
void pop3_server_close(struct pop3_server *s);
#endif
