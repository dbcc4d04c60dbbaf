#include "store-svc/domain/mailbox_edit.h"
#include "store-svc/domain/mailbox_list.h"
#include "store-svc/domain/path.h"
#include "store-svc/domain/view.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"

static bool
create(const char *path, struct wd_mailbox *out)
{
    struct wd_mailbox_new in = { .user = user, .path = wd_str_c(path), .retention_ms = -1 };

    return wd_mailbox_create(&domain, arena, &in, &no_once, out, &err);
}

static bool
rename_to(const char *from, const char *to, bool children)
{
    struct wd_mailbox *rows;
    size_t n;

    return wd_mailbox_rename(&domain, arena, user, wd_str_c(from), wd_str_c(to), children, &no_once, &rows, &n, &err);
}

static bool
delete_box(const char *path)
{
    struct wd_id gone;

    return wd_mailbox_delete(&domain, arena, user, wd_str_c(path), &no_once, &gone, &err);
}

static const char *
listing(void)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_mailbox_listing what = { .limit = 100 };
    struct wd_mailbox *rows;
    size_t n;
    bool more;

    ck_assert(wd_mailbox_list(domain.docs, arena, user, &what, &rows, &n, &more, &err));
    for (size_t i = 0; i < n; i++)
        wd_buf_printf(&text, "%s%.*s", i ? "|" : "", WD_FMT(rows[i].path));
    return wd_arena_str(arena, wd_buf_view(&text)).p;
}

#define ck_fails(call, why)                                                                                            \
    do {                                                                                                               \
        ck_assert(!(call));                                                                                            \
        ck_assert_int_eq(err.reason, why);                                                                             \
    } while (0)

/* ---- paths ---- */

static const struct {
    const char *given, *normal;
    bool good;
} paths[] = {
    { "inbox", "INBOX", true },        { "InBoX/a", "INBOX/a", true },  { "/a/b/", "a/b", true },
    { "Inboxes", "Inboxes", true },    { "a//b", "a//b", false },       { "", "", false },
    { "/", "", false },                { "a\nb", "a\nb", false },       { "\xff", "\xff", false },
    { "x/inbox", "x/inbox", true },    { "//a", "/a", false },          { "Größe/ü", "Größe/ü", true },
};

START_TEST(paths_have_one_form)
{
    struct wd_str normal = wd_path_normal(arena, wd_str_c(paths[_i].given));

    ck_assert(wd_str_eq(normal, wd_str_c(paths[_i].normal)));
    ck_assert_int_eq(wd_path_check(normal, &err), paths[_i].good);
}
END_TEST

START_TEST(paths_are_limited)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    for (int i = 0; i < WD_PATH_ELEMENT; i++)
        wd_buf_c(&text, "é");
    ck_assert(wd_path_check(wd_buf_view(&text), &err));
    wd_buf_c(&text, "é");
    ck_fails(wd_path_check(wd_buf_view(&text), &err), WD_MAILBOX_REFUSED);
    text.n = 0;
    wd_buf_c(&text, "x");
    for (int i = 1; i < WD_PATH_DEPTH; i++)
        wd_buf_c(&text, "/x");
    ck_assert(wd_path_check(wd_buf_view(&text), &err));
    wd_buf_c(&text, "/x");
    ck_fails(wd_path_check(wd_buf_view(&text), &err), WD_MAILBOX_REFUSED);
}
END_TEST

/* ---- defaults, listing ---- */

START_TEST(new_users_have_five_mailboxes)
{
    struct wd_mailbox junk;
    bool found;

    ck_assert_str_eq(listing(), "INBOX|Drafts|Junk|Sent Mail|Trash");
    ck_assert(wd_mailbox_by_special_use(domain.docs, arena, user, WD_STR("\\Junk"), &junk, &found, &err));
    ck_assert(found && wd_str_eq(junk.path, WD_STR("Junk")));
    ck_assert_int_eq(junk.retention_ms, WD_RETENTION_MAX_MS);
    ck_assert_int_eq(mail_box("INBOX").retention_ms, 0);
    ck_assert(mail_box("inbox").subscribed);
    ck_assert_uint_eq(mail_box("INBOX").uid_next, 1);
}
END_TEST

START_TEST(names_follow_the_language)
{
    struct wd_id other = wd_id_new();
    struct wd_mailbox sent;
    bool found;

    ck_assert(wd_mailbox_create_defaults(domain.docs, other, WD_STR("de_AT"), 1000, &err));
    ck_assert(wd_mailbox_by_special_use(domain.docs, arena, other, WD_STR("\\Sent"), &sent, &found, &err));
    ck_assert(found && wd_str_eq(sent.path, WD_STR("Gesendet")));
    ck_assert_int_eq(sent.retention_ms, 1000);
}
END_TEST

START_TEST(another_users_mailbox_is_not_found)
{
    struct wd_mailbox box;
    struct wd_id stranger = wd_id_new();
    bool found;

    ck_assert(wd_mailbox_by_id(domain.docs, arena, stranger, inbox, &box, &found, &err));
    ck_assert(!found);
}
END_TEST

START_TEST(list_is_paged)
{
    struct wd_mailbox_listing what = { .limit = 2 };
    struct wd_mailbox *rows;
    size_t n, total = 0;
    bool more = true;

    while (more) {
        ck_assert(wd_mailbox_list(domain.docs, arena, user, &what, &rows, &n, &more, &err));
        total += n;
        what.after = rows[n - 1].path;
    }
    ck_assert_uint_eq(total, 5);
    ck_assert(wd_str_eq(what.after, WD_STR("Trash")));
}
END_TEST

/* ---- create ---- */

START_TEST(create_makes_just_that_row)
{
    struct wd_mailbox box;

    ck_assert(create("/a/b/", &box));
    ck_assert(wd_str_eq(box.path, WD_STR("a/b")));
    ck_assert_str_eq(listing(), "INBOX|a/b|Drafts|Junk|Sent Mail|Trash");
    ck_fails(create("a/b", &box), WD_MAILBOX_EXISTS);
    ck_fails(create("iNbOx", &box), WD_MAILBOX_EXISTS);
    ck_fails(create("", &box), WD_MAILBOX_REFUSED);
    ck_fails(create("a//b", &box), WD_MAILBOX_REFUSED);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"command\": \"CREATE\"}"), 1);
}
END_TEST

START_TEST(create_stops_at_the_limit)
{
    struct wd_mailbox box;

    domain.options.max_mailboxes = 6;
    ck_assert(create("a", &box));
    ck_fails(create("b", &box), WD_MAILBOX_LIMIT);
}
END_TEST

START_TEST(create_repeats_its_outcome)
{
    struct wd_mailbox_new in = { .user = user, .path = WD_STR("a"), .retention_ms = 0 };
    struct wd_once once = { .user = user, .method = "Create", .key = WD_STR("k") };
    struct wd_mailbox first, second;

    ck_assert(wd_mailbox_create(&domain, arena, &in, &once, &first, &err));
    ck_assert(wd_mailbox_create(&domain, arena, &in, &once, &second, &err));
    ck_assert(wd_id_eq(first.id, second.id));
    ck_assert_uint_eq(first.uid_validity, second.uid_validity);
}
END_TEST

START_TEST(uid_validity_grows_for_a_name_that_comes_back)
{
    struct wd_mailbox box;
    uint32_t last = 0;

    for (int i = 0; i < 5; i++) {
        ck_assert(create("a", &box));
        ck_assert_uint_gt(box.uid_validity, last);
        last = box.uid_validity;
        if (i % 2)
            ck_assert(rename_to("a", i == 1 ? "x" : "y", false));
        else
            ck_assert(delete_box("a"));
    }
    ck_assert(delete_box("x"));
    ck_assert(rename_to("y", "x", false));
    ck_assert_uint_gt(mail_box("x").uid_validity, 0);
}
END_TEST

START_TEST(uid_validity_grows_for_a_name_that_is_renamed_to)
{
    struct wd_mailbox a, b;
    uint32_t old;

    ck_assert(create("a", &a));
    ck_assert(create("b", &b));
    old = b.uid_validity;
    ck_assert(delete_box("b"));
    ck_assert(rename_to("a", "b", false));
    ck_assert_uint_gt(mail_box("b").uid_validity, old);
}
END_TEST

/* ---- rename ---- */

START_TEST(rename_leaves_children_unless_told)
{
    struct wd_mailbox box;

    ck_assert(create("a", &box) && create("a/b", &box) && create("a/b/c", &box) && create("ab", &box));
    ck_assert(rename_to("a", "z", false));
    ck_assert_str_eq(listing(), "INBOX|a/b|a/b/c|ab|Drafts|Junk|Sent Mail|Trash|z");
    ck_assert(rename_to("z", "a", false));
    ck_assert(rename_to("a", "q/r", true));
    ck_assert_str_eq(listing(), "INBOX|ab|Drafts|Junk|q/r|q/r/b|q/r/b/c|Sent Mail|Trash");
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"command\": \"RENAME\"}"), 5);
}
END_TEST

START_TEST(rename_refuses)
{
    struct wd_mailbox box;

    ck_assert(create("a", &box) && create("a/x", &box) && create("b/x", &box));
    ck_fails(rename_to("INBOX", "c", false), WD_MAILBOX_REFUSED);
    ck_fails(rename_to("a", "inbox", false), WD_MAILBOX_EXISTS);
    ck_fails(rename_to("nothing", "c", false), WD_MAILBOX_NOT_FOUND);
    ck_fails(rename_to("a", "Trash", false), WD_MAILBOX_EXISTS);
    ck_fails(rename_to("a", "b", true), WD_MAILBOX_EXISTS);
    ck_fails(rename_to("a", "a/y", true), WD_MAILBOX_REFUSED);
    ck_fails(rename_to("a", "b//c", false), WD_MAILBOX_REFUSED);
    ck_assert(rename_to("Trash", "Bin", false));
    ck_assert(wd_str_eq(mail_box("Bin").special_use, WD_STR("\\Trash")));
}
END_TEST

START_TEST(rename_up_into_the_parents_name)
{
    struct wd_mailbox box;

    ck_assert(create("a/b", &box) && create("a/b/b", &box));
    ck_assert(rename_to("a/b", "a", true));
    ck_assert_str_eq(listing(), "INBOX|a|a/b|Drafts|Junk|Sent Mail|Trash");
}
END_TEST

/* ---- delete, subscribe ---- */

START_TEST(delete_expires_the_messages)
{
    struct wd_id box = mail_create("a");

    mail_create("a/b");
    mail_add_many(box, 3, &(struct mail){ 0 });
    ck_assert(delete_box("a"));
    ck_assert_str_eq(listing(), "INBOX|a/b|Drafts|Junk|Sent Mail|Trash");
    ck_assert_int_eq(mail_count(WD_MESSAGES, "{\"exp\": true, \"rdate\": {\"$gt\": 1}}"), 3);
    ck_assert_int_eq(mail_count(WD_JOURNAL, "{\"command\": \"DELETE\"}"), 1);
    ck_fails(delete_box("a"), WD_MAILBOX_NOT_FOUND);
    ck_fails(delete_box("inbox"), WD_MAILBOX_REFUSED);
    ck_fails(delete_box("Trash"), WD_MAILBOX_REFUSED);
}
END_TEST

START_TEST(hidden_mailboxes_stay)
{
    struct wd_mailbox_new in = { .user = user, .path = WD_STR("h"), .hidden = true };
    struct wd_mailbox box;
    struct wd_view view = { 0 };

    ck_assert(wd_mailbox_create(&domain, arena, &in, &no_once, &box, &err));
    ck_assert_str_eq(listing(), "INBOX|Drafts|Junk|Sent Mail|Trash");
    ck_fails(delete_box("h"), WD_MAILBOX_REFUSED);
    ck_fails(rename_to("h", "i", false), WD_MAILBOX_REFUSED);
    ck_fails(wd_view_open(&domain, arena, user, WD_STR("h"), &box, &view, &err), WD_MAILBOX_REFUSED);
}
END_TEST

START_TEST(subscribe_changes_the_row)
{
    ck_assert(wd_mailbox_subscribe(&domain, arena, user, WD_STR("Trash"), false, &err));
    ck_assert(!mail_box("Trash").subscribed);
    ck_assert(wd_mailbox_subscribe(&domain, arena, user, WD_STR("inbox"), true, &err));
    ck_fails(wd_mailbox_subscribe(&domain, arena, user, WD_STR("inbox"), false, &err), WD_MAILBOX_REFUSED);
    ck_fails(wd_mailbox_subscribe(&domain, arena, user, WD_STR("no"), true, &err), WD_MAILBOX_NOT_FOUND);
}
END_TEST

/* ---- numbers, failures ---- */

START_TEST(uids_and_modseqs_ascend)
{
    struct wd_change taken;

    ck_assert(mail_take(domain.docs, user, inbox, 3, &taken));
    ck_assert_uint_eq(taken.first_uid, 1);
    ck_assert_uint_eq(taken.first_modseq, 1);
    ck_assert_uint_eq(taken.last_modseq, 3);
    ck_assert(mail_take(domain.docs, user, inbox, 0, &taken));
    ck_assert_uint_eq(taken.first_modseq, 4);
    ck_assert(mail_take(domain.docs, user, inbox, 1, &taken));
    ck_assert_uint_eq(taken.first_uid, 4);
    ck_assert_uint_eq(taken.first_modseq, 5);
    ck_fails(mail_take(domain.docs, wd_id_new(), inbox, 1, &taken), WD_MAILBOX_NOT_FOUND);
}
END_TEST

/* Each call of an operation fails in its turn; nothing may be left of it. */
START_TEST(a_failed_change_leaves_nothing)
{
    struct wd_mailbox box;
    const char *before;
    int done = 0;

    if (!wd_docs_is_atomic(domain.docs))
        return; /* test_change.c has what holds there */
    ck_assert(create("a", &box) && create("a/b", &box));
    before = mail_dump();
    for (uint64_t i = 1; !done; i++) {
        wd_fault_fail(fault, NULL, i, WD_DATABASE);
        switch (_i) {
        case 0:
            done = create("new", &box);
            break;
        case 1:
            done = rename_to("a", "z", true);
            break;
        default:
            done = delete_box("a");
        }
        wd_fault_fail(fault, NULL, 0, WD_NO_ERROR);
        if (!done)
            ck_assert_str_eq(mail_dump(), before);
        ck_assert_uint_lt(i, 100);
    }
    ck_assert_str_ne(mail_dump(), before);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("mailbox");

    tcase_add_checked_fixture(t, mail_setup, mail_teardown);
    tcase_add_loop_test(t, paths_have_one_form, 0, WD_COUNT(paths));
    tcase_add_test(t, paths_are_limited);
    tcase_add_test(t, new_users_have_five_mailboxes);
    tcase_add_test(t, names_follow_the_language);
    tcase_add_test(t, another_users_mailbox_is_not_found);
    tcase_add_test(t, list_is_paged);
    tcase_add_test(t, create_makes_just_that_row);
    tcase_add_test(t, create_stops_at_the_limit);
    tcase_add_test(t, create_repeats_its_outcome);
    tcase_add_test(t, uid_validity_grows_for_a_name_that_comes_back);
    tcase_add_test(t, uid_validity_grows_for_a_name_that_is_renamed_to);
    tcase_add_test(t, rename_leaves_children_unless_told);
    tcase_add_test(t, rename_refuses);
    tcase_add_test(t, rename_up_into_the_parents_name);
    tcase_add_test(t, delete_expires_the_messages);
    tcase_add_test(t, hidden_mailboxes_stay);
    tcase_add_test(t, subscribe_changes_the_row);
    tcase_add_test(t, uids_and_modseqs_ascend);
    tcase_add_loop_test(t, a_failed_change_leaves_nothing, 0, 3);
    return run_case("mailbox", t);
}
