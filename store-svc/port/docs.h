/* store-svc/port/docs.h – documents by collection: what the domain may ask of a database.
 *
 * Filters and updates are BSON in MongoDB's own language. The subset that every driver understands:
 *   filters   {field: value} (an array field matches when an element does), $eq $ne $gt $gte $lt $lte $in $nin $exists
 *             $not (of an operator document) $elemMatch $regex with $options "i", $and $or $nor; dotted paths; and
 *             {$text: {$search: "words"}} once, at the top level, on a collection with a text index:
 *             any of the words; or, when there are "quoted phrases", all of these; and none of the -excluded words
 *   updates   $set $setOnInsert $unset $inc $max $min $addToSet (with $each) $pull (a value or {$in: [...]}) $push
 *             $pull of {field: {$in: [...]}} from an array of documents, and an update that is an array (an aggregation
 *             pipeline of $set stages, which may compute with the fields of the document), are for drivers that are not
 *             atomic only: with them the domain keeps the marks of changes under way (store-svc/domain/change.h)
 *   sort      one field or several, 1 or -1
 *   projection  {field: 1, ...} of top-level fields (dotted paths below one are allowed); _id is always included.
 *             Integers may come back as int32 or int64, whatever was stored, when a driver answers from an index alone:
 *             read them with bson_iter_as_int64
 * store-svc/port/match.h is the same subset in C.
 *
 * Threads: a struct wd_docs from a driver's _open may be used from any thread. A batch belongs to one thread.
 * Every call blocks. Every function fails with WD_DATABASE when the database does not answer or refuses, and with
 * WD_INVALID when the filter or update is outside of the subset (our own bug, but never a crash).
 */
#ifndef WD_STORE_PORT_DOCS_H
#define WD_STORE_PORT_DOCS_H
#include <bson/bson.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/lifetime.h"

struct wd_docs;        /* an open database, or a batch on one */
struct wd_docs_cursor; /* the result of one find */

/* ---- what a collection looks like: declared once, in store-svc/domain/schema.c ---- */

enum wd_docs_index_flags {
    WD_INDEX_UNIQUE = 1,
    WD_INDEX_SPARSE = 2,
    WD_INDEX_TEXT = 4, /* keys: the prefix fields, then the fields whose words are indexed, marked "text" */
    /* One of the fields holds arrays (users.tagsview, messages.flags, headers.key). The embedded driver then keeps an
     * entry per element; without the flag such queries are right but slow. Not together with WD_INDEX_UNIQUE. */
    WD_INDEX_MULTIKEY = 8,
    /* Only narrows what another index with the same first key finds. A driver to which each index is a page more to
     * write and to sync with every document, and a scan within that key is cheap, may leave it out. */
    WD_INDEX_MINOR = 16,
};

struct wd_docs_index {
    const char *name;
    /* "mailbox 1, uid -1": 1, -1, hashed or text. After a bar, fields that are no keys and that a driver may keep in
     * the index too, so that reading them needs no document: "mailbox 1, unseen 1 | uid, _id". */
    const char *keys;
    unsigned flags;         /* enum wd_docs_index_flags */
    const char *partial;    /* extended JSON filter, or NULL */
    int64_t expire_after_s; /* TTL on its one date field; -1: none */
};

enum wd_docs_database { WD_DB_MAIN, WD_DB_USERS, WD_DB_FILES };

struct wd_docs_collection {
    const char *name;
    enum wd_docs_database database;
    const struct wd_docs_index *indexes; /* ends with .name == NULL */
    /* Fields that are small and read or changed often, separated by spaces; NULL: all. A driver may keep the
     * others apart, so that reading and changing these does not touch the bulk of a document. */
    const char *head;
};

/* ---- options ---- */

struct wd_docs_query {
    const bson_t *projection; /* NULL: whole documents */
    const bson_t *sort;       /* NULL: any order */
    int64_t skip, limit;      /* 0: none */
    const char *hint;         /* name of an index, or NULL */
};

enum wd_docs_update_flags {
    WD_UPDATE_ONE = 0,
    WD_UPDATE_MANY = 1,
    WD_UPDATE_UPSERT = 2,     /* inserts when nothing matches: the filter's equalities, then the update */
    WD_UPDATE_RETURN_NEW = 4, /* find_and_update: the document after the update; otherwise before */
};

struct wd_docs_updated {
    int64_t matched, modified;
    bool upserted;
};

/* ---- the contract of a driver; callers use the wrappers below ---- */

struct wd_docs_ops {
    const char *name; /* "embedded", "mongo" */
    bool atomic;      /* a batch is one transaction */
    bool (*ensure)(struct wd_docs *d, const struct wd_docs_collection *const *collections, struct wd_error *err);
    bool (*find_one)(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
                     bson_t *out, bool *found, struct wd_error *err);
    bool (*find)(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
                 struct wd_docs_cursor **out, struct wd_error *err);
    bool (*cursor_next)(struct wd_docs_cursor *c, const bson_t **doc, struct wd_error *err);
    void (*cursor_free)(struct wd_docs_cursor *c);
    bool (*insert)(struct wd_docs *d, const char *coll, const bson_t *const *docs, size_t n, struct wd_error *err);
    bool (*update)(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
                   struct wd_docs_updated *out, struct wd_error *err);
    bool (*find_and_update)(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update,
                            unsigned flags, const struct wd_docs_query *q, bson_t *out, bool *found,
                            struct wd_error *err);
    bool (*remove)(struct wd_docs *d, const char *coll, const bson_t *filter, bool many, int64_t *removed,
                   struct wd_error *err);
    bool (*count)(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *out, struct wd_error *err);
    bool (*batch_begin)(struct wd_docs *d, struct wd_docs **batch, struct wd_error *err);
    bool (*batch_commit)(struct wd_docs *batch, struct wd_error *err);
    void (*batch_abort)(struct wd_docs *batch);
    bool (*expire)(struct wd_docs *d, int64_t *removed, struct wd_error *err);
    void (*close)(struct wd_docs *d);
};

struct wd_docs {
    const struct wd_docs_ops *ops; /* first member of each driver's own struct */
};

struct wd_docs_cursor {
    const struct wd_docs_ops *ops;
};

/* ---- what the domain calls ---- */

/** Creates what is missing: collections, columns, indexes. Existing data is kept. The array ends with NULL and the
 *  declarations must outlive d. Call once before anything else. */
bool wd_docs_ensure(struct wd_docs *d, const struct wd_docs_collection *const *collections,
                    struct wd_error *err) WD_CHECKED;

/**
 * Reads one document that matches; the first in q->sort when that is given.
 *
 * q      may be NULL
 * out    initialised and empty on entry; filled when *found; yours to bson_destroy either way
 * found  false is not an error: nothing matched
 */
bool wd_docs_find_one(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
                      bson_t *out, bool *found, struct wd_error *err) WD_CHECKED;

/** Starts reading all documents that match, as of now (a later write may or may not be seen by the mongo driver; the
 *  embedded driver reads one snapshot). *out is yours: wd_docs_cursor_free. It must be freed by the thread that made
 *  it, and before the batch that it was made on ends. */
bool wd_docs_find(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
                  struct wd_docs_cursor **out, struct wd_error *err) WD_CHECKED;
/** The next document, borrowed until the next call; *doc == NULL at the end, which is not an error. */
bool wd_docs_cursor_next(struct wd_docs_cursor *c, const bson_t **doc, struct wd_error *err) WD_CHECKED;
/** NULL is fine. */
void wd_docs_cursor_free(struct wd_docs_cursor *c);
/** For wd_auto(). */
void wd_docs_cursor_freep(struct wd_docs_cursor **c);

/** Inserts; each document has its _id. WD_DUPLICATE when a unique index forbids one (the text names the index); those
 *  before it stay inserted unless d is a batch of an atomic driver that is then aborted. */
bool wd_docs_insert(struct wd_docs *d, const char *coll, const bson_t *doc, struct wd_error *err) WD_CHECKED;
bool wd_docs_insert_many(struct wd_docs *d, const char *coll, const bson_t *const *docs, size_t n,
                         struct wd_error *err) WD_CHECKED;

/** Changes the first match, or all with WD_UPDATE_MANY; out may be NULL. WD_DUPLICATE as for insert. */
bool wd_docs_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
                    struct wd_docs_updated *out, struct wd_error *err) WD_CHECKED;

/** Changes one document atomically and returns it, before or after (WD_UPDATE_RETURN_NEW); out as in find_one. */
bool wd_docs_find_and_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update,
                             unsigned flags, const struct wd_docs_query *q, bson_t *out, bool *found,
                             struct wd_error *err) WD_CHECKED;

/** Removes one match, or all; removed may be NULL. */
bool wd_docs_remove_one(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *removed,
                        struct wd_error *err) WD_CHECKED;
bool wd_docs_remove_many(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *removed,
                         struct wd_error *err) WD_CHECKED;

bool wd_docs_count(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *out,
                   struct wd_error *err) WD_CHECKED;

/**
 * Groups the writes of one operation. *batch is used like d by one thread and sees its own writes; nobody else does
 * before the commit on an atomic driver. On a driver that is not atomic the writes happen one by one in the order of
 * the calls, so the caller orders them so that a crash between any two leaves something that a later pass mends.
 * An atomic driver may let one batch wait for another: keep them short, and do slow work (parsing, hashing, reading
 * bodies) before. Batches do not nest.
 */
bool wd_docs_batch_begin(struct wd_docs *d, struct wd_docs **batch, struct wd_error *err) WD_CHECKED;
/** True means durable: on disk, as far as the driver is configured to wait. The batch is gone either way. */
bool wd_docs_batch_commit(struct wd_docs *batch, struct wd_error *err) WD_CHECKED;
/** Forgets the writes (atomic drivers only) and the batch. NULL is fine. */
void wd_docs_batch_abort(struct wd_docs *batch);
/** For wd_auto(): aborts what was neither committed nor aborted. Take the pointer out with wd_take() to commit. */
void wd_docs_batch_abortp(struct wd_docs **batch);

/** Removes what the TTL indexes say has expired (a driver whose database does that itself does nothing). */
bool wd_docs_expire(struct wd_docs *d, int64_t *removed, struct wd_error *err) WD_CHECKED;

bool wd_docs_is_atomic(const struct wd_docs *d);
/** Closes the database; no batch or cursor may be open. NULL is fine. */
void wd_docs_close(struct wd_docs *d);
#endif
