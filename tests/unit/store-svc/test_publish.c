/* From the bus to a front end: beacons, and gaps of the bus. */
#include "store-svc/publish.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "store-svc/domain/auth_cache.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/driver/embedded/embedded.h"
#include "tests/run.h"
#include "tests/unit/common/rpc/testing.h"

static struct wd_error err;
static struct wd_domain domain;
static struct store_publisher feed;
static struct event_base *loop;
static struct wd_subscriber *subscriber;
static struct wd_id user = { { 1, 2, 3 } };
static unsigned beacons, gaps;
static uint64_t last_modseq;
static char last_reason[64];

static void
on_beacon(void *data, const Wd__V1__Beacon *beacon)
{
    (void)data;
    beacons++;
    last_modseq = beacon->modseq;
    snprintf(last_reason, sizeof last_reason, "%s", beacon->reason ? beacon->reason : "");
}

static void
on_gap(void *data, uint32_t topics)
{
    (void)data;
    ck_assert_uint_eq(topics, 1u << wd_event_topic(user));
    gaps++;
}

static void
run_until(const unsigned *counter, unsigned n)
{
    int64_t deadline = wd_mono_ms() + 10000;

    while (*counter < n) {
        struct timeval soon = { .tv_usec = 20000 };
        event_base_loopexit(loop, &soon);
        event_base_loop(loop, EVLOOP_ONCE);
        ck_assert_msg(wd_mono_ms() < deadline, "%u beacons, %u gaps", beacons, gaps);
    }
}

static void
send_beacon(uint64_t modseq)
{
    wd_beacon_send(&domain,
                   &(struct wd_beacon){ .kind = WD_BEACON_MAILBOX, .user = user, .mailbox = user, .modseq = modseq });
}

/* A subscriber that is connected and knows the sequence: until then everything is a gap. */
static void
setup(void)
{
    const char *urls[] = { NULL, NULL };
    struct wd_publisher_options p = { .urls = urls };
    struct wd_subscriber_options s = { .urls = urls, .on_beacon = on_beacon, .on_gap = on_gap };

    testing_init();
    urls[0] = testing_url("events");
    loop = event_base_new();
    ck_assert(wd_embedded_bus_open(&domain.bus, &err));
    domain.auth_cache = wd_auth_cache_new(60000, 2000);
    feed.domain = &domain;
    feed.to = wd_publisher_open(&p, &err);
    ck_assert_ptr_nonnull(feed.to);
    ck_assert(store_publish_start(&feed, &err));
    subscriber = wd_subscriber_new(loop, &s, &err);
    ck_assert_ptr_nonnull(subscriber);
    wd_subscriber_watch(subscriber, wd_event_topic(user));
    run_until(&gaps, 1);
    while (beacons == 0) {
        struct timeval soon = { .tv_usec = 5000 };
        send_beacon(1);
        event_base_loopexit(loop, &soon);
        event_base_loop(loop, EVLOOP_ONCE);
    }
    while (last_modseq != 2) {
        send_beacon(2);
        run_until(&beacons, beacons + 1);
    }
    gaps = 0;
}

static void
teardown(void)
{
    wd_subscriber_free(subscriber);
    wd_bus_close(domain.bus);
    wd_publisher_close(feed.to);
    wd_auth_cache_free(domain.auth_cache);
    event_base_free(loop);
    testing_done();
}

START_TEST(a_beacon_of_the_bus_reaches_a_front_end)
{
    send_beacon(77);
    while (last_modseq != 77)
        run_until(&beacons, beacons + 1);
    wd_beacon_send(&domain, &(struct wd_beacon){ .kind = WD_BEACON_LOGOUT, .user = user, .reason = WD_STR("Bye") });
    run_until(&beacons, beacons + 1);
    ck_assert_str_eq(last_reason, "Bye");
    ck_assert_uint_eq(gaps, 0);
}
END_TEST

START_TEST(a_gap_of_the_bus_is_a_gap_of_every_front_end)
{
    for (unsigned i = 1; i <= 3; i++) {
        ck_assert(wd_bus_publish(domain.bus, WD_BEACON_CHANNEL, WD_NONE, &err));
        run_until(&gaps, i);
        send_beacon(100 + i); /* and what comes behind it is whole again */
        while (last_modseq != 100 + i)
            run_until(&beacons, beacons + 1);
        ck_assert_uint_eq(gaps, i);
    }
}
END_TEST

START_TEST(what_is_no_beacon_is_passed_over)
{
    ck_assert(wd_bus_publish(domain.bus, WD_BEACON_CHANNEL, WD_STR("{\"x\":"), &err));
    send_beacon(88);
    while (last_modseq != 88)
        run_until(&beacons, beacons + 1);
    ck_assert_uint_eq(gaps, 0);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("publish");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_beacon_of_the_bus_reaches_a_front_end);
    tcase_add_test(t, a_gap_of_the_bus_is_a_gap_of_every_front_end);
    tcase_add_test(t, what_is_no_beacon_is_passed_over);
    return run_case("publish", t);
}
