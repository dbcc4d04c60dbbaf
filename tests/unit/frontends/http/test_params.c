#include <check.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "frontends/http/params.h"
#include "tests/run.h"

#define JSON  "application/json"
#define FORM  "application/x-www-form-urlencoded"
#define MULTI "multipart/form-data; boundary=\"b b\""
#define PART(name) "--b b\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n"

static const struct {
    const char *query, *type, *body;
    const char *want; /* compact JSON, or NULL: refused */
} rows[] = {
    { "", JSON, "{\"a\":1}", "{\"a\": 1}" },
    { "a=2", JSON "; charset=utf-8", "{\"a\":1,\"b\":true}", "{\"a\": \"2\", \"b\": true}" },
    { "a=", JSON, "{\"a\":1}", "{\"a\": 1}" },
    { "a=", JSON, "{}", "{\"a\": \"\"}" },
    { "", FORM, "a=b+c&d=%C3%A4&e", "{\"a\": \"b c\", \"d\": \"\u00e4\", \"e\": \"\"}" },
    { "a=1&a=2", NULL, "", "{\"a\": [\"1\", \"2\"]}" },
    { "a=1&a=2&a=3", NULL, "", "{\"a\": [\"1\", \"2\", \"3\"]}" },
    { "", "text/plain", "{\"a\":1}", "{}" },
    { "", JSON, " \r\n", "{}" },
    { "", "application/vnd.x+json", "{}", "{}" },
    { "&&a=1&=2", NULL, "", "{\"a\": \"1\"}" },
    { "or.from=x&or[to]=y", NULL, "", "{\"or\": {\"from\": \"x\", \"to\": \"y\"}}" },
    { "", FORM, "a.b=c", "{\"a.b\": \"c\"}" },
    { "a[]=1&a[]=2&b[0]=x&b[1]=y", NULL, "", "{\"a\": [\"1\", \"2\"], \"b\": [\"x\", \"y\"]}" },
    { "a[0][b]=1&a[0][c]=2", NULL, "", "{\"a\": [{\"b\": \"1\", \"c\": \"2\"}]}" },
    { "a[25]=1", NULL, "", "{\"a\": {\"25\": \"1\"}}" },
    { "a=1&a[b]=2", NULL, "", "{\"a\": \"1\"}" },
    { "a[b]=2&a=1", NULL, "", "{\"a\": {\"b\": \"2\"}}" },
    { "a[b=1&[c]=2", NULL, "", "{\"a[b\": \"1\", \"[c]\": \"2\"}" },
    { "a.b.c.d.e.f=1", NULL, "", "{\"a\": {\"b\": {\"c\": {\"d\": {\"e\": {\"f\": \"1\"}}}}}}" },
    { "", MULTI, PART("a") "1\r\n" PART("b[c]") "\r\n--b b--\r\n", "{\"a\": \"1\", \"b\": {\"c\": \"\"}}" },
    { "", MULTI, "preamble\r\n" PART("a") "x\r\ny\r\n--b b--", "{\"a\": \"x\\r\\ny\"}" },
    { "", MULTI, PART("a") "1\r\n", NULL },
    { "", MULTI, "--b b\r\nnothing\r\n--b b--", NULL },
    { "", MULTI, PART("a") "\xff\r\n--b b--", NULL },
    { "", "multipart/form-data", "--b--", NULL },
    { "", JSON, "[1]", NULL },
    { "", JSON, "7", NULL },
    { "", JSON, "{\"a\":1", NULL },
    { "", JSON, "{\"a\":1,\"a\":2}", NULL },
    { "", JSON, "{\"a\":\"\\u0000\"}", NULL },
    { "", JSON, "{\"a\":\"\xff\"}", NULL },
    { "a=%zz", NULL, "", NULL },
    { "a=%f", NULL, "", NULL },
    { "a=%ff", NULL, "", NULL },
    { "a=%00", NULL, "", NULL },
    { "a.b.c.d.e.f.g=1", NULL, "", NULL },
};

static enum http_params_result
read_params(const char *query, const char *type, struct wd_str body, json_t **out, struct http_file *file)
{
    struct http_params_in in = { .query = wd_str_c(query), .content_type = wd_str_c(type), .body = body };
    struct wd_error err = { 0 };
    enum http_params_result result = http_params_read(&in, out, file, &err);

    ck_assert((result == HTTP_PARAMS_MALFORMED) == (err.text[0] != '\0'));
    return result;
}

START_TEST(query_and_body_become_one_object)
{
    struct http_file file;
    json_t *got = NULL;
    bool ok = read_params(rows[_i].query, rows[_i].type, wd_str_c(rows[_i].body), &got, &file) == HTTP_PARAMS_OK;
    char *text;

    ck_assert_int_eq(ok, rows[_i].want != NULL);
    if (!ok)
        return;
    text = json_dumps(got, 0);
    ck_assert_str_eq(text, rows[_i].want);
    free(text);
    json_decref(got);
}
END_TEST

START_TEST(a_file_of_a_form_keeps_its_bytes)
{
    static const char body[] = "--b b\r\nContent-Disposition: form-data; name=\"raw\"; filename=\"x.eml\"\r\n"
                               "Content-Type: message/rfc822\r\n\r\n\x00\xff\r\n-\r\n--b b--\r\n";
    struct http_file file;
    json_t *got;

    ck_assert_int_eq(read_params("", MULTI, wd_str_n(body, sizeof body - 1), &got, &file), HTTP_PARAMS_OK);
    ck_assert(wd_str_eq(file.name, WD_STR("raw")));
    ck_assert(file.bytes.n == 5 && memcmp(file.bytes.p, "\x00\xff\r\n-", 5) == 0);
    ck_assert_uint_eq(json_object_size(got), 0);
    json_decref(got);
}
END_TEST

START_TEST(nesting_is_bounded)
{
    struct wd_buf deep wd_auto(wd_buf_done) = { 0 };
    struct http_file file;
    json_t *got;

    wd_buf_c(&deep, "{\"a\":");
    for (int i = 0; i < 32; i++)
        wd_buf_chr(&deep, '[');
    for (int i = 0; i < 32; i++)
        wd_buf_chr(&deep, ']');
    wd_buf_chr(&deep, '}');
    ck_assert_int_eq(read_params("", JSON, wd_buf_view(&deep), &got, &file), HTTP_PARAMS_MALFORMED);
    ck_assert_ptr_null(http_json_read(wd_buf_view(&deep)));
    got = http_json_read(wd_str_part(wd_buf_view(&deep), 5, deep.n - 1)); /* 32 of them are taken */
    ck_assert_ptr_nonnull(got);
    json_decref(got);
}
END_TEST

START_TEST(the_number_of_parameters_is_bounded)
{
    struct wd_buf query wd_auto(wd_buf_done) = { 0 };
    struct http_file file;
    json_t *got;

    for (int i = 0; i < 1000; i++)
        wd_buf_printf(&query, "a[]=%d&", i);
    wd_buf_chr(&query, '\0');
    ck_assert_int_eq(read_params(query.p, NULL, WD_NONE, &got, &file), HTTP_PARAMS_OK);
    ck_assert_uint_eq(json_array_size(json_object_get(got, "a")), 1000);
    json_decref(got);
    query.n--;
    wd_buf_c(&query, "b=1");
    wd_buf_chr(&query, '\0');
    ck_assert_int_eq(read_params(query.p, NULL, WD_NONE, &got, &file), HTTP_PARAMS_MALFORMED);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("params");

    tcase_add_loop_test(t, query_and_body_become_one_object, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, a_file_of_a_form_keeps_its_bytes);
    tcase_add_test(t, nesting_is_bounded);
    tcase_add_test(t, the_number_of_parameters_is_bounded);
    return run_case("http params", t);
}
