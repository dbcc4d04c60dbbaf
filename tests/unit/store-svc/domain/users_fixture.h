/* A domain on the embedded driver in a directory of its own, for the tests of accounts. */
#ifndef WD_TEST_USERS_FIXTURE_H
#define WD_TEST_USERS_FIXTURE_H
#include <check.h>
#include <stdlib.h>

#include "store-svc/domain/address.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/user.h"

extern struct wd_domain domain;
extern struct wd_arena *arena;
extern struct wd_error err;
extern const struct wd_once no_once;

/** For tcase_add_checked_fixture(). */
void users_setup(void);
void users_teardown(void);

/** An account with the password "secret"; asserts. */
/* "embedded", or "mongo" when WD_TEST_DRIVER says so. */
const char *users_driver(void);
struct wd_id users_make(const char *username, const char *address);
/** Its document; asserts that it is there. Yours to bson_destroy. */
bson_t *users_doc(struct wd_id id);
/** How many documents of a collection have field == id. */
int64_t users_count(const char *coll, const char *field, struct wd_id id);
/** {$set: {field: value}} on the user's document, in extended JSON. */
void users_set(struct wd_id id, const char *json);
/** Takes a field of an account away. */
void users_unset(struct wd_id id, const char *field);
/** Inserts a document given as extended JSON with an _id of its own, and user: id. */
void users_insert(const char *coll, struct wd_id user, const char *json);
#endif
