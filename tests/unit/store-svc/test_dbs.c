/* The section dbs: URLs of MongoDB and Redis, and Redis as a table. */
#include "store-svc/dbs.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

static struct wd_error err;

/* ---- MongoDB ---- */

static const struct {
    const char *uri, *wrong; /* NULL: nothing is */
} mongo[] = {
    { "mongodb://127.0.0.1:27017/wildduck", NULL },
    { "mongodb://me:pw@a:1,b:2,c/mail?replicaSet=rs0&tls=true", NULL },
    { "mongodb+srv://cluster.example.com/mail", NULL },
    { "mongodb://127.0.0.1:27017", "names no database" },
    { "mongodb://127.0.0.1:27017/", "names no database" },
    { "mongodb://127.0.0.1/?replicaSet=rs0", "names no database" },
    { "mongodb://me:hunter2@127.0.0.1?authSource=/x", "names no database" },
    { "http://127.0.0.1/mail", "must be mongodb://" },
    { "127.0.0.1:27017/mail", "must be mongodb://" },
    { "", "must be mongodb://" },
};

START_TEST(a_mongo_uri_names_a_database)
{
    bool ok = store_mongo_uri_check(mongo[_i].uri, &err);

    ck_assert_msg(ok == !mongo[_i].wrong, "%s", mongo[_i].uri);
    if (!ok) {
        ck_assert_int_eq(err.reason, WD_INVALID);
        ck_assert_msg(strstr(err.text, mongo[_i].wrong) && !strstr(err.text, "hunter2"), "%s", err.text);
    }
}
END_TEST

/* ---- a URL of Redis ---- */

static const struct {
    const char *url;
    struct store_redis is;
} good[] = {
    { "redis://127.0.0.1:6379/3", { .host = "127.0.0.1", .port = 6379, .database = 3 } },
    { "redis://cache", { .host = "cache", .port = 6379, .database = 0 } },
    { "redis://cache/", { .host = "cache", .port = 6379, .database = 0 } },
    { "redis:///5", { .host = "127.0.0.1", .port = 6379, .database = 5 } },
    { "redis://[::1]:7000/1", { .host = "::1", .port = 7000, .database = 1 } },
    { "redis://[fe80::1]", { .host = "fe80::1", .port = 6379 } },
    { "redis://pw@h:1/2", { .host = "h", .port = 1, .database = 2, .password = "pw" } },
    { "redis://:pw@h", { .host = "h", .port = 6379, .password = "pw" } },
    { "redis://any:pw@h", { .host = "h", .port = 6379, .password = "pw" } },
    { "redis://me:pw@h?allowUsernameInURI=true", { .host = "h", .port = 6379, .user = "me", .password = "pw" } },
    { "redis://me:pw@h?allowUsernameInURI=false", { .host = "h", .port = 6379, .password = "pw" } },
    { "redis://:p%40%3a%2Fw@h", { .host = "h", .port = 6379, .password = "p@:/w" } },
    { "redis://:p@w@h", { .host = "h", .port = 6379, .password = "p@w" } },
    { "redis://h?password=pw&db=7", { .host = "h", .port = 6379, .database = 7, .password = "pw" } },
    { "redis://:first@h/1?password=second&db=7", { .host = "h", .port = 6379, .database = 1, .password = "first" } },
    { "REDIS://h/1", { .host = "h", .port = 6379, .database = 1 } },
};

static bool
same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

START_TEST(a_redis_url_is_taken_apart)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct store_redis r = { .host = "127.0.0.1", .port = 6379 };

    ck_assert_msg(store_redis_url(a, wd_str_c(good[_i].url), &r, &err), "%s: %s", good[_i].url, err.text);
    ck_assert_str_eq(r.host, good[_i].is.host);
    ck_assert_uint_eq(r.port, good[_i].is.port);
    ck_assert_uint_eq(r.database, good[_i].is.database);
    ck_assert_msg(same(r.user, good[_i].is.user), "user of %s", good[_i].url);
    ck_assert_msg(same(r.password, good[_i].is.password), "password of %s", good[_i].url);
}
END_TEST

static const struct {
    const char *url, *wrong;
} bad[] = {
    { "rediss://:hunter2@h/3", "has no TLS" },
    { "http://h", "must be redis://" },
    { "h:6379", "must be redis://" },
    { "", "must be redis://" },
    { "redis://:hunter2@h:port/3", "the port is not" },
    { "redis://h:0", "the port is not" },
    { "redis://h:65536", "the port is not" },
    { "redis://:hunter2@h/three", "the database is not" },
    { "redis://h/65536", "the database is not" },
    { "redis://h?db=-1", "the database is not" },
    { "redis://:hunter2%4@h", "two hexadecimal digits" },
    { "redis://:hunter2%00@h", "two hexadecimal digits" },
    { "redis://[::1", "must be redis://" },
    { "redis://[::1]6379", "must be redis://" },
    { "redis://h?keyPrefix=x", "not known: keyPrefix" },
};

START_TEST(a_bad_redis_url_is_refused_without_its_password)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct store_redis r = { .host = "127.0.0.1", .port = 6379 };

    ck_assert_msg(!store_redis_url(a, wd_str_c(bad[_i].url), &r, &err), "%s", bad[_i].url);
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert_msg(strstr(err.text, bad[_i].wrong), "%s: %s", bad[_i].url, err.text);
    ck_assert_msg(!strstr(err.text, "hunter2"), "%s", err.text);
}
END_TEST

/* ---- the settings as a whole ---- */

static const struct wd_config_key *const tables[] = { store_config_keys, NULL };

/* A configuration of a text as its file, and settings on the command line; NULL with err set. */
static struct wd_config *
load(const char *text, const char *const *sets)
{
    char path[] = "/tmp/wd-dbs-XXXXXX";
    struct wd_config_sources from = { .file = path, .overrides = sets };
    int fd = mkstemp(path);
    struct wd_config *c;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    c = wd_config_load(tables, &from, &err);
    unlink(path);
    ck_assert_msg(c, "%s", err.text);
    return c;
}

START_TEST(an_existing_table_is_read)
{
    struct wd_config *c = load("[store]\ndriver = \"mongo\"\n[dbs]\nmongo = \"mongodb://db1/wd\"\n"
                               "sender = \"zone-mta\"\ngridfs = \"files\"\n"
                               "[dbs.redis]\nhost = \"cache\"\npassword = \"pw\"\n"
                               "[[dbs.redis.sentinels]]\nhost = \"s1\"\nport = 26380\n"
                               "[[dbs.redis.sentinels]]\nhost = \"s2\"\n[attachments]\ntype = \"gridstore\"\n",
                               (const char *const[]){ "dbs.redis.name=master1", NULL });
    struct store_settings s;

    ck_assert_msg(store_settings_read(c, &s, &err), "%s", err.text);
    ck_assert(s.shared);
    ck_assert_str_eq(s.bus, "redis"); /* because dbs.redis is set */
    ck_assert_str_eq(s.files_db, "files");
    ck_assert_ptr_null(s.users_db);
    ck_assert_str_eq(s.redis.host, "cache");
    ck_assert_uint_eq(s.redis.port, 6379);
    ck_assert_uint_eq(s.redis.database, 3);
    ck_assert_str_eq(s.redis.password, "pw");
    ck_assert_str_eq(s.redis.sentinel_name, "master1");
    ck_assert_str_eq(s.redis.sentinels[0], "s1:26380");
    ck_assert_str_eq(s.redis.sentinels[1], "s2:26379");
    ck_assert_ptr_null(s.redis.sentinels[2]);
    store_settings_done(&s);
    wd_config_free(c);
}
END_TEST

START_TEST(a_url_is_completed_by_keys_of_the_table)
{
    struct wd_config *c = load("[dbs]\nredis = \"redis://cache:7000/4\"\n[store]\nbus = \"redis\"\n",
                               (const char *const[]){ "dbs.redis.password=pw", NULL });
    struct store_settings s;

    ck_assert_msg(store_settings_read(c, &s, &err), "%s", err.text);
    ck_assert_str_eq(s.redis.host, "cache");
    ck_assert_uint_eq(s.redis.port, 7000);
    ck_assert_uint_eq(s.redis.database, 4);
    ck_assert_str_eq(s.redis.password, "pw");
    store_settings_done(&s);
    wd_config_free(c);
}
END_TEST

static const struct {
    const char *file, *bus;
} buses[] = {
    { "", "embedded" },
    { "[dbs]\nredis = \"redis://h\"\n", "embedded" }, /* the embedded driver has a bus */
    { "[store]\nbus = \"redis\"\n", "redis" },
    { "[store]\ndriver = \"mongo\"\n", "embedded" },
    { "[store]\ndriver = \"mongo\"\n[dbs]\nredis = \"redis://h\"\n", "redis" },
    { "[store]\ndriver = \"mongo\"\n[dbs.redis]\ndb = 3\n", "redis" },
    { "[store]\ndriver = \"mongo\"\nbus = \"embedded\"\n[dbs]\nredis = \"redis://h\"\n", "embedded" },
};

START_TEST(the_bus_is_redis_when_mongo_and_redis_are_set)
{
    struct wd_config *c = load(buses[_i].file, NULL);
    struct store_settings s;

    ck_assert_msg(store_settings_read(c, &s, &err), "%s", err.text);
    ck_assert_str_eq(s.bus, buses[_i].bus);
    store_settings_done(&s);
    wd_config_free(c);
}
END_TEST

static const struct {
    const char *file, *wrong;
} refused[] = {
    { "[store]\ndriver = \"mongo\"\n[dbs]\nmongo = \"mongodb://h\"\n", "names no database" },
    { "[store]\nbus = \"redis\"\n[dbs]\nredis = \"rediss://h\"\n", "has no TLS" },
    { "[store]\nbus = \"redis\"\n[dbs.redis]\nname = \"m\"\n", "no sentinels are set" },
    { "[store]\nbus = \"redis\"\n[[dbs.redis.sentinels]]\nhost = \"s\"\n", "not the master's name" },
    { "[store]\nbus = \"redis\"\n[dbs.redis]\nname = \"m\"\n[[dbs.redis.sentinels]]\nport = 1\n", "needs a host" },
    { "[store]\nsecret = \"x\"\nsecretFile = \"y\"\n", "are both set" },
};

START_TEST(what_does_not_fit_together_is_refused)
{
    struct wd_config *c = load(refused[_i].file, NULL);
    struct store_settings s;

    ck_assert(!store_settings_read(c, &s, &err));
    ck_assert_msg(strstr(err.text, refused[_i].wrong), "%s", err.text);
    wd_config_free(c);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("dbs");

    tcase_add_loop_test(cases, a_mongo_uri_names_a_database, 0, WD_COUNT(mongo));
    tcase_add_loop_test(cases, a_redis_url_is_taken_apart, 0, WD_COUNT(good));
    tcase_add_loop_test(cases, a_bad_redis_url_is_refused_without_its_password, 0, WD_COUNT(bad));
    tcase_add_test(cases, an_existing_table_is_read);
    tcase_add_test(cases, a_url_is_completed_by_keys_of_the_table);
    tcase_add_loop_test(cases, the_bus_is_redis_when_mongo_and_redis_are_set, 0, WD_COUNT(buses));
    tcase_add_loop_test(cases, what_does_not_fit_together_is_refused, 0, WD_COUNT(refused));
    return run_case("dbs", cases);
}
