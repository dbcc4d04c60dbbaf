/* store-svc/driver/embedded/value_priv.h – BSON values as SQLite values, so that SQLite's order and equality are
 * BSON's: null and absent are NULL, numbers INTEGER or REAL, strings TEXT, and the other types a BLOB that begins with
 * a tag in the order of the types: ObjectId, bool, date and short binaries follow it; of documents, arrays and the
 * rest there is the tag alone ("opaque"), which no condition compares. */
#ifndef WD_DRIVER_EMBEDDED_VALUE_PRIV_H
#define WD_DRIVER_EMBEDDED_VALUE_PRIV_H
#include <bson/bson.h>
#include <sqlite3.h>
#include <stdbool.h>

enum em_type { EM_NULL, EM_INTEGER, EM_REAL, EM_TEXT, EM_BLOB };

enum em_tag {
    EM_TAG_NAN = 1,
    EM_TAG_DOCUMENT = 2,
    EM_TAG_ARRAY = 3,
    EM_TAG_BINARY = 4,
    EM_TAG_OID = 5,
    EM_TAG_BOOL = 6,
    EM_TAG_DATE = 7,
    EM_TAG_OTHER = 8,
};

enum { EM_INLINE = 72, EM_BINARY_MAX = EM_INLINE - 6 };

struct em_value {
    enum em_type type;
    bool opaque;
    int64_t integer;
    double real;
    const char *text; /* borrowed from the document */
    size_t n;
    uint8_t blob[EM_INLINE];
};

/* The elements of $in, bound to the table function wd_list(). */
struct em_list {
    size_t n;
    struct em_value *values;
};

/* v NULL is a missing value. */
void em_value_of(const bson_iter_t *v, struct em_value *out);
/* The value at a dotted path; an array on the way or at the end makes it EM_TAG_ARRAY. */
void em_value_at(const bson_t *doc, const char *path, struct em_value *out);
bool em_value_is_array(const struct em_value *v);
bool em_value_eq(const struct em_value *a, const struct em_value *b);
/* Text is copied when the document may go before the statement is done. */
void em_value_bind(sqlite3_stmt *st, int at, const struct em_value *v, bool copy);
/* Appends what a column holds; false when that can not be told: NULL or opaque. */
bool em_column_append(sqlite3_stmt *st, int column, const char *key, int key_n, bson_t *to);
#endif
