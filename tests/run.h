/* tests/run.h – what main() of a test does: runs its cases, tells how many failed. */
#ifndef WD_TEST_RUN_H
#define WD_TEST_RUN_H
#include <check.h>
#include <stdlib.h>

static inline int
run_suite(Suite *s)
{
    SRunner *r = srunner_create(s);
    int failed;

    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/** A suite of one case. */
static inline int
run_case(const char *name, TCase *t)
{
    Suite *s = suite_create(name);

    suite_add_tcase(s, t);
    return run_suite(s);
}
#endif
