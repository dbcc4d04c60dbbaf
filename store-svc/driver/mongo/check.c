/* store-svc/driver/mongo/check.c – looks at the servers before they are used: there, ours, new enough, writable. */
#include "store-svc/driver/mongo/link_priv.h"

enum { OLDEST_WIRE_VERSION = 8 }; /* MongoDB 4.2: update pipelines, index builds that do not lock */

/* WD_INVALID: waiting does not mend it. WD_DATABASE: it may. */
static bool
refuse(struct mongo_link *l, enum wd_docs_database database, enum wd_reason reason, struct wd_error *err,
       const char *what)
{
    return wd_fail(err, reason, "%s (%s): %s", mongo_link_setting(l, database), mongo_link_where(l, database),
                   what);
}

/* A replica set of which only secondaries answer is not the same as nobody there. */
static bool
only_secondaries(mongoc_client_t *client)
{
    mongoc_server_description_t **all;
    bool found = false;
    size_t n;

    all = mongoc_client_get_server_descriptions(client, &n);
    for (size_t i = 0; i < n; i++)
        found = found || strcmp(mongoc_server_description_type(all[i]), "RSSecondary") == 0;
    mongoc_server_descriptions_destroy_all(all, n);
    return found;
}

static bool
refuse_selection(struct mongo_link *l, enum wd_docs_database database, mongoc_client_t *client,
                 const bson_error_t *why, struct wd_error *err)
{
    const char *detail = strchr(why->message, '[');

    if (why->domain == MONGOC_ERROR_PROTOCOL && why->code == MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION)
        return refuse(l, database, WD_INVALID, err,
                      "the server is too old or too new for this build (MongoDB 4.2 or newer)");
    if (only_secondaries(client))
        return refuse(l, database, WD_DATABASE, err, "not writable: the replica set has no primary now");
    return wd_fail(err, WD_DATABASE, "%s (%s): no server answers: %s", mongo_link_setting(l, database),
                   mongo_link_where(l, database), detail ? detail : why->message);
}

static bool
check_server(struct mongo_link *l, enum wd_docs_database database, const mongoc_server_description_t *server,
             struct wd_error *err)
{
    const bson_t *hello = mongoc_server_description_hello_response(server);
    const char *type = mongoc_server_description_type(server);
    bson_iter_t it;

    if (strcmp(type, "RSSecondary") == 0 || strcmp(type, "RSArbiter") == 0 || strcmp(type, "RSOther") == 0)
        return refuse(l, database, WD_DATABASE, err, "not writable: this server is not the primary of its replica set");
    if (bson_iter_init_find(&it, hello, "readOnly") && bson_iter_as_bool(&it))
        return refuse(l, database, WD_DATABASE, err, "not writable: the server is read-only");
    if (!bson_iter_init_find(&it, hello, "maxWireVersion") || bson_iter_as_int64(&it) < OLDEST_WIRE_VERSION)
        return refuse(l, database, WD_INVALID, err, "the server is too old: MongoDB 4.2 is the oldest that will do");
    return true;
}

/* The first command of a connection comes after its login. */
static bool
check_login(struct mongo_link *l, const struct mongo_lease *lease, enum wd_docs_database database,
            struct wd_error *err)
{
    bson_t ping wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_error_t why;

    BSON_APPEND_INT32(&ping, "ping", 1);
    if (mongoc_client_command_simple(lease->client, lease->database, &ping, NULL, NULL, &why))
        return true;
    if ((why.domain == MONGOC_ERROR_CLIENT && why.code == MONGOC_ERROR_CLIENT_AUTHENTICATE) ||
        why.domain == MONGOC_ERROR_SASL || why.domain == MONGOC_ERROR_SCRAM)
        return refuse(l, database, WD_INVALID, err, "the server refuses the user or the password of the URI");
    return refuse(l, database, WD_DATABASE, err, why.message);
}

static bool
check_database(struct mongo_link *l, enum wd_docs_database database, struct wd_error *err)
{
    struct mongo_lease lease wd_auto(mongo_lease_give) = { 0 };
    mongoc_server_description_t *server;
    bson_error_t why;
    bool ok;

    if (!mongo_lease_take(l, database, &lease, err))
        return false;
    server = mongoc_client_select_server(lease.client, true, NULL, &why);
    if (!server)
        return refuse_selection(l, database, lease.client, &why, err);
    ok = check_server(l, database, server, err);
    mongoc_server_description_destroy(server);
    return ok && check_login(l, &lease, database, err);
}

bool
mongo_link_check(struct mongo_link *l, struct wd_error *err)
{
    for (enum wd_docs_database d = WD_DB_MAIN; d <= WD_DB_FILES; d++)
        if (d == WD_DB_MAIN || mongo_link_setting(l, d) != mongo_link_setting(l, WD_DB_MAIN))
            if (!check_database(l, d, err))
                return false;
    return true;
}
