/* store-svc/domain/doc_list.h – arrays of strings in BSON documents: flags, above all. */
#ifndef WD_STORE_DOMAIN_DOC_LIST_H
#define WD_STORE_DOMAIN_DOC_LIST_H
#include "common/base/arena.h"
#include "store-svc/domain/doc.h"

struct wd_doc_list {
    struct wd_str *p;
    size_t n;
};

/** The strings of an array field, copied to the arena; what is no string is left out, no array is an empty list. */
struct wd_doc_list wd_doc_list(const bson_t *doc, const char *field, struct wd_arena *a);
/** Appends an array field. */
void wd_doc_add_list(bson_t *doc, const char *field, const struct wd_str *p, size_t n);
/** {field: {op: [1, 2]}}, for example {uid: {$in: [...]}}. */
void wd_doc_add_numbers(bson_t *doc, const char *field, const char *op, const uint32_t *p, size_t n);
#endif
