#include "store-svc/domain/doc_set.h"

void
wd_doc_add_set(bson_t *doc, const char *field, const struct wd_seqset *set)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    wd_seqset_write(&text, set);
    wd_doc_add_str(doc, field, wd_buf_view(&text));
}

bool
wd_doc_set(const bson_t *doc, const char *field, struct wd_seqset *out, struct wd_error *err)
{
    struct wd_str text = wd_doc_str(doc, field);

    if (text.n == 0 || wd_seqset_parse(text, 0, SIZE_MAX, out))
        return true;
    return wd_fail(err, WD_DATA_LOSS, "%s is no set of UIDs", field);
}
