#include "common/base/arena.h"

#include <check.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

START_TEST(memory_is_zeroed_and_aligned)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(64);

    for (size_t n = 0; n < 300; n++) {
        char *p = wd_arena_alloc(a, n);
        ck_assert_uint_eq((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            if (p[i] != 0)
                ck_abort_msg("byte %zu of %zu", i, n);
        if (n)
            memset(p, 0xaa, n);
    }
}
END_TEST

START_TEST(what_it_gave_stays_until_the_reset)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_str first = wd_arena_str(a, WD_STR("a\0b"));

    for (int i = 0; i < 1000; i++)
        wd_arena_alloc(a, 1000);
    ck_assert(wd_str_eq(first, WD_STR("a\0b")));
    ck_assert_int_eq(first.p[3], '\0');
    ck_assert_uint_ge(wd_arena_used(a), 1000000);
    wd_arena_reset(a);
    ck_assert_uint_eq(wd_arena_used(a), 0);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(*(char *)wd_arena_alloc(a, 100), 0);
}
END_TEST

START_TEST(large_pieces_and_texts)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(16);
    char *big = wd_arena_alloc(a, 5 << 20);
    struct wd_str s = wd_arena_printf(a, "%s %d", "x", 7);

    big[(5 << 20) - 1] = 1;
    ck_assert(wd_str_eq(s, WD_STR("x 7")));
    ck_assert_int_eq(s.p[3], '\0');
    ck_assert_uint_eq(wd_arena_str(a, WD_NONE).n, 0);
    ck_assert_str_eq(wd_arena_str(a, WD_NONE).p, "");
    wd_arena_free(NULL);
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("arena");

    tcase_add_test(cases, memory_is_zeroed_and_aligned);
    tcase_add_test(cases, what_it_gave_stays_until_the_reset);
    tcase_add_test(cases, large_pieces_and_texts);
    return run_case("arena", cases);
}
