/* store-svc/driver/mongo/link.c – one pool of connections for each distinct URI, and the databases behind them. */
#include "store-svc/driver/mongo/link_priv.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/log/log.h"

enum {
    DATABASES = WD_DB_FILES + 1,
    DEFAULT_CONNECTIONS = 16,
    DEFAULT_TIMEOUT_MS = 10000,
};

/* Where one or more of the databases are. */
struct pool {
    mongoc_uri_t *uri; /* with our defaults filled in */
    mongoc_client_pool_t *clients;
    char *text;    /* as it was given: what tells pools apart */
    char *where;   /* "db1:27017,db2:27017": for error lines, never a password */
    char *setting; /* "dbs.mongo" */
};

struct mongo_link {
    atomic_int owners;
    struct pool pools[DATABASES];
    size_t n_pools;
    struct {
        struct pool *pool;
        char *name;
    } databases[DATABASES];
    char *bucket;
    int timeout_ms;
};

static const char *const settings[DATABASES] = {
    [WD_DB_MAIN] = "dbs.mongo",
    [WD_DB_USERS] = "dbs.users",
    [WD_DB_FILES] = "dbs.gridfs",
};

static _Thread_local uint64_t commands;

uint64_t
wd_mongo_commands(void)
{
    return commands;
}

/* libmongoc calls it in the thread that runs the command; the handshakes and heartbeats are not commands. */
static void
on_command(const mongoc_apm_command_started_t *event)
{
    (void)event;
    commands++;
}

/* Its warnings ("Failed to buffer 4 bytes") come with an error of the call, which says more. */
static void
on_library_log(mongoc_log_level_t level, const char *area, const char *message, void *data)
{
    (void)data;
    wd_log(level <= MONGOC_LOG_LEVEL_CRITICAL ? WD_LOG_WARN : WD_LOG_DEBUG, "mongo library", WD_KV("area", area),
           WD_KV("text", message));
}

static void
library_init(void)
{
    setenv("MONGOC_DISABLE_SHM", "1", 0); /* its counters in /dev/shm outlive a process that is killed */
    mongoc_init();
    mongoc_log_set_handler(on_library_log, NULL);
}

/* ---- options of the URI ---- */

static void
set_default(mongoc_uri_t *uri, const char *option, int value)
{
    if (!mongoc_uri_has_option(uri, option))
        mongoc_uri_set_option_as_int32(uri, option, value);
}

/*
 * A write is acknowledged when a majority has it in its journal, so what a client was told survives the loss of a
 * node. Reads stay with the server's default, "local" on the primary: the numbers that a client may keep (uidNext,
 * modifyIndex, uidValidity) are taken by a find-and-update that a majority has acknowledged before any document with
 * them is written. So a failover can only take away a document whose writer was never told that it is there, and a
 * number once shown is never given to something else. Majority reads would cost a snapshot per read for nothing.
 */
static void
set_write_concern(mongoc_uri_t *uri, bool weak, int timeout_ms)
{
    mongoc_write_concern_t *concern;

    if (!mongoc_write_concern_is_default(mongoc_uri_get_write_concern(uri)))
        return;
    concern = mongoc_write_concern_new();
    if (weak) {
        mongoc_write_concern_set_w(concern, 1);
    } else {
        mongoc_write_concern_set_w(concern, MONGOC_WRITE_CONCERN_W_MAJORITY);
        mongoc_write_concern_set_journal(concern, true);
        /* Sooner than the socket gives up: an answer that says what is wrong, and the connection is kept. */
        mongoc_write_concern_set_wtimeout_int64(concern, timeout_ms - timeout_ms / 10);
    }
    mongoc_uri_set_write_concern(uri, concern);
    mongoc_write_concern_destroy(concern);
}

/* What was written must be seen by the next read, whoever wrote it: secondaries will not do. */
static void
set_read_preference(mongoc_uri_t *uri)
{
    mongoc_read_prefs_t *primary = mongoc_read_prefs_new(MONGOC_READ_PRIMARY);

    mongoc_uri_set_read_prefs_t(uri, primary);
    mongoc_read_prefs_destroy(primary);
}

static void
set_options(mongoc_uri_t *uri, const struct wd_mongo_options *o, int timeout_ms)
{
    if (!mongoc_uri_get_appname(uri))
        mongoc_uri_set_appname(uri, "wd-store");
    set_default(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, timeout_ms);
    set_default(uri, MONGOC_URI_CONNECTTIMEOUTMS, timeout_ms);
    set_default(uri, MONGOC_URI_SOCKETTIMEOUTMS, timeout_ms);
    set_default(uri, MONGOC_URI_WAITQUEUETIMEOUTMS, timeout_ms);
    set_default(uri, MONGOC_URI_MAXPOOLSIZE, (int)(o->connections ? o->connections : DEFAULT_CONNECTIONS));
    if (mongoc_uri_has_option(uri, "minpoolsize")) /* it makes libmongoc 1.x close clients that are wanted */
        mongoc_uri_set_option_as_int32(uri, "minpoolsize", 0);
    set_read_preference(uri);
    set_write_concern(uri, o->weak_writes, timeout_ms);
}

/* ---- pools ---- */

static bool
is_uri(const char *text)
{
    return strstr(text, "://") != NULL;
}

static char *
hosts_of(const mongoc_uri_t *uri)
{
    struct wd_buf out = { 0 };

    for (const mongoc_host_list_t *h = mongoc_uri_get_hosts(uri); h; h = h->next)
        wd_buf_printf(&out, "%s%s", out.n ? "," : "", h->host_and_port);
    if (!out.n)
        wd_buf_c(&out, mongoc_uri_get_srv_hostname(uri) ? mongoc_uri_get_srv_hostname(uri) : "?");
    wd_buf_chr(&out, '\0');
    return out.p;
}

static bool
pool_start(struct pool *p, const struct wd_mongo_options *o, int timeout_ms, struct wd_error *err)
{
    mongoc_apm_callbacks_t *callbacks;
    bson_error_t why;

    p->uri = mongoc_uri_new_with_error(p->text, &why);
    if (!p->uri) /* the library's text may quote the URI with its password */
        return wd_fail(err, WD_INVALID, "%s: not a MongoDB URI (mongodb://host:27017/database)", p->setting);
    p->where = hosts_of(p->uri);
    set_options(p->uri, o, timeout_ms);
    p->clients = mongoc_client_pool_new_with_error(p->uri, &why);
    if (!p->clients)
        return wd_fail(err, WD_INVALID, "%s (%s): %s", p->setting, p->where, why.message);
    mongoc_client_pool_set_error_api(p->clients, MONGOC_ERROR_API_VERSION_2);
    callbacks = mongoc_apm_callbacks_new();
    mongoc_apm_set_command_started_cb(callbacks, on_command);
    mongoc_client_pool_set_apm_callbacks(p->clients, callbacks, NULL);
    mongoc_apm_callbacks_destroy(callbacks);
    return true;
}

static struct pool *
pool_for(struct mongo_link *l, const char *text, const char *setting, const struct wd_mongo_options *o,
         struct wd_error *err)
{
    struct pool *p = &l->pools[l->n_pools];

    for (size_t i = 0; i < l->n_pools; i++)
        if (strcmp(l->pools[i].text, text) == 0)
            return &l->pools[i];
    l->n_pools++; /* first: mongo_link_release cleans a half-made one */
    p->text = strdup(text);
    p->setting = strdup(setting);
    return pool_start(p, o, l->timeout_ms, err) ? p : NULL;
}

static bool
database_name_ok(const char *name)
{
    return *name && strlen(name) < 64 && strpbrk(name, "/\\. \"$*<>:|?") == NULL;
}

/* `text` is a URI, the name of a database at the main URI, or NULL: the main database. */
static bool
database_open(struct mongo_link *l, enum wd_docs_database which, const char *text, const struct wd_mongo_options *o,
              struct wd_error *err)
{
    struct pool *p = l->databases[WD_DB_MAIN].pool;
    const char *name = text;

    if (which == WD_DB_MAIN || (text && is_uri(text))) {
        p = pool_for(l, text, settings[which], o, err);
        if (!p)
            return false;
        name = mongoc_uri_get_database(p->uri);
        if (!name || !*name)
            return wd_fail(err, WD_INVALID, "%s (%s): the URI names no database: mongodb://%s/DATABASE",
                           settings[which], p->where, p->where);
    } else if (!name || !*name) {
        name = l->databases[WD_DB_MAIN].name;
    }
    if (!database_name_ok(name))
        return wd_fail(err, WD_INVALID, "%s: '%s' is neither a name of a database nor a URI", settings[which], name);
    l->databases[which].pool = p;
    l->databases[which].name = strdup(name);
    return true;
}

bool
mongo_link_open(const struct wd_mongo_options *o, struct mongo_link **out, struct wd_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct mongo_link *l = wd_alloc(sizeof *l);

    pthread_once(&once, library_init);
    atomic_init(&l->owners, 1);
    l->timeout_ms = o->timeout_ms > 0 ? o->timeout_ms : DEFAULT_TIMEOUT_MS;
    l->bucket = strdup(o->bucket && *o->bucket ? o->bucket : "attachments");
    if (!database_open(l, WD_DB_MAIN, o->uri, o, err) || !database_open(l, WD_DB_USERS, o->users_db, o, err) ||
        !database_open(l, WD_DB_FILES, o->files_db, o, err)) {
        mongo_link_release(l);
        return false;
    }
    *out = l;
    return true;
}

struct mongo_link *
mongo_link_share(struct mongo_link *l)
{
    atomic_fetch_add(&l->owners, 1);
    return l;
}

void
mongo_link_release(struct mongo_link *l)
{
    if (!l || atomic_fetch_sub(&l->owners, 1) > 1)
        return;
    for (size_t i = 0; i < l->n_pools; i++) {
        struct pool *p = &l->pools[i];

        if (p->clients)
            mongoc_client_pool_destroy(p->clients);
        mongoc_uri_destroy(p->uri);
        free(p->text);
        free(p->where);
        free(p->setting);
    }
    for (size_t i = 0; i < DATABASES; i++)
        free(l->databases[i].name);
    free(l->bucket);
    free(l);
}

const char *
mongo_link_bucket(const struct mongo_link *l)
{
    return l->bucket;
}

int
mongo_link_timeout_ms(const struct mongo_link *l)
{
    return l->timeout_ms;
}

const char *
mongo_link_where(const struct mongo_link *l, enum wd_docs_database database)
{
    return l->databases[database].pool->where;
}

const char *
mongo_link_setting(const struct mongo_link *l, enum wd_docs_database database)
{
    return l->databases[database].pool->setting;
}

const char *
mongo_link_database(const struct mongo_link *l, enum wd_docs_database database)
{
    return l->databases[database].name;
}

/* ---- leases ---- */

bool
mongo_lease_take(struct mongo_link *l, enum wd_docs_database database, struct mongo_lease *out, struct wd_error *err)
{
    struct pool *p = l->databases[database].pool;

    out->pool = p->clients;
    out->client = mongoc_client_pool_pop(p->clients);
    out->database = l->databases[database].name;
    if (!out->client)
        return wd_fail(err, WD_DATABASE, "all connections to %s are busy", p->where);
    return true;
}

void
mongo_lease_give(struct mongo_lease *lease)
{
    if (lease->client)
        mongoc_client_pool_push(lease->pool, lease->client);
    lease->client = NULL;
}

mongoc_client_t *
mongo_link_patient_client(struct mongo_link *l, enum wd_docs_database database, int timeout_ms)
{
    mongoc_uri_t *uri = mongoc_uri_copy(l->databases[database].pool->uri);
    mongoc_client_t *client;

    mongoc_uri_set_option_as_int32(uri, MONGOC_URI_SOCKETTIMEOUTMS, timeout_ms);
    client = mongoc_client_new_from_uri(uri);
    if (client)
        mongoc_client_set_error_api(client, MONGOC_ERROR_API_VERSION_2);
    mongoc_uri_destroy(uri);
    return client;
}
