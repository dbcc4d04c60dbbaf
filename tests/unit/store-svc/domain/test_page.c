#include "store-svc/domain/page.h"

#include "tests/run.h"
#include "tests/unit/store-svc/domain/users_fixture.h"

enum { ROWS = 7 };

static const struct wd_page_order orders[] = {
    { WD_ALIASES, WD_PAGE_BY_ID, NULL, false, NULL },
    { WD_ALIASES, WD_PAGE_BY_ID, NULL, true, NULL },
    { WD_ALIASES, WD_PAGE_BY_TEXT, "domain", false, NULL },
    { WD_ALIASES, WD_PAGE_BY_TEXT, "domain", true, NULL },
    { WD_ALIASES, WD_PAGE_BY_DATE, "created", false, NULL },
    { WD_ALIASES, WD_PAGE_BY_DATE, "created", true, NULL },
};

/* Seven rows; three domains and three dates, so that there are ties. */
static void
setup(void)
{
    users_setup();
    for (unsigned i = 0; i < ROWS; i++) {
        bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
        char alias[8], name[8];
        snprintf(alias, sizeof alias, "a%u", i % 10);
        snprintf(name, sizeof name, "d%u", i * 2 % 3);
        wd_doc_add_id(&row, "_id", wd_id_new());
        wd_doc_add_str(&row, "alias", wd_str_c(alias));
        wd_doc_add_str(&row, "domain", wd_str_c(name));
        wd_doc_add_date(&row, "created", 1000 + i % 3);
        ck_assert(wd_docs_insert(domain.users, WD_ALIASES, &row, &err));
    }
}

/* The names of the rows that a page gave, "a0a1…". */
struct seen {
    char names[64];
    size_t n;
};

static bool
see(void *data, const bson_t *row, struct wd_error *e)
{
    struct seen *seen = data;
    struct wd_str name = wd_doc_str(row, "alias");

    (void)e;
    memcpy(seen->names + seen->n, name.p, name.n);
    seen->n += name.n;
    seen->names[seen->n] = '\0';
    return true;
}

static struct wd_paged
paged(const struct wd_page_order *o, const struct wd_page *page, struct seen *seen)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_paged out;

    *seen = (struct seen){ .n = 0 };
    ck_assert_msg(wd_page_read(domain.users, arena, o, &filter, page, see, seen, &out, &err), "%s", err.text);
    ck_assert_uint_eq(out.total, ROWS);
    return out;
}

/* Every row comes once, in the same order whatever the size of a page, and the way back gives the same pages. */
START_TEST(pages_lead_there_and_back)
{
    const struct wd_page_order *o = &orders[_i];
    struct seen all, one, pages[ROWS + 1];

    paged(o, &(struct wd_page){ .limit = 50 }, &all);
    ck_assert_uint_eq(all.n, 2 * ROWS);
    for (uint32_t limit = 1; limit <= ROWS; limit++) {
        struct wd_page page = { .limit = limit };
        struct wd_paged at = paged(o, &page, &pages[0]);
        size_t n = 1;
        ck_assert(!at.previous.set);
        ck_assert_int_eq(at.next.set, limit < ROWS);
        for (; at.next.set; n++) {
            page.next = at.next;
            at = paged(o, &page, &pages[n]);
            ck_assert(at.previous.set);
        }
        ck_assert_uint_eq(n, (ROWS + limit - 1) / limit);
        page.next = (struct wd_page_position){ 0 };
        for (size_t i = 0, before = 0; i < n; i++) {
            ck_assert(strncmp(all.names + before, pages[i].names, pages[i].n) == 0);
            before += pages[i].n;
        }
        while (at.previous.set) {
            page.previous = at.previous;
            at = paged(o, &page, &one);
            n--;
            ck_assert_str_eq(one.names, pages[n - 1].names);
            ck_assert(at.next.set);
        }
        ck_assert_uint_eq(n, 1);
    }
}
END_TEST

START_TEST(next_wins_over_previous)
{
    struct wd_page page = { .limit = 2 };
    struct seen first, second, third;
    struct wd_paged at = paged(&orders[0], &page, &first);

    page.next = at.next;
    at = paged(&orders[0], &page, &second);
    page.next = at.next;
    page.previous = at.previous;
    paged(&orders[0], &page, &third);
    ck_assert_str_eq(first.names, "a0a1");
    ck_assert_str_eq(second.names, "a2a3");
    ck_assert_str_eq(third.names, "a4a5");
}
END_TEST

START_TEST(the_limit_is_bounded_and_filters_count)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_page page = { .limit = 1000000 };
    struct seen seen = { .n = 0 };
    struct wd_paged out;

    wd_doc_add_str(&filter, "domain", WD_STR("d2"));
    ck_assert(wd_page_read(domain.users, arena, &orders[0], &filter, &page, see, &seen, &out, &err));
    ck_assert_uint_eq(out.total, 2);
    ck_assert_str_eq(seen.names, "a1a4");
    ck_assert(!out.next.set && !out.previous.set);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("page");

    tcase_add_checked_fixture(t, setup, users_teardown);
    tcase_add_loop_test(t, pages_lead_there_and_back, 0, (int)WD_COUNT(orders));
    tcase_add_test(t, next_wins_over_previous);
    tcase_add_test(t, the_limit_is_bounded_and_filters_count);
    return run_case("page", t);
}
