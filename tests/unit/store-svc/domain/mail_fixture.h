/* A user with mailboxes and messages on the embedded driver, whose calls can be made to fail. */
#ifndef WD_TEST_MAIL_FIXTURE_H
#define WD_TEST_MAIL_FIXTURE_H
#include "store-svc/domain/change.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/message.h"
#include "store-svc/driver/fault/fault.h"
#include "tests/unit/store-svc/domain/users_fixture.h"

extern struct wd_fault *fault;
extern struct wd_id user, inbox;

/** users_setup(), one user, caches. For tcase_add_checked_fixture(). */
void mail_setup(void);
void mail_teardown(void);

/* A message that is put into the database as it is. */
struct mail {
    const char *flags;   /* "\\Seen work" or NULL */
    const char *subject; /* NULL: "message" */
    const char *text;    /* words of the text index; NULL: none */
    int64_t size;        /* 0: 100 */
    int64_t idate_ms;    /* 0: 1000 */
    unsigned attachment; /* not 0: refers to the body of this number, `occurrences` times */
    unsigned occurrences;
    bool copied;
};

/** Adds a message with journal and quota; its UID. */
uint32_t mail_add(struct wd_id mailbox, const struct mail *m);
/** Adds n plain messages in one batch. */
/* Takes numbers as a change does: n new messages, or for 0 one MODSEQ. */
bool mail_take(struct wd_docs *batch, struct wd_id of_user, struct wd_id mailbox, uint32_t n, struct wd_change *out);
void mail_add_many(struct wd_id mailbox, uint32_t n, const struct mail *m);
/** The key of the body of a number; stores it when it is new. */
struct wd_blob_key mail_body(unsigned number);
/** References (c) and magic sum (m) of that body. */
void mail_refs(unsigned number, int64_t *c, int64_t *m);

struct wd_mailbox mail_box(const char *path);
struct wd_id mail_create(const char *path);
/** A set from "1:5,9"; freed with the test's arena. */
const struct wd_seqset *mail_set(const char *text);
/** A set as text, in the arena. */
const char *mail_text(const struct wd_seqset *set);
/** Documents that match an extended JSON filter. */
int64_t mail_count(const char *coll, const char *json);
/** The message document as extended JSON without _id, or NULL. In the arena. */
const char *mail_json(struct wd_id mailbox, uint32_t uid);
/** The flags of a message: "\\Seen work", in the arena. */
const char *mail_flags(struct wd_id mailbox, uint32_t uid);
int64_t mail_used(void);
/** Everything that is stored, as text, in the arena: to see whether a failed operation left anything. */
const char *mail_dump(void);
/** Checks that the mirrors of all messages agree with their flags. */
void mail_check_mirrors(void);
#endif
