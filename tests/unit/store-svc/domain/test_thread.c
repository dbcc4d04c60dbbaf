#include "store-svc/domain/thread.h"

#include "tests/unit/store-svc/domain/delivery_fixture.h"

static struct wd_id user;

static void
setup(void)
{
    users_setup();
    user = wd_id_new();
}

/* ids separated by blanks. */
static struct wd_id
join(struct wd_id whose, const char *ids, const char *subject)
{
    struct wd_str list[16], rest = wd_str_c(ids), one;
    struct wd_thread_key key = { .ids = list, .subject = wd_str_c(subject) };
    struct wd_id thread;

    while (ids[0] && wd_str_split(&rest, ' ', &one))
        list[key.n++] = one;
    ck_assert_msg(wd_thread_join(domain.docs, whose, &key, &thread, &err), "%s", err.text);
    return thread;
}

START_TEST(shared_id_and_subject_join)
{
    struct wd_id one = join(user, "a b", "s");

    ck_assert(wd_id_eq(join(user, "b c", "s"), one));
    ck_assert(wd_id_eq(join(user, "c", "s"), one)); /* the ids of who joined count too */
    ck_assert(!wd_id_eq(join(user, "a", "t"), one));
    ck_assert(!wd_id_eq(join(user, "z", "s"), one));
    ck_assert(!wd_id_eq(join(wd_id_new(), "a", "s"), one));
    ck_assert_int_eq(users_count(WD_THREADS, "user", user), 3);
}
END_TEST

START_TEST(message_without_ids_is_alone)
{
    ck_assert(!wd_id_eq(join(user, "", "s"), join(user, "", "s")));
    ck_assert_int_eq(users_count(WD_THREADS, "user", user), 0);
}
END_TEST

START_TEST(subject_of_any_bytes)
{
    struct wd_id one = join(user, "a", "\xff\xfe");

    ck_assert(wd_id_eq(join(user, "a", "\xff\xfe"), one));
    ck_assert(!wd_id_eq(join(user, "a", "\xff"), one));
    ck_assert(!wd_id_eq(join(user, "a", ""), one));
}
END_TEST

static void
add(TCase *t)
{
    tcase_add_checked_fixture(t, setup, users_teardown);
    tcase_add_test(t, shared_id_and_subject_join);
    tcase_add_test(t, message_without_ids_is_alone);
    tcase_add_test(t, subject_of_any_bytes);
}

int
main(void)
{
    return run_tests("thread", add);
}
