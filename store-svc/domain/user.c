/* Reading accounts. */
#include "store-svc/domain/user.h"

#include "common/mail/address.h"
#include "store-svc/domain/address.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

static unsigned
read_scopes(const bson_t *doc)
{
    unsigned scopes = 0;
    bson_iter_t at;
    bson_t list;
    uint32_t n;

    if (!wd_doc_sub(doc, "disabledScopes", &list) || !bson_iter_init(&at, &list))
        return 0;
    while (bson_iter_next(&at))
        if (BSON_ITER_HOLDS_UTF8(&at)) {
            const char *name = bson_iter_utf8(&at, &n);
            scopes |= wd_scope_named(wd_str_n(name, n));
        }
    return scopes;
}

/* A number of the document that is above zero, else the default. */
static uint64_t
own_or(const bson_t *doc, const char *field, uint64_t otherwise)
{
    int64_t own = wd_doc_int(doc, field, 0);

    return own > 0 ? (uint64_t)own : otherwise;
}

static uint32_t
own_or32(const bson_t *doc, const char *field, uint32_t otherwise)
{
    uint64_t value = own_or(doc, field, otherwise);

    return value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
}

void
wd_user_read(const struct wd_domain *d, struct wd_arena *a, const bson_t *doc, struct wd_user *out)
{
    const struct wd_domain_options *o = &d->options;
    int64_t used = wd_doc_int(doc, "storageUsed", 0), retention = wd_doc_int(doc, "retention", 0);

    *out = (struct wd_user){
        .username = wd_arena_str(a, wd_doc_str(doc, "username")),
        .name = wd_arena_str(a, wd_doc_str(doc, "name")),
        .address = wd_arena_str(a, wd_doc_str(doc, "address")),
        .language = wd_arena_str(a, wd_doc_str(doc, "language")),
        .quota_own = own_or(doc, "quota", 0),
        .quota = own_or(doc, "quota", o->max_storage_bytes),
        .storage_used = used > 0 ? (uint64_t)used : 0,
        .recipients = own_or32(doc, "recipients", o->max_recipients),
        .forwards = own_or32(doc, "forwards", o->max_forwards),
        .recipients_own = own_or32(doc, "recipients", 0),
        .forwards_own = own_or32(doc, "forwards", 0),
        .receive_max = own_or32(doc, "receivedMax", o->receive_max),
        .imap_upload_bytes = own_or(doc, "imapMaxUpload", o->imap_upload_bytes),
        .imap_download_bytes = own_or(doc, "imapMaxDownload", o->imap_download_bytes),
        .imap_max_connections = own_or32(doc, "imapMaxConnections", o->imap_max_connections),
        .pop3_download_bytes = own_or(doc, "pop3MaxDownload", o->pop3_download_bytes),
        .pop3_max_messages = own_or32(doc, "pop3MaxMessages", o->pop3_max_messages),
        .disabled = wd_doc_bool(doc, "disabled", false),
        .suspended = wd_doc_bool(doc, "suspended", false),
        .activated = wd_doc_bool(doc, "activated", true), /* a row under construction says false */
        .has_password = wd_doc_str(doc, "password").n > 0 || wd_doc_has(doc, "tempPassword.password"),
        .disabled_scopes = read_scopes(doc),
        .auth_version = (uint32_t)wd_doc_int(doc, "authVersion", 0),
        .created_ms = wd_doc_date(doc, "created", 0),
        .retention_ms = retention > 0 ? retention : 0,
    };
    wd_doc_id(doc, "_id", &out->id);
}

bool
wd_user_doc(struct wd_docs *docs, struct wd_id id, bson_t *out, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, "_id", id);
    return wd_docs_find_one(docs, WD_USERS, &filter, NULL, out, found, err) || wd_fail_in(err, "find user");
}

static bool
doc_by_name(struct wd_docs *docs, struct wd_arena *a, struct wd_str username, bson_t *out, bool *found,
            struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    *found = false;
    if (username.n == 0 || username.n > WD_ADDRESS_MAX)
        return true;
    wd_doc_add_str(&filter, "unameview", wd_username_view(a, username));
    return wd_docs_find_one(docs, WD_USERS, &filter, NULL, out, found, err) || wd_fail_in(err, "find user");
}

static bool
doc_by_address(struct wd_docs *docs, struct wd_arena *a, struct wd_str address, bson_t *out, bool *found,
               struct wd_resolved *resolved, struct wd_error *err)
{
    *found = false;
    if (!wd_address_resolve(docs, a, address, WD_RESOLVE_EXACT, resolved, err))
        return false;
    return resolved->kind != WD_RESOLVED_USER || wd_user_doc(docs, resolved->user, out, found, err);
}

bool
wd_user_doc_login(struct wd_domain *d, struct wd_arena *a, struct wd_str login, bson_t *out, bool *found,
                  struct wd_error *err)
{
    struct wd_resolved resolved = { .kind = WD_RESOLVED_NONE };

    *found = false;
    if (login.n > WD_ADDRESS_MAX)
        return true;
    if (wd_str_chr(login, '@') != SIZE_MAX && !doc_by_address(d->users, a, login, out, found, &resolved, err))
        return false;
    if (*found || resolved.kind != WD_RESOLVED_NONE)
        return true;
    return doc_by_name(d->users, a, login, out, found, err); /* usernames may look like addresses */
}

bool
wd_user_get(struct wd_domain *d, struct wd_arena *a, const struct wd_user_ref *ref, struct wd_user *out,
            struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_resolved resolved;
    bool found, ok;

    if (!wd_id_is_zero(ref->id))
        ok = wd_user_doc(d->users, ref->id, &doc, &found, err);
    else if (ref->username.n)
        ok = doc_by_name(d->users, a, ref->username, &doc, &found, err);
    else if (ref->address.n)
        ok = doc_by_address(d->users, a, ref->address, &doc, &found, &resolved, err);
    else
        return wd_fail(err, WD_INVALID, "which user? give an id, a username or an address");
    if (!ok)
        return false;
    if (!found)
        return wd_fail(err, WD_USER_NOT_FOUND, "This user does not exist");
    wd_user_read(d, a, &doc, out);
    return true;
}

/* {username: {$gt: after, $regex: <query, literally>}} */
static void
list_filter(struct wd_str query, struct wd_str after, bson_t *filter)
{
    struct wd_buf pattern wd_auto(wd_buf_done) = { 0 };
    bson_t op;

    if (!query.n && !after.n)
        return;
    bson_append_document_begin(filter, "username", -1, &op);
    if (after.n)
        wd_doc_add_str(&op, "$gt", after);
    for (size_t i = 0; i < query.n; i++) {
        if (strchr(".^$*+?()[]{}|\\", query.p[i]) && query.p[i])
            wd_buf_chr(&pattern, '\\');
        wd_buf_chr(&pattern, query.p[i]);
    }
    if (query.n) {
        wd_doc_add_str(&op, "$regex", wd_buf_view(&pattern));
        wd_doc_add_str(&op, "$options", WD_STR("i"));
    }
    bson_append_document_end(filter, &op);
}

bool
wd_user_list(struct wd_domain *d, struct wd_arena *a, struct wd_str query, struct wd_str after, size_t limit,
             struct wd_user **out, size_t *n, bool *more, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t sort wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query options = { .sort = &sort, .limit = (int64_t)limit + 1 };
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    struct wd_user *list = WD_ARENA_ARRAY(a, struct wd_user, limit);
    const bson_t *row;
    size_t count = 0;

    if (query.n > WD_USERNAME_MAX || after.n > WD_ADDRESS_MAX)
        return wd_fail(err, WD_INVALID, "the query or the cursor is too long");
    list_filter(query, after, &filter);
    wd_doc_add_int(&sort, "username", 1);
    if (!wd_docs_find(d->users, WD_USERS, &filter, &options, &rows, err) || !wd_docs_cursor_next(rows, &row, err))
        return wd_fail_in(err, "list users");
    while (row && count < limit) {
        wd_user_read(d, a, row, &list[count++]);
        if (!wd_docs_cursor_next(rows, &row, err))
            return wd_fail_in(err, "list users");
    }
    *out = list;
    *n = count;
    *more = row != NULL;
    return true;
}

static bool
sent_of(struct wd_domain *d, const char *prefix, struct wd_id user, int64_t *value, int64_t *ttl_s,
        struct wd_error *err)
{
    char key[8 + WD_ID_HEX + 1], hex[WD_ID_HEX + 1];
    struct wd_bus_count count;

    snprintf(key, sizeof key, "%s:%s", prefix, wd_id_hex(user, hex));
    if (!wd_bus_count(d->bus, wd_str_c(key), 0, 0, 0, &count, err))
        count = (struct wd_bus_count){ .ok = true, .ttl_s = -1 }; /* no bus, no limit: nothing is counted */
    *value = count.value;
    *ttl_s = count.value > 0 ? count.ttl_s : -1;
    return true;
}

bool
wd_user_sent(struct wd_domain *d, struct wd_id user, struct wd_user_sent *out, struct wd_error *err)
{
    return sent_of(d, "wdr", user, &out->recipients, &out->recipients_ttl_s, err) &&
           sent_of(d, "wdf", user, &out->forwards, &out->forwards_ttl_s, err);
}

/* One or more of a-z 0-9 - in groups that a single . _ = or : joins. */
static bool
groups_valid(struct wd_str s)
{
    bool joined = true; /* nothing or a joiner before */

    for (size_t i = 0; i < s.n; i++) {
        bool joiner = s.p[i] && strchr("._=:", s.p[i]);
        if (!joiner && !wd_is_digit(s.p[i]) && s.p[i] != '-' && !wd_is_alpha(s.p[i]))
            return false;
        if (joiner && joined)
            return false;
        joined = joiner;
    }
    return !joined;
}

bool
wd_username_check(struct wd_arena *a, struct wd_str given, struct wd_str *out, struct wd_error *err)
{
    struct wd_str rest = given, local, domain;
    char *lower;

    if (given.n == 0 || given.n > WD_USERNAME_MAX)
        return wd_fail(err, WD_INVALID, "a username has 1 to %d characters", WD_USERNAME_MAX);
    if (!wd_str_split(&rest, '@', &local) || !groups_valid(local) ||
        (rest.p && (!wd_str_split(&rest, '@', &domain) || !groups_valid(domain) || rest.p)))
        return wd_fail(err, WD_INVALID, "a username has letters, digits and - in groups joined by one of . _ = : @");
    lower = wd_arena_alloc(a, given.n + 1);
    for (size_t i = 0; i < given.n; i++)
        lower[i] = wd_lower(given.p[i]);
    *out = wd_str_n(lower, given.n);
    return true;
}
