#include "frontends/pop3/maildrop.h"

#include <stdio.h>

#include "common/base/lifetime.h"
#include "tests/run.h"

static char mailbox[] = "0123456789abcdef01234567";
static uint32_t uids[] = { 3, 4, 9 };
static uint64_t sizes[] = { 10, 200, 3000 };
static uint8_t ids[36];
static struct pop3_maildrop drop;
static struct wd_error err;

static Wd__V1__OpenMaildropReply
reply(void)
{
    Wd__V1__OpenMaildropReply r = WD__V1__OPEN_MAILDROP_REPLY__INIT;

    for (size_t i = 0; i < sizeof ids; i++)
        ids[i] = (uint8_t)i;
    r.mailbox = mailbox;
    r.uids = uids;
    r.sizes = sizes;
    r.n_uids = r.n_sizes = 3;
    r.ids = (ProtobufCBinaryData){ sizeof ids, ids };
    return r;
}

static void
setup(void)
{
    Wd__V1__OpenMaildropReply r = reply();

    ck_assert(pop3_maildrop_load(&drop, &r, &err));
}

static void
teardown(void)
{
    pop3_maildrop_done(&drop);
}

static const char *
changes(void)
{
    static char text[100];
    struct wd_seqset seen wd_auto(wd_seqset_done) = { 0 };
    struct wd_seqset removed wd_auto(wd_seqset_done) = { 0 };
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    pop3_maildrop_changes(&drop, &seen, &removed);
    wd_seqset_write(&out, &seen);
    wd_buf_c(&out, "|");
    wd_seqset_write(&out, &removed);
    snprintf(text, sizeof text, "%.*s", WD_FMT(wd_buf_view(&out)));
    return text;
}

START_TEST(a_listing_is_taken)
{
    char hex[WD_ID_HEX + 1];

    ck_assert_str_eq(drop.mailbox, mailbox);
    ck_assert_uint_eq(drop.left, 3);
    ck_assert_uint_eq(drop.octets, 3210);
    ck_assert_uint_eq(pop3_maildrop_at(&drop, 2)->uid, 4);
    ck_assert_str_eq(wd_id_hex(pop3_maildrop_at(&drop, 3)->id, hex), "18191a1b1c1d1e1f20212223");
    ck_assert_ptr_null(pop3_maildrop_at(&drop, 0));
    ck_assert_ptr_null(pop3_maildrop_at(&drop, 4));
    ck_assert_ptr_null(pop3_maildrop_at(&drop, UINT32_MAX));
}
END_TEST

START_TEST(a_listing_that_makes_no_sense_is_refused)
{
    struct pop3_maildrop other = { 0 };
    Wd__V1__OpenMaildropReply r = reply();

    r.n_sizes = 2;
    ck_assert(!pop3_maildrop_load(&other, &r, &err));
    ck_assert_int_eq(err.reason, WD_INTERNAL);
    r = reply();
    r.ids.len--;
    ck_assert(!pop3_maildrop_load(&other, &r, &err));
    r = reply();
    r.mailbox = (char *)ids;
    ck_assert(!pop3_maildrop_load(&other, &r, &err));
}
END_TEST

START_TEST(marks_are_told_at_the_end)
{
    ck_assert_str_eq(changes(), "|");
    pop3_maildrop_at(&drop, 1)->retrieved = true;
    pop3_maildrop_at(&drop, 2)->retrieved = true;
    pop3_maildrop_delete(&drop, pop3_maildrop_at(&drop, 2));
    pop3_maildrop_delete(&drop, pop3_maildrop_at(&drop, 3));
    ck_assert_uint_eq(drop.left, 1);
    ck_assert_uint_eq(drop.octets, 10);
    ck_assert_str_eq(changes(), "3|4,9");
}
END_TEST

START_TEST(reset_forgets_deletions_only)
{
    pop3_maildrop_at(&drop, 2)->retrieved = true;
    pop3_maildrop_delete(&drop, pop3_maildrop_at(&drop, 2));
    pop3_maildrop_delete(&drop, pop3_maildrop_at(&drop, 3));
    pop3_maildrop_reset(&drop);
    ck_assert_uint_eq(drop.left, 3);
    ck_assert_uint_eq(drop.octets, 3210);
    ck_assert_str_eq(changes(), "4|");
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("maildrop");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, a_listing_is_taken);
    tcase_add_test(t, a_listing_that_makes_no_sense_is_refused);
    tcase_add_test(t, marks_are_told_at_the_end);
    tcase_add_test(t, reset_forgets_deletions_only);
    return run_case("maildrop", t);
}
