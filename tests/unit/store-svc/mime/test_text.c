#include "store-svc/mime/text.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "store-svc/mime/charset.h"
#include "store-svc/mime/html.h"
#include "store-svc/mime/proof.h"
#include "tests/run.h"

static const struct {
    const char *header, *body, *text;
} texts[] = {
    { "", "a\r\nb\rc\n", "a\nb\nc\n" },
    { "Content-Transfer-Encoding: quoted-printable\r\n",
      "caf=C3=A9 =\r\nsoft\r\nblanks  \r\n=ZZ =3D=", "caf\xc3\xa9 soft\nblanks\n=ZZ =" },
    { "Content-Transfer-Encoding: base64\r\n", "Y2Fm\r\nw6k=\r\n", "caf\xc3\xa9" },
    { "Content-Type: text/plain; charset=iso-8859-15\r\n", "\xa4", "\xe2\x82\xac" },
    { "Content-Type: text/plain; charset=utf-16le\r\n", "a", "\xef\xbf\xbd" },
    { "Content-Type: text/plain; charset=what-is-this\r\n", "caf\xe9 \xc3\xa9", "caf\xc3\xa9 \xc3\xa9" },
    { "", "caf\xe9", "caf\xc3\xa9" },
    { "Content-Type: text/plain; format=flowed\r\n", "a b \r\nc\r\n\r\n> q \r\n> r\r\n>> s\r\n-- \r\nsig\r\n",
      "a b c\n\n> q r\n>> s\n-- \nsig\n" },
    { "Content-Type: text/plain; format=flowed; delsp=yes\r\n", "ab \r\nc\r\n", "abc\n" },
};

START_TEST(text_of_a_body_in_any_pieces)
{
    struct wd_str message, body = wd_str_c(texts[_i].body);
    struct wd_arena *a = wd_arena_new(0);
    struct wd_mime_parser *p = wd_mime_parser_new(a, WD_MIME_LIMITS, NULL);
    const struct wd_mime *m;

    message = wd_arena_printf(a, "%s\r\n", texts[_i].header);
    wd_mime_feed(p, message);
    m = wd_mime_finish(p);
    for (size_t step = 1; step <= body.n; step++) {
        struct wd_text *t = wd_text_new(&m->parts[0], 1000);
        struct wd_str got;
        bool cut;

        for (size_t i = 0; i < body.n; i += step)
            wd_text_add(t, wd_str_part(body, i, i + step));
        got = wd_text_finish(t, &cut);
        ck_assert_msg(wd_str_eq(got, wd_str_c(texts[_i].text)), "step %zu: '%.*s'", step, WD_FMT(got));
        ck_assert(!cut);
        wd_text_free(t);
    }
    wd_mime_parser_free(p);
    wd_arena_free(a);
}
END_TEST

START_TEST(text_is_cut_between_characters)
{
    struct wd_mime_part part = { .type = WD_STR("text"), .subtype = WD_STR("plain") };
    struct wd_text *t = wd_text_new(&part, 4);
    bool cut;

    wd_text_add(t, WD_STR("abc\xc3\xa9xyz"));
    ck_assert(wd_str_eq(wd_text_finish(t, &cut), WD_STR("abc")));
    ck_assert(cut);
    wd_text_free(t);
}
END_TEST

static const struct {
    const char *html, *text;
} pages[] = {
    { "<p>Hello <b>world</b></p><p>two</p>", "Hello world\n\ntwo" },
    { "<html><head><title>t</title><style>p{}</style></head><body>a<br>b<script>x()</script></body></html>", "a\nb" },
    { "a&amp;b &lt;c&gt; &eacute;&nbsp;&#x20ac;", "a&b <c> \xc3\xa9\xc2\xa0\xe2\x82\xac" },
    { "<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3" },
    { "<ul><li>a<li>b</ul>", "a\nb" },
    { "no tags at all", "no tags at all" },
    { "<b>unclosed <i>tags", "unclosed tags" },
    { "bad \xff utf", "bad \xef\xbf\xbd utf" },
    { "", "" },
};

START_TEST(html_gives_its_visible_text)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    wd_html_to_text(wd_str_c(pages[_i].html), 1000, &out);
    ck_assert_msg(wd_str_eq(wd_buf_view(&out), wd_str_c(pages[_i].text)), "'%.*s'", (int)out.n, out.p);
}
END_TEST

START_TEST(html_may_nest_without_end)
{
    struct wd_buf html wd_auto(wd_buf_done) = { 0 }, out wd_auto(wd_buf_done) = { 0 };

    for (int i = 0; i < 20000; i++)
        wd_buf_c(&html, "<div><b>");
    wd_buf_c(&html, "x");
    wd_html_to_text(wd_buf_view(&html), 100, &out);
    ck_assert_uint_le(out.n, 100);
}
END_TEST

START_TEST(plain_text_becomes_html)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    wd_text_to_html(WD_STR("a <b> & \"c\"\nd\n\n\ne\n"), &out);
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("<p>a &lt;b&gt; &amp; &quot;c&quot;<br/>d</p>\n<p>e</p>")));
}
END_TEST

static const struct {
    const char *text, *intro;
} intros[] = {
    { "Hello\n  world  ", "Hello world" },
    { "> quoted\n-----\nHello [link](http://x) there\n****\n", "Hello link there" },
    { "", "" },
    { "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
      "0123456789 0123456789 x",
      "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
      "0123456789\xe2\x80\xa6" },
};

START_TEST(intro_is_short)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    wd_text_intro(wd_str_c(intros[_i].text), &out);
    ck_assert_msg(wd_str_eq(wd_buf_view(&out), wd_str_c(intros[_i].intro)), "'%.*s'", (int)out.n, out.p);
}
END_TEST

static const struct {
    const char *body;
    bool proven;
    uint32_t line, tail;
    uint64_t decoded;
} proofs[] = {
    { "QUJD", true, 76, 0, 3 },
    { "QUJD\r\n", true, 76, 1, 3 },
    { "QUJDREVG\r\nQUJD\r\n\r\n", true, 8, 2, 9 },
    { "QUI=", true, 76, 0, 2 },
    { "QQ=\r\n=", true, 3, 0, 1 },
    { "QUJ\r\nD", true, 3, 0, 3 },
    { "QUI", false, 0, 0, 0 },
    { "QR==", false, 0, 0, 0 },
    { "QUJ=", false, 0, 0, 0 },
    { "QUJD\r\n\r\nQUJD", false, 0, 0, 0 },
    { "QUJD\nQUJD", false, 0, 0, 0 },
    { "QUI=QUJD", false, 0, 0, 0 },
    { "QUJD\r\nQUJDREVG", false, 0, 0, 0 },
    { "", false, 0, 0, 0 },
    { "\r\nQUJD", false, 0, 0, 0 },
    { "QUJD\r", false, 0, 0, 0 },
    { "QUJDREVG\r\nQUJD\r\nQUJD", false, 0, 0, 0 },
    { "====", false, 0, 0, 0 },
};

START_TEST(base64_proof)
{
    struct wd_str body = wd_str_c(proofs[_i].body);

    for (size_t step = 1; step <= body.n + 1; step++) {
        struct wd_proof p = { 0 };
        uint32_t line = 0, tail = 0;
        uint64_t decoded = 0;

        for (size_t i = 0; i < body.n; i += step)
            wd_proof_add(&p, wd_str_part(body, i, i + step));
        ck_assert_msg(wd_proof_finish(&p, &line, &tail, &decoded) == proofs[_i].proven, "'%s'", proofs[_i].body);
        ck_assert_uint_eq(line, proofs[_i].line);
        ck_assert_uint_eq(tail, proofs[_i].tail);
        ck_assert_uint_eq(decoded, proofs[_i].decoded);
    }
}
END_TEST

START_TEST(charset_in_any_pieces)
{
    struct wd_str bytes = WD_STR("\xe6\x97\xa5\xff\xe6\x97"), want = WD_STR("\xe6\x97\xa5\xc3\xbf\xc3\xa6\xe2\x80\x94");

    for (size_t step = 1; step <= bytes.n; step++) {
        struct wd_charset *c = wd_charset_new(WD_NONE);
        struct wd_buf out wd_auto(wd_buf_done) = { 0 };

        for (size_t i = 0; i < bytes.n; i += step)
            wd_charset_add(c, wd_str_part(bytes, i, i + step), &out);
        wd_charset_finish(c, &out);
        ck_assert_msg(wd_str_eq(wd_buf_view(&out), want), "step %zu: '%.*s'", step, (int)out.n, out.p);
        wd_charset_free(c);
    }
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("text");

    tcase_add_loop_test(t, text_of_a_body_in_any_pieces, 0, WD_COUNT(texts));
    tcase_add_test(t, text_is_cut_between_characters);
    tcase_add_loop_test(t, html_gives_its_visible_text, 0, WD_COUNT(pages));
    tcase_add_test(t, html_may_nest_without_end);
    tcase_add_test(t, plain_text_becomes_html);
    tcase_add_loop_test(t, intro_is_short, 0, WD_COUNT(intros));
    tcase_add_loop_test(t, base64_proof, 0, WD_COUNT(proofs));
    tcase_add_test(t, charset_in_any_pieces);
    return run_case("text", t);
}
