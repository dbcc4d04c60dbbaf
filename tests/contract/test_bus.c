/* What every bus driver does. */
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "common/base/clock.h"
#include "tests/contract/contract.h"
#include "tests/run.h"

static struct contract c;
static struct wd_error err;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct wd_buf text;
    int n;
} heard = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, { 0 }, 0 };

static void
hear(void *data, struct wd_str channel, struct wd_str payload)
{
    (void)data;
    pthread_mutex_lock(&heard.lock);
    wd_buf_str(&heard.text, channel);
    wd_buf_chr(&heard.text, '=');
    wd_buf_str(&heard.text, payload);
    wd_buf_chr(&heard.text, ';');
    heard.n++;
    pthread_cond_signal(&heard.more);
    pthread_mutex_unlock(&heard.lock);
}

static void
wait_heard(int n)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 10;
    pthread_mutex_lock(&heard.lock);
    while (heard.n < n)
        ck_assert_int_eq(pthread_cond_timedwait(&heard.more, &heard.lock, &until), 0);
    pthread_mutex_unlock(&heard.lock);
}

START_TEST(beacons_reach_subscribers_in_order)
{
    contract_begin(&c, _i);
    heard.n = 0;
    ck_ok(wd_bus_subscribe(c.bus, WD_STR("one"), hear, NULL, &err));
    ck_ok(wd_bus_publish(c.bus, WD_STR("one"), WD_STR("a"), &err));
    ck_ok(wd_bus_publish(c.bus, WD_STR("two"), WD_STR("b"), &err));
    ck_ok(wd_bus_publish(c.bus, WD_STR("one"), WD_STR("c"), &err));
    wait_heard(2);
    ck_assert(wd_str_eq(wd_buf_view(&heard.text), WD_STR("one=a;one=c;")));
    contract_end(&c);
    wd_buf_done(&heard.text);
}
END_TEST

START_TEST(a_counter_stops_at_its_limit)
{
    struct wd_bus_count out;

    contract_begin(&c, _i);
    ck_ok(wd_bus_count(c.bus, WD_STR("k"), 0, 10, 60, &out, &err));
    ck_assert(out.ok && out.value == 0 && out.ttl_s == -1);
    ck_ok(wd_bus_count(c.bus, WD_STR("k"), 7, 10, 60, &out, &err));
    ck_assert(out.ok && out.value == 7 && out.ttl_s > 50 && out.ttl_s <= 60);
    ck_ok(wd_bus_count(c.bus, WD_STR("k"), 7, 10, 60, &out, &err)); /* the last one may pass the limit */
    ck_assert(out.ok && out.value == 14);
    ck_ok(wd_bus_count(c.bus, WD_STR("k"), 1, 10, 60, &out, &err));
    ck_assert(!out.ok && out.value == 14);
    ck_ok(wd_bus_count(c.bus, WD_STR("k"), 0, 10, 60, &out, &err));
    ck_assert(!out.ok && out.value == 14);
    ck_ok(wd_bus_count(c.bus, WD_STR("k"), 1, 0, 60, &out, &err));
    ck_assert(out.ok && out.value == 15);
    ck_ok(wd_bus_drop(c.bus, WD_STR("k"), &err));
    ck_ok(wd_bus_count(c.bus, WD_STR("k"), 0, 10, 60, &out, &err));
    ck_assert_int_eq(out.value, 0);
    contract_end(&c);
}
END_TEST

START_TEST(a_window_ends)
{
    struct wd_bus_count out;
    int64_t deadline = wd_mono_ms() + 10000;

    contract_begin(&c, _i);
    ck_ok(wd_bus_count(c.bus, WD_STR("k"), 5, 5, 1, &out, &err));
    do /* the window is a second of the bus's own clock */
        ck_ok(wd_bus_count(c.bus, WD_STR("k"), 0, 5, 1, &out, &err));
    while (!out.ok && wd_mono_ms() < deadline);
    ck_assert(out.ok && out.value == 0);
    contract_end(&c);
}
END_TEST

START_TEST(limited_counters_count_per_field_and_version)
{
    struct wd_bus_count out;

    contract_begin(&c, _i);
    for (int i = 1; i <= 2; i++) {
        ck_ok(wd_bus_limited(c.bus, WD_STR("lim"), WD_STR("u1"), 1, 2, 100, &out, &err));
        ck_assert(out.ok && out.value == i);
    }
    ck_ok(wd_bus_limited(c.bus, WD_STR("lim"), WD_STR("u1"), 1, 2, 100, &out, &err));
    ck_assert(!out.ok && out.value == 2);
    ck_ok(wd_bus_limited(c.bus, WD_STR("lim"), WD_STR("u2"), 1, 2, 100, &out, &err));
    ck_assert(out.ok && out.value == 1);
    ck_ok(wd_bus_limited(c.bus, WD_STR("lim"), WD_STR("u1"), -5, 2, 100, &out, &err));
    ck_assert(out.ok && out.value == 0);
    ck_ok(wd_bus_limited(c.bus, WD_STR("lim"), WD_STR("u2"), 0, 2, 99, &out, &err));
    ck_assert_int_eq(out.value, 1);
    ck_ok(wd_bus_limited(c.bus, WD_STR("lim"), WD_STR("u2"), 0, 2, 101, &out, &err)); /* a newer process */
    ck_assert_int_eq(out.value, 0);
    contract_end(&c);
}
END_TEST

START_TEST(keys_are_set_got_and_dropped)
{
    struct wd_buf out = { 0 };
    bool found;

    contract_begin(&c, _i);
    ck_ok(wd_bus_get(c.bus, WD_STR("k"), &out, &found, &err));
    ck_assert(!found);
    ck_ok(wd_bus_set(c.bus, WD_STR("k"), wd_str_n("a\0b", 3), 60, &err));
    ck_ok(wd_bus_get(c.bus, WD_STR("k"), &out, &found, &err));
    ck_assert(found && wd_str_eq(wd_buf_view(&out), wd_str_n("a\0b", 3)));
    ck_ok(wd_bus_drop(c.bus, WD_STR("k"), &err));
    ck_ok(wd_bus_drop(c.bus, WD_STR("k"), &err));
    ck_ok(wd_bus_get(c.bus, WD_STR("k"), &out, &found, &err));
    ck_assert(!found);
    for (int i = 0; i < 5000; i++) {
        char key[24];
        snprintf(key, sizeof key, "many%d", i);
        ck_ok(wd_bus_set(c.bus, wd_str_c(key), wd_str_c(key), 60, &err));
    }
    out.n = 0;
    ck_ok(wd_bus_get(c.bus, WD_STR("many4321"), &out, &found, &err));
    ck_assert(found && wd_str_eq(wd_buf_view(&out), WD_STR("many4321")));
    wd_buf_done(&out);
    contract_end(&c);
}
END_TEST

START_TEST(a_lock_has_one_holder)
{
    uint64_t first, second;
    bool taken, held;

    contract_begin(&c, _i);
    ck_ok(wd_bus_lock(c.bus, WD_STR("l"), 60000, &first, &taken, &err));
    ck_assert(taken);
    ck_ok(wd_bus_lock(c.bus, WD_STR("l"), 60000, &second, &taken, &err));
    ck_assert(!taken);
    ck_ok(wd_bus_extend(c.bus, WD_STR("l"), first, 60000, &held, &err));
    ck_assert(held);
    ck_ok(wd_bus_unlock(c.bus, WD_STR("l"), first + 1, &err)); /* not the holder */
    ck_ok(wd_bus_lock(c.bus, WD_STR("l"), 60000, &second, &taken, &err));
    ck_assert(!taken);
    ck_ok(wd_bus_unlock(c.bus, WD_STR("l"), first, &err));
    ck_ok(wd_bus_lock(c.bus, WD_STR("l"), 1, &second, &taken, &err));
    ck_assert(taken && second > first);
    for (int64_t deadline = wd_mono_ms() + 10000; wd_mono_ms() < deadline;) { /* ends by itself after 1 ms */
        ck_ok(wd_bus_lock(c.bus, WD_STR("l"), 60000, &first, &taken, &err));
        if (taken)
            break;
    }
    ck_assert(taken && first > second);
    ck_ok(wd_bus_extend(c.bus, WD_STR("l"), second, 60000, &held, &err));
    ck_assert(!held);
    contract_end(&c);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("bus");
    int n = contract_suite(CONTRACT_BUS);

    tcase_set_timeout(t, 30);
    tcase_add_loop_test(t, beacons_reach_subscribers_in_order, 0, n);
    tcase_add_loop_test(t, a_counter_stops_at_its_limit, 0, n);
    tcase_add_loop_test(t, a_window_ends, 0, n);
    tcase_add_loop_test(t, limited_counters_count_per_field_and_version, 0, n);
    tcase_add_loop_test(t, keys_are_set_got_and_dropped, 0, n);
    tcase_add_loop_test(t, a_lock_has_one_holder, 0, n);
    return run_case("bus", t);
}
