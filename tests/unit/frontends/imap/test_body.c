#include "frontends/imap/body.h"

#include "frontends/imap/write.h"
#include "tests/unit/frontends/imap/harness.h"

static ProtobufCBinaryData
pb(const char *c)
{
    return imap_to_pb(wd_str_c(c));
}

static void
ck_text(struct wd_buf *out, const char *wanted)
{
    wd_buf_chr(out, '\0');
    ck_assert_str_eq(out->p, wanted);
    out->n = 0;
}

START_TEST(empty_envelope)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);

    imap_write_envelope(&out, a, NULL, 0);
    ck_text(&out, "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
}
END_TEST

START_TEST(envelope_with_everything)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    Wd__V1__Envelope e = WD__V1__ENVELOPE__INIT;
    Wd__V1__EnvelopeAddress from = WD__V1__ENVELOPE_ADDRESS__INIT, group = WD__V1__ENVELOPE_ADDRESS__INIT,
                            end = WD__V1__ENVELOPE_ADDRESS__INIT;
    Wd__V1__EnvelopeAddress *froms[] = { &from }, *tos[] = { &group, &end };

    e.has_date = e.has_subject = e.has_message_id = true;
    e.date = pb("Tue, 1 Jul 2003 10:52:37 +0200");
    e.subject = pb("h\xc3\xa9");
    e.message_id = pb("");
    from.has_name = from.has_mailbox = from.has_host = true;
    from.name = pb("J\xc3\xb6 \"x\"");
    from.mailbox = pb("j");
    from.host = pb("b\xc3\xbc" "cher.de");
    group.has_mailbox = true;
    group.mailbox = pb("friends");
    e.n_from = 1;
    e.from = froms;
    e.n_to = 2;
    e.to = tos;
    imap_write_envelope(&out, a, &e, 0);
    ck_text(&out, "(\"Tue, 1 Jul 2003 10:52:37 +0200\" \"=?UTF-8?Q?h=C3=A9?=\" "
                  "((\"=?UTF-8?B?SsO2ICJ4Ig==?=\" NIL \"j\" \"xn--bcher-kva.de\")) "
                  "((\"=?UTF-8?B?SsO2ICJ4Ig==?=\" NIL \"j\" \"xn--bcher-kva.de\")) "
                  "((\"=?UTF-8?B?SsO2ICJ4Ig==?=\" NIL \"j\" \"xn--bcher-kva.de\")) "
                  "((NIL NIL \"friends\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL \"\")");
    imap_write_envelope(&out, a, &e, IMAP_BODY_UTF8);
    wd_buf_chr(&out, '\0');
    ck_assert_ptr_nonnull(strstr(out.p, "\"J\xc3\xb6 \\\"x\\\"\" NIL \"j\" \"b\xc3\xbc" "cher.de\""));
}
END_TEST

/* A part of a tree; type NULL ends it. */
struct row {
    uint32_t depth;
    const char *type, *subtype;
    bool envelope;
};

static void
write_rows(struct wd_buf *out, const struct row *rows, unsigned flags)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    static Wd__V1__Envelope nothing = WD__V1__ENVELOPE__INIT;
    Wd__V1__BodyPart parts[16], *list[16];
    size_t n = 0;

    for (; rows[n].type; n++) {
        wd__v1__body_part__init(&parts[n]);
        parts[n].depth = rows[n].depth;
        parts[n].type = pb(rows[n].type);
        parts[n].subtype = pb(rows[n].subtype);
        parts[n].size = n;
        parts[n].lines = n;
        parts[n].envelope = rows[n].envelope ? &nothing : NULL;
        list[n] = &parts[n];
    }
    imap_write_body(out, a, list, n, flags);
}

#define NILS "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"

static const struct {
    struct row rows[10];
    const char *plain, *extended;
} trees[] = {
    { { { 0, "TEXT", "PLAIN", false } },
      "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0)",
      "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0 NIL NIL NIL NIL)" },
    { { { 0, "IMAGE", "PNG", false } },
      "(\"IMAGE\" \"PNG\" NIL NIL NIL \"7BIT\" 0)",
      "(\"IMAGE\" \"PNG\" NIL NIL NIL \"7BIT\" 0 NIL NIL NIL NIL)" },
    { { { 0, "MULTIPART", "MIXED", false } }, /* without parts */
      "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0) \"MIXED\")",
      "((\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0 NIL NIL NIL NIL) \"MIXED\" NIL NIL NIL NIL)" },
    { { { 0, "MULTIPART", "MIXED", false }, { 1, "TEXT", "A", false }, { 1, "X", "B", false } },
      "((\"TEXT\" \"A\" NIL NIL NIL \"7BIT\" 1 1)(\"X\" \"B\" NIL NIL NIL \"7BIT\" 2) \"MIXED\")",
      NULL },
    { { { 0, "MULTIPART", "MIXED", false },
        { 1, "MULTIPART", "ALTERNATIVE", false },
        { 2, "X", "A", false },
        { 2, "X", "B", false },
        { 1, "X", "C", false } },
      "(((\"X\" \"A\" NIL NIL NIL \"7BIT\" 2)(\"X\" \"B\" NIL NIL NIL \"7BIT\" 3) \"ALTERNATIVE\")"
      "(\"X\" \"C\" NIL NIL NIL \"7BIT\" 4) \"MIXED\")",
      NULL },
    { { { 0, "MESSAGE", "RFC822", true }, { 1, "X", "A", false } },
      "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 0 " NILS " (\"X\" \"A\" NIL NIL NIL \"7BIT\" 1) 0)",
      "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 0 " NILS
      " (\"X\" \"A\" NIL NIL NIL \"7BIT\" 1 NIL NIL NIL NIL) 0 NIL NIL NIL NIL)" },
    { { { 0, "MESSAGE", "RFC822", true } }, /* without its child */
      "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 0 " NILS
      " (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0) 0)",
      NULL },
    { { { 0, "MESSAGE", "DELIVERY-STATUS", false } },
      "(\"MESSAGE\" \"DELIVERY-STATUS\" NIL NIL NIL \"7BIT\" 0)",
      NULL },
    /* what no store should say */
    { { { 0, "X", "A", false }, { 0, "X", "B", false } }, "(\"X\" \"A\" NIL NIL NIL \"7BIT\" 0)", NULL },
    { { { 0, "MULTIPART", "M", false }, { 7, "X", "A", false }, { 3, "X", "B", false } },
      "((\"X\" \"A\" NIL NIL NIL \"7BIT\" 1)(\"X\" \"B\" NIL NIL NIL \"7BIT\" 2) \"M\")",
      NULL },
    { { { 0, "MESSAGE", "RFC822", true }, { 1, "X", "A", false }, { 1, "X", "B", false } },
      "(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 0 " NILS " (\"X\" \"A\" NIL NIL NIL \"7BIT\" 1) 0)",
      NULL },
    { { { 0, NULL, NULL, false } }, "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 0 0)", NULL },
};

START_TEST(tree)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    write_rows(&out, trees[_i].rows, 0);
    ck_text(&out, trees[_i].plain);
    write_rows(&out, trees[_i].rows, IMAP_BODY_EXTENDED);
    if (trees[_i].extended)
        ck_text(&out, trees[_i].extended);
}
END_TEST

START_TEST(fields_of_a_part)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    Wd__V1__BodyPart part = WD__V1__BODY_PART__INIT, *parts[] = { &part };
    Wd__V1__BodyParameter name = WD__V1__BODY_PARAMETER__INIT, *names[] = { &name };
    ProtobufCBinaryData languages[] = { pb("en"), pb("de") };

    part.type = pb("APPLICATION");
    part.subtype = pb("PDF");
    name.name = pb("NAME");
    name.value = pb("x y.pdf");
    part.n_parameters = part.n_disposition_parameters = 1;
    part.parameters = part.disposition_parameters = names;
    part.has_id = part.has_description = part.has_encoding = part.has_disposition = part.has_md5 = part.has_location =
        true;
    part.id = pb("<1@x>");
    part.description = pb("d");
    part.encoding = pb("BASE64");
    part.disposition = pb("ATTACHMENT");
    part.md5 = pb("m");
    part.location = pb("l");
    part.n_languages = 2;
    part.languages = languages;
    part.size = 7;
    imap_write_body(&out, a, parts, 1, IMAP_BODY_EXTENDED);
    ck_text(&out, "(\"APPLICATION\" \"PDF\" (\"NAME\" \"x y.pdf\") \"<1@x>\" \"d\" \"BASE64\" 7 \"m\" "
                  "(\"ATTACHMENT\" (\"NAME\" \"x y.pdf\")) (\"en\" \"de\") \"l\")");
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("body");

    tcase_add_test(t, empty_envelope);
    tcase_add_test(t, envelope_with_everything);
    tcase_add_loop_test(t, tree, 0, (int)WD_COUNT(trees));
    tcase_add_test(t, fields_of_a_part);
    return run_case("imap body", t);
}
