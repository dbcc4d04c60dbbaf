/* Which address row a recipient or login belongs to: exact, by domain alias, by wildcard (docs/storage.md). */
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "store-svc/domain/address.h"
#include "store-svc/domain/alias.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

/* What is looked for: the parts of the address view, and the domain that its domain is an alias of. */
struct wanted {
    struct wd_str local, domain, target; /* target is empty without an alias */
};

static bool
row_by_view(struct wd_docs *docs, struct wd_str view, bson_t *row, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_str(&filter, "addrview", view);
    return wd_docs_find_one(docs, WD_ADDRESSES, &filter, NULL, row, found, err) || wd_fail_in(err, "find address");
}

static void
add_pattern(bson_t *to, uint32_t *n, struct wd_str head, struct wd_str star_or_tail, struct wd_str domain)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    char digits[16];
    const char *key;

    wd_buf_str(&text, head);
    wd_buf_str(&text, star_or_tail);
    wd_buf_chr(&text, '@');
    wd_buf_str(&text, domain);
    bson_uint32_to_string((*n)++, &key, digits, sizeof digits);
    wd_doc_add_str(to, key, wd_buf_view(&text));
}

/* Every "abc*@domain" and "*abc@domain" that the local part matches, "*@domain" included. */
static void
add_patterns(bson_t *to, uint32_t *n, struct wd_str local, struct wd_str domain)
{
    static const struct wd_str star = WD_STR_C("*");

    for (size_t chars = 0, cut = SIZE_MAX; chars <= WD_WILDCARD_MAX; chars++) {
        size_t end = wd_utf8_first(local, chars);

        if (end == cut)
            break; /* the whole local part has been used */
        cut = end;
        add_pattern(to, n, wd_str_part(local, 0, end), star, domain);
    }
    for (size_t chars = 0, at = local.n; chars < WD_WILDCARD_MAX && at > 0; chars++) {
        do
            at--;
        while (at > 0 && ((unsigned char)local.p[at] & 0xc0) == 0x80);
        add_pattern(to, n, star, wd_str_part(local, at, local.n), domain);
    }
}

/* Of two patterns that match: the literal domain's before the alias target's, then the longer. */
static bool
better(const struct wanted *w, struct wd_str one, struct wd_str than)
{
    struct wd_str local, domain, local_than, domain_than;
    bool literal, literal_than;

    wd_address_split(one, &local, &domain);
    wd_address_split(than, &local_than, &domain_than);
    literal = wd_str_eq(domain, w->domain);
    literal_than = wd_str_eq(domain_than, w->domain);
    if (literal != literal_than)
        return literal;
    if (local.n != local_than.n)
        return local.n > local_than.n;
    return wd_str_cmp(local, local_than) > 0; /* any order will do, as long as it is always the same */
}

static bool
row_by_wildcard(struct wd_docs *docs, const struct wanted *w, bson_t *row, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *at;
    bson_t op, list;
    uint32_t n = 0;

    bson_append_document_begin(&filter, "addrview", -1, &op);
    bson_append_array_begin(&op, "$in", -1, &list);
    add_patterns(&list, &n, w->local, w->domain);
    if (w->target.n)
        add_patterns(&list, &n, w->local, w->target);
    bson_append_array_end(&op, &list);
    bson_append_document_end(&filter, &op);
    *found = false;
    if (!wd_docs_find(docs, WD_ADDRESSES, &filter, NULL, &rows, err))
        return wd_fail_in(err, "find wildcard");
    for (;;) {
        if (!wd_docs_cursor_next(rows, &at, err))
            return wd_fail_in(err, "find wildcard");
        if (!at)
            return true;
        if (*found && !better(w, wd_doc_str(at, "addrview"), wd_doc_str(row, "addrview")))
            continue;
        bson_reinit(row);
        bson_concat(row, at);
        *found = true;
    }
}

static bool
find_row(struct wd_docs *docs, struct wd_arena *a, struct wd_str view, unsigned flags, bson_t *row, bool *found,
         struct wd_error *err)
{
    struct wanted w = { 0 };
    bool aliased;

    wd_address_split(view, &w.local, &w.domain);
    if (!row_by_view(docs, view, row, found, err))
        return false;
    if (*found)
        return true;
    if (!wd_alias_target(docs, a, w.domain, &w.target, &aliased, err))
        return false;
    if (aliased && !row_by_view(docs, wd_arena_printf(a, "%.*s@%.*s", WD_FMT(w.local), WD_FMT(w.target)), row, found,
                                err))
        return false;
    if (*found || !(flags & WD_RESOLVE_WILDCARDS))
        return true;
    if (!row_by_wildcard(docs, &w, row, found, err))
        return false;
    return *found || row_by_view(docs, wd_arena_printf(a, "%.*s@*", WD_FMT(w.local)), row, found, err);
}

bool
wd_address_resolve(struct wd_docs *docs, struct wd_arena *a, struct wd_str address, unsigned flags,
                   struct wd_resolved *out, struct wd_error *err)
{
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_resolved got = { .kind = WD_RESOLVED_NONE };
    struct wd_str view;
    bool found;

    *out = got;
    if (address.n > WD_ADDRESS_MAX || !wd_address_valid(address) || wd_str_chr(address, '*') != SIZE_MAX)
        return true;
    view = wd_address_view(a, address);
    if (!wd_address_valid(view))
        return true;
    if (!find_row(docs, a, view, flags, &row, &found, err))
        return false;
    if (!found)
        return true;
    wd_doc_id(&row, "_id", &got.id);
    got.address = wd_arena_str(a, wd_doc_str(&row, "address"));
    if (wd_doc_id(&row, "user", &got.user))
        got.kind = WD_RESOLVED_USER;
    else if (wd_doc_has(&row, "targets") && !wd_doc_bool(&row, "forwardedDisabled", false))
        got.kind = WD_RESOLVED_FORWARD;
    *out = got;
    return true;
}
