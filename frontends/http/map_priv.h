/* frontends/http/map_priv.h – fields of messages by their descriptors, for both directions. */
#ifndef WD_HTTP_MAP_PRIV_H
#define WD_HTTP_MAP_PRIV_H
#include <protobuf-c/protobuf-c.h>

/* The place of a field in a message. */
struct place {
    ProtobufCMessage *message; /* NULL: the sub-message is not there */
    const ProtobufCFieldDescriptor *field;
};

/* protobuf-c's offsets are from the start of the message. */
static inline void *
place_at(const ProtobufCMessage *message, unsigned offset)
{
    union {
        const ProtobufCMessage *from;
        char *bytes;
    } view = { message };

    return view.bytes + offset;
}

static inline void *
place_value(struct place p)
{
    return place_at(p.message, p.field->offset);
}

static inline void *
place_count(struct place p)
{
    return place_at(p.message, p.field->quantifier_offset);
}
#endif
