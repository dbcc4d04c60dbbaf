#include "frontends/imap/fetch_items.h"

#include <stdio.h>

#include "tests/unit/frontends/imap/harness.h"

static const char *const kinds[] = { "FLAGS", "UID", "INTERNALDATE", "SIZE", "ENVELOPE", "BODYSTRUCTURE",
                                     "BODY",  "MODSEQ" };

/* What was understood, as text: "UID BODY[1.TEXT]<0>=4:path,fields,offset,length seen". */
static bool
describe(const char *items, struct wd_buf *out)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_str line = wd_arena_printf(a, "a FETCH 1 %s", items);
    struct imap_lex l = { 0 };
    struct imap_parse p = { .lex = &l, .at = 3, .arena = a };
    struct imap_fetch_items f;
    bool good = tokens_of(&l, line) && imap_fetch_items_parse(&p, &f) && imap_parse_at_end(&p);

    for (size_t i = 0; good && i < f.n; i++) {
        const struct imap_section *s;
        if (i)
            wd_buf_chr(out, ' ');
        if (f.items[i].kind != IMAP_FETCH_SECTION) {
            wd_buf_c(out, kinds[f.items[i].kind]);
            continue;
        }
        s = &f.sections[f.items[i].section];
        wd_buf_printf(out, "%.*s=%d:%zu,%zu", WD_FMT(s->label), s->part, s->path_n, s->fields_n);
        if (s->partial)
            wd_buf_printf(out, ",%llu", (unsigned long long)s->offset);
        if (s->counted)
            wd_buf_printf(out, "+%llu", (unsigned long long)s->length);
    }
    if (good && f.sets_seen)
        wd_buf_c(out, " seen");
    wd_buf_chr(out, '\0');
    imap_lex_reset(&l);
    return good;
}

static const struct {
    const char *items, *out; /* NULL: BAD */
} cases[] = {
    { "ALL", "FLAGS INTERNALDATE SIZE ENVELOPE" },
    { "fast", "FLAGS INTERNALDATE SIZE" },
    { "FULL", "FLAGS INTERNALDATE SIZE ENVELOPE BODY" },
    { "(ALL)", NULL },
    { "(UID FLAGS)", "UID FLAGS" },
    { "uid", "UID" },
    { "()", NULL },
    { "(UID", NULL },
    { "BODYSTRUCTURE", "BODYSTRUCTURE" },
    { "BODY", "BODY" },
    { "MODSEQ", "MODSEQ" },
    { "BODY.PEEK", NULL },
    { "BODY[]", "BODY[]=0:0,0 seen" },
    { "BODY.PEEK[]", "BODY[]=0:0,0" },
    { "body.peek[header]", "BODY[HEADER]=1:0,0" },
    { "BODY[TEXT]<0.10>", "BODY[TEXT]<0>=4:0,0,0+10 seen" },
    { "BODY[TEXT]<7>", "BODY[TEXT]<7>=4:0,0,7 seen" },
    { "BODY[TEXT]<7.0>", "BODY[TEXT]<7>=4:0,0,7+0 seen" },
    { "BODY[1.2.3]", "BODY[1.2.3]=0:3,0 seen" },
    { "BODY[1.MIME]", "BODY[1.MIME]=5:1,0 seen" },
    { "BODY[MIME]", NULL },
    { "BODY[1.]", NULL },
    { "BODY[0]", NULL },
    { "BODY[.1]", NULL },
    { "BODY[1.FOO]", NULL },
    { "BODY[HEADER.FIELDS]", NULL },
    { "BODY[HEADER.FIELDS ()]", NULL },
    { "BODY[HEADER (A)]", NULL },
    { "BODY.PEEK[HEADER.FIELDS (From \"To\" {2+}\r\nCc)]", "BODY[HEADER.FIELDS (From To Cc)]=2:0,3" },
    { "BODY.PEEK[1.HEADER.FIELDS.NOT (\"a b\")]", "BODY[1.HEADER.FIELDS.NOT (\"a b\")]=3:1,1" },
    { "BODY[TEXT]<x>", NULL },
    { "BODY[TEXT]<1.2.3>", NULL },
    { "BODY[TEXT]<-1.2>", NULL },
    { "BODY[TEXT]<99999999999>", NULL },
    { "RFC822", "RFC822=0:0,0 seen" },
    { "(RFC822.HEADER RFC822.TEXT RFC822.SIZE)", "RFC822.HEADER=1:0,0 RFC822.TEXT=4:0,0 SIZE seen" },
    { "BINARY[1]", NULL },
    { "PREVIEW", NULL },
    { "X-GM-MSGID", NULL },
};

START_TEST(items)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    const char *wanted = cases[_i].out;

    if (describe(cases[_i].items, &out) != (wanted != NULL))
        ck_abort_msg("%s is %s", cases[_i].items, wanted ? "refused" : "taken");
    if (wanted)
        ck_assert_str_eq(out.p, wanted);
}
END_TEST

START_TEST(limits)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 }, out wd_auto(wd_buf_done) = { 0 };

    wd_buf_c(&text, "BODY[1");
    for (size_t i = 1; i < IMAP_FETCH_PATH_MAX; i++)
        wd_buf_c(&text, ".1");
    wd_buf_c(&text, "]");
    wd_buf_chr(&text, '\0');
    ck_assert(describe(text.p, &out));
    text.n -= 2;
    wd_buf_c(&text, ".1]");
    wd_buf_chr(&text, '\0');
    ck_assert(!describe(text.p, &out));
    text.n = 0;
    wd_buf_chr(&text, '(');
    for (size_t i = 0; i <= IMAP_FETCH_SECTIONS_MAX; i++)
        wd_buf_c(&text, "BODY[] ");
    wd_buf_c(&text, ")");
    wd_buf_chr(&text, '\0');
    ck_assert(!describe(text.p, &out));
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("fetch items");

    tcase_add_loop_test(t, items, 0, (int)WD_COUNT(cases));
    tcase_add_test(t, limits);
    return run_case("imap fetch items", t);
}
