#include "frontends/http/call.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/base/buf.h"
#include "common/log/log.h"
#include "frontends/http/map.h"
#include "frontends/http/params.h"

static void
send_json(struct evhttp_request *http, int status, const json_t *body, const char *type)
{
    char *text = json_dumps(body, JSON_INDENT(2));
    struct evbuffer *out = evbuffer_new();
    struct evkeyvalq *headers = evhttp_request_get_output_headers(http);

    evbuffer_add_printf(out, "%s\n", text);
    evhttp_add_header(headers, "Content-Type", type);
    evhttp_add_header(headers, "Server", "wd");
    evhttp_send_reply(http, status, NULL, out);
    evbuffer_free(out);
    free(text);
}

/* Errors that come before a route's own (docs/api-http.md). */
static void
refuse(struct evhttp_request *http, int status, const char *code, const char *message)
{
    json_t *body = json_pack("{s:s, s:s}", "code", code, "message", message);

    send_json(http, status, body, "application/json");
    json_decref(body);
}

static void
call_free(struct http_call *c)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(c->http);

    if (connection)
        evhttp_connection_set_closecb(connection, NULL, NULL);
    wd_rpc_cancel(&c->rpc);
    json_decref(c->read);
    json_decref(c->answer);
    c->server->calls--;
    wd_arena_free(c->arena); /* c lives in it */
}

/* The client went away: nobody waits for the answer any more, and evhttp frees the request. */
static void
gone(struct evhttp_connection *connection, void *data)
{
    struct http_call *c = data;

    (void)connection;
    call_free(c);
}

void
http_succeed(struct http_call *c)
{
    json_t *body = json_pack("{s:b}", "success", 1);

    json_object_update(body, c->answer);
    send_json(c->http, HTTP_OK, body, "application/json; charset=utf-8");
    json_decref(body);
    call_free(c);
}

static void
fail_early(struct http_call *c)
{
    json_t *body = json_pack("{s:s}", "error", c->err.text);

    /* Clients of this API look at `success`; the status is 200 whatever happened. */
    json_object_set(body, "username", json_object_get(c->read, "username"));
    json_object_set(body, "address", json_object_get(c->read, "address"));
    send_json(c->http, HTTP_OK, body, "application/json; charset=utf-8");
    json_decref(body);
}

static void
fail_health(struct http_call *c)
{
    json_t *body = json_pack("{s:b, s:s}", "success", 0, "message", c->err.text);

    send_json(c->http, HTTP_INTERNAL, body, "application/json; charset=utf-8");
    json_decref(body);
}

void
http_fail(struct http_call *c)
{
    static void (*const shapes[])(struct http_call *) = {
        [HTTP_ERRORS_EARLY] = fail_early,
        [HTTP_ERRORS_HEALTH] = fail_health,
    };

    c->server->failures++;
    wd_log_error(WD_LOG_INFO, "request failed", &c->err, WD_KV("path", c->route->path));
    shapes[c->route->errors](c);
    call_free(c);
}

void
http_answer(struct http_call *c, const ProtobufCMessage *reply)
{
    if (!reply) {
        http_fail(c);
        return;
    }
    http_map_reply(c->route->fields, reply, c->read, c->answer);
    http_succeed(c);
}

/* What the RPC layer's closure gets: the call and who takes over. */
struct waiting {
    struct http_call *call;
    http_replied *then;
};

static void
replied(const ProtobufCMessage *reply, void *data)
{
    struct waiting *w = data;

    w->then(w->call, reply);
}

void
http_rpc(struct http_call *c, const ProtobufCServiceDescriptor *service, const char *rpc,
         const ProtobufCMessage *request, http_replied *then)
{
    const ProtobufCMethodDescriptor *method = protobuf_c_service_descriptor_get_method_by_name(service, rpc);
    struct wd_rpc_params params = {
        .arena = c->arena, .err = &c->err, .call = &c->rpc, .timeout_ms = c->server->timeout_ms
    };
    struct waiting *w = WD_ARENA_NEW(c->arena, struct waiting);
    ProtobufCService *to = wd_rpc_to(c->server->store, service, &params);

    assert(method);
    *w = (struct waiting){ c, then };
    to->invoke(to, (unsigned)(method - service->methods), request, replied, w);
}

void
http_translate(struct http_call *c)
{
    http_rpc(c, c->route->service, c->route->rpc, c->request, http_answer);
}

/* Query accessToken, then X-Access-Token, then Authorization: Bearer. */
static bool
has_token(struct evhttp_request *http, const char *wanted)
{
    static const struct wd_str bearer = WD_STR_C("Bearer ");
    struct evkeyvalq *headers = evhttp_request_get_input_headers(http);
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(http));
    const char *header = evhttp_find_header(headers, "X-Access-Token");
    struct wd_str authorization = wd_str_c(evhttp_find_header(headers, "Authorization"));
    struct evkeyvalq parsed = { 0 };
    struct wd_str token = wd_str_c(header);
    bool same;

    if (query && evhttp_parse_query_str(query, &parsed) == 0 && evhttp_find_header(&parsed, "accessToken"))
        token = wd_str_c(evhttp_find_header(&parsed, "accessToken"));
    else if (!header && wd_str_istarts(authorization, bearer))
        token = wd_str_part(authorization, bearer.n, authorization.n);
    same = token.n == strlen(wanted) && CRYPTO_memcmp(token.p, wanted, token.n) == 0;
    evhttp_clear_headers(&parsed);
    return same;
}

static bool
read_params(struct http_call *c, json_t **out)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(c->http);
    const char *query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(c->http));
    const char *type = evhttp_find_header(evhttp_request_get_input_headers(c->http), "Content-Type");
    size_t length = evbuffer_get_length(in);
    struct wd_str body = wd_str_n(length ? evbuffer_pullup(in, -1) : NULL, length);

    if (c->route->method == EVHTTP_REQ_GET)
        body = WD_NONE;
    return http_params_read(wd_str_c(query), wd_str_c(type), body, out, &c->err);
}

static void
start(struct http_server *server, struct evhttp_request *http, const struct http_route *route)
{
    struct wd_arena *arena = wd_arena_new(2048);
    struct http_call *c = WD_ARENA_NEW(arena, struct http_call);
    json_t *params;
    bool ok;

    *c = (struct http_call){ .server = server, .http = http, .route = route, .arena = arena };
    c->read = json_object();
    c->answer = json_object();
    server->calls++;
    evhttp_connection_set_closecb(evhttp_request_get_connection(http), gone, c);
    if (!read_params(c, &params)) {
        refuse(http, HTTP_BADREQUEST, "InvalidContent", c->err.text);
        call_free(c);
        return;
    }
    ok = http_map_request(route, params, arena, c->read, &c->request, &c->err);
    json_decref(params);
    if (ok)
        route->call(c);
    else
        http_fail(c);
}

void
http_serve(struct evhttp_request *http, void *data)
{
    struct http_server *server = data;
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(http);
    bool path_known;
    const struct http_route *route =
        http_route_find(evhttp_request_get_command(http), wd_str_c(evhttp_uri_get_path(uri)), &path_known);

    server->requests++;
    if (!route && path_known)
        refuse(http, HTTP_BADMETHOD, "MethodNotAllowed", "this method is not allowed here");
    else if (!route)
        refuse(http, HTTP_NOTFOUND, "ResourceNotFound", "there is nothing at this path");
    else if (server->access_token && !has_token(http, server->access_token))
        refuse(http, 403, "InvalidToken", "Invalid accessToken value");
    else
        start(server, http, route);
}
