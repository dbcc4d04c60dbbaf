/* store-svc/domain/mailbox.h – rows of `mailboxes`: finding them.
 * Everything here is filtered by user: another user's mailbox is simply not found.
 * Threads: any; every call blocks. WD_DATABASE as docs.h says. */
#ifndef WD_STORE_DOMAIN_MAILBOX_H
#define WD_STORE_DOMAIN_MAILBOX_H
#include "store-svc/domain/mark.h"

struct wd_mailbox {
    struct wd_id id, user;
    struct wd_str path, special_use; /* special_use is empty or "\\Sent" */
    uint32_t uid_validity, uid_next;
    uint64_t modify_index; /* HIGHESTMODSEQ; readers ask wd_change_settled() first */
    bool subscribed, hidden, encrypt;
    int64_t retention_ms;  /* 0: none */
    struct wd_str *flags;  /* keywords seen in it */
    size_t n_flags;
    struct wd_mark *marks; /* changes under way */
    size_t n_marks;
};

/** INBOX, Sent Mail, Trash, Drafts and Junk of a new user, in the batch that creates the user's row (of the main
 *  database). language: "de", "pt_BR"; English for what is not known. retention_ms: the user's default, 0: none. */
bool wd_mailbox_create_defaults(struct wd_docs *batch, struct wd_id user, struct wd_str language, int64_t retention_ms,
                                struct wd_error *err) WD_CHECKED;

/** Finds a mailbox; path in any spelling that wd_path_normal() takes. docs: the database or a batch. out's strings live
 *  in the arena; out is untouched unless *found. */
bool wd_mailbox_by_path(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_str path,
                        struct wd_mailbox *out, bool *found, struct wd_error *err) WD_CHECKED;
bool wd_mailbox_by_id(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_id mailbox,
                      struct wd_mailbox *out, bool *found, struct wd_error *err) WD_CHECKED;
/** special_use: "\\Junk". */
bool wd_mailbox_by_special_use(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_str special_use,
                               struct wd_mailbox *out, bool *found, struct wd_error *err) WD_CHECKED;
/** The same two with MAILBOX_NOT_FOUND for what is not there. */
bool wd_mailbox_need_path(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_str path,
                          struct wd_mailbox *out, struct wd_error *err) WD_CHECKED;
bool wd_mailbox_need_id(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_id mailbox,
                        struct wd_mailbox *out, struct wd_error *err) WD_CHECKED;
/** A row as it is read from the database. */
void wd_mailbox_read(const bson_t *row, struct wd_arena *a, struct wd_mailbox *out);

/** Adds keywords to the list that SELECT shows, while it has room (WD_MAILBOX_FLAGS with the five system flags). */
bool wd_mailbox_note_flags(struct wd_docs *batch, const struct wd_mailbox *mailbox, const struct wd_str *keywords,
                           size_t n, struct wd_error *err) WD_CHECKED;
enum { WD_MAILBOX_FLAGS = 100 };
#endif
