#include "store-svc/config.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "store-svc/dbs.h"

/* clang-format off */
#define TEXT(name, initial, help)             { name, WD_CONFIG_STRING, initial, 0, 0, help }
#define NUMBER(name, initial, min, max, help) { name, WD_CONFIG_INT, initial, min, max, help }
#define FLAG(name, initial, help)             { name, WD_CONFIG_BOOL, initial, 0, 0, help }
#define LIST(name, initial, help)             { name, WD_CONFIG_LIST, initial, 0, 0, help }
#define TABLES(name, help)                    { name, WD_CONFIG_TABLES, NULL, 0, 0, help }

const struct wd_config_key store_config_keys[] = {
    TEXT(  "store.dataDir",            "/var/lib/wd", "directory of the database, the key, the tokens"),
    TEXT(  "store.driver",             "embedded",    "where mail is kept: embedded (dataDir) or mongo (dbs.mongo)"),
    TEXT(  "store.bus",                NULL,          "embedded or redis; unset: redis when mongo and dbs.redis are"),
    FLAG(  "store.durable",            "true",        "answer only when the data is on disk"),
    NUMBER("store.cacheMB",            "16",     1, 65536,     "database pages kept per connection, MiB"),
    NUMBER("store.viewCacheMB",        "64",     0, 65536,     "message lists of mailboxes kept, MiB"),
    NUMBER("store.bodyCacheMB",        "32",     0, 65536,     "messages kept open for reading, MiB"),
    TEXT(  "store.secret",             NULL,          "key that signs tokens, 64 hexadecimal digits"),
    TEXT(  "store.secretFile",         NULL,          "file with it; unset: the database's, or dataDir/secret.key"),
    NUMBER("store.connections",        "0",      0, 1000,      "to each database at most; 0: workers and 4"),
    NUMBER("store.timeoutMs",          "10000",  100, 600000,  "that one command to a database may take"),
    NUMBER("store.connectWaitSeconds", "60",     0, 86400,     "for databases that do not answer at the start"),
    FLAG(  "store.createIndexes",      "true",        "mongo: create the indexes that are missing"),
    LIST(  "store.listen",             "",            "where front ends connect; unset: below dataDir/run"),
    LIST(  "store.events",             "",            "where changes are published; unset: below dataDir/run"),
    NUMBER("store.workers",            "0",      0, 1024,      "calls served at once; 0: 2 per CPU, 8 or more"),
    TEXT(  "store.ipcMode",            "0600",        "file mode of ipc sockets"),
    FLAG(  "store.allowPlainTcp",      "false",       "tcp:// on addresses that are not loopback"),
    TEXT(  "store.tls.ca",             NULL,          "tls+tcp: signer of the callers' certificates (PEM)"),
    TEXT(  "store.tls.cert",           NULL,          "tls+tcp: our certificate and its key (PEM)"),
    TEXT(  "store.adminHost",          "127.0.0.1",   "address of /healthz, /readyz and /metrics"),
    NUMBER("store.adminPort",          "-1",     -1, 65535,     "its port; 0: any free one; -1: none"),
    LIST(  "store.url",                "",            "of the front ends; not used by wd-store"),
    TEXT(  "store.tokenFile",          NULL,          "of the front ends; not used by wd-store"),
    TEXT(  "store.tls.serverName",     NULL,          "of the front ends; not used by wd-store"),
    TEXT(  "dbs.mongo", "mongodb://127.0.0.1:27017/wildduck", "MongoDB, and the main database"),
    TEXT(  "dbs.users",                NULL,          "database of users, or a URI; unset: the main one"),
    TEXT(  "dbs.gridfs",               NULL,          "database of attachments, or a URI; unset: the main one"),
    TEXT(  "dbs.sender",               NULL,          "of the outbound queue; not used by wd-store"),
    TEXT(  "dbs.redis",                NULL,          "redis://[user:][password@]host:port/db, or a table:"),
    TEXT(  "dbs.redis.host",           "127.0.0.1",   "its address, or the path of a Unix socket"),
    NUMBER("dbs.redis.port",           "6379",   1, 65535,     "its port"),
    NUMBER("dbs.redis.db",             "3",      0, 65535,     "number of the database"),
    TEXT(  "dbs.redis.username",       NULL,          "user of an ACL"),
    TEXT(  "dbs.redis.password",       NULL,          "password"),
    TEXT(  "dbs.redis.name",           NULL,          "name of the master that Sentinel knows"),
    TEXT(  "dbs.redis.sentinelPassword", NULL,        "password of the Sentinels"),
    TABLES("dbs.redis.sentinels",      "Sentinels to ask: host, port"),
    TEXT(  "emailDomain",              NULL,          "of users whose name is no address; unset: this host"),
    NUMBER("maxStorage",               "1024",   1, 1LL << 30, "default quota of a user, in MiB"),
    NUMBER("maxRecipients",            "2000",   0, 1LL << 30, "default recipients of a user per 24 hours"),
    NUMBER("maxForwards",              "2000",   0, 1LL << 30, "default forwards of a user per 24 hours"),
    TEXT(  "imap.",                    NULL,          "other keys are wd-imap's"),
    NUMBER("imap.maxConnections",      "15",     0, 1000000,   "sessions of one user; 0: no limit"),
    NUMBER("imap.maxUploadMB",         "10240",  0, 1LL << 40, "upload of one user per 24 hours, MiB"),
    NUMBER("imap.maxDownloadMB",       "10240",  0, 1LL << 40, "download of one user per 24 hours, MiB"),
    TEXT(  "attachments.type",         "gridstore",   "the only one; not used by wd-store"),
    TEXT(  "attachments.writeConcern", "majority",    "always majority; not used by wd-store"),
    TEXT(  "attachments.bucket",       "attachments", "mongo: GridFS bucket of attachments"),
    TEXT(  "pop3.",                    NULL,          "other keys are wd-pop3's"),
    NUMBER("pop3.maxMessages",         "250",    1, 20000,     "newest messages that POP3 lists"),
    NUMBER("pop3.maxDownloadMB",       "10240",  0, 1LL << 40, "download of one user per 24 hours, MiB"),
    FLAG(  "attachments.decodeBase64", "true",        "store decoded what comes back the same"),
    NUMBER("limits.messageMB",         "64",     1, 64,        "largest message through any door, MiB"),
    NUMBER("limits.mailboxes",         "1500",   1, 1000000,   "mailboxes of one user"),
    NUMBER("limits.received",          "300",    0, 1LL << 30, "messages to one user per hour; 0: any number"),
    NUMBER("limits.receivedPerIP",     "100",    0, 1LL << 30, "of these, from one address; 0: any number"),
    NUMBER("archive.days",             "25",     0, 36500,     "deleted messages are kept"),
    NUMBER("authlog.days",             "30",     0, 36500,     "the record of logins is kept; 0: none is"),
    NUMBER("auth.failures",            "12",     0, 1000000,   "wrong passwords of a user in 120 s; 0: any"),
    NUMBER("auth.failuresPerIP",       "0",      0, 1000000,   "and from an address in 300 s; 0: any"),
    NUMBER("auth.cacheSeconds",        "300",    0, 86400,     "a right password is remembered"),
    NUMBER("auth.iterations",          "100000", 1000, 4000000,   "PBKDF2 iterations of new hashes"),
    NUMBER("auth.sessionHours",        "24",     1, 8760,      "a session token is good for"),
    TABLES("spamHeader",               "headers that choose the mailbox: key, value, target"),
    TEXT(  "log.level",                "info",        "debug, info, warn or error"),
    TEXT(  "log.format",               "logfmt",      "logfmt or json"),
    TEXT(  "user",                     NULL,          "become this user at the start"),
    TEXT(  "group",                    NULL,          "and this group"),
    { NULL, WD_CONFIG_STRING, NULL, 0, 0, NULL },
};
/* clang-format on */

static uint64_t
mebibytes(const struct wd_config *c, const char *key)
{
    return (uint64_t)wd_config_int(c, key) * 1024 * 1024;
}

static int64_t
days_ms(const struct wd_config *c, const char *key)
{
    return wd_config_int(c, key) * 24 * 60 * 60 * 1000;
}

static bool
read_rules(const struct wd_config *c, struct store_settings *s, struct wd_error *err)
{
    size_t n = wd_config_rows(c, "spamHeader");

    if (!wd_config_is_set(c, "spamHeader"))
        return true; /* the shipped ones */
    s->rules = wd_alloc(sizeof *s->rules * (n + 1));
    for (size_t i = 0; i < n; i++) {
        s->rules[i].key = wd_config_row_string(c, "spamHeader", i, "key");
        s->rules[i].value = wd_config_row_string(c, "spamHeader", i, "value");
        s->rules[i].target = wd_config_row_string(c, "spamHeader", i, "target");
        if (!s->rules[i].key || !s->rules[i].value || !s->rules[i].target)
            return wd_fail(err, WD_INVALID, "spamHeader row %zu needs a key, a value and a target", i + 1);
    }
    s->domain.header_rules = s->rules;
    return true;
}

static void
read_domain(const struct wd_config *c, struct wd_domain_options *o)
{
    wd_domain_defaults(o);
    o->email_domain = wd_config_string(c, "emailDomain");
    o->max_storage_bytes = mebibytes(c, "maxStorage");
    o->max_recipients = (uint32_t)wd_config_int(c, "maxRecipients");
    o->max_forwards = (uint32_t)wd_config_int(c, "maxForwards");
    o->imap_max_connections = (uint32_t)wd_config_int(c, "imap.maxConnections");
    o->imap_upload_bytes = mebibytes(c, "imap.maxUploadMB");
    o->imap_download_bytes = mebibytes(c, "imap.maxDownloadMB");
    o->pop3_max_messages = (uint32_t)wd_config_int(c, "pop3.maxMessages");
    o->pop3_download_bytes = mebibytes(c, "pop3.maxDownloadMB");
    o->decode_base64 = wd_config_bool(c, "attachments.decodeBase64");
    o->max_message_bytes = mebibytes(c, "limits.messageMB");
    o->max_mailboxes = (uint32_t)wd_config_int(c, "limits.mailboxes");
    o->receive_max = (uint32_t)wd_config_int(c, "limits.received");
    o->receive_max_ip = (uint32_t)wd_config_int(c, "limits.receivedPerIP");
    o->archive_ms = days_ms(c, "archive.days");
    o->authlog_ms = days_ms(c, "authlog.days");
    o->auth_failures = (uint32_t)wd_config_int(c, "auth.failures");
    o->auth_failures_ip = (uint32_t)wd_config_int(c, "auth.failuresPerIP");
    o->auth_cache_s = (uint32_t)wd_config_int(c, "auth.cacheSeconds");
    o->pbkdf2_iterations = (uint32_t)wd_config_int(c, "auth.iterations");
    o->session_token_ms = wd_config_int(c, "auth.sessionHours") * 60 * 60 * 1000;
}

/* The list of the key, or one ipc socket below the data directory. */
static const char *const *
urls(const struct wd_config *c, const char *key, const char *data_dir, const char *name, char **made,
     const char *list[2])
{
    const char *const *given;
    size_t n;

    given = wd_config_list(c, key, &n);
    if (n)
        return given;
    if (asprintf(made, "ipc://%s/run/%s", data_dir, name) < 0)
        abort();
    list[0] = *made;
    list[1] = NULL;
    return list;
}

static bool
read_mode(const char *text, unsigned *mode, struct wd_error *err)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);

    if (*end || end == text || value > 0777)
        return wd_fail(err, WD_INVALID, "store.ipcMode is not a file mode such as 0660");
    *mode = (unsigned)value;
    return true;
}

/* What a mongo driver is alone with is its own process. */
static const char *
read_bus(const struct wd_config *c, const struct store_settings *s)
{
    const char *given = wd_config_string(c, "store.bus");

    if (given)
        return given;
    return s->shared && store_redis_is_set(c) ? "redis" : "embedded";
}

static bool
read_databases(const struct wd_config *c, struct store_settings *s, struct wd_error *err)
{
    s->shared = strcmp(s->driver, "embedded") != 0;
    s->bus = read_bus(c, s);
    s->mongo_uri = wd_config_string(c, "dbs.mongo");
    s->users_db = wd_config_string(c, "dbs.users");
    s->files_db = wd_config_string(c, "dbs.gridfs");
    s->bucket = wd_config_string(c, "attachments.bucket");
    s->connections = (unsigned)wd_config_int(c, "store.connections");
    s->timeout_ms = (int)wd_config_int(c, "store.timeoutMs");
    s->connect_wait_ms = wd_config_int(c, "store.connectWaitSeconds") * 1000;
    s->create_indexes = wd_config_bool(c, "store.createIndexes");
    if (s->shared && !store_mongo_uri_check(s->mongo_uri, err))
        return false;
    return strcmp(s->bus, "redis") != 0 || store_redis_read(c, s->arena, &s->redis, err);
}

static bool
read_secret(const struct wd_config *c, struct store_settings *s, struct wd_error *err)
{
    s->secret = wd_config_string(c, "store.secret");
    s->secret_file = wd_config_string(c, "store.secretFile");
    return !s->secret || !s->secret_file ||
           wd_fail(err, WD_INVALID, "store.secret and store.secretFile are both set; one of them is enough");
}

bool
store_settings_read(const struct wd_config *c, struct store_settings *s, struct wd_error *err)
{
    *s = (struct store_settings){
        .data_dir = wd_config_string(c, "store.dataDir"),
        .driver = wd_config_string(c, "store.driver"),
        .workers = (unsigned)wd_config_int(c, "store.workers"),
        .durable = wd_config_bool(c, "store.durable"),
        .allow_plain_tcp = wd_config_bool(c, "store.allowPlainTcp"),
        .cache_kib = (uint32_t)wd_config_int(c, "store.cacheMB") * 1024,
        .view_cache_bytes = mebibytes(c, "store.viewCacheMB"),
        .body_cache_bytes = mebibytes(c, "store.bodyCacheMB"),
        .tls = { .ca_file = wd_config_string(c, "store.tls.ca"),
                 .certificate_file = wd_config_string(c, "store.tls.cert") },
        .admin_host = wd_config_string(c, "store.adminHost"),
        .admin_port = (int)wd_config_int(c, "store.adminPort"),
        .user = wd_config_string(c, "user"),
        .group = wd_config_string(c, "group"),
    };
    s->arena = wd_arena_new(0);
    read_domain(c, &s->domain);
    s->listen = urls(c, "store.listen", s->data_dir, "store.ipc", &s->made_listen, s->listen_list);
    s->events = urls(c, "store.events", s->data_dir, "events.ipc", &s->made_events, s->events_list);
    if (read_mode(wd_config_string(c, "store.ipcMode"), &s->ipc_mode, err) && read_rules(c, s, err) &&
        read_databases(c, s, err) && read_secret(c, s, err))
        return true;
    store_settings_done(s);
    return false;
}

void
store_settings_done(struct store_settings *s)
{
    free(s->made_listen);
    free(s->made_events);
    free(s->rules);
    wd_arena_free(s->arena);
    *s = (struct store_settings){ 0 };
}
