#include "store-svc/domain/body.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/b64.h"
#include "memory_blobs.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/encoded.h"
#include "store-svc/domain/intake.h"
#include "tests/run.h"

static struct memory_blobs blobs;
static struct wd_arena *arena;
static struct wd_error err;

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

static struct wd_body *
open_message(struct wd_str message, struct wd_intake *in)
{
    struct wd_source_memory source;
    struct wd_body *body;

    ck_assert(wd_intake_read(arena, wd_source_memory(&source, message), &blobs.base, 0, in, &err));
    for (size_t i = 0; i < in->n_blobs; i++)
        ck_assert(wd_blobs_add(&blobs.base, NULL, &in->blobs[i].ref, &in->blobs[i].info, &err));
    ck_assert(wd_body_open(arena, in->fields, &blobs.base, &body, &err));
    return body;
}

/* "1.2.HEADER.FIELDS to from" as a section. */
static struct wd_section
section_of(const char *text)
{
    static const struct {
        const char *name;
        enum wd_section_part part;
    } names[] = { { "HEADER.FIELDS.NOT", WD_SECTION_HEADER_FIELDS_NOT },
                  { "HEADER.FIELDS", WD_SECTION_HEADER_FIELDS },
                  { "HEADER", WD_SECTION_HEADER },
                  { "TEXT", WD_SECTION_TEXT },
                  { "MIME", WD_SECTION_MIME } };
    struct wd_section s = { 0 };
    uint32_t *path = WD_ARENA_ARRAY(arena, uint32_t, 16);
    struct wd_str *fields = WD_ARENA_ARRAY(arena, struct wd_str, 16);
    struct wd_str words = wd_str_c(text), spec, piece;

    wd_str_split(&words, ' ', &spec);
    while (words.p && wd_str_split(&words, ' ', &piece))
        fields[s.n_fields++] = piece;
    for (size_t i = 0; i < WD_COUNT(names); i++)
        if (wd_str_ends(spec, wd_str_c(names[i].name))) {
            s.part = names[i].part;
            spec = wd_str_part(spec, 0, spec.n - strlen(names[i].name));
            break;
        }
    while (spec.n && wd_str_split(&spec, '.', &piece))
        if (piece.n)
            wd_str_u32(piece, 1000, &path[s.n_path++]);
    s.path = path;
    s.fields = fields;
    return s;
}

#define PLAIN "From: a@b\r\nTo: c@d\r\nSubject: hi\r\n there\r\nX: 1\r\n\r\nline one\r\nline two\r\n"
#define MULTI                                                                                                          \
    "Subject: outer\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npre\r\n--b\r\nContent-Type: text/plain\r\n"    \
    "\r\none\r\n--b\r\nContent-Type: message/rfc822\r\nX-Mime: 2\r\n\r\nSubject: inner\r\nTo: x@y\r\n"                 \
    "Content-Type: multipart/alternative; boundary=i\r\n\r\n--i\r\nA: 1\r\n\r\nalt one\r\n--i\r\n"                     \
    "Content-Type: image/png\r\nContent-Transfer-Encoding: "                                                           \
    "base64\r\n\r\nQUJD\r\n--i--\r\n--b\r\n\r\nthree\r\n--b--\r\nepi\r\n"
#define FORWARD       "Subject: o\r\nContent-Type: message/rfc822\r\n\r\nSubject: i\r\n\r\ninner\r\n"
#define BARE          "Content-Type: multipart/mixed; boundary=b\n\n--b\nA: 1\n\none\n--b--\n"
#define NO_PARTS      "Content-Type: multipart/mixed; boundary=b\r\n\r\ntext\r\n"
#define NO_EMPTY_LINE "Subject: x\r\n"

/* NULL: no such part */
static const struct {
    const char *message, *section, *want;
} sections[] = {
    { PLAIN, "", PLAIN },
    { PLAIN, "HEADER", "From: a@b\r\nTo: c@d\r\nSubject: hi\r\n there\r\nX: 1\r\n\r\n" },
    { PLAIN, "TEXT", "line one\r\nline two\r\n" },
    { PLAIN, "1", "line one\r\nline two\r\n" },
    { PLAIN, "1.MIME", "From: a@b\r\nTo: c@d\r\nSubject: hi\r\n there\r\nX: 1\r\n\r\n" },
    { PLAIN, "1.HEADER", "" },
    { PLAIN, "1.TEXT", "" },
    { PLAIN, "1.1", NULL },
    { PLAIN, "2", NULL },
    { PLAIN, "HEADER.FIELDS subject TO", "To: c@d\r\nSubject: hi\r\n there\r\n\r\n" },
    { PLAIN, "HEADER.FIELDS.NOT subject to", "From: a@b\r\nX: 1\r\n\r\n" },
    { PLAIN, "HEADER.FIELDS nothing", "\r\n\r\n" },
    { MULTI, "", MULTI },
    { MULTI, "1", "one" },
    { MULTI, "1.MIME", "Content-Type: text/plain\r\n\r\n" },
    { MULTI, "2.MIME", "Content-Type: message/rfc822\r\nX-Mime: 2\r\n\r\n" },
    { MULTI, "2.HEADER", "Subject: inner\r\nTo: x@y\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n" },
    { MULTI, "2.HEADER.FIELDS to", "To: x@y\r\n\r\n" },
    { MULTI, "2.TEXT",
      "--i\r\nA: 1\r\n\r\nalt one\r\n--i\r\nContent-Type: image/png\r\n"
      "Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--i--" },
    { MULTI, "2.1", "alt one" },
    { MULTI, "2.2", "QUJD" },
    { MULTI, "2.2.MIME", "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n" },
    { MULTI, "2.3", NULL },
    { MULTI, "3", "three" },
    { MULTI, "3.MIME", "\r\n" },
    { MULTI, "4", NULL },
    { MULTI, "0", NULL },
    { FORWARD, "1", "Subject: i\r\n\r\ninner\r\n" },
    { FORWARD, "1.HEADER", "Subject: i\r\n\r\n" },
    { FORWARD, "1.TEXT", "inner\r\n" },
    { FORWARD, "1.1", "inner\r\n" },
    { FORWARD, "1.1.MIME", "Subject: i\r\n\r\n" },
    { FORWARD, "TEXT", "Subject: i\r\n\r\ninner\r\n" },
    { BARE, "1", "one" },
    { BARE, "1.MIME", "A: 1\n\n" },
    { BARE, "HEADER.FIELDS content-type", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" },
    { NO_PARTS, "1", "" },
    { NO_PARTS, "1.MIME", "" },
    { NO_PARTS, "2", NULL },
    { NO_PARTS, "TEXT", "text\r\n" },
    { NO_EMPTY_LINE, "HEADER", NO_EMPTY_LINE },
    { NO_EMPTY_LINE, "TEXT", "" },
};

START_TEST(section_is_what_the_rfc_says)
{
    struct wd_intake in;
    struct wd_body *b = open_message(wd_str_c(sections[_i].message), &in);
    struct wd_section s = section_of(sections[_i].section);
    struct wd_str want = wd_str_c(sections[_i].want);
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    uint64_t size;
    bool found;

    ck_assert(wd_body_section(b, &s, &size, &found, &err));
    ck_assert(found == (sections[_i].want != NULL));
    ck_assert(wd_body_read(b, &s, 0, 100000, &out, &err));
    ck_assert_msg(wd_str_eq(wd_buf_view(&out), want), "BODY[%s] is '%.*s'", sections[_i].section, (int)out.n, out.p);
    ck_assert_uint_eq(size, want.n);
    for (size_t from = 0; from <= want.n; from += 3) {
        out.n = 0;
        ck_assert(wd_body_read(b, &s, from, 5, &out, &err));
        ck_assert(wd_str_eq(wd_buf_view(&out), wd_str_part(want, from, from + 5)));
    }
    wd_intake_done(&in);
}
END_TEST

START_TEST(lost_attachment_reads_as_spaces)
{
    struct wd_intake in;
    struct wd_body *b = open_message(WD_STR(MULTI), &in);
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    struct wd_section s = section_of("2.2");

    blobs.lose = true;
    ck_assert(wd_body_read(b, &s, 0, 100, &out, &err));
    ck_assert(wd_str_eq(wd_buf_view(&out), WD_STR("    ")));
    ck_assert_uint_eq(wd_body_lost(b), 4);
    out.n = 0;
    ck_assert(wd_body_read_all(b, 0, 100000, &out, &err));
    ck_assert_uint_eq(out.n, strlen(MULTI));
    wd_intake_done(&in);
}
END_TEST

/* Every offset of a folded base64 body, in several line lengths and with tails. */
START_TEST(encoded_body_reads_from_any_offset)
{
    static const uint32_t lines[] = { 1, 4, 5, 76, 998 };

    for (size_t l = 0; l < WD_COUNT(lines); l++)
        for (size_t length = 1; length < 120; length += 13)
            for (uint32_t tail = 0; tail < 3; tail++) {
                struct memory_blob *blob = calloc(1, sizeof *blob);
                struct wd_buf text wd_auto(wd_buf_done) = { 0 }, want wd_auto(wd_buf_done) = { 0 };

                for (size_t i = 0; i < length; i++)
                    wd_buf_chr(&blob->bytes, (char)(i * 91));
                blob->key.b[0] = (uint8_t)l, blob->key.b[1] = (uint8_t)length, blob->key.b[2] = (uint8_t)tail;
                blob->info =
                    (struct wd_blob_info){ .length = length, .decoded = true, .line_length = lines[l], .tail = tail };
                wd_vec_push(&blobs.all, blob);
                wd_b64_encode(&text, blob->bytes.p, length, WD_B64_PADDED);
                for (size_t i = 0; i < text.n; i += lines[l]) {
                    if (i)
                        wd_buf_c(&want, "\r\n");
                    wd_buf_str(&want, wd_str_part(wd_buf_view(&text), i, i + lines[l]));
                }
                for (uint32_t i = 0; i < tail; i++)
                    wd_buf_c(&want, "\r\n");
                ck_assert_uint_eq(wd_encoded_size(&blob->info), want.n);
                for (size_t from = 0; from < want.n; from++)
                    for (size_t n = 1; n <= want.n - from; n += 7) {
                        struct wd_buf got wd_auto(wd_buf_done) = { 0 };

                        ck_assert(wd_encoded_read(&blobs.base, &blob->key, &blob->info, from, n, &got, &err));
                        ck_assert_msg(wd_str_eq(wd_buf_view(&got), wd_str_part(wd_buf_view(&want), from, from + n)),
                                      "line %u, %zu bytes, tail %u: %zu+%zu", lines[l], length, tail, from, n);
                    }
            }
}
END_TEST

/* WildDuck keeps no tail, but the size of the encoded form; what no line end explains is left alone. */
START_TEST(line_ends_that_only_the_size_tells_come_back)
{
    static const struct {
        uint64_t encoded_length;
        const char *want;
    } cases[] = { { 0, "QUJD" },         { 2, "QUJD" }, { 4, "QUJD" }, { 6, "QUJD\r\n" },
                  { 8, "QUJD\r\n\r\n" }, { 7, "QUJD" } };
    struct memory_blob *blob = calloc(1, sizeof *blob);
    struct wd_buf got wd_auto(wd_buf_done) = { 0 };

    wd_buf_c(&blob->bytes, "ABC");
    wd_vec_push(&blobs.all, blob);
    blob->info = (struct wd_blob_info){ .length = 3, .decoded = true, .line_length = 76 };
    blob->info.encoded_length = cases[_i].encoded_length;
    ck_assert_uint_eq(wd_encoded_size(&blob->info), strlen(cases[_i].want));
    ck_assert(wd_encoded_read(&blobs.base, &blob->key, &blob->info, 0, strlen(cases[_i].want), &got, &err));
    ck_assert(wd_str_eq(wd_buf_view(&got), wd_str_c(cases[_i].want)));
}
END_TEST

START_TEST(attachment_is_read_decoded)
{
    struct wd_intake in;
    struct wd_body *b = open_message(WD_STR(MULTI), &in);
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    bool found;

    ck_assert(wd_body_attachment(b, WD_STR("ATT00001"), 1, 10, &out, &found, &err));
    ck_assert(found && wd_str_eq(wd_buf_view(&out), WD_STR("BC")));
    ck_assert(wd_body_attachment(b, WD_STR("ATT00002"), 0, 10, &out, &found, &err));
    ck_assert(!found);
    wd_intake_done(&in);
}
END_TEST

/* A document as WildDuck writes it, by hand: the tree alone says what the bytes are. */
START_TEST(document_without_layout_is_rebuilt_by_the_rules)
{
    bson_t *doc = bson_new_from_json(
        (const uint8_t *)"{\"size\": 93, \"mimeTree\": {\"header\": [\"Subject: x\", \"Content-Type: multipart/mixed; "
                         "boundary=b\"],"
                         "\"multipart\": \"mixed\", \"boundary\": \"b\", \"body\": false, \"childNodes\": ["
                         "{\"header\": [\"A: \\u00e4\"], \"body\": {\"$binary\": {\"base64\": \"b25l\", \"subType\": "
                         "\"00\"}}, \"size\": 3},"
                         "{\"header\": [\"A: 2\"], \"body\": \"\", \"size\": 0}], \"size\": 10}}",
        -1, NULL);
    const char *want =
        "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nA: \xe4\r\n\r\none\r\n--b\r\n"
        "A: 2\r\n\r\n\r\n--b--";
    struct wd_body *body;
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    ck_assert_ptr_nonnull(doc);
    ck_assert(wd_body_open(arena, doc, &blobs.base, &body, &err));
    ck_assert(wd_body_read_all(body, 0, 1000, &out, &err));
    ck_assert_msg(wd_str_starts(wd_str_c(want), wd_str_part(wd_buf_view(&out), 0, 85)), "'%.*s'", (int)out.n, out.p);
    ck_assert_uint_eq(out.n, 93);
    bson_destroy(doc);
}
END_TEST

START_TEST(broken_documents_are_refused)
{
    static const char *const docs[] = {
        "{}",
        "{\"mimeTree\": 1}",
        "{\"size\": 3, \"mimeTree\": {}, \"layout\": {\"v\": 1, \"map\": {\"$binary\": {\"base64\": \"//8=\", "
        "\"subType\": \"00\"}}}}",
        "{\"size\": 3, \"mimeTree\": {}, \"layout\": {\"v\": 1, \"map\": {\"$binary\": {\"base64\": \"AAMAAQkD\", "
        "\"subType\": \"00\"}}}}",
    };
    bson_t *doc = bson_new_from_json((const uint8_t *)docs[_i], -1, NULL);
    struct wd_body *body;

    ck_assert(!wd_body_open(arena, doc, &blobs.base, &body, &err));
    ck_assert_int_eq(err.reason, WD_DATA_LOSS);
    bson_destroy(doc);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("body");

    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, section_is_what_the_rfc_says, 0, WD_COUNT(sections));
    tcase_add_test(t, lost_attachment_reads_as_spaces);
    tcase_add_test(t, encoded_body_reads_from_any_offset);
    tcase_add_loop_test(t, line_ends_that_only_the_size_tells_come_back, 0, 6);
    tcase_add_test(t, attachment_is_read_decoded);
    tcase_add_test(t, document_without_layout_is_rebuilt_by_the_rules);
    tcase_add_loop_test(t, broken_documents_are_refused, 0, 4);
    return run_case("body", t);
}
