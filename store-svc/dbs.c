#include "store-svc/dbs.h"

#include "common/base/hex.h"
#include "common/base/lifetime.h"

enum { DATABASE_MAX = 65535 };

/* ---- MongoDB ---- */

bool
store_mongo_uri_check(const char *uri, struct wd_error *err)
{
    struct wd_str s = wd_str_c(uri), name;
    size_t start = wd_str_starts(s, WD_STR("mongodb://"))       ? sizeof "mongodb://" - 1
                   : wd_str_starts(s, WD_STR("mongodb+srv://")) ? sizeof "mongodb+srv://" - 1
                                                                : 0;
    size_t slash;

    if (!start)
        return wd_fail(err, WD_INVALID, "dbs.mongo: must be mongodb://[user:password@]host[:port]/database");
    s = wd_str_part(s, start, wd_str_chr(s, '?'));
    slash = wd_str_chr(s, '/');
    name = slash == SIZE_MAX ? WD_NONE : wd_str_part(s, slash + 1, s.n);
    if (!name.n)
        return wd_fail(err, WD_INVALID, "dbs.mongo: the URI names no database: mongodb://host:port/DATABASE");
    return true;
}

/* ---- Redis ---- */

/* The parts of a URL; borrowed from it. */
struct redis_url {
    struct wd_str user, password, host, port, path, query;
    bool has_userinfo, has_colon;
};

static bool
no_url(struct wd_error *err)
{
    return wd_fail(err, WD_INVALID, "dbs.redis: must be redis://[user:][password@]host[:port][/database]");
}

/* Without percent signs; NULL when one is not followed by two digits, or the byte is NUL. */
static const char *
decode(struct wd_arena *a, struct wd_str s)
{
    char *out = wd_arena_alloc(a, s.n + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        out[n] = s.p[i];
        if (s.p[i] == '%') {
            if (!wd_hex_decode(wd_str_part(s, i + 1, i + 3), &out[n], 1) || !out[n])
                return NULL;
            i += 2;
        }
        n++;
    }
    return out;
}

static bool
take(struct wd_arena *a, struct wd_str s, const char **out, struct wd_error *err)
{
    const char *text = decode(a, s);

    if (!text)
        return wd_fail(err, WD_INVALID, "dbs.redis: a '%%' in the URL is not followed by two hexadecimal digits");
    *out = text;
    return true;
}

/* [user:][password@], host or [v6], :port */
static bool
split_authority(struct wd_str s, struct redis_url *u, struct wd_error *err)
{
    size_t at = wd_str_rchr(s, '@'), colon;

    if (at != SIZE_MAX) {
        struct wd_str info = wd_str_part(s, 0, at);
        colon = wd_str_chr(info, ':');
        u->has_userinfo = true;
        u->has_colon = colon != SIZE_MAX;
        u->user = u->has_colon ? wd_str_part(info, 0, colon) : WD_NONE;
        u->password = u->has_colon ? wd_str_part(info, colon + 1, info.n) : info;
        s = wd_str_part(s, at + 1, s.n);
    }
    if (wd_str_starts(s, WD_STR("["))) {
        size_t end = wd_str_chr(s, ']');
        if (end == SIZE_MAX || (end + 1 < s.n && s.p[end + 1] != ':'))
            return no_url(err);
        u->host = wd_str_part(s, 1, end);
        s = wd_str_part(s, end + 1, s.n);
    } else {
        colon = wd_str_chr(s, ':');
        u->host = wd_str_part(s, 0, colon);
        s = colon == SIZE_MAX ? WD_NONE : wd_str_part(s, colon, s.n);
    }
    u->port = s.n ? wd_str_part(s, 1, s.n) : WD_NONE;
    return true;
}

static bool
split_url(struct wd_str url, struct redis_url *u, struct wd_error *err)
{
    size_t question, slash;

    *u = (struct redis_url){ .user = WD_NONE };
    if (wd_str_istarts(url, WD_STR("rediss://")))
        return wd_fail(err, WD_INVALID,
                       "dbs.redis: rediss:// is not possible: the packaged Redis library has no TLS; use redis:// on a "
                       "private network or through a tunnel");
    if (!wd_str_istarts(url, WD_STR("redis://")))
        return no_url(err);
    url = wd_str_part(url, sizeof "redis://" - 1, url.n);
    question = wd_str_chr(url, '?');
    u->query = question == SIZE_MAX ? WD_NONE : wd_str_part(url, question + 1, url.n);
    url = wd_str_part(url, 0, question);
    slash = wd_str_chr(url, '/');
    u->path = slash == SIZE_MAX ? WD_NONE : wd_str_part(url, slash + 1, url.n);
    return split_authority(wd_str_part(url, 0, slash), u, err);
}

static bool
read_port(struct wd_str text, uint16_t *out, struct wd_error *err)
{
    uint32_t port;

    if (!wd_str_u32(text, UINT16_MAX, &port) || port == 0)
        return wd_fail(err, WD_INVALID, "dbs.redis: the port is not a number from 1 to 65535");
    *out = (uint16_t)port;
    return true;
}

static bool
read_database(struct wd_str text, struct store_redis *out, struct wd_error *err)
{
    uint32_t number;

    if (!wd_str_u32(text, DATABASE_MAX, &number))
        return wd_fail(err, WD_INVALID, "dbs.redis: the database is not a number from 0 to %d", DATABASE_MAX);
    out->database = number;
    return true;
}

/* What stands in front of the host and behind it wins over the query, as in the clients that such URLs are made for. */
static bool
read_query(struct wd_arena *a, const struct redis_url *u, struct store_redis *out, bool *user_counts,
           struct wd_error *err)
{
    struct wd_str rest = u->query, pair;

    while (rest.n && wd_str_split(&rest, '&', &pair)) {
        size_t equals = wd_str_chr(pair, '=');
        struct wd_str name = wd_str_part(pair, 0, equals);
        struct wd_str value = equals == SIZE_MAX ? WD_NONE : wd_str_part(pair, equals + 1, pair.n);
        bool ok = true;

        if (wd_str_eq(name, WD_STR("password")))
            ok = u->has_userinfo || take(a, value, &out->password, err);
        else if (wd_str_eq(name, WD_STR("db")))
            ok = u->path.n || read_database(value, out, err);
        else if (wd_str_eq(name, WD_STR("allowUsernameInURI")))
            *user_counts = wd_str_eq(value, WD_STR("true"));
        else if (name.n)
            ok = wd_fail(err, WD_INVALID, "dbs.redis: the URL has a parameter that is not known: %.*s", WD_FMT(name));
        if (!ok)
            return false;
    }
    return true;
}

bool
store_redis_url(struct wd_arena *a, struct wd_str url, struct store_redis *out, struct wd_error *err)
{
    struct redis_url u;
    bool user_counts = false;

    if (!split_url(url, &u, err) || !read_query(a, &u, out, &user_counts, err))
        return false;
    if (u.host.n && !take(a, u.host, &out->host, err))
        return false;
    if (u.port.n && !read_port(u.port, &out->port, err))
        return false;
    if (u.path.n && !read_database(u.path, out, err))
        return false;
    if (u.password.n && !take(a, u.password, &out->password, err))
        return false;
    return !user_counts || !u.user.n || take(a, u.user, &out->user, err);
}

/* ---- the table ---- */

static const char *const table_keys[] = { "dbs.redis.host",     "dbs.redis.port", "dbs.redis.db",
                                          "dbs.redis.username", "dbs.redis.password", "dbs.redis.name",
                                          "dbs.redis.sentinelPassword", "dbs.redis.sentinels" };

bool
store_redis_is_set(const struct wd_config *c)
{
    for (size_t i = 0; i < WD_COUNT(table_keys); i++)
        if (wd_config_is_set(c, table_keys[i]))
            return true;
    return wd_config_string(c, "dbs.redis") != NULL;
}

static bool
read_sentinels(const struct wd_config *c, struct wd_arena *a, struct store_redis *out, struct wd_error *err)
{
    size_t n = wd_config_rows(c, "dbs.redis.sentinels");
    const char **list = WD_ARENA_ARRAY(a, const char *, n + 1);

    for (size_t i = 0; i < n; i++) {
        const char *host = wd_config_row_string(c, "dbs.redis.sentinels", i, "host");
        const char *port = wd_config_row_string(c, "dbs.redis.sentinels", i, "port");
        uint16_t number = 26379;
        if (!host || (port && !read_port(wd_str_c(port), &number, err)))
            return wd_fail(err, WD_INVALID, "dbs.redis.sentinels row %zu needs a host, and a port that is a number",
                           i + 1);
        list[i] = wd_arena_printf(a, "%s:%u", host, number).p;
    }
    out->sentinels = list;
    out->sentinel_name = wd_config_string(c, "dbs.redis.name");
    out->sentinel_password = wd_config_string(c, "dbs.redis.sentinelPassword");
    if (!n && out->sentinel_name)
        return wd_fail(err, WD_INVALID, "dbs.redis.name is the name of a Sentinel's master, but no sentinels are set");
    if (n && !out->sentinel_name)
        return wd_fail(err, WD_INVALID, "dbs.redis.sentinels are set, but not the master's name: dbs.redis.name");
    return true;
}

bool
store_redis_read(const struct wd_config *c, struct wd_arena *a, struct store_redis *out, struct wd_error *err)
{
    const char *url = wd_config_string(c, "dbs.redis");

    *out = (struct store_redis){
        .host = wd_config_string(c, "dbs.redis.host"),
        .port = (uint16_t)wd_config_int(c, "dbs.redis.port"),
        .database = url ? 0 : (unsigned)wd_config_int(c, "dbs.redis.db"),
        .user = wd_config_string(c, "dbs.redis.username"),
        .password = wd_config_string(c, "dbs.redis.password"),
    };
    if (!read_sentinels(c, a, out, err) || (url && !store_redis_url(a, wd_str_c(url), out, err)))
        return false;
    if (!url)
        return true;
    /* A key of the table beside the URL completes it: the password from the environment, for example. */
    if (wd_config_is_set(c, "dbs.redis.host"))
        out->host = wd_config_string(c, "dbs.redis.host");
    if (wd_config_is_set(c, "dbs.redis.port"))
        out->port = (uint16_t)wd_config_int(c, "dbs.redis.port");
    if (wd_config_is_set(c, "dbs.redis.db"))
        out->database = (unsigned)wd_config_int(c, "dbs.redis.db");
    if (wd_config_string(c, "dbs.redis.username"))
        out->user = wd_config_string(c, "dbs.redis.username");
    if (wd_config_string(c, "dbs.redis.password"))
        out->password = wd_config_string(c, "dbs.redis.password");
    return true;
}
