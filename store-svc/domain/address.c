#include "store-svc/domain/address.h"

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/user.h"

static bool
refuse(struct wd_error *err, const char *why)
{
    return wd_fail(err, WD_INVALID, "%s", why);
}

/* One `*`: at an end of the local part, with at most WD_WILDCARD_MAX characters beside it, or the whole domain. */
static bool
wildcard_check(struct wd_str address, struct wd_error *err)
{
    struct wd_str local, domain, fixed;

    wd_address_split(address, &local, &domain);
    if (wd_str_chr(address, '*') != wd_str_rchr(address, '*'))
        return refuse(err, "an address can have one * only");
    if (wd_str_eq(domain, WD_STR("*")))
        return true;
    if (wd_str_chr(domain, '*') != SIZE_MAX)
        return refuse(err, "a * can stand for the whole domain only");
    if (wd_str_starts(local, WD_STR("*")))
        fixed = wd_str_part(local, 1, local.n);
    else if (wd_str_ends(local, WD_STR("*")))
        fixed = wd_str_part(local, 0, local.n - 1);
    else
        return refuse(err, "a * can stand at the start or the end of the local part only");
    if (wd_utf8_first(fixed, WD_WILDCARD_MAX) < fixed.n)
        return refuse(err, "the part of a wildcard address beside its * is too long");
    return true;
}

static bool
address_check(struct wd_arena *a, const struct wd_address_new *in, struct wd_str *normal, struct wd_str *view,
              struct wd_error *err)
{
    struct wd_str given = wd_str_trim(in->address), local, domain;

    if (in->name.n > WD_ADDRESS_NAME_MAX || !wd_utf8_valid(in->name))
        return refuse(err, "the name is too long or no text");
    if (!wd_address_valid(given))
        return refuse(err, "not a mail address");
    *normal = wd_address_normal(a, given);
    wd_address_split(*normal, &local, &domain);
    if (!wd_address_valid(*normal) || domain.p[0] == '[' || domain.p[0] == '.' || wd_str_chr(local, '"') != SIZE_MAX)
        return refuse(err, "not a mail address that can be stored");
    if (wd_str_chr(local, '+') != SIZE_MAX)
        return refuse(err, "an address is stored without its +label");
    *view = wd_address_view(a, *normal);
    if (!wd_address_valid(*view))
        return refuse(err, "not a mail address that can be stored");
    if (wd_str_chr(*normal, '*') == SIZE_MAX)
        return true;
    if (in->main)
        return refuse(err, "a wildcard address cannot be the main address");
    return wildcard_check(*normal, err);
}

bool
wd_address_insert(struct wd_docs *batch, struct wd_arena *a, const struct wd_address_new *in,
                  struct wd_address_row *out, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_address_row row = { .id = wd_id_new(), .user = in->user, .main = in->main, .created_ms = wd_now_ms() };
    struct wd_str view;

    if (!address_check(a, in, &row.address, &view, err))
        return false;
    row.name = wd_arena_str(a, in->name);
    wd_doc_add_id(&doc, "_id", row.id);
    wd_doc_add_id(&doc, "user", row.user);
    wd_doc_add_str(&doc, "name", row.name);
    wd_doc_add_str(&doc, "address", row.address);
    wd_doc_add_str(&doc, "addrview", view);
    wd_doc_add_date(&doc, "created", row.created_ms);
    if (!wd_docs_insert(batch, WD_ADDRESSES, &doc, err)) {
        if (err->reason == WD_DUPLICATE)
            return wd_fail(err, WD_ADDRESS_EXISTS, "This email address already exists");
        return wd_fail_in(err, "insert address");
    }
    *out = row;
    return true;
}

static void
row_read(struct wd_arena *a, const bson_t *doc, struct wd_str main, struct wd_address_row *out)
{
    *out = (struct wd_address_row){ .created_ms = wd_doc_date(doc, "created", 0) };
    wd_doc_id(doc, "_id", &out->id);
    wd_doc_id(doc, "user", &out->user);
    out->address = wd_arena_str(a, wd_doc_str(doc, "address"));
    out->name = wd_arena_str(a, wd_doc_str(doc, "name"));
    out->main = main.n && wd_str_eq(out->address, main);
}

static bool
row_by_id(struct wd_docs *docs, struct wd_id id, bson_t *out, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, "_id", id);
    return wd_docs_find_one(docs, WD_ADDRESSES, &filter, NULL, out, found, err) || wd_fail_in(err, "find address");
}

static bool
main_address(struct wd_docs *docs, struct wd_arena *a, struct wd_id user, struct wd_str *out, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    if (!wd_user_doc(docs, user, &doc, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_USER_NOT_FOUND, "This user does not exist");
    *out = wd_arena_str(a, wd_doc_str(&doc, "address"));
    return true;
}

static bool
set_main(struct wd_docs *batch, struct wd_id user, struct wd_str address, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;

    wd_doc_add_id(&filter, "_id", user);
    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_str(&set, "address", address);
    bson_append_document_end(&update, &set);
    return wd_docs_update(batch, WD_USERS, &filter, &update, WD_UPDATE_ONE, NULL, err) ||
           wd_fail_in(err, "set main address");
}

/* The outcome of a create is the row's id. */
static bool
repeated_row(struct wd_docs *batch, struct wd_arena *a, const bson_t *outcome, struct wd_id user,
             struct wd_address_row *out, struct wd_error *err)
{
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_str main;
    struct wd_id id;
    bool found;

    if (!wd_doc_id(outcome, "_id", &id) || !row_by_id(batch, id, &row, &found, err) ||
        !main_address(batch, a, user, &main, err))
        return false;
    if (!found)
        return wd_fail(err, WD_ADDRESS_NOT_FOUND, "the address has been removed since");
    row_read(a, &row, main, out);
    return true;
}

bool
wd_address_create(struct wd_domain *d, struct wd_arena *a, const struct wd_address_new *in, const struct wd_once *once,
                  struct wd_address_row *out, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_address_row row;
    struct wd_str main;
    bool repeated;

    if (!wd_docs_batch_begin(d->docs, &batch, err) || !wd_once_find(batch, once, &outcome, &repeated, err))
        return false;
    if (repeated)
        return repeated_row(batch, a, &outcome, in->user, out, err);
    if (!main_address(batch, a, in->user, &main, err) || !wd_address_insert(batch, a, in, &row, err))
        return false;
    row.main = in->main || (main.n == 0 && wd_str_chr(row.address, '*') == SIZE_MAX);
    if (row.main && !set_main(batch, in->user, row.address, err))
        return false;
    wd_doc_add_id(&outcome, "_id", row.id);
    if (!wd_once_keep(batch, once, &outcome, err) || !wd_docs_batch_commit(wd_take(batch), err))
        return wd_fail_in(err, "create address");
    *out = row;
    return true;
}

bool
wd_address_list_of(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_address_row **out, size_t *n,
                   struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t sort wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .sort = &sort };
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    struct wd_str main;
    const bson_t *row;
    int64_t expected;
    size_t count = 0;

    wd_doc_add_id(&filter, "user", user);
    wd_doc_add_int(&sort, "addrview", 1);
    if (!main_address(d->users, a, user, &main, err) || !wd_docs_count(d->users, WD_ADDRESSES, &filter, &expected, err))
        return false;
    *out = WD_ARENA_ARRAY(a, struct wd_address_row, (size_t)expected + 1);
    query.limit = expected + 1; /* a row that appears in between is left for the next time */
    if (!wd_docs_find(d->users, WD_ADDRESSES, &filter, &query, &rows, err))
        return wd_fail_in(err, "list addresses");
    for (;;) {
        if (!wd_docs_cursor_next(rows, &row, err))
            return wd_fail_in(err, "list addresses");
        if (!row)
            break;
        row_read(a, row, main, &(*out)[count++]);
    }
    *n = count;
    return true;
}

/* The row that is meant, if it is the user's. */
static bool
row_of_user(struct wd_docs *batch, struct wd_arena *a, struct wd_id user, struct wd_id id, struct wd_str address,
            struct wd_address_row *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_str main;
    bool found;

    if (!main_address(batch, a, user, &main, err))
        return false;
    if (!wd_id_is_zero(id))
        wd_doc_add_id(&filter, "_id", id);
    else if (address.n && address.n <= WD_ADDRESS_MAX)
        wd_doc_add_str(&filter, "addrview", wd_address_view(a, address));
    else
        return refuse(err, "neither the address nor its id is given");
    wd_doc_add_id(&filter, "user", user);
    if (!wd_docs_find_one(batch, WD_ADDRESSES, &filter, NULL, &row, &found, err))
        return wd_fail_in(err, "find address");
    if (!found)
        return wd_fail(err, WD_ADDRESS_NOT_FOUND, "This address does not exist");
    row_read(a, &row, main, out);
    return true;
}

bool
wd_address_delete(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_id id, struct wd_str address,
                  const struct wd_once *once, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_address_row row;
    bool repeated;

    if (!wd_docs_batch_begin(d->docs, &batch, err) || !wd_once_find(batch, once, &outcome, &repeated, err))
        return false;
    if (repeated)
        return true;
    if (!row_of_user(batch, a, user, id, address, &row, err))
        return false;
    if (row.main)
        return refuse(err, "the main address cannot be removed: make another one the main address first");
    wd_doc_add_id(&filter, "_id", row.id);
    return wd_docs_remove_one(batch, WD_ADDRESSES, &filter, NULL, err) && wd_once_keep(batch, once, &outcome, err) &&
           wd_docs_batch_commit(wd_take(batch), err);
}
