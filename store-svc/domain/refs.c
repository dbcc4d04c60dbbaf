#include "store-svc/domain/refs.h"

#include "store-svc/domain/doc.h"
#include "store-svc/domain/tree.h"

void
wd_refs_done(struct wd_refs *r)
{
    wd_vec_done(&r->all);
}

/* A tree that cannot be read must not make its message undeletable; its bodies then stay, which loses nothing. */
void
wd_refs_add(struct wd_refs *r, const bson_t *doc)
{
    struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_blob_ref *refs;
    struct wd_error unreadable;
    size_t n;

    if (!wd_doc_has(doc, "mimeTree") || !wd_tree_refs(arena, doc, &refs, &n, &unreadable))
        return;
    for (size_t i = 0; i < n; i++)
        wd_vec_push(&r->all, refs[i]);
}

void
wd_refs_join(struct wd_refs *r, const struct wd_refs *more)
{
    for (size_t i = 0; i < more->all.n; i++)
        wd_vec_push(&r->all, more->all.p[i]);
}

static int
by_key(const void *a, const void *b)
{
    return memcmp(((const struct wd_blob_ref *)a)->key.b, ((const struct wd_blob_ref *)b)->key.b,
                  sizeof(struct wd_blob_key));
}

/* One row per body. */
static void
merge(struct wd_refs *r)
{
    size_t kept = 0;

    if (r->all.n == 0)
        return;
    qsort(r->all.p, r->all.n, sizeof *r->all.p, by_key);
    for (size_t i = 1; i < r->all.n; i++) {
        if (by_key(&r->all.p[kept], &r->all.p[i]) != 0) {
            r->all.p[++kept] = r->all.p[i];
            continue;
        }
        r->all.p[kept].count += r->all.p[i].count;
        r->all.p[kept].magic_sum += r->all.p[i].magic_sum;
    }
    r->all.n = kept + 1;
}

bool
wd_refs_take(struct wd_refs *r, struct wd_domain *d, struct wd_docs *batch, struct wd_error *err)
{
    merge(r);
    if (r->all.n == 0)
        return true;
    return wd_blobs_ref(d->blobs, batch, r->all.p, r->all.n, err) || wd_fail_in(err, "refer to attachments");
}

bool
wd_refs_release(struct wd_refs *r, struct wd_domain *d, struct wd_docs *batch, struct wd_error *err)
{
    merge(r);
    if (r->all.n == 0)
        return true;
    return wd_blobs_unref(d->blobs, batch, r->all.p, r->all.n, err) || wd_fail_in(err, "release attachments");
}
