#include "store-svc/domain/fetch.h"

#include "common/base/vec.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/flag_change.h"
#include "store-svc/domain/imap_data.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/opened.h"

struct page {
    struct wd_domain *d;
    struct wd_arena *arena;
    const struct wd_fetch *in;
    struct WD_VEC(struct wd_fetched) messages;
    size_t bytes, limit;
    uint64_t read; /* of bodies */
    uint32_t next;
};

/* ---- one message ---- */

/* The part of a document that IMAP data is read from, in the arena: its slices outlive the cursor.
 */
static void
copy_imap_data(struct page *p, const bson_t *doc, bson_t *out)
{
    bson_t kept wd_auto(bson_destroy) = BSON_INITIALIZER;
    static const char *const fields[] = { "envelope", "bodystructure" };
    struct wd_str bytes;
    bson_iter_t at;

    for (size_t i = 0; i < WD_COUNT(fields); i++)
        if (bson_iter_init_find(&at, doc, fields[i]))
            bson_append_iter(&kept, fields[i], -1, &at);
    bytes = wd_arena_str(p->arena, wd_str_n(bson_get_data(&kept), kept.len));
    if (!bson_init_static(out, (const uint8_t *)bytes.p, bytes.n))
        bson_init(out);
    p->bytes += kept.len;
}

static void
add_imap_data(struct page *p, const bson_t *doc, struct wd_fetched *m)
{
    bson_t data;

    if (!p->in->envelope && !p->in->body_structure)
        return;
    copy_imap_data(p, doc, &data);
    if (p->in->envelope) {
        m->has_envelope = true;
        wd_envelope_load(p->arena, &data, "envelope", &m->envelope);
    }
    if (p->in->body_structure)
        wd_structure_load(p->arena, &data, "bodystructure", &m->structure);
}

static uint64_t
part_size(const struct wd_section_range *range, uint64_t size)
{
    uint64_t left = range->offset < size ? size - range->offset : 0;

    return left < range->length ? left : range->length;
}

static bool
read_section(struct page *p, struct wd_body *body, const struct wd_section_range *range,
             struct wd_fetched_section *out, struct wd_error *err)
{
    struct wd_buf data wd_auto(wd_buf_done) = { 0 };
    uint64_t whole;

    if (!wd_body_section(body, &range->section, &whole, &out->found, err))
        return false;
    if (!out->found)
        return true;
    out->size = part_size(range, whole);
    if (out->size > p->in->inline_limit || out->size > WD_FETCH_PAGE_BYTES ||
        (p->bytes + out->size > WD_FETCH_PAGE_BYTES && out->size > 0 && p->messages.n == 0))
        return true;
    if (!wd_body_read(body, &range->section, range->offset, (size_t)out->size, &data, err))
        return false;
    out->has_data = true;
    out->data = wd_arena_str(p->arena, wd_buf_view(&data));
    p->bytes += data.n;
    p->read += data.n;
    return true;
}

/* A document that is broken has no sections; the other messages of the page do not suffer from it.
 */
static bool
add_sections(struct page *p, const bson_t *doc, struct wd_fetched *m, struct wd_error *err)
{
    struct wd_arena *arena wd_auto(wd_arena_freep) = NULL;
    struct wd_body *body;

    if (p->in->n_sections == 0)
        return true;
    m->sections = WD_ARENA_ARRAY(p->arena, struct wd_fetched_section, p->in->n_sections);
    arena = wd_arena_new(0);
    if (!wd_body_open(arena, doc, p->d->blobs, &body, err))
        return err->reason == WD_DATA_LOSS;
    for (size_t i = 0; i < p->in->n_sections; i++)
        if (!read_section(p, body, &p->in->sections[i], &m->sections[i], err)) {
            if (err->reason != WD_DATA_LOSS)
                return false;
            m->sections[i] = (struct wd_fetched_section){ 0 };
        }
    return true;
}

static bool
add_message(const bson_t *doc, uint32_t uid, bool *stop, void *data, struct wd_error *err)
{
    struct page *p = data;
    size_t bytes_before = p->bytes;
    uint64_t read_before = p->read;
    struct wd_fetched m = { 0 };

    if (p->messages.n >= p->limit) {
        p->next = uid;
        *stop = true;
        return true;
    }
    wd_message_read(doc, p->arena, &m.head);
    p->bytes += 48;
    for (size_t i = 0; i < m.head.n_flags; i++)
        p->bytes += m.head.flags[i].n + 2;
    add_imap_data(p, doc, &m);
    if (!add_sections(p, doc, &m, err))
        return false;
    if (p->bytes > WD_FETCH_PAGE_BYTES && p->messages.n > 0) { /* it comes with the next page */
        p->bytes = bytes_before;
        p->read = read_before;
        p->next = uid;
        *stop = true;
        return true;
    }
    wd_vec_push(&p->messages, m);
    return true;
}

/* ---- \Seen ---- */

static struct wd_fetched *
fetched_with(struct wd_fetched *messages, size_t n, uint32_t uid)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (messages[middle].head.uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && messages[low].head.uid == uid ? &messages[low] : NULL;
}

/* Messages are read again in the batch: flags may have changed since the page was read. At most
 * WD_JOURNAL_GROUP are in a page. *next is where to go on, 0 when all are seen. */
static bool
see_some(struct page *p, const struct wd_mailbox *mailbox, const struct wd_seqset *uids,
         uint32_t *next, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct wd_flag_change change = { .mode = WD_FLAGS_ADD,
                                     .system_flags = WD_FLAG_SEEN,
                                     .session = p->in->session };
    struct wd_flag_run run = { .d = p->d,
                               .arena = p->arena,
                               .user = mailbox->user,
                               .mailbox = mailbox->id,
                               .uids = uids,
                               .change = &change };

    if (!wd_docs_batch_begin(p->d->docs, &batch, err))
        return false;
    run.batch = batch;
    if (!wd_flag_run(&run, err) || !wd_docs_batch_commit(wd_take(batch), err))
        return false;
    wd_flag_run_done(&run);
    for (size_t i = 0; i < run.done; i++) {
        struct wd_fetched *m = fetched_with(p->messages.p, p->messages.n, run.heads[i].uid);

        if (m)
            m->head = run.heads[i];
    }
    *next = run.next;
    return true;
}

static bool
set_seen(struct page *p, const struct wd_mailbox *mailbox, struct wd_error *err)
{
    struct wd_seqset unseen wd_auto(wd_seqset_done) = { 0 };
    uint32_t next = 1;

    for (size_t i = 0; i < p->messages.n; i++)
        if (!wd_message_has(&p->messages.p[i].head, WD_FLAG_SEEN))
            wd_seqset_add(&unseen, p->messages.p[i].head.uid, p->messages.p[i].head.uid);
    while (next && unseen.n) {
        if (!see_some(p, mailbox, &unseen, &next, err))
            return false;
        if (next > 1)
            wd_seqset_remove(&unseen, 1, next - 1);
    }
    return true;
}

/* ---- the page ---- */

static void
choose_fields(const struct wd_fetch *in, bson_t *fields)
{
    wd_message_fields(fields);
    if (in->envelope)
        wd_doc_add_int(fields, "envelope", 1);
    if (in->body_structure)
        wd_doc_add_int(fields, "bodystructure", 1);
    if (in->n_sections) {
        wd_doc_add_int(fields, "mimeTree", 1);
        wd_doc_add_int(fields, WD_LAYOUT_FIELD, 1);
    }
}

static bool
read_page(struct page *p, struct wd_error *err)
{
    bson_t fields wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t newer wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_message_walk walk = {
        .mailbox = p->in->mailbox, .uids = p->in->uids, .from = p->in->from, .fields = &fields
    };

    choose_fields(p->in, &fields);
    if (p->in->has_changed_since) {
        wd_doc_add_op(&newer, "modseq", "$gt", (int64_t)p->in->changed_since);
        walk.only = &newer;
    }
    return wd_message_walk(p->d->docs, &walk, add_message, p, err);
}

bool
wd_fetch(struct wd_domain *d, struct wd_arena *a, const struct wd_fetch *in,
         struct wd_fetched **out, size_t *n, uint32_t *next, struct wd_error *err)
{
    struct page p = { .d = d, .arena = a, .in = in, .limit = WD_FETCH_PAGE_MESSAGES };
    struct wd_mailbox mailbox;
    bool ok;

    if (in->n_sections > WD_FETCH_SECTIONS)
        return wd_fail(err, WD_INVALID, "more than %d sections at once", WD_FETCH_SECTIONS);
    if (!wd_mailbox_need_id(d->docs, a, in->user, in->mailbox, &mailbox, err) ||
        !wd_meter_check(d, a, in->meter, in->user, err))
        return false;
    if (in->set_seen)
        p.limit = WD_JOURNAL_GROUP;
    ok = read_page(&p, err) && (!in->set_seen || set_seen(&p, &mailbox, err));
    if (ok) {
        *out = WD_ARENA_ARRAY(a, struct wd_fetched, p.messages.n);
        if (p.messages.n)
            memcpy(*out, p.messages.p, p.messages.n * sizeof **out);
        *n = p.messages.n;
        *next = p.next;
        wd_meter_add(d, in->meter, in->user, p.read);
    }
    wd_vec_done(&p.messages);
    return ok;
}

/* ---- one body ---- */

bool
wd_read_body(struct wd_domain *d, struct wd_arena *a, const struct wd_read_body *in,
             struct wd_buf *out, uint64_t *size, struct wd_error *err)
{
    bool asked = in->meter == WD_METER_POP3 && in->range.offset > 0;
    struct wd_mailbox mailbox;
    struct wd_opened *o;
    uint64_t bytes;
    bool found, ok;

    if (!wd_mailbox_need_id(d->docs, a, in->user, in->mailbox, &mailbox, err) ||
        (!asked && !wd_meter_check(d, a, in->meter, in->user, err)) ||
        !wd_opened_take(d, in->mailbox, in->uid, &o, err))
        return false;
    ok = wd_body_section(o->body, &in->range.section, size, &found, err);
    if (ok && !found)
        ok = wd_fail(err, WD_MESSAGE_NOT_FOUND, "no such part");
    if (ok) {
        bytes = part_size(&in->range, *size);
        ok = wd_body_read(o->body, &in->range.section, in->range.offset,
                          bytes < WD_READ_MAX ? (size_t)bytes : WD_READ_MAX, out, err);
    }
    wd_opened_give(d, o);
    if (ok)
        wd_meter_add(d, in->meter, in->user, out->n);
    return ok;
}
