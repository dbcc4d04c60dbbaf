/* wd-client.h – a small synchronous client of wd-store for programs in C, over ipc://, tcp:// (loopback), tls+tcp://.
 *
 * Build with `pkg-config --cflags --libs wdclient`. Every function returns false when it fails and then fills *err;
 * outputs are written on success only. A client may be used by one thread at a time. The library starts threads: it
 * must not be used in a process that was forked after its first use without exec.
 */
#ifndef WD_CLIENT_H
#define WD_CLIENT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wd_client;

struct wd_client_error {
    unsigned reason;  /* the number of a reason; docs/errors.md has the list */
    const char *name; /* "MAILBOX_NOT_FOUND"; never freed */
    char text[160];   /* for people */
};

struct wd_client_options {
    const char *const *urls;   /* replicas; ends with NULL */
    const char *service_token; /* who you are: `wd-store --token ROLE` makes one */
    int timeout_ms;            /* of each call; 0: 30,000 */
    /* For tls+tcp://, PEM files: who signed the store's certificate; yours with its key in one file; the name in the
     * store's certificate (NULL: the host of the URL). */
    const char *ca_file, *certificate_file, *server_name;
};

/** Connects in the background: the first call waits until its timeout. All strings are copied. */
bool wd_client_open(struct wd_client **out, const struct wd_client_options *options, struct wd_client_error *err);
/** NULL is fine. */
void wd_client_close(struct wd_client *client);

/* ---- any method, with your own protobuf code ---- */

struct wd_client_call {
    const char *method;        /* "wd.v1.Users.Get" */
    const char *session_token; /* NULL: none */
    const char *key;           /* idempotency key, at most 64 characters; NULL: one is made */
    const void *request;       /* the packed request message */
    size_t request_bytes;
};

/** *reply is the packed reply message, to be freed with wd_client_free(). Lost connections and busy replicas are
 *  retried with the same key until the timeout. */
bool wd_client_call(struct wd_client *client, const struct wd_client_call *call, void **reply, size_t *reply_bytes,
                    struct wd_client_error *err);
/** NULL is fine. */
void wd_client_free(void *reply);

/* ---- frequent calls ---- */

struct wd_client_session {
    char user[25];       /* id, 24 hexadecimal digits */
    char token[1025];    /* for calls about the user's mail */
    int64_t expires_ms;  /* since 1970 */
};

/** Checks a password for a scope ("imap", "pop3", "smtp", "master"). Reason AUTH_FAILED when it is wrong. */
bool wd_client_authenticate(struct wd_client *client, const char *username, const char *password, const char *scope,
                            struct wd_client_session *out, struct wd_client_error *err);

struct wd_client_delivery {
    const char *sender; /* "" for a bounce */
    const char *const *recipients;
    size_t recipient_count;
    const void *message; /* RFC 5322, lines end with CRLF; any size that the store accepts */
    size_t message_bytes;
};

struct wd_client_outcome {
    bool accepted;
    unsigned reason; /* when not accepted */
    char text[160];
    char message[25]; /* id of the stored message */
    uint32_t uid;
};

/** Delivers to all recipients; `outcomes` has room for recipient_count rows. True when every recipient has an outcome,
 *  which may be a refusal. */
bool wd_client_deliver(struct wd_client *client, const struct wd_client_delivery *delivery,
                       struct wd_client_outcome *outcomes, struct wd_client_error *err);

struct wd_client_mailbox {
    const char *id;
    const char *path; /* UTF-8, path_bytes long, and a NUL */
    size_t path_bytes;
    uint32_t uid_validity, uid_next, messages, unseen;
    bool subscribed;
};

/** Calls each() for every mailbox until it returns false. What it gets is valid during the call. */
bool wd_client_list_mailboxes(struct wd_client *client, const char *session_token,
                              bool (*each)(void *data, const struct wd_client_mailbox *mailbox), void *data,
                              struct wd_client_error *err);

/** Calls chunk() with the bytes of a message, in order, until it returns false. */
bool wd_client_read_message(struct wd_client *client, const char *session_token, const char *mailbox_id, uint32_t uid,
                            bool (*chunk)(void *data, const void *bytes, size_t n), void *data,
                            struct wd_client_error *err);

#ifdef __cplusplus
}
#endif
#endif
