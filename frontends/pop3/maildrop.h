/* frontends/pop3/maildrop.h – the messages of one session: numbered at the login, marked until QUIT. */
#ifndef WD_POP3_MAILDROP_H
#define WD_POP3_MAILDROP_H
#include "common/base/error.h"
#include "common/base/id.h"
#include "common/mail/seqset.h"
#include "wd/v1/maildrop.pb-c.h"

struct pop3_message {
    uint64_t size;
    uint32_t uid;
    struct wd_id id;
    bool retrieved, deleted;
};

struct pop3_maildrop {
    char mailbox[WD_ID_HEX + 1];
    struct pop3_message *messages; /* number 1 first */
    size_t n;
    size_t left;     /* of them not marked as deleted, */
    uint64_t octets; /* and their bytes */
};

/** Takes the store's listing. *m is { 0 } or done. INTERNAL for one that makes no sense. */
bool pop3_maildrop_load(struct pop3_maildrop *m, const Wd__V1__OpenMaildropReply *reply, struct wd_error *err);
void pop3_maildrop_done(struct pop3_maildrop *m);
/** The message of a number; NULL: there is none. */
struct pop3_message *pop3_maildrop_at(const struct pop3_maildrop *m, uint32_t number);
void pop3_maildrop_delete(struct pop3_maildrop *m, struct pop3_message *message);
/** Takes the marks of deletion away; what was retrieved stays so. */
void pop3_maildrop_reset(struct pop3_maildrop *m);
/** What QUIT has to tell the store: UIDs that were retrieved and stay, and those that go. Both yours to
 *  wd_seqset_done(). */
void pop3_maildrop_changes(const struct pop3_maildrop *m, struct wd_seqset *seen, struct wd_seqset *remove);
#endif
