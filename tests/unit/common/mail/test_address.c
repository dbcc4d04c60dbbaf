#include "common/mail/address.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "tests/run.h"

/* name|mailbox|host, "{name" for a group, "}" for its end */
static const struct {
    const char *text, *want;
} lists[] = {
    { "", "" },
    { "jane@example.com", "|jane|example.com" },
    { "Jane Doe <jane@example.com>", "Jane Doe|jane|example.com" },
    { "\"Doe, Jane\" <jane@example.com>, bob@x", "Doe, Jane|jane|example.com;|bob|x" },
    { "\"a \\\"b\\\" \\\\\" <a@b>", "a \"b\" \\|a|b" },
    { "jane@example.com (Jane Doe)", "Jane Doe|jane|example.com" },
    { "Jane (x) Doe (the (nested) one) <jane@x>", "Jane Doe|jane|x" },
    { "team: a@b, Bob <c@d>;", "{team;|a|b;Bob|c|d;}" },
    { "undisclosed-recipients:;", "{undisclosed-recipients;}" },
    { "team: a@b", "{team;|a|b;}" },
    { "<@route,@other:jane@x>", "|jane|x" },
    { "\"quoted.local\"@x", "|quoted.local|x" },
    { "Jane jane@x", "Jane|jane|x" },
    { "jane @ example.com", "|jane|example.com" },
    { "nobody", "|nobody|" },
    { "a@b,,;,c@d", "|a|b;|c|d" },
    { "<>", "||" },
    { "=?utf-8?q?J=C3=A4ne?= <j@x>", "=?utf-8?q?J=C3=A4ne?=|j|x" },
    { "J\xc3\xa4ne <j\xc3\xa4ne@\xc3\xa4.example>", "J\xc3\xa4ne|j\xc3\xa4ne|\xc3\xa4.example" },
    { "Jane\r\n\tDoe <jane@x>", "Jane Doe|jane|x" },
    { "\"unclosed <jane@x>", "|unclosed <jane|x>" },
    { "(unclosed jane@x", "" },
};

START_TEST(list_is_read)
{
    struct wd_arena *a = wd_arena_new(0);
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };
    struct wd_address *list;
    size_t n = wd_address_list(a, wd_str_c(lists[_i].text), &list);

    for (size_t i = 0; i < n; i++) {
        wd_buf_c(&got, i ? ";" : "");
        if (list[i].kind == WD_ADDRESS_GROUP)
            wd_buf_printf(&got, "{%.*s", WD_FMT(list[i].name));
        else if (list[i].kind == WD_ADDRESS_GROUP_END)
            wd_buf_c(&got, "}");
        else
            wd_buf_printf(&got, "%.*s|%.*s|%.*s", WD_FMT(list[i].name), WD_FMT(list[i].mailbox), WD_FMT(list[i].host));
    }
    wd_buf_chr(&got, 0);
    ck_assert_str_eq(got.p, lists[_i].want);
    wd_arena_free(a);
}
END_TEST

static const struct {
    const char *text, *address, *rest; /* address NULL: refused */
} paths[] = {
    { "<jane@x>", "jane@x", "" },
    { "<>", "", "" },
    { "<jane@x> SIZE=10", "jane@x", "SIZE=10" },
    { "jane@x SIZE=10", "jane@x", "SIZE=10" },
    { "<@a,@b:jane@x>", "jane@x", "" },
    { "<postmaster>", "postmaster", "" },
    { "<\"a > b\"@x> X", "\"a > b\"@x", "X" },
    { "<j\xc3\xa4ne@x>", "j\xc3\xa4ne@x", "" },
    { "<jane@x", NULL, NULL },
    { "<ja ne@x>", NULL, NULL },
    { "<ja\x01ne@x>", NULL, NULL },
    { "<ja\xffne@x>", NULL, NULL },
    { "", NULL, NULL },
};

START_TEST(path_is_read)
{
    struct wd_arena *a = wd_arena_new(0);
    struct wd_str address, rest;
    bool ok = wd_address_path(a, wd_str_c(paths[_i].text), &address, &rest);

    ck_assert_msg(ok == (paths[_i].address != NULL), "'%s'", paths[_i].text);
    if (ok) {
        ck_assert(wd_str_eq(address, wd_str_c(paths[_i].address)));
        ck_assert(wd_str_eq(rest, wd_str_c(paths[_i].rest)));
    }
    wd_arena_free(a);
}
END_TEST

static const struct {
    struct wd_str (*form)(struct wd_arena *, struct wd_str);
    const char *from, *to;
} forms[] = {
    { wd_address_normal, " Jane.Doe+Label@Example.COM ", "jane.doe+label@example.com" },
    { wd_address_view, "Jane.Doe+Label@Example.COM", "janedoe@example.com" },
    { wd_address_view, "a+b@c+d@host", "a@host" },
    { wd_address_view, "+x@host", "+x@host" },
    { wd_address_view, "J\xc3\x84NE@XN--4CA.example", "j\xc3\xa4ne@\xc3\xa4.example" },
    { wd_address_view, "ja\xcc\x88ne@x", "j\xc3\xa4ne@x" },
    { wd_address_view, "jane", "jane" },
    { wd_username_view, "Jane.Doe", "janedoe" },
    { wd_username_view, "Jane.Doe+x", "janedoe+x" },
    { wd_username_view, "Jane.Doe+x@A.b", "janedoe@a.b" },
    { wd_domain_unicode, "XN--4CA.Example", "\xc3\xa4.example" },
    { wd_domain_unicode, "xn--\xff", "xn--\xef\xbf\xbd" },
    { wd_domain_ascii, "\xc3\xa4.example", "xn--4ca.example" },
    { wd_domain_ascii, "plain.example", "plain.example" },
    { wd_text_fold, "\xc3\x84 A\xcc\x88", "\xc3\xa4 \xc3\xa4" },
    { wd_text_nfc, "A\xcc\x88", "\xc3\x84" },
};

START_TEST(form_for_lookup)
{
    struct wd_arena *a = wd_arena_new(0);
    struct wd_str got = forms[_i].form(a, wd_str_c(forms[_i].from));

    ck_assert_msg(wd_str_eq(got, wd_str_c(forms[_i].to)), "'%s' is '%.*s'", forms[_i].from, WD_FMT(got));
    wd_arena_free(a);
}
END_TEST

START_TEST(valid_addresses)
{
    static const char *const good[] = { "a@b", "a.b+c@d.e", "\"@\"@x", "j\xc3\xa4@\xc3\xa4" };
    static const char *const bad[] = { "", "@", "a@", "@b", "a", "a b@c", "a@b\n", "\xff@b" };

    for (size_t i = 0; i < WD_COUNT(good); i++)
        ck_assert_msg(wd_address_valid(wd_str_c(good[i])), "'%s'", good[i]);
    for (size_t i = 0; i < WD_COUNT(bad); i++)
        ck_assert_msg(!wd_address_valid(wd_str_c(bad[i])), "'%s'", bad[i]);
    ck_assert(wd_str_eq(wd_address_label(WD_STR("a+b+c@d")), WD_STR("b+c")));
    ck_assert(wd_address_label(WD_STR("a@d+e")).n == 0);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("address");

    tcase_add_loop_test(t, list_is_read, 0, WD_COUNT(lists));
    tcase_add_loop_test(t, path_is_read, 0, WD_COUNT(paths));
    tcase_add_loop_test(t, form_for_lookup, 0, WD_COUNT(forms));
    tcase_add_test(t, valid_addresses);
    return run_case("address", t);
}
