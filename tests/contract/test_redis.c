/* What only the redis driver has: its keys, what it says, and how it lives with a server that comes and goes. */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/vec.h"
#include "store-svc/driver/redis/redis.h"
#include "tests/contract/contract.h"
#include "tests/contract/cutter.h"
#include "tests/contract/redis_server.h"
#include "tests/run.h"

enum { DEADLINE_MS = 10000, SHORT_MS = 600, BURST = 20000 };

static char directory[64], answer[4096];
static struct redis_server server;
static struct wd_bus *bus;
static struct wd_bus_count out;
static struct wd_error err;
static bool found, taken;

#define redis(...) redis_server_do(&server, answer, sizeof answer, __VA_ARGS__)

/* ---- what was heard ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct wd_buf text; /* payloads, each with a ";" behind it; "?;" for a gap */
    unsigned messages, gaps;
} heard = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, { 0 }, 0, 0 };

static void
hear(void *data, struct wd_str channel, struct wd_str payload)
{
    (void)data, (void)channel;
    pthread_mutex_lock(&heard.lock);
    wd_buf_str(&heard.text, payload.n ? payload : WD_STR("?"));
    wd_buf_chr(&heard.text, ';');
    heard.messages += payload.n > 0;
    heard.gaps += payload.n == 0;
    pthread_cond_broadcast(&heard.more);
    pthread_mutex_unlock(&heard.lock);
}

static void
wait_heard(unsigned messages, unsigned gaps)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += DEADLINE_MS / 1000;
    pthread_mutex_lock(&heard.lock);
    while (heard.messages < messages || heard.gaps < gaps)
        if (pthread_cond_timedwait(&heard.more, &heard.lock, &until) != 0)
            ck_abort_msg("heard only: %.*s", WD_FMT(wd_str_part(wd_buf_view(&heard.text), 0, 1000)));
    pthread_mutex_unlock(&heard.lock);
}

static bool
heard_text(const char *text)
{
    bool same;

    pthread_mutex_lock(&heard.lock);
    same = wd_str_eq(wd_buf_view(&heard.text), wd_str_c(text));
    pthread_mutex_unlock(&heard.lock);
    return same;
}

/* ---- a bus on a server ---- */

static bool
open_with(const struct wd_redis_options *given)
{
    struct wd_redis_options o = *given;

    if (!o.host && !o.sentinel_name)
        o.host = "127.0.0.1";
    if (!o.port)
        o.port = server.port;
    o.database = 3;
    return wd_redis_open(&o, &bus, &err);
}

static void
setup_directory(void)
{
    const char *base = getenv("TMPDIR");

    snprintf(directory, sizeof directory, "%s/wd-redis-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void
setup(void)
{
    struct wd_redis_options o = { 0 };

    setup_directory();
    redis_server_start(&server, directory, NULL);
    if (!open_with(&o))
        ck_abort_msg("%s", err.text);
}

static void
teardown(void)
{
    char command[128];

    wd_bus_close(bus);
    bus = NULL;
    redis_server_stop(&server);
    wd_buf_done(&heard.text);
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static void
subscribe(void)
{
    ck_ok(wd_bus_subscribe(bus, WD_STR("ch"), hear, NULL, &err));
}

static void
publish(const char *payload)
{
    ck_ok(wd_bus_publish(bus, WD_STR("ch"), wd_str_c(payload), &err));
}

/* Until the server is noticed to be back. */
static void
wait_until_it_works(void)
{
    int64_t deadline = wd_mono_ms() + DEADLINE_MS;

    while (!wd_bus_set(bus, WD_STR("probe"), WD_STR("1"), 60, &err))
        ck_assert_msg(wd_mono_ms() < deadline, "%s", err.text);
}

static long
connections_made(void)
{
    const char *p = strstr(redis("INFO stats"), "total_connections_received:");

    return p ? strtol(strchr(p, ':') + 1, NULL, 10) : -1;
}

static void
connections_are_kept(void)
{
    long before = connections_made();

    for (int i = 0; i < 20; i++)
        ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err));
    ck_assert_int_eq(connections_made(), before + 1); /* the question itself */
}

/* ---- the forms of docs/storage.md ---- */

START_TEST(keys_have_the_forms_that_others_know)
{
    uint64_t holder;

    ck_ok(wd_bus_count(bus, WD_STR("idw:u"), 7, 100, 60, &out, &err));
    ck_assert_str_eq(redis("GET idw:u"), "7");
    ck_assert_int_gt(atoi(redis("TTL idw:u")), 50);
    ck_ok(wd_bus_limited(bus, WD_STR("lim:imap"), WD_STR("u"), 1, 10, 1700000000123, &out, &err));
    ck_assert_str_eq(redis("HGET lim:imap u"), "1");
    ck_assert_str_eq(redis("HGET lim:imap _version"), "1700000000123");
    ck_assert_str_eq(redis("TTL lim:imap"), "-1");
    ck_ok(wd_bus_limited(bus, WD_STR("lim:imap"), WD_STR("u"), -1, 0, 0, &out, &err));
    ck_assert_str_eq(redis("HEXISTS lim:imap u"), "0");
    redis("SET wildduckindex 41");
    ck_ok(wd_bus_lock(bus, WD_STR("wildduck:gc_expired"), 60000, &holder, &taken, &err));
    ck_assert(taken);
    ck_assert_uint_eq(holder, 42);
    ck_assert_str_eq(redis("HGET wildduck:gc_expired index"), "42");
    ck_assert_int_gt(atoi(redis("PTTL wildduck:gc_expired")), 50000);
    ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err));
    ck_assert_int_gt(atoi(redis("TTL k")), 50);
    ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 0, &err));
    ck_assert_str_eq(redis("TTL k"), "-1");
}
END_TEST

START_TEST(a_count_without_an_end_gets_one)
{
    redis("SET idw:u 5");
    ck_ok(wd_bus_count(bus, WD_STR("idw:u"), 1, 0, 60, &out, &err));
    ck_assert_int_eq(out.value, 6);
    ck_assert_int_gt(out.ttl_s, 50);
    redis("SET idw:u 0");
    redis("EXPIRE idw:u 5");
    ck_ok(wd_bus_count(bus, WD_STR("idw:u"), 1, 0, 60, &out, &err)); /* the first hit opens the window */
    ck_assert_int_gt(out.ttl_s, 50);
}
END_TEST

START_TEST(a_released_lock_is_announced)
{
    uint64_t holder;

    ck_ok(wd_bus_subscribe(bus, WD_STR("wildduck-release"), hear, NULL, &err));
    ck_ok(wd_bus_lock(bus, WD_STR("wildduck:gc_expired"), 60000, &holder, &taken, &err));
    ck_ok(wd_bus_unlock(bus, WD_STR("wildduck:gc_expired"), holder + 1, &err));
    ck_ok(wd_bus_unlock(bus, WD_STR("wildduck:gc_expired"), holder, &err));
    wait_heard(1, 0);
    ck_assert(heard_text("wildduck:gc_expired;"));
}
END_TEST

START_TEST(keys_of_another_kind_are_failures_and_no_more)
{
    struct wd_buf value wd_auto(wd_buf_done) = { 0 };
    uint64_t holder;

    redis("SADD s x");
    ck_fails(wd_bus_count(bus, WD_STR("s"), 1, 0, 60, &out, &err), WD_UNAVAILABLE);
    ck_fails(wd_bus_limited(bus, WD_STR("s"), WD_STR("u"), 1, 0, 1, &out, &err), WD_UNAVAILABLE);
    ck_fails(wd_bus_get(bus, WD_STR("s"), &value, &found, &err), WD_UNAVAILABLE);
    ck_fails(wd_bus_extend(bus, WD_STR("s"), 1, 60000, &taken, &err), WD_UNAVAILABLE);
    ck_ok(wd_bus_lock(bus, WD_STR("s"), 60000, &holder, &taken, &err));
    ck_assert(!taken);
    ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err)); /* nobody takes it for a lost server */
}
END_TEST

START_TEST(connections_are_named_few_and_kept)
{
    struct wd_redis_options o = { .connections = 2 };
    struct wd_str list;
    size_t named = 0;

    wd_bus_close(bus);
    ck_assert(open_with(&o));
    for (int i = 0; i < 20; i++)
        ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err));
    subscribe();
    for (const char *p = redis("CLIENT LIST"); (p = strstr(p, "name=wd-store ")); p++)
        named++;
    list = wd_str_c(answer);
    ck_assert_msg(named == 2, "%.*s", WD_FMT(list)); /* one for commands, one for messages */
    ck_assert_ptr_nonnull(strstr(answer, " db=3 "));
    ck_assert(wd_redis_about(bus, &heard.text, &err));
    ck_assert_msg(wd_str_starts(wd_buf_view(&heard.text), WD_STR("redis: connected to 127.0.0.1:")), "%.*s",
                  WD_FMT(wd_buf_view(&heard.text)));
    ck_assert(wd_str_ends(wd_buf_view(&heard.text), WD_STR(", database 3\n")));
}
END_TEST

/* ---- servers that are not for us ---- */

static void
refused(enum wd_reason reason, const char *words)
{
    ck_assert_msg(err.reason == reason, "%s", err.text);
    ck_assert_msg(strstr(err.text, words) != NULL, "%s", err.text);
}

START_TEST(a_server_that_is_not_there_is_told)
{
    struct wd_redis_options o = { 0 };

    redis_server_stop(&server);
    wd_bus_close(bus);
    bus = NULL;
    ck_assert(!open_with(&o));
    refused(WD_UNAVAILABLE, server.address);
    refused(WD_UNAVAILABLE, "refused");
}
END_TEST

START_TEST(passwords_and_users_are_checked)
{
    static const char *const arguments[] = { "--requirepass", "right", NULL };
    struct wd_redis_options wrong = { .password = "wrong" }, none = { 0 }, right = { .password = "right" };
    struct wd_redis_options user = { .user = "wd", .password = "own" };

    wd_bus_close(bus);
    bus = NULL;
    redis_server_again(&server, arguments);
    ck_assert(!open_with(&wrong));
    refused(WD_INVALID, "log in: user or password is wrong");
    ck_assert(!open_with(&none));
    refused(WD_INVALID, "wants a password");
    ck_assert(open_with(&right));
    wd_bus_close(bus);
    bus = NULL;
    ck_assert(!open_with(&user));
    refused(WD_INVALID, "log in: user or password is wrong");
    redis_server_again(&server, NULL);
    ck_assert(!open_with(&(struct wd_redis_options){ .password = "useless" }));
    refused(WD_INVALID, "log in");
    redis("ACL SETUSER wd on >own ~* &* +@all -@dangerous +info");
    ck_assert(!open_with(&user)); /* ROLE is dangerous */
    refused(WD_INVALID, "lacks a right");
    redis("ACL SETUSER wd +role");
    ck_assert(open_with(&user));
    ck_ok(wd_bus_count(bus, WD_STR("n"), 1, 0, 60, &out, &err));
}
END_TEST

START_TEST(a_user_without_rights_is_told_what_is_refused)
{
    struct wd_redis_options user = { .user = "wd", .password = "own" };

    redis("ACL SETUSER wd on >own ~wd:* &ch +@all");
    wd_bus_close(bus);
    ck_assert(open_with(&user));
    ck_fails(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err), WD_UNAVAILABLE);
    refused(WD_UNAVAILABLE, "SET: the user lacks a right");
    ck_ok(wd_bus_set(bus, WD_STR("wd:k"), WD_STR("v"), 60, &err));
    ck_fails(wd_bus_subscribe(bus, WD_STR("other"), hear, NULL, &err), WD_UNAVAILABLE);
    refused(WD_UNAVAILABLE, "subscribe: the user lacks a right");
}
END_TEST

START_TEST(a_replica_and_a_cluster_are_refused)
{
    static const char *const replica[] = { "--replicaof", "127.0.0.1", "9", NULL };
    static const char *const cluster[] = { "--cluster-enabled", "yes", NULL };
    struct wd_redis_options o = { 0 };

    wd_bus_close(bus);
    bus = NULL;
    redis_server_again(&server, replica);
    ck_assert(!open_with(&o));
    refused(WD_INVALID, "takes no writes");
    redis_server_again(&server, cluster);
    ck_assert(!open_with(&o));
    refused(WD_INVALID, "node of a cluster");
}
END_TEST

/* ---- servers that forget ---- */

START_TEST(what_the_server_forgets_is_not_missed)
{
    uint64_t first, second;

    ck_ok(wd_bus_count(bus, WD_STR("n"), 5, 0, 60, &out, &err));
    ck_ok(wd_bus_lock(bus, WD_STR("l"), 60000, &first, &taken, &err));
    redis("SCRIPT FLUSH");
    ck_ok(wd_bus_count(bus, WD_STR("n"), 5, 0, 60, &out, &err));
    ck_assert_int_eq(out.value, 10);
    redis("FLUSHALL");
    ck_ok(wd_bus_count(bus, WD_STR("n"), 5, 0, 60, &out, &err));
    ck_assert_int_eq(out.value, 5);
    ck_ok(wd_bus_lock(bus, WD_STR("l"), 60000, &second, &taken, &err));
    ck_assert(taken && second > first);
    ck_ok(wd_bus_unlock(bus, WD_STR("l"), first, &err));
    ck_ok(wd_bus_extend(bus, WD_STR("l"), second, 60000, &taken, &err));
    ck_assert(taken);
}
END_TEST

START_TEST(a_full_server_still_gives_and_carries)
{
    struct wd_buf value wd_auto(wd_buf_done) = { 0 };

    subscribe();
    ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err));
    redis("CONFIG SET maxmemory 1");
    ck_fails(wd_bus_set(bus, WD_STR("k"), WD_STR("w"), 60, &err), WD_UNAVAILABLE);
    refused(WD_UNAVAILABLE, "memory is full");
    ck_fails(wd_bus_count(bus, WD_STR("n"), 1, 0, 60, &out, &err), WD_UNAVAILABLE);
    ck_ok(wd_bus_get(bus, WD_STR("k"), &value, &found, &err));
    ck_assert(found);
    publish("a");
    wait_heard(1, 0);
    redis("CONFIG SET maxmemory 0");
    ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("w"), 60, &err));
}
END_TEST

START_TEST(a_master_that_becomes_a_replica_is_left_until_it_is_one_again)
{
    subscribe();
    redis("REPLICAOF 127.0.0.1 9");
    ck_fails(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err), WD_UNAVAILABLE);
    refused(WD_UNAVAILABLE, "takes no writes");
    ck_fails(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err), WD_UNAVAILABLE);
    refused(WD_UNAVAILABLE, "redis is away");
    publish("a"); /* to our own subscribers */
    wait_heard(1, 0);
    redis("REPLICAOF NO ONE");
    wait_until_it_works();
}
END_TEST

/* ---- servers that come and go ---- */

START_TEST(a_restart_is_survived_and_the_gap_is_told)
{
    subscribe();
    publish("before");
    wait_heard(1, 0);
    redis_server_stop(&server);
    ck_fails(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err), WD_UNAVAILABLE);
    ck_fails(wd_bus_count(bus, WD_STR("n"), 1, 0, 60, &out, &err), WD_UNAVAILABLE);
    publish("meanwhile");
    wait_heard(2, 0);
    redis_server_again(&server, NULL);
    wait_heard(2, 1);
    ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err)); /* without a pause more */
    redis("PUBLISH ch from-elsewhere");
    publish("after");
    wait_heard(4, 1);
    ck_assert(heard_text("before;meanwhile;?;from-elsewhere;after;"));
    connections_are_kept();
    ck_ok(wd_bus_count(bus, WD_STR("n"), 1, 0, 60, &out, &err));
    ck_assert_int_eq(out.value, 1);
}
END_TEST

START_TEST(a_lost_connection_of_commands_is_not_noticed)
{
    subscribe();
    for (int i = 1; i <= 5; i++) {
        redis("CLIENT KILL TYPE normal SKIPME yes");
        ck_ok(wd_bus_count(bus, WD_STR("n"), 1, 0, 60, &out, &err));
        ck_assert_int_eq(out.value, i);
        redis("CLIENT KILL TYPE normal SKIPME yes");
        ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err));
    }
    ck_assert_uint_eq(heard.gaps, 0);
}
END_TEST

/* What may be done twice is tried once more on a new connection; nobody knows whether a count was added. */
START_TEST(a_lost_answer_is_asked_for_again_where_that_is_harmless)
{
    struct cutter *cutter = cutter_new("127.0.0.1", server.port);
    struct wd_redis_options o = { .port = cutter_port(cutter), .connections = 1 };
    struct wd_buf value wd_auto(wd_buf_done) = { 0 };

    wd_bus_close(bus);
    ck_assert(open_with(&o));
    ck_ok(wd_bus_count(bus, WD_STR("hits"), 1, 0, 60, &out, &err));
    cutter_cut_answers(cutter, "word", 1);
    ck_ok(wd_bus_set(bus, WD_STR("word"), WD_STR("v"), 60, &err));
    ck_assert_int_eq(cutter_left(cutter), 0);
    cutter_cut_answers(cutter, "word", 1);
    ck_ok(wd_bus_get(bus, WD_STR("word"), &value, &found, &err));
    ck_assert(found);
    cutter_cut_answers(cutter, "hits", 1);
    ck_fails(wd_bus_count(bus, WD_STR("hits"), 1, 0, 60, &out, &err), WD_UNAVAILABLE);
    ck_ok(wd_bus_count(bus, WD_STR("hits"), 0, 0, 60, &out, &err)); /* one connection is not the server */
    ck_assert_int_eq(out.value, 2);
    cutter_cut_answers(cutter, "hits", 1);
    ck_ok(wd_bus_count(bus, WD_STR("hits"), 0, 0, 60, &out, &err));
    ck_assert_int_eq(cutter_left(cutter), 0);
    cutter_cut_answers(cutter, "word", 2);
    ck_fails(wd_bus_set(bus, WD_STR("word"), WD_STR("v"), 60, &err), WD_UNAVAILABLE);
    refused(WD_UNAVAILABLE, "SET: Server closed the connection");
    wd_bus_close(bus);
    bus = NULL;
    cutter_free(cutter);
}
END_TEST

START_TEST(a_connection_that_only_listens_is_kept)
{
    int64_t until = wd_mono_ms() + 5 * SHORT_MS;

    wd_bus_close(bus);
    ck_assert(open_with(&(struct wd_redis_options){ .timeout_ms = SHORT_MS }));
    subscribe();
    while (wd_mono_ms() < until)
        ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err));
    publish("a");
    wait_heard(1, 0);
    ck_assert(heard_text("a;"));
}
END_TEST

START_TEST(a_lost_connection_of_messages_is_a_gap)
{
    subscribe();
    for (unsigned i = 1; i <= 3; i++) {
        redis("CLIENT KILL TYPE pubsub");
        wait_heard(0, i);
    }
    publish("a");
    wait_heard(1, 3);
}
END_TEST

/* Every caller but one that tries is answered at once; what is published goes to our own subscribers. */
START_TEST(a_server_that_hangs_makes_few_callers_wait)
{
    int64_t start;

    wd_bus_close(bus);
    ck_assert(open_with(&(struct wd_redis_options){ .timeout_ms = SHORT_MS }));
    subscribe();
    redis_server_signal(&server, SIGSTOP);
    start = wd_mono_ms();
    ck_fails(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err), WD_UNAVAILABLE);
    refused(WD_UNAVAILABLE, "no answer in time");
    ck_assert_int_lt(wd_mono_ms() - start, 2 * SHORT_MS); /* it is not tried twice */
    start = wd_mono_ms();
    for (int i = 0; i < 100; i++)
        ck_assert(!wd_bus_count(bus, WD_STR("n"), 1, 0, 60, &out, &err));
    ck_assert_int_lt(wd_mono_ms() - start, 10 * SHORT_MS);
    publish("a");
    wait_heard(1, 0);
    ck_assert(heard_text("a;"));
    while (wd_mono_ms() - start < 5 * SHORT_MS) { /* the listener, too, finds it dead */
        ck_assert(!wd_bus_count(bus, WD_STR("n"), 1, 0, 60, &out, &err));
        poll(NULL, 0, 10);
    }
    redis_server_signal(&server, SIGCONT);
    wait_heard(1, 1);
    wait_until_it_works();
}
END_TEST

START_TEST(what_is_given_back_while_the_server_is_away_is_given_back_later)
{
    struct wd_redis_options o = { .user = "wd", .password = "own" };
    int64_t deadline = wd_mono_ms() + DEADLINE_MS;

    wd_bus_close(bus);
    redis("ACL SETUSER wd on >own ~* &* +@all");
    ck_assert(open_with(&o));
    ck_ok(wd_bus_limited(bus, WD_STR("lim"), WD_STR("u"), 3, 10, 1, &out, &err));
    redis("ACL SETUSER wd off");
    redis("CLIENT KILL USER wd");
    ck_ok(wd_bus_limited(bus, WD_STR("lim"), WD_STR("u"), -1, 0, 0, &out, &err));
    ck_ok(wd_bus_limited(bus, WD_STR("lim"), WD_STR("u"), -1, 0, 0, &out, &err));
    ck_fails(wd_bus_limited(bus, WD_STR("lim"), WD_STR("u"), 1, 10, 1, &out, &err), WD_UNAVAILABLE);
    ck_assert_str_eq(redis("HGET lim u"), "3");
    redis("ACL SETUSER wd on");
    while (strcmp(redis("HGET lim u"), "1") != 0)
        ck_assert_msg(wd_mono_ms() < deadline, "%s", answer);
}
END_TEST

/* ---- Sentinel ---- */

static struct redis_server replica, sentinel;

static void
stop_sentinel(void)
{
    redis_server_stop(&sentinel);
    redis_server_stop(&replica);
    teardown();
}

START_TEST(sentinels_are_asked_in_turn)
{
    char dead[32];
    const char *none[] = { "127.0.0.1:1", NULL }, *both[] = { dead, sentinel.address, NULL };
    struct wd_redis_options o = { .sentinel_name = "main", .sentinels = none };

    wd_bus_close(bus);
    bus = NULL;
    redis_sentinel_start(&sentinel, directory, &server, 1000);
    ck_assert(!open_with(&o));
    refused(WD_UNAVAILABLE, "127.0.0.1:1: ");
    snprintf(dead, sizeof dead, "127.0.0.1:1");
    o.sentinels = both;
    ck_assert_msg(open_with(&o), "%s", err.text);
    ck_ok(wd_bus_set(bus, WD_STR("k"), WD_STR("v"), 60, &err));
    ck_assert_str_eq(redis("GET k"), "v");
    wd_bus_close(bus);
    bus = NULL;
    o.sentinel_name = "other";
    ck_assert(!open_with(&o));
    refused(WD_UNAVAILABLE, "knows no master 'other'");
    both[1] = server.address; /* no Sentinel at all */
    ck_assert(!open_with(&o));
    refused(WD_UNAVAILABLE, "ask Sentinel");
}
END_TEST

START_TEST(another_master_is_followed)
{
    char port[8], *directory_of_replica = directory;
    const char *const arguments[] = { "--replicaof", "127.0.0.1", port, "--repl-diskless-sync-delay", "0", NULL };
    const char *sentinels[] = { sentinel.address, NULL };
    struct wd_redis_options o = { .sentinel_name = "main", .sentinels = sentinels };
    int64_t deadline = wd_mono_ms() + DEADLINE_MS;

    wd_bus_close(bus);
    bus = NULL;
    snprintf(port, sizeof port, "%u", server.port);
    redis_server_start(&replica, directory_of_replica, arguments);
    redis_sentinel_start(&sentinel, directory, &server, 300);
    while (atoi(redis_server_do(&sentinel, answer, sizeof answer, "SENTINEL REPLICAS main")) < 0 ||
           !strstr(redis("INFO replication"), "state=online"))
        ck_assert_int_lt(wd_mono_ms(), deadline);
    ck_assert_msg(open_with(&o), "%s", err.text);
    subscribe();
    redis_server_stop(&server);
    deadline = wd_mono_ms() + 2 * DEADLINE_MS;
    while (!wd_bus_set(bus, WD_STR("k"), WD_STR("new"), 60, &err))
        ck_assert_msg(wd_mono_ms() < deadline, "%s", err.text);
    ck_assert_str_eq(redis_server_do(&replica, answer, sizeof answer, "GET k"), "new");
    wait_heard(0, 1);
    redis_server_do(&replica, answer, sizeof answer, "PUBLISH ch a");
    wait_heard(1, 1);
}
END_TEST

/* ---- many ---- */

START_TEST(a_burst_arrives_complete_and_in_order)
{
    struct wd_buf expected wd_auto(wd_buf_done) = { 0 };
    char text[16];

    subscribe();
    for (int i = 0; i < BURST; i++) {
        snprintf(text, sizeof text, "%d", i);
        wd_buf_printf(&expected, "%d;", i);
        publish(text);
    }
    wait_heard(BURST, 0);
    ck_assert_uint_eq(heard.messages, BURST);
    ck_assert_uint_eq(heard.gaps, 0);
    wd_buf_chr(&expected, '\0');
    ck_assert(heard_text(expected.p));
}
END_TEST

static void *
hammer(void *data)
{
    char payload[8];
    struct wd_bus_count count;
    struct wd_error why;

    snprintf(payload, sizeof payload, "%d", *(int *)data);
    for (int i = 0; i < 300; i++) {
        if (!wd_bus_count(bus, WD_STR("n"), 1, 0, 60, &count, &why) && why.reason != WD_UNAVAILABLE)
            abort();
        if (!wd_bus_publish(bus, WD_STR("ch"), wd_str_c(payload), &why))
            abort();
        if (!wd_bus_limited(bus, WD_STR("lim"), WD_STR("u"), i % 2 ? -1 : 1, 0, 1, &count, &why) &&
            (i % 2 || why.reason != WD_UNAVAILABLE))
            abort();
    }
    return NULL;
}

START_TEST(threads_survive_what_happens_to_the_server)
{
    pthread_t threads[8];
    int numbers[8];

    subscribe();
    for (int i = 0; i < 8; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, hammer, &numbers[i]);
    }
    for (int i = 0; i < 3; i++) {
        redis("CLIENT KILL TYPE normal SKIPME yes");
        redis("CLIENT KILL TYPE pubsub");
        redis_server_again(&server, NULL);
    }
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    wait_until_it_works();
    wait_heard(1, 1);
}
END_TEST

int
main(void)
{
    Suite *s = suite_create("redis");
    TCase *t = tcase_create("redis"), *sentinels = tcase_create("sentinel");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, keys_have_the_forms_that_others_know);
    tcase_add_test(t, a_count_without_an_end_gets_one);
    tcase_add_test(t, a_released_lock_is_announced);
    tcase_add_test(t, keys_of_another_kind_are_failures_and_no_more);
    tcase_add_test(t, connections_are_named_few_and_kept);
    tcase_add_test(t, a_server_that_is_not_there_is_told);
    tcase_add_test(t, passwords_and_users_are_checked);
    tcase_add_test(t, a_user_without_rights_is_told_what_is_refused);
    tcase_add_test(t, a_replica_and_a_cluster_are_refused);
    tcase_add_test(t, what_the_server_forgets_is_not_missed);
    tcase_add_test(t, a_full_server_still_gives_and_carries);
    tcase_add_test(t, a_master_that_becomes_a_replica_is_left_until_it_is_one_again);
    tcase_add_test(t, a_restart_is_survived_and_the_gap_is_told);
    tcase_add_test(t, a_lost_connection_of_commands_is_not_noticed);
    tcase_add_test(t, a_lost_answer_is_asked_for_again_where_that_is_harmless);
    tcase_add_test(t, a_connection_that_only_listens_is_kept);
    tcase_add_test(t, a_lost_connection_of_messages_is_a_gap);
    tcase_add_test(t, a_server_that_hangs_makes_few_callers_wait);
    tcase_add_test(t, what_is_given_back_while_the_server_is_away_is_given_back_later);
    tcase_add_test(t, a_burst_arrives_complete_and_in_order);
    tcase_add_test(t, threads_survive_what_happens_to_the_server);
    suite_add_tcase(s, t);
    tcase_add_checked_fixture(sentinels, setup, stop_sentinel);
    tcase_set_timeout(sentinels, 60);
    tcase_add_test(sentinels, sentinels_are_asked_in_turn);
    tcase_add_test(sentinels, another_master_is_followed);
    suite_add_tcase(s, sentinels);
    return run_suite(s);
}
