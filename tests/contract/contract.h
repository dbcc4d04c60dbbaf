/* tests/contract/contract.h – what the contract suites share: the table of drivers, a store in a fresh directory, and
 * short ways to write BSON. The suites use the ports alone; a driver is one more row in drivers.c. */
#ifndef WD_TESTS_CONTRACT_H
#define WD_TESTS_CONTRACT_H
#include <check.h>

#include "store-svc/port/blobs.h"
#include "store-svc/port/bus.h"
#include "store-svc/port/docs.h"

struct contract;

struct contract_driver {
    const char *name;
    /* Opens docs, blobs and bus on c->directory; max_pages 0: no limit. */
    bool (*open)(struct contract *c, uint32_t max_pages, bool sync, struct wd_error *err);
    bool limits_pages; /* can be made to run full */
    bool is_local;     /* its data survives in c->directory when the process is killed */
};

extern const struct contract_driver contract_drivers[];
enum { CONTRACT_DRIVERS = 1 };

struct contract {
    const struct contract_driver *driver;
    char directory[64];
    struct wd_docs *docs;
    struct wd_blobs *blobs;
    struct wd_bus *bus;
};

/* A new directory; opened and ensured with the collections below. Failures fail the test. */
void contract_begin(struct contract *c, int driver);
void contract_open(struct contract *c);
void contract_close(struct contract *c);
void contract_end(struct contract *c);

/* "things": most kinds of index; "words": a text index; "stuff": none. */
extern const struct wd_docs_collection *const contract_schema[];

/* BSON from relaxed extended JSON, in which ' stands for "; freed by contract_end. */
const bson_t *J(struct contract *c, const char *json);
const bson_t *JF(struct contract *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Wrappers that fail the test on an error. */
void put(struct contract *c, const char *coll, const char *json);
int64_t count(struct contract *c, const char *coll, const char *filter);
/* The _id numbers of what a find returns, as "1 2 3". sort and projection may be NULL. */
const char *ids(struct contract *c, const char *coll, const char *filter, const char *sort);
/* The document with this _id as relaxed JSON, "" when there is none; freed by contract_end. */
const char *shown(struct contract *c, const char *coll, int64_t id);

#define ck_ok(call)                                                                                                    \
    do {                                                                                                               \
        struct wd_error *err_ = &err;                                                                                  \
        bool ok_ = (call);                                                                                             \
        ck_assert_msg(ok_, "%s: %s", #call, ok_ ? "" : err_->text);                                                    \
    } while (0)
#define ck_fails(call, why)                                                                                            \
    do {                                                                                                               \
        ck_assert_msg(!(call), "%s succeeded", #call);                                                                 \
        ck_assert_msg(err.reason == (why), "%s: %s", #call, err.text);                                                 \
    } while (0)
#endif
