#include "store-svc/domain/append.h"

#include "common/base/clock.h"
#include "common/mail/flags.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/insert.h"
#include "store-svc/domain/user.h"

enum {
    TRIES = 5, /* an attachment body that is collected between intake and insert is rare, and rarer each time */
    DAY_S = 24 * 60 * 60,
    KEYWORDS_MAX = 100,
};

struct appending {
    struct wd_domain *d;
    struct wd_arena *a;
    const struct wd_append *in;
    struct wd_user user;
    uint64_t size;
};

static bool
load_user(struct appending *p, struct wd_error *err)
{
    struct wd_user_ref ref = { .id = p->in->user };

    return wd_user_get(p->d, p->a, &ref, &p->user, err);
}

static bool
has_room(struct appending *p, struct wd_error *err)
{
    return p->user.storage_used <= p->user.quota || wd_fail(err, WD_OVER_QUOTA, "The mailbox is full");
}

static struct wd_buf
upload_key(struct wd_id user)
{
    struct wd_buf key = { 0 };
    char hex[WD_ID_HEX + 1];

    wd_buf_printf(&key, "iup:%s", wd_id_hex(user, hex));
    return key;
}

/* Counts bytes, or only looks when bytes is 0. A bus that does not answer stops nobody. */
static bool
below_upload_limit(struct appending *p, uint64_t bytes, int64_t *ttl_s)
{
    struct wd_buf key wd_auto(wd_buf_done) = upload_key(p->in->user);
    struct wd_bus_count count;
    struct wd_error ignored;
    int64_t limit = bytes ? 0 : (int64_t)p->user.imap_upload_bytes;

    if (!wd_bus_count(p->d->bus, wd_buf_view(&key), (int64_t)bytes, limit, DAY_S, &count, &ignored))
        return true;
    *ttl_s = count.ttl_s;
    return count.ok;
}

static bool
may_upload(struct appending *p, struct wd_error *err)
{
    int64_t ttl_s = 0;

    return below_upload_limit(p, 0, &ttl_s) ||
           wd_fail(err, WD_UPLOAD_LIMIT, "Upload limit reached, try again in %lld minutes",
                   (long long)(ttl_s > 0 ? (ttl_s + 59) / 60 : 1));
}

static bool
has_size(struct appending *p, struct wd_error *err)
{
    return p->size <= p->d->options.max_message_bytes ||
           wd_fail(err, WD_MESSAGE_TOO_BIG, "The message is larger than %llu bytes",
                   (unsigned long long)p->d->options.max_message_bytes);
}

static bool
has_mailbox(struct appending *p, struct wd_error *err)
{
    struct wd_mailbox mailbox;

    return wd_mailbox_need_path(p->d->docs, p->a, p->in->user, p->in->path, &mailbox, err);
}

static bool
has_keywords(struct appending *p, struct wd_error *err)
{
    size_t i;

    if (p->in->n_keywords > KEYWORDS_MAX)
        return wd_fail(err, WD_INVALID, "More than %d keywords", KEYWORDS_MAX);
    for (i = 0; i < p->in->n_keywords; i++)
        if (!wd_keyword_valid(p->in->keywords[i]))
            return wd_fail(err, WD_INVALID, "Malformed keyword");
    return true;
}

/* APPEND: quota and rate before the mailbox, so that a full user learns that first. */
static bool (*const rules[])(struct appending *, struct wd_error *) = {
    load_user, has_room, may_upload, has_size, has_mailbox, has_keywords,
};

static void
fill_meta(const struct appending *p, bson_t *meta)
{
    bson_t to;

    wd_doc_add_str(meta, "source", p->in->source.n ? p->in->source : WD_STR("IMAP"));
    wd_doc_add_str(meta, "from", WD_NONE);
    bson_append_array_begin(meta, "to", -1, &to);
    wd_doc_add_str(&to, "0", p->user.address);
    bson_append_array_end(meta, &to);
    wd_doc_add_str(meta, "origin", p->in->ip);
    wd_doc_add_str(meta, "transtype", p->in->transport.n ? p->in->transport : WD_STR("APPEND"));
}

static bool
take_in_and_insert(struct appending *p, struct wd_inserted *made, struct wd_error *err)
{
    bson_t meta wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t idate = p->in->idate_ms ? p->in->idate_ms : wd_now_ms();
    struct wd_source_memory memory;
    struct wd_source_upload upload;
    struct wd_source *source = p->in->uploaded
                                   ? wd_source_upload(&upload, p->d->blobs, p->in->upload, p->in->upload_size)
                                   : wd_source_memory(&memory, p->in->raw);
    struct wd_intake intake;
    struct wd_insert insert = {
        .user = p->in->user, .intake = &intake, .targets = &p->in->path, .n_targets = 1,
        .quota = WD_INSERT_UPTO_QUOTA, .system_flags = p->in->system_flags, .keywords = p->in->keywords,
        .n_keywords = p->in->n_keywords, .idate_ms = idate, .meta = &meta, .once = p->in->once,
    };
    bool ok = false;
    int i;

    fill_meta(p, &meta);
    for (i = 0; i < TRIES && !ok; i++) {
        if (!wd_intake_read(p->a, source, p->d->blobs, idate, &intake, err))
            return false;
        ok = wd_insert(p->d, p->a, &insert, 1, made, err);
        wd_intake_done(&intake);
        if (!ok && err->reason != WD_CONFLICT)
            return false;
    }
    return ok;
}

static void
finish(struct appending *p, const struct wd_inserted *made)
{
    struct wd_error ignored;
    int64_t ttl_s;

    if (!made->repeated)
        below_upload_limit(p, p->size, &ttl_s);
    if (p->in->uploaded && !wd_blobs_upload_drop(p->d->blobs, p->in->upload, &ignored))
        return; /* it goes by itself */
}

bool
wd_message_append(struct wd_domain *d, struct wd_arena *a, const struct wd_append *in, struct wd_appended *out,
                  struct wd_error *err)
{
    struct appending p = { .d = d, .a = a, .in = in, .size = in->uploaded ? in->upload_size : in->raw.n };
    struct wd_inserted made;
    bool found;
    size_t i;

    if (!wd_insert_recall(d->docs, a, &in->once, &made, &found, err))
        return false;
    for (i = 0; !found && i < WD_COUNT(rules); i++)
        if (!rules[i](&p, err))
            return false;
    if (!found && !take_in_and_insert(&p, &made, err))
        return false;
    finish(&p, &made);
    *out = (struct wd_appended){ .mailbox = made.mailbox, .message = made.message, .uid_validity = made.uid_validity,
                                 .uid = made.uid, .modseq = made.modseq, .size = made.size };
    return true;
}
