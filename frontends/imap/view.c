#include "frontends/imap/view.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "frontends/imap/parse.h"
#include "frontends/imap/write.h"

struct imap_view *
imap_view_new(void)
{
    return WD_NEW(struct imap_view);
}

static void
drop_changed(struct imap_view *v)
{
    for (size_t i = 0; i < v->changed.n; i++)
        free(v->changed.p[i].flags);
    wd_vec_done(&v->changed);
}

void
imap_view_free(struct imap_view *v)
{
    if (!v)
        return;
    drop_changed(v);
    free(v->path);
    wd_seqset_done(&v->uids);
    wd_seqset_done(&v->arrived);
    wd_seqset_done(&v->gone);
    free(v);
}

void
imap_view_arrived(struct imap_view *v, uint32_t uid)
{
    /* A sequence number can only be given at the end; the store never lets a lower UID appear after a higher one. */
    if (uid > wd_seqset_max(&v->uids))
        wd_seqset_add(&v->arrived, uid, uid);
}

void
imap_view_gone(struct imap_view *v, uint32_t uid)
{
    wd_seqset_remove(&v->arrived, uid, uid);
    if (wd_seqset_has(&v->uids, uid))
        wd_seqset_add(&v->gone, uid, uid);
}

void
imap_view_flags(struct imap_view *v, uint32_t uid, uint64_t modseq, unsigned system,
                const ProtobufCBinaryData *keywords, size_t n)
{
    struct imap_changed c = { .uid = uid, .order = (uint32_t)v->changed.n, .modseq = modseq };
    struct wd_buf flags = { 0 };

    if (!wd_seqset_has(&v->uids, uid))
        return;
    imap_write_flags(&flags, system, keywords, n);
    wd_buf_chr(&flags, '\0');
    c.flags = flags.p;
    wd_vec_push(&v->changed, c);
}

void
imap_view_replace(struct imap_view *v, const struct wd_seqset *now)
{
    struct wd_seqset fresh = { 0 };

    v->gone.n = v->arrived.n = 0;
    wd_seqset_minus(&v->gone, &v->uids, now);
    wd_seqset_minus(&fresh, now, &v->uids);
    if (wd_seqset_max(&v->uids))
        wd_seqset_remove(&fresh, 1, wd_seqset_max(&v->uids));
    wd_seqset_or(&v->arrived, &fresh);
    wd_seqset_done(&fresh);
}

void
imap_view_own(struct imap_view *v, uint64_t modseq)
{
    if (modseq == v->modseq + 1)
        v->modseq = modseq;
    imap_view_beacon(v, modseq);
}

void
imap_view_beacon(struct imap_view *v, uint64_t modseq)
{
    if (modseq > v->beacon)
        v->beacon = modseq;
}

bool
imap_view_behind(const struct imap_view *v)
{
    return v->beacon > v->modseq;
}

void
imap_view_write_exists(const struct imap_view *v, struct wd_buf *out)
{
    wd_buf_c(out, "* ");
    wd_buf_u64(out, wd_seqset_count(&v->uids));
    wd_buf_c(out, " EXISTS\r\n");
}

static void
write_expunges(uint32_t first_number, uint32_t count, struct wd_buf *out)
{
    /* Each one makes the next take its number. */
    while (count--) {
        wd_buf_c(out, "* ");
        wd_buf_u64(out, first_number);
        wd_buf_c(out, " EXPUNGE\r\n");
    }
}

void
imap_view_expunge(struct imap_view *v, const struct wd_seqset *uids, struct wd_buf *out)
{
    struct wd_seqset known = { 0 }, left = { 0 };
    uint32_t before = 0;

    for (size_t i = 0; i < uids->n; i++) {
        wd_seqset_remove(&v->arrived, uids->ranges[i].first, uids->ranges[i].last);
        wd_seqset_remove(&v->gone, uids->ranges[i].first, uids->ranges[i].last);
    }
    wd_seqset_and(&known, &v->uids, uids);
    for (size_t i = 0; i < known.n; i++) {
        uint32_t count = known.ranges[i].last - known.ranges[i].first + 1;
        write_expunges(wd_seqset_position(&v->uids, known.ranges[i].first) - before, count, out);
        before += count;
    }
    if (known.n) {
        wd_seqset_minus(&left, &v->uids, &known);
        wd_seqset_done(&v->uids);
        v->uids = left;
    }
    wd_seqset_done(&known);
}

static int
by_uid_then_order(const void *a, const void *b)
{
    const struct imap_changed *x = a, *y = b;

    if (x->uid != y->uid)
        return x->uid < y->uid ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* One FETCH per message that is still there, with its newest flags. */
static void
write_changed(struct imap_view *v, bool with_modseq, struct wd_buf *out)
{
    if (v->changed.n)
        qsort(v->changed.p, v->changed.n, sizeof *v->changed.p, by_uid_then_order);
    for (size_t i = 0; i < v->changed.n; i++) {
        const struct imap_changed *c = &v->changed.p[i];
        uint32_t number = wd_seqset_position(&v->uids, c->uid);
        if (number == 0 || wd_seqset_has(&v->gone, c->uid) || (i + 1 < v->changed.n && c[1].uid == c->uid))
            continue;
        wd_buf_c(out, "* ");
        wd_buf_u64(out, number);
        wd_buf_c(out, " FETCH (FLAGS ");
        wd_buf_c(out, c->flags);
        if (with_modseq) {
            wd_buf_c(out, " MODSEQ (");
            wd_buf_u64(out, c->modseq);
            wd_buf_chr(out, ')');
        }
        wd_buf_c(out, ")\r\n");
    }
    drop_changed(v);
}

void
imap_view_tell(struct imap_view *v, unsigned what, struct wd_buf *out)
{
    bool exists = false;

    if ((what & IMAP_TELL_EXPUNGE) && v->gone.n) {
        struct wd_seqset gone = v->gone;
        v->gone = (struct wd_seqset){ 0 };
        imap_view_expunge(v, &gone, out);
        wd_seqset_done(&gone);
        exists = true;
    }
    if ((what & IMAP_TELL_FLAGS) && v->changed.n)
        write_changed(v, what & IMAP_TELL_MODSEQ, out);
    if ((what & IMAP_TELL_EXISTS) && v->arrived.n) {
        wd_seqset_or(&v->uids, &v->arrived);
        wd_seqset_done(&v->arrived);
        exists = true;
    }
    if (exists)
        imap_view_write_exists(v, out);
}

void
imap_view_resolve(struct imap_view *v, struct wd_str set, bool by_uid, struct wd_seqset *out)
{
    struct wd_seqset asked = { 0 };
    uint32_t count = wd_seqset_count(&v->uids), last = by_uid ? wd_seqset_max(&v->uids) : count;

    if (last == 0 || !wd_seqset_parse(set, last, IMAP_SET_RANGES_MAX, &asked)) {
        wd_seqset_done(&asked);
        return;
    }
    for (size_t i = 0; i < asked.n && asked.ranges[i].first <= last; i++) {
        struct wd_range r = asked.ranges[i];
        if (r.last > last)
            r.last = last;
        if (by_uid)
            wd_seqset_add(out, r.first, r.last);
        else
            wd_seqset_add(out, wd_seqset_at(&v->uids, r.first), wd_seqset_at(&v->uids, r.last));
    }
    wd_seqset_done(&asked);
}

uint32_t
imap_view_number(struct imap_view *v, uint32_t uid)
{
    return wd_seqset_position(&v->uids, uid);
}

void
imap_view_write_numbers(struct imap_view *v, const struct wd_seqset *uids, struct wd_buf *out)
{
    struct wd_seqset known = { 0 }, numbers = { 0 };

    wd_seqset_and(&known, &v->uids, uids);
    for (size_t i = 0; i < known.n; i++)
        wd_seqset_add(&numbers, wd_seqset_position(&v->uids, known.ranges[i].first),
                      wd_seqset_position(&v->uids, known.ranges[i].last));
    wd_seqset_write(out, &numbers);
    wd_seqset_done(&known);
    wd_seqset_done(&numbers);
}
