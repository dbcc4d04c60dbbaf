/* tests/fuzz/http.c – a request to every endpoint: its head, its query string and body in each form, parameters,
 * message. */
#include <stdint.h>

#include "common/base/lifetime.h"
#include "frontends/http/check.h"
#include "frontends/http/head.h"
#include "frontends/http/map.h"
#include "frontends/http/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
map_all(const json_t *params)
{
    for (const struct http_route *r = http_routes(); r->path; r++) {
        struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(0);
        struct http_check *check wd_auto(http_check_freep) = http_check_new(arena);
        const ProtobufCMethodDescriptor *method = http_route_method(r);
        json_t *read = json_object();
        if (http_check_params(check, r->params, params, true, true, read) && method) {
            ProtobufCMessage *request = http_map_new(method->input, arena);
            http_map_request(r->params, read, request, arena);
            protobuf_c_message_pack(request, wd_arena_alloc(arena, protobuf_c_message_get_packed_size(request) + 1));
        }
        json_decref(read);
    }
}

/* The first byte says what the rest is: a body in one of the forms, a query string, or a head. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = { "application/json", "application/x-www-form-urlencoded",
                                         "multipart/form-data; boundary=b" };
    struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_str rest = wd_str_n(size ? data + 1 : data, size ? size - 1 : 0);
    unsigned kind = size ? data[0] % 5 : 0;
    struct http_params_in in = { .query = kind == 3 ? rest : WD_NONE };
    struct http_head head;
    struct http_file file;
    struct wd_error err;
    json_t *params;
    int status;

    if (kind == 4) {
        http_head_read(arena, rest, &head, &status, &err);
        return 0;
    }
    if (kind < WD_COUNT(types)) {
        in.content_type = wd_str_c(types[kind]);
        in.body = rest;
    }
    if (http_params_read(&in, &params, &file, &err) != HTTP_PARAMS_OK)
        return 0;
    map_all(params);
    json_decref(params);
    return 0;
}
