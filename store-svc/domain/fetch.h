/* store-svc/domain/fetch.h – FETCH: what messages look like, in pages; and reading bodies in ranges. */
#ifndef WD_STORE_DOMAIN_FETCH_H
#define WD_STORE_DOMAIN_FETCH_H
#include "store-svc/domain/body.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/message.h"
#include "store-svc/domain/meter.h"
#include "store-svc/mime/structure.h"

enum {
    WD_FETCH_PAGE_BYTES = 900 * 1024,
    WD_FETCH_PAGE_MESSAGES = 16000,
    WD_FETCH_SECTIONS = 100,
    WD_READ_MAX = 1024 * 1024, /* bytes of one ReadBody */
};

/* A section, or a part of it. */
struct wd_section_range {
    struct wd_section section;
    uint64_t offset;
    uint64_t length; /* UINT64_MAX: to the end */
};

struct wd_fetch {
    struct wd_id user, mailbox;
    const struct wd_seqset *uids;
    bool envelope, body_structure;
    const struct wd_section_range *sections;
    size_t n_sections;
    bool has_changed_since;
    uint64_t changed_since;
    uint32_t inline_limit; /* longer sections: only their size */
    bool set_seen;         /* adds \Seen to what is returned */
    enum wd_meter meter;   /* which download limit of the user it counts against */
    uint32_t from;         /* UID to start at: *next of the page before; 0: from the start */
    struct wd_str session;
};

struct wd_fetched_section {
    bool found;      /* there is such a part */
    uint64_t size;   /* of the range */
    bool has_data;
    struct wd_str data;
};

struct wd_fetched {
    struct wd_message head;
    bool has_envelope;
    struct wd_envelope envelope;
    struct wd_body_structure structure;
    struct wd_fetched_section *sections; /* in the order of the request */
};

/**
 * One page: messages in the order of their UIDs until the page is full; *next is where the next one starts, 0 at the
 * end. Everything lives in the arena. With set_seen, all of the page that lacked \Seen get it in one batch with one
 * MODSEQ, and the heads show it. MAILBOX_NOT_FOUND, DOWNLOAD_LIMIT, INVALID.
 */
bool wd_fetch(struct wd_domain *d, struct wd_arena *a, const struct wd_fetch *in, struct wd_fetched **out, size_t *n,
              uint32_t *next, struct wd_error *err) WD_CHECKED;

struct wd_read_body {
    struct wd_id user, mailbox;
    uint32_t uid;
    struct wd_section_range range;
    enum wd_meter meter; /* of POP3: asked at the start of the section only, so that no answer ends half way */
};

/** Appends at most WD_READ_MAX bytes of a range of a section; *size is that of the whole section. MAILBOX_NOT_FOUND,
 *  MESSAGE_NOT_FOUND (also: no such part), DOWNLOAD_LIMIT. */
bool wd_read_body(struct wd_domain *d, struct wd_arena *a, const struct wd_read_body *in, struct wd_buf *out,
                  uint64_t *size, struct wd_error *err) WD_CHECKED;
#endif
