/* store-svc/domain/doc_copy.h – a document with some of its fields left out. */
#ifndef WD_STORE_DOMAIN_DOC_COPY_H
#define WD_STORE_DOMAIN_DOC_COPY_H
#include <bson/bson.h>

/** Appends the top-level fields of `from` whose names are not in `except` (ends with NULL) to `to`. */
void wd_doc_copy(bson_t *to, const bson_t *from, const char *const *except);
#endif
