/* store-svc/driver/mongo/link_priv.h – the connections: pools, the databases behind them, and what is tried again. */
#ifndef WD_DRIVER_MONGO_LINK_PRIV_H
#define WD_DRIVER_MONGO_LINK_PRIV_H
#include <mongoc/mongoc.h>

#include "store-svc/driver/mongo/mongo.h"

struct mongo_link; /* counted; shared by the documents and the blobs */

bool mongo_link_open(const struct wd_mongo_options *o, struct mongo_link **out, struct wd_error *err) WD_CHECKED;
struct mongo_link *mongo_link_share(struct mongo_link *l);
/** The last one closes the pools. NULL is fine. */
void mongo_link_release(struct mongo_link *l);
/** "attachments" */
const char *mongo_link_bucket(const struct mongo_link *l);
/** Of one command, its repeats included. */
int mongo_link_timeout_ms(const struct mongo_link *l);
/** For texts: "db1:27017,db2:27017", the key that the address comes from ("dbs.mongo"), the name of the database. */
const char *mongo_link_where(const struct mongo_link *l, enum wd_docs_database database);
const char *mongo_link_setting(const struct mongo_link *l, enum wd_docs_database database);
const char *mongo_link_database(const struct mongo_link *l, enum wd_docs_database database);
/** Says hello to the server of each database: WD_DATABASE with one clear line when one can not be used. */
bool mongo_link_check(struct mongo_link *l, struct wd_error *err) WD_CHECKED;

/** A client outside of the pool for one thread and for what takes long (building indexes): an answer may take
 *  timeout_ms. Yours to mongoc_client_destroy; NULL when the URI can not be used. */
mongoc_client_t *mongo_link_patient_client(struct mongo_link *l, enum wd_docs_database database, int timeout_ms);

/* A client of the pool for one thread and one call, and the name of the database it is for. */
struct mongo_lease {
    mongoc_client_pool_t *pool;
    mongoc_client_t *client;
    const char *database;
};

/** Waits for a free client as long as a command may take; then WD_DATABASE. A thread that holds one (a cursor) and
 *  takes another waits for other threads that do the same: hold one as short as can be. */
bool mongo_lease_take(struct mongo_link *l, enum wd_docs_database database, struct mongo_lease *out,
                      struct wd_error *err) WD_CHECKED;
/** A zeroed lease is fine. */
void mongo_lease_give(struct mongo_lease *lease);

/* What may be done when a command was sent and its answer never came. */
enum mongo_repeat {
    MONGO_REPEAT,       /* doing it twice is the same as doing it once: reads, inserts by _id, $set, removals */
    MONGO_REPEAT_NEVER, /* it may have happened: $inc, $push */
};

/* One attempt; `again` when an earlier one may have reached the server. False: *why says what failed. The reply is an
 * initialised empty document that is destroyed after the attempt; libmongoc may overwrite it. */
typedef bool mongo_attempt(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why);

/**
 * Runs an attempt, and repeats it a few times with pauses when the connection broke, no server could be reached or the
 * primary changed, as far as `repeat` allows: a command that was surely not sent is always repeated.
 *
 * doing  for the error's text: "insert into messages"
 * err    WD_DUPLICATE for a duplicate key (the text names the index), WD_INVALID when the server can not make sense
 *        of the command, else WD_DATABASE
 */
bool mongo_run(struct mongo_link *l, enum wd_docs_database database, enum mongo_repeat repeat, mongo_attempt *attempt,
               void *data, const char *doing, struct wd_error *err) WD_CHECKED;

/** The same on a client that the caller has already and keeps (for a cursor). */
bool mongo_run_with(struct mongo_link *l, enum wd_docs_database database, const struct mongo_lease *lease,
                    enum mongo_repeat repeat, mongo_attempt *attempt, void *data, const char *doing,
                    struct wd_error *err) WD_CHECKED;

/** Opens the blobs on the link, which is shared. */
struct wd_blobs *mongo_blobs_new(struct mongo_link *l);
#endif
