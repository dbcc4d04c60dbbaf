#include "samples.h"

#include "common/base/b64.h"
#include "common/base/lifetime.h"
#include "common/base/vec.h"

#define S(name, text)                                                                                                  \
    {                                                                                                                  \
        name, WD_STR_C(text)                                                                                           \
    }

static const struct sample fixed[] = {
    S("empty message", ""),
    S("only an empty line", "\r\n"),
    S("only a LF", "\n"),
    S("only a CR", "\r"),
    S("only CRs", "\r\r\r\r\r"),
    S("one byte", "x"),
    S("one NUL", "\0"),
    S("header without line end", "A: b"),
    S("header without empty line", "A: b\r\n"),
    S("header with empty line", "A: b\r\n\r\n"),
    S("body without header", "\r\nhello\r\n"),
    S("ordinary", "From: Jane <jane@example.com>\r\nTo: a@x, b@y\r\nSubject: hi\r\nDate: Tue, 1 Jul 2003 10:52:37 "
                  "+0200\r\nMessage-ID: <1@x>\r\n\r\nHello\r\nworld\r\n"),
    S("no final line end", "Subject: hi\r\n\r\nHello\r\nworld"),
    S("bare LF", "Subject: hi\nTo: x@y\n\nHello\nworld\n"),
    S("bare CR", "Subject: hi\rTo: x@y\r\rHello\rworld\r"),
    S("CR CR LF", "Subject: hi\r\r\nTo: x@y\r\r\n\r\r\nHello\r\r\nworld\r\r\n"),
    S("mixed line ends", "Subject: hi\nTo: x@y\r\n\r\nHello\nworld\r\rx\r\n\n"),
    S("NUL and 8-bit in the header", "Subject: a\0b \xe4\xf6\xff\r\nX: \xc3\xa4\r\n\r\nbody \0 \xff\x80\r\n"),
    S("folded header", "Subject: one\r\n two\r\n\tthree\r\n  \r\nTo: x@y\r\n\r\nbody\r\n"),
    S("starts with a fold", " folded\r\nSubject: x\r\n\r\nbody"),
    S("mbox line", "From jane Thu Jan  1 00:00:00 1970\r\nSubject: x\r\n\r\nbody\r\n"),
    S("lines without colon", "hello\r\nworld\r\n\r\nbody\r\n"),
    S("many line ends at the end", "A: b\r\n\r\nx\r\n\r\n\r\n\r\n"),
    S("multipart", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
                   "--b\r\nContent-Type: text/html\r\n\r\n<b>hello</b>\r\n--b--\r\n"),
    S("multipart without last line end",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: 1\r\n\r\nhello\r\n--b\r\nA: 2\r\n\r\nx\r\n--b--"),
    S("preamble and epilogue", "Content-Type: multipart/mixed; boundary=b\r\n\r\nThis is\r\na preamble\r\n\r\n--b\r\n"
                               "A: 1\r\n\r\nhello\r\n--b--\r\nepilogue\r\nmore\r\n"),
    S("preamble of one line",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\nA: 1\r\n\r\nhello\r\n--b--"),
    S("parts without header", "Content-Type: multipart/mixed; boundary=\"b b\"\r\n\r\n--b b\r\n\r\none\r\n--b b\r\n\r\n"
                              "two\r\n--b b--\r\n"),
    S("part with neither header nor empty line",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\nA: 1\r\n--b\r\n\r\n--b--\r\n"),
    S("empty parts",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: 1\r\n\r\n--b\r\nA: 2\r\n\r\n\r\n--b--\r\n"),
    S("trailing blanks at boundaries", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b  \r\nA: "
                                       "1\r\n\r\nx\r\n--b\t\r\nA: 2\r\n\r\ny\r\n--b-- \r\n"),
    S("unterminated", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: 1\r\n\r\nhello\r\n"),
    S("unterminated in a header", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: 1"),
    S("ends at the boundary line", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b"),
    S("no boundary line", "Content-Type: multipart/mixed; boundary=b\r\n\r\nhello\r\nworld\r\n"),
    S("closed at once", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b--\r\nhello\r\n--b\r\nA: 1\r\n\r\nx\r\n"),
    S("multipart without boundary parameter", "Content-Type: multipart/mixed\r\n\r\n--b\r\nhello\r\n--b--\r\n"),
    S("multipart with empty body", "Content-Type: multipart/mixed; boundary=b\r\n\r\n"),
    S("multipart without empty line", "Content-Type: multipart/mixed; boundary=b\r\n--b\r\nA: 1\r\n\r\nx\r\n--b--\r\n"),
    S("boundary that begins another",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/alternative; boundary=bb\r\n\r\n"
      "--bb\r\nA: 1\r\n\r\nx\r\n--bb\r\nA: 2\r\n\r\ny\r\n--bb--\r\n\r\n--b\r\nA: 3\r\n\r\nz\r\n--b--\r\n"),
    S("inner multipart not closed",
      "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n"
      "A: 1\r\n\r\nx\r\n--o\r\nA: 2\r\n\r\ny\r\n--o--\r\n"),
    S("same boundary inside",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
      "A: 1\r\n\r\nx\r\n--b--\r\n--b--\r\n"),
    S("boundary lines that are none", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: 1\r\n\r\n--bx\r\n-- "
                                      "b\r\n--\r\n -\r\n- -\r\n--b--x\r\n"
                                      "--b - \r\n--b\r\nA: 2\r\n\r\ny--b\r\n--b--\r\n"),
    S("boundary with bare LF", "Content-Type: multipart/mixed; boundary=b\n\n--b\nA: 1\n\nx\n--b\nA: 2\n\ny\n--b--\n"),
    S("boundary with bare CR", "Content-Type: multipart/mixed; boundary=b\r\r--b\rA: 1\r\rx\r--b\rA: 2\r\ry\r--b--\r"),
    S("boundary behind CR CR LF",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\r\nA: 1\r\r\n\r\r\nx\r\r\n--b--\r\r\n"),
    S("embedded message", "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\nFrom: a@b\r\n\r\ninner body\r\n"),
    S("embedded in a multipart",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n"
      "Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\nContent-Type: text/plain\r\n\r\nx\r\n--i--\r\n\r\n"
      "--b\r\nContent-Type: text/plain\r\n\r\ny\r\n--b--\r\n"),
    S("embedded message without header", "Content-Type: message/rfc822\r\n\r\n\r\ninner body\r\n"),
    S("embedded message that is empty", "Content-Type: message/rfc822\r\n\r\n"),
    S("embedded message cut in its header", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: "
                                            "message/rfc822\r\n\r\nSubject: x\r\n--b--\r\n"),
    S("embedded message in base64",
      "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA0KDQp5DQo=\r\n"),
    S("digest", "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: one\r\n\r\n1\r\n--b\r\n\r\n"
                "Subject: two\r\n\r\n2\r\n--b--\r\n"),
    S("embedded in embedded",
      "Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\n"
      "Subject: deep\r\n\r\nx\r\n"),
    S("quoted-printable",
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
      "caf=C3=A9 =\r\nsoft\r\ntrailing   \r\n=ZZ=\r\n"),
    S("flowed", "Content-Type: text/plain; format=flowed\r\n\r\nA line that \r\ngoes on.\r\n> quoted \r\n> text\r\n-- "
                "\r\nsig\r\n"),
    S("latin text without charset", "Subject: =?utf-8?q?=C3=A4?= =?utf-8?b?w7Y=?= x\r\n\r\ncaf\xe9\r\n"),
    S("attachments",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee\r\n--b\r\n"
      "Content-Type: image/png; name=\"a.png\"\r\nContent-Disposition: attachment; filename*=utf-8''%C3%A4.png\r\n"
      "Content-Transfer-Encoding: base64\r\nContent-ID: <img@x>\r\n\r\niVBORw0KGgo=\r\n--b\r\n"
      "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*0=lo; "
      "filename*1=ng.pdf\r\n\r\n%PDF\r\n"
      "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b--\r\n"),
    S("related html",
      "Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>hi <img "
      "src=\"cid:i@x\">"
      "</p>\r\n--b\r\nContent-Type: image/gif\r\nContent-ID: <i@x>\r\nContent-Transfer-Encoding: base64\r\n"
      "Content-Disposition: inline\r\n\r\nR0lGODlh\r\n--b--\r\n"),
    S("empty attachment",
      "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf\r\n\r\n\r\n--b--\r\n"),
    S("broken types", "Content-Type: text\r\n\r\nx"),
    S("more broken types", "Content-Type: ;;;=\"\r\n\r\nx"),
    S("repeated fields", "Subject: one\r\nSubject:\r\nTo: a@b\r\nTo: c@d\r\nContent-Type: text/html\r\nContent-Type: "
                         "text/plain\r\n\r\nx"),
    S("groups", "From: x\r\nTo: team: a@b, \"C, D\" <c@d>;, undisclosed-recipients:;\r\nCc: (only a comment)\r\n\r\nx"),
};

static struct wd_str
b64_body(struct wd_arena *a, size_t bytes, size_t line, const char *line_end, const char *tail)
{
    struct wd_buf raw wd_auto(wd_buf_done) = { 0 }, text wd_auto(wd_buf_done) = { 0 };
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    for (size_t i = 0; i < bytes; i++)
        wd_buf_chr(&raw, (char)(i * 37 + i / 256));
    wd_b64_encode(&text, raw.p, raw.n, WD_B64_PADDED);
    for (size_t i = 0; i < text.n; i += line) {
        if (i)
            wd_buf_c(&out, line_end);
        wd_buf_str(&out, wd_str_part(wd_buf_view(&text), i, i + line));
    }
    wd_buf_c(&out, tail);
    return wd_arena_str(a, wd_buf_view(&out));
}

static const char *const bodies[] = { "QUJD",
                                      "QUJD\r\n",
                                      "QUI=",
                                      "QUI",
                                      "QQ==",
                                      "QR==",
                                      "QUJDRA==QUJD",
                                      "QUJD\r\nQUI=\r\n",
                                      "QUJDREVG\r\nQUJD\r\n\r\n\r\n",
                                      "QUJD\r\n\r\nQUJD",
                                      "QUJD\nQUJD\n",
                                      " QUJD",
                                      "QUJD ",
                                      "QUJD\r\nQUJDREVG",
                                      "QQ=\r\n=",
                                      "QUJ\r\nD",
                                      "====",
                                      "=",
                                      "\r\nQUJD",
                                      "QUJD\r",
                                      "Q",
                                      "QUJD\r\nQUJD\r\nQU==" };

static struct sample
b64_sample(struct wd_arena *a, struct wd_str body)
{
    struct sample s = { "base64 in an odd layout", WD_NONE };

    s.bytes = wd_arena_printf(a,
                              "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: image/png\r\n"
                              "Content-Transfer-Encoding: BASE64\r\n\r\n%.*s\r\n--b--\r\n",
                              WD_FMT(body));
    return s;
}

static struct sample
nested(struct wd_arena *a, const char *name, unsigned depth, bool closed)
{
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    for (unsigned i = 0; i < depth; i++)
        wd_buf_printf(&b, "Content-Type: multipart/mixed; boundary=b%u\r\n\r\n--b%u\r\n", i, i);
    wd_buf_c(&b, "Content-Type: text/plain\r\n\r\nx");
    for (unsigned i = depth; closed && i-- > 0;)
        wd_buf_printf(&b, "\r\n--b%u--", i);
    return (struct sample){ name, wd_arena_str(a, wd_buf_view(&b)) };
}

/* All short strings over pieces that matter to the parser: what nobody thought of. */
static struct sample
combined(struct wd_arena *a, unsigned number)
{
    static const char *const pieces[] = { "\r",
                                          "\n",
                                          "\r\n",
                                          "--b",
                                          "--b--",
                                          "--i",
                                          "x",
                                          "A: 1",
                                          " ",
                                          "-",
                                          "Content-Type: multipart/mixed; boundary=i\r\n\r\n",
                                          "Content-Type: message/rfc822\r\n\r\n",
                                          "\r\n\r\n",
                                          "--i--" };
    struct wd_buf b wd_auto(wd_buf_done) = { 0 };

    wd_buf_c(&b, "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n");
    for (unsigned i = 0; i < 12; i++) {
        number = number * 1103515245u + 12345u;
        wd_buf_c(&b, pieces[(number >> 16) % WD_COUNT(pieces)]);
    }
    return (struct sample){ "random pieces", wd_arena_str(a, wd_buf_view(&b)) };
}

size_t
samples(struct wd_arena *a, const struct sample **out)
{
    struct WD_VEC(struct sample) v = { 0 };
    static const char *const tails[] = { "", "\r\n", "\r\n\r\n", "\n" };
    struct sample *copy;
    size_t n;

    for (size_t i = 0; i < WD_COUNT(fixed); i++)
        wd_vec_push(&v, fixed[i]);
    for (size_t i = 0; i < WD_COUNT(bodies); i++)
        wd_vec_push(&v, b64_sample(a, wd_str_c(bodies[i])));
    for (size_t line = 4; line < 130; line += 29)
        for (size_t i = 0; i < 2 * WD_COUNT(tails); i++)
            wd_vec_push(&v, b64_sample(a, b64_body(a, 100 + line % 3, line, i % 2 ? "\n" : "\r\n", tails[i / 2])));
    wd_vec_push(&v, nested(a, "nested to the limit", 29, true));
    wd_vec_push(&v, nested(a, "nested deeper than the limit", 60, true));
    wd_vec_push(&v, nested(a, "nested and never closed", 40, false));
    for (unsigned i = 0; i < 400; i++)
        wd_vec_push(&v, combined(a, i * 7919));
    n = v.n;
    copy = WD_ARENA_ARRAY(a, struct sample, n);
    memcpy(copy, v.p, n * sizeof *copy);
    wd_vec_done(&v);
    *out = copy;
    return n;
}
