/* tests/contract/contract.h – what the contract suites share: the table of drivers, a store in a fresh directory, and
 * short ways to write BSON. The suites use the ports alone; a driver is one more row in drivers.c. */
#ifndef WD_TESTS_CONTRACT_H
#define WD_TESTS_CONTRACT_H
#include <check.h>

#include "store-svc/port/blobs.h"
#include "store-svc/port/bus.h"
#include "store-svc/port/docs.h"

struct contract;

enum contract_port { CONTRACT_DOCS = 1, CONTRACT_BLOBS = 2, CONTRACT_BUS = 4 };

struct contract_driver {
    const char *name;
    unsigned ports;  /* what it has: enum contract_port; the suites of the others pass it over */
    const char *env; /* variable with the address of a server; the row is left out when it is unset. NULL: needs none */
    /* Opens what it has, in c->directory or the database c->database; max_pages 0: no limit. */
    bool (*open)(struct contract *c, uint32_t max_pages, bool sync, struct wd_error *err);
    void (*drop)(struct contract *c); /* after the close: removes what is not in c->directory; may be NULL */
    void (*sweep)(const char *tag);   /* at the end of the program: removes what failed tests left; may be NULL */
    bool limits_pages;                /* can be made to run full */
    bool is_local;                    /* its data survives in c->directory when the process is killed */
    bool expires;                     /* wd_docs_expire does it; otherwise the database by itself */
    bool redeclares;                  /* an index may be declared anew under its old name */
    bool searches_exactly;            /* text search keeps to docs.h also in its corners; engines vary there */
};

extern const struct contract_driver contract_drivers[];

struct contract {
    const struct contract_driver *driver;
    char directory[64];
    char database[32]; /* a new random name */
    struct wd_docs *docs;
    struct wd_blobs *blobs; /* NULL when the driver has none, as bus */
    struct wd_bus *bus;
};

/* The suite is about this port: how many drivers have it and can be reached. contract_begin counts these only. Call it
 * in main(); what failed tests leave in a server is removed when the program ends. */
int contract_suite(enum contract_port port);

/* contract_begin counts the driver of this name alone. */
void contract_only(const char *name);

/* WD_TEST_MONGO_URI with this database; yours to free. */
char *contract_mongo_uri(const char *database);

/* A new directory and database; opened and ensured with the collections below. Failures fail the test. */
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
