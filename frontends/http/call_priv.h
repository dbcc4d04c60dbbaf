/* frontends/http/call_priv.h – the stages of a call, between conn.c, serve.c, intake.c, reply.c and call.c. */
#ifndef WD_HTTP_CALL_PRIV_H
#define WD_HTTP_CALL_PRIV_H
#include "frontends/http/call.h"
#include "frontends/http/body.h"
#include "frontends/http/conn.h"
#include "frontends/http/params.h"

/* ---- call.c ---- */

/** A call for a head that lives in the arena, which the call takes over. */
struct http_call *http_call_new(struct http_conn *conn, struct wd_arena *arena, const struct http_head *head);
/** The end: nothing of it runs any more. */
void http_call_free(struct http_call *c);
/** The answer is complete: frees the call and lets the connection go on. */
void http_call_done(struct http_call *c);

/* ---- serve.c ---- */

/** Finds the route and asks for the token; the body is not read yet. */
void http_serve(struct http_call *c);
/** The body is there: parameters, permission, and the route's own work. */
void http_serve_body(struct http_call *c);
/** Does the role have the route's permission, for that user? False: it was refused. */
bool http_may(struct http_call *c, const char *user);

/* ---- token.c ---- */

/** Whose token it is; then http_serve_known(). */
void http_token_check(struct http_call *c);
void http_serve_known(struct http_call *c);

/* ---- intake.c: the body is kept, uploaded, or dropped ---- */

/** Ready to take the body. False: it was refused. */
bool http_intake_open(struct http_call *c);
/** Takes what is there. Returns true when it moved on, false when it waits for input or the store. */
bool http_intake_step(struct http_call *c);
/** What was kept, in one piece. */
struct wd_str http_intake_bytes(const struct http_call *c);
enum http_body_kind http_intake_kind(const struct http_call *c);
/** Before an answer: says in conn->keep_alive when what is left of the body is not worth reading, or may never come. */
void http_intake_settle(struct http_call *c);
/** What is left of a body that nobody wants, for http_intake_skip(); NULL: nothing, or the connection ends. */
struct http_intake *http_intake_rest(struct http_call *c);
/** Drops what is there. */
enum http_body_state http_intake_skip(struct http_intake *in, struct evbuffer *from);
void http_intake_free(struct http_intake *in);

/* ---- reply.c ---- */

struct http_reply {
    int status;
    const char *type;    /* NULL: none */
    int64_t length;      /* HTTP_UNKNOWN_LENGTH: chunked, or until the end of the connection */
    const char *headers; /* further lines, or NULL */
};

/** Writes status line and fields. */
void http_reply_head(struct http_call *c, const struct http_reply *r);
/** A whole answer in JSON; charset: the type says utf-8. The call is gone. */
void http_reply_json(struct http_call *c, int status, const json_t *body, bool charset, const char *headers);
/** 204 to a browser that asks what it may send. The call is gone. */
void http_reply_preflight(struct http_call *c);
/** 415 to what is no preflight: "Allow: GET, POST". The call is gone. */
void http_refuse_method(struct http_call *c, unsigned methods);
#endif
