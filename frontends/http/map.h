/* frontends/http/map.h – JSON to protobuf and back, by the tables of a route and the generated descriptors. */
#ifndef WD_HTTP_MAP_H
#define WD_HTTP_MAP_H
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "frontends/http/route.h"

/** An empty message in the arena. */
ProtobufCMessage *http_map_new(const ProtobufCMessageDescriptor *type, struct wd_arena *arena);

/**
 * Fills a message from parameters in their normal form: each row with a `field` whose value is in `read`. Objects
 * become sub-messages and arrays repeated fields by their rows' own tables; an object without a table fills the
 * fields of its members' names. false (HTTP_OR_FALSE) makes a field that is there and empty. What a message points to
 * lives in the arena.
 */
void http_map_request(const struct http_param *table, const json_t *read, ProtobufCMessage *to,
                      struct wd_arena *arena);

/** Adds the fields of a reply message to a JSON object; `read` is for those that echo a parameter. */
void http_map_reply(const struct http_field *fields, const ProtobufCMessage *reply, const json_t *read, json_t *out);

/** Sets one field ("user.username") of a message, making sub-messages in the arena. */
void http_map_set(ProtobufCMessage *message, const char *path, const json_t *value, const struct http_param *items,
                  struct wd_arena *arena);
void http_map_set_text(ProtobufCMessage *message, const char *path, struct wd_str value, struct wd_arena *arena);

/** The field at a dotted path of a message type; NULL when there is none. */
const ProtobufCFieldDescriptor *http_map_field(const ProtobufCMessageDescriptor *type, const char *path);
#endif
