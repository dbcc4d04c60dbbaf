/* store-svc/domain/domain.h – what every mail rule works on: the ports, the limits, the keys. */
#ifndef WD_STORE_DOMAIN_H
#define WD_STORE_DOMAIN_H
#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/id.h"
#include "store-svc/port/blobs.h"
#include "store-svc/port/bus.h"
#include "store-svc/port/docs.h"

/* A header that sends a message to a mailbox (docs/storage.md, spam routing). */
struct wd_header_rule {
    const char *key;    /* header name, any case */
    const char *value;  /* extended regular expression, case ignored */
    const char *target; /* special use ("\\Junk") or mailbox path */
};

/* Read at start and not changed while a call runs. */
struct wd_domain_options {
    const char *email_domain;     /* of users whose username is no address; NULL: the host's name */
    uint64_t max_storage_bytes;   /* default quota: 1 GiB */
    uint64_t max_message_bytes;   /* hard stop of every door: 64 MiB */
    uint32_t max_mailboxes;       /* per user: 1,500 */
    uint32_t max_recipients, max_forwards; /* per 24 h: 2,000 */
    uint32_t receive_max, receive_max_ip;  /* messages per hour and user: 300; and ip: 100; 0: no limit */
    uint64_t imap_upload_bytes, imap_download_bytes; /* per 24 h: 10,240 MiB */
    uint32_t imap_max_connections;                   /* per user: 15; 0: no limit */
    uint64_t pop3_download_bytes;                    /* per 24 h: 10,240 MiB */
    uint32_t pop3_max_messages;                      /* of a listing: 250 */
    uint32_t auth_failures, auth_window_s;           /* 12 in 120 s */
    uint32_t auth_failures_ip, auth_window_ip_s;     /* 0 (off) in 300 s */
    uint32_t auth_cache_s;                           /* how long a checked password is remembered; 0: not */
    uint32_t pbkdf2_iterations;                      /* of new hashes: 100,000 */
    int64_t authlog_ms;                              /* rows live 30 days; 0: not kept */
    int64_t archive_ms;                              /* deleted messages stay 25 days */
    int64_t session_token_ms;                        /* 24 h */
    bool decode_base64;                              /* attachments.decodeBase64 */
    const struct wd_header_rule *header_rules;       /* ends with .key == NULL */
};

struct wd_domain {
    struct wd_docs *docs;  /* mailboxes, messages, journal, … */
    struct wd_docs *users; /* users, addresses, authlog, …; may be the same object */
    struct wd_blobs *blobs;
    struct wd_bus *bus;
    struct wd_domain_options options;
    uint8_t token_key[32]; /* shared by the replicas: signs service and session tokens */
    struct wd_auth_cache *auth_cache;
    struct wd_spam_rules *spam_rules; /* options.header_rules, compiled (spam.h); NULL: none */
    struct wd_view_cache *view_cache;   /* UID sets of mailboxes; NULL: none are kept */
    struct wd_settler *settler;         /* marks of settled changes; NULL: they are cleared at once */
    struct wd_open_cache *open_cache;   /* messages that are being read in ranges; NULL: none are kept */
    int64_t started_ms;
};

/** The shipped values of every option. */
void wd_domain_defaults(struct wd_domain_options *o);
#endif
