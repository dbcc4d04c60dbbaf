#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "frontends/http/params.h"
#include "tests/run.h"

static const struct {
    const char *query, *type, *body;
    const char *want; /* compact JSON, or NULL: refused */
} rows[] = {
    { "", "application/json", "{\"a\":1}", "{\"a\": 1}" },
    { "a=2", "application/json; charset=utf-8", "{\"a\":1,\"b\":true}", "{\"a\": \"2\", \"b\": true}" },
    { "", "application/x-www-form-urlencoded", "a=b+c&d=%C3%A4&e", "{\"a\": \"b c\", \"d\": \"\u00e4\", \"e\": \"\"}" },
    { "a=1&a=2", NULL, "", "{\"a\": \"1\"}" },
    { "", "text/plain", "{\"a\":1}", "{}" },
    { "", "application/json", " \r\n", "{}" },
    { "", "application/vnd.x+json", "{}", "{}" },
    { "&&a=1&", NULL, "", "{\"a\": \"1\"}" },
    { "", "application/json", "[1]", NULL },
    { "", "application/json", "{\"a\":1", NULL },
    { "", "application/json", "{\"a\":1,\"a\":2}", NULL },
    { "", "application/json", "{\"a\":\"\\u0000\"}", NULL },
    { "", "application/json", "{\"a\":\"\xff\"}", NULL },
    { "a=%zz", NULL, "", NULL },
    { "a=%f", NULL, "", NULL },
    { "a=%ff", NULL, "", NULL },
    { "a=%00", NULL, "", NULL },
};

START_TEST(query_and_body_become_one_object)
{
    struct wd_error err;
    json_t *got = NULL;
    bool ok = http_params_read(wd_str_c(rows[_i].query), wd_str_c(rows[_i].type), wd_str_c(rows[_i].body), &got, &err);
    char *text;

    ck_assert_int_eq(ok, rows[_i].want != NULL);
    if (!ok) {
        ck_assert_int_eq(err.reason, WD_INVALID);
        ck_assert_int_gt(strlen(err.text), 0);
        return;
    }
    text = json_dumps(got, 0);
    ck_assert_str_eq(text, rows[_i].want);
    free(text);
    json_decref(got);
}
END_TEST

START_TEST(nesting_is_bounded)
{
    char deep[4000];
    struct wd_error err;
    json_t *got;

    memset(deep, '[', sizeof deep);
    memcpy(deep, "{\"a\":", 5);
    ck_assert(!http_params_read(WD_NONE, WD_STR("application/json"), wd_str_n(deep, sizeof deep), &got, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("params");

    tcase_add_loop_test(t, query_and_body_become_one_object, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, nesting_is_bounded);
    return run_case("http params", t);
}
