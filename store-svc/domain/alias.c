#include "store-svc/domain/alias.h"

#include "common/base/clock.h"
#include "common/mail/address.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

enum { DOMAIN_MAX = 255 };

static void
alias_read(struct wd_arena *a, const bson_t *doc, struct wd_alias *out)
{
    wd_doc_id(doc, "_id", &out->id);
    out->alias = wd_arena_str(a, wd_doc_str(doc, "alias"));
    out->domain = wd_arena_str(a, wd_doc_str(doc, "domain"));
}

/* Normal form of a domain name that may be stored. */
static bool
domain_check(struct wd_arena *a, struct wd_str given, struct wd_str *out, struct wd_error *err)
{
    *out = wd_domain_unicode(a, wd_str_trim(given));
    for (size_t i = 0; i < out->n; i++)
        if ((unsigned char)out->p[i] <= ' ' || strchr("@*,;<>\"\\()\x7f", out->p[i]))
            return wd_fail(err, WD_INVALID, "not a domain name");
    if (out->n == 0 || out->n > DOMAIN_MAX || out->p[0] == '.' || out->p[0] == '-')
        return wd_fail(err, WD_INVALID, "not a domain name");
    return true;
}

static bool
alias_insert(struct wd_docs *batch, struct wd_alias *alias, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;

    alias->id = wd_id_new();
    wd_doc_add_id(&doc, "_id", alias->id);
    wd_doc_add_str(&doc, "alias", alias->alias);
    wd_doc_add_str(&doc, "domain", alias->domain);
    wd_doc_add_date(&doc, "created", wd_now_ms());
    if (wd_docs_insert(batch, WD_ALIASES, &doc, err))
        return true;
    if (err->reason == WD_DUPLICATE)
        return wd_fail(err, WD_ALIAS_EXISTS, "This domain alias already exists");
    return wd_fail_in(err, "insert alias");
}

bool
wd_alias_create(struct wd_domain *d, struct wd_arena *a, struct wd_str alias, struct wd_str domain,
                const struct wd_once *once, struct wd_alias *out, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_alias made = { 0 };
    bool repeated;

    if (!domain_check(a, alias, &made.alias, err) || !domain_check(a, domain, &made.domain, err))
        return false;
    if (wd_str_eq(made.alias, made.domain))
        return wd_fail(err, WD_INVALID, "a domain cannot be an alias of itself");
    if (!wd_docs_batch_begin(d->docs, &batch, err) || !wd_once_find(batch, once, &outcome, &repeated, err))
        return false;
    if (repeated) {
        alias_read(a, &outcome, out);
        return true;
    }
    if (!alias_insert(batch, &made, err))
        return false;
    wd_doc_add_id(&outcome, "_id", made.id);
    wd_doc_add_str(&outcome, "alias", made.alias);
    wd_doc_add_str(&outcome, "domain", made.domain);
    if (!wd_once_keep(batch, once, &outcome, err) || !wd_docs_batch_commit(wd_take(batch), err))
        return false;
    *out = made;
    return true;
}

bool
wd_alias_list(struct wd_domain *d, struct wd_arena *a, struct wd_str after, size_t limit, struct wd_alias **out,
              size_t *n, bool *more, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t sort wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .sort = &sort, .limit = (int64_t)limit + 1 };
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    struct wd_alias *list = WD_ARENA_ARRAY(a, struct wd_alias, limit);
    const bson_t *row;
    size_t count = 0;
    bson_t op;

    if (after.n) {
        bson_append_document_begin(&filter, "alias", -1, &op);
        wd_doc_add_str(&op, "$gt", after);
        bson_append_document_end(&filter, &op);
    }
    wd_doc_add_int(&sort, "alias", 1);
    if (!wd_docs_find(d->users, WD_ALIASES, &filter, &query, &rows, err) || !wd_docs_cursor_next(rows, &row, err))
        return wd_fail_in(err, "list aliases");
    while (row && count < limit) {
        alias_read(a, row, &list[count++]);
        if (!wd_docs_cursor_next(rows, &row, err))
            return wd_fail_in(err, "list aliases");
    }
    *out = list;
    *n = count;
    *more = row != NULL;
    return true;
}

bool
wd_alias_delete(struct wd_domain *d, struct wd_arena *a, struct wd_str alias, const struct wd_once *once,
                struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_str normal;
    int64_t removed;
    bool repeated;

    if (!domain_check(a, alias, &normal, err) || !wd_docs_batch_begin(d->docs, &batch, err) ||
        !wd_once_find(batch, once, &outcome, &repeated, err))
        return false;
    if (repeated)
        return true;
    wd_doc_add_str(&filter, "alias", normal);
    if (!wd_docs_remove_one(batch, WD_ALIASES, &filter, &removed, err))
        return wd_fail_in(err, "delete alias");
    if (!removed)
        return wd_fail(err, WD_ALIAS_NOT_FOUND, "This domain alias does not exist");
    return wd_once_keep(batch, once, &outcome, err) && wd_docs_batch_commit(wd_take(batch), err);
}

bool
wd_alias_target(struct wd_docs *docs, struct wd_arena *a, struct wd_str domain, struct wd_str *target, bool *found,
                struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_str(&filter, "alias", domain);
    if (!wd_docs_find_one(docs, WD_ALIASES, &filter, NULL, &row, found, err))
        return wd_fail_in(err, "find alias");
    if (*found)
        *target = wd_arena_str(a, wd_doc_str(&row, "domain"));
    return true;
}
