#include "store-svc/check.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"
#include "store-svc/keys.h"
#include "store-svc/open.h"

/* Where the key is. One that is in the database, or is not made yet, is not read: that would make it. */
static bool
check_key(const struct store_settings *s, FILE *to, struct wd_error *err)
{
    struct wd_domain d = { 0 };

    if (s->secret || s->secret_file) {
        if (!store_key_load(&d, s, err))
            return false;
        fprintf(to, "key: from %s\n", s->secret ? "store.secret" : s->secret_file);
    } else if (store_key_in_database(s)) {
        fprintf(to, "key: in the database\n");
    } else {
        fprintf(to, "key: %s/secret.key\n", s->data_dir);
    }
    return true;
}

/* A running wd-store holds the lock of an embedded store, so it is looked at from outside. */
static bool
check_directory(const struct store_settings *s, FILE *to, struct wd_error *err)
{
    struct stat st;

    if (stat(s->data_dir, &st) != 0) {
        if (errno != ENOENT)
            return wd_fail(err, WD_UNAVAILABLE, "store.dataDir %s: %s", s->data_dir, strerror(errno));
        fprintf(to, "data: %s, made at the first start\n", s->data_dir);
        return true;
    }
    if (!S_ISDIR(st.st_mode))
        return wd_fail(err, WD_INVALID, "store.dataDir %s is not a directory", s->data_dir);
    fprintf(to, "data: %s\n", s->data_dir);
    return true;
}

/* May we read and write? The write matches nothing, so that it changes nothing. */
static bool
check_rights(struct wd_docs *docs, const char *coll, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields;
    bool found;

    wd_doc_add_id(&filter, "_id", (struct wd_id){ 0 });
    bson_append_document_begin(&update, "$set", -1, &fields);
    wd_doc_add_bool(&fields, "checked", true);
    bson_append_document_end(&update, &fields);
    return (wd_docs_find_one(docs, coll, &filter, NULL, &doc, &found, err) &&
            wd_docs_update(docs, coll, &filter, &update, WD_UPDATE_ONE, NULL, err)) ||
           wd_fail_in(err, coll);
}

static bool
tell_about(const struct store_settings *s, const struct wd_domain *d, FILE *to, struct wd_error *err)
{
    struct wd_buf about wd_auto(wd_buf_done) = { 0 };

    if (!store_about(s, d, &about, err))
        return false;
    fprintf(to, "%.*s", (int)about.n, about.p ? about.p : "");
    return true;
}

static bool
check_docs(const struct store_settings *s, FILE *to, struct wd_error *err)
{
    static const char *const one_of_each[] = { WD_SETTINGS, WD_USERS, WD_FILES };
    enum store_indexes indexes = s->create_indexes ? STORE_INDEXES_CHECK : STORE_INDEXES_KEEP;
    struct wd_domain d = { 0 };
    bool ok;

    if (!s->shared)
        return true;
    ok = store_open_docs(s, indexes, &d, err) && tell_about(s, &d, to, err);
    for (size_t i = 0; ok && i < WD_COUNT(one_of_each); i++)
        ok = check_rights(d.docs, one_of_each[i], err);
    if (ok)
        fprintf(to, "%s: may read and write\n", s->driver);
    store_close(&d);
    return ok;
}

static bool
check_bus(const struct store_settings *s, FILE *to, struct wd_error *err)
{
    struct wd_domain d = { 0 };
    bool ok;

    if (strcmp(s->bus, "embedded") == 0) {
        fprintf(to, "bus: in the process%s\n", s->shared ? ": one replica only" : "");
        return true;
    }
    ok = store_open_bus(s, &d, err) && tell_about(s, &d, to, err);
    store_close(&d);
    return ok;
}

bool
store_check(const struct store_settings *s, FILE *to, struct wd_error *err)
{
    return store_open_check(s, err) && check_directory(s, to, err) && check_key(s, to, err) &&
           check_docs(s, to, err) && check_bus(s, to, err);
}
