/* Beacons from a publisher to a subscriber: complete, or a gap is reported. */
#include <stdlib.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/rpc/events.h"
#include "tests/run.h"
#include "tests/unit/common/rpc/testing.h"

enum { BURST = 20000, TOPIC = 5 };

static struct event_base *loop;
static struct wd_publisher *publisher;
static struct wd_subscriber *subscriber;
static unsigned beacons, gaps;
static uint64_t last_modseq, next_modseq;
static uint32_t gap_topics;

static void
on_beacon(void *data, const Wd__V1__Beacon *beacon)
{
    (void)data;
    ck_assert_int_ne(beacon->kind, WD__V1__BEACON__KIND__HEARTBEAT);
    ck_assert_uint_gt(beacon->modseq, last_modseq);
    last_modseq = beacon->modseq;
    beacons++;
}

static void
on_gap(void *data, uint32_t topics)
{
    (void)data;
    gaps++;
    gap_topics |= topics;
}

static void
publish(int queue)
{
    const char *urls[] = { testing_url("events"), NULL };
    struct wd_publisher_options o = { .urls = urls, .queue = queue };
    struct wd_error err;

    publisher = wd_publisher_open(&o, &err);
    ck_assert_msg(publisher != NULL, "%s", publisher ? "" : err.text);
}

static void
subscribe(int queue)
{
    const char *urls[] = { testing_url("events"), NULL };
    struct wd_subscriber_options o = { .urls = urls, .queue = queue, .on_beacon = on_beacon, .on_gap = on_gap };
    struct wd_error err;

    subscriber = wd_subscriber_new(loop, &o, &err);
    ck_assert_msg(subscriber != NULL, "%s", subscriber ? "" : err.text);
}

static struct wd_id
user_of(unsigned topic)
{
    struct wd_id user = { { 1, 2, 3 } };

    user.b[11] = (uint8_t)topic;
    return user;
}

static void
send_beacon(unsigned topic)
{
    Wd__V1__Beacon b = WD__V1__BEACON__INIT;

    b.kind = WD__V1__BEACON__KIND__MAILBOX;
    b.user = (char *)(uintptr_t)"507f1f77bcf86cd799439011";
    b.mailbox = (char *)(uintptr_t)"507f1f77bcf86cd799439012";
    b.has_modseq = true;
    b.modseq = ++next_modseq;
    wd_publisher_send(publisher, user_of(topic), &b);
}

static void
run_for(long ms)
{
    struct timeval soon = { .tv_usec = ms * 1000 };

    event_base_loopexit(loop, &soon);
    event_base_loop(loop, EVLOOP_ONCE);
}

static void
run_until(const unsigned *counter, unsigned at_least)
{
    int64_t end = wd_mono_ms() + 20000;

    while (*counter < at_least) {
        run_for(50);
        ck_assert_msg(wd_mono_ms() < end, "%u beacons, %u gaps", beacons, gaps);
    }
}

/* Connected, and the topic's sequence is known: the gaps of the beginning are over. */
static void
settle(void)
{
    run_until(&gaps, 1);
    while (beacons == 0) {
        send_beacon(TOPIC);
        run_for(5);
    }
    while (last_modseq < next_modseq)
        run_for(5);
    beacons = gaps = 0;
    gap_topics = 0;
}

static void
setup(void)
{
    testing_init();
    loop = event_base_new();
    beacons = gaps = 0;
    last_modseq = next_modseq = 0;
    gap_topics = 0;
}

static void
teardown(void)
{
    wd_subscriber_free(subscriber);
    wd_publisher_close(publisher);
    event_base_free(loop);
    testing_done();
}

START_TEST(topic_is_the_last_byte)
{
    ck_assert_uint_eq(wd_event_topic(user_of(3)), 3);
    ck_assert_uint_eq(wd_event_topic(user_of(19)), 3);
    publish(0);
    subscribe(0);
}
END_TEST

START_TEST(connection_is_a_gap_of_the_watched_topics)
{
    publish(0);
    subscribe(0);
    wd_subscriber_watch(subscriber, TOPIC);
    run_until(&gaps, 1);
    ck_assert_uint_eq(gap_topics, 1u << TOPIC);
}
END_TEST

START_TEST(burst_arrives_complete_and_in_order)
{
    publish(0);
    subscribe(0);
    wd_subscriber_watch(subscriber, TOPIC);
    settle();
    for (unsigned i = 0; i < BURST; i++)
        send_beacon(TOPIC);
    run_until(&beacons, BURST);
    ck_assert_uint_eq(beacons, BURST);
    ck_assert_uint_eq(gaps, 0);
}
END_TEST

START_TEST(other_topics_are_not_heard)
{
    publish(0);
    subscribe(0);
    wd_subscriber_watch(subscriber, TOPIC);
    settle();
    for (unsigned i = 0; i < 100; i++)
        send_beacon(TOPIC + 1);
    send_beacon(TOPIC);
    run_until(&beacons, 1);
    ck_assert_uint_eq(last_modseq, next_modseq);
    wd_subscriber_watch(subscriber, TOPIC);
    wd_subscriber_unwatch(subscriber, TOPIC); /* still watched once */
    send_beacon(TOPIC);
    run_until(&beacons, 2);
}
END_TEST

/* While the loop does not run, frames have nowhere to go but the subscriber's queue of four: one beacon per frame,
 * because each is sent after the one before has left. */
START_TEST(overflow_is_reported_as_a_gap)
{
    publish(1);
    subscribe(4);
    wd_subscriber_watch(subscriber, TOPIC);
    settle();
    for (unsigned i = 0; i < 400; i++) {
        send_beacon(TOPIC);
        usleep(100); /* lets the publisher's thread send it alone */
    }
    run_until(&gaps, 1);
    ck_assert_uint_lt(beacons, 400);
    ck_assert_uint_eq(gap_topics, 1u << TOPIC);
}
END_TEST

START_TEST(burst_through_tiny_queues_is_complete_or_a_gap)
{
    publish(1);
    subscribe(2);
    wd_subscriber_watch(subscriber, TOPIC);
    settle();
    for (unsigned i = 0; i < BURST; i++)
        send_beacon(TOPIC);
    while (beacons < BURST && gaps == 0)
        event_base_loop(loop, EVLOOP_ONCE);
    ck_assert(beacons == BURST || gaps > 0);
}
END_TEST

START_TEST(restart_of_the_publisher_is_a_gap)
{
    publish(0);
    subscribe(0);
    wd_subscriber_watch(subscriber, TOPIC);
    settle();
    wd_publisher_close(publisher);
    publish(0);
    run_until(&gaps, 1);
    settle();
}
END_TEST

START_TEST(gap_of_the_publisher_is_a_gap_and_no_more)
{
    publish(0);
    subscribe(0);
    wd_subscriber_watch(subscriber, TOPIC);
    settle();
    for (unsigned i = 1; i <= 3; i++) {
        send_beacon(TOPIC);
        wd_publisher_gap(publisher);
        run_until(&gaps, i);
        ck_assert_uint_eq(beacons, i); /* what came before it is not lost */
        ck_assert_uint_eq(gap_topics, 1u << TOPIC);
    }
    send_beacon(TOPIC);
    run_until(&beacons, 4);
    ck_assert_uint_eq(gaps, 3);
}
END_TEST

START_TEST(subscriber_may_come_first)
{
    subscribe(0);
    wd_subscriber_watch(subscriber, TOPIC);
    publish(0);
    settle();
}
END_TEST

START_TEST(clear_text_to_another_host_is_refused)
{
    const char *urls[] = { "tcp://192.0.2.1:2602", NULL };
    struct wd_subscriber_options o = { .urls = urls };
    struct wd_publisher_options p = { .urls = urls };
    struct wd_error err;

    subscriber = wd_subscriber_new(loop, &o, &err);
    ck_assert_ptr_null(subscriber);
    ck_assert_int_eq(err.reason, WD_INVALID);
    publisher = wd_publisher_open(&p, &err);
    ck_assert_ptr_null(publisher);
    ck_assert_int_eq(err.reason, WD_INVALID);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("events");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, topic_is_the_last_byte);
    tcase_add_test(t, connection_is_a_gap_of_the_watched_topics);
    tcase_add_test(t, burst_arrives_complete_and_in_order);
    tcase_add_test(t, other_topics_are_not_heard);
    tcase_add_test(t, overflow_is_reported_as_a_gap);
    tcase_add_test(t, burst_through_tiny_queues_is_complete_or_a_gap);
    tcase_add_test(t, restart_of_the_publisher_is_a_gap);
    tcase_add_test(t, gap_of_the_publisher_is_a_gap_and_no_more);
    tcase_add_test(t, subscriber_may_come_first);
    tcase_add_test(t, clear_text_to_another_host_is_refused);
    return run_case("rpc events", t);
}
