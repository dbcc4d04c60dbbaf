/* tests/unit/common/rpc/testing.h – a small store in this process, and a client with its loop. */
#ifndef WD_TEST_RPC_TESTING_H
#define WD_TEST_RPC_TESTING_H
#include <check.h>
#include <pthread.h>
#include <stdio.h>

#include "common/rpc/client.h"
#include "common/rpc/server.h"
#include "wd/v1/admin.pb-c.h"
#include "wd/v1/mailboxes.pb-c.h"

/* A temporary directory for sockets; removed by testing_done(). */
extern char testing_dir[64];
extern bool testing_leaves_handlers; /* set by a test that stops a server whose handler does not return */
void testing_init(void);
void testing_done(void);
/** "ipc://<dir>/<name>" in a buffer that is used again after 8 calls. */
const char *testing_url(const char *name);

/*
 * The store: Admin.Health and some of Mailboxes.
 *   Health   answers with version = `name` of the store
 *   Status   waits until gate is open; path says what to do:
 *            "fail"      MAILBOX_NOT_FOUND
 *            "nothing"   neither replies nor fails
 *            "twice"     replies twice
 *            "busy"      OVERLOADED
 *            "busy-once" OVERLOADED the first time
 *            "wait"      waits for the gate
 *   List     replies with more than a message may hold
 */
struct testing_store {
    Wd__V1__Admin_Service admin;         /* first */
    Wd__V1__Mailboxes_Service mailboxes;
    struct wd_rpc_server *server;
    const char *name;
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    bool open;
    unsigned waiting, executed, busy;
    char keys[8][65]; /* idempotency keys seen, the first eight */
    unsigned key_count;
};

/** Starts it on the URL with the given options (services are filled in); NULL: defaults. */
void testing_store_start(struct testing_store *s, const char *name, const char *url,
                         const struct wd_rpc_server_options *o);
void testing_store_open_gate(struct testing_store *s);
unsigned testing_store_executed(struct testing_store *s);
void testing_store_stop(struct testing_store *s);

/* A client and its loop. */
struct testing_client {
    struct event_base *loop;
    struct wd_rpc_client *rpc;
};
void testing_client_open(struct testing_client *c, const struct wd_rpc_client_options *o);
/** One URL and defaults. */
void testing_client_to(struct testing_client *c, const char *url);
/** Runs the loop until n handlers of the store wait at its gate. */
void testing_await_waiting(struct testing_client *c, struct testing_store *s, unsigned n);
/** Runs the loop for some time, less than a second. */
void testing_client_idle(struct testing_client *c, int ms);
void testing_client_close(struct testing_client *c);

/* One call that is waited for. */
struct testing_call {
    struct wd_arena *arena;
    struct wd_error err;
    struct wd_rpc_call *call;
    bool done;
    const ProtobufCMessage *reply;
    unsigned *left;  /* decremented, if set */
    const char *key; /* idempotency key, if set */
};
/** Starts Mailboxes.Status of the path. */
void testing_status(struct testing_client *c, struct testing_call *call, const char *path, int timeout_ms);
/** Starts Admin.Health. */
void testing_health(struct testing_client *c, struct testing_call *call, int timeout_ms);
/** Runs the loop until it is done. */
void testing_await(struct testing_client *c, struct testing_call *call);
void testing_call_done(struct testing_call *call);
/** Status, waited for: did a reply come? */
bool testing_ask(struct testing_client *c, struct testing_call *call, const char *path, int timeout_ms);

/** The end of a test: the call, the client and the stores (`stores` ends with NULL), as far as they were begun. */
void testing_end(struct testing_call *call, struct testing_client *c, struct testing_store *const *stores);
#endif
