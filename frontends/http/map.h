/* frontends/http/map.h – JSON to protobuf and back, by the tables of a route and the generated descriptors. */
#ifndef WD_HTTP_MAP_H
#define WD_HTTP_MAP_H
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "common/base/arena.h"
#include "common/base/error.h"
#include "frontends/http/route.h"

/**
 * Fills *request (made in the arena) from the parameters. Each parameter that was well formed is also put into `read`
 * in its normal form. WD_INVALID names the first one that is missing or malformed; `read` then has those that are not.
 */
bool http_map_request(const struct http_route *route, const json_t *params, struct wd_arena *arena, json_t *read,
                      ProtobufCMessage **request, struct wd_error *err);

/** Adds the fields of a reply message to a JSON object; `read` is what http_map_request gave. */
void http_map_reply(const struct http_field *fields, const ProtobufCMessage *reply, const json_t *read, json_t *out);

/** Sets one field ("user.username") of a message, making sub-messages in the arena. */
void http_map_set_text(ProtobufCMessage *message, const char *path, struct wd_str value, struct wd_arena *arena);
void http_map_set_number(ProtobufCMessage *message, const char *path, int64_t value, struct wd_arena *arena);
#endif
