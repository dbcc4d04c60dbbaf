#include "frontends/http/openapi.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "frontends/http/call.h"
#include "frontends/http/map.h"
#include "frontends/http/openapi_priv.h"
#include "frontends/http/routes.h"

/* "/users/:user/x" as "/users/{user}/x"; with `names`, the names of its parameters are those of another route (two
 * templates of the same shape would be one path). */
static void
add_template(struct wd_buf *to, const char *path, const char *names)
{
    struct wd_str rest = wd_str_c(path), word, shown = wd_str_c(names), name;

    while (wd_str_split(&rest, '/', &word)) {
        wd_str_split(&shown, '/', &name);
        if (word.n && word.p[0] == ':')
            wd_buf_printf(to, "{%.*s}", WD_FMT(wd_str_part(name, 1, name.n)));
        else
            wd_buf_str(to, wd_str_eq(word, WD_STR("*")) ? WD_STR("{path}") : word);
        if (rest.p)
            wd_buf_chr(to, '/');
    }
    wd_buf_chr(to, '\0');
}

static bool
same_shape(const char *a, const char *b)
{
    struct wd_str left = wd_str_c(a), right = wd_str_c(b), x, y;

    for (;;) {
        bool more = wd_str_split(&left, '/', &x), other = wd_str_split(&right, '/', &y);
        if (!more || !other)
            return more == other;
        if (x.n && y.n && x.p[0] == ':' && y.p[0] == ':')
            continue;
        if (!wd_str_eq(x, y))
            return false;
    }
}

/* The first route of that shape: its names are used. */
static const char *
names_of(const struct http_route *routes, const struct http_route *r)
{
    const struct http_route *first = routes;

    while (!same_shape(first->path, r->path))
        first++;
    return first->path;
}

/* The n-th word of a path that is a parameter: its name here and in the template. */
static bool
path_param(const struct http_route *r, const char *names, const char *name, struct wd_str *shown)
{
    struct wd_str rest = wd_str_c(r->path), word, other = wd_str_c(names);

    while (wd_str_split(&rest, '/', &word)) {
        wd_str_split(&other, '/', shown);
        if (word.n && word.p[0] == ':' && wd_str_eq(wd_str_part(word, 1, word.n), wd_str_c(name))) {
            *shown = wd_str_part(*shown, 1, shown->n);
            return true;
        }
    }
    return false;
}

static json_t *
parameter(struct wd_str name, const char *in, const struct http_param *p)
{
    json_t *o = json_object();

    json_object_set_new(o, "name", json_stringn(name.p, name.n));
    json_object_set_new(o, "in", json_string(in));
    json_object_set_new(o, "required", json_boolean(strcmp(in, "path") == 0 || (p->flags & HTTP_REQUIRED)));
    json_object_set_new(o, "schema", http_schema_param(p));
    if (p->type == HTTP_OBJECT) {
        json_object_set_new(o, "style", json_string("deepObject"));
        json_object_set_new(o, "explode", json_true());
    }
    return o;
}

static json_t *
referred(const char *name)
{
    char text[64];
    json_t *o = json_object();

    snprintf(text, sizeof text, "#/components/parameters/%s", name);
    json_object_set_new(o, "$ref", json_string(text));
    return o;
}

static bool
has_row(const struct http_param *table, const char *name)
{
    for (const struct http_param *p = table; p->name; p++)
        if (strcmp(p->name, name) == 0)
            return true;
    return false;
}

static bool
has_body(const struct http_route *r)
{
    return r->method == HTTP_POST || r->method == HTTP_PUT;
}

static json_t *
parameters(const struct http_route *r, const char *names)
{
    json_t *list = json_array();
    struct wd_str shown;

    for (const struct http_param *p = r->params; p->name; p++) {
        if (p->type == HTTP_ONLY_USER)
            continue;
        if (path_param(r, names, p->name, &shown))
            json_array_append_new(list, parameter(shown, "path", p));
        else if (!has_body(r))
            json_array_append_new(list, parameter(wd_str_c(p->name), "query", p));
    }
    if (!has_body(r) && !(r->flags & (HTTP_NO_SESSION | HTTP_UNCHECKED))) {
        if (!has_row(r->params, "sess"))
            json_array_append_new(list, referred("sess"));
        if (!has_row(r->params, "ip"))
            json_array_append_new(list, referred("ip"));
    }
    return list;
}

/* The parameters that are neither of the path nor of the query string. */
static json_t *
body_schema(const struct http_route *r, const char *names)
{
    json_t *schema = json_object(), *properties = json_object(), *required = json_array();
    struct wd_str shown;

    json_object_set_new(schema, "type", json_string("object"));
    for (const struct http_param *p = r->params; p->name; p++) {
        if (p->type == HTTP_ONLY_USER || path_param(r, names, p->name, &shown))
            continue;
        json_object_set_new(properties, p->name, http_schema_param(p));
        if (p->flags & HTTP_REQUIRED)
            json_array_append_new(required, json_string(p->name));
    }
    if (!(r->flags & (HTTP_NO_SESSION | HTTP_UNCHECKED)))
        http_schema_session(properties);
    json_object_set_new(schema, "properties", properties);
    if (json_array_size(required))
        json_object_set(schema, "required", required);
    json_decref(required);
    return schema;
}

static json_t *
request_body(const struct http_route *r, const char *names)
{
    json_t *body = json_object(), *content = json_object(), *json = json_object(), *raw;
    json_t *schema = body_schema(r, names);

    json_object_set_new(body, "required", json_boolean(json_object_get(schema, "required") && !(r->flags & HTTP_RAW)));
    json_object_set_new(json, "schema", schema);
    json_object_set_new(content, "application/json", json);
    if (r->flags & HTTP_RAW) {
        raw = json_object();
        json_object_set_new(raw, "schema", http_schema_binary());
        json_object_set_new(content, "*/*", raw);
    }
    json_object_set_new(body, "content", content);
    return body;
}

static json_t *
responses(const struct http_route *r)
{
    json_t *all = json_object(), *ok = json_object(), *content = json_object(), *media = json_object();
    json_t *problem = json_object();
    bool streams = (r->flags & HTTP_STREAMS) != 0;

    json_object_set_new(ok, "description", json_string("Success"));
    json_object_set_new(media, "schema", streams ? http_schema_binary() : http_schema_reply(r));
    json_object_set_new(content, streams ? "*/*" : "application/json", media);
    json_object_set_new(ok, "content", content);
    json_object_set_new(all, "200", ok);
    json_object_set_new(problem, "$ref", json_string("#/components/responses/Error"));
    json_object_set_new(all, "default", problem);
    return all;
}

static json_t *
operation(const struct http_route *r, const char *names)
{
    json_t *o = json_object(), *tags = json_array();

    json_array_append_new(tags, json_string(r->tag));
    json_object_set_new(o, "operationId", json_string(r->id));
    json_object_set_new(o, "summary", json_string(r->summary));
    json_object_set_new(o, "tags", tags);
    json_object_set_new(o, "parameters", parameters(r, names));
    if (has_body(r) && !(r->flags & HTTP_UNCHECKED))
        json_object_set_new(o, "requestBody", request_body(r, names));
    json_object_set_new(o, "responses", responses(r));
    if (r->needs == HTTP_PUBLIC)
        json_object_set_new(o, "security", json_array());
    return o;
}

static json_t *
paths(const struct http_route *routes)
{
    static const char *const verbs[] = {
        [HTTP_GET] = "get", [HTTP_POST] = "post", [HTTP_PUT] = "put", [HTTP_DELETE] = "delete",
    };
    json_t *all = json_object();

    for (const struct http_route *r = routes; r->path; r++) {
        struct wd_buf path wd_auto(wd_buf_done) = { 0 };
        const char *names = names_of(routes, r);
        json_t *item;
        if (r->flags & HTTP_HIDDEN)
            continue;
        add_template(&path, r->path, names);
        item = json_object_get(all, path.p);
        if (!item) {
            item = json_object();
            json_object_set_new(all, path.p, item);
        }
        json_object_set_new(item, verbs[r->method], operation(r, names));
    }
    return all;
}

json_t *
http_openapi(const struct http_route *routes)
{
    json_t *all = json_object(), *info = json_object();

    json_object_set_new(info, "title", json_string("wd"));
    json_object_set_new(info, "version", json_string("1"));
    json_object_set_new(info, "description", json_string("The HTTP API of the mail store"));
    json_object_set_new(all, "openapi", json_string("3.0.3"));
    json_object_set_new(all, "info", info);
    json_object_set_new(all, "security", http_schema_security());
    json_object_set_new(all, "paths", paths(routes));
    json_object_set_new(all, "components", http_schema_components());
    return all;
}

void
api_openapi(struct http_call *c)
{
    json_t *all = http_openapi(c->server->routes);
    char *text = json_dumps(all, JSON_INDENT(2));

    http_stream_begin(c, "application/json; charset=utf-8", (int64_t)strlen(text), NULL);
    http_stream_write(c, wd_str_c(text));
    free(text);
    json_decref(all);
    http_stream_end(c);
}
