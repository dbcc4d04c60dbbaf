/* tests/unit/frontends/imap/fake_store.h – a store in this process that says what a test tells it to, and a whole
 * wd-imap on the same loop with clients that wait for text. */
#ifndef WD_TEST_IMAP_FAKE_STORE_H
#define WD_TEST_IMAP_FAKE_STORE_H
#include <pthread.h>

#include "common/mail/seqset.h"
#include "common/net/listener.h"
#include "common/rpc/server.h"
#include "frontends/imap/conn.h"

#define FAKE_USER    "0123456789abcdef01234567"
#define FAKE_MAILBOX "aaaaaaaaaaaaaaaaaaaaaaaa"

enum { FAKE_CHANGES_MAX = 16 };

struct fake_change {
    int kind; /* of MailboxChange */
    uint64_t modseq;
    uint32_t uid, flags;
    bool own; /* marked with the asking session's id */
};

/* Written by the store's workers and by the test under the mutex. One mailbox, INBOX, for the user "joe", "pw". */
struct fake_store {
    pthread_mutex_t mutex;
    struct wd_seqset uids;
    uint64_t modseq;
    struct fake_change changes[FAKE_CHANGES_MAX];
    size_t changes_n;
    bool expired;           /* the next Changes fails with CURSOR_EXPIRED */
    bool gone;              /* the mailbox was deleted */
    bool page_of_one;       /* Fetch gives one message per page */
    uint32_t long_uid;      /* its body comes by ReadBody */
    uint64_t long_size, fail_at; /* ReadBody fails from this offset on; 0: never */
    uint32_t vanished_uid;  /* ReadBody says MESSAGE_NOT_FOUND */
    unsigned logins, releases, changes_calls, uploads, upload_bytes;
    bool short_tokens;      /* good for a second */
    bool no_renewals;
    unsigned renewals;
    bool hold_login;        /* Authenticate waits until it is false */
    bool hold_expunge;      /* and Expunge */
    unsigned expunges, own_expunges; /* own: with the session id of the last Store */
    char storing[64];       /* that session id */
    pthread_cond_t changed;
    struct wd_buf appended; /* the last message, or what was uploaded */
    char appended_path[64];
};

struct fake {
    struct fake_store *store;
    struct wd_rpc_server *rpc_server;
    struct event_base *loop;
    struct wd_rpc_client *rpc;
    struct imap_options options;
    struct imap_server imap;
    struct wd_listener_options listen;
    struct wd_listener *listener;
    char dir[64], url[128];
};

struct fake_client {
    struct fake *fake;
    int fd;
    struct wd_buf got; /* what came and was not heard yet; ends with a NUL that is not counted */
    bool closed;
};

void fake_open(struct fake *f);
void fake_close(struct fake *f);
/** The store, locked until fake_unlock(). */
struct fake_store *fake_lock(struct fake *f);
void fake_unlock(struct fake *f);
/** A row of the journal that takes the next MODSEQ. */
void fake_change(struct fake *f, int kind, uint32_t uid, uint32_t flags, bool own);
/** As a publisher would. */
void fake_beacon(struct fake *f);
/** Runs the loop until *condition(f) or the deadline. */
void fake_until(struct fake *f, bool (*condition)(struct fake *f));

void client_open(struct fake_client *c, struct fake *f);
void client_close(struct fake_client *c);
void client_say(struct fake_client *c, const char *text);
/** Waits for text that ends with `end`; what came is in c->got afterwards, until the next client_say(). */
void client_hear(struct fake_client *c, const char *end);
/** Waits until the server closes. */
void client_hear_end(struct fake_client *c);
/** say, then hear the tagged OK of tag "t". */
void client_do(struct fake_client *c, const char *command);
/** Logs in and selects INBOX. */
void client_select(struct fake_client *c, struct fake *f);
#endif
