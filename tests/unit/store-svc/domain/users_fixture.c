#include "tests/unit/store-svc/domain/users_fixture.h"

#include <ftw.h>
#include <mongoc/mongoc.h>
#include <stdio.h>
#include <unistd.h>

#include "store-svc/domain/auth_cache.h"
#include "store-svc/driver/embedded/embedded.h"
#include "store-svc/driver/mongo/mongo.h"

struct wd_domain domain;
struct wd_arena *arena;
struct wd_error err;
const struct wd_once no_once = { .method = "test" };

static char directory[256];

const char *
users_driver(void)
{
    const char *name = getenv("WD_TEST_DRIVER");

    return name ? name : "embedded";
}

static char mongo_name[64], mongo_uri[512];

/* Documents and bodies in a database of the test's own; the bus stays. */
static void
open_mongo(void)
{
    const char *uri = getenv("WD_TEST_MONGO_URI");
    struct wd_mongo_options o = { .connections = 8, .uri = mongo_uri };

    ck_assert_msg(uri != NULL, "WD_TEST_DRIVER=mongo needs WD_TEST_MONGO_URI");
    wd_blobs_close(domain.blobs);
    wd_docs_close(domain.docs);
    snprintf(mongo_name, sizeof mongo_name, "wd_unit_%d_%s", (int)getpid(), strrchr(directory, '-') + 1);
    snprintf(mongo_uri, sizeof mongo_uri, "%s%s%s", uri, uri[strlen(uri) - 1] == '/' ? "" : "/", mongo_name);
    if (!wd_mongo_open(&o, &domain.docs, &domain.blobs, &err))
        ck_abort_msg("%s", err.text);
}

void
users_setup(void)
{
    struct wd_embedded_options o = { .directory = directory, .no_sync = true };
    const char *tmp = getenv("TMPDIR");

    snprintf(directory, sizeof directory, "%s/wd-users-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    domain = (struct wd_domain){ .token_key = "0123456789abcdef0123456789abcde" };
    wd_domain_defaults(&domain.options);
    domain.options.pbkdf2_iterations = 1000;
    domain.options.email_domain = "example.com";
    if (!wd_embedded_open(&o, &domain.docs, &domain.blobs, &domain.bus, &err))
        ck_abort_msg("%s", err.text);
    if (strcmp(users_driver(), "mongo") == 0)
        open_mongo();
    domain.users = domain.docs;
    if (!wd_docs_ensure(domain.docs, wd_schema(), &err))
        ck_abort_msg("%s", err.text);
    domain.auth_cache = wd_auth_cache_new(60000, 2000);
    arena = wd_arena_new(0);
}

static void
drop_mongo(void)
{
    mongoc_client_t *client = mongoc_client_new(mongo_uri);
    mongoc_database_t *database = mongoc_client_get_database(client, mongo_name);

    mongoc_database_drop(database, NULL);
    mongoc_database_destroy(database);
    mongoc_client_destroy(client);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

void
users_teardown(void)
{
    wd_arena_free(arena);
    wd_auth_cache_free(domain.auth_cache);
    wd_bus_close(domain.bus);
    wd_blobs_close(domain.blobs);
    wd_docs_close(domain.docs);
    if (strcmp(users_driver(), "mongo") == 0)
        drop_mongo();
    nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

struct wd_id
users_make(const char *username, const char *address)
{
    struct wd_user_new in = {
        .username = wd_str_c(username),
        .password = WD_STR("secret"),
        .address = wd_str_c(address),
        .empty_address = address == NULL,
    };
    struct wd_user_created made;

    if (!wd_user_create(&domain, arena, &in, &no_once, &made, &err))
        ck_abort_msg("%s", err.text);
    return made.id;
}

bson_t *
users_doc(struct wd_id id)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    ck_assert(wd_user_doc(domain.users, id, &doc, &found, &err));
    ck_assert(found);
    return bson_copy(&doc);
}

int64_t
users_count(const char *coll, const char *field, struct wd_id id)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    int64_t n;

    wd_doc_add_id(&filter, field, id);
    if (!wd_docs_count(domain.docs, coll, &filter, &n, &err))
        ck_abort_msg("%s", err.text);
    return n;
}

static bson_t *
from_json(const char *json)
{
    bson_error_t error;
    bson_t *doc = bson_new_from_json((const uint8_t *)json, -1, &error);

    if (!doc)
        ck_abort_msg("%s", error.message);
    return doc;
}

void
users_set(struct wd_id id, const char *json)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t *set = from_json(json);

    wd_doc_add_id(&filter, "_id", id);
    bson_append_document(&update, "$set", -1, set);
    ck_assert(wd_docs_update(domain.users, WD_USERS, &filter, &update, WD_UPDATE_ONE, NULL, &err));
    bson_destroy(set);
}

void
users_unset(struct wd_id id, const char *field)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t unset;

    wd_doc_add_id(&filter, "_id", id);
    bson_append_document_begin(&update, "$unset", -1, &unset);
    wd_doc_add_bool(&unset, field, true);
    bson_append_document_end(&update, &unset);
    ck_assert(wd_docs_update(domain.users, WD_USERS, &filter, &update, WD_UPDATE_ONE, NULL, &err));
}

void
users_insert(const char *coll, struct wd_id user, const char *json)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t *rest = from_json(json);

    wd_doc_add_id(&doc, "_id", wd_id_new());
    if (!wd_id_is_zero(user))
        wd_doc_add_id(&doc, "user", user);
    bson_concat(&doc, rest);
    if (!wd_docs_insert(domain.docs, coll, &doc, &err))
        ck_abort_msg("%s", err.text);
    bson_destroy(rest);
}
