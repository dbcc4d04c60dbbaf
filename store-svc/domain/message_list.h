/* store-svc/domain/message_list.h – messages as a web mail lists and reads them: documents by page and by UID, and the
 * addresses in them. Threads: any; every call blocks. */
#ifndef WD_STORE_DOMAIN_MESSAGE_LIST_H
#define WD_STORE_DOMAIN_MESSAGE_LIST_H
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/page.h"

struct wd_message_listing {
    struct wd_id user, mailbox;
    struct wd_page page;
    bool ascending, unseen; /* by internal date; unread ones only */
};

/** One page of a mailbox: *row is its own, each() gets documents without texts. MAILBOX_NOT_FOUND. */
bool wd_message_list(struct wd_domain *d, struct wd_arena *a, const struct wd_message_listing *in,
                     struct wd_mailbox *row, wd_page_row *each, void *data, struct wd_paged *out,
                     struct wd_error *err) WD_CHECKED;

/** One document with its texts; out is initialised and empty, yours either way. MESSAGE_NOT_FOUND, also when the
 *  mailbox is not this user's. */
bool wd_message_show(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_id mailbox, uint32_t uid,
                     bson_t *out, struct wd_error *err) WD_CHECKED;

/** How many messages of the user a conversation has. */
bool wd_message_thread_size(struct wd_docs *docs, struct wd_id user, struct wd_id thread, int64_t *out,
                            struct wd_error *err) WD_CHECKED;

/* An address for people: name decoded, domain in Unicode. */
struct wd_shown_address {
    struct wd_str name, address;
    bool is_group; /* then the `members` following entries belong to it */
    size_t members;
};

enum { WD_SHOWN_ADDRESSES = 1000 }; /* of one field; more are not shown */

/** The addresses of a field ("reply-to") of a message's document; strings live in the arena. A group stands before
 *  its members. */
struct wd_shown_address *wd_message_addresses(const bson_t *doc, const char *field, struct wd_arena *a, size_t *n);
/** From, else Sender, else the sender of the envelope; false when there is none. */
bool wd_message_from(const bson_t *doc, struct wd_arena *a, struct wd_shown_address *out);
#endif
