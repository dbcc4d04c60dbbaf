/* Changing accounts: one update document, in the batch that remembers the request. */
#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "store-svc/domain/auth.h"
#include "store-svc/domain/authlog.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/password.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/user.h"

/* What is left to do once the change is durable, and the new hash. */
struct effects {
    bool new_password;
    struct wd_str hash;
    const char *logout; /* why sessions end; NULL: they go on */
};

static bool
check(const struct wd_user_change *c, struct wd_error *err)
{
    if (c->name && (c->name->n > WD_USER_NAME_MAX || !wd_utf8_valid(*c->name)))
        return wd_fail(err, WD_INVALID, "the name is too long or no text");
    if ((c->quota && *c->quota > INT64_MAX) || (c->retention_ms && *c->retention_ms < 0))
        return wd_fail(err, WD_INVALID, "a limit is out of range");
    return true;
}

static bool
prepare(const struct wd_domain *d, struct wd_arena *a, const struct wd_user_change *c, struct effects *e,
        struct wd_error *err)
{
    struct wd_buf made wd_auto(wd_buf_done) = { 0 };

    *e = (struct effects){ .new_password = c->password || c->hashed_password };
    if (!check(c, err))
        return false;
    if (c->hashed_password && c->hashed_password->n) {
        e->hash = *c->hashed_password;
        if (!wd_password_known(e->hash, err))
            return false;
    } else if (c->password) {
        if (!wd_password_check(*c->password, err))
            return false;
        if (c->password->n)
            wd_password_hash(&made, *c->password, d->options.pbkdf2_iterations);
        e->hash = wd_arena_str(a, wd_buf_view(&made));
    }
    if (e->new_password)
        e->logout = "Password was changed";
    else if (c->suspended && *c->suspended)
        e->logout = "Account was suspended";
    else if (c->disabled && *c->disabled)
        e->logout = "Account was disabled";
    return true;
}

static void
add_scopes(bson_t *set, unsigned scopes)
{
    static const unsigned each[] = { WD_SCOPE_IMAP, WD_SCOPE_POP3, WD_SCOPE_SMTP };
    uint32_t n = 0;
    char digits[16];
    const char *key;
    bson_t list;

    bson_append_array_begin(set, "disabledScopes", -1, &list);
    for (size_t i = 0; i < WD_COUNT(each); i++)
        if (scopes & each[i]) {
            bson_uint32_to_string(n++, &key, digits, sizeof digits);
            wd_doc_add_str(&list, key, wd_str_c(wd_scope_name(each[i])));
        }
    bson_append_array_end(set, &list);
}

static void
add_values(bson_t *set, const struct wd_user_change *c, const struct effects *e)
{
    if (c->name)
        wd_doc_add_str(set, "name", *c->name);
    if (c->quota)
        wd_doc_add_int(set, "quota", (int64_t)*c->quota);
    if (c->recipients)
        wd_doc_add_int(set, "recipients", *c->recipients);
    if (c->forwards)
        wd_doc_add_int(set, "forwards", *c->forwards);
    if (c->disabled)
        wd_doc_add_bool(set, "disabled", *c->disabled);
    if (c->suspended)
        wd_doc_add_bool(set, "suspended", *c->suspended);
    if (c->retention_ms)
        wd_doc_add_int(set, "retention", *c->retention_ms);
    if (c->disabled_scopes)
        add_scopes(set, *c->disabled_scopes);
    if (e->new_password) {
        wd_doc_add_str(set, "password", e->hash);
        wd_doc_add_bool(set, "tempPassword", false);
        wd_doc_add_date(set, "passwordChange", wd_now_ms());
    }
}

/* {$push: {oldPasswords: {date, hash}}} */
static void
add_history(bson_t *update, struct wd_str old)
{
    bson_t push, row;

    if (!old.n)
        return;
    bson_append_document_begin(update, "$push", -1, &push);
    bson_append_document_begin(&push, "oldPasswords", -1, &row);
    wd_doc_add_date(&row, "date", wd_now_ms());
    wd_doc_add_str(&row, "hash", old);
    bson_append_document_end(&push, &row);
    bson_append_document_end(update, &push);
}

static bool
write_change(const struct wd_domain *d, struct wd_docs *batch, struct wd_id user, const struct wd_user_change *c,
      const struct effects *e, struct wd_error *err)
{
    struct wd_authlog entry = { .user = user, .action = "password change", .result = "success", .ip = c->ip };
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_id event;
    bson_t set;
    bool found;

    if (!wd_user_doc(batch, user, &doc, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_USER_NOT_FOUND, "This user does not exist");
    bson_append_document_begin(&update, "$set", -1, &set);
    add_values(&set, c, e);
    bson_append_document_end(&update, &set);
    if (e->logout)
        wd_doc_add_op(&update, "$inc", "authVersion", 1);
    if (e->new_password)
        add_history(&update, wd_doc_str(&doc, "password"));
    wd_doc_add_id(&filter, "_id", user);
    if (!wd_docs_update(batch, WD_USERS, &filter, &update, WD_UPDATE_ONE, NULL, err))
        return wd_fail_in(err, "update user");
    return !e->new_password || wd_authlog_add(d, batch, &entry, &event, err);
}

/* A new limit starts a new window. Counters are no truth: a bus that does not answer loses nothing. */
static void
restart_counter(struct wd_domain *d, const char *prefix, struct wd_id user)
{
    char key[8 + WD_ID_HEX + 1], hex[WD_ID_HEX + 1];
    struct wd_error ignored;

    snprintf(key, sizeof key, "%s:%s", prefix, wd_id_hex(user, hex));
    if (!wd_bus_drop(d->bus, wd_str_c(key), &ignored))
        return;
}

static void
announce(struct wd_domain *d, struct wd_id user, const struct wd_user_change *c, const struct effects *e)
{
    struct wd_beacon logout = { .kind = WD_BEACON_LOGOUT, .user = user, .reason = wd_str_c(e->logout) };

    if (c->recipients)
        restart_counter(d, "wdr", user);
    if (c->forwards)
        restart_counter(d, "wdf", user);
    wd_auth_forget(d, user);
    if (e->logout)
        wd_beacon_send(d, &logout);
}

bool
wd_user_update(struct wd_domain *d, struct wd_arena *a, struct wd_id user, const struct wd_user_change *change,
               const struct wd_once *once, struct wd_error *err)
{
    struct wd_docs *batch wd_auto(wd_docs_batch_abortp) = NULL;
    bson_t outcome wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct effects e;
    bool repeated;

    if (!prepare(d, a, change, &e, err) || !wd_docs_batch_begin(d->docs, &batch, err) ||
        !wd_once_find(batch, once, &outcome, &repeated, err))
        return false;
    if (repeated)
        return true;
    if (!write_change(d, batch, user, change, &e, err) || !wd_once_keep(batch, once, &outcome, err) ||
        !wd_docs_batch_commit(wd_take(batch), err))
        return false;
    announce(d, user, change, &e);
    return true;
}
