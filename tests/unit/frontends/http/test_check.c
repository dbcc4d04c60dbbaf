#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "frontends/http/check.h"
#include "tests/run.h"

/* clang-format off */
static const struct http_param size_rows[] = {
    { "text", HTTP_TEXT, HTTP_OR_EMPTY, .max = 5 },
    { "size", HTTP_NUMBER, .min = -10, .max = 10 },
    { "deep", HTTP_OBJECT, .items = (const struct http_param[]){ { "x", HTTP_FLAG, HTTP_REQUIRED }, { 0 } } },
    { 0 },
};
static const struct http_param address_row[] = { { "", HTTP_TARGET, .words = "smtp http" }, { 0 } };
static const struct http_param scope_row[] = { { "", HTTP_WORD, .words = "imap pop3" }, { 0 } };
static const struct http_param table[] = {
    { "text",     HTTP_TEXT, .min = 2, .max = 4 },
    { "trimmed",  HTTP_TEXT, HTTP_TRIM | HTTP_LOWER | HTTP_OR_EMPTY },
    { "cleared",  HTTP_TEXT, HTTP_CLEARS },
    { "flag",     HTTP_FLAG },
    { "number",   HTTP_NUMBER, .min = 1, .max = 250 },
    { "any",      HTTP_NUMBER, HTTP_OR_EMPTY },
    { "date",     HTTP_DATE, HTTP_OR_EMPTY | HTTP_OR_FALSE },
    { "id",       HTTP_ID },
    { "hex",      HTTP_HEX, .max = 6 },
    { "word",     HTTP_WORD, .words = "asc desc" },
    { "only",     HTTP_WORD, .words = "master" },
    { "email",    HTTP_EMAIL },
    { "url",      HTTP_URL, .words = "http https" },
    { "ip",       HTTP_IP, .label = "Client IP" },
    { "host",     HTTP_HOSTNAME },
    { "name",     HTTP_USERNAME },
    { "account",  HTTP_ACCOUNT },
    { "meta",     HTTP_META },
    { "cursor",   HTTP_CURSOR, HTTP_OR_EMPTY, .label = "Next page cursor" },
    { "uids",     HTTP_UIDS },
    { "query",    HTTP_OBJECT, .items = size_rows },
    { "targets",  HTTP_ARRAY, .items = address_row, .max = 2 },
    { "scopes",   HTTP_ARRAY, HTTP_SINGLE | HTTP_UNIQUE, .items = scope_row },
    { "lax",      HTTP_ARRAY, HTTP_DROP_BAD, .items = address_row },
    { "pattern",  HTTP_TEXT, .pattern = "^[a-z]+$" },
    { "password", HTTP_TEXT, HTTP_OR_FALSE | HTTP_CLEARS, .max = 256 },
    { 0 },
};

static const struct {
    const char *given;
    const char *want; /* normal forms, or {"<place>": "<first message>"} when it starts with "!" */
} rows[] = {
    { "{}", "{}" },
    { "{'text':'abc'}", "{'text': 'abc'}" },
    { "{'text':'\u00e4\u00e4\u00e4\u00e4'}", "{'text': '\u00e4\u00e4\u00e4\u00e4'}" },
    { "{'text':'a'}", "!{'text': ''text' length must be at least 2 characters long'}" },
    { "{'text':'abcde'}", "!{'text': ''text' length must be less than or equal to 4 characters long'}" },
    { "{'text':''}", "!{'text': ''text' is not allowed to be empty'}" },
    { "{'text':7}", "!{'text': ''text' must be a string'}" },
    { "{'text':null}", "!{'text': ''text' must be a string'}" },
    { "{'trimmed':'  \u00c4b '}", "{'trimmed': '\u00e4b'}" },
    { "{'trimmed':'  '}", "{}" },
    { "{'cleared':''}", "{'cleared': ''}" },
    { "{'flag':'YES'}", "{'flag': true}" },
    { "{'flag':0}", "{'flag': false}" },
    { "{'flag':''}", "{}" },
    { "{'flag':'on'}", "{'flag': true}" },
    { "{'flag':' on'}", "!{'flag': ''flag' must be a boolean'}" },
    { "{'flag':2}", "!{'flag': ''flag' must be a boolean'}" },
    { "{'flag':null}", "!{'flag': ''flag' must be a boolean'}" },
    { "{'number':' 1e2 '}", "{'number': 100}" },
    { "{'number':2.5}", "{'number': 2.5}" },
    { "{'number':0}", "!{'number': ''number' must be greater than or equal to 1'}" },
    { "{'number':251}", "!{'number': ''number' must be less than or equal to 250'}" },
    { "{'number':''}", "!{'number': ''number' must be a number'}" },
    { "{'number':'0x10'}", "!{'number': ''number' must be a number'}" },
    { "{'number':'Infinity'}", "!{'number': ''number' must be a number'}" },
    { "{'number':true}", "!{'number': ''number' must be a number'}" },
    { "{'any':9007199254740992}", "!{'any': ''any' must be a safe number'}" },
    { "{'any':''}", "{}" },
    { "{'date':'2020'}", "{'date': 2020}" },
    { "{'date':'2017-03-01T12:00:00.500Z'}", "{'date': 1488369600500}" },
    { "{'date':'14-Sep-2013 21:22:28 -0300'}", "{'date': 1379204548000}" },
    { "{'date':'Tue, 1 Jul 2003 10:52:37 +0200'}", "{'date': 1057049557000}" },
    { "{'date':1488369600500}", "{'date': 1488369600500}" },
    { "{'date':false}", "{'date': false}" },
    { "{'date':'false'}", "{'date': false}" },
    { "{'date':''}", "{}" },
    { "{'date':'soon'}", "!{'date': ''date' must be a valid date'}" },
    { "{'date':true}", "!{'date': ''date' must be a valid date'}" },
    { "{'id':'5A0000000000000000000001'}", "{'id': '5a0000000000000000000001'}" },
    { "{'id':'5a000000000000000000000'}", "!{'id': ''id' length must be 24 characters long'}" },
    { "{'id':'xa0000000000000000000001'}", "!{'id': ''id' must only contain hexadecimal characters'}" },
    { "{'hex':'00fF'}", "{'hex': '00fF'}" },
    { "{'hex':'00fFf'}", "{'hex': '00fFf'}" },
    { "{'hex':'zz'}", "!{'hex': ''hex' must only contain hexadecimal characters'}" },
    { "{'word':'asc'}", "{'word': 'asc'}" },
    { "{'word':'ASC'}", "!{'word': ''word' must be one of [asc, desc]'}" },
    { "{'only':'imap'}", "!{'only': ''only' must be [master]'}" },
    { "{'email':'a.b+c@x.example'}", "{'email': 'a.b+c@x.example'}" },
    { "{'email':'\u043f@\u043f.\u0440\u0444'}", "{'email': '\u043f@\u043f.\u0440\u0444'}" },
    { "{'email':'a@localhost'}", "!{'email': ''email' must be a valid email'}" },
    { "{'email':'a b@x.y'}", "!{'email': ''email' must be a valid email'}" },
    { "{'email':'a..b@x.y'}", "!{'email': ''email' must be a valid email'}" },
    { "{'email':'a@[127.0.0.1]'}", "!{'email': ''email' must be a valid email'}" },
    { "{'url':'HTTP://x.y/z?q'}", "{'url': 'HTTP://x.y/z?q'}" },
    { "{'url':'ftp://x.y'}", "!{'url': ''url' must be a valid uri with a scheme matching the http https pattern'}" },
    { "{'ip':'::ffff:1.2.3.4'}", "{'ip': '::ffff:1.2.3.4'}" },
    { "{'ip':'1.2.3.0/24'}", "!{'ip': ''Client IP' must be a valid ip address of one of the following versions [ipv4, ipv6] with a forbidden CIDR'}" },
    { "{'host':'m\u00fcller.example'}", "{'host': 'm\u00fcller.example'}" },
    { "{'host':'*.example'}", "!{'host': ''host' must be a valid hostname'}" },
    { "{'name':'Ann.B=c'}", "{'name': 'ann.b=c'}" },
    { "{'name':'ann@example.com'}", "{'name': 'ann@example.com'}" },
    { "{'name':'a..b'}", "!{'name': ''name' with value 'a..b' fails to match the username pattern'}" },
    { "{'name':'-a-'}", "{'name': '-a-'}" },
    { "{'name':'.a'}", "!{'name': ''name' with value '.a' fails to match the username pattern'}" },
    { "{'account':'Ann'}", "{'account': 'Ann'}" },
    { "{'account':'a+b@x.example'}", "{'account': 'a+b@x.example'}" },
    { "{'account':'a b'}", "!{'account': ''account' does not match any of the allowed types'}" },
    { "{'meta':{'a':[1]}}", "{'meta': '{\\'a\\':[1]}'}" },
    { "{'meta':'{ \\'a\\' : 1 }'}", "{'meta': '{\\'a\\':1}'}" },
    { "{'meta':[1]}", "!{'meta': ''meta' does not match any of the allowed types'}" },
    { "{'meta':'{'}", "!{'meta': ''meta' does not match any of the allowed types'}" },
    { "{'cursor':'eyIkb2lkIjoiNWEwMDAwMDAwMDAwMDAwMDAwMDAwMDAxIn0'}", "{'cursor': {'id': '5a0000000000000000000001'}}" },
    { "{'cursor':'a.b'}", "!{'cursor': ''Next page cursor' must only contain alpha-numeric and underscore characters'}" },
    { "{'cursor':'abcd'}", "!{'cursor': ''Next page cursor' contains an invalid value'}" },
    { "{'cursor':''}", "{}" },
    { "{'uids':'1,3:5,7:*'}", "{'uids': '1,3:5,7:*'}" },
    { "{'uids':'*:7'}", "!{'uids': ''uids' with value '*:7' fails to match the required pattern: /^\\\\d+(,\\\\d+)*$|^\\\\d+:(\\\\d+|\\\\*)$/'}" },
    { "{'uids':'0'}", "!{'uids': ''uids' with value '0' fails to match the required pattern: /^\\\\d+(,\\\\d+)*$|^\\\\d+:(\\\\d+|\\\\*)$/'}" },
    { "{'query':{'text':'','size':-3}}", "{'query': {'size': -3}}" },
    { "{'query':{'size':11}}", "!{'query,size': ''query.size' must be less than or equal to 10'}" },
    { "{'query':{'other':1}}", "!{'query,other': ''query.other' is not allowed'}" },
    { "{'query':{'deep':{}}}", "!{'query,deep,x': ''query.deep.x' is required'}" },
    { "{'query':'text'}", "!{'query': ''query' must be of type object'}" },
    { "{'query':[]}", "!{'query': ''query' must be of type object'}" },
    { "{'targets':['a@b.c','smtp://x']}", "{'targets': ['a@b.c', 'smtp://x']}" },
    { "{'targets':['x']}", "!{'targets,0': ''targets[0]' does not match any of the allowed types'}" },
    { "{'targets':['a@b.c','a@b.c','a@b.c']}", "!{'targets': ''targets' must contain less than or equal to 2 items'}" },
    { "{'targets':'a@b.c'}", "!{'targets': ''targets' must be an array'}" },
    { "{'targets':null}", "!{'targets': ''targets' must be an array'}" },
    { "{'scopes':'imap, pop3'}", "{'scopes': ['imap', 'pop3']}" },
    { "{'scopes':['imap','imap']}", "!{'scopes,1': ''scopes[1]' contains a duplicate value'}" },
    { "{'lax':['x','a@b.c']}", "{'lax': ['a@b.c']}" },
    { "{'pattern':'abc'}", "{'pattern': 'abc'}" },
    { "{'pattern':'ab1'}", "!{'pattern': ''pattern' with value 'ab1' fails to match the required pattern: /^[a-z]+$/'}" },
    { "{'password':false}", "{'password': false}" },
    { "{'password':''}", "{'password': ''}" },
    { "{'password':true}", "!{'password': ''password' must be a string'}" },
    { "{'unknown':1}", "!{'unknown': ''unknown' is not allowed'}" },
    { "{'text':1,'flag':7,'x':1}", "!{'text': ''text' must be a string', 'flag': ''flag' must be a boolean', 'x': ''x' is not allowed'}" },
};
/* clang-format on */

static struct wd_arena *arena;

static void
setup(void)
{
    arena = wd_arena_new(0);
}

static void
teardown(void)
{
    wd_arena_free(arena);
}

/* The rows are written with ' for ". */
static json_t *
json_of(const char *text)
{
    struct wd_buf quoted wd_auto(wd_buf_done) = { 0 };
    json_t *json;

    for (; *text; text++)
        wd_buf_chr(&quoted, *text == '\'' ? '"' : *text);
    wd_buf_chr(&quoted, '\0');
    json = json_loads(quoted.p, 0, NULL);
    ck_assert_msg(json != NULL, "%s", quoted.p);
    return json;
}

/* A dump with ' for each quote, escaped or not. */
static char *
shown(const json_t *json)
{
    char *text = json_dumps(json, 0), *to = text;

    for (const char *from = text; *from; from++) {
        if (from[0] == '\\' && from[1] == '"')
            continue;
        *to++ = *from == '"' ? '\'' : *from;
    }
    *to = '\0';
    return text;
}

/* Without the backslashes before quotes, which shown() leaves out. */
static const char *
wanted(const char *row)
{
    char *text = wd_arena_alloc(arena, strlen(row) + 1), *to = text;

    for (; *row; row++)
        if (!(row[0] == '\\' && row[1] == '\''))
            *to++ = *row;
    *to = '\0';
    return text;
}

START_TEST(values_take_their_normal_form_or_are_refused_with_their_place)
{
    struct http_check *check wd_auto(http_check_freep) = http_check_new(arena);
    json_t *given = json_of(rows[_i].given), *read = json_object();
    bool ok = http_check_params(check, table, given, false, false, read);
    char *got = shown(ok ? read : check->details);
    const char *want = wanted(rows[_i].want);

    ck_assert_str_eq(got, want[0] == '!' ? want + 1 : want);
    ck_assert_int_eq(ok, want[0] != '!');
    ck_assert_int_eq(ok, check->failures == 0);
    free(got);
    json_decref(read);
    json_decref(given);
}
END_TEST

START_TEST(all_failures_are_told_in_the_order_of_the_table)
{
    struct http_check *check wd_auto(http_check_freep) = http_check_new(arena);
    json_t *given = json_of("{'id':'zz','zzz':1,'text':''}"), *read = json_object();

    ck_assert(!http_check_params(check, table, given, false, false, read));
    wd_buf_chr(&check->text, '\0');
    ck_assert_str_eq(check->text.p, "\"text\" is not allowed to be empty. \"id\" must only contain hexadecimal "
                                    "characters. \"id\" length must be 24 characters long. \"zzz\" is not allowed");
    ck_assert_uint_eq(json_object_size(check->details), 3);
    json_decref(read);
    json_decref(given);
}
END_TEST

START_TEST(sess_and_ip_are_known_where_they_are_not_in_the_table)
{
    static const struct http_param none[] = { { 0 } };
    struct http_check *check wd_auto(http_check_freep) = http_check_new(arena);
    json_t *given = json_of("{'sess':'','ip':'x'}"), *read = json_object();

    ck_assert(!http_check_params(check, none, given, true, false, read));
    wd_buf_chr(&check->text, '\0');
    ck_assert_ptr_nonnull(strstr(check->text.p, "\"Session identifier\" is not allowed to be empty. \"Client IP\""));
    ck_assert(!http_check_params(check, none, given, false, false, read));
    ck_assert(http_check_params(check, none, given, false, true, read));
    json_decref(read);
    json_decref(given);
}
END_TEST

START_TEST(required_ones_and_defaults)
{
    static const struct http_param few[] = {
        { "a", HTTP_TEXT, HTTP_REQUIRED }, { "b", HTTP_NUMBER, HTTP_OR_EMPTY, .initial = "20" }, { 0 }
    };
    struct http_check *check wd_auto(http_check_freep) = http_check_new(arena);
    json_t *given = json_of("{'b':''}"), *read = json_object();

    ck_assert(!http_check_params(check, few, given, false, false, read));
    wd_buf_chr(&check->text, '\0');
    ck_assert_str_eq(check->text.p, "\"a\" is required");
    ck_assert_int_eq(json_integer_value(json_object_get(read, "b")), 20);
    json_decref(read);
    json_decref(given);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("check");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, values_take_their_normal_form_or_are_refused_with_their_place, 0, (int)WD_COUNT(rows));
    tcase_add_test(t, all_failures_are_told_in_the_order_of_the_table);
    tcase_add_test(t, sess_and_ip_are_known_where_they_are_not_in_the_table);
    tcase_add_test(t, required_ones_and_defaults);
    return run_case("http check", t);
}
