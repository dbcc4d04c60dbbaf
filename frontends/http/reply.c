/* Answers as bytes: status line, fields, JSON bodies, streams. */
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/mail/date.h"
#include "common/base/clock.h"
#include "frontends/http/call_priv.h"

static const char *
phrase(int status)
{
    static const struct {
        int status;
        const char *text;
    } rows[] = {
        { 200, "OK" },
        { 204, "No Content" },
        { 400, "Bad Request" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 413, "Content Too Large" },
        { 415, "Unsupported Media Type" },
        { 417, "Expectation Failed" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 500, "Internal Server Error" },
        { 501, "Not Implemented" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };

    for (size_t i = 0; i < WD_COUNT(rows); i++)
        if (rows[i].status == status)
            return rows[i].text;
    return "Unknown";
}

/* The origin of a browser's request, if it may call. */
static struct wd_str
allowed_origin(const struct http_call *c)
{
    struct wd_str origin = http_head_field(c->head, "Origin");

    for (const char *const *o = c->server->options.origins; origin.n && o && *o; o++)
        if (strcmp(*o, "*") == 0 || wd_str_eq(origin, wd_str_c(*o)))
            return origin;
    return WD_NONE;
}

static void
add_date(struct evbuffer *out)
{
    struct wd_buf date wd_auto(wd_buf_done) = { 0 };

    wd_date_rfc5322_add(&date, wd_now_ms(), 0);
    /* RFC 9110 §5.6.7: two digits of day, and GMT. */
    if (date.n > 6 && date.p[6] == ' ')
        evbuffer_add_printf(out, "Date: %.5s0%.*sGMT\r\n", date.p, (int)date.n - 5 - 5, date.p + 5);
    else
        evbuffer_add_printf(out, "Date: %.*sGMT\r\n", (int)date.n - 5, date.p);
}

static void
add_connection(struct http_call *c, const struct http_reply *r, struct evbuffer *out)
{
    struct http_conn *conn = c->conn;

    http_intake_settle(c);
    if (r->length == HTTP_UNKNOWN_LENGTH && c->head->http10)
        conn->keep_alive = false; /* its end is the connection's */
    c->chunked = r->length == HTTP_UNKNOWN_LENGTH && !c->head->http10;
    if (c->server->draining)
        conn->keep_alive = false;
    if (!conn->keep_alive)
        evbuffer_add_printf(out, "Connection: close\r\n");
    else if (c->head->http10)
        evbuffer_add_printf(out, "Connection: keep-alive\r\n");
    if (c->chunked)
        evbuffer_add_printf(out, "Transfer-Encoding: chunked\r\n");
    else if (r->length >= 0 && r->status != 204)
        evbuffer_add_printf(out, "Content-Length: %lld\r\n", (long long)r->length);
}

static void
add_cors(const struct http_call *c, struct evbuffer *out)
{
    struct wd_str origin = allowed_origin(c);

    if (c->route)
        evbuffer_add_printf(out, "Vary: origin,access-control-request-method,access-control-request-headers\r\n");
    if (origin.n)
        evbuffer_add_printf(out,
                            "Access-Control-Allow-Origin: %.*s\r\n"
                            "Access-Control-Expose-Headers: api-version,content-length,content-md5,content-type,date,"
                            "request-id,response-time\r\n",
                            WD_FMT(origin));
}

void
http_reply_head(struct http_call *c, const struct http_reply *r)
{
    struct evbuffer *out = wd_conn_out(c->conn->net);

    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nServer: wd\r\n", r->status, phrase(r->status));
    add_date(out);
    if (r->type)
        evbuffer_add_printf(out, "Content-Type: %s\r\n", r->type);
    if (r->headers)
        evbuffer_add(out, r->headers, strlen(r->headers));
    add_connection(c, r, out);
    add_cors(c, out);
    evbuffer_add(out, "\r\n", 2);
    c->began = true;
}

void
http_reply_json(struct http_call *c, int status, const json_t *body, bool charset, const char *headers)
{
    char *text = json_dumps(body, JSON_INDENT(2));
    struct evbuffer *out = wd_conn_out(c->conn->net);
    struct http_reply r = {
        .status = status,
        .type = charset ? "application/json; charset=utf-8" : "application/json",
        .length = (int64_t)strlen(text) + 1,
        .headers = headers,
    };

    http_reply_head(c, &r);
    if (c->head->method != HTTP_HEAD) {
        evbuffer_add(out, text, strlen(text));
        evbuffer_add(out, "\n", 1);
    }
    free(text);
    http_call_done(c);
}

void
http_refuse(struct http_call *c, int status, const char *code, const char *message)
{
    json_t *body = json_object();

    c->server->failures++;
    json_object_set_new(body, "code", json_string(code));
    json_object_set_new(body, "message", json_string(message));
    http_reply_json(c, status, body, false, NULL);
    json_decref(body);
}

void
http_refuse_method(struct http_call *c, unsigned methods)
{
    struct wd_buf allow wd_auto(wd_buf_done) = { 0 };
    json_t *body = json_object();

    for (unsigned m = 0; m < HTTP_OTHER; m++)
        if (methods & 1u << m)
            wd_buf_printf(&allow, "%s%s", allow.n ? ", " : "Allow: ", http_method_name((enum http_method)m));
    wd_buf_c(&allow, "\r\n");
    wd_buf_chr(&allow, '\0');
    json_object_set_new(body, "code", json_string("MethodNotAllowed"));
    json_object_set_new(body, "message", json_string("this method is not allowed here"));
    http_reply_json(c, 405, body, false, allow.p);
    json_decref(body);
}

void
http_reply_preflight(struct http_call *c)
{
    struct wd_str method = http_head_field(c->head, "Access-Control-Request-Method");
    struct wd_str headers = wd_arena_printf(
        c->arena,
        "Access-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: %.*s,OPTIONS\r\n"
        "Access-Control-Allow-Headers: X-Access-Token,Authorization,accept,accept-version,content-type,request-id,"
        "origin,x-api-version,x-request-id,x-requested-with\r\n",
        WD_FMT(wd_str_part(method, 0, 32)));
    struct http_reply r = { .status = 204, .headers = allowed_origin(c).n ? headers.p : NULL };

    http_reply_head(c, &r);
    http_call_done(c);
}

/* ---- streams ---- */

void
http_stream_begin(struct http_call *c, const char *type, int64_t length, const char *headers)
{
    struct http_reply r = { .status = 200, .type = type, .length = length, .headers = headers };

    http_reply_head(c, &r);
}

void
http_stream_write(struct http_call *c, struct wd_str bytes)
{
    struct evbuffer *out = wd_conn_out(c->conn->net);

    if (bytes.n == 0)
        return; /* an empty chunk would be the end */
    if (c->chunked)
        evbuffer_add_printf(out, "%zx\r\n", bytes.n);
    evbuffer_add(out, bytes.p, bytes.n);
    if (c->chunked)
        evbuffer_add(out, "\r\n", 2);
}

void
http_stream_more(struct http_call *c, http_run *more)
{
    c->more = more;
    http_conn_step(c->conn);
}

void
http_stream_end(struct http_call *c)
{
    if (c->chunked)
        wd_conn_write(c->conn->net, WD_STR("0\r\n\r\n"));
    http_call_done(c);
}

void
http_stream_cut(struct http_call *c)
{
    c->conn->keep_alive = false;
    http_call_done(c);
}
