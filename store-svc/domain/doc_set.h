/* store-svc/domain/doc_set.h – sets of UIDs in BSON documents, as text: "1:5,9". */
#ifndef WD_STORE_DOMAIN_DOC_SET_H
#define WD_STORE_DOMAIN_DOC_SET_H
#include "common/base/error.h"
#include "common/mail/seqset.h"
#include "store-svc/domain/doc.h"

void wd_doc_add_set(bson_t *doc, const char *field, const struct wd_seqset *set);
/** *out is empty on entry; a field that is not there is the empty set. WD_DATA_LOSS for what is no set. */
bool wd_doc_set(const bson_t *doc, const char *field, struct wd_seqset *out, struct wd_error *err) WD_CHECKED;
#endif
