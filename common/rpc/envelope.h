/* common/rpc/envelope.h – one nng message: the length of the envelope (4 bytes, big-endian), the envelope, the rest. */
#ifndef WD_RPC_ENVELOPE_H
#define WD_RPC_ENVELOPE_H
#include <nng/nng.h>
#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "common/base/lifetime.h"
#include "common/rpc/client.h"
#include "wd/v1/envelope.pb-c.h"

enum {
    WD_RPC_VERSION = 1,
    WD_RPC_MAX_ENVELOPE = 8192,
    /* Unpacking may allocate this many bytes per byte of the message, and some more: structs are larger than what
     * they stand for on the wire, but a small message must not become a large one. */
    WD_RPC_UNPACK_FACTOR = 40,
    WD_RPC_UNPACK_EXTRA = 64 * 1024,
};

/** Packs both into a new message of exactly the needed size; `message` may be NULL.
 *  WD_RPC_TOO_BIG over WD_RPC_MAX_MESSAGE. The message is yours to send or nng_msg_free(). */
bool wd_frame_pack(const ProtobufCMessage *envelope, const ProtobufCMessage *message, nng_msg **out,
                   struct wd_error *err) WD_CHECKED;
/** The same for a message that is packed already. */
bool wd_frame_pack_bytes(const ProtobufCMessage *envelope, struct wd_str message, nng_msg **out,
                         struct wd_error *err) WD_CHECKED;

/** The body of an nng message. */
struct wd_str wd_frame_of(nng_msg *msg);

/** Takes a request apart; the envelope lives in the arena, *message is part of `frame`. WD_INVALID, WD_RPC_TOO_BIG. */
bool wd_request_unpack(struct wd_str frame, struct wd_arena *arena, Wd__V1__RequestEnvelope **envelope,
                       struct wd_str *message, struct wd_error *err) WD_CHECKED;
/** Version and limits of an unpacked request envelope. WD_UNSUPPORTED_VERSION, WD_INVALID. */
bool wd_request_check(const Wd__V1__RequestEnvelope *envelope, struct wd_error *err) WD_CHECKED;
/** Takes a reply apart and checks it. */
bool wd_reply_unpack(struct wd_str frame, struct wd_arena *arena, Wd__V1__ReplyEnvelope **envelope,
                     struct wd_str *message, struct wd_error *err) WD_CHECKED;
/** The error that a reply reports; its status must not be OK. A reason that is not known here becomes INTERNAL, or
 *  the plain reason of its status. */
void wd_reply_error(const Wd__V1__ReplyEnvelope *envelope, struct wd_error *err);

/** Unpacks into the arena within the limit above. WD_INVALID, WD_RPC_TOO_BIG. */
bool wd_unpack(const ProtobufCMessageDescriptor *type, struct wd_str bytes, struct wd_arena *arena,
               ProtobufCMessage **out, struct wd_error *err) WD_CHECKED;
#endif
