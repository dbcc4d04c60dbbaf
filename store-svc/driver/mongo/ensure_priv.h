/* store-svc/driver/mongo/ensure_priv.h – indexes: what is declared, what is there, and building what is missing. */
#ifndef WD_DRIVER_MONGO_ENSURE_PRIV_H
#define WD_DRIVER_MONGO_ENSURE_PRIV_H
#include "store-svc/driver/mongo/docs_priv.h"

/* ---- index.c ---- */

enum { MONGO_BUILD_MS = 6 * 60 * 60 * 1000 }; /* the answer to createIndexes on many millions of documents */

/** The declaration as createIndexes takes it; out is initialised and empty. */
bool mongo_index_spec(const struct wd_docs_index *declared, bson_t *out, struct wd_error *err) WD_CHECKED;

enum mongo_index_match {
    MONGO_INDEX_OTHER,    /* nothing to do with each other */
    MONGO_INDEX_SAME,     /* keys and options agree; the name may differ */
    MONGO_INDEX_CONFLICT, /* the same name for something else */
};
/** A specification beside one of the documents of listIndexes. */
enum mongo_index_match mongo_index_compare(const bson_t *spec, const bson_t *existing);

/** createIndexes with the specifications. Blocks until they are built. */
bool mongo_index_create(mongoc_client_t *client, const char *database, const char *coll, const bson_t *const *specs,
                        size_t n, bson_error_t *why) WD_CHECKED;

/* ---- builder.c: a thread that builds indexes one after another ---- */

struct mongo_builder *mongo_builder_new(struct mongo_link *link);
/** Before the start. `missing` is cleared once the index is there; it must live until the builder is freed. */
void mongo_builder_add(struct mongo_builder *b, enum wd_docs_database database, const char *coll, const bson_t *spec,
                       atomic_bool *missing);
bool mongo_builder_start(struct mongo_builder *b, struct wd_error *err) WD_CHECKED;
/** Starts no further index and waits a moment for the present one, which the server goes on with by itself. NULL is
 *  fine. */
void mongo_builder_free(struct mongo_builder *b);
#endif
