/* The Mailboxes, Messages and Events services through their generated functions, on a real store. */
#include "store-svc/domain/append.h"
#include "store-svc/rpc/call.h"
#include "tests/run.h"
#include "tests/unit/store-svc/domain/mail_fixture.h"
#include "wd/v1/events.pb-c.h"
#include "wd/v1/messages.pb-c.h"

extern Wd__V1__Mailboxes_Service wd_store_mailboxes;
extern Wd__V1__Messages_Service wd_store_messages;
extern Wd__V1__Events_Service wd_store_events;

static struct wd_call call;
static bool failed;
static void *answer; /* unpacked again, as a client has it */

/* The layer around the handlers sends the error; here it is looked at. */
void
wd_call_fail(struct wd_call *c)
{
    ck_assert_ptr_eq(c, &call);
    failed = true;
}

static void
drop_answer(void)
{
    if (answer)
        protobuf_c_message_free_unpacked(answer, NULL);
    answer = NULL;
}

/* Packs and unpacks: what is not packable would show here. */
static void
got(const ProtobufCMessage *reply, void *closure)
{
    size_t n = protobuf_c_message_get_packed_size(reply);
    uint8_t *bytes = malloc(n + 1);

    ck_assert_ptr_eq(closure, &call);
    ck_assert_ptr_null(answer);
    protobuf_c_message_pack(reply, bytes);
    answer = protobuf_c_message_unpack(reply->descriptor, NULL, n, bytes);
    ck_assert_ptr_nonnull(answer);
    free(bytes);
}

static void *
ask(ProtobufCService *service, const char *method, const void *request)
{
    const ProtobufCMethodDescriptor *m =
        protobuf_c_service_descriptor_get_method_by_name(service->descriptor, method);

    ck_assert_ptr_nonnull(m);
    drop_answer();
    failed = false;
    service->invoke(service, (unsigned)(m - service->descriptor->methods), request, got, &call);
    ck_assert(failed != (answer != NULL));
    return answer;
}

#define mailboxes(method, request) ask(&wd_store_mailboxes.base, method, request)
#define messages(method, request)  ask(&wd_store_messages.base, method, request)
#define bytes(text)                wd_pb_str(WD_STR(text))

static char mailbox_hex[WD_ID_HEX + 1];

static void
setup(void)
{
    mail_setup();
    call = (struct wd_call){ .arena = arena, .app = &domain, .user = user, .role = WD_ROLE_IMAP };
    wd_id_hex(inbox, mailbox_hex);
}

static void
teardown(void)
{
    drop_answer();
    mail_teardown();
}

static Wd__V1__UidRanges *
ranges(const char *text)
{
    return wd_call_ranges(&call, mail_set(text));
}

static const char *
text_of(const Wd__V1__UidRanges *r)
{
    struct wd_seqset set = { 0 };
    const char *text;

    ck_assert(wd_call_uids(&call, r, &set));
    text = mail_text(&set);
    wd_seqset_done(&set);
    return text;
}

START_TEST(mailboxes_come_and_go)
{
    Wd__V1__CreateMailboxRequest create = WD__V1__CREATE_MAILBOX_REQUEST__INIT;
    Wd__V1__RenameMailboxRequest rename = WD__V1__RENAME_MAILBOX_REQUEST__INIT;
    Wd__V1__DeleteMailboxRequest delete = WD__V1__DELETE_MAILBOX_REQUEST__INIT;
    Wd__V1__SubscribeMailboxRequest subscribe = WD__V1__SUBSCRIBE_MAILBOX_REQUEST__INIT;
    Wd__V1__ListMailboxesRequest list = WD__V1__LIST_MAILBOXES_REQUEST__INIT;
    Wd__V1__ListMailboxesReply *listed;

    create.path = bytes("a/b");
    ck_assert(mailboxes("Create", &create));
    ck_assert(!mailboxes("Create", &create));
    ck_assert_int_eq(call.err.reason, WD_MAILBOX_EXISTS);
    rename.path = bytes("a/b");
    rename.new_path = bytes("c");
    ck_assert_uint_eq(((Wd__V1__RenameMailboxReply *)mailboxes("Rename", &rename))->n_renamed, 1);
    subscribe.path = bytes("c");
    ck_assert(mailboxes("Subscribe", &subscribe));
    list.has_counters = list.counters = true;
    listed = mailboxes("List", &list);
    ck_assert_uint_eq(listed->n_mailboxes, 6);
    ck_assert(wd_str_eq(wd_str_pb(listed->mailboxes[1]->path), WD_STR("c")));
    ck_assert(!listed->mailboxes[1]->subscribed);
    ck_assert(listed->mailboxes[1]->has_messages);
    ck_assert_str_eq(listed->mailboxes[4]->special_use, "\\Sent");
    delete.path = bytes("c");
    ck_assert(mailboxes("Delete", &delete));
    list.has_subscribed_only = list.subscribed_only = true;
    ck_assert_uint_eq(((Wd__V1__ListMailboxesReply *)mailboxes("List", &list))->n_mailboxes, 5);
}
END_TEST

START_TEST(a_session_opens_and_follows)
{
    Wd__V1__OpenMailboxRequest open = WD__V1__OPEN_MAILBOX_REQUEST__INIT;
    Wd__V1__StatusMailboxRequest status = WD__V1__STATUS_MAILBOX_REQUEST__INIT;
    Wd__V1__MailboxChangesRequest changes = WD__V1__MAILBOX_CHANGES_REQUEST__INIT;
    Wd__V1__StoreRequest store = WD__V1__STORE_REQUEST__INIT;
    Wd__V1__OpenMailboxReply *opened;
    Wd__V1__MailboxChangesReply *changed;
    Wd__V1__MailboxStatus *counts;
    Wd__V1__StoreReply *stored;

    mail_add_many(inbox, 3, &(struct mail){ .flags = "\\Seen work" });
    mail_add_many(inbox, 2, &(struct mail){ 0 });
    open.path = bytes("inbox");
    opened = mailboxes("Open", &open);
    ck_assert_str_eq(text_of(opened->uids), "1:5");
    ck_assert_uint_eq(opened->modseq, 5);
    ck_assert_uint_eq(opened->messages, 5);
    ck_assert_uint_eq(opened->first_unseen_uid, 4);
    store.mailbox = mailbox_hex;
    store.uids = ranges("3:4,9");
    store.mode = WD__V1__STORE_REQUEST__MODE__ADD;
    store.has_system_flags = true;
    store.system_flags = WD_FLAG_SEEN | WD_FLAG_DELETED;
    store.session_id = mailbox_hex;
    stored = messages("Store", &store);
    ck_assert_uint_eq(stored->modseq, 6);
    ck_assert_uint_eq(stored->n_changed, 2);
    ck_assert_uint_eq(stored->changed[0]->n_keywords, 1);
    ck_assert_str_eq(text_of(stored->missing), "9");
    changes.mailbox = mailbox_hex;
    changes.after_modseq = 5;
    changed = mailboxes("Changes", &changes);
    ck_assert_uint_eq(changed->n_changes, 2);
    ck_assert_int_eq(changed->changes[0]->kind, WD__V1__MAILBOX_CHANGE__KIND__FLAGS);
    ck_assert_uint_eq(changed->changes[0]->system_flags, WD_FLAG_SEEN | WD_FLAG_DELETED);
    changes.session_id = mailbox_hex;
    changed = mailboxes("Changes", &changes);
    ck_assert_uint_eq(changed->n_changes, 0);
    ck_assert_uint_eq(changed->modseq, 6);
    status.path = bytes("INBOX");
    counts = mailboxes("Status", &status);
    ck_assert_uint_eq(counts->messages, 5);
    ck_assert_uint_eq(counts->unseen, 1);
    ck_assert_uint_eq(counts->highest_modseq, 6);
}
END_TEST

START_TEST(messages_are_fetched_searched_and_moved)
{
    Wd__V1__FetchRequest fetch = WD__V1__FETCH_REQUEST__INIT;
    Wd__V1__ReadBodyRequest read = WD__V1__READ_BODY_REQUEST__INIT;
    Wd__V1__SearchRequest search = WD__V1__SEARCH_REQUEST__INIT;
    Wd__V1__SearchNode node = WD__V1__SEARCH_NODE__INIT, *program[] = { &node };
    Wd__V1__CopyRequest copy = WD__V1__COPY_REQUEST__INIT;
    Wd__V1__ExpungeRequest expunge = WD__V1__EXPUNGE_REQUEST__INIT;
    Wd__V1__Section section = WD__V1__SECTION__INIT, *sections[] = { &section };
    struct wd_append in = { .user = user, .path = WD_STR("INBOX"), .once = no_once };
    struct wd_appended made;
    Wd__V1__FetchReply *fetched;
    Wd__V1__CopyReply *copied;

    in.raw = WD_STR("Subject: hi\r\nFrom: a@b.example\r\n\r\nbody\r\n");
    ck_assert(wd_message_append(&domain, arena, &in, &made, &err));
    fetch.mailbox = read.mailbox = search.mailbox = copy.mailbox = expunge.mailbox = mailbox_hex;
    fetch.uids = copy.uids = ranges("1:5");
    fetch.has_flags = fetch.flags = fetch.has_size = fetch.size = fetch.has_envelope = fetch.envelope = true;
    fetch.has_body_structure = fetch.body_structure = fetch.has_ids = fetch.ids = true;
    fetch.sections = sections;
    fetch.n_sections = 1;
    fetched = messages("Fetch", &fetch);
    ck_assert_uint_eq(fetched->n_messages, 1);
    ck_assert(wd_str_eq(wd_str_pb(fetched->messages[0]->sections[0]->data), in.raw));
    ck_assert(wd_str_eq(wd_str_pb(fetched->messages[0]->envelope->subject), WD_STR("hi")));
    ck_assert_uint_eq(fetched->messages[0]->n_parts, 1);
    ck_assert_uint_eq(fetched->messages[0]->size, in.raw.n);
    read.uid = 1;
    read.section = &section;
    section.part = WD__V1__SECTION__PART__TEXT;
    ck_assert(wd_str_eq(wd_str_pb(((Wd__V1__ReadBodyReply *)messages("ReadBody", &read))->data), WD_STR("body\r\n")));
    node.key = WD__V1__SEARCH_NODE__KEY__HEADER;
    node.has_name = node.has_text = true;
    node.name = bytes("Subject");
    node.text = bytes("HI");
    search.program = program;
    search.n_program = 1;
    ck_assert_str_eq(text_of(((Wd__V1__SearchReply *)messages("Search", &search))->uids), "1");
    copy.target_path = bytes("Trash");
    copied = messages("Copy", &copy);
    ck_assert_str_eq(text_of(copied->target_uids), "1");
    copied = messages("Move", &copy);
    ck_assert_str_eq(text_of(copied->target_uids), "2");
    ck_assert(copied->has_modseq);
    ck_assert_str_eq(text_of(((Wd__V1__ExpungeReply *)messages("Expunge", &expunge))->expunged), "");
    copy.target_path = bytes("nowhere");
    ck_assert(!messages("Copy", &copy));
    ck_assert_int_eq(call.err.reason, WD_MAILBOX_NOT_FOUND);
}
END_TEST

START_TEST(nobody_reaches_into_another_account)
{
    Wd__V1__FetchRequest fetch = WD__V1__FETCH_REQUEST__INIT;
    Wd__V1__ListMailboxesRequest list = WD__V1__LIST_MAILBOXES_REQUEST__INIT;
    char hex[WD_ID_HEX + 1];

    fetch.mailbox = mailbox_hex;
    fetch.uids = ranges("1");
    call.user = wd_id_new();
    ck_assert(!messages("Fetch", &fetch));
    ck_assert_int_eq(call.err.reason, WD_MAILBOX_NOT_FOUND);
    list.user = fetch.user = wd_id_hex(user, hex);
    ck_assert(!messages("Fetch", &fetch));
    ck_assert_int_eq(call.err.reason, WD_FORBIDDEN);
    ck_assert(!mailboxes("List", &list));
    call.user = (struct wd_id){ { 0 } };
    ck_assert(!mailboxes("List", &list));
    call.role = WD_ROLE_HTTP;
    ck_assert(mailboxes("List", &list));
}
END_TEST

START_TEST(services_poll_and_follow_all)
{
    Wd__V1__PollMailboxesRequest poll = WD__V1__POLL_MAILBOXES_REQUEST__INIT;
    Wd__V1__PollMailboxesRequest__Watch watch = WD__V1__POLL_MAILBOXES_REQUEST__WATCH__INIT, *watches[] = { &watch };
    Wd__V1__ChangesRequest changes = WD__V1__CHANGES_REQUEST__INIT;
    Wd__V1__ChangesReply *feed;
    char hex[WD_ID_HEX + 1], cursor[WD_ID_HEX + 1];

    call.user = (struct wd_id){ { 0 } };
    call.role = WD_ROLE_ADMIN;
    feed = ask(&wd_store_events.base, "Changes", &changes);
    ck_assert_uint_eq(feed->n_entries, 0);
    ck_assert_uint_eq(feed->next_cursor.len, WD_ID_HEX);
    memcpy(cursor, feed->next_cursor.data, WD_ID_HEX);
    mail_add_many(inbox, 2, &(struct mail){ 0 });
    changes.has_cursor = true;
    changes.cursor = wd_pb_str(wd_str_n(cursor, WD_ID_HEX));
    feed = ask(&wd_store_events.base, "Changes", &changes);
    ck_assert_uint_eq(feed->n_entries, 2);
    ck_assert_str_eq(feed->entries[1]->command, "EXISTS");
    watch.mailbox = mailbox_hex;
    watch.user = wd_id_hex(user, hex);
    watch.modseq = 1;
    poll.watches = watches;
    poll.n_watches = 1;
    ck_assert_uint_eq(((Wd__V1__PollMailboxesReply *)mailboxes("Poll", &poll))->n_moved, 1);
    call.role = WD_ROLE_LMTP;
    ck_assert(!ask(&wd_store_events.base, "Changes", &changes));
    ck_assert_int_eq(call.err.reason, WD_FORBIDDEN);
}
END_TEST

START_TEST(bad_requests_are_refused)
{
    Wd__V1__FetchRequest fetch = WD__V1__FETCH_REQUEST__INIT;
    Wd__V1__UidRanges uids = WD__V1__UID_RANGES__INIT;
    uint32_t odd[] = { 1 };

    fetch.mailbox = mailbox_hex;
    uids.deltas = odd;
    uids.n_deltas = 1;
    fetch.uids = &uids;
    ck_assert(!messages("Fetch", &fetch));
    ck_assert_int_eq(call.err.reason, WD_INVALID);
    fetch.uids = ranges("1");
    fetch.has_cursor = true;
    fetch.cursor = bytes("x");
    ck_assert(!messages("Fetch", &fetch));
    fetch.has_cursor = false;
    mailbox_hex[0] = 'x';
    ck_assert(!messages("Fetch", &fetch));
    ck_assert_int_eq(call.err.reason, WD_INVALID);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("mail");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, mailboxes_come_and_go);
    tcase_add_test(t, a_session_opens_and_follows);
    tcase_add_test(t, messages_are_fetched_searched_and_moved);
    tcase_add_test(t, nobody_reaches_into_another_account);
    tcase_add_test(t, services_poll_and_follow_all);
    tcase_add_test(t, bad_requests_are_refused);
    return run_case("mail", t);
}
