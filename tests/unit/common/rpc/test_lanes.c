#include "common/rpc/lanes.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"

static struct lanes lanes;
static struct lane_item items[200];

static void
setup(void)
{
    lanes = (struct lanes){ .max = 10 };
}

static size_t
taken(void)
{
    struct lane_item *item = lanes_take(&lanes);

    return item ? (size_t)(item - items) : SIZE_MAX;
}

START_TEST(one_caller_is_served_in_order)
{
    ck_assert_uint_eq(taken(), SIZE_MAX);
    for (size_t i = 0; i < 5; i++)
        ck_assert_ptr_null(lanes_add(&lanes, 1, &items[i]));
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(taken(), i);
    ck_assert_uint_eq(taken(), SIZE_MAX);
}
END_TEST

START_TEST(callers_are_served_in_turn)
{
    for (size_t i = 0; i < 8; i++)
        lanes_add(&lanes, 1, &items[i]);
    lanes_add(&lanes, 2, &items[100]);
    lanes_add(&lanes, 2, &items[101]);
    ck_assert_uint_eq(taken(), 0);
    ck_assert_uint_eq(taken(), 100);
    ck_assert_uint_eq(taken(), 1);
    ck_assert_uint_eq(taken(), 101);
    ck_assert_uint_eq(taken(), 2);
}
END_TEST

START_TEST(full_queue_drops_the_newest_of_the_longest_lane)
{
    for (size_t i = 0; i < 10; i++)
        ck_assert_ptr_null(lanes_add(&lanes, 1, &items[i]));
    ck_assert_ptr_eq(lanes_add(&lanes, 1, &items[10]), &items[10]);
    ck_assert_ptr_eq(lanes_add(&lanes, 2, &items[100]), &items[9]);
    ck_assert_ptr_eq(lanes_add(&lanes, 2, &items[101]), &items[8]);
    ck_assert_uint_eq(taken(), 0);
    ck_assert_uint_eq(taken(), 100);
    ck_assert_uint_eq(taken(), 1);
    ck_assert_uint_eq(taken(), 101);
    for (size_t i = 2; i < 8; i++)
        ck_assert_uint_eq(taken(), i);
    ck_assert_uint_eq(taken(), SIZE_MAX);
}
END_TEST

START_TEST(more_callers_than_lanes_share_the_last)
{
    size_t n = 0;

    lanes.max = 200;
    for (size_t i = 0; i < 100; i++)
        ck_assert_ptr_null(lanes_add(&lanes, i, &items[i]));
    while (taken() != SIZE_MAX)
        n++;
    ck_assert_uint_eq(n, 100);
}
END_TEST

START_TEST(queue_of_one)
{
    lanes.max = 1;
    ck_assert_ptr_null(lanes_add(&lanes, 1, &items[0]));
    ck_assert_ptr_eq(lanes_add(&lanes, 2, &items[1]), &items[0]); /* the newest of the longest */
    ck_assert_uint_eq(taken(), 1);
    ck_assert_uint_eq(taken(), SIZE_MAX);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("lanes");

    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_test(t, one_caller_is_served_in_order);
    tcase_add_test(t, callers_are_served_in_turn);
    tcase_add_test(t, full_queue_drops_the_newest_of_the_longest_lane);
    tcase_add_test(t, more_callers_than_lanes_share_the_last);
    tcase_add_test(t, queue_of_one);
    return run_case("rpc lanes", t);
}
