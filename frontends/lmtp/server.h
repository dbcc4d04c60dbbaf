/* frontends/lmtp/server.h – what the connections of one wd-lmtp share: the store, the limits, the counters, drain.
 * Threads: everything belongs to the one loop. */
#ifndef WD_LMTP_SERVER_H
#define WD_LMTP_SERVER_H
#include "common/net/listener.h"
#include "common/rpc/client.h"
#include "frontends/lmtp/body.h"

struct lmtp_conn;

struct lmtp_options {
    const char *hostname;      /* in the greeting and LHLO */
    const char *banner;        /* text behind it */
    uint64_t max_bytes;        /* of a message; SIZE */
    size_t max_recipients;     /* per transaction; more get 452 */
    int idle_timeout_ms;       /* 421 after so long without a byte */
    int greet_delay_ms;        /* a peer that talks before the greeting gets 421; 0: greets at once */
    int call_timeout_ms;       /* how long the store may take for one call before 451 */
};

/* Since the start, for /metrics. */
struct lmtp_counters {
    uint64_t connections, messages, bytes, accepted, rejected, stored, failed, early_talkers, timeouts;
};

struct lmtp_server {
    struct event_base *loop;
    struct wd_rpc_client *store;
    struct lmtp_options options;
    struct lmtp_counters counters;
    struct lmtp_drops drops;
    struct lmtp_conn *conns; /* all that live, a list */
    size_t conn_count;
    bool draining;
};

/** For wd_listener_options.on_conn, with the server as data. */
void lmtp_server_accept(void *server, struct wd_conn *net);
/** Says 421 to connections without a transaction, and to the others when theirs ends; over when conn_count is 0. */
void lmtp_server_drain(struct lmtp_server *s);
/** Ends all connections and calls now; before the client is freed. */
void lmtp_server_close(struct lmtp_server *s);
#endif
