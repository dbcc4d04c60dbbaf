/* store-svc/domain/doc.h – reading and writing fields of BSON documents in one line each. */
#ifndef WD_STORE_DOMAIN_DOC_H
#define WD_STORE_DOMAIN_DOC_H
#include <bson/bson.h>

#include "common/base/id.h"
#include "common/base/lifetime.h"
#include "common/base/str.h"

/* Readers: the value of a top-level or dotted field, or the fallback when it is missing or of another type. Numbers of
 * any numeric type are taken, doubles when an int64_t has room for them; strings and binaries are both taken by _str.
 * Slices are borrowed from the document. */
int64_t wd_doc_int(const bson_t *doc, const char *field, int64_t fallback);
bool wd_doc_bool(const bson_t *doc, const char *field, bool fallback);
struct wd_str wd_doc_str(const bson_t *doc, const char *field);
int64_t wd_doc_date(const bson_t *doc, const char *field, int64_t fallback);
/** False when it is missing or no ObjectId. */
bool wd_doc_id(const bson_t *doc, const char *field, struct wd_id *out);
/** A static view of a sub-document or array; false when it is missing or something else. */
bool wd_doc_sub(const bson_t *doc, const char *field, bson_t *view);
bool wd_doc_has(const bson_t *doc, const char *field);

/* Writers. Text that is not UTF-8 is written as binary. */
void wd_doc_add_id(bson_t *doc, const char *field, struct wd_id id);
void wd_doc_add_str(bson_t *doc, const char *field, struct wd_str value);
void wd_doc_add_int(bson_t *doc, const char *field, int64_t value);
void wd_doc_add_date(bson_t *doc, const char *field, int64_t ms);
void wd_doc_add_bool(bson_t *doc, const char *field, bool value);
void wd_doc_add_bytes(bson_t *doc, const char *field, const void *bytes, size_t n);
/** {field: {op: number}}, for example {modseq: {$gt: 7}}. */
void wd_doc_add_op(bson_t *doc, const char *field, const char *op, int64_t value);
#endif
