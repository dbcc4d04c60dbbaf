#include "common/rpc/envelope.h"

#include <check.h>
#include <stdlib.h>

#include "tests/run.h"
#include "wd/v1/admin.pb-c.h"
#include "wd/v1/auth.pb-c.h"
#include "wd/v1/delivery.pb-c.h"
#include "wd/v1/events.pb-c.h"
#include "wd/v1/mailboxes.pb-c.h"
#include "wd/v1/messages.pb-c.h"
#include "wd/v1/users.pb-c.h"

static struct wd_arena *arena;
static struct wd_error err;

static void
setup(void)
{
    arena = wd_arena_new(0);
}

static void
teardown(void)
{
    wd_arena_free(arena);
}

static Wd__V1__RequestEnvelope
envelope(void)
{
    Wd__V1__RequestEnvelope e = WD__V1__REQUEST_ENVELOPE__INIT;

    e.version = WD_RPC_VERSION;
    e.method = (char *)(uintptr_t)"wd.v1.Admin.Health";
    e.call_id = 42;
    return e;
}

START_TEST(packs_to_the_exact_size_and_back)
{
    Wd__V1__RequestEnvelope e = envelope(), *back;
    Wd__V1__QuotaReply m = WD__V1__QUOTA_REPLY__INIT;
    ProtobufCMessage *reply;
    struct wd_str message;
    nng_msg *msg;

    m.storage_used = 12345;
    ck_assert(wd_frame_pack(&e.base, &m.base, &msg, &err));
    ck_assert_uint_eq(nng_msg_len(msg), 4 + protobuf_c_message_get_packed_size(&e.base) +
                                            protobuf_c_message_get_packed_size(&m.base));
    ck_assert(wd_request_unpack(wd_frame_of(msg), arena, &back, &message, &err));
    ck_assert(wd_request_check(back, &err));
    ck_assert_uint_eq(back->call_id, 42);
    ck_assert_str_eq(back->method, "wd.v1.Admin.Health");
    ck_assert_uint_eq(back->timeout_ms, 30000);
    ck_assert(wd_unpack(&wd__v1__quota_reply__descriptor, message, arena, &reply, &err));
    ck_assert_uint_eq(((Wd__V1__QuotaReply *)reply)->storage_used, 12345);
    nng_msg_free(msg);
}
END_TEST

START_TEST(every_cut_of_a_frame_is_refused_or_valid)
{
    Wd__V1__RequestEnvelope e = envelope(), *back;
    struct wd_str message;
    nng_msg *msg;
    char *copy;

    ck_assert(wd_frame_pack(&e.base, NULL, &msg, &err));
    for (size_t n = 0; n < nng_msg_len(msg); n++) {
        copy = malloc(n ? n : 1); /* so that ASan sees a read behind it */
        memcpy(copy, nng_msg_body(msg), n);
        ck_assert(!wd_request_unpack(wd_str_n(copy, n), arena, &back, &message, &err));
        ck_assert_int_eq(err.reason, WD_INVALID);
        free(copy);
    }
    nng_msg_free(msg);
}
END_TEST

static const struct {
    const char *name;
    struct wd_str frame;
} bad_frames[] = {
    { "empty", WD_STR_C("") },
    { "envelope longer than the frame", WD_STR_C("\0\0\0\x05\x08\x01") },
    { "envelope longer than allowed", WD_STR_C("\x7f\xff\xff\xff\x08\x01") },
    { "length with the top bit", WD_STR_C("\xff\xff\xff\xff") },
    { "required fields missing", WD_STR_C("\0\0\0\x02\x08\x01") },
    { "empty envelope", WD_STR_C("\0\0\0\0") },
    { "bad tag", WD_STR_C("\0\0\0\x02\x07\xff") },
    { "field with a length beyond its end", WD_STR_C("\0\0\0\x06\x12\xff\xff\xff\xff\x0f") },
};

START_TEST(bad_frame_is_invalid)
{
    Wd__V1__RequestEnvelope *back;
    Wd__V1__ReplyEnvelope *reply;
    struct wd_str message;

    ck_assert_msg(!wd_request_unpack(bad_frames[_i].frame, arena, &back, &message, &err), "%s", bad_frames[_i].name);
    ck_assert_int_eq(err.reason, WD_INVALID);
    ck_assert(!wd_reply_unpack(bad_frames[_i].frame, arena, &reply, &message, &err));
}
END_TEST

START_TEST(limits_of_the_texts)
{
    Wd__V1__RequestEnvelope e = envelope();
    char key[66] = { 0 };

    memset(key, 'k', 64);
    e.idempotency_key = key;
    ck_assert(wd_request_check(&e, &err));
    key[64] = 'k';
    ck_assert(!wd_request_check(&e, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    e = envelope();
    e.session_id = (char *)(uintptr_t)"\xff";
    ck_assert(!wd_request_check(&e, &err));
    ck_assert_int_eq(err.reason, WD_INVALID);
    e = envelope();
    e.version = 2;
    ck_assert(!wd_request_check(&e, &err));
    ck_assert_int_eq(err.reason, WD_UNSUPPORTED_VERSION);
}
END_TEST

/* Two bytes on the wire are an EnvelopeAddress of 88 bytes, its pointer and protobuf-c's own bookkeeping. */
START_TEST(small_message_cannot_become_a_large_one)
{
    enum { BYTES = 100000 };
    char *bytes = malloc(BYTES);
    ProtobufCMessage *out;

    for (size_t i = 0; i < BYTES; i += 2)
        memcpy(bytes + i, "\x1a\x00", 2); /* Envelope.from, empty */
    ck_assert(!wd_unpack(&wd__v1__envelope__descriptor, wd_str_n(bytes, BYTES), arena, &out, &err));
    ck_assert_int_eq(err.reason, WD_RPC_TOO_BIG);
    ck_assert_uint_le(wd_arena_used(arena), BYTES * (size_t)WD_RPC_UNPACK_FACTOR * 5 / 4);
    free(bytes);
}
END_TEST

START_TEST(dense_honest_messages_unpack)
{
    enum { COUNT = 2000 };
    Wd__V1__StoreReply m = WD__V1__STORE_REPLY__INIT;
    Wd__V1__StoreReply__Changed *rows = calloc(COUNT, sizeof *rows), **refs = calloc(COUNT, sizeof(void *));
    ProtobufCMessage *out;
    uint8_t *packed;
    size_t n;

    for (uint32_t i = 0; i < COUNT; i++) {
        wd__v1__store_reply__changed__init(&rows[i]);
        rows[i].uid = i % 100; /* one byte each: as dense as it gets */
        rows[i].system_flags = 1;
        refs[i] = &rows[i];
    }
    m.n_changed = COUNT;
    m.changed = refs;
    packed = malloc(protobuf_c_message_get_packed_size(&m.base));
    n = protobuf_c_message_pack(&m.base, packed);
    ck_assert_msg(wd_unpack(&wd__v1__store_reply__descriptor, wd_str_n(packed, n), arena, &out, &err), "%s", err.text);
    free(packed);
    free(refs);
    free(rows);
}
END_TEST

START_TEST(reason_of_a_newer_peer_becomes_that_of_its_status)
{
    Wd__V1__ReplyEnvelope e = WD__V1__REPLY_ENVELOPE__INIT;

    e.status = WD_STATUS_NOT_FOUND;
    e.has_reason = true;
    e.reason = WD_MAILBOX_NOT_FOUND;
    wd_reply_error(&e, &err);
    ck_assert_int_eq(err.reason, WD_MAILBOX_NOT_FOUND);
    e.reason = 60000;
    wd_reply_error(&e, &err);
    ck_assert_int_eq(err.reason, WD_INTERNAL);
    e.status = WD_STATUS_UNAVAILABLE;
    wd_reply_error(&e, &err);
    ck_assert_int_eq(err.reason, WD_UNAVAILABLE);
    e.has_reason = false;
    e.status = 999;
    e.text = (char *)(uintptr_t)"something\nnew";
    wd_reply_error(&e, &err);
    ck_assert_int_eq(err.reason, WD_INTERNAL);
    ck_assert_str_eq(err.text, "something?new");
}
END_TEST

/* protobuf-c unpacks by recursion without a limit: so no type of the interface may contain itself. */
static bool
contains(const ProtobufCMessageDescriptor *in, const ProtobufCMessageDescriptor *what, unsigned depth)
{
    ck_assert_uint_lt(depth, 16);
    for (unsigned i = 0; i < in->n_fields; i++) {
        const ProtobufCMessageDescriptor *type = in->fields[i].descriptor;
        if (in->fields[i].type == PROTOBUF_C_TYPE_MESSAGE && (type == what || contains(type, what, depth + 1)))
            return true;
    }
    return false;
}

START_TEST(no_message_contains_itself)
{
    static const ProtobufCServiceDescriptor *const services[] = {
        &wd__v1__admin__descriptor,     &wd__v1__auth__descriptor,     &wd__v1__delivery__descriptor,
        &wd__v1__mailboxes__descriptor, &wd__v1__messages__descriptor, &wd__v1__users__descriptor,
        &wd__v1__events__descriptor,
    };

    for (size_t s = 0; s < WD_COUNT(services); s++)
        for (unsigned m = 0; m < services[s]->n_methods; m++) {
            const ProtobufCMethodDescriptor *method = &services[s]->methods[m];
            ck_assert(!contains(method->input, method->input, 0));
            ck_assert(!contains(method->output, method->output, 0));
            ck_assert_ptr_nonnull(method->name); /* optimize_for = CODE_SIZE would have dropped it */
        }
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("envelope");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, packs_to_the_exact_size_and_back);
    tcase_add_test(t, every_cut_of_a_frame_is_refused_or_valid);
    tcase_add_loop_test(t, bad_frame_is_invalid, 0, (int)WD_COUNT(bad_frames));
    tcase_add_test(t, limits_of_the_texts);
    tcase_add_test(t, small_message_cannot_become_a_large_one);
    tcase_add_test(t, dense_honest_messages_unpack);
    tcase_add_test(t, reason_of_a_newer_peer_becomes_that_of_its_status);
    tcase_add_test(t, no_message_contains_itself);
    return run_case("rpc envelope", t);
}
