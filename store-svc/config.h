/* store-svc/config.h – the options of wd-store: one table of keys, and what they mean to the domain. */
#ifndef WD_STORE_CONFIG_H
#define WD_STORE_CONFIG_H
#include "common/config/config.h"
#include "common/rpc/client.h"
#include "store-svc/domain/domain.h"

/** Ends with .name == NULL. */
extern const struct wd_config_key store_config_keys[];

/* The bus on Redis. */
struct store_redis {
    const char *host; /* or the path of a Unix socket */
    uint16_t port;
    unsigned database;
    const char *user, *password; /* NULL: none */
    const char *sentinel_name;   /* NULL: no Sentinel */
    const char *const *sentinels; /* "host:port", ends with NULL */
    const char *sentinel_password;
};

/* Everything that main.c and serve.c need to know; strings live as long as the configuration. */
struct store_settings {
    const char *data_dir;
    const char *driver, *bus; /* names; open.c knows which there are */
    bool shared;              /* the driver's database may have other replicas */
    const char *mongo_uri, *users_db, *files_db, *bucket;
    struct store_redis redis; /* set when the bus is redis */
    unsigned connections;     /* 0: by the workers */
    int timeout_ms;
    int64_t connect_wait_ms;
    bool create_indexes;
    const char *secret, *secret_file; /* at most one of them */
    const char *const *listen, *const *events; /* end with NULL; never empty */
    unsigned workers, ipc_mode;
    bool durable, allow_plain_tcp;
    uint32_t cache_kib; /* of each database connection */
    size_t view_cache_bytes, body_cache_bytes;
    struct wd_rpc_tls tls;
    const char *admin_host;
    int admin_port; /* -1: none */
    const char *user, *group;
    struct wd_domain_options domain;
    /* owned: */
    struct wd_arena *arena;
    char *made_listen, *made_events; /* the addresses below data_dir */
    const char *listen_list[2], *events_list[2];
    struct wd_header_rule *rules;
};

/** Reads the options. WD_INVALID. On success yours to store_settings_done(). out must stay where it is. */
bool store_settings_read(const struct wd_config *config, struct store_settings *out, struct wd_error *err) WD_CHECKED;
void store_settings_done(struct store_settings *s);
#endif
