/* store-svc/driver/embedded/schema_priv.h – the declared collections as tables.
 *
 *   c_<coll>           id INTEGER PRIMARY KEY, one column per indexed path (the first is _id), head BLOB
 *   b_<coll>           id, bulk: the fields that are not in the head, when the declaration names one
 *   m_<coll>.<index>   k0, k1, …, id: one row per element, for a multikey index
 *   f_<coll>           FTS5: p (the prefix fields in hex), t0, t1, … for the text index
 */
#ifndef WD_DRIVER_EMBEDDED_SCHEMA_PRIV_H
#define WD_DRIVER_EMBEDDED_SCHEMA_PRIV_H
#include <stdatomic.h>

#include "store-svc/driver/embedded/value_priv.h"
#include "store-svc/port/docs.h"

enum { EM_FIELDS_MAX = 8, EM_COLUMNS_MAX = 64 };

enum em_index_kind { EM_INDEX_PLAIN, EM_INDEX_SIDE, EM_INDEX_TEXT };

struct em_field {
    char *path;
    int column; /* in the collection; -1: none, because only entries or words are kept */
    bool down, text;
};

struct em_column {
    char *path;
    atomic_bool arrays; /* a document has an array here: conditions on it are checked in C */
};

struct em_index {
    const struct wd_docs_index *declared;
    enum em_index_kind kind;
    struct em_field fields[EM_FIELDS_MAX];
    size_t n_fields;
    bool skipped; /* another index, or the one on _id, leads to the same rows */
    bson_t *partial;
    char *where;  /* the partial filter in SQL, or NULL */
    char *table;  /* side or text table, quoted */
    atomic_bool odd; /* side: a document does not fit the one-array rule, conditions are checked in C */
    bool bulk;    /* a field of it is not in the head */
};

struct em_coll {
    const struct wd_docs_collection *declared;
    char *c, *b; /* table names, quoted */
    char **head; /* NULL: every field */
    size_t n_head;
    struct em_column columns[EM_COLUMNS_MAX];
    size_t n_columns;
    struct em_index *indexes;
    size_t n_indexes;
    char *insert_sql;
};

struct em_schema {
    struct em_coll *colls;
    size_t n;
};

bool em_schema_new(const struct wd_docs_collection *const *declared, struct em_schema **out,
                   struct wd_error *err) WD_CHECKED;
void em_schema_free(struct em_schema *s);
struct em_coll *em_schema_find(const struct em_schema *s, const char *name);
/* -1: no column. */
int em_coll_column(const struct em_coll *c, const char *path);
/* Is the top-level field of a path (n bytes) kept in the head? */
bool em_in_head(const struct em_coll *c, const char *path);
bool em_index_has_root(const struct em_index *x, const char *root, size_t n);
#endif
