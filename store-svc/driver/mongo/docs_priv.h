/* store-svc/driver/mongo/docs_priv.h – what the parts of the documents half share. */
#ifndef WD_DRIVER_MONGO_DOCS_PRIV_H
#define WD_DRIVER_MONGO_DOCS_PRIV_H
#include <stdatomic.h>

#include "common/base/vec.h"
#include "store-svc/driver/mongo/link_priv.h"

struct mongo_index {
    const struct wd_docs_index *declared;
    char *name;          /* on the server: a database from elsewhere may have the same index under another name */
    atomic_bool missing; /* the server did not know it as a hint */
};

/* A declared collection. Its records stay where they are until the store is closed. */
struct mongo_coll {
    const struct wd_docs_collection *declared;
    enum wd_docs_database database;
    char *name; /* on the server */
    bool has_text;
    struct mongo_index *indexes;
    size_t n_indexes;
};

struct mongo_builder; /* builds indexes in the background */

/* Written by ensure only, which is called before anything else (docs.h); read by any thread. */
struct mongo_store {
    struct mongo_link *link;
    struct WD_VEC(struct mongo_coll *) colls;
    bool keep_indexes, check_indexes;
    struct mongo_builder *builder; /* NULL: everything was there */
};

/* An open database, or a batch on one: the same, because writes happen one by one. */
struct mongo_docs {
    struct wd_docs base;
    struct mongo_store *store;
};

/** Takes over nothing: the link is shared. */
struct wd_docs *mongo_docs_new(struct mongo_link *link, const struct wd_mongo_options *o);
struct mongo_store *mongo_store_of(struct wd_docs *d);

/** WD_INVALID when it was never declared. */
struct mongo_coll *mongo_coll_find(struct mongo_store *s, const char *name, struct wd_error *err) WD_CHECKED;
/** Its record, made when it is new, with the indexes that it is declared with now. */
struct mongo_coll *mongo_coll_declare(struct mongo_store *s, const struct wd_docs_collection *declared);
/** NULL when it has none of that name. */
struct mongo_index *mongo_coll_index(const struct mongo_coll *c, const char *name);

/** The handle of libmongoc; destroy it before the lease is given back. */
mongoc_collection_t *mongo_coll_open(const struct mongo_coll *c, const struct mongo_lease *lease);
void mongo_coll_closep(mongoc_collection_t **c);

struct mongo_doing {
    char text[96];
};
/** "insert into messages" */
struct mongo_doing mongo_doing(const char *verb, const struct mongo_coll *c);

/* ---- subset.c: is it in the subset of docs.h? WD_INVALID when not; nothing is sent then ---- */

bool mongo_check_filter(const struct mongo_coll *c, const bson_t *filter, struct wd_error *err) WD_CHECKED;
/** *repeat: whether doing it twice is the same as doing it once. */
bool mongo_check_update(const bson_t *update, enum mongo_repeat *repeat, struct wd_error *err) WD_CHECKED;

/* ---- the slots of struct wd_docs_ops ---- */

bool mongo_ensure(struct wd_docs *d, const struct wd_docs_collection *const *collections, struct wd_error *err);
bool mongo_find_one(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
                    bson_t *out, bool *found, struct wd_error *err);
bool mongo_find(struct wd_docs *d, const char *coll, const bson_t *filter, const struct wd_docs_query *q,
                struct wd_docs_cursor **out, struct wd_error *err);
bool mongo_cursor_next(struct wd_docs_cursor *c, const bson_t **doc, struct wd_error *err);
void mongo_cursor_free(struct wd_docs_cursor *c);
bool mongo_count(struct wd_docs *d, const char *coll, const bson_t *filter, int64_t *out, struct wd_error *err);
bool mongo_insert(struct wd_docs *d, const char *coll, const bson_t *const *docs, size_t n, struct wd_error *err);
bool mongo_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update, unsigned flags,
                  struct wd_docs_updated *out, struct wd_error *err);
bool mongo_find_and_update(struct wd_docs *d, const char *coll, const bson_t *filter, const bson_t *update,
                           unsigned flags, const struct wd_docs_query *q, bson_t *out, bool *found,
                           struct wd_error *err);
bool mongo_remove(struct wd_docs *d, const char *coll, const bson_t *filter, bool many, int64_t *removed,
                  struct wd_error *err);

extern const struct wd_docs_ops mongo_docs_ops;
#endif
