#include "common/mail/seqset.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "tests/loop.h"
#include "tests/run.h"

enum { SMALL = 64 }; /* the model: one bool per number 1…SMALL */

static uint32_t seed = 1;

static uint32_t
below(uint32_t n)
{
    return next_below(&seed, n);
}

static struct wd_buf
text_of(const struct wd_seqset *s)
{
    struct wd_buf b = { 0 };

    wd_seqset_write(&b, s);
    wd_buf_chr(&b, '\0');
    return b;
}

#define ck_set(s, text)                                                                            \
    do {                                                                                           \
        struct wd_buf is_ wd_auto(wd_buf_done) = text_of(s);                                       \
        ck_assert_str_eq(is_.p, text);                                                             \
    } while (0)

/* Ascending, not touching, and exactly the model's numbers; every question answered as the model does. */
static void
check_against(struct wd_seqset *s, const bool model[SMALL + 1])
{
    uint32_t position = 0, max = 0;

    for (size_t i = 0; i < s->n; i++) {
        must(s->ranges[i].first >= 1);
        must(s->ranges[i].first <= s->ranges[i].last);
        must(i == 0 || s->ranges[i].first > s->ranges[i - 1].last + 1);
    }
    for (uint32_t n = 1; n <= SMALL; n++) {
        uint32_t next = n;
        must(wd_seqset_has(s, n) == model[n]);
        position += model[n];
        must(wd_seqset_position(s, n) == (model[n] ? position : 0));
        if (model[n]) {
            must(wd_seqset_at(s, position) == n);
            max = n;
        }
        while (next <= SMALL && !model[next])
            next++;
        must(wd_seqset_next(s, n) == (next <= SMALL ? next : 0));
    }
    ck_assert_uint_eq(wd_seqset_count(s), position);
    ck_assert_uint_eq(wd_seqset_max(s), max);
    ck_assert_uint_eq(wd_seqset_at(s, position + 1), 0);
    ck_assert_uint_eq(wd_seqset_at(s, 0), 0);
}

static void
random_range(uint32_t *first, uint32_t *last)
{
    *first = 1 + below(SMALL);
    *last = *first + below(below(4) ? 4 : SMALL);
    if (*last > SMALL)
        *last = SMALL;
}

static void
change(struct wd_seqset *s, bool model[SMALL + 1])
{
    bool add = below(2);
    uint32_t first, last;

    random_range(&first, &last);
    if (add)
        wd_seqset_add(s, first, last);
    else
        wd_seqset_remove(s, first, last);
    for (uint32_t n = first; n <= last; n++)
        model[n] = add;
}

START_TEST(random_changes)
{
    seed = (uint32_t)_i + 1;
    for (int round = 0; round < 20; round++) {
        struct wd_seqset s wd_auto(wd_seqset_done) = { 0 };
        bool model[SMALL + 1] = { false };
        for (int i = 0; i < 60; i++) {
            change(&s, model);
            check_against(&s, model);
        }
    }
}
END_TEST

START_TEST(random_pairs)
{
    seed = (uint32_t)_i + 100;
    for (int round = 0; round < 100; round++) {
        struct wd_seqset a wd_auto(wd_seqset_done) = { 0 };
        struct wd_seqset b wd_auto(wd_seqset_done) = { 0 };
        struct wd_seqset both wd_auto(wd_seqset_done) = { 0 };
        struct wd_seqset minus wd_auto(wd_seqset_done) = { 0 };
        struct wd_seqset either wd_auto(wd_seqset_done) = { 0 };
        bool in_a[SMALL + 1] = { false }, in_b[SMALL + 1] = { false };
        bool m_both[SMALL + 1], m_minus[SMALL + 1], m_either[SMALL + 1];
        for (uint32_t i = below(12); i; i--)
            change(&a, in_a);
        for (uint32_t i = below(12); i; i--)
            change(&b, in_b);
        for (int n = 0; n <= SMALL; n++) {
            m_both[n] = in_a[n] && in_b[n];
            m_minus[n] = in_a[n] && !in_b[n];
            m_either[n] = in_a[n] || in_b[n];
        }
        wd_seqset_and(&both, &a, &b);
        check_against(&both, m_both);
        wd_seqset_minus(&minus, &a, &b);
        check_against(&minus, m_minus);
        wd_seqset_copy(&either, &a);
        check_against(&either, in_a);
        wd_seqset_or(&either, &b);
        check_against(&either, m_either);
        wd_seqset_copy(&either, &b); /* over what is there */
        check_against(&either, in_b);
    }
}
END_TEST

START_TEST(random_sets_through_text_and_deltas)
{
    seed = (uint32_t)_i + 1000;
    for (int round = 0; round < 100; round++) {
        struct wd_seqset a wd_auto(wd_seqset_done) = { 0 };
        struct wd_seqset back wd_auto(wd_seqset_done) = { 0 };
        struct wd_seqset again wd_auto(wd_seqset_done) = { 0 };
        struct wd_buf text wd_auto(wd_buf_done) = { 0 };
        struct wd_buf deltas wd_auto(wd_buf_done) = { 0 };
        bool model[SMALL + 1] = { false };
        for (int i = 0; i < 8; i++)
            change(&a, model);
        wd_seqset_write(&text, &a);
        ck_assert_int_eq(wd_seqset_parse(wd_buf_view(&text), 0, 100, &back), a.n > 0);
        check_against(&back, model);
        wd_seqset_to_deltas(&a, &deltas);
        ck_assert(wd_seqset_from_deltas((uint32_t *)(void *)deltas.p, deltas.n / 4, &again));
        check_against(&again, model);
    }
}
END_TEST

static const struct {
    const char *text;
    uint32_t star;
    const char *set; /* NULL: refused */
} texts[] = {
    { "1", 0, "1" },
    { "1:5,9,12:*", 20, "1:5,9,12:20" },
    { "5:1", 0, "1:5" },
    { "*", 7, "7" },
    { "*:3", 7, "3:7" },
    { "10:*", 7, "7:10" },
    { "*:*", 7, "7" },
    { "1,2,3,5", 0, "1:3,5" },
    { "5,3,4", 0, "3:5" },
    { "1:10,4:6", 0, "1:10" },
    { "4294967295", 0, "4294967295" },
    { "1:4294967295", 0, "1:4294967295" },
    { "4294967295,4294967294,1", 0, "1,4294967294:4294967295" },
    { "007", 0, "7" },
    { "", 0, NULL },
    { "0", 0, NULL },
    { "1:0", 0, NULL },
    { "*", 0, NULL },
    { "1:*", 0, NULL },
    { "1,", 0, NULL },
    { ",1", 0, NULL },
    { "1,,2", 0, NULL },
    { "1:", 0, NULL },
    { ":1", 0, NULL },
    { "1:2:3", 0, NULL },
    { "1 ", 0, NULL },
    { "-1", 0, NULL },
    { "1-2", 0, NULL },
    { "a", 0, NULL },
    { "4294967296", 0, NULL },
    { "**", 7, NULL },
};

START_TEST(parsing)
{
    struct wd_seqset s wd_auto(wd_seqset_done) = { 0 };

    ck_assert_int_eq(wd_seqset_parse(wd_str_c(texts[_i].text), texts[_i].star, 10, &s), texts[_i].set != NULL);
    if (texts[_i].set)
        ck_set(&s, texts[_i].set);
}
END_TEST

START_TEST(parsing_has_a_limit)
{
    struct wd_seqset s wd_auto(wd_seqset_done) = { 0 };
    struct wd_seqset t wd_auto(wd_seqset_done) = { 0 };

    ck_assert(wd_seqset_parse(WD_STR("1,3,5"), 0, 3, &s));
    ck_assert(!wd_seqset_parse(WD_STR("1,3,5,7"), 0, 3, &t));
}
END_TEST

START_TEST(the_ends_of_the_numbers)
{
    struct wd_seqset s wd_auto(wd_seqset_done) = { 0 };

    wd_seqset_add(&s, 0, 5); /* there is no 0: ignored */
    wd_seqset_add(&s, 7, 6);
    ck_set(&s, "");
    wd_seqset_add(&s, 1, UINT32_MAX);
    ck_assert_uint_eq(wd_seqset_count(&s), UINT32_MAX);
    ck_assert_uint_eq(wd_seqset_position(&s, UINT32_MAX), UINT32_MAX);
    ck_assert_uint_eq(wd_seqset_at(&s, UINT32_MAX), UINT32_MAX);
    wd_seqset_remove(&s, 2, UINT32_MAX - 1);
    ck_set(&s, "1,4294967295");
    wd_seqset_add(&s, UINT32_MAX - 1, UINT32_MAX - 1);
    ck_set(&s, "1,4294967294:4294967295");
    wd_seqset_remove(&s, UINT32_MAX, UINT32_MAX);
    wd_seqset_remove(&s, 1, 1);
    wd_seqset_remove(&s, 6, 5);
    ck_set(&s, "4294967294");
}
END_TEST

START_TEST(positions_follow_changes)
{
    struct wd_seqset s wd_auto(wd_seqset_done) = { 0 };

    wd_seqset_add(&s, 10, 20);
    ck_assert_uint_eq(wd_seqset_position(&s, 15), 6);
    wd_seqset_remove(&s, 12, 12);
    ck_assert_uint_eq(wd_seqset_position(&s, 15), 5);
    ck_assert_uint_eq(wd_seqset_at(&s, 3), 13);
    wd_seqset_add(&s, 1, 1);
    ck_assert_uint_eq(wd_seqset_position(&s, 15), 6);
    wd_seqset_done(&s);
    ck_assert_uint_eq(wd_seqset_position(&s, 15), 0);
    ck_assert_uint_eq(wd_seqset_count(&s), 0);
}
END_TEST

START_TEST(deltas_that_are_refused)
{
    static const struct {
        uint32_t deltas[4];
        size_t n;
        bool ok;
    } rows[] = {
        { { 1, 1 }, 2, true },          { { 0, 1 }, 2, false },           { { 1, 0 }, 2, false },
        { { 1 }, 1, false },            { { 1, 1, 2 }, 3, false },        { { UINT32_MAX, 1 }, 2, true },
        { { UINT32_MAX, 2 }, 2, false }, { { 1, UINT32_MAX }, 2, true },  { { 2, UINT32_MAX }, 2, false },
        { { 1, 1, UINT32_MAX, 1 }, 4, false }, { { 1, UINT32_MAX, 0, 1 }, 4, false }, { { 0 }, 0, true },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        struct wd_seqset s wd_auto(wd_seqset_done) = { 0 };
        ck_assert_msg(wd_seqset_from_deltas(rows[i].deltas, rows[i].n, &s) == rows[i].ok, "row %zu", i);
    }
}
END_TEST

int
main(void)
{
    TCase *cases = tcase_create("seqset");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, random_changes, 0, 5);
    tcase_add_loop_test(cases, random_pairs, 0, 5);
    tcase_add_loop_test(cases, random_sets_through_text_and_deltas, 0, 5);
    tcase_add_loop_test(cases, parsing, 0, WD_COUNT(texts));
    tcase_add_test(cases, parsing_has_a_limit);
    tcase_add_test(cases, the_ends_of_the_numbers);
    tcase_add_test(cases, positions_follow_changes);
    tcase_add_test(cases, deltas_that_are_refused);
    return run_case("seqset", cases);
}
