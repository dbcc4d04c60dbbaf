#include "store-svc/domain/intake.h"

#include <check.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "common/base/b64.h"
#include "memory_blobs.h"
#include "store-svc/domain/body.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/imap_data.h"
#include "tests/run.h"
#include "tests/unit/store-svc/mime/samples.h"

static struct memory_blobs blobs;
static struct wd_arena *arena;

static void
setup(void)
{
    memory_blobs_init(&blobs);
    arena = wd_arena_new(1 << 16);
}

static void
teardown(void)
{
    memory_blobs_done(&blobs);
    wd_arena_free(arena);
}

/* Takes the message in and adds its bodies, as a delivery does. */
static void
take_in(struct wd_str message, struct wd_intake *in)
{
    struct wd_source_memory source;
    struct wd_error err = { 0 };

    ck_assert_msg(wd_intake_read(arena, wd_source_memory(&source, message), &blobs.base, 1000, in, &err), "%s",
                  err.text);
    for (size_t i = 0; i < in->n_blobs; i++)
        ck_assert(wd_blobs_add(&blobs.base, NULL, &in->blobs[i].ref, &in->blobs[i].info, &err));
}

static uint32_t seed = 1;

static uint32_t
rnd(uint32_t below)
{
    seed = seed * 1103515245u + 12345u;
    return below ? (seed >> 8) % below : 0;
}

/* The document gives the bytes, whole and in ranges. */
static void
check_bytes(const char *name, const bson_t *doc, struct wd_str want)
{
    struct wd_error err = { 0 };
    struct wd_body *body;
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    bson_t copy wd_auto(bson_destroy) = BSON_INITIALIZER;

    bson_concat(&copy, doc);
    ck_assert_msg(wd_body_open(arena, &copy, &blobs.base, &body, &err), "%s: %s", name, err.text);
    ck_assert_uint_eq(wd_body_size(body), want.n);
    ck_assert(wd_body_read_all(body, 0, want.n + 10, &out, &err));
    if (!wd_str_eq(wd_buf_view(&out), want)) {
        size_t i = 0;

        while (i < out.n && i < want.n && out.p[i] == want.p[i])
            i++;
        ck_abort_msg("%s: differs at %zu of %zu (%zu): want '%.*s' got '%.*s'", name, i, want.n, out.n,
                     (int)(want.n - i < 30 ? want.n - i : 30), want.p + i, (int)(out.n - i < 30 ? out.n - i : 30),
                     out.p + i);
    }
    for (int i = 0; i < 20; i++) {
        size_t from = rnd((uint32_t)want.n + 2), n = rnd((uint32_t)want.n + 2);

        out.n = 0;
        ck_assert(wd_body_read_all(body, from, n, &out, &err));
        ck_assert_msg(wd_str_eq(wd_buf_view(&out), wd_str_part(want, from, from + n)), "%s: range %zu+%zu", name, from,
                      n);
    }
    ck_assert_uint_eq(wd_body_lost(body), 0);
}

/* The sections of the parser's parts are the parser's ranges. */
static void
check_parts(const char *name, const bson_t *doc, struct wd_str message)
{
    struct wd_error err;
    struct wd_mime_parser *p = wd_mime_parser_new(arena, WD_MIME_LIMITS, NULL);
    struct wd_body *body;
    const struct wd_mime *m;
    bson_t tree_view;
    struct wd_tree tree;
    struct wd_layout layout;

    wd_mime_feed(p, message);
    m = wd_mime_finish(p);
    ck_assert(wd_body_open(arena, doc, &blobs.base, &body, &err));
    ck_assert(wd_doc_sub(doc, "mimeTree", &tree_view) && wd_tree_read(arena, &tree_view, &tree, &err));
    ck_assert(wd_layout_read(arena, doc, &tree, &layout, &err));
    ck_assert_msg(tree.n == m->n, "%s: %u nodes, %u parts", name, tree.n, m->n);
    for (uint32_t i = 0; i < m->n; i++) {
        ck_assert_uint_eq(tree.nodes[i].parent, m->parts[i].parent);
        ck_assert_int_eq(tree.nodes[i].kind, m->parts[i].kind);
        ck_assert_uint_eq(layout.nodes[i].header_start, m->parts[i].header_start);
        ck_assert_uint_eq(layout.nodes[i].body_start, m->parts[i].body_start);
        ck_assert_msg(layout.nodes[i].body_end == m->parts[i].body_end, "%s: end of part %u", name, i);
    }
    wd_mime_parser_free(p);
}

static struct wd_str
joined(struct wd_str a, struct wd_str b)
{
    char *p = wd_arena_alloc(arena, a.n + b.n + 1);

    memcpy(p, a.p, a.n);
    if (b.n)
        memcpy(p + a.n, b.p, b.n);
    return wd_str_n(p, a.n + b.n);
}

START_TEST(every_message_comes_back_byte_for_byte)
{
    const struct sample *list;
    size_t n = samples(arena, &list);

    for (size_t i = 0; i < n; i++) {
        struct wd_intake in, with;
        struct wd_error err;
        struct wd_str prefix = WD_STR("Delivered-To: jane@example.com\r\nReturn-Path: <bob@x>\r\n");

        take_in(list[i].bytes, &in);
        ck_assert_uint_eq(in.size, list[i].bytes.n);
        check_bytes(list[i].name, in.fields, list[i].bytes);
        check_parts(list[i].name, in.fields, list[i].bytes);
        ck_assert(wd_intake_with_prefix(&in, prefix, &with, &err));
        check_bytes(list[i].name, with.fields, joined(prefix, list[i].bytes));
        wd_intake_done(&with);
        wd_intake_done(&in);
    }
}
END_TEST

#define PART(type, more, body) "--b\r\nContent-Type: " type "\r\n" more "\r\n" body "\r\n"
#define MIXED                  "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"

START_TEST(well_formed_mail_needs_no_layout)
{
    static const char *const messages[] = {
        "Subject: x\r\n\r\nbody\r\n",
        "Subject: x\r\n folded\r\n\r\n",
        MIXED PART("text/plain", "", "a")
            PART("image/png", "Content-Transfer-Encoding: base64\r\n", "QUJD") "--b--\r\n",
        MIXED PART("text/plain", "", "a") "--b--",
        MIXED "preamble\r\n" PART("text/plain", "", "a") "--b--\r\n",
        MIXED PART("message/rfc822", "", "Subject: y\r\n\r\ninner") "--b--\r\n",
    };
    struct wd_intake in;

    take_in(wd_str_c(messages[_i]), &in);
    ck_assert(!wd_doc_has(in.fields, WD_LAYOUT_FIELD));
    wd_intake_done(&in);
}
END_TEST

START_TEST(document_has_its_fields)
{
    struct wd_str message = WD_STR(
        "Received: from a by b\r\nReceived: older\r\nFrom: =?utf-8?q?J=C3=84ne?= <jane@x>\r\nSubject: Re: [l]  "
        "=?utf-8?q?=C3=84?=\r\n"
        "Date: Tue, 1 Jul 2003 10:52:37 +0200\r\nMessage-ID: <1@x>\r\nList-Id: My list <list.x>\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n" PART("text/html", "", "<p>see <img src=\"cid:i@x\"></p>")
            PART("image/png; name=a.png", "Content-ID: <i@x>\r\nContent-Transfer-Encoding: base64\r\n",
                 "QUJD") "--b--\r\n");
    struct wd_intake in;
    const bson_t *d;
    struct wd_str value;

    take_in(message, &in);
    d = in.fields;
    ck_assert(wd_str_eq(wd_doc_str(d, "subject"), WD_STR("Re: [l] \xc3\x84")));
    ck_assert(wd_str_eq(in.thread_subject, WD_STR("\xc3\x84")));
    ck_assert(wd_str_eq(wd_doc_str(d, "msgid"), WD_STR("<1@x>")));
    ck_assert_int_eq(wd_doc_date(d, "hdate", 0), 1057049557000);
    ck_assert_int_eq(wd_doc_int(d, "size", 0), (int64_t)message.n);
    ck_assert(wd_doc_bool(d, "ha", false));
    ck_assert(wd_str_eq(wd_doc_str(d, "text"), WD_STR("see")));
    ck_assert(wd_str_eq(wd_doc_str(d, "intro"), WD_STR("see")));
    ck_assert(wd_str_eq(wd_doc_str(d, "html.0"), WD_STR("<p>see <img src=\"attachment:ATT00001\"></p>")));
    ck_assert(wd_str_eq(wd_doc_str(d, "headers.0.value"), WD_STR("j\xc3\xa4ne <jane@x>")));
    ck_assert(wd_str_eq(wd_doc_str(d, "headers.3.value"), WD_STR("list.x")));
    ck_assert(wd_str_eq(wd_doc_str(d, "attachments.0.id"), WD_STR("ATT00001")));
    ck_assert(wd_str_eq(wd_doc_str(d, "attachments.0.filename"), WD_STR("a.png")));
    ck_assert_int_eq(wd_doc_int(d, "attachments.0.size", 0), 3);
    ck_assert(wd_str_eq(wd_doc_str(d, "attachments.0.fileContentHash"),
                        WD_STR("tdQEXD9Gb6kf4sxqvnkjKhpXzfEE96JucW4KHieJ33g=")));
    ck_assert(wd_str_eq(wd_doc_str(d, "mimeTree.parsedHeader.from.0.address"), WD_STR("jane@x")));
    ck_assert(wd_str_eq(wd_doc_str(d, "mimeTree.parsedHeader.received.1"), WD_STR("older")));
    ck_assert(wd_str_eq(wd_doc_str(d, "mimeTree.parsedHeader.content-type.subtype"), WD_STR("mixed")));
    ck_assert(wd_str_eq(wd_doc_str(d, "mimeTree.childNodes.1.attachmentId"), WD_STR("ATT00001")));
    ck_assert(wd_str_eq(wd_doc_str(d, "mimeTree.multipart"), WD_STR("mixed")));
    ck_assert(wd_str_eq(wd_doc_str(d, "mimeTree.header.1"), WD_STR("Received: older")));
    ck_assert(wd_str_eq(wd_doc_str(d, "envelope.1"), WD_STR("Re: [l]  \xc3\x84")));
    ck_assert(wd_str_eq(wd_doc_str(d, "bodystructure.1.1"), WD_STR("PNG")));
    ck_assert(wd_intake_field(&in, arena, WD_STR("received"), 1, &value) && wd_str_eq(value, WD_STR("older")));
    ck_assert(!wd_intake_field(&in, arena, WD_STR("received"), 2, &value));
    ck_assert_uint_eq(in.n_thread_ids, 1);
    wd_intake_done(&in);
}
END_TEST

START_TEST(message_without_id_or_date_gets_them)
{
    struct wd_intake in;
    struct wd_str id;

    take_in(WD_STR("From: a@host.example\r\n\r\n"), &in);
    id = wd_doc_str(in.fields, "msgid");
    ck_assert(wd_str_starts(id, WD_STR("<")) && wd_str_ends(id, WD_STR("@host.example>")) && id.n == 1 + 36 + 14);
    ck_assert_int_eq(wd_doc_date(in.fields, "hdate", 0), 1000);
    wd_intake_done(&in);
}
END_TEST

START_TEST(same_attachment_is_stored_once)
{
    struct wd_intake in;
    struct wd_blob_ref *refs;
    size_t n;
    struct wd_error err;
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;

    take_in(WD_STR(MIXED PART("image/png", "", "x") PART("image/gif", "", "y") PART("image/png", "", "x") "--b--\r\n"),
            &in);
    ck_assert_uint_eq(blobs.writes, 2);
    ck_assert_uint_eq(in.n_blobs, 2);
    ck_assert_uint_eq(in.blobs[0].ref.count, 2);
    bson_concat(&doc, in.fields);
    bson_append_int32(&doc, "magic", -1, 100);
    ck_assert(wd_tree_refs(arena, &doc, &refs, &n, &err));
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(refs[0].count + refs[1].count, 3);
    ck_assert_uint_eq(refs[0].magic_sum + refs[1].magic_sum, 300);
    wd_intake_done(&in);
    take_in(WD_STR(MIXED PART("application/pdf", "", "x") "--b--\r\n"), &in);
    ck_assert_uint_eq(blobs.writes, 2);
    ck_assert_str_eq(in.blobs[0].info.content_type, "image/png");
    wd_intake_done(&in);
}
END_TEST

/* As WildDuck keeps bodies: decoded though they cannot be encoded again, or one line under another length. */
static const struct {
    const char *body, *stored;
    uint32_t line_length;
    bool used;
} kept_by_others[] = {
    { "QUJD", "ABC", 76, true },
    { "QUJD\r\n", "ABC", 76, true },
    { "QUI=", "AB", 76, true },
    { "QUI", "AB", 76, false },  /* no padding */
    { "QUJ=", "AB", 76, false }, /* bits that no byte takes */
    { "QUJD\r\nQUJD", "ABCABC", 4, true },
    { "QUJD\r\nQUJD", "ABCABC", 8, false },
    { "QUJD\nQUJD", "ABCABC", 4, false },
};

static struct memory_blob *
put_decoded(const char *body, const char *stored, uint32_t line_length)
{
    struct memory_blob *blob = calloc(1, sizeof *blob);

    EVP_Digest(body, strlen(body), blob->key.b, NULL, EVP_sha256(), NULL);
    wd_buf_c(&blob->bytes, stored);
    blob->info = (struct wd_blob_info){ .length = strlen(stored), .decoded = true, .line_length = line_length };
    blob->info.encoded_length = strlen(body);
    blob->added = true;
    wd_vec_push(&blobs.all, blob);
    return blob;
}

START_TEST(a_body_of_others_is_used_when_it_gives_the_bytes_back)
{
    const char *body = kept_by_others[_i].body;
    struct memory_blob *blob = put_decoded(body, kept_by_others[_i].stored, kept_by_others[_i].line_length);
    struct wd_buf m wd_auto(wd_buf_done) = { 0 };
    struct wd_intake in;

    for (int i = 0; i < 2; i++) {
        m.n = 0;
        wd_buf_c(&m, MIXED);
        for (int k = 0; k < 2; k++)
            wd_buf_printf(&m, PART("image/png", "Content-Transfer-Encoding: base64\r\n", "%s"), body);
        wd_buf_c(&m, "--b--\r\n");
        take_in(wd_buf_view(&m), &in);
        ck_assert_uint_eq(in.n_blobs, 1);
        ck_assert_uint_eq(in.blobs[0].ref.count, 2);
        ck_assert_int_eq(memcmp(in.blobs[0].ref.key.b, blob->key.b, 32) == 0, kept_by_others[_i].used);
        check_bytes("of others", in.fields, wd_buf_view(&m));
        wd_intake_done(&in);
    }
    ck_assert_uint_eq(blobs.writes, !kept_by_others[_i].used);
}
END_TEST

/* A reader that ends each full line, also the only one, must not get one. */
START_TEST(one_line_is_never_full)
{
    static const struct {
        size_t groups;
        uint32_t line_length;
    } cases[] = { { 1, 76 }, { 19, 76 }, { 20, 998 }, { 249, 998 } };
    struct wd_buf m wd_auto(wd_buf_done) = { 0 };
    struct wd_intake in;

    wd_buf_c(&m, MIXED "--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    for (size_t i = 0; i < cases[_i].groups; i++)
        wd_buf_c(&m, "QUJD");
    wd_buf_c(&m, "\r\n--b--\r\n");
    take_in(wd_buf_view(&m), &in);
    ck_assert(in.blobs[0].info.decoded);
    ck_assert_uint_eq(in.blobs[0].info.line_length, cases[_i].line_length);
    check_bytes("one line", in.fields, wd_buf_view(&m));
    wd_intake_done(&in);
}
END_TEST

START_TEST(text_with_nul_stays_text)
{
    struct wd_intake in;
    bson_iter_t it, value;

    take_in(WD_STR("Subject: a\0b\r\nMessage-ID: <x\0y@z>\r\n\r\nbody\0\r\n"), &in);
    ck_assert(wd_str_eq(wd_doc_str(in.fields, "subject"), WD_STR("a b")));
    ck_assert(wd_str_eq(wd_doc_str(in.fields, "msgid"), WD_STR("<x y@z>")));
    for (const char *const *field = (const char *const[]){ "subject", "msgid", "text", "intro", NULL }; *field; field++)
        ck_assert_msg(bson_iter_init_find(&it, in.fields, *field) && BSON_ITER_HOLDS_UTF8(&it), "%s", *field);
    ck_assert(bson_iter_init(&it, in.fields) && bson_iter_find_descendant(&it, "headers.0.value", &value));
    ck_assert(BSON_ITER_HOLDS_UTF8(&value));
    wd_intake_done(&in);
}
END_TEST

/* The structure and the envelope that a document gives are the ones that were put in. */
START_TEST(imap_data_comes_back)
{
    const struct sample *list;
    size_t n = samples(arena, &list);

    for (size_t i = 0; i < n; i++) {
        struct wd_mime_parser *p = wd_mime_parser_new(arena, WD_MIME_LIMITS, NULL);
        struct wd_body_structure want, got;
        struct wd_envelope envelope;
        struct wd_intake in;

        wd_mime_feed(p, list[i].bytes);
        wd_structure_read(arena, wd_mime_finish(p), &want);
        wd_mime_parser_free(p);
        take_in(list[i].bytes, &in);
        wd_structure_load(arena, in.fields, "bodystructure", &got);
        ck_assert_msg(got.n == want.n, "%s", list[i].name);
        for (size_t k = 0; k < want.n; k++) {
            ck_assert_uint_eq(got.parts[k].depth, want.parts[k].depth);
            ck_assert_msg(wd_str_eq(got.parts[k].type, want.parts[k].type), "%s", list[i].name);
            ck_assert(wd_str_eq(got.parts[k].subtype, want.parts[k].subtype));
            ck_assert_uint_eq(got.parts[k].params.n, want.parts[k].params.n);
            ck_assert_uint_eq(got.parts[k].disposition_params.n,
                              want.parts[k].disposition.n ? want.parts[k].disposition_params.n : 0);
            ck_assert(got.parts[k].size == want.parts[k].size && got.parts[k].lines == want.parts[k].lines);
            ck_assert(got.parts[k].has_lines == want.parts[k].has_lines);
            ck_assert(!got.parts[k].envelope == !want.parts[k].envelope);
        }
        wd_envelope_load(arena, in.fields, "envelope", &envelope);
        ck_assert_uint_eq(envelope.to.n, in.envelope.to.n);
        for (size_t k = 0; k < envelope.to.n; k++) {
            ck_assert_int_eq(envelope.to.p[k].kind, in.envelope.to.p[k].kind);
            ck_assert(wd_str_eq(envelope.to.p[k].name, in.envelope.to.p[k].name));
            ck_assert(wd_str_eq(envelope.to.p[k].host, in.envelope.to.p[k].host));
        }
        ck_assert(wd_str_eq(envelope.subject, in.envelope.subject));
        wd_intake_done(&in);
    }
}
END_TEST

static void
repeat(struct wd_buf *b, const char *text, size_t n)
{
    while (b->n < n)
        wd_buf_c(b, text);
}

/* What is large: a text, several texts, a preamble, an epilogue, a header, one line. */
START_TEST(large_messages_come_back)
{
    struct wd_str prefix = WD_STR("Delivered-To: jane@example.com\r\n");
    struct wd_buf m wd_auto(wd_buf_done) = { 0 };
    struct wd_intake in, with;
    struct wd_error err;

    if (_i == 4)
        repeat(&m, "X-Line: 0123456789 0123456789 \xff\r\n", 1300000);
    if (_i == 5) {
        wd_buf_c(&m, "X-Line: ");
        repeat(&m, "0123456789", 1500000);
        wd_buf_c(&m, "\r\n");
    }
    wd_buf_c(&m, MIXED);
    if (_i == 1)
        repeat(&m, "preamble\r\n", 700000);
    for (int i = 0; i < (_i == 3 ? 8 : 1); i++) {
        wd_buf_c(&m, "--b\r\nContent-Type: text/plain\r\n\r\n");
        if (_i == 0 || _i == 3)
            repeat(&m, "some words of text\r\n", m.n + (_i == 0 ? 400000 : 200000));
        wd_buf_c(&m, "end\r\n");
    }
    wd_buf_c(&m, "--b--\r\n");
    if (_i == 2)
        repeat(&m, "epilogue", 700000);
    take_in(wd_buf_view(&m), &in);
    ck_assert_uint_lt(in.fields->len, 6 << 20);
    check_bytes("large", in.fields, wd_buf_view(&m));
    if (_i == 0) {
        ck_assert(!wd_doc_has(in.fields, "attachments.0") && in.n_blobs == 1);
        ck_assert_uint_eq(wd_doc_str(in.fields, "text").n, 1024);
        ck_assert_uint_gt(wd_doc_str(in.fields, "textFooter").n, 90000);
    }
    ck_assert(wd_intake_with_prefix(&in, prefix, &with, &err));
    check_bytes("large with prefix", with.fields, joined(prefix, wd_buf_view(&m)));
    wd_intake_done(&with);
    wd_intake_done(&in);
}
END_TEST

START_TEST(upload_is_read_in_little_memory)
{
    struct wd_source_upload source;
    struct wd_intake in;
    struct wd_error err;
    struct wd_body *body;
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    wd_buf_c(&blobs.upload,
             MIXED PART("text/plain", "",
                        "hello") "--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    repeat(&blobs.upload, "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAx\r\n", 5000000);
    wd_buf_c(&blobs.upload, "--b--\r\n");
    ck_assert(wd_intake_read(arena, wd_source_upload(&source, &blobs.base, (struct wd_id){ { 0 } }, blobs.upload.n),
                             &blobs.base, 0, &in, &err));
    ck_assert_uint_lt(wd_arena_used(arena), 100000);
    ck_assert(in.n_blobs == 1 && in.blobs[0].info.decoded);
    ck_assert(wd_blobs_add(&blobs.base, NULL, &in.blobs[0].ref, &in.blobs[0].info, &err));
    ck_assert(wd_body_open(arena, in.fields, &blobs.base, &body, &err));
    for (size_t at = 0; at < blobs.upload.n; at += 60000)
        ck_assert(wd_body_read_all(body, at, 60000, &out, &err));
    ck_assert(wd_str_eq(wd_buf_view(&out), wd_buf_view(&blobs.upload)));
    wd_intake_done(&in);
    ck_assert(!wd_intake_read(arena,
                              wd_source_upload(&source, &blobs.base, (struct wd_id){ { 0 } }, blobs.upload.n + 1),
                              &blobs.base, 0, &in, &err));
    ck_assert_int_eq(err.reason, WD_UPLOAD_NOT_FOUND);
}
END_TEST

START_TEST(many_parts_fit)
{
    struct wd_buf m wd_auto(wd_buf_done) = { 0 };
    struct wd_intake in;

    wd_buf_c(&m, MIXED);
    for (int i = 0; i < 3000; i++)
        wd_buf_printf(&m, "--b\r\nContent-Type: text/plain\r\n\r\n%d\n\r\n", i);
    take_in(wd_buf_view(&m), &in);
    check_bytes("3000 parts", in.fields, wd_buf_view(&m));
    wd_intake_done(&in);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("intake");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, every_message_comes_back_byte_for_byte);
    tcase_add_loop_test(t, well_formed_mail_needs_no_layout, 0, 6);
    tcase_add_test(t, document_has_its_fields);
    tcase_add_test(t, message_without_id_or_date_gets_them);
    tcase_add_loop_test(t, a_body_of_others_is_used_when_it_gives_the_bytes_back, 0, WD_COUNT(kept_by_others));
    tcase_add_loop_test(t, one_line_is_never_full, 0, 4);
    tcase_add_test(t, text_with_nul_stays_text);
    tcase_add_test(t, same_attachment_is_stored_once);
    tcase_add_test(t, imap_data_comes_back);
    tcase_add_loop_test(t, large_messages_come_back, 0, 6);
    tcase_add_test(t, upload_is_read_in_little_memory);
    tcase_add_test(t, many_parts_fit);
    return run_case("intake", t);
}
