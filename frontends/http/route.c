#include "frontends/http/route.h"

#include <assert.h>

#include "frontends/http/routes.h"

/* clang-format off */
#define ROUTE(method, path, id, tag, service, rpc, params, fields, needs, resource, action, flags, run, summary) \
    { HTTP_##method, path, #id, tag, summary, &service##__descriptor, rpc, params, fields, HTTP_##needs, resource, \
      action, flags, run },
static const struct http_route routes[] = {
#include "frontends/http/routes.def"
    { 0 },
};
#undef ROUTE
/* clang-format on */

const struct http_param http_no_params[] = { { 0 } };
const struct http_field http_no_fields[] = { { 0 } };

const struct http_route *
http_routes(void)
{
    return routes;
}

/* Compares a path with a pattern. *rank orders patterns: a word where another one has a parameter comes first. */
static bool
fits(const char *pattern, struct wd_str path, struct http_match *m, uint64_t *rank)
{
    struct wd_str want = wd_str_c(pattern), have = path, word, segment;

    m->n = 0;
    *rank = 0;
    while (wd_str_split(&want, '/', &word)) {
        *rank <<= 1;
        if (wd_str_eq(word, WD_STR("*"))) {
            *rank |= 1;
            return have.p != NULL;
        }
        if (!wd_str_split(&have, '/', &segment))
            return false;
        if (word.n && word.p[0] == ':') {
            if (segment.n == 0 && want.p)
                return false; /* an empty last one is told by name, an empty one before it is another path */
            *rank |= 1;
            m->names[m->n] = wd_str_part(word, 1, word.n);
            m->values[m->n++] = segment;
        } else if (!wd_str_eq(word, segment)) {
            return false;
        }
    }
    return !have.p;
}

void
http_route_find(const struct http_route *all, enum http_method method, struct wd_str path, struct http_match *out)
{
    uint64_t best = 0, rank;

    *out = (struct http_match){ 0 };
    for (const struct http_route *r = all; r->path; r++) {
        struct http_match m;
        if (!fits(r->path, path, &m, &rank))
            continue;
        out->methods |= 1u << r->method;
        if (r->method != method || (out->route && rank >= best))
            continue;
        m.route = r;
        m.methods = out->methods;
        *out = m;
        best = rank;
    }
}

const ProtobufCMethodDescriptor *
http_route_method(const struct http_route *route)
{
    const ProtobufCMethodDescriptor *method;

    if (!route->rpc)
        return NULL;
    method = protobuf_c_service_descriptor_get_method_by_name(route->service, route->rpc);
    assert(method); /* a test asks for every row */
    return method;
}
