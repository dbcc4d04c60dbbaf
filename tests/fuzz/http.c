/* tests/fuzz/http.c – the body of a request to every endpoint: JSON or form, parameters, request message. */
#include <stdint.h>

#include "common/base/lifetime.h"
#include "frontends/http/map.h"
#include "frontends/http/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte says which kind of body; the rest is the body. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool form = size && (data[0] & 1);
    struct wd_str body = wd_str_n(size ? data + 1 : data, size ? size - 1 : 0);
    struct wd_error err;
    json_t *params;

    if (!http_params_read(form ? body : WD_NONE, form ? WD_NONE : WD_STR("application/json"), form ? WD_NONE : body,
                          &params, &err))
        return 0;
    for (const struct http_route *r = http_routes(); r->path; r++) {
        struct wd_arena *arena wd_auto(wd_arena_freep) = wd_arena_new(0);
        json_t *read = json_object();
        ProtobufCMessage *request;
        if (http_map_request(r, params, arena, read, &request, &err))
            protobuf_c_message_pack(request, wd_arena_alloc(arena, protobuf_c_message_get_packed_size(request)));
        json_decref(read);
    }
    json_decref(params);
    return 0;
}
