/* store-svc/driver/mongo/mongo.h – documents and attachment bodies in MongoDB, or in what speaks its protocol. No
 * multi-document transactions and no change streams are used, so the driver is not atomic (docs.h). Any number of
 * replicas may share the databases. */
#ifndef WD_DRIVER_MONGO_H
#define WD_DRIVER_MONGO_H
#include "store-svc/port/blobs.h"
#include "store-svc/port/docs.h"

struct wd_mongo_options {
    const char *uri;       /* "mongodb://host:27017/wildduck?…": where, and the main database */
    const char *users_db;  /* name of a database at `uri`, or a URI of its own; NULL: the main database */
    const char *files_db;  /* the same for attachments */
    const char *bucket;    /* GridFS bucket of attachments; NULL: "attachments" */
    unsigned connections;  /* kept open to each URI at most; 0: 16 */
    int timeout_ms;        /* of one command, its waiting for a server included; 0: 10,000 */
    bool weak_writes;      /* for tests: w=1 without the journal instead of majority with it */
    bool keep_indexes;     /* do not create what is missing, and live with what is there */
    bool check_indexes;    /* together with it: but refuse what would be refused without it */
};

/**
 * Connects, and checks what it finds, with one clear line: WD_INVALID for what waiting does not mend – the URI, the
 * password, a server older than MongoDB 4.2 –, WD_DATABASE when no server answers or it is read-only now. Ensuring the
 * collections fails with WD_CONFLICT for an index that is there with other keys or options. Both share the
 * connections; close them in any order.
 */
bool wd_mongo_open(const struct wd_mongo_options *o, struct wd_docs **docs, struct wd_blobs **blobs,
                   struct wd_error *err) WD_CHECKED;

/** Appends a line for people about the server behind the documents of this driver: "mongo: connected to
 *  db1:27017, version 6.0.5, replica set rs0, database wildduck". Blocks for one command. WD_DATABASE. */
bool wd_mongo_about(struct wd_docs *docs, struct wd_buf *out, struct wd_error *err) WD_CHECKED;

/** Commands that this thread has sent to any server since it started: a round trip each. For tests and metrics. */
uint64_t wd_mongo_commands(void);
#endif
