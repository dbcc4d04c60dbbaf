/* store-svc/driver/mongo/open.c – opens documents and blobs on shared connections. */
#include "store-svc/driver/mongo/docs_priv.h"

bool
wd_mongo_open(const struct wd_mongo_options *o, struct wd_docs **docs, struct wd_blobs **blobs, struct wd_error *err)
{
    struct mongo_link *link;
    bool ok;

    if (!mongo_link_open(o, &link, err))
        return false;
    ok = mongo_link_check(link, err);
    if (ok) {
        *docs = mongo_docs_new(link, o);
        *blobs = mongo_blobs_new(link);
    }
    mongo_link_release(link);
    return ok;
}
