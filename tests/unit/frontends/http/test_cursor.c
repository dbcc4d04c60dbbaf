#include <check.h>
#include <stdlib.h>

#include "common/base/b64.h"
#include "common/base/lifetime.h"
#include "frontends/http/cursor.h"
#include "tests/run.h"

static char id[] = "5a0000000000000000000001";

/* The cursor's JSON. */
static void
opened(const json_t *cursor, struct wd_buf *out)
{
    ck_assert(json_is_string(cursor));
    ck_assert(wd_b64_decode(out, wd_str_c(json_string_value(cursor))));
    wd_buf_chr(out, '\0');
}

static const struct {
    const char *text;
    int64_t date_ms;
    const char *want;
} rows[] = {
    { NULL, 0, "{\"$oid\":\"5a0000000000000000000001\"}" },
    { "anna@example.com", 0, "[\"anna@example.com\",{\"$oid\":\"5a0000000000000000000001\"}]" },
    { NULL, 1488369600500, "[{\"$date\":\"2017-03-01T12:00:00.500Z\"},{\"$oid\":\"5a0000000000000000000001\"}]" },
};

START_TEST(a_position_goes_out_and_comes_back)
{
    Wd__V1__PagePosition p = WD__V1__PAGE_POSITION__INIT;
    struct wd_buf plain wd_auto(wd_buf_done) = { 0 };
    char text[64] = "";
    json_t *cursor, *back;

    p.id = id;
    p.has_text = rows[_i].text != NULL;
    if (p.has_text)
        strcpy(text, rows[_i].text);
    p.text = (ProtobufCBinaryData){ strlen(text), (uint8_t *)text };
    p.has_date_ms = rows[_i].date_ms != 0;
    p.date_ms = rows[_i].date_ms;
    cursor = http_cursor_write(&p);
    opened(cursor, &plain);
    ck_assert_str_eq(plain.p, rows[_i].want);
    ck_assert(http_cursor_read(wd_str_c(json_string_value(cursor)), &back));
    ck_assert_str_eq(json_string_value(json_object_get(back, "id")), id);
    if (p.has_text)
        ck_assert_str_eq(json_string_value(json_object_get(back, "text")), rows[_i].text);
    if (p.has_date_ms)
        ck_assert_int_eq(json_integer_value(json_object_get(back, "date_ms")), rows[_i].date_ms);
    ck_assert_uint_eq(json_object_size(back), 1 + p.has_text + p.has_date_ms);
    json_decref(cursor);
    json_decref(back);
}
END_TEST

START_TEST(no_position_is_false)
{
    json_t *cursor = http_cursor_write(NULL);

    ck_assert(json_is_false(cursor));
    json_decref(cursor);
}
END_TEST

static const char *const bad[] = {
    "",   "{}", "[]", "7", "{\"$oid\":\"5a\"}", "{\"$oid\":\"5a0000000000000000000001\",\"x\":1}", "[1,2]",
    "[\"a\"]", "[\"a\",\"b\"]", "[{\"$date\":\"soon\"},{\"$oid\":\"5a0000000000000000000001\"}]", "nothing",
};

START_TEST(what_is_no_position_is_refused)
{
    struct wd_buf digits wd_auto(wd_buf_done) = { 0 };
    json_t *unused;

    wd_b64_encode(&digits, bad[_i], strlen(bad[_i]), WD_B64_UNPADDED);
    ck_assert(!http_cursor_read(wd_buf_view(&digits), &unused));
}
END_TEST

START_TEST(the_alphabet_is_that_of_urls)
{
    Wd__V1__PagePosition p = WD__V1__PAGE_POSITION__INIT;
    static uint8_t text[] = "\xc3\xbf\xc3\xbe?>~";
    json_t *cursor, *back;

    p.id = id;
    p.has_text = true;
    p.text = (ProtobufCBinaryData){ sizeof text - 1, text };
    cursor = http_cursor_write(&p);
    ck_assert_ptr_null(strpbrk(json_string_value(cursor), "+/="));
    ck_assert(http_cursor_read(wd_str_c(json_string_value(cursor)), &back));
    json_decref(back);
    json_decref(cursor);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("cursor");

    tcase_add_loop_test(t, a_position_goes_out_and_comes_back, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, no_position_is_false);
    tcase_add_loop_test(t, what_is_no_position_is_refused, 0, (int)WD_COUNT(bad));
    tcase_add_test(t, the_alphabet_is_that_of_urls);
    return run_case("http cursor", t);
}
