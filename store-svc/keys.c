#include "store-svc/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/hex.h"
#include "common/base/rand.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"
#include "store-svc/domain/token.h"

static bool
system_error(struct wd_error *err, const char *what, const char *path)
{
    return wd_fail(err, WD_UNAVAILABLE, "%s %s: %s", what, path, strerror(errno));
}

static bool
make_directory(const char *path, struct wd_error *err)
{
    return mkdir(path, 0700) == 0 || errno == EEXIST || system_error(err, "make", path);
}

static struct wd_buf
path_in(const char *dir, const char *name)
{
    struct wd_buf path = { 0 };

    wd_buf_printf(&path, "%s/%s", dir, name);
    wd_buf_chr(&path, '\0');
    return path;
}

bool
store_directories(const char *data_dir, struct wd_error *err)
{
    struct wd_buf run wd_auto(wd_buf_done) = path_in(data_dir, "run");
    struct wd_buf tokens wd_auto(wd_buf_done) = path_in(data_dir, "tokens");

    return make_directory(data_dir, err) && make_directory(run.p, err) && make_directory(tokens.p, err);
}

/* The first bytes of a small file; found false when it is not there. */
static bool
read_small(const char *path, struct wd_buf *out, bool *found, struct wd_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    *found = fd >= 0;
    if (fd < 0)
        return errno == ENOENT || system_error(err, "open", path);
    n = read(fd, wd_buf_reserve(out, 512), 512);
    if (n >= 0)
        out->n += (size_t)n;
    close(fd);
    return n >= 0 || system_error(err, "read", path);
}

static bool
write_synced(const char *path, struct wd_str text, struct wd_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool ok;

    if (fd < 0)
        return system_error(err, "create", path);
    ok = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
    if (!ok)
        system_error(err, "write", path);
    close(fd);
    return ok;
}

/* Never half-written: the file appears whole, and an older one stays when keep is set. */
static bool
put_file(const char *path, struct wd_str text, bool keep, struct wd_error *err)
{
    struct wd_buf part wd_auto(wd_buf_done) = { 0 };
    bool ok;

    wd_buf_printf(&part, "%s.%ld", path, (long)getpid());
    wd_buf_chr(&part, '\0');
    if (!write_synced(part.p, text, err))
        return false;
    ok = keep ? link(part.p, path) == 0 || errno == EEXIST : rename(part.p, path) == 0;
    if (!ok)
        system_error(err, "name", path);
    unlink(part.p);
    return ok;
}

/* ---- the key ---- */

#define SHARED_KEY "wd:secret" /* in the collection settings */

static void
new_key(struct wd_buf *text)
{
    uint8_t key[32];

    wd_rand(key, sizeof key);
    wd_hex_encode(text, key, sizeof key);
}

/* The text never has what was read. */
static bool
set_key(struct wd_domain *d, struct wd_str digits, const char *where, enum wd_reason reason, struct wd_error *err)
{
    return wd_hex_decode(wd_str_trim(digits), d->token_key, sizeof d->token_key) ||
           wd_fail(err, reason, "%s does not hold 64 hexadecimal digits", where);
}

static bool
make_key_file(const char *path, struct wd_error *err)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    new_key(&text);
    wd_buf_chr(&text, '\n');
    return put_file(path, wd_buf_view(&text), true, err);
}

static bool
key_of_directory(struct wd_domain *d, const char *data_dir, struct wd_error *err)
{
    struct wd_buf path wd_auto(wd_buf_done) = path_in(data_dir, "secret.key");
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    bool found;

    if (!read_small(path.p, &text, &found, err))
        return false;
    if (!found && (!make_key_file(path.p, err) || !read_small(path.p, &text, &found, err)))
        return false;
    return set_key(d, wd_buf_view(&text), path.p, WD_DATA_LOSS, err);
}

static bool
key_of_file(struct wd_domain *d, const char *path, struct wd_error *err)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    bool found;

    if (!read_small(path, &text, &found, err))
        return wd_fail_in(err, "store.secretFile");
    if (!found)
        return wd_fail(err, WD_INVALID, "store.secretFile: there is no file %s", path);
    return set_key(d, wd_buf_view(&text), path, WD_INVALID, err);
}

/* Its _id is fixed, so that of two replicas that start at once one makes it, whatever indexes there are. */
static const struct wd_id shared_id = { "wd secret 01" };

/* Only an insert is sure to be refused when another replica was faster; not every server that speaks MongoDB's protocol
 * makes one upsert wait for the other. */
static bool
offer_shared(struct wd_domain *d, struct wd_error *err)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_buf_chr(&text, '"'); /* values of settings are JSON texts */
    new_key(&text);
    wd_buf_chr(&text, '"');
    wd_doc_add_id(&doc, "_id", shared_id);
    wd_doc_add_str(&doc, "key", WD_STR(SHARED_KEY));
    wd_doc_add_str(&doc, "value", wd_buf_view(&text));
    wd_doc_add_bool(&doc, "enumerable", false);
    wd_doc_add_date(&doc, "created", wd_now_ms());
    return wd_docs_insert(d->docs, WD_SETTINGS, &doc, err) || err->reason == WD_DUPLICATE;
}

/* A read that is also a write: on a cluster it is then known to a majority, and no other primary can take it back. */
static bool
take_shared(struct wd_domain *d, bson_t *doc, bool *found, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER, update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t fields;

    wd_doc_add_id(&filter, "_id", shared_id);
    bson_append_document_begin(&update, "$set", -1, &fields);
    wd_doc_add_bool(&fields, "enumerable", false);
    bson_append_document_end(&update, &fields);
    return wd_docs_find_and_update(d->docs, WD_SETTINGS, &filter, &update, WD_UPDATE_RETURN_NEW, NULL, doc, found, err);
}

static bool
key_of_database(struct wd_domain *d, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found = false, ok = take_shared(d, &doc, &found, err);
    struct wd_str value;

    if (ok && !found)
        ok = offer_shared(d, err) && take_shared(d, &doc, &found, err);
    if (!ok)
        return wd_fail_in(err, "read the shared key");
    value = wd_doc_str(&doc, "value");
    value = wd_str_part(value, 1, value.n ? value.n - 1 : 0); /* without the quotes */
    return set_key(d, value, "settings: " SHARED_KEY, WD_DATA_LOSS, err);
}

bool
store_key_in_database(const struct store_settings *s)
{
    return s->shared && !s->secret && !s->secret_file;
}

bool
store_key_load(struct wd_domain *d, const struct store_settings *s, struct wd_error *err)
{
    if (s->secret)
        return set_key(d, wd_str_c(s->secret), "store.secret", WD_INVALID, err);
    if (s->secret_file)
        return key_of_file(d, s->secret_file, err);
    if (store_key_in_database(s))
        return key_of_database(d, err);
    return key_of_directory(d, s->data_dir, err);
}

/* ---- tokens ---- */

static bool
write_token(const struct wd_domain *d, const char *tokens_dir, unsigned role, struct wd_error *err)
{
    struct wd_buf path wd_auto(wd_buf_done) = path_in(tokens_dir, wd_role_name(role));
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    unsigned had = 0;
    bool found;

    if (!read_small(path.p, &text, &found, err))
        return false;
    if (found && wd_token_service_read(d, wd_str_trim(wd_buf_view(&text)), &had) && had == role)
        return true;
    text.n = 0;
    wd_token_service(d, role, &text);
    wd_buf_chr(&text, '\n');
    return put_file(path.p, wd_buf_view(&text), false, err);
}

bool
store_tokens_write(const struct wd_domain *d, const char *data_dir, struct wd_error *err)
{
    struct wd_buf dir wd_auto(wd_buf_done) = path_in(data_dir, "tokens");

    for (unsigned role = WD_ROLE_IMAP; role <= WD_ROLE_ADMIN; role <<= 1)
        if (!write_token(d, dir.p, role, err))
            return false;
    return true;
}
