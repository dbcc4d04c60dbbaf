#include "tests/unit/store-svc/domain/delivery_fixture.h"

#include "common/base/b64.h"
#include "store-svc/domain/body.h"
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/spam.h"

/* The driver's operations, with an `add` that can be made to fail. */
static struct wd_blobs_ops ops;
static const struct wd_blobs_ops *real;
static int to_lose;

static bool
add_or_lose(struct wd_blobs *b, struct wd_docs *batch, const struct wd_blob_ref *ref, const struct wd_blob_info *info,
    struct wd_error *why)
{
    if (to_lose > 0) {
        to_lose--;
        return wd_fail(why, WD_CONFLICT, "collected");
    }
    return real->add(b, batch, ref, info, why);
}

void
lose_bodies(int times)
{
    real = domain.blobs->ops;
    ops = *real;
    ops.add = add_or_lose;
    to_lose = times;
    domain.blobs->ops = &ops;
}

void
delivery_setup(void)
{
    users_setup();
    domain.spam_rules = wd_spam_rules_new(NULL, &err);
}

void
delivery_teardown(void)
{
    wd_spam_rules_free(domain.spam_rules);
    users_teardown();
}

struct wd_delivered *
deliver_bytes(const char *recipients, struct wd_str message, const char *key)
{
    struct wd_str rest = wd_str_c(recipients), one;
    struct wd_str *list = WD_ARENA_ARRAY(arena, struct wd_str, 100);
    struct wd_delivered *out = WD_ARENA_ARRAY(arena, struct wd_delivered, 100);
    struct wd_deliver in = { .raw = message, .sender = WD_STR("s@x"), .recipients = list,
                             .transport = WD_STR("LMTP"), .ip = WD_STR("192.0.2.1"), .helo = WD_STR("mx"),
                             .session = WD_STR("abc"), .key = wd_str_c(key) };

    while (wd_str_split(&rest, ' ', &one))
        list[in.n++] = one;
    if (!wd_deliver(&domain, arena, &in, out, &err))
        ck_abort_msg("%s", err.text);
    return out;
}

struct wd_delivered *
deliver(const char *recipients, const char *message, const char *key)
{
    return deliver_bytes(recipients, wd_str_c(message), key);
}

struct wd_appended
append(struct wd_id user, const char *path, const char *message)
{
    struct wd_append in = { .user = user, .path = wd_str_c(path), .raw = wd_str_c(message) };
    struct wd_appended out;

    if (!wd_message_append(&domain, arena, &in, &out, &err))
        ck_abort_msg("%s", err.text);
    return out;
}

bson_t *
document(const char *coll, const char *field, struct wd_id id)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    wd_doc_add_id(&filter, field, id);
    if (!wd_docs_find_one(domain.docs, coll, &filter, NULL, &doc, &found, &err))
        ck_abort_msg("%s", err.text);
    ck_assert(found);
    return bson_copy(&doc);
}

struct wd_buf
message_bytes(struct wd_id message)
{
    bson_t *doc = document(WD_MESSAGES, "_id", message);
    struct wd_arena *a = wd_arena_new(0);
    struct wd_buf out = { 0 };
    struct wd_body *body;

    ck_assert_msg(wd_body_open(a, doc, domain.blobs, &body, &err), "%s", err.text);
    ck_assert_msg(wd_body_read_all(body, 0, 100000000, &out, &err), "%s", err.text);
    ck_assert_uint_eq(wd_body_lost(body), 0);
    ck_assert_int_eq(wd_doc_int(doc, "size", -1), (int64_t)out.n);
    wd_arena_free(a);
    bson_destroy(doc);
    return out;
}

struct wd_id
mailbox_of(struct wd_id user, const char *path)
{
    struct wd_mailbox mailbox;

    if (!wd_mailbox_need_path(domain.docs, arena, user, wd_str_c(path), &mailbox, &err))
        ck_abort_msg("%s", err.text);
    return mailbox.id;
}

int64_t
user_number(struct wd_id user, const char *field)
{
    bson_t *doc = users_doc(user);
    int64_t value = wd_doc_int(doc, field, 0);

    bson_destroy(doc);
    return value;
}

void
change(const char *coll, const char *field, struct wd_id id, const char *json)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_error_t error;
    bson_t *set = bson_new_from_json((const uint8_t *)json, -1, &error);
    struct wd_docs_updated done;

    ck_assert_ptr_nonnull(set);
    wd_doc_add_id(&filter, field, id);
    bson_append_document(&update, "$set", -1, set);
    ck_assert(wd_docs_update(domain.docs, coll, &filter, &update, WD_UPDATE_MANY, &done, &err));
    ck_assert_int_gt(done.matched, 0);
    bson_destroy(set);
}

struct wd_buf
message_with_attachment(const char *subject, size_t bytes, int copies)
{
    struct wd_buf out = { 0 }, plain = { 0 }, encoded = { 0 };
    size_t i;

    for (i = 0; i < bytes; i++)
        wd_buf_chr(&plain, (char)(i * 7 + i / 251));
    wd_b64_encode(&encoded, plain.p, plain.n, WD_B64_PADDED);
    wd_buf_printf(&out, "Subject: %s\r\nMIME-Version: 1.0\r\n", subject);
    wd_buf_c(&out, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    while (copies-- > 0) {
        wd_buf_c(&out, "--b\r\nContent-Type: application/x-y\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        for (i = 0; i < encoded.n; i += 76) {
            wd_buf_str(&out, wd_str_part(wd_buf_view(&encoded), i, i + 76));
            wd_buf_c(&out, "\r\n");
        }
    }
    wd_buf_c(&out, "--b--\r\n");
    wd_buf_done(&plain);
    wd_buf_done(&encoded);
    return out;
}

int
run_tests(const char *name, void (*add)(TCase *t))
{
    Suite *s = suite_create(name);
    TCase *t = tcase_create(name);
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    add(t);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_set_fork_status(r, CK_NOFORK);
    srunner_run_all(r, CK_NORMAL);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
