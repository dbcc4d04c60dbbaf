/* What the tests of delivery share, on top of users_fixture.h. */
#ifndef WD_TEST_DELIVERY_FIXTURE_H
#define WD_TEST_DELIVERY_FIXTURE_H
#include "store-svc/domain/append.h"
#include "store-svc/domain/deliver.h"
#include "tests/unit/store-svc/domain/users_fixture.h"

/** users_setup() with the shipped spam rules. */
void delivery_setup(void);
void delivery_teardown(void);

/** Delivers a message from "s@x" to recipients separated by blanks; the outcomes live in the arena. Asserts that the
 *  call succeeds. key: NULL for none. */
struct wd_delivered *deliver(const char *recipients, const char *message, const char *key);
struct wd_delivered *deliver_bytes(const char *recipients, struct wd_str message, const char *key);
/** Appends to a path; asserts. */
struct wd_appended append(struct wd_id user, const char *path, const char *message);

/** The only document of a collection that matches field == id; asserts. Yours to bson_destroy. */
bson_t *document(const char *coll, const char *field, struct wd_id id);
/** The bytes of a stored message; yours to wd_buf_done. */
struct wd_buf message_bytes(struct wd_id message);
/** A mailbox of a user. */
struct wd_id mailbox_of(struct wd_id user, const char *path);
int64_t user_number(struct wd_id user, const char *field);
/** {$set: json} on the documents with field == id. */
void change(const char *coll, const char *field, struct wd_id id, const char *json);
/** A message with an attachment of so many bytes, base64; yours to wd_buf_done. */
struct wd_buf message_with_attachment(const char *subject, size_t bytes, int copies);

/** From now on the first `times` wd_blobs_add() find that the body was collected just before. */
void lose_bodies(int times);

int run_tests(const char *name, void (*add)(TCase *t));
#endif
