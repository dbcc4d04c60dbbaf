#include "frontends/imap/view.h"

#include <stdio.h>

#include "tests/loop.h"
#include "tests/unit/frontends/imap/harness.h"

static uint32_t seed = 1;

static uint32_t
below(uint32_t n)
{
    return next_below(&seed, n);
}

static struct imap_view *
view_of(uint32_t n)
{
    struct imap_view *v = imap_view_new();

    if (n)
        wd_seqset_add(&v->uids, 1, n);
    v->modseq = v->beacon = 10;
    return v;
}

#define ck_told(v, what, text)                                                                     \
    do {                                                                                           \
        struct wd_buf told_ wd_auto(wd_buf_done) = { 0 };                                          \
        imap_view_tell((v), (what), &told_);                                                       \
        wd_buf_chr(&told_, '\0');                                                                  \
        ck_assert_str_eq(told_.p, (text));                                                         \
    } while (0)

START_TEST(arrivals_are_one_line)
{
    struct imap_view *v = view_of(3);

    imap_view_arrived(v, 7);
    imap_view_arrived(v, 8);
    imap_view_arrived(v, 2); /* known, or a repeat of something that was expunged */
    ck_told(v, IMAP_TELL_EXPUNGE | IMAP_TELL_FLAGS, "");
    ck_told(v, IMAP_TELL_ALL, "* 5 EXISTS\r\n");
    ck_told(v, IMAP_TELL_ALL, "");
    ck_assert_uint_eq(imap_view_number(v, 8), 5);
    imap_view_free(v);
}
END_TEST

/* A sequence number is given only at the end of the list. */
START_TEST(a_uid_below_the_last_one_never_arrives)
{
    struct imap_view *v = view_of(9);

    wd_seqset_remove(&v->uids, 5, 5);
    imap_view_arrived(v, 5);
    ck_told(v, IMAP_TELL_ALL, "");
    imap_view_free(v);
}
END_TEST

START_TEST(expunges_are_renumbered)
{
    struct imap_view *v = view_of(9);

    imap_view_gone(v, 8);
    imap_view_gone(v, 2);
    imap_view_gone(v, 3);
    imap_view_gone(v, 99);
    imap_view_flags(v, 8, 11, 16, NULL, 0); /* of a message that is gone */
    imap_view_flags(v, 9, 11, 2, NULL, 0);
    imap_view_flags(v, 9, 12, 16, NULL, 0);
    ck_told(v, IMAP_TELL_ALL | IMAP_TELL_MODSEQ,
            "* 2 EXPUNGE\r\n* 2 EXPUNGE\r\n* 6 EXPUNGE\r\n* 6 FETCH (FLAGS (\\Seen) MODSEQ (12))\r\n* 6 EXISTS\r\n");
    imap_view_free(v);
}
END_TEST

START_TEST(what_came_and_went_is_not_told)
{
    struct imap_view *v = view_of(2);

    imap_view_arrived(v, 5);
    imap_view_flags(v, 5, 12, 16, NULL, 0);
    imap_view_gone(v, 5);
    ck_told(v, IMAP_TELL_ALL, "");
    imap_view_free(v);
}
END_TEST

START_TEST(expunge_is_held_back_during_search)
{
    struct imap_view *v = view_of(3);

    imap_view_gone(v, 1);
    imap_view_arrived(v, 4);
    imap_view_flags(v, 2, 12, 16, NULL, 0);
    ck_told(v, IMAP_TELL_EXISTS | IMAP_TELL_FLAGS, "* 2 FETCH (FLAGS (\\Seen))\r\n* 4 EXISTS\r\n");
    ck_told(v, IMAP_TELL_ALL, "* 1 EXPUNGE\r\n* 3 EXISTS\r\n");
    imap_view_free(v);
}
END_TEST

START_TEST(own_expunge_is_not_told_twice)
{
    struct imap_view *v = view_of(5);
    struct wd_seqset uids = { 0 };
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    imap_view_gone(v, 2); /* another session's, or our own as the journal has it already */
    wd_seqset_add(&uids, 2, 3);
    wd_seqset_add(&uids, 77, 77);
    imap_view_expunge(v, &uids, &out);
    wd_buf_chr(&out, '\0');
    ck_assert_str_eq(out.p, "* 2 EXPUNGE\r\n* 2 EXPUNGE\r\n");
    imap_view_gone(v, 3);
    ck_told(v, IMAP_TELL_ALL, "");
    wd_seqset_done(&uids);
    imap_view_free(v);
}
END_TEST

START_TEST(own_modseq_follows_only_without_a_gap)
{
    struct imap_view *v = view_of(1);

    imap_view_own(v, 11);
    ck_assert_uint_eq(v->modseq, 11);
    ck_assert(!imap_view_behind(v));
    imap_view_own(v, 13); /* somebody else's 12 was not read */
    ck_assert_uint_eq(v->modseq, 11);
    ck_assert(imap_view_behind(v));
    imap_view_free(v);
}
END_TEST

START_TEST(replaced_view_tells_the_difference)
{
    struct imap_view *v = view_of(5);
    struct wd_seqset now = { 0 };

    imap_view_arrived(v, 6);
    wd_seqset_add(&now, 1, 2);
    wd_seqset_add(&now, 4, 5);
    wd_seqset_add(&now, 9, 10);
    imap_view_replace(v, &now);
    ck_told(v, IMAP_TELL_ALL, "* 3 EXPUNGE\r\n* 6 EXISTS\r\n");
    wd_seqset_done(&now);
    imap_view_free(v);
}
END_TEST

/* The view has 10:14 and 20:21; a range may span the gap, which holds nothing that the view has. */
static const struct {
    const char *set;
    bool by_uid;
    const char *uids;
} sets[] = {
    { "1:*", false, "10:21" },       { "1:*", true, "1:21" },   { "*", false, "21" },     { "*", true, "21" },
    { "999:*", true, "21" },         { "999", true, "" },       { "8", false, "" },       { "6:9", false, "20:21" },
    { "999:*", false, "21" },        { "5:6", false, "14:20" }, { "2,1", false, "10:11" }, { "12:15", true, "12:15" },
    { "1,2:4,*", false, "10:13,21" },
};

START_TEST(set)
{
    struct imap_view *v = imap_view_new();
    struct wd_seqset uids = { 0 };
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    wd_seqset_add(&v->uids, 10, 14);
    wd_seqset_add(&v->uids, 20, 21);
    imap_view_resolve(v, wd_str_c(sets[_i].set), sets[_i].by_uid, &uids);
    wd_seqset_write(&out, &uids);
    wd_buf_chr(&out, '\0');
    ck_assert_str_eq(out.p, sets[_i].uids);
    wd_seqset_done(&uids);
    imap_view_free(v);
}
END_TEST

START_TEST(empty_view_has_no_messages)
{
    struct imap_view *v = imap_view_new();
    struct wd_seqset uids = { 0 };

    imap_view_resolve(v, WD_STR("1:*"), false, &uids);
    imap_view_resolve(v, WD_STR("1:*"), true, &uids);
    ck_assert_uint_eq(uids.n, 0);
    imap_view_free(v);
}
END_TEST

/* ---- against a model: a client that believes what it is told ---- */

enum { MODEL_MAX = 4000, STEPS = 4000 };

struct model {
    bool there[MODEL_MAX]; /* in the mailbox, by UID */
    uint32_t next_uid;
    uint32_t client[MODEL_MAX], client_n; /* the UIDs that the client has in its list; 0: told of, not known */
};

/* The client reads lines and changes its list as RFC 3501 says. */
static void
client_reads(struct model *m, const char *text, const struct imap_view *v)
{
    unsigned number;
    char word[16];

    while (sscanf(text, "* %u %15s", &number, word) == 2) {
        if (strcmp(word, "EXPUNGE") == 0) {
            must(number >= 1 && number <= m->client_n);
            memmove(m->client + number - 1, m->client + number, (m->client_n - number) * sizeof *m->client);
            m->client_n--;
        } else if (strcmp(word, "EXISTS") == 0) {
            must(number >= m->client_n);
            while (m->client_n < number) {
                m->client[m->client_n] = wd_seqset_next(&v->uids, m->client_n ? m->client[m->client_n - 1] + 1 : 1);
                m->client_n++;
            }
        } else {
            must(strcmp(word, "FETCH") == 0 && number >= 1 && number <= m->client_n);
        }
        text = strstr(text, "\r\n") + 2;
    }
    must(*text == '\0');
}

static void
mailbox_changes(struct model *m, struct imap_view *v)
{
    uint32_t uid = 1 + below(m->next_uid);

    if (below(3) == 0 && m->next_uid < MODEL_MAX - 1) {
        uid = m->next_uid++;
        m->there[uid] = true;
        imap_view_arrived(v, uid);
    } else if (below(2) == 0 && m->there[uid]) {
        m->there[uid] = false;
        imap_view_gone(v, uid);
    } else if (m->there[uid]) {
        imap_view_flags(v, uid, 1, below(32), NULL, 0);
    }
}

static void
own_expunge(struct model *m, struct imap_view *v, struct wd_buf *out)
{
    struct wd_seqset uids = { 0 };

    for (uint32_t i = below(20); i-- > 0;) {
        uint32_t uid = 1 + below(m->next_uid);
        if (m->there[uid])
            wd_seqset_add(&uids, uid, uid);
        m->there[uid] = false;
    }
    imap_view_expunge(v, &uids, out);
    wd_seqset_done(&uids);
}

static void
resync(const struct model *m, struct imap_view *v)
{
    struct wd_seqset now = { 0 };

    for (uint32_t uid = 1; uid < m->next_uid; uid++)
        if (m->there[uid])
            wd_seqset_add(&now, uid, uid);
    imap_view_replace(v, &now);
    wd_seqset_done(&now);
}

START_TEST(a_client_that_believes_what_it_is_told_is_right)
{
    static struct model m;
    struct imap_view *v = imap_view_new();

    m.next_uid = 1;
    for (size_t step = 0; step < STEPS; step++) {
        struct wd_buf out wd_auto(wd_buf_done) = { 0 };
        uint32_t dice = below(20);
        if (dice < 14)
            mailbox_changes(&m, v);
        else if (dice < 17)
            imap_view_tell(v, below(8), &out);
        else if (dice < 18)
            own_expunge(&m, v, &out);
        else if (dice < 19)
            resync(&m, v);
        else
            imap_view_tell(v, IMAP_TELL_ALL, &out);
        wd_buf_chr(&out, '\0');
        client_reads(&m, out.p, v);
        must(m.client_n == wd_seqset_count(&v->uids));
        for (uint32_t i = 0; i < m.client_n; i++)
            must(wd_seqset_at(&v->uids, i + 1) == m.client[i]);
        if (dice == 19)
            for (uint32_t uid = 1; uid < m.next_uid; uid++)
                must(wd_seqset_has(&v->uids, uid) == m.there[uid]);
    }
    imap_view_free(v);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("view");

    tcase_add_test(t, arrivals_are_one_line);
    tcase_add_test(t, a_uid_below_the_last_one_never_arrives);
    tcase_add_test(t, expunges_are_renumbered);
    tcase_add_test(t, what_came_and_went_is_not_told);
    tcase_add_test(t, expunge_is_held_back_during_search);
    tcase_add_test(t, own_expunge_is_not_told_twice);
    tcase_add_test(t, own_modseq_follows_only_without_a_gap);
    tcase_add_test(t, replaced_view_tells_the_difference);
    tcase_add_loop_test(t, set, 0, (int)WD_COUNT(sets));
    tcase_add_test(t, empty_view_has_no_messages);
    tcase_add_test(t, a_client_that_believes_what_it_is_told_is_right);
    tcase_set_timeout(t, 60);
    return run_case("imap view", t);
}
