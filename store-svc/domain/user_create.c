/* Making an account: inserted inactive, then mailboxes, then the address, then activated, so that a crash between two
 * steps of a driver without transactions leaves an account that nobody can use and that a repeat replaces. */
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "store-svc/domain/address.h"
#include "store-svc/domain/authlog.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/password.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/user.h"

struct plan {
    struct wd_domain *d;
    struct wd_arena *a;
    const struct wd_user_new *in;
    struct wd_id id;
    struct wd_str username, view, address;
    struct wd_str hash;
};

/* "name+label@domain" without the label. */
static struct wd_str
without_label(struct wd_arena *a, struct wd_str address)
{
    struct wd_str local, domain;
    size_t plus;

    wd_address_split(address, &local, &domain);
    plus = wd_str_chr(local, '+');
    if (plus == SIZE_MAX)
        return address;
    return wd_arena_printf(a, "%.*s@%.*s", (int)plus, local.p, WD_FMT(domain));
}

static struct wd_str
main_address(const struct plan *p)
{
    const struct wd_user_new *in = p->in;
    char host[256] = "localhost";

    if (in->empty_address)
        return WD_NONE;
    if (in->address.n)
        return without_label(p->a, in->address);
    if (wd_str_chr(p->username, '@') != SIZE_MAX)
        return p->username;
    if (p->d->options.email_domain)
        return wd_arena_printf(p->a, "%.*s@%s", WD_FMT(p->username), p->d->options.email_domain);
    if (gethostname(host, sizeof host - 1) != 0)
        snprintf(host, sizeof host, "localhost");
    return wd_arena_printf(p->a, "%.*s@%s", WD_FMT(p->username), host);
}

static bool
make_hash(const struct plan *p, struct wd_str *out, struct wd_error *err)
{
    struct wd_buf made wd_auto(wd_buf_done) = { 0 };

    *out = p->in->hashed_password;
    if (out->n)
        return wd_password_known(*out, err);
    if (!wd_password_check(p->in->password, err))
        return false;
    if (p->in->password.n)
        wd_password_hash(&made, p->in->password, p->d->options.pbkdf2_iterations);
    *out = wd_arena_str(p->a, wd_buf_view(&made));
    return true;
}

/* Everything that can be refused or that is slow, before the batch. */
static bool
plan_make(struct plan *p, struct wd_error *err)
{
    const struct wd_user_new *in = p->in;

    if (!wd_username_check(p->a, in->username, &p->username, err))
        return false;
    if (in->name.n > WD_USER_NAME_MAX || !wd_utf8_valid(in->name))
        return wd_fail(err, WD_INVALID, "the name is too long or no text");
    if (in->language.n > WD_LANGUAGE_MAX || !wd_is_ascii(in->language))
        return wd_fail(err, WD_INVALID, "the language is no language code");
    if (in->quota > INT64_MAX || in->retention_ms < 0)
        return wd_fail(err, WD_INVALID, "a limit is out of range");
    p->view = wd_username_view(p->a, p->username);
    p->address = main_address(p);
    p->id = wd_id_is_zero(in->id) ? wd_id_new() : in->id;
    return make_hash(p, &p->hash, err);
}

static bool
remove_all(struct wd_docs *batch, const char *coll, const char *field, struct wd_id id, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&filter, field, id);
    return wd_docs_remove_many(batch, coll, &filter, NULL, err);
}

/* What an unfinished creation has left, in the opposite order of making. */
static bool
unmake(struct wd_docs *batch, struct wd_id id, struct wd_error *err)
{
    return remove_all(batch, WD_ADDRESSES, "user", id, err) && remove_all(batch, WD_MAILBOXES, "user", id, err) &&
           remove_all(batch, WD_USERS, "_id", id, err);
}

static bool
insert_user(struct wd_docs *batch, const struct plan *p, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    const struct wd_user_new *in = p->in;
    bson_t none;

    wd_doc_add_id(&doc, "_id", p->id);
    wd_doc_add_str(&doc, "username", p->username);
    wd_doc_add_str(&doc, "unameview", p->view);
    wd_doc_add_str(&doc, "name", in->name);
    wd_doc_add_str(&doc, "password", p->hash);
    wd_doc_add_str(&doc, "address", WD_NONE);
    wd_doc_add_str(&doc, "language", in->language);
    wd_doc_add_int(&doc, "storageUsed", 0);
    wd_doc_add_int(&doc, "quota", (int64_t)in->quota);
    wd_doc_add_int(&doc, "retention", in->retention_ms);
    wd_doc_add_int(&doc, "recipients", in->recipients);
    wd_doc_add_int(&doc, "forwards", in->forwards);
    wd_doc_add_int(&doc, "authVersion", 0);
    wd_doc_add_int(&doc, "spamLevel", 50);
    bson_append_array_begin(&doc, "enabled2fa", -1, &none);
    bson_append_array_end(&doc, &none);
    wd_doc_add_bool(&doc, "activated", false);
    wd_doc_add_bool(&doc, "disabled", true);
    wd_doc_add_bool(&doc, "suspended", false);
    wd_doc_add_date(&doc, "created", wd_now_ms());
    if (wd_docs_insert(batch, WD_USERS, &doc, err))
        return true;
    if (err->reason == WD_DUPLICATE)
        return wd_fail(err, WD_USER_EXISTS, "This username already exists");
    return wd_fail_in(err, "insert user");
}

static bool
activate(struct wd_docs *batch, const struct plan *p, struct wd_str address, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;

    wd_doc_add_id(&filter, "_id", p->id);
    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_str(&set, "address", address);
    wd_doc_add_bool(&set, "activated", true);
    wd_doc_add_bool(&set, "disabled", false);
    bson_append_document_end(&update, &set);
    return wd_docs_update(batch, WD_USERS, &filter, &update, WD_UPDATE_ONE, NULL, err) ||
           wd_fail_in(err, "activate user");
}

static bool
make(struct wd_docs *batch, const struct plan *p, struct wd_id *address_id, struct wd_error *err)
{
    struct wd_address_row row = { 0 };
    struct wd_address_new address = { .user = p->id, .address = p->address, .name = WD_NONE, .main = true };
    struct wd_authlog entry = { .user = p->id, .action = "account created", .result = "success" };
    struct wd_id event;

    if (!insert_user(batch, p, err) ||
        !wd_mailbox_create_defaults(batch, p->id, p->in->language, p->in->retention_ms, err))
        return false;
    if (p->address.n && !wd_address_insert(batch, p->a, &address, &row, err))
        return false;
    if (!activate(batch, p, row.address, err) || !wd_authlog_add(p->d, batch, &entry, &event, err))
        return false;
    *address_id = row.id;
    return true;
}

/* An account with the chosen id: ours from before when the name is the same; left unfinished by a crash otherwise. */
static bool
look_for_id(struct wd_docs *batch, const struct plan *p, struct wd_user_created *out, bool *done, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_resolved resolved;
    struct wd_user user;
    bool found;

    *done = false;
    if (!wd_user_doc(batch, p->id, &doc, &found, err))
        return false;
    if (!found)
        return true;
    wd_user_read(p->d, p->a, &doc, &user);
    if (!wd_str_eq(wd_doc_str(&doc, "unameview"), p->view))
        return wd_fail(err, WD_USER_EXISTS, "another account has this id");
    if (!user.activated)
        return unmake(batch, p->id, err);
    if (!wd_address_resolve(batch, p->a, user.address, WD_RESOLVE_EXACT, &resolved, err))
        return false;
    *out = (struct wd_user_created){ .id = user.id, .address_id = resolved.id, .username = user.username };
    *done = true;
    return true;
}

static bool
look_for_request(struct wd_docs *batch, const struct plan *p, const struct wd_once *once, struct wd_user_created *out,
                 bool *done, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    if (!wd_once_find(batch, once, &outcome, done, err))
        return false;
    if (!*done)
        return true;
    *out = (struct wd_user_created){ .username = wd_arena_str(p->a, wd_doc_str(&outcome, "username")) };
    wd_doc_id(&outcome, "user", &out->id);
    wd_doc_id(&outcome, "address", &out->address_id);
    return true;
}

static bool
keep(struct wd_docs *batch, const struct wd_once *once, const struct wd_user_created *made, struct wd_error *err)
{
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_id(&outcome, "user", made->id);
    wd_doc_add_id(&outcome, "address", made->address_id);
    wd_doc_add_str(&outcome, "username", made->username);
    return wd_once_keep(batch, once, &outcome, err);
}

bool
wd_user_create(struct wd_domain *d, struct wd_arena *a, const struct wd_user_new *in, const struct wd_once *once,
               struct wd_user_created *out, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    struct plan p = { .d = d, .a = a, .in = in };
    struct wd_user_created made = { 0 };
    struct wd_error unused;
    bool done;

    if (!plan_make(&p, err) || !wd_docs_batch_begin(d->docs, &batch, err) ||
        !look_for_request(batch, &p, once, out, &done, err))
        return false;
    if (done)
        return true;
    if (!look_for_id(batch, &p, out, &done, err))
        return false;
    if (done)
        return true;
    made.id = p.id;
    made.username = p.username;
    if (make(batch, &p, &made.address_id, err) && keep(batch, once, &made, err)) {
        *out = made;
        return wd_docs_batch_commit(wd_take(batch), err) || wd_fail_in(err, "create user");
    }
    /* Another account's row stands in the way of ours only when ours was not inserted: nothing to undo then. */
    if (!wd_docs_is_atomic(d->docs) && err->reason != WD_USER_EXISTS && !unmake(batch, p.id, &unused))
        return wd_fail_in(err, "the half-made account stays until a repeat");
    return false;
}
