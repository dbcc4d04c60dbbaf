#include "store-svc/domain/authlog.h"

#include <openssl/evp.h>

#include "common/base/clock.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

static const int64_t merge_ms = 6 * 60 * 60 * 1000;

enum { TEXT_MAX = 256 }; /* bytes of what a peer chose */

static struct wd_str
bounded(struct wd_str s)
{
    return wd_str_part(s, 0, TEXT_MAX);
}

/* MD5 over protocol^ip^action^result^target, as existing installations make it; target is never set here. */
static void
row_key(const struct wd_authlog *e, uint8_t key[16])
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_str protocol = bounded(e->protocol), ip = bounded(e->ip);
    unsigned n = 16;

    wd_buf_str(&text, protocol);
    wd_buf_chr(&text, '^');
    wd_buf_str(&text, ip);
    wd_buf_printf(&text, "^%s^%s^", e->action, e->result);
    EVP_Digest(text.p, text.n, key, &n, EVP_md5(), NULL);
}

static void
add_text(bson_t *doc, const char *field, struct wd_str value)
{
    if (value.n)
        wd_doc_add_str(doc, field, bounded(value));
}

static bool
insert_row(const struct wd_domain *d, struct wd_docs *docs, const struct wd_authlog *e, const uint8_t key[16],
           struct wd_id *event, struct wd_error *err)
{
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t now = wd_now_ms();

    *event = wd_id_new();
    wd_doc_add_id(&row, "_id", *event);
    wd_doc_add_id(&row, "user", e->user);
    wd_doc_add_str(&row, "action", wd_str_c(e->action));
    wd_doc_add_str(&row, "result", wd_str_c(e->result));
    add_text(&row, "protocol", e->protocol);
    add_text(&row, "ip", e->ip);
    add_text(&row, "sess", e->sess);
    add_text(&row, "appId", e->app_id);
    add_text(&row, "requiredScope", wd_str_c(e->scope));
    add_text(&row, "source", wd_str_c(e->source));
    if (!wd_id_is_zero(e->asp))
        wd_doc_add_id(&row, "asp", e->asp);
    add_text(&row, "aname", e->asp_name);
    wd_doc_add_bytes(&row, "key", key, 16);
    wd_doc_add_int(&row, "events", 1);
    wd_doc_add_date(&row, "created", now);
    wd_doc_add_date(&row, "last", now);
    wd_doc_add_date(&row, "expires", now + d->options.authlog_ms);
    return wd_docs_insert(docs, WD_AUTHLOG, &row, err) || wd_fail_in(err, "write authlog");
}

bool
wd_authlog_add(const struct wd_domain *d, struct wd_docs *docs, const struct wd_authlog *e, struct wd_id *event,
               struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    uint8_t key[16];
    bson_t part;
    bool found;

    *event = (struct wd_id){ 0 };
    if (d->options.authlog_ms <= 0)
        return true;
    row_key(e, key);
    wd_doc_add_id(&filter, "user", e->user);
    bson_append_document_begin(&filter, "created", -1, &part);
    wd_doc_add_date(&part, "$gte", wd_now_ms() - merge_ms);
    bson_append_document_end(&filter, &part);
    wd_doc_add_bytes(&filter, "key", key, sizeof key);
    bson_append_document_begin(&update, "$set", -1, &part);
    wd_doc_add_date(&part, "last", wd_now_ms());
    bson_append_document_end(&update, &part);
    wd_doc_add_op(&update, "$inc", "events", 1);
    if (!wd_docs_find_and_update(docs, WD_AUTHLOG, &filter, &update, 0, NULL, &row, &found, err))
        return wd_fail_in(err, "write authlog");
    if (!found)
        return insert_row(d, docs, e, key, event, err);
    wd_doc_id(&row, "_id", event);
    return true;
}

bool
wd_authlog_list(const struct wd_domain *d, struct wd_arena *a, const struct wd_authlog_query *q,
                const struct wd_page *page, wd_page_row *each, void *data, struct wd_paged *out, struct wd_error *err)
{
    static const struct wd_page_order newest_first = { .coll = WD_AUTHLOG, .descending = true };
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, "user", q->user);
    if (q->action.n)
        wd_doc_add_str(&filter, "action", q->action);
    if (q->ip.n)
        wd_doc_add_str(&filter, "ip", q->ip);
    return wd_page_read(d->users, a, &newest_first, &filter, page, each, data, out, err);
}

bool
wd_authlog_get(const struct wd_domain *d, struct wd_id user, struct wd_id event, bson_t *doc, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    wd_doc_add_id(&filter, "_id", event);
    wd_doc_add_id(&filter, "user", user);
    if (!wd_docs_find_one(d->users, WD_AUTHLOG, &filter, NULL, doc, &found, err))
        return wd_fail_in(err, "find authlog event");
    return found || wd_fail(err, WD_EVENT_NOT_FOUND, "Event was not found");
}
