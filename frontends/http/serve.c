/* A request from its head to its route's own work: route, token, body, parameters, permission, in this order. */
#include <assert.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "frontends/http/call_priv.h"
#include "frontends/http/check.h"
#include "frontends/http/format.h"
#include "frontends/http/map.h"

static bool
is_preflight(const struct http_head *h)
{
    return h->method == HTTP_OPTIONS && http_head_field(h, "Origin").n &&
           http_head_field(h, "Access-Control-Request-Method").n;
}

/* The parameters of the path go to c->read, as text; they are checked with the others later. False: a bad escape. */
static bool
take_path(struct http_call *c, const struct http_match *m)
{
    for (size_t i = 0; i < m->n; i++) {
        struct wd_buf value wd_auto(wd_buf_done) = { 0 };
        if (!http_percent_decode(m->values[i], &value) ||
            http_characters(wd_buf_view(&value)) > HTTP_PATH_PARAM_MAX)
            return false;
        json_object_set_new(c->read, wd_arena_str(c->arena, m->names[i]).p,
                            json_stringn(value.n ? value.p : "", value.n));
    }
    return true;
}

static void
not_found(struct http_call *c)
{
    struct wd_str text = wd_arena_printf(c->arena, "%.*s does not exist", WD_FMT(wd_str_part(c->head->path, 0, 200)));

    http_refuse(c, 404, "ResourceNotFound", text.p);
}

void
http_serve(struct http_call *c)
{
    struct http_match m;

    if (is_preflight(c->head)) {
        http_reply_preflight(c);
        return;
    }
    if (c->head->method == HTTP_OTHER) {
        c->conn->keep_alive = false;
        http_refuse(c, 501, "NotImplemented", "this method is not known here");
        return;
    }
    http_route_find(c->server->routes, c->head->method, c->head->path, &m);
    c->route = m.route;
    if (!m.route && m.methods)
        http_refuse_method(c, m.methods);
    else if (!m.route || !take_path(c, &m))
        not_found(c);
    else if (m.route->needs == HTTP_PUBLIC)
        http_serve_known(c);
    else
        http_token_check(c);
}

/* A user's token may say "me" for its user. */
static void
replace_me(struct http_call *c)
{
    const char *user = http_read_text(c, "user");

    if (user && c->who.user && strcmp(user, "me") == 0)
        json_object_set_new(c->read, "user", json_string(c->who.user));
}

void
http_serve_known(struct http_call *c)
{
    replace_me(c);
    if (!http_intake_open(c))
        return;
    c->conn->state = HTTP_CONN_BODY;
    http_conn_step(c->conn);
}

/* ---- parameters ---- */

static void
refuse_params(struct http_call *c, json_t *details, const char *text)
{
    json_t *body;

    wd_fail(&c->err, WD_INVALID, "%s", text);
    if (c->route->flags & (HTTP_EARLY | HTTP_HEALTH)) {
        http_fail(c);
        return;
    }
    c->server->failures++;
    body = json_object();
    json_object_set_new(body, "error", json_string(text));
    json_object_set_new(body, "code", json_string("InputValidationError"));
    json_object_set(body, "details", details);
    http_reply_json(c, 400, body, true, NULL);
    json_decref(body);
}

static void
refuse_no_object(struct http_call *c)
{
    json_t *details = json_object();

    json_object_set_new(details, "", json_string("\"value\" must be of type object"));
    refuse_params(c, details, "\"value\" must be of type object");
    json_decref(details);
}

/* Query and body; what the path says wins, and the token is no parameter. */
static bool
gather(struct http_call *c, json_t **out)
{
    enum http_body_kind kind = http_intake_kind(c);
    struct http_params_in in = { .query = c->head->query, .content_type = http_head_field(c->head, "Content-Type") };
    struct http_file file;

    if (kind == HTTP_BODY_JSON || kind == HTTP_BODY_FORM || kind == HTTP_BODY_MULTIPART)
        in.body = http_intake_bytes(c);
    switch (http_params_read(&in, out, &file, &c->err)) {
    case HTTP_PARAMS_MALFORMED:
        http_refuse(c, 400, "InvalidContent", c->err.text);
        return false;
    case HTTP_PARAMS_NO_OBJECT:
        refuse_no_object(c);
        return false;
    case HTTP_PARAMS_OK:
        break;
    }
    if (file.name.p && (c->route->flags & HTTP_RAW))
        c->raw = file.bytes;
    json_object_update(*out, c->read);
    json_object_del(*out, "accessToken");
    return true;
}

static bool
check_params(struct http_call *c)
{
    struct http_check *check wd_auto(http_check_freep) = http_check_new(c->arena);
    bool session = !(c->route->flags & HTTP_NO_SESSION), lenient = (c->route->flags & HTTP_LENIENT) != 0;
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    json_t *given;
    bool ok;

    if (!gather(c, &given))
        return false;
    json_object_clear(c->read);
    ok = http_check_params(check, c->route->params, given, session, lenient, c->read);
    json_decref(given);
    if (ok)
        return true;
    wd_buf_str(&text, wd_buf_view(&check->text));
    wd_buf_chr(&text, '\0');
    refuse_params(c, check->details, text.p);
    return false;
}

/* ---- permission ---- */

bool
http_may(struct http_call *c, const char *user)
{
    const struct http_route *r = c->route;
    struct http_permission p = http_permission(c->server->roles, c->who.role, r->resource, r->action);
    bool theirs = user && c->who.user && strcmp(user, c->who.user) == 0;
    bool by_own = c->who.user && (r->needs == HTTP_LIST || (r->needs == HTTP_OWN && theirs));

    if (p.granted && (!p.own || by_own)) {
        c->attributes = p.attributes;
        c->only_user = p.own && r->needs == HTTP_LIST ? c->who.user : NULL;
        return true;
    }
    wd_fail(&c->err, WD_FORBIDDEN, "Not enough privileges");
    http_fail(c);
    return false;
}

/* What the role may not set is dropped in silence; the path is not the caller's to set. */
static void
drop_hidden(struct http_call *c)
{
    const char *name;
    json_t *value;
    void *next;

    if (strcmp(c->attributes, "*") == 0)
        return;
    json_object_foreach_safe(c->read, next, name, value)
        if (strcmp(name, "user") != 0 && !http_attribute_allowed(c->attributes, name))
            json_object_del(c->read, name);
}

static void
fill_request(struct http_call *c)
{
    const ProtobufCMethodDescriptor *method = http_route_method(c->route);

    if (!method)
        return;
    c->request = http_map_new(method->input, c->arena);
    http_map_request(c->route->params, c->read, c->request, c->arena);
    for (const struct http_param *p = c->route->params; p->name; p++)
        if (p->type == HTTP_ONLY_USER && c->only_user)
            http_map_set_text(c->request, p->field, wd_str_c(c->only_user), c->arena);
}

void
http_serve_body(struct http_call *c)
{
    if (!(c->route->flags & HTTP_UNCHECKED) && !check_params(c))
        return;
    if (c->route->resource) {
        if (!http_may(c, http_read_text(c, "user")))
            return;
        drop_hidden(c);
    }
    fill_request(c);
    c->route->run(c);
}
