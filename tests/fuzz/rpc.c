/* Frames from the wire: requests and replies, and the message behind each method's name. */
#include <stdint.h>

#include "common/rpc/envelope.h"
#include "wd/v1/events.pb-c.h"
#include "wd/v1/mailboxes.pb-c.h"
#include "wd/v1/messages.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
    &wd__v1__fetch_reply__descriptor,      &wd__v1__search_request__descriptor,
    &wd__v1__open_mailbox_reply__descriptor, &wd__v1__event_frame__descriptor,
};

static void
request(struct wd_str frame, struct wd_arena *arena)
{
    Wd__V1__RequestEnvelope *envelope;
    ProtobufCMessage *message;
    struct wd_str rest;
    struct wd_error err;

    if (!wd_request_unpack(frame, arena, &envelope, &rest, &err) || !wd_request_check(envelope, &err))
        return;
    for (size_t i = 0; i < WD_COUNT(types); i++)
        if (wd_unpack(types[i], rest, arena, &message, &err) &&
            protobuf_c_message_get_packed_size(message) > rest.n * 2 + 64)
            __builtin_trap(); /* what was read says more than what was sent */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_str frame = wd_str_n(data, size);
    Wd__V1__ReplyEnvelope *reply;
    struct wd_str rest;
    struct wd_error err;

    request(frame, arena);
    if (wd_reply_unpack(frame, arena, &reply, &rest, &err) && reply->status != WD_STATUS_OK)
        wd_reply_error(reply, &err);
    if (wd_arena_used(arena) > 8 * (WD_RPC_UNPACK_EXTRA + size * (size_t)WD_RPC_UNPACK_FACTOR) * 2)
        __builtin_trap(); /* the limit on memory does not hold */
    return 0;
}
