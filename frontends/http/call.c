#include "frontends/http/call.h"

#include <assert.h>

#include "common/log/log.h"
#include "frontends/http/call_priv.h"
#include "frontends/http/errors.h"
#include "frontends/http/map.h"

struct http_call *
http_call_new(struct http_conn *conn, struct wd_arena *arena, const struct http_head *head)
{
    struct http_call *c = WD_ARENA_NEW(arena, struct http_call);

    *c = (struct http_call){ .server = conn->server, .conn = conn, .arena = arena, .head = head, .attributes = "*" };
    c->read = json_object();
    c->answer = json_object();
    return c;
}

void
http_call_free(struct http_call *c)
{
    wd_rpc_cancel(&c->rpc);
    if (c->cleanup)
        c->cleanup(c);
    http_intake_free(c->intake);
    json_decref(c->read);
    json_decref(c->answer);
    json_decref(c->extra);
    wd_arena_free(c->arena); /* c lives in it */
}

void
http_call_done(struct http_call *c)
{
    struct http_conn *conn = c->conn;
    struct http_intake *rest = http_intake_rest(c);

    http_call_free(c);
    http_conn_answered(conn, rest);
}

/* ---- the store ---- */

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
        .arena = c->arena, .err = &c->err, .call = &c->rpc, .timeout_ms = c->server->options.call_timeout_ms
    };
    struct waiting *w = WD_ARENA_NEW(c->arena, struct waiting);
    ProtobufCService *to = wd_rpc_to(c->server->store, service, &params);

    assert(method && !c->rpc);
    *w = (struct waiting){ c, then };
    to->invoke(to, (unsigned)(method - service->methods), request, replied, w);
}

void
http_call_rpc(struct http_call *c, http_replied *then)
{
    http_rpc(c, c->route->service, c->route->rpc, c->request, then);
}

void
http_translate(struct http_call *c)
{
    http_call_rpc(c, http_answer);
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

/* ---- answers ---- */

void
http_succeed(struct http_call *c)
{
    json_t *body = json_object();

    json_object_set_new(body, "success", json_true());
    http_attributes_filter(c->attributes, c->answer);
    json_object_update(body, c->answer);
    http_reply_json(c, 200, body, true, NULL);
    json_decref(body);
}

static void
fail_early(struct http_call *c)
{
    json_t *body = json_object();

    /* Clients of this API look at `success`; the status is 200 whatever happened. */
    json_object_set_new(body, "error", json_string(c->err.text));
    json_object_set(body, "username", json_object_get(c->read, "username"));
    json_object_set(body, "address", json_object_get(c->read, "address"));
    http_reply_json(c, 200, body, true, NULL);
    json_decref(body);
}

static void
fail_health(struct http_call *c)
{
    json_t *body = json_object();

    json_object_set_new(body, "success", json_false());
    json_object_set_new(body, "message", json_string(c->err.text));
    http_reply_json(c, 500, body, true, NULL);
    json_decref(body);
}

static void
fail_plainly(struct http_call *c)
{
    struct http_error e = http_error_of(&c->err);
    json_t *body = json_object();
    int status = c->status ? c->status : c->route->flags & HTTP_FAILS_500 ? 500 : e.status;

    json_object_set_new(body, "error", json_string(e.text));
    json_object_set_new(body, "code", json_string(e.code));
    if (c->extra)
        json_object_update(body, c->extra);
    http_reply_json(c, status, body, true, NULL);
    json_decref(body);
}

void
http_fail(struct http_call *c)
{
    c->server->failures++;
    wd_log_error(WD_LOG_INFO, "request failed", &c->err, WD_KV("path", c->route->path));
    if (c->began)
        http_stream_cut(c); /* the status is told already */
    else if (c->route->flags & HTTP_EARLY)
        fail_early(c);
    else if (c->route->flags & HTTP_HEALTH)
        fail_health(c);
    else
        fail_plainly(c);
}

/* ---- parameters ---- */

const char *
http_read_text(const struct http_call *c, const char *name)
{
    return json_string_value(json_object_get(c->read, name));
}

bool
http_read_flag(const struct http_call *c, const char *name)
{
    return json_is_true(json_object_get(c->read, name));
}
