/* store-svc/driver/mongo/about.c – a line for people about the server: address, version, replica set, databases. */
#include "store-svc/driver/mongo/docs_priv.h"

struct about {
    struct wd_buf version, server, set;
};

static void
take_text(const bson_t *doc, const char *field, struct wd_buf *out)
{
    bson_iter_t it;

    out->n = 0;
    if (bson_iter_init_find(&it, doc, field) && BSON_ITER_HOLDS_UTF8(&it))
        wd_buf_c(out, bson_iter_utf8(&it, NULL));
}

static bool
ask(const struct mongo_lease *lease, void *data, bool again, bson_t *reply, bson_error_t *why)
{
    struct about *a = data;
    bson_t command wd_auto(bson_destroy) = BSON_INITIALIZER;
    mongoc_server_description_t *server = mongoc_client_select_server(lease->client, true, NULL, why);

    (void)again;
    if (!server)
        return false;
    a->server.n = 0;
    wd_buf_c(&a->server, mongoc_server_description_host(server)->host_and_port);
    take_text(mongoc_server_description_hello_response(server), "setName", &a->set);
    mongoc_server_description_destroy(server);
    BSON_APPEND_INT32(&command, "buildInfo", 1);
    if (!mongoc_client_command_simple(lease->client, "admin", &command, NULL, reply, why))
        return false;
    take_text(reply, "version", &a->version);
    return true;
}

static void
add_database(struct mongo_link *l, enum wd_docs_database database, const char *what, struct wd_buf *out)
{
    if (strcmp(mongo_link_database(l, database), mongo_link_database(l, WD_DB_MAIN)) != 0 ||
        strcmp(mongo_link_where(l, database), mongo_link_where(l, WD_DB_MAIN)) != 0)
        wd_buf_printf(out, ", %s in %s at %s", what, mongo_link_database(l, database), mongo_link_where(l, database));
}

bool
wd_mongo_about(struct wd_docs *docs, struct wd_buf *out, struct wd_error *err)
{
    struct mongo_link *l = mongo_store_of(docs)->link;
    struct about a = { .version = { 0 } };
    bool ok = mongo_run(l, WD_DB_MAIN, MONGO_REPEAT, ask, &a, "ask the version", err);

    if (ok) {
        wd_buf_printf(out, "mongo: connected to %.*s, version %.*s", WD_FMT(a.server), WD_FMT(a.version));
        if (a.set.n)
            wd_buf_printf(out, ", replica set %.*s", WD_FMT(a.set));
        wd_buf_printf(out, ", database %s", mongo_link_database(l, WD_DB_MAIN));
        add_database(l, WD_DB_USERS, "users", out);
        add_database(l, WD_DB_FILES, "attachments", out);
        wd_buf_chr(out, '\n');
    }
    wd_buf_done(&a.version);
    wd_buf_done(&a.server);
    wd_buf_done(&a.set);
    return ok;
}
