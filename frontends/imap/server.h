/* frontends/imap/server.h – what the connections of one process share: options, the way to the store, who listens to
 * which user. Everything belongs to the loop's thread. */
#ifndef WD_IMAP_SERVER_H
#define WD_IMAP_SERVER_H
#include <event2/event.h>

#include "common/base/buf.h"
#include "common/rpc/client.h"
#include "common/rpc/events.h"

struct imap_conn;

struct imap_options {
    const char *name, *version, *vendor; /* greeting and ID */
    uint64_t append_max;                 /* bytes */
    bool compression, renames_leave_children;
    bool auto_expunge;   /* what is marked \Deleted is expunged in the background */
    int timeout_ms;      /* without traffic */
    int idle_timeout_ms; /* of one IDLE */
    int poll_ms;         /* every mailbox that is watched is asked for so often, beacons or not */
    const char *const *quotes; /* for LOGOUT; ends with NULL */
    const char *const *ignored_hosts; /* not logged; ends with NULL */
};

struct imap_server {
    struct event_base *loop;
    struct wd_rpc_client *rpc;
    struct wd_subscriber *events; /* NULL: polling only */
    const struct imap_options *options;
    struct wd_buf scratch;
    struct event *tick;
    int64_t started_ms;
    char instance[33];
    bool stopping;

    struct imap_conn *conns; /* all of them */
    size_t conns_n;
    struct imap_conn **users; /* hash table of those that are logged in */
    size_t users_size, users_n;

    struct imap_login *pending_logins; /* logins, renewals and releases under way */
    struct imap_autoexpunge *autoexpunges; /* under way */
    struct imap_poll *poll; /* under way, or NULL */
    uint32_t poll_topics;   /* to be asked for; all bits: everything */
    int64_t polled_ms;

    uint64_t logins, refused_logins, commands, bad_commands; /* for /metrics */
};

/** Fills in a server; loop, rpc, events and options are borrowed. Starts the tick. */
void imap_server_init(struct imap_server *s, struct event_base *loop, struct wd_rpc_client *rpc,
                      const struct imap_options *o);
/** Says BYE to every connection; they go as soon as their commands are done. */
void imap_server_stop(struct imap_server *s, const char *why);
/** Ends every connection now and frees what it owns. */
void imap_server_done(struct imap_server *s);

/** Callbacks of the subscriber; data is the server. */
void imap_server_beacon(void *data, const Wd__V1__Beacon *beacon);
void imap_server_gap(void *data, uint32_t topics);

/** The text behind "* CAPABILITY ", for this connection. */
void imap_capabilities(const struct imap_conn *c, struct wd_buf *out);
#endif
